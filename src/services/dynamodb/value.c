/* Attribute values: reading, writing, comparing, measuring. */
#include "services/dynamodb/value.h"

#include <assert.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/map.h"

static const char *const type_names[] = {"S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"};

const char *ddb_type_name(enum ddb_type type)
{
    return type_names[type];
}

struct reader {
    struct arena *arena;
    struct error *error;
    bool is_stored;
};

/* --- Reading --- */

static enum err wrong_json(struct reader *reader)
{
    return error_set(reader->error, ERR_SERIALIZATION, "Unexpected value type in payload");
}

static enum err read_number(struct reader *reader, yyjson_val *wire, struct str *out)
{
    struct str text = json_str(wire);
    if (!text.ptr)
        return wrong_json(reader);
    if (reader->is_stored) {
        *out = text;
        return OK;
    }
    struct ddb_number number;
    enum err rc = ddb_number_parse(text, &number, reader->error);
    if (rc == OK)
        *out = ddb_number_format(&number, reader->arena);
    return rc;
}

static enum err read_binary(struct reader *reader, yyjson_val *wire, struct str *out)
{
    struct str text = json_str(wire);
    if (!text.ptr)
        return wrong_json(reader);
    if (!decode_base64(reader->arena, text, out))
        return error_set(reader->error, ERR_SERIALIZATION, "Invalid Base64 data");
    return OK;
}

static enum err read_text(struct reader *reader, enum ddb_type type, yyjson_val *wire,
                          struct str *out)
{
    if (type == DDB_N || type == DDB_NS)
        return read_number(reader, wire, out);
    if (type == DDB_B || type == DDB_BS)
        return read_binary(reader, wire, out);
    *out = json_str(wire);
    return out->ptr ? OK : wrong_json(reader);
}

/* AWS's JSON readers take the words as well. */
static enum err read_boolean(struct reader *reader, yyjson_val *wire, bool *out)
{
    struct str text = json_str(wire);
    *out = yyjson_get_bool(wire);
    if (text.ptr)
        *out = str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("yes")) ||
               str_eq(text, STR("1"));
    return text.ptr || yyjson_is_bool(wire) ? OK : wrong_json(reader);
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool has_duplicates(struct arena *arena, const struct ddb_value *set)
{
    struct str *sorted = arena_array(arena, struct str, set->count);
    memcpy(sorted, set->texts, set->count * sizeof(*sorted));
    qsort(sorted, set->count, sizeof(*sorted), by_bytes);
    for (size_t i = 1; i < set->count; i++) {
        if (str_eq(sorted[i], sorted[i - 1]))
            return true;
    }
    return false;
}

static enum err duplicate_error(struct reader *reader, yyjson_val *wire, enum ddb_type type)
{
    struct buf list;
    yyjson_val *item;
    size_t i, max;
    if (type == DDB_NS)
        return error_set(reader->error, ERR_VALIDATION, "Input collection contains duplicates");
    buf_init_arena(&list, reader->arena, SIZE_MAX / 2);
    yyjson_arr_foreach (wire, i, max, item) {
        buf_add(&list, i ? STR(", ") : STR_EMPTY);
        buf_add(&list, json_str(item));
    }
    return error_set(
        reader->error, ERR_VALIDATION,
        "One or more parameter values were invalid: Input collection [%.*s]%s contains "
        "duplicates.",
        STR_ARG(buf_str(&list)), type == DDB_BS ? "of type BS" : "");
}

static enum err read_set(struct reader *reader, yyjson_val *wire, struct ddb_value *out)
{
    yyjson_val *item;
    size_t i, max;
    if (!yyjson_is_arr(wire))
        return wrong_json(reader);
    out->count = yyjson_arr_size(wire);
    out->texts = arena_array(reader->arena, struct str, out->count);
    if (out->count == 0)
        return error_set(
            reader->error, ERR_VALIDATION,
            out->type == DDB_BS
                ? "One or more parameter values were invalid: Binary sets should not be empty"
                : "One or more parameter values were invalid: An %s set  may not be empty",
            out->type == DDB_NS ? "number" : "string");
    yyjson_arr_foreach (wire, i, max, item) {
        enum err rc = read_text(reader, out->type, item, &out->texts[i]);
        if (rc)
            return rc;
    }
    if (!reader->is_stored && has_duplicates(reader->arena, out))
        return duplicate_error(reader, wire, out->type);
    return OK;
}

