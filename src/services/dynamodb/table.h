/* Table definitions. A struct ddb_table is an immutable snapshot, shared by reference count; the
 * definition as JSON is in the store under "dynamodb/table/NAME".
 *
 * The writer thread is ahead of what requests see: a definition that a write function has changed
 * is staged, seen at once by the write functions behind it, and published when the batch is
 * durable. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "core/request.h"
#include "core/skylite.h"
#include "services/dynamodb/value.h"

enum { DDB_MAX_HASH_BYTES = 2048, DDB_MAX_RANGE_BYTES = 1024 };

/* The attributes of a global index's key: four of each kind. */
enum { DDB_MAX_PARTS_OF_A_KIND = 4, DDB_MAX_KEY_PARTS = 2 * DDB_MAX_PARTS_OF_A_KIND };

struct ddb_key_part {
    struct str name; /* empty: there is no such part */
    enum ddb_type type;
};

/* The key of a table or an index, and the id that its store keys start with. */
struct ddb_keys {
    uint64_t id;
    struct ddb_key_part hash, range;  /* the first of each kind */
    const struct ddb_key_part *parts; /* all of them, those of the partition key first */
    size_t hash_count, count;
};

struct ddb_metrics;

/* Live figures of a table or an index. What the writer has changed in a batch becomes visible when
 * the batch is durable. */
struct ddb_stats {
    uint64_t id;
    _Atomic int64_t item_count;
    _Atomic int64_t size_bytes;

    struct ddb_metrics *metrics; /* of a table; NULL where none are kept */

    int64_t pending_items, pending_bytes; /* the writer's own */
    bool is_pending;
    struct ddb_stats *next_pending;
};

enum ddb_projected { DDB_PROJECTED_ALL, DDB_PROJECTED_KEYS, DDB_PROJECTED_SOME };

struct ddb_index {
    struct ddb_keys keys;
    struct str name;
    bool is_global;
    bool is_filling; /* items that were there before it are still being added */
    enum ddb_projected projected;
    struct str *included; /* names, of DDB_PROJECTED_SOME */
    size_t included_count;
    struct ddb_stats *stats;
    yyjson_val *definition;
};

enum ddb_view { DDB_VIEW_KEYS, DDB_VIEW_NEW, DDB_VIEW_OLD, DDB_VIEW_BOTH };

struct ddb_table {
    atomic_uint refs;
    struct arena arena; /* holds all of it */
    struct ddb_keys keys;
    struct str name;
    bool is_protected;
    bool is_ready;             /* false while it is restored */
    struct ddb_index *indexes; /* local ones first */
    size_t index_count, local_count;
    uint64_t collections_id; /* sizes of item collections; 0: no local index */
    uint64_t stream_id;      /* 0: no stream that takes records */
    enum ddb_view view;
    struct str ttl_attribute; /* empty: nothing expires */
    uint64_t ttl_id;          /* its entries by time */
    uint64_t journal_id;      /* 0: no point-in-time recovery */
    yyjson_val *definition;   /* as stored */
    struct ddb_stats *stats;
};

struct ddb_staged {
    struct str name;
    struct ddb_table *table; /* NULL: deleted */
    struct ddb_staged *next;
};

struct dynamodb {
    struct skylite *skylite;
    pthread_rwlock_t lock; /* guards the maps */
    struct map tables;     /* name to struct ddb_table */
    struct map stats;      /* id in decimal to struct ddb_stats; kept until the end */

    /* The writer's own. */
    struct store_observer observer;
    struct arena staged_arena;
    struct ddb_staged *staged;
    struct ddb_stats *pending_stats;

    _Atomic(struct metric_series *) user_errors; /* of the account; opened with the first */

    _Atomic uint64_t last_sequence; /* of streams; moved by the writer */

    atomic_bool has_policies; /* a table had a resource policy since the start */

    atomic_bool is_closing;               /* background work is not continued */
    atomic_bool is_expiring, is_trimming; /* such a job is under way */
    int64_t next_trim_ms;                 /* the timer's own */
    pthread_mutex_t stalled_lock;
    struct ddb_job *stalled; /* guarded: jobs that met a full disk */
};

/* Makes a snapshot of a stored definition. ERR_INTERNAL when it cannot be read. */
enum err ddb_table_load(struct dynamodb *dynamodb, struct str definition, struct ddb_table **out,
                        struct error *error);
