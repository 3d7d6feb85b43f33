/* Operations as methods with their responses and integrations. */
#include "services/apigateway/openapi/plan.h"

#define INTEGRATION "x-amazon-apigateway-integration"
#define VALIDATOR   "x-amazon-apigateway-request-validator"

struct at {
    struct openapi_plan *plan;
    struct str verb, path;
    yyjson_val *operation, *path_item;
};

/* --- Parameters --- */

static void add_parameter(const struct at *at, yyjson_mut_val *map, yyjson_val *parameter)
{
    static const struct {
        struct str in, place;
    } places[] = {{STR_INIT("query"), STR_INIT("querystring")},
                  {STR_INIT("header"), STR_INIT("header")},
                  {STR_INIT("path"), STR_INIT("path")}};
    struct str in = json_get_str(parameter, "in"), name = json_get_str(parameter, "name");
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (!str_eq(in, places[i].in) || name.len == 0)
            continue;
        struct str key = arena_printf(at->plan->arena, "method.request.%.*s.%.*s",
                                      STR_ARG(places[i].place), STR_ARG(name));
        bool is_required = i == 2 || json_get_bool(parameter, "required", false);
        yyjson_mut_obj_put(map, yyjson_mut_strn(at->plan->doc, key.ptr, key.len),
                           yyjson_mut_bool(at->plan->doc, is_required));
        return;
    }
    openapi_warn(at->plan, "Parameter '%.*s' in '%.*s' of method '%.*s' is not supported, ignoring",
                 STR_ARG(name), STR_ARG(in), STR_ARG(at->verb));
}

static void add_request_model(const struct at *at, yyjson_mut_val *put, struct str type,
                              yyjson_val *schema)
{
    yyjson_mut_val *models = yyjson_mut_obj_get(put, "requestModels");
    if (!models)
        models = json_add_obj(at->plan->doc, put, "requestModels");
    struct str name = openapi_model_for(at->plan, schema);
    yyjson_mut_obj_put(models, yyjson_mut_strn(at->plan->doc, type.ptr, type.len),
                       yyjson_mut_strn(at->plan->doc, name.ptr, name.len));
}

/* Swagger 2.0: what types there are is beside the operation or at the top. */
static yyjson_val *types_of(const struct at *at, const char *member)
{
    yyjson_val *types = json_get(at->operation, member);
    return types ? types : json_get(at->plan->document->root, member);
}

static void add_body_parameter(const struct at *at, yyjson_mut_val *put, yyjson_val *schema)
{
    size_t i, max;
    yyjson_val *types = types_of(at, "consumes"), *type;
    if (!yyjson_is_obj(schema))
        return;
    if (yyjson_arr_size(types) == 0)
        add_request_model(at, put, STR("application/json"), schema);
    yyjson_arr_foreach (types, i, max, type) {
        if (yyjson_is_str(type))
            add_request_model(at, put, json_str(type), schema);
    }
}

static void add_parameters(const struct at *at, yyjson_mut_val *put, yyjson_mut_val *map,
                           yyjson_val *parameters)
{
    size_t i, max;
    yyjson_val *given;
    yyjson_arr_foreach (parameters, i, max, given) {
        yyjson_val *parameter = openapi_expand(at->plan, given);
        if (!yyjson_is_obj(parameter))
            openapi_fail(at->plan, "Invalid parameter of method '%.*s'", STR_ARG(at->verb));
        else if (str_eq(json_get_str(parameter, "in"), STR("body")))
            add_body_parameter(at, put, json_get(parameter, "schema"));
        else
            add_parameter(at, map, parameter);
    }
}

/* "{id}" in a path is a parameter that there always is, though nothing declares it. */
static void add_path_parameters(const struct at *at, yyjson_mut_val *map)
{
    struct str rest = at->path, name;
    while (str_cut(&rest, '{', &name)) {
        str_cut(&rest, '}', &name);
        name = str_ends(name, STR("+")) ? str_slice(name, 0, name.len - 1) : name;
        struct str key = arena_printf(at->plan->arena, "method.request.path.%.*s", STR_ARG(name));
        if (name.len)
            yyjson_mut_obj_put(map, yyjson_mut_strn(at->plan->doc, key.ptr, key.len),
                               yyjson_mut_true(at->plan->doc));
    }
}

/* Swagger 2.0's content types, which an export tells. */
static void add_types(const struct at *at, yyjson_mut_val *put)
{
    static const char *const members[] = {"consumes", "produces"};
    yyjson_mut_val *types = yyjson_mut_obj(at->plan->doc);
    size_t i, max;
    yyjson_val *type;
    for (size_t m = 0; m < 2; m++) {
        yyjson_val *given = types_of(at, members[m]);
        if (!yyjson_arr_size(given))
            continue;
        yyjson_mut_val *list = json_add_arr(at->plan->doc, types, members[m]);
        yyjson_arr_foreach (given, i, max, type) {
            if (yyjson_is_str(type))
                yyjson_mut_arr_append(list, yyjson_val_mut_copy(at->plan->doc, type));
        }
    }
    if (at->plan->document->is_swagger && yyjson_mut_obj_size(types))
        json_add(at->plan->doc, put, METHOD_TYPES, types);
}

