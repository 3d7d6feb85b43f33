/* The shapes of operations' inputs, and the check of an input against its shape. It comes before
 * everything else: first JSON of the wrong type (SerializationException), then limits, all of which
 * are told in one ValidationException ("2 validation errors detected: ..."). */
#pragma once

#include "core/request.h"

enum ddb_shape_kind {
    DDB_SHAPE_STRING,
    DDB_SHAPE_BOOLEAN,
    DDB_SHAPE_INTEGER,
    DDB_SHAPE_LONG,
    DDB_SHAPE_DOUBLE,
    DDB_SHAPE_LIST,
    DDB_SHAPE_MAP,
    DDB_SHAPE_STRUCT,
    DDB_SHAPE_VALUE,     /* an attribute value */
    DDB_SHAPE_ELSEWHERE, /* of a feature that this server has not: refused unless empty */
};

enum ddb_shape_flag {
    DDB_SHAPE_NAME = 1,          /* of the characters [a-zA-Z0-9_.-] */
    DDB_SHAPE_ARN = 2,           /* an ARN of a table may stand for the name */
    DDB_SHAPE_CONTROL = 4,       /* a table's name as the operations on tables word it */
    DDB_SHAPE_PARAMETERIZED = 8, /* a list or map inside a list or map: worded in Java's way */
    DDB_SHAPE_BARE = 16,         /* told without its value, by the name that the request has */
};

struct ddb_shape {
    enum ddb_shape_kind kind;
    const char *type;    /* of structures and of what a map holds, as messages name it */
    int64_t min, max;    /* of numbers and lengths; no maximum when 0 */
    unsigned flags;      /* enum ddb_shape_flag */
    const char *choices; /* "NONE, ALL_OLD": the only values, as messages list them */
    const struct ddb_shape *element;     /* of lists and maps */
    const struct ddb_shape *key, *value; /* of maps: limits told of the map as a whole */
    const struct ddb_member *members;    /* of structures; ends with an empty one */
};

struct ddb_member {
    const char *name;
    const struct ddb_shape *shape;
    bool is_required;
};

/* The shape of an operation's input, or NULL. */
const struct ddb_shape *ddb_shape_of_input(const char *operation);

/* Checks a parsed input. ERR_SERIALIZATION or ERR_VALIDATION. */
enum err ddb_shape_check(const struct ddb_shape *shape, yyjson_val *input, struct arena *arena,
                         struct error *error);

/* The service's check_input: the request against its operation's shape. */
enum err ddb_check_input(struct request *request);
