/* Values: making, changing, printing, comparing. */
#include "services/apigateway/velocity/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_PRINT_DEPTH = 64 };

struct value value_of_json(yyjson_val *json)
{
    if (yyjson_is_str(json))
        return value_text(json_str(json));
    if (yyjson_is_bool(json))
        return value_bool(yyjson_get_bool(json));
    if (yyjson_is_int(json) && !(yyjson_is_uint(json) && yyjson_get_uint(json) > INT64_MAX))
        return value_integer(yyjson_get_sint(json));
    if (yyjson_is_num(json))
        return value_number(yyjson_get_num(json));
    if (yyjson_is_ctn(json))
        return (struct value){.kind = VALUE_JSON, .json = json};
    return (struct value){.kind = json ? VALUE_NULL : VALUE_ABSENT};
}

struct value value_new_list(struct arena *arena)
{
    return (struct value){.kind = VALUE_LIST, .list = arena_new(arena, struct list)};
}

struct value value_new_map(struct arena *arena)
{
    return (struct value){.kind = VALUE_MAP, .map = arena_new(arena, struct members)};
}

/* A null in JSON is a value of a map that prints as nothing, as what is missing does. */
static struct value member_of_json(yyjson_val *json)
{
    struct value value = value_of_json(json);
    return value_is_nothing(value) ? (struct value){.kind = VALUE_ABSENT} : value;
}

void value_open(struct arena *arena, struct value *value)
{
    if (value->kind != VALUE_JSON)
        return;
    yyjson_val *json = value->json, *key, *member;
    size_t i, max;
    if (yyjson_is_arr(json)) {
        *value = value_new_list(arena);
        value->list->is_json = true;
        yyjson_arr_foreach (json, i, max, member) {
            list_add(arena, value->list, member_of_json(member));
        }
        return;
    }
    *value = value_new_map(arena);
    yyjson_obj_foreach (json, i, max, key, member) {
        members_add(arena, value->map, json_str(key), member_of_json(member));
    }
}

/* --- Lists and maps --- */

void list_add(struct arena *arena, struct list *list, struct value value)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 8;
        list->items = arena_realloc(arena, list->items, list->room * sizeof(*list->items),
                                    room * sizeof(*list->items));
        list->room = room;
    }
    list->items[list->count++] = value;
}

struct value *members_get(const struct members *map, struct str key)
{
    for (size_t i = 0; i < map->count; i++) {
        if (str_eq(map->items[i].key, key))
            return &map->items[i].value;
    }
    return NULL;
}

void members_add(struct arena *arena, struct members *map, struct str key, struct value value)
{
    if (map->count == map->room) {
        size_t room = map->room ? map->room * 2 : 8;
        map->items = arena_realloc(arena, map->items, map->room * sizeof(*map->items),
                                   room * sizeof(*map->items));
        map->room = room;
    }
    map->items[map->count++] = (struct entry){key, value};
}

void members_put(struct arena *arena, struct members *map, struct str key, struct value value)
{
    struct value *place = members_get(map, key);
    if (place)
        *place = value;
    else
        members_add(arena, map, key, value);
}

void members_remove(struct members *map, struct str key)
{
    struct value *place = members_get(map, key);
    if (!place)
        return;
    struct entry *entry = (struct entry *)((char *)place - offsetof(struct entry, value));
    size_t index = (size_t)(entry - map->items);
    memmove(entry, entry + 1, (map->count - index - 1) * sizeof(*entry));
    map->count--;
}

/* --- Printing --- */

/* As Java prints a double: "1.0", "1.5", "1.0E10". */
static void print_number(struct buf *out, double number)
{
    char text[40];
    double size = fabs(number);
    if (isnan(number)) {
        buf_add(out, STR("NaN"));
        return;
    }
    if (isinf(number)) {
        buf_add(out, number < 0 ? STR("-Infinity") : STR("Infinity"));
        return;
    }
    bool is_plain = size == 0 || (size >= 1e-3 && size < 1e7);
    int precision = 0;
    do {
        snprintf(text, sizeof(text), is_plain ? "%.*f" : "%.*e", precision, number);
    } while (precision++ < 17 && strtod(text, NULL) != number);
    struct str plain = str_from(text);
    ptrdiff_t mark = str_find_byte(plain, 'e', 0);
    struct str digits = str_slice(plain, 0, mark < 0 ? plain.len : (size_t)mark);
    buf_add(out, digits);
    if (str_find_byte(digits, '.', 0) < 0)
        buf_add(out, STR(".0"));
    if (mark >= 0) {
        snprintf(text, sizeof(text), "E%d", (int)strtol(plain.ptr + mark + 1, NULL, 10));
        buf_add(out, str_from(text));
    }
}

static void print_integer(struct buf *out, int64_t integer)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)integer);
    buf_add(out, str_from(text));
}

static void print_entry(struct buf *out, struct str key, struct value value, int depth)
{
    buf_add(out, key);
    buf_add_byte(out, '=');
    value_print(out, value, depth);
}

static void print_as_json(struct buf *out, struct value value, int depth);

