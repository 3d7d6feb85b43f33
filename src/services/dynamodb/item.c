/* Item keys and the stored form of items. */
#include "services/dynamodb/item.h"

enum { STORED_VERSION = 1, STORED_HEADER = 5, MAX_KEY_BYTES = 32 * 1024 };

/* --- Keys --- */

/* 00 in the text is 00 FF, its end is 00 00: a text sorts before all that it begins. */
static void encode_text(struct str text, struct buf *out)
{
    for (;;) {
        ptrdiff_t zero = str_find_byte(text, '\0', 0);
        buf_add(out, str_slice(text, 0, zero < 0 ? text.len : (size_t)zero));
        if (zero < 0)
            break;
        buf_add(out, str_make("\x00\xff", 2));
        text = str_slice(text, (size_t)zero + 1, text.len);
    }
    buf_add(out, str_make("\x00\x00", 2));
}

void ddb_key_encode(const struct ddb_value *value, struct buf *out)
{
    struct ddb_number number;
    if (value->type == DDB_N && ddb_number_parse(value->text, &number, NULL) == OK)
        ddb_number_encode(&number, out);
    else
        encode_text(value->text, out);
}

/* FNV-1a with MurmurHash3's finalizer: stable across releases, since it is in stored keys. */
uint64_t ddb_key_hash(struct str encoded)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < encoded.len; i++)
        hash = (hash ^ (unsigned char)encoded.ptr[i]) * 0x100000001b3u;
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
    return hash ^ hash >> 33;
}

static void add_u64(struct buf *out, uint64_t value)
{
    uint64_t big_endian = __builtin_bswap64(value);
    buf_add(out, str_make((const char *)&big_endian, sizeof(big_endian)));
}

struct str ddb_keys_prefix(struct arena *arena, uint64_t id)
{
    struct buf key;
    buf_init_arena(&key, arena, 8);
    add_u64(&key, id);
    return buf_str(&key);
}

static void add_partition(struct buf *key, struct arena *arena, const struct ddb_keys *keys,
                          const struct ddb_value *const *hashes)
{
    struct buf encoded;
    buf_init_arena(&encoded, arena, MAX_KEY_BYTES);
    for (size_t i = 0; i < keys->hash_count; i++)
        ddb_key_encode(hashes[i], &encoded);
    add_u64(key, keys->id);
    add_u64(key, ddb_key_hash(buf_str(&encoded)));
    buf_add(key, buf_str(&encoded));
}

struct str ddb_partition_prefix(struct arena *arena, const struct ddb_keys *keys,
                                const struct ddb_value *const *hashes)
{
    struct buf key;
    buf_init_arena(&key, arena, MAX_KEY_BYTES);
    add_partition(&key, arena, keys, hashes);
    return buf_str(&key);
}

struct str ddb_item_key(struct arena *arena, const struct ddb_keys *keys,
                        const struct ddb_value *item)
{
    const struct ddb_value *values[DDB_MAX_KEY_PARTS];
    struct buf key;
    buf_init_arena(&key, arena, MAX_KEY_BYTES);
    for (size_t i = 0; i < keys->count; i++)
        values[i] = ddb_map_get(item, keys->parts[i].name);
    add_partition(&key, arena, keys, values);
    for (size_t i = keys->hash_count; i < keys->count; i++)
        ddb_key_encode(values[i], &key);
    return buf_str(&key);
}

void ddb_add_primary(const struct ddb_keys *keys, const struct ddb_value *item, struct buf *out)
{
    ddb_key_encode(ddb_map_get(item, keys->hash.name), out);
    if (keys->range.name.len)
        ddb_key_encode(ddb_map_get(item, keys->range.name), out);
}

/* --- Checks --- */

static enum err check_filled(const struct ddb_key_part *part, const struct ddb_value *value,
                             struct error *error)
{
    bool is_text = value->type == DDB_S || value->type == DDB_B;
    if (!is_text || value->text.len)
        return OK;
    return error_set(error, ERR_VALIDATION,
                     "One or more parameter values are not valid. The AttributeValue for a key "
                     "attribute cannot contain an empty %s value. Key: %.*s",
                     value->type == DDB_S ? "string" : "binary", STR_ARG(part->name));
}

enum err ddb_check_key_filled(const struct ddb_keys *keys, const struct ddb_value *item,
                              struct error *error)
{
    const struct ddb_key_part *parts[] = {&keys->hash, &keys->range};
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < 2; i++) {
        const struct ddb_value *value =
            parts[i]->name.len ? ddb_map_get(item, parts[i]->name) : NULL;
        if (value && value->type == parts[i]->type)
            rc = check_filled(parts[i], value, error);
    }
    return rc;
}

static enum err check_key_value(const struct ddb_key_part *part, const struct ddb_value *value,
                                bool is_hash, struct error *error)
{
    enum err rc = check_filled(part, value, error);
    if (rc)
        return rc;
    if (is_hash && value->text.len > DDB_MAX_HASH_BYTES)
        return error_set(error, ERR_VALIDATION,
                         "One or more parameter values were invalid: Size of hashkey has exceeded "
                         "the maximum size limit of%d bytes",
                         DDB_MAX_HASH_BYTES);
    if (!is_hash && value->text.len > DDB_MAX_RANGE_BYTES)
        return error_set(error, ERR_VALIDATION,
                         "One or more parameter values were invalid: Aggregated size of all range "
                         "keys has exceeded the size limit of %d bytes",
                         DDB_MAX_RANGE_BYTES);
    return OK;
}

