/* Values of templates. They live in the arena of one rendering. */
#pragma once

#include "base/buf.h"
#include "services/apigateway/velocity/velocity.h"
#include "wire/json.h"

struct node;

enum value_kind {
    VALUE_NULL,   /* nothing; a reference to it prints as it stands in the template */
    VALUE_ABSENT, /* nothing that API Gateway knows of; prints as nothing */
    VALUE_BOOL,
    VALUE_INTEGER,
    VALUE_NUMBER,
    VALUE_TEXT,
    VALUE_LIST,
    VALUE_MAP,
    VALUE_JSON,    /* an object or a list of parsed JSON, not yet looked into */
    VALUE_ENTRY,   /* of a map: key and value */
    VALUE_BLOCK,   /* of #define */
    VALUE_LOOP,    /* $foreach */
    VALUE_INPUT,   /* $input */
    VALUE_UTIL,    /* $util */
    VALUE_CONTEXT, /* $context, or what is below a name of it */
    VALUE_STAGE_VARIABLES,
};

struct value {
    enum value_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct str text; /* also the name of VALUE_CONTEXT */
        struct list *list;
        struct members *map;
        yyjson_val *json;
        struct entry *entry;
        const struct node *block;
        struct loop_state *loop;
    };
};

struct list {
    struct value *items;
    size_t count, room;
    bool is_json; /* it was a list of parsed JSON, and prints as JSON */
};

struct entry {
    struct str key;
    struct value value;
};

/* In the order in which keys were put. */
struct members {
    struct entry *items;
    size_t count, room;
};

struct loop_state {
    int64_t index; /* from 0 */
    bool has_next;
    struct loop_state *outer;
};

static inline struct value value_bool(bool boolean)
{
    return (struct value){.kind = VALUE_BOOL, .boolean = boolean};
}

static inline struct value value_integer(int64_t integer)
{
    return (struct value){.kind = VALUE_INTEGER, .integer = integer};
}

static inline struct value value_number(double number)
{
    return (struct value){.kind = VALUE_NUMBER, .number = number};
}

static inline struct value value_text(struct str text)
{
    return (struct value){.kind = VALUE_TEXT, .text = text};
}

/* VALUE_ABSENT for a NULL pointer. */
static inline struct value value_text_or_absent(struct str text)
{
    return text.ptr ? value_text(text) : (struct value){.kind = VALUE_ABSENT};
}

static inline bool value_is_nothing(struct value value)
{
    return value.kind == VALUE_NULL || value.kind == VALUE_ABSENT;
}

static inline bool value_is_numeric(struct value value)
{
    return value.kind == VALUE_INTEGER || value.kind == VALUE_NUMBER;
}

static inline double value_to_number(struct value value)
{
    return value.kind == VALUE_INTEGER ? (double)value.integer : value.number;
}

struct value value_of_json(yyjson_val *json);
struct value value_new_list(struct arena *arena);
struct value value_new_map(struct arena *arena);

/* Makes a list or map of VALUE_JSON in place, one level deep; others stay as they are. So members
 * can be changed, and whoever else has the value sees it. */
void value_open(struct arena *arena, struct value *value);

void list_add(struct arena *arena, struct list *list, struct value value);

/* The place of a key; NULL when there is none. */
struct value *members_get(const struct members *map, struct str key);
/* Without looking whether the key is there. */
void members_add(struct arena *arena, struct members *map, struct str key, struct value value);
void members_put(struct arena *arena, struct members *map, struct str key, struct value value);
void members_remove(struct members *map, struct str key);

/* Adds what toString gives on AWS: Java's {a=b} and [a, b], but JSON for a list of parsed JSON and
 * all in it. Stops where `out` is full or it is too deep. */
void value_print(struct buf *out, struct value value, int depth);

bool value_is_true(struct value value);
