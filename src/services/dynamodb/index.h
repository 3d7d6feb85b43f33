/* Secondary indexes. An index has an entry for each item that has its key attributes; the entry's
 * store key is the index's id, hash and key followed by the item's primary key, its value the
 * projected part of the item in the stored form. Entries change in the transaction of their item,
 * so that an index is never behind its table. */
#pragma once

#include "services/dynamodb/item.h"

/* The entry's store key, for an item that the index takes. */
struct str ddb_index_key(struct arena *arena, const struct ddb_table *table,
                         const struct ddb_index *index, const struct ddb_value *item);

/* Whether the attribute is in the index. */
bool ddb_index_has(const struct ddb_table *table, const struct ddb_index *index, struct str name);

/* An entry as it is written: of an item that has the index's key attributes, of the right types. */
struct ddb_entry_write {
    struct str key; /* empty: none */
    struct ddb_value item;
    size_t size;
};
void ddb_index_entry(const struct ddb_table *table, const struct ddb_index *index,
                     const struct ddb_value *item, struct arena *arena,
                     struct ddb_entry_write *out);

/* The entry that leads from an item's time to live to the item: its value is the item's store key.
 * Empty when the item does not expire. */
struct str ddb_expiry_key(struct arena *arena, const struct ddb_table *table,
                          const struct ddb_value *item);

/* All such entries with a time from `from_s` up to and including `to_s`. */
void ddb_expiry_range(struct arena *arena, const struct ddb_table *table, int64_t from_s,
                      int64_t to_s, struct str *out_start, struct str *out_end);