/* --- Bodies --- */

/* {"content/type": {"schema": ...}} as {"content/type": "model"} */
static void add_content(const struct at *at, yyjson_mut_val *models, yyjson_val *content)
{
    size_t i, max;
    yyjson_val *type, *media;
    yyjson_obj_foreach (content, i, max, type, media) {
        yyjson_val *schema = json_get(media, "schema");
        if (!yyjson_is_obj(schema))
            continue;
        struct str name = openapi_model_for(at->plan, schema);
        yyjson_mut_obj_add(
            models, yyjson_mut_strn(at->plan->doc, yyjson_get_str(type), yyjson_get_len(type)),
            yyjson_mut_strn(at->plan->doc, name.ptr, name.len));
    }
}

static void add_if_filled(const struct at *at, yyjson_mut_val *object, const char *name,
                          yyjson_mut_val *value)
{
    if (yyjson_mut_obj_size(value))
        json_add(at->plan->doc, object, name, value);
}

static void plan_put(const struct at *at, yyjson_mut_val *method, yyjson_mut_val *put)
{
    struct openapi_plan *plan = at->plan;
    yyjson_mut_val *parameters = yyjson_mut_obj(plan->doc);
    yyjson_val *body = openapi_expand(plan, json_get(at->operation, "requestBody"));
    openapi_plan_security(plan, at->operation, method, put);
    openapi_add_text(plan, put, "operationName", json_get(at->operation, "operationId"));
    add_types(at, put);
    add_path_parameters(at, parameters);
    add_parameters(at, put, parameters, json_get(at->path_item, "parameters"));
    add_parameters(at, put, parameters, json_get(at->operation, "parameters"));
    add_if_filled(at, put, "requestParameters", parameters);
    if (yyjson_is_obj(body)) {
        yyjson_mut_val *models = yyjson_mut_obj(plan->doc);
        add_content(at, models, json_get(body, "content"));
        add_if_filled(at, put, "requestModels", models);
    }
    yyjson_val *validator = json_get(at->operation, VALIDATOR);
    openapi_add(plan, method, "validator",
                validator ? validator : json_get(plan->document->root, VALIDATOR));
}

/* --- Responses --- */

static void add_swagger_models(const struct at *at, yyjson_mut_val *models, yyjson_val *schema)
{
    size_t i, max;
    yyjson_val *types = types_of(at, "produces"), *type;
    if (!yyjson_is_obj(schema))
        return;
    struct str name = openapi_model_for(at->plan, schema);
    if (yyjson_arr_size(types) == 0)
        json_add_str(at->plan->doc, models, "application/json", name);
    yyjson_arr_foreach (types, i, max, type) {
        if (yyjson_is_str(type))
            yyjson_mut_obj_add(
                models, yyjson_mut_strn(at->plan->doc, yyjson_get_str(type), yyjson_get_len(type)),
                yyjson_mut_strn(at->plan->doc, name.ptr, name.len));
    }
}

static void add_response_headers(const struct at *at, yyjson_mut_val *response, yyjson_val *headers)
{
    size_t i, max;
    yyjson_val *name, *header;
    yyjson_mut_val *parameters = yyjson_mut_obj(at->plan->doc);
    yyjson_obj_foreach (headers, i, max, name, header) {
        struct str key =
            arena_printf(at->plan->arena, "method.response.header.%.*s", STR_ARG(json_str(name)));
        yyjson_mut_obj_add(parameters, yyjson_mut_strn(at->plan->doc, key.ptr, key.len),
                           yyjson_mut_bool(at->plan->doc, false));
    }
    add_if_filled(at, response, "responseParameters", parameters);
}

static void plan_response(const struct at *at, yyjson_mut_val *responses, struct str code,
                          yyjson_val *given)
{
    struct openapi_plan *plan = at->plan;
    yyjson_mut_val *response = yyjson_mut_arr_add_obj(plan->doc, responses);
    yyjson_mut_val *models = yyjson_mut_obj(plan->doc);
    json_add_str(plan->doc, response, "statusCode", code);
    add_response_headers(at, response, json_get(given, "headers"));
    if (plan->document->is_swagger)
        add_swagger_models(at, models, json_get(given, "schema"));
    else
        add_content(at, models, json_get(given, "content"));
    add_if_filled(at, response, "responseModels", models);
}