static enum err read_value(struct reader *reader, yyjson_val *wire, int depth,
                           struct ddb_value *out);

static enum err read_list(struct reader *reader, yyjson_val *wire, int depth, struct ddb_value *out)
{
    yyjson_val *item;
    size_t i, max;
    if (!yyjson_is_arr(wire))
        return wrong_json(reader);
    out->count = yyjson_arr_size(wire);
    out->list = arena_array(reader->arena, struct ddb_value, out->count);
    yyjson_arr_foreach (wire, i, max, item) {
        enum err rc = read_value(reader, item, depth + 1, &out->list[i]);
        if (rc)
            return rc;
    }
    return OK;
}

/* An earlier entry with the name of the one at `index`; by hash where a walk would take long. */
static struct ddb_entry *find_same(struct ddb_value *map, size_t index, struct map *seen)
{
    enum { FEW = 32 };
    struct ddb_entry *entry = &map->map[index];
    if (index >= FEW && seen->count == 0) {
        for (size_t i = 0; i < index; i++)
            map_set(seen, map->map[i].name, &map->map[i]);
    }
    if (index >= FEW) {
        struct ddb_entry *same = map_set(seen, entry->name, entry);
        if (same)
            map_set(seen, entry->name, same);
        return same;
    }
    for (size_t i = 0; i < index; i++) {
        if (str_eq(map->map[i].name, entry->name))
            return &map->map[i];
    }
    return NULL;
}

static enum err read_map(struct reader *reader, yyjson_val *wire, int depth, struct ddb_value *out)
{
    struct map seen = {0};
    yyjson_val *key, *item;
    size_t i, max, count = 0;
    if (!yyjson_is_obj(wire))
        return wrong_json(reader);
    out->map = arena_array(reader->arena, struct ddb_entry, yyjson_obj_size(wire));
    yyjson_obj_foreach (wire, i, max, key, item) {
        struct ddb_entry *entry = &out->map[count];
        entry->name = json_str(key);
        enum err rc = read_value(reader, item, depth + 1, &entry->value);
        if (rc) {
            map_release(&seen);
            return rc;
        }
        /* Of a name given twice the last one counts, as with any JSON reader of AWS's. */
        struct ddb_entry *same = reader->is_stored ? NULL : find_same(out, count, &seen);
        if (same)
            same->value = entry->value;
        else
            count++;
    }
    out->count = count;
    map_release(&seen);
    return OK;
}

static enum err read_content(struct reader *reader, yyjson_val *inner, int depth,
                             struct ddb_value *out);

/* More than one type: what is wrong in one of them is told before that. */
static enum err too_many_types(struct reader *reader, yyjson_val *wire, int depth)
{
    yyjson_val *key, *item;
    size_t i, max;
    yyjson_obj_foreach (wire, i, max, key, item) {
        for (size_t type = 0; type < sizeof(type_names) / sizeof(type_names[0]); type++) {
            struct ddb_value value = {.type = (enum ddb_type)type};
            if (!yyjson_equals_str(key, type_names[type]) || yyjson_is_null(item))
                continue;
            enum err rc = read_content(reader, item, depth, &value);
            if (rc)
                return rc;
        }
    }
    return error_set(reader->error, ERR_VALIDATION,
                     "Supplied AttributeValue has more than one datatypes set, must contain "
                     "exactly one of the supported datatypes");
}

