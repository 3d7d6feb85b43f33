/* The change of one item and of everything that follows it: index entries, figures, item
 * collections, time to live. On the writer thread, in one transaction. */
#pragma once

#include "services/dynamodb/capacity.h"
#include "services/dynamodb/index.h"

struct ddb_change {
    const struct ddb_table *table;    /* as the writer has it now */
    struct str key;                   /* in the store */
    const struct ddb_value *old_item; /* NULL: there was none, or nobody needs it */
    const struct ddb_value *new_item; /* NULL: deleted */
    bool has_old;
    size_t old_size, new_size;
    bool is_expiry; /* by time to live, not by a caller */

    /* Filled by ddb_change_apply. */
    struct ddb_capacity capacity;
    uint64_t collection_bytes; /* of the item collection, when the table has local indexes */
};

enum { DDB_COLLECTION_MAX_GB = 10 };

/* Whether ddb_change_apply needs the old item itself, and not only its size. */
bool ddb_change_needs_old(const struct ddb_table *table);

/* Whether the item collection has room for the change. ERR_DDB_ITEM_COLLECTION_SIZE. */
enum err ddb_change_check(struct store_txn *txn, const struct ddb_change *change,
                          struct arena *arena, struct error *error);

/* Carries it out. What can refuse it is checked before; it fails only when the store does. */
enum err ddb_change_apply(struct dynamodb *dynamodb, struct store_txn *txn,
                          struct ddb_change *change, struct arena *arena, struct error *error);

/* Counts an item that was put under the table's id as it is, and makes all that belongs to it. */
enum err ddb_change_adopt(struct dynamodb *dynamodb, struct store_txn *txn,
                          const struct ddb_table *table, const struct ddb_value *item, size_t size,
                          struct arena *arena, struct error *error);

/* Adds the index entry of an item that was there before the index, unless it is there. */
enum err ddb_change_fill(struct dynamodb *dynamodb, struct store_txn *txn,
                         const struct ddb_table *table, const struct ddb_index *index,
                         const struct ddb_value *item, struct arena *arena, struct error *error);
