/* One write of an item, whatever operation it comes from: read on the loop, checked and carried out
 * by the writer thread. A write function first checks all its writes, then applies them, so that
 * nothing fails half done. */
#pragma once

#include "services/dynamodb/change.h"
#include "services/dynamodb/expression.h"

enum ddb_write_kind { DDB_PUT, DDB_UPDATE, DDB_DELETE, DDB_CHECK };

struct ddb_write {
    enum ddb_write_kind kind;
    const struct ddb_table
        *table;            /* of the request; from ddb_write_check on, as the writer has it */
    struct str key;        /* in the store */
    struct ddb_value item; /* of a put: the new item; otherwise the key attributes */
    const struct ddb_condition *condition; /* NULL: none */
    const struct ddb_update *update;       /* of an update */
    bool wants_old;                        /* the old item is part of the answer */
    bool returns_old_on_failure;
    bool is_insert; /* a failed condition is ERR_DDB_DUPLICATE_ITEM */

    /* Filled by the writer. */
    struct ddb_value old_item, new_item;
    struct ddb_change change;
};

/* Reads the old item, checks the condition and makes the new item. ERR_DDB_CONDITIONAL_CHECK_FAILED
 * (with the old item as the error's members when that was wanted), ERR_VALIDATION,
 * ERR_DDB_RESOURCE_NOT_FOUND when the table is gone. `arena` must last until the answer is made. */
enum err ddb_write_check(struct dynamodb *dynamodb, struct store_txn *txn, struct ddb_write *write,
                         struct arena *arena, struct error *error);

/* Carries out a checked write. */
enum err ddb_write_apply(struct dynamodb *dynamodb, struct store_txn *txn, struct ddb_write *write,
                         struct arena *arena, struct error *error);

/* On the loop, when everything is filled in that the request gives: checks key and item against the
 * table and makes the store key. */
enum err ddb_write_prepare(struct ddb_write *write, struct arena *arena, struct error *error);

/* The attributes that the update's paths name, or NULL when there are none. */
const struct ddb_value *ddb_updated_part(struct arena *arena, const struct ddb_update *update,
                                         const struct ddb_value *item);

/* Whether two writes are of the same item. */
bool ddb_write_is_same(const struct ddb_write *a, const struct ddb_write *b);

/* Adds `"ItemCollectionMetrics":{"Table":[...]}` for the writes of tables with local indexes;
 * nothing when there are none. */
void ddb_add_all_collection_metrics(struct buf *out, const struct ddb_write *const *writes,
                                    size_t count);

/* Adds `{"ItemCollectionKey":{...},"SizeEstimateRangeGB":[0.0,1.0]}`, of a table with local
 * indexes. */
void ddb_add_collection_metrics(struct buf *out, const struct ddb_write *write);
