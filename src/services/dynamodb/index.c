/* Entries of secondary indexes. */
#include "services/dynamodb/index.h"

#include "services/dynamodb/key_paths.h"

enum { MAX_ENTRY_KEY = 64 * 1024 };

/* An item that was there before the index may have a value that no key can have. */
static bool has_part(const struct ddb_key_part *part, size_t max_bytes,
                     const struct ddb_value *item)
{
    const struct ddb_value *value = ddb_map_get(item, part->name);
    return value && value->type == part->type &&
           (value->type == DDB_N || (value->text.len > 0 && value->text.len <= max_bytes));
}

static bool takes(const struct ddb_index *index, const struct ddb_value *item)
{
    const struct ddb_keys *keys = &index->keys;
    for (size_t i = 0; i < keys->count; i++) {
        if (!has_part(&keys->parts[i],
                      i < keys->hash_count ? DDB_MAX_HASH_BYTES : DDB_MAX_RANGE_BYTES, item))
            return false;
    }
    return true;
}

struct str ddb_index_key(struct arena *arena, const struct ddb_table *table,
                         const struct ddb_index *index, const struct ddb_value *item)
{
    struct buf key;
    buf_init_arena(&key, arena, MAX_ENTRY_KEY);
    buf_add(&key, ddb_item_key(arena, &index->keys, item));
    ddb_add_primary(&table->keys, item, &key);
    return buf_str(&key);
}

bool ddb_index_has(const struct ddb_table *table, const struct ddb_index *index, struct str name)
{
    if (index->projected == DDB_PROJECTED_ALL || ddb_is_key(&index->keys, name) ||
        ddb_is_key(&table->keys, name))
        return true;
    for (size_t i = 0; i < index->included_count; i++) {
        if (str_eq(index->included[i], name))
            return true;
    }
    return false;
}

static void project(const struct ddb_table *table, const struct ddb_index *index,
                    const struct ddb_value *item, struct arena *arena, struct ddb_value *out)
{
    if (index->projected == DDB_PROJECTED_ALL) {
        *out = *item;
        return;
    }
    *out = (struct ddb_value){.type = DDB_M};
    out->map = arena_array(arena, struct ddb_entry, item->count);
    for (size_t i = 0; i < item->count; i++) {
        if (ddb_index_has(table, index, item->map[i].name))
            out->map[out->count++] = item->map[i];
    }
}

void ddb_index_entry(const struct ddb_table *table, const struct ddb_index *index,
                     const struct ddb_value *item, struct arena *arena, struct ddb_entry_write *out)
{
    *out = (struct ddb_entry_write){.key = STR_EMPTY};
    if (!item || !takes(index, item))
        return;
    out->key = ddb_index_key(arena, table, index, item);
    project(table, index, item, arena, &out->item);
    out->size = ddb_item_size(&out->item);
}

/* --- Time to live --- */

static void add_time(struct buf *key, const struct ddb_table *table, const struct ddb_value *time,
                     struct arena *arena)
{
    buf_init_arena(key, arena, MAX_ENTRY_KEY);
    buf_add(key, ddb_keys_prefix(arena, table->ttl_id));
    ddb_key_encode(time, key);
}

struct str ddb_expiry_key(struct arena *arena, const struct ddb_table *table,
                          const struct ddb_value *item)
{
    struct buf key;
    const struct ddb_value *time = item ? ddb_map_get(item, table->ttl_attribute) : NULL;
    if (table->ttl_attribute.len == 0 || !time || time->type != DDB_N)
        return STR_EMPTY;
    add_time(&key, table, time, arena);
    ddb_add_primary(&table->keys, item, &key);
    return buf_str(&key);
}

static struct str time_key(struct arena *arena, const struct ddb_table *table, int64_t seconds)
{
    struct buf key;
    struct str text = arena_printf(arena, "%lld", (long long)seconds);
    struct ddb_value time = {.type = DDB_N, .text = text};
    add_time(&key, table, &time, arena);
    return buf_str(&key);
}

void ddb_expiry_range(struct arena *arena, const struct ddb_table *table, int64_t from_s,
                      int64_t to_s, struct str *out_start, struct str *out_end)
{
    *out_start = time_key(arena, table, from_s);
    *out_end = store_prefix_end(arena, time_key(arena, table, to_s));
}
