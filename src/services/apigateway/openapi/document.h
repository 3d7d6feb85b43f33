/* OpenAPI 3.0 and Swagger 2.0 documents, in JSON or YAML, and the references in them. No I/O. */
#pragma once

#include "wire/json.h"

/* A member of resources in the store: {VERB: {"consumes": [...], "produces": [...]}} as documents
 * say it.
 */
#define METHOD_TYPES "methodTypes"

struct openapi_document {
    struct arena *arena; /* that it lives in */
    yyjson_val *root;
    bool is_swagger; /* 2.0 */
};

/* Parses a document of either version. ERR_APIGW_BAD_REQUEST when it is none. */
enum err openapi_parse(struct arena *arena, struct str text, struct openapi_document *out,
                       struct error *error);

/* The value, or what its "$ref" leads to; NULL when that is not in the document or a circle. */
yyjson_val *openapi_resolve(const struct openapi_document *document, yyjson_val *value);

/* The part that both versions have under a name of their own: "definitions" and "schemas" of
 * components. */
yyjson_val *openapi_part(const struct openapi_document *document, const char *swagger_name,
                         const char *component);

/* The model that a schema is a mere reference to ("#/components/schemas/Note" is Note); a NULL
 * pointer for any other. */
struct str openapi_model_of(const struct openapi_document *document, yyjson_val *schema);

/* The path behind the host: "basePath", or that of the first server with the defaults of its
 * variables. Empty when there is none. */
struct str openapi_base_path(const struct openapi_document *document);
