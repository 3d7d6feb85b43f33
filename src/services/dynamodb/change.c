/* Changes of items, with their index entries and figures. */
#include "services/dynamodb/change.h"

#include "services/dynamodb/journal.h"
#include "services/dynamodb/stream.h"

static const uint64_t max_collection_bytes = (uint64_t)DDB_COLLECTION_MAX_GB << 30;

bool ddb_change_needs_old(const struct ddb_table *table)
{
    return table->index_count || table->ttl_attribute.len || table->stream_id || table->journal_id;
}

/* --- Indexes --- */

/* While an index is filled, an old entry may not be there yet, and a new one may be. */
static enum err is_there(struct store_txn *txn, const struct ddb_index *index, struct str key,
                         bool expected, struct arena *arena, bool *out, struct error *error)
{
    struct str value;
    *out = expected;
    return index->is_filling && key.len
               ? store_txn_get(txn, STORE_ITEMS, key, arena, out, &value, error)
               : OK;
}

static uint64_t units_of_entries(const struct ddb_entry_write *old,
                                 const struct ddb_entry_write *new, bool is_same)
{
    if (is_same)
        return ddb_write_half_units(old->size > new->size ? old->size : new->size);
    return (old->key.len ? ddb_write_half_units(old->size) : 0) +
           (new->key.len ? ddb_write_half_units(new->size) : 0);
}

/* `*bytes` grows by what the index grew. */
static enum err change_entry(struct dynamodb *dynamodb, struct store_txn *txn,
                             struct ddb_change *change, const struct ddb_index *index,
                             struct arena *arena, int64_t *bytes, struct error *error)
{
    struct ddb_entry_write old, new;
    bool had_old = false, had_new = false;
    ddb_index_entry(change->table, index, change->old_item, arena, &old);
    ddb_index_entry(change->table, index, change->new_item, arena, &new);
    bool is_same = old.key.len && str_eq(old.key, new.key);
    enum err rc = is_there(txn, index, old.key, old.key.len > 0, arena, &had_old, error);
    if (rc == OK && !is_same)
        rc = is_there(txn, index, new.key, false, arena, &had_new, error);
    if (rc || (!old.key.len && !new.key.len))
        return rc;
    if (is_same && had_old && ddb_value_equal(&old.item, &new.item))
        return OK;

    if (old.key.len && !is_same)
        store_txn_delete(txn, STORE_ITEMS, old.key);
    if (new.key.len)
        store_txn_put(txn, STORE_ITEMS, new.key, ddb_stored_make(arena, &new.item, new.size));
    int64_t items = (new.key.len && !(is_same ? had_old : had_new)) - (had_old && !is_same);
    int64_t grown =
        (new.key.len && !had_new ? (int64_t) new.size : 0) - (had_old ? (int64_t)old.size : 0);
    ddb_stats_change(dynamodb, index->stats, items, grown);
    ddb_capacity_add_index(&change->capacity, index, units_of_entries(&old, &new, is_same), arena);
    *bytes += grown;
    return OK;
}

enum err ddb_change_fill(struct dynamodb *dynamodb, struct store_txn *txn,
                         const struct ddb_table *table, const struct ddb_index *index,
                         const struct ddb_value *item, struct arena *arena, struct error *error)
{
    struct ddb_entry_write entry;
    struct str value;
    bool found = false;
    ddb_index_entry(table, index, item, arena, &entry);
    if (entry.key.len == 0)
        return OK;
    enum err rc = store_txn_get(txn, STORE_ITEMS, entry.key, arena, &found, &value, error);
    if (rc || found)
        return rc;
    store_txn_put(txn, STORE_ITEMS, entry.key, ddb_stored_make(arena, &entry.item, entry.size));
    ddb_stats_change(dynamodb, index->stats, 1, (int64_t)entry.size);
    return OK;
}

/* --- Item collections --- */

static struct str collection_key(const struct ddb_change *change, struct arena *arena)
{
    const struct ddb_value *item = change->new_item ? change->new_item : change->old_item;
    struct ddb_keys keys = {.id = change->table->collections_id,
                            .parts = change->table->keys.parts,
                            .hash_count = 1,
                            .count = 1};
    return ddb_item_key(arena, &keys, item);
}

