/* Table definitions. A struct ddb_table is an immutable snapshot, shared by reference count; the
 * definition as JSON is in the store under "dynamodb/table/NAME". */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "core/request.h"
#include "core/skylite.h"
#include "services/dynamodb/value.h"

enum { DDB_MAX_HASH_BYTES = 2048, DDB_MAX_RANGE_BYTES = 1024 };

struct ddb_key_part {
    struct str name; /* empty: the table has no such part */
    enum ddb_type type;
};

/* Live figures of a table, changed by the writer thread only and stored with each write. */
struct ddb_stats {
    _Atomic int64_t item_count;
    _Atomic int64_t size_bytes;
};

struct ddb_table {
    atomic_uint refs;
    struct arena arena; /* holds all of it */
    uint64_t id;
    struct str name;
    struct ddb_key_part hash, range;
    bool is_protected;
    yyjson_val *definition; /* as stored */
    struct ddb_stats *stats;
};

struct dynamodb {
    struct skylite *skylite;
    pthread_rwlock_t lock; /* guards the maps */
    struct map tables;     /* name to struct ddb_table */
    struct map stats;      /* id in decimal to struct ddb_stats; kept until the end */
};

/* Makes a snapshot of a stored definition. ERR_INTERNAL when it cannot be read. */
enum err ddb_table_load(struct dynamodb *dynamodb, struct str definition, struct ddb_table **out,
                        struct error *error);
void ddb_table_unref(struct ddb_table *table);

/* Puts the snapshot in (taking over the reference) or takes a name out. Any thread. */
void ddb_table_publish(struct dynamodb *dynamodb, struct ddb_table *table);
void ddb_table_withdraw(struct dynamodb *dynamodb, struct str name);

/* The table a request names by "TableName" (a name or an ARN), held until the request ends.
 * ERR_VALIDATION or ERR_DDB_RESOURCE_NOT_FOUND in `request->error`. */
enum err ddb_table_of_request(struct request *request, const struct ddb_table **out);

/* The checked name in "TableName". */
enum err ddb_table_name(struct request *request, struct str *out);

/* The ARN of a table. */
struct str ddb_table_arn(const struct request *request, struct str name);

/* The row's resource for operations on one table. */
enum err ddb_table_resource(struct request *request, struct str *out_arn);

/* Adds the members of TableDescription. */
void ddb_table_describe(struct request *request, const struct ddb_table *table, const char *status,
                        yyjson_mut_val *out);

/* Store keys. */
struct str ddb_table_store_key(struct arena *arena, struct str name);

/* On the writer thread: counts a change of the table's contents and stores the new figures. */
void ddb_stats_change(struct store_txn *txn, const struct ddb_table *table, int64_t items,
                      int64_t bytes);
enum err ddb_stats_load(struct dynamodb *dynamodb, uint64_t table_id, struct ddb_stats **out,
                        struct error *error);
