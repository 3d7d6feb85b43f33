/* Shared by the files that write documents. */
#pragma once

#include "base/map.h"
#include "services/apigateway/openapi/writer.h"

struct openapi_writer {
    const struct openapi_source *source;
    struct arena *arena;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
    struct map models;   /* names of those that are referred to, to the writer itself */
    struct str *pending; /* of those, in the order they came up */
    size_t pending_count, pending_capacity;
    struct map schemes; /* names of the authorizers that methods ask for, to their documents */
    bool has_key, has_signature;
};

/* Sets a member; name and text are copied. */
void openapi_set(struct openapi_writer *writer, yyjson_mut_val *object, struct str name,
                 yyjson_mut_val *value);
yyjson_mut_val *openapi_set_obj(struct openapi_writer *writer, yyjson_mut_val *object,
                                struct str name);

/* {"$ref": "#/definitions/NAME"}; the model will be in the document. */
yyjson_mut_val *openapi_reference(struct openapi_writer *writer, struct str model);

/* writer_methods.c: the operation of a method of a resource. */
yyjson_mut_val *openapi_operation(struct openapi_writer *writer, yyjson_val *resource,
                                  yyjson_val *method);

/* writer_parts.c: models, security schemes and extensions at the top. After all operations. */
void openapi_write_parts(struct openapi_writer *writer);
