/* Items in the store: their keys and their stored form, and what requests say about them.
 *
 * Key: table id (8 bytes, big-endian), hash of the partition key (8 bytes), the partition key, the
 * sort key. Both key parts are encoded so that bytes sort as values do and no key is a prefix of
 * another. Value: a version byte, the item's size by DynamoDB's accounting (4 bytes,
 * little-endian), the item as wire JSON without spaces. */
#pragma once

#include "services/dynamodb/expression.h"
#include "services/dynamodb/table.h"

/* The part of a store key that all items of a table or index share, or all with one partition key
 * (`hashes`: a value for each of its attributes). */
struct str ddb_keys_prefix(struct arena *arena, uint64_t id);
struct str ddb_partition_prefix(struct arena *arena, const struct ddb_keys *keys,
                                const struct ddb_value *const *hashes);

/* Adds the encoded form of a key attribute. */
void ddb_key_encode(const struct ddb_value *value, struct buf *out);

/* The hash that Scan's segments divide: the top 64 bits' place of a partition key. */
uint64_t ddb_key_hash(struct str encoded);

/* The store key of an item or a key that has been checked. */
struct str ddb_item_key(struct arena *arena, const struct ddb_keys *keys,
                        const struct ddb_value *item);

/* Adds the encoded key attributes without id and hash, as index entries end with them. */
void ddb_add_primary(const struct ddb_keys *keys, const struct ddb_value *item, struct buf *out);

/* Checks a "Key": exactly the key attributes, of the right types and sizes. */
enum err ddb_check_key(const struct ddb_keys *keys, const struct ddb_value *key,
                       struct error *error);

/* Checks only that the key attributes that are there are not empty. */
enum err ddb_check_key_filled(const struct ddb_keys *keys, const struct ddb_value *item,
                              struct error *error);

/* Checks the key attributes of a whole item, and those of indexes that it has. */
enum err ddb_check_item(const struct ddb_table *table, const struct ddb_value *item,
                        struct error *error);
enum err ddb_check_index_attributes(const struct ddb_table *table, const struct ddb_value *item,
                                    struct error *error);

/* The item's key attributes as a value of their own, which borrows from the item. */
void ddb_key_of(const struct ddb_keys *keys, const struct ddb_value *item,
                struct ddb_entry entries[DDB_MAX_KEY_PARTS], struct ddb_value *out);

/* --- The stored form --- */

struct ddb_stored {
    size_t size;     /* by DynamoDB's accounting */
    struct str json; /* {"a":{"S":"x"}} */
};

struct str ddb_stored_make(struct arena *arena, const struct ddb_value *item, size_t size);
enum err ddb_stored_read(struct str value, struct ddb_stored *out, struct error *error);
/* Parses the item as well. */
enum err ddb_stored_parse(struct str value, struct arena *arena, struct ddb_value *out,
                          struct error *error);
