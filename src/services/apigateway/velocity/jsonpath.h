/* JSONPath as API Gateway's templates and mappings use it (that of the Java library Jayway):
 * $, .name, ['name'], [0], [-1], [*], .*, ..name, [0,1], ['a','b'], [1:3], [?(filter)], .length().
 */
#pragma once

#include "wire/json.h"

struct jsonpath_result {
    yyjson_val **items; /* in document order; in the arena, as are values that were made */
    size_t count;
    bool is_definite; /* the path names one place at most */
    size_t visits;    /* how many values were looked at */
};

/* Finds what `path` names in `root`. A path that does not begin with '$' begins at the root as
 * well. False when the path is not valid, or visits too much. */
bool jsonpath_find(struct arena *arena, struct str path, yyjson_val *root,
                   struct jsonpath_result *out);

/* The value of a definite path, or the first of the others; NULL when there is none. */
yyjson_val *jsonpath_first(struct arena *arena, struct str path, yyjson_val *root);
