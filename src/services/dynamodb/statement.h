/* PartiQL statements against tables: what ExecuteStatement, BatchExecuteStatement and
 * ExecuteTransaction share. */
#pragma once

#include "services/dynamodb/operations.h"
#include "services/dynamodb/partiql.h"

/* Parses "Statement" with "Parameters" of `input`, finds its table and checks the permission. */
enum err ddb_statement_read(struct request *request, const yyjson_val *input,
                            struct ddb_statement *out, const struct ddb_table **out_table);

bool ddb_statement_is_read(const struct ddb_statement *statement);

/* What a WHERE clause says of a key. */
struct ddb_where {
    const struct ddb_value **hashes; /* the partition keys it allows; none: any */
    size_t hash_count;
    struct ddb_key_range range; /* its comparison, without hash */
    bool is_whole_key;          /* one hash, and equality of the sort key when there is one */
    bool is_key_only;           /* it says nothing else */
};
enum err ddb_where_read(const struct ddb_keys *keys, const struct ddb_condition *where,
                        struct arena *arena, struct ddb_where *out, struct error *error);

/* The write that a statement is, prepared. */
enum err ddb_statement_write(struct request *request, const struct ddb_statement *statement,
                             const struct ddb_table *table, const yyjson_val *input,
                             struct ddb_write *out);

/* The get that a SELECT of one item is, prepared. `filter` is what it says beside the key. */
enum err ddb_statement_get(struct request *request, const struct ddb_statement *statement,
                           const struct ddb_table *table, struct ddb_get *out,
                           const struct ddb_condition **out_filter);

/* What RETURNING asks for after the write, or NULL. */
const struct ddb_value *ddb_statement_returned(struct arena *arena,
                                               const struct ddb_statement *statement,
                                               const struct ddb_write *write);
