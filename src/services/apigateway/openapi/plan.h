/* What an OpenAPI document asks for, as inputs of the control plane's operations. No I/O: the
 * document becomes a plan, and import.c carries it out.
 *
 *   api               {"name", "description", ...}: of CreateRestApi
 *   models            [{"name", "contentType", "description", "schema"}]: the schema as JSON, with
 * the document's own references (openapi_schema_text writes it) validators        [{"name",
 * "validateRequestBody", ...}]: of CreateRequestValidator authorizers       [{"name", "type",
 * ...}]: of CreateAuthorizer gatewayResponses  [{"responseType", "statusCode", ...}]: of
 * PutGatewayResponse paths             [{"path", "methods": [{"http_method", "put": of PutMethod,
 * "validator" and "authorizer" by name, "responses": [of PutMethodResponse], "integration": of
 *                     PutIntegration, "integrationResponses": [of PutIntegrationResponse]}]}]
 *   warnings, errors  texts */
#pragma once

#include "base/map.h"
#include "services/apigateway/openapi/document.h"

enum openapi_base_path { OPENAPI_IGNORE, OPENAPI_PREPEND, OPENAPI_SPLIT };

struct openapi_plan {
    const struct openapi_document *document;
    struct arena *arena;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
    yyjson_mut_val *api, *models, *validators, *authorizers, *gateway_responses, *paths;
    yyjson_mut_val *warnings, *errors;
    struct map model_names; /* to the plan itself */
    struct map messages;    /* that have been given, to the plan itself */
    size_t expanded;        /* bytes that references have added */
};

/* Makes the plan, in the document's arena. The document has to stay as long. Give it back with
 * openapi_plan_release. */
void openapi_plan_make(const struct openapi_document *document, enum openapi_base_path base_path,
                       struct openapi_plan *out);

void openapi_plan_release(struct openapi_plan *plan);

/* A model's schema as text, its references to models as those of the API. */
struct str openapi_schema_text(struct arena *arena, yyjson_mut_val *schema, struct str api_id);

/* --- Between the files that make plans --- */

void openapi_warn(struct openapi_plan *plan, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void openapi_fail(struct openapi_plan *plan, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* As openapi_resolve, for what is copied into the plan: many references to one large thing are an
 * error, not a large plan. */
yyjson_val *openapi_expand(struct openapi_plan *plan, yyjson_val *value);

/* Adds a copy under a name; nothing when it is NULL or null. Numbers and truth values become text
 * in `openapi_add_text`: YAML takes a version 1.0 for a number. */
void openapi_add(struct openapi_plan *plan, yyjson_mut_val *object, const char *name,
                 yyjson_val *value);
void openapi_add_text(struct openapi_plan *plan, yyjson_mut_val *object, const char *name,
                      yyjson_val *value);
struct str openapi_text(struct openapi_plan *plan, yyjson_val *value);

/* Warns of each member that is not among `known`, which ends in NULL, and whose name starts with
 * `prefix`. */
void openapi_warn_of_others(struct openapi_plan *plan, yyjson_val *object, struct str prefix,
                            const char *const *known, const char *where);

/* Text in capitals, in the plan's arena. */
struct str openapi_upper(struct openapi_plan *plan, struct str text);

/* The name of the model for a schema: the one that it refers to, or one made of it here. */
struct str openapi_model_for(struct openapi_plan *plan, yyjson_val *schema);

/* plan_models.c, plan_security.c, plan_methods.c */
void openapi_plan_models(struct openapi_plan *plan);
void openapi_plan_authorizers(struct openapi_plan *plan);
void openapi_plan_security(struct openapi_plan *plan, yyjson_val *operation, yyjson_mut_val *method,
                           yyjson_mut_val *put);
void openapi_plan_method(struct openapi_plan *plan, struct str path, yyjson_val *path_item,
                         yyjson_val *operation, struct str verb, yyjson_mut_val *method);