static void plan_responses(const struct at *at, yyjson_mut_val *responses)
{
    size_t i, max;
    yyjson_val *code, *given;
    uint64_t number;
    yyjson_obj_foreach (json_get(at->operation, "responses"), i, max, code, given) {
        yyjson_val *response = openapi_expand(at->plan, given);
        if (!response)
            openapi_fail(at->plan, "Invalid response '%.*s' of method '%.*s'",
                         STR_ARG(json_str(code)), STR_ARG(at->verb));
        else if (str_to_u64(json_str(code), &number))
            plan_response(at, responses, json_str(code), response);
        else if (!str_starts(json_str(code), STR("x-")))
            openapi_warn(at->plan, "Response '%.*s' of method '%.*s' is not supported, ignoring",
                         STR_ARG(json_str(code)), STR_ARG(at->verb));
    }
}

/* --- Integrations --- */

/* What an integration may have: enumerations, which are in capitals in the API, what is copied as
 * it is, and what is seen to elsewhere or, of a payload's format, is the one of REST APIs anyway.
 */
static const char *const integration_members[] = {"type",
                                                  "httpMethod",
                                                  "passthroughBehavior",
                                                  "contentHandling",
                                                  "connectionType",
                                                  "uri",
                                                  "credentials",
                                                  "connectionId",
                                                  "requestTemplates",
                                                  "timeoutInMillis",
                                                  "cacheNamespace",
                                                  "cacheKeyParameters",
                                                  "tlsConfig",
                                                  "responses",
                                                  "requestParameters",
                                                  "payloadFormatVersion",
                                                  NULL};

enum { IN_CAPITALS = 5, COPIED = 13 };

/* Mappings from what is no text are dropped, as AWS drops them. */
static void add_mappings(const struct at *at, yyjson_mut_val *object, const char *name,
                         yyjson_val *mappings)
{
    size_t i, max;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(mappings)) {
        openapi_add(at->plan, object, name, mappings);
        return;
    }
    yyjson_mut_val *kept = yyjson_mut_obj(at->plan->doc);
    yyjson_obj_foreach (mappings, i, max, key, value) {
        if (yyjson_is_str(value))
            yyjson_mut_obj_add(kept, yyjson_val_mut_copy(at->plan->doc, key),
                               yyjson_val_mut_copy(at->plan->doc, value));
    }
    add_if_filled(at, object, name, kept);
}

static void plan_integration(const struct at *at, yyjson_mut_val *integration, yyjson_val *given)
{
    openapi_warn_of_others(at->plan, given, STR_EMPTY, integration_members, "Integration member ");
    for (size_t i = 0; i < IN_CAPITALS; i++) {
        struct str text = json_get_str(given, integration_members[i]);
        if (text.ptr)
            json_add_str(at->plan->doc, integration, integration_members[i],
                         openapi_upper(at->plan, text));
    }
    add_mappings(at, integration, "requestParameters", json_get(given, "requestParameters"));
    for (size_t i = IN_CAPITALS; i < COPIED; i++)
        openapi_add(at->plan, integration, integration_members[i],
                    json_get(given, integration_members[i]));
}

static void plan_integration_response(const struct at *at, yyjson_mut_val *responses,
                                      struct str pattern, yyjson_val *given)
{
    struct openapi_plan *plan = at->plan;
    yyjson_mut_val *response = yyjson_mut_arr_add_obj(plan->doc, responses);
    struct str handling = json_get_str(given, "contentHandling");
    openapi_add_text(plan, response, "statusCode", json_get(given, "statusCode"));
    if (!str_eq(pattern, STR("default")))
        json_add_str(plan->doc, response, "selectionPattern", pattern);
    add_mappings(at, response, "responseParameters", json_get(given, "responseParameters"));
    openapi_add(plan, response, "responseTemplates", json_get(given, "responseTemplates"));
    if (handling.ptr)
        json_add_str(plan->doc, response, "contentHandling", openapi_upper(plan, handling));
}

static void plan_integrations(const struct at *at, yyjson_mut_val *method)
{
    size_t i, max;
    yyjson_val *pattern, *given;
    yyjson_val *integration = openapi_expand(at->plan, json_get(at->operation, INTEGRATION));
    if (!yyjson_is_obj(integration))
        return;
    plan_integration(at, json_add_obj(at->plan->doc, method, "integration"), integration);
    yyjson_mut_val *responses = json_add_arr(at->plan->doc, method, "integrationResponses");
    yyjson_obj_foreach (json_get(integration, "responses"), i, max, pattern, given) {
        plan_integration_response(at, responses, json_str(pattern), given);
    }
}

void openapi_plan_method(struct openapi_plan *plan, struct str path, yyjson_val *path_item,
                         yyjson_val *operation, struct str verb, yyjson_mut_val *method)
{
    struct at at = {
        .plan = plan, .verb = verb, .path = path, .operation = operation, .path_item = path_item};
    json_add_str(plan->doc, method, "http_method", verb);
    plan_put(&at, method, json_add_obj(plan->doc, method, "put"));
    plan_responses(&at, json_add_arr(plan->doc, method, "responses"));
    plan_integrations(&at, method);
}