static void print_json_list(struct buf *out, const struct list *list, int depth)
{
    buf_add_byte(out, '[');
    for (size_t i = 0; i < list->count && !out->is_full; i++) {
        buf_add(out, i ? STR(",") : STR_EMPTY);
        print_as_json(out, list->items[i], depth);
    }
    buf_add_byte(out, ']');
}

static void print_json_map(struct buf *out, const struct members *map, int depth)
{
    buf_add_byte(out, '{');
    for (size_t i = 0; i < map->count && !out->is_full; i++) {
        buf_add(out, i ? STR(",") : STR_EMPTY);
        buf_add_json(out, map->items[i].key);
        buf_add_byte(out, ':');
        print_as_json(out, map->items[i].value, depth);
    }
    buf_add_byte(out, '}');
}

static void print_json_container(struct buf *out, yyjson_val *json, int depth)
{
    size_t i, max;
    yyjson_val *key, *member;
    bool is_list = yyjson_is_arr(json);
    buf_add_byte(out, is_list ? '[' : '{');
    yyjson_arr_foreach (json, i, max, member) {
        buf_add(out, i ? STR(",") : STR_EMPTY);
        print_as_json(out, value_of_json(member), depth);
    }
    yyjson_obj_foreach (json, i, max, key, member) {
        buf_add(out, i ? STR(",") : STR_EMPTY);
        buf_add_json(out, json_str(key));
        buf_add_byte(out, ':');
        print_as_json(out, value_of_json(member), depth);
    }
    buf_add_byte(out, is_list ? ']' : '}');
}

static void print_as_json(struct buf *out, struct value value, int depth)
{
    if (depth > MAX_PRINT_DEPTH || out->is_full)
        return;
    if (value.kind == VALUE_TEXT)
        buf_add_json(out, value.text);
    else if (value.kind == VALUE_LIST)
        print_json_list(out, value.list, depth + 1);
    else if (value.kind == VALUE_MAP)
        print_json_map(out, value.map, depth + 1);
    else if (value.kind == VALUE_JSON)
        print_json_container(out, value.json, depth + 1);
    else if (value_is_nothing(value))
        buf_add(out, STR("null"));
    else
        value_print(out, value, depth);
}

static void print_list(struct buf *out, const struct list *list, int depth)
{
    if (list->is_json) {
        print_json_list(out, list, depth);
        return;
    }
    buf_add_byte(out, '[');
    for (size_t i = 0; i < list->count && !out->is_full; i++) {
        buf_add(out, i ? STR(", ") : STR_EMPTY);
        value_print(out, list->items[i], depth);
    }
    buf_add_byte(out, ']');
}

static void print_map(struct buf *out, const struct members *map, int depth)
{
    buf_add_byte(out, '{');
    for (size_t i = 0; i < map->count && !out->is_full; i++) {
        buf_add(out, i ? STR(", ") : STR_EMPTY);
        print_entry(out, map->items[i].key, map->items[i].value, depth);
    }
    buf_add_byte(out, '}');
}

/* An object prints as Java's map does, a list as JSON. */
static void print_json(struct buf *out, yyjson_val *json, int depth)
{
    size_t i, max;
    yyjson_val *key, *member;
    if (yyjson_is_arr(json)) {
        print_json_container(out, json, depth);
        return;
    }
    buf_add_byte(out, '{');
    yyjson_obj_foreach (json, i, max, key, member) {
        buf_add(out, i ? STR(", ") : STR_EMPTY);
        print_entry(out, json_str(key), value_of_json(member), depth);
    }
    buf_add_byte(out, '}');
}

void value_print(struct buf *out, struct value value, int depth)
{
    if (depth > MAX_PRINT_DEPTH || out->is_full)
        return;
    switch (value.kind) {
    case VALUE_NULL:
        buf_add(out, STR("null"));
        break;
    case VALUE_BOOL:
        buf_add(out, value.boolean ? STR("true") : STR("false"));
        break;
    case VALUE_INTEGER:
        print_integer(out, value.integer);
        break;
    case VALUE_NUMBER:
        print_number(out, value.number);
        break;
    case VALUE_TEXT:
        buf_add(out, value.text);
        break;
    case VALUE_LIST:
        print_list(out, value.list, depth + 1);
        break;
    case VALUE_MAP:
        print_map(out, value.map, depth + 1);
        break;
    case VALUE_JSON:
        print_json(out, value.json, depth + 1);
        break;
    case VALUE_ENTRY:
        print_entry(out, value.entry->key, value.entry->value, depth + 1);
        break;
    case VALUE_ABSENT:
    case VALUE_BLOCK: /* the renderer's own */
    case VALUE_LOOP:
    case VALUE_INPUT:
    case VALUE_UTIL:
    case VALUE_CONTEXT:
    case VALUE_STAGE_VARIABLES:
        break;
    }
}

/* --- Deciding --- */

bool value_is_true(struct value value)
{
    return value.kind == VALUE_BOOL ? value.boolean : !value_is_nothing(value);
}