static enum err check_key_part(const struct ddb_key_part *part, const struct ddb_value *key,
                               bool is_hash, struct error *error)
{
    const struct ddb_value *value = ddb_map_get(key, part->name);
    if (!value || value->type != part->type)
        return error_set(error, ERR_VALIDATION,
                         "The provided key element does not match the schema");
    return check_key_value(part, value, is_hash, error);
}

enum err ddb_check_key(const struct ddb_keys *keys, const struct ddb_value *key,
                       struct error *error)
{
    enum err rc = OK;
    if (key->count != keys->count)
        return error_set(error, ERR_VALIDATION,
                         "The provided key element does not match the schema");
    for (size_t i = 0; rc == OK && i < keys->count; i++)
        rc = check_key_part(&keys->parts[i], key, i < keys->hash_count, error);
    return rc;
}

static enum err check_item_part(const struct ddb_key_part *part, const struct ddb_value *item,
                                bool is_hash, struct error *error)
{
    const struct ddb_value *value = ddb_map_get(item, part->name);
    if (!value)
        return error_set(error, ERR_VALIDATION,
                         "One or more parameter values were invalid: Missing the key %.*s in the "
                         "item",
                         STR_ARG(part->name));
    if (value->type != part->type)
        return error_set(error, ERR_VALIDATION,
                         "One or more parameter values were invalid: Type mismatch for key %.*s "
                         "expected: %s actual: %s",
                         STR_ARG(part->name), ddb_type_name(part->type),
                         ddb_type_name(value->type));
    return check_key_value(part, value, is_hash, error);
}

static enum err check_index_part(const struct ddb_index *index, const struct ddb_key_part *part,
                                 const struct ddb_value *item, bool is_hash, struct error *error)
{
    const struct ddb_value *value = part->name.len ? ddb_map_get(item, part->name) : NULL;
    if (!value)
        return OK;
    if (value->type != part->type)
        return error_set(error, ERR_VALIDATION,
                         "One or more parameter values were invalid: Type mismatch for Index Key "
                         "%.*s Expected: %s Actual: %s IndexName: %.*s",
                         STR_ARG(part->name), ddb_type_name(part->type), ddb_type_name(value->type),
                         STR_ARG(index->name));
    if (value->type != DDB_N && value->text.len == 0)
        return error_set(error, ERR_VALIDATION,
                         "One or more parameter values are not valid. A value specified for a "
                         "secondary index key is not supported. The AttributeValue for a key "
                         "attribute cannot contain an empty %s value. IndexName: %.*s, IndexKey: "
                         "%.*s",
                         value->type == DDB_S ? "string" : "binary", STR_ARG(index->name),
                         STR_ARG(part->name));
    return check_key_value(part, value, is_hash, error);
}

enum err ddb_check_index_attributes(const struct ddb_table *table, const struct ddb_value *item,
                                    struct error *error)
{
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < table->index_count; i++) {
        /* Global ones first, as DynamoDB tells them. */
        const struct ddb_index *index =
            &table->indexes[(i + table->local_count) % table->index_count];
        for (size_t j = index->is_global ? 0 : 1; rc == OK && j < index->keys.count; j++)
            rc = check_index_part(index, &index->keys.parts[j], item, j < index->keys.hash_count,
                                  error);
    }
    return rc;
}

enum err ddb_check_item(const struct ddb_table *table, const struct ddb_value *item,
                        struct error *error)
{
    enum err rc = check_item_part(&table->keys.hash, item, true, error);
    if (rc == OK && table->keys.range.name.len)
        rc = check_item_part(&table->keys.range, item, false, error);
    return rc ? rc : ddb_check_index_attributes(table, item, error);
}

void ddb_key_of(const struct ddb_keys *keys, const struct ddb_value *item,
                struct ddb_entry entries[DDB_MAX_KEY_PARTS], struct ddb_value *out)
{
    *out = (struct ddb_value){.type = DDB_M, .map = entries};
    for (size_t i = 0; i < keys->count; i++) {
        struct str name = keys->parts[i].name;
        entries[out->count++] = (struct ddb_entry){name, *ddb_map_get(item, name)};
    }
}

/* --- The stored form --- */

struct str ddb_stored_make(struct arena *arena, const struct ddb_value *item, size_t size)
{
    struct buf out;
    uint32_t little_endian = (uint32_t)size;
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    buf_reserve(&out, size * 2 + 64);
    buf_add_byte(&out, STORED_VERSION);
    buf_add(&out, str_make((const char *)&little_endian, sizeof(little_endian)));
    ddb_item_write(item, &out);
    return buf_str(&out);
}

enum err ddb_stored_read(struct str value, struct ddb_stored *out, struct error *error)
{
    uint32_t size;
    if (value.len < STORED_HEADER || value.ptr[0] != STORED_VERSION)
        return error_set(error, ERR_DDB_INTERNAL, "A stored item cannot be read");
    memcpy(&size, value.ptr + 1, sizeof(size));
    *out = (struct ddb_stored){size, str_slice(value, STORED_HEADER, value.len)};
    return OK;
}

enum err ddb_stored_parse(struct str value, struct arena *arena, struct ddb_value *out,
                          struct error *error)
{
    struct ddb_stored stored;
    enum err rc = ddb_stored_read(value, &stored, error);
    if (rc)
        return rc;
    yyjson_val *wire = json_parse(arena, stored.json);
    if (!wire || ddb_item_read(wire, arena, true, out, error) != OK)
        return error_set(error, ERR_DDB_INTERNAL, "A stored item cannot be read");
    return OK;
}
