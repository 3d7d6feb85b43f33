/* Making and changing the definitions of tables. */
#pragma once

#include "services/dynamodb/table.h"

/* A definition being made: a JSON document in an arena. */
struct ddb_draft {
    struct arena *arena;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
};

/* An empty one, or (with a table) a copy of the table's. */
void ddb_draft_start(struct ddb_draft *draft, const struct ddb_table *table, struct arena *arena);

/* Sets a member, replacing the one that is there. */
void ddb_draft_set(struct ddb_draft *draft, const char *key, yyjson_mut_val *value);
void ddb_draft_set_i64(struct ddb_draft *draft, const char *key, int64_t value);
void ddb_draft_set_copy(struct ddb_draft *draft, const char *key, const yyjson_val *value);
void ddb_draft_remove(struct ddb_draft *draft, const char *key);

/* Stores and stages it; on the writer thread, as the last step. `out` may be NULL. */
enum err ddb_draft_store(struct ddb_draft *draft, struct dynamodb *dynamodb, struct store_txn *txn,
                         struct ddb_table **out, struct error *error);

/* Fills in what a new table has: ids, key, indexes, billing and the rest as `input` (CreateTable's)
 * says. On the writer thread. */
enum err ddb_draft_create(struct ddb_draft *draft, struct request *request, struct store_txn *txn,
                          const yyjson_val *input, struct str name);

/* Adds a checked index of CreateTable or UpdateTable to a list of the draft, with a new id. */
enum err ddb_draft_add_index(struct ddb_draft *draft, struct request *request,
                             struct store_txn *txn, const char *list, const yyjson_val *index,
                             bool is_filling, uint64_t *out_id);

/* Sets "SSEDescription" as a checked SSESpecification wants it. */
void ddb_draft_encrypt(struct ddb_draft *draft, struct request *request,
                       const yyjson_val *specification);

/* A change of a table's definition by a request, on the writer thread: started with the table that
 * the request named, finished after the draft was edited. Both snapshots last as long as the
 * request. */
struct ddb_alteration {
    const struct ddb_table *before, *after;
    struct ddb_draft draft;
};
enum err ddb_alter_start(struct request *request, const struct ddb_table *table,
                         struct ddb_alteration *alteration);
enum err ddb_alter_finish(struct request *request, struct store_txn *txn,
                          struct ddb_alteration *alteration);

/* --- Checks of what requests want --- */

/* Key, indexes and billing of CreateTable's input, as far as its shape does not say. */
enum err ddb_check_definition(struct request *request, const yyjson_val *input);

/* One global index, of UpdateTable. */
enum err ddb_check_new_index(struct request *request, const yyjson_val *index,
                             const yyjson_val *attributes, bool is_on_demand);

/* Whether units are within what AWS takes. */
enum err ddb_check_throughput(struct request *request, const yyjson_val *throughput);

/* Whether StreamSpecification fits together. */
enum err ddb_check_stream(struct request *request, const yyjson_val *specification);