static enum err collection_size(struct store_txn *txn, struct str key, struct arena *arena,
                                uint64_t *out, struct error *error)
{
    struct str value;
    bool found;
    *out = 0;
    enum err rc = store_txn_get(txn, STORE_ITEMS, key, arena, &found, &value, error);
    if (rc == OK && found && value.len == sizeof(*out))
        memcpy(out, value.ptr, sizeof(*out));
    return rc;
}

enum err ddb_change_check(struct store_txn *txn, const struct ddb_change *change,
                          struct arena *arena, struct error *error)
{
    uint64_t size;
    if (!change->table->collections_id || !change->new_item)
        return OK;
    enum err rc = collection_size(txn, collection_key(change, arena), arena, &size, error);
    if (rc == OK && size + change->new_size > max_collection_bytes)
        rc = error_set(error, ERR_DDB_ITEM_COLLECTION_SIZE,
                       "Collection size exceeded. Item collections that have local secondary "
                       "indexes may not exceed %d GB",
                       DDB_COLLECTION_MAX_GB);
    return rc;
}

static enum err change_collection(struct store_txn *txn, struct ddb_change *change, int64_t bytes,
                                  struct arena *arena, struct error *error)
{
    struct str key = collection_key(change, arena);
    uint64_t size;
    enum err rc = collection_size(txn, key, arena, &size, error);
    if (rc)
        return rc;
    size = (uint64_t)((int64_t)size + bytes);
    change->collection_bytes = size;
    if (size)
        store_txn_put(txn, STORE_ITEMS, key, str_make((const char *)&size, sizeof(size)));
    else
        store_txn_delete(txn, STORE_ITEMS, key);
    return OK;
}

/* --- Time to live --- */

static void change_expiry(struct store_txn *txn, const struct ddb_change *change,
                          struct arena *arena)
{
    struct str old = ddb_expiry_key(arena, change->table, change->old_item);
    struct str new = ddb_expiry_key(arena, change->table, change->new_item);
    if (str_eq(old, new))
        return;
    if (old.len)
        store_txn_delete(txn, STORE_ITEMS, old);
    if (new.len)
        store_txn_put(txn, STORE_ITEMS, new, change->key);
}

/* --- All of it --- */

static enum err change_indexes(struct dynamodb *dynamodb, struct store_txn *txn,
                               struct ddb_change *change, struct arena *arena, struct error *error)
{
    const struct ddb_table *table = change->table;
    int64_t local_bytes = (int64_t)change->new_size - (int64_t)change->old_size, global_bytes = 0;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < table->index_count; i++) {
        const struct ddb_index *index = &table->indexes[i];
        rc = change_entry(dynamodb, txn, change, index, arena,
                          index->is_global ? &global_bytes : &local_bytes, error);
    }
    if (rc == OK && table->collections_id && (change->old_item || change->new_item))
        rc = change_collection(txn, change, local_bytes, arena, error);
    return rc;
}

enum err ddb_change_apply(struct dynamodb *dynamodb, struct store_txn *txn,
                          struct ddb_change *change, struct arena *arena, struct error *error)
{
    const struct ddb_table *table = change->table;
    size_t larger = change->old_size > change->new_size ? change->old_size : change->new_size;
    change->capacity.table = table;
    change->capacity.table_half = ddb_write_half_units(larger);
    change->capacity.is_write = true;
    if (!change->has_old && !change->new_item)
        return OK;
    if (change->new_item)
        store_txn_put(txn, STORE_ITEMS, change->key,
                      ddb_stored_make(arena, change->new_item, change->new_size));
    else
        store_txn_delete(txn, STORE_ITEMS, change->key);
    ddb_stats_change(dynamodb, table->stats, (change->new_item != NULL) - change->has_old,
                     (int64_t)change->new_size - (int64_t)change->old_size);
    change_expiry(txn, change, arena);
    if (table->stream_id)
        ddb_stream_record(dynamodb, txn, change, arena);
    if (table->journal_id)
        ddb_journal_write(dynamodb, txn, change, arena);
    return change_indexes(dynamodb, txn, change, arena, error);
}

enum err ddb_change_adopt(struct dynamodb *dynamodb, struct store_txn *txn,
                          const struct ddb_table *table, const struct ddb_value *item, size_t size,
                          struct arena *arena, struct error *error)
{
    struct ddb_change change = {.table = table, .new_item = item, .new_size = size};
    change.capacity.table = table;
    ddb_stats_change(dynamodb, table->stats, 1, (int64_t)size);
    return change_indexes(dynamodb, txn, &change, arena, error);
}