static enum err find_type(struct reader *reader, yyjson_val *wire, int depth,
                          enum ddb_type *out_type, yyjson_val **out_value)
{
    yyjson_val *key, *item, *found = NULL;
    size_t i, max, count = 0;
    if (!yyjson_is_obj(wire))
        return wrong_json(reader);
    yyjson_obj_foreach (wire, i, max, key, item) {
        for (size_t type = 0; type < sizeof(type_names) / sizeof(type_names[0]); type++) {
            if (!yyjson_equals_str(key, type_names[type]) || yyjson_is_null(item))
                continue;
            *out_type = (enum ddb_type)type;
            found = item;
            count++;
        }
    }
    if (count == 0)
        return error_set(reader->error, ERR_VALIDATION,
                         "Supplied AttributeValue is empty, must contain exactly one of the "
                         "supported datatypes");
    if (count > 1)
        return too_many_types(reader, wire, depth);
    *out_value = found;
    return OK;
}

static enum err read_value(struct reader *reader, yyjson_val *wire, int depth,
                           struct ddb_value *out)
{
    yyjson_val *inner = NULL;
    if (depth > DDB_MAX_NESTING)
        return error_set(reader->error, ERR_VALIDATION,
                         "Nesting Levels have exceeded supported limits: Attributes in the item "
                         "have nested levels beyond supported limit");
    enum err rc = find_type(reader, wire, depth, &out->type, &inner);
    if (rc)
        return rc;
    return read_content(reader, inner, depth, out);
}

/* What a value of the type in `out` is. */
static enum err read_content(struct reader *reader, yyjson_val *inner, int depth,
                             struct ddb_value *out)
{
    enum err rc;
    switch (out->type) {
    case DDB_S:
    case DDB_N:
    case DDB_B:
        return read_text(reader, out->type, inner, &out->text);
    case DDB_SS:
    case DDB_NS:
    case DDB_BS:
        return read_set(reader, inner, out);
    case DDB_M:
        return read_map(reader, inner, depth, out);
    case DDB_L:
        return read_list(reader, inner, depth, out);
    case DDB_BOOL:
        return read_boolean(reader, inner, &out->boolean);
    case DDB_NULL:
        rc = read_boolean(reader, inner, &out->boolean);
        if (rc)
            return rc;
        if (!out->boolean)
            return error_set(
                reader->error, ERR_VALIDATION,
                "One or more parameter values were invalid: Null attribute value types "
                "must have the value of true");
        return OK;
    }
    return wrong_json(reader);
}

enum err ddb_value_read(yyjson_val *wire, struct arena *arena, bool is_stored,
                        struct ddb_value *out, struct error *error)
{
    struct reader reader = {arena, error, is_stored};
    *out = (struct ddb_value){0};
    return read_value(&reader, wire, 1, out);
}

enum err ddb_item_read(yyjson_val *wire, struct arena *arena, bool is_stored, struct ddb_value *out,
                       struct error *error)
{
    struct reader reader = {arena, error, is_stored};
    *out = (struct ddb_value){.type = DDB_M};
    return read_map(&reader, wire, 0, out);
}

/* --- Writing --- */

static void write_text(enum ddb_type type, struct str text, struct buf *out)
{
    if (type != DDB_B && type != DDB_BS) {
        buf_add_json(out, text);
        return;
    }
    struct arena arena = {0};
    buf_add_byte(out, '"');
    buf_add(out, encode_base64(&arena, text));
    buf_add_byte(out, '"');
    arena_release(&arena);
}

static void write_elements(const struct ddb_value *value, struct buf *out)
{
    buf_add_byte(out, '[');
    for (size_t i = 0; i < value->count; i++) {
        if (i)
            buf_add_byte(out, ',');
        if (value->type == DDB_L)
            ddb_value_write(&value->list[i], out);
        else
            write_text(value->type, value->texts[i], out);
    }
    buf_add_byte(out, ']');
}

void ddb_item_write(const struct ddb_value *item, struct buf *out)
{
    buf_add_byte(out, '{');
    for (size_t i = 0; i < item->count; i++) {
        if (i)
            buf_add_byte(out, ',');
        buf_add_json(out, item->map[i].name);
        buf_add_byte(out, ':');
        ddb_value_write(&item->map[i].value, out);
    }
    buf_add_byte(out, '}');
}

