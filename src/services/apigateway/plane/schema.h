/* JSON Schema draft 4, as models are written in
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html): what
 * a body must look like. `format` says nothing here, as in API Gateway. */
#pragma once

#include <yyjson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum { SCHEMA_MAX_DEPTH = 32 };

struct schema_context {
    struct arena *arena;
    yyjson_val *root; /* what "#/definitions/x" is looked up in */
    /* The schema of another model, which "https://apigateway.amazonaws.com/restapis/ID/models/NAME"
     * names; NULL when there is none. */
    yyjson_val *(*find_model)(void *arg, struct str name);
    void *arg;
};

/* Whether `schema` is one: an object whose keywords are of the right kind. Fills `error` with what
 * is wrong. */
enum err schema_check(yyjson_val *schema, struct arena *arena, struct error *error);

/* Whether `value` fits. What does not is told in `errors`, as AWS's $context.error
 * .validationErrorString does: "[object has missing required properties ([\"title\"])]". */
bool schema_fits(const struct schema_context *context, yyjson_val *schema, yyjson_val *value,
                 struct buf *errors);
