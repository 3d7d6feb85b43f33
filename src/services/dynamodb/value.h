/* Attribute values and items: from the wire, to the wire, compared and measured. Values live in an
 * arena and are not changed once made; updates build new ones that share what stays. */
#pragma once

#include "services/dynamodb/number.h"
#include "wire/json.h"

enum ddb_type {
    DDB_S,
    DDB_N,
    DDB_B,
    DDB_SS,
    DDB_NS,
    DDB_BS,
    DDB_M,
    DDB_L,
    DDB_BOOL,
    DDB_NULL,
};

enum { DDB_MAX_NESTING = 32, DDB_MAX_ITEM_BYTES = 400 * 1024 };

struct ddb_value {
    enum ddb_type type;
    bool boolean;      /* BOOL */
    struct str text;   /* S; N in canonical form; B decoded */
    size_t count;      /* of elements or entries */
    struct str *texts; /* SS, NS, BS; forms as above */
    struct ddb_value *list;
    struct ddb_entry *map;
};

struct ddb_entry {
    struct str name;
    struct ddb_value value;
};

/* "S", "NS" and so on. */
const char *ddb_type_name(enum ddb_type type);

/* Reads {"S": "x"}; ERR_VALIDATION or ERR_SERIALIZATION in DynamoDB's words. `is_stored` skips the
 * checks for what was checked when it was stored. */
enum err ddb_value_read(yyjson_val *wire, struct arena *arena, bool is_stored,
                        struct ddb_value *out, struct error *error);

/* Reads an item or a key as a value of type M. */
enum err ddb_item_read(yyjson_val *wire, struct arena *arena, bool is_stored, struct ddb_value *out,
                       struct error *error);

/* Adds the wire form without spaces: {"S":"x"}, and for an item {"a":{"S":"x"}}. */
void ddb_value_write(const struct ddb_value *value, struct buf *out);
void ddb_item_write(const struct ddb_value *item, struct buf *out);

/* The entry's value, or NULL. */
const struct ddb_value *ddb_map_get(const struct ddb_value *map, struct str name);

/* Equal in type and value; sets regardless of order. */
bool ddb_value_equal(const struct ddb_value *a, const struct ddb_value *b);

/* Orders two of one scalar type S, N or B. False when they cannot be compared. */
bool ddb_value_compare(const struct ddb_value *a, const struct ddb_value *b, int *out_order);

/* Bytes by DynamoDB's accounting (Developer Guide, "DynamoDB item sizes and formats"): names and
 * values, for an item without overhead. */
size_t ddb_value_size(const struct ddb_value *value);
size_t ddb_item_size(const struct ddb_value *item);