void ddb_table_unref(struct ddb_table *table);

/* The table with that name as requests see it, with a reference; NULL when there is none. */
struct ddb_table *ddb_table_ref(struct dynamodb *dynamodb, struct str name);

/* Has the reference given back when the arena ends. */
void ddb_table_keep(struct arena *arena, const struct ddb_table *table);

/* Puts the snapshot in (taking over the reference). Any thread. */
void ddb_table_publish(struct dynamodb *dynamodb, struct ddb_table *table);

/* --- On the writer thread --- */

/* The table as the writer has it now, with a reference: NULL when there is none, or another one of
 * that name (`id` 0: any). */
struct ddb_table *ddb_table_now(struct dynamodb *dynamodb, struct str name, uint64_t id);

/* Stores a definition (a copy of which becomes the snapshot) and stages it. As the last thing that
 * a write function does: staging is not undone when it fails. The snapshot is borrowed. */
enum err ddb_table_store(struct dynamodb *dynamodb, struct store_txn *txn, struct str definition,
                         struct ddb_table **out, struct error *error);
void ddb_table_remove(struct dynamodb *dynamodb, struct store_txn *txn, struct str name);

/* The next id for a table, an index or what else needs a key space of its own. Ids are never used
 * twice, so that a new table never sees the items of an old one. */
enum err ddb_next_id(struct store_txn *txn, struct arena *arena, uint64_t *out,
                     struct error *error);

/* The observer's functions: store the figures; publish what was staged, or forget it. */
void ddb_batch_ending(struct store_observer *observer, struct store_txn *txn);
void ddb_batch_ended(struct store_observer *observer, enum err rc);

/* --- Figures --- */

/* Counts a change; the new figures are stored at the end of the batch. On the writer thread; never
 * before something that may still fail. */
void ddb_stats_change(struct dynamodb *dynamodb, struct ddb_stats *stats, int64_t items,
                      int64_t bytes);
enum err ddb_stats_load(struct dynamodb *dynamodb, uint64_t id, struct ddb_stats **out,
                        struct error *error);
/* Forgets the stored figures of what was deleted. */
void ddb_stats_delete(struct store_txn *txn, uint64_t id);
/* Stores what a batch has changed. */
void ddb_stats_store(struct dynamodb *dynamodb, struct store_txn *txn);
/* Makes a batch's changes visible, or drops them. */
void ddb_stats_settle(struct dynamodb *dynamodb, bool is_durable);

/* --- For requests --- */

/* The table a request names by "TableName" (a name or an ARN), held until the request ends.
 * ERR_VALIDATION or ERR_DDB_RESOURCE_NOT_FOUND in `request->error`. */
enum err ddb_table_of_request(struct request *request, const struct ddb_table **out);
/* The same by a name or ARN, for data operations: "Requested resource not found". */
enum err ddb_table_by_name(struct request *request, struct str name, const struct ddb_table **out);
/* The same for operations on tables, which tell the name and see tables that are not ready. */
enum err ddb_table_for_control(struct request *request, const struct ddb_table **out);

/* A table's name out of a name or an ARN of this account. */
enum err ddb_table_name_of(struct request *request, struct str given, struct str *out);

const struct ddb_index *ddb_table_index(const struct ddb_table *table, struct str name);

/* ARNs. */
struct str ddb_table_arn(const struct request *request, struct str name);
struct str ddb_index_arn(const struct request *request, struct str table, struct str index);

/* The row's resource for operations on one table, and on a table or its index. */
enum err ddb_table_resource(struct request *request, struct str *out_arn);
enum err ddb_index_resource(struct request *request, struct str *out_arn);

/* The part of a request that a permission is about, for operations on several tables or items:
 * `input` has the members of GetItem, PutItem and so on, or is a table's part of BatchGetItem or a
 * table's list of BatchWriteItem; `statement` is set for PartiQL instead. */
struct ddb_permission {
    const yyjson_val *input;
    const struct ddb_statement *statement;
};

/* Checks a permission on a table, of operations on several. */
enum err ddb_authorize_table(struct request *request, const char *action, struct str name,
                             const struct ddb_permission *permission);

/* Adds the members of TableDescription; fewer when the status is "DELETING" or "CREATING". */
void ddb_table_describe(struct request *request, const struct ddb_table *table, const char *status,
                        yyjson_mut_val *out);

struct str ddb_table_store_key(struct arena *arena, struct str name);