void ddb_value_write(const struct ddb_value *value, struct buf *out)
{
    buf_add(out, STR("{\""));
    buf_add(out, str_from(type_names[value->type]));
    buf_add(out, STR("\":"));
    switch (value->type) {
    case DDB_S:
    case DDB_N:
    case DDB_B:
        write_text(value->type, value->text, out);
        break;
    case DDB_SS:
    case DDB_NS:
    case DDB_BS:
    case DDB_L:
        write_elements(value, out);
        break;
    case DDB_M:
        ddb_item_write(value, out);
        break;
    case DDB_BOOL:
        buf_add(out, value->boolean ? STR("true") : STR("false"));
        break;
    case DDB_NULL:
        buf_add(out, STR("true"));
        break;
    }
    buf_add_byte(out, '}');
}

/* --- Comparing --- */

const struct ddb_value *ddb_map_get(const struct ddb_value *map, struct str name)
{
    for (size_t i = 0; i < map->count; i++) {
        if (str_eq(map->map[i].name, name))
            return &map->map[i].value;
    }
    return NULL;
}

static bool contains_text(const struct ddb_value *set, struct str text)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_eq(set->texts[i], text))
            return true;
    }
    return false;
}

static bool equal_elements(const struct ddb_value *a, const struct ddb_value *b)
{
    for (size_t i = 0; i < a->count; i++) {
        if (a->type == DDB_L) {
            if (!ddb_value_equal(&a->list[i], &b->list[i]))
                return false;
        } else if (a->type == DDB_M) {
            const struct ddb_value *other = ddb_map_get(b, a->map[i].name);
            if (!other || !ddb_value_equal(&a->map[i].value, other))
                return false;
        } else if (!contains_text(b, a->texts[i])) {
            return false;
        }
    }
    return true;
}

bool ddb_value_equal(const struct ddb_value *a, const struct ddb_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case DDB_S:
    case DDB_N: /* canonical: equal numbers have equal text */
    case DDB_B:
        return str_eq(a->text, b->text);
    case DDB_SS:
    case DDB_NS:
    case DDB_BS:
    case DDB_M:
    case DDB_L:
        return a->count == b->count && equal_elements(a, b);
    case DDB_BOOL:
        return a->boolean == b->boolean;
    case DDB_NULL:
        return true;
    }
    return false;
}

bool ddb_value_compare(const struct ddb_value *a, const struct ddb_value *b, int *out_order)
{
    if (a->type != b->type || a->type > DDB_B)
        return false;
    if (a->type != DDB_N) {
        *out_order = str_cmp(a->text, b->text);
        return true;
    }
    struct ddb_number x, y;
    if (ddb_number_parse(a->text, &x, NULL) || ddb_number_parse(b->text, &y, NULL))
        return false;
    *out_order = ddb_number_compare(&x, &y);
    return true;
}

/* --- Measuring --- */

static size_t number_size(struct str text)
{
    struct ddb_number number;
    enum err rc = ddb_number_parse(text, &number, NULL);
    assert(rc == OK); /* canonical text is a number */
    return ddb_number_size(&number);
}

static size_t set_size(const struct ddb_value *set)
{
    size_t size = 0;
    for (size_t i = 0; i < set->count; i++)
        size += set->type == DDB_NS ? number_size(set->texts[i]) : set->texts[i].len;
    return size;
}

size_t ddb_item_size(const struct ddb_value *item)
{
    size_t size = 0;
    for (size_t i = 0; i < item->count; i++)
        size += item->map[i].name.len + ddb_value_size(&item->map[i].value);
    return size;
}

size_t ddb_value_size(const struct ddb_value *value)
{
    size_t size = 3; /* of a list or map, and one for each member */
    switch (value->type) {
    case DDB_S:
    case DDB_B:
        return value->text.len;
    case DDB_N:
        return number_size(value->text);
    case DDB_SS:
    case DDB_NS:
    case DDB_BS:
        return set_size(value);
    case DDB_BOOL:
    case DDB_NULL:
        return 1;
    case DDB_L:
        for (size_t i = 0; i < value->count; i++)
            size += 1 + ddb_value_size(&value->list[i]);
        return size;
    case DDB_M:
        return size + value->count + ddb_item_size(value);
    }
    return 0;
}
