/* The plan of a document: the API itself, its paths, and what both are made with. */
#include "services/apigateway/openapi/plan.h"

#include <stdarg.h>

enum { MAX_EXPANDED = 64 * 1024 * 1024 };

/* --- Texts --- */

__attribute__((format(printf, 3, 0))) static void
add_message(struct openapi_plan *plan, yyjson_mut_val *list, const char *format, va_list args)
{
    struct str text = arena_vprintf(plan->arena, format, args);
    if (map_set(&plan->messages, text, plan))
        return;
    yyjson_mut_arr_add_strn(plan->doc, list, text.ptr, text.len);
}

void openapi_warn(struct openapi_plan *plan, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_message(plan, plan->warnings, format, args);
    va_end(args);
}

void openapi_fail(struct openapi_plan *plan, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_message(plan, plan->errors, format, args);
    va_end(args);
}

void openapi_warn_of_others(struct openapi_plan *plan, yyjson_val *object, struct str prefix,
                            const char *const *known, const char *where)
{
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (object, i, max, key, value) {
        const char *const *one = known;
        while (*one && !yyjson_equals_str(key, *one))
            one++;
        if (!*one && str_starts(json_str(key), prefix))
            openapi_warn(plan, "%s%s is not supported, ignoring", where, yyjson_get_str(key));
    }
}

void openapi_add(struct openapi_plan *plan, yyjson_mut_val *object, const char *name,
                 yyjson_val *value)
{
    if (value && !yyjson_is_null(value))
        json_add_copy(plan->doc, object, name, value);
}

struct str openapi_text(struct openapi_plan *plan, yyjson_val *value)
{
    if (yyjson_is_num(value) || yyjson_is_bool(value))
        return json_write_val(plan->arena, value);
    return json_str(value);
}

void openapi_add_text(struct openapi_plan *plan, yyjson_mut_val *object, const char *name,
                      yyjson_val *value)
{
    json_add_str_opt(plan->doc, object, name, openapi_text(plan, value));
}

struct str openapi_upper(struct openapi_plan *plan, struct str text)
{
    char *upper = arena_cstr(plan->arena, text);
    for (size_t i = 0; i < text.len; i++) {
        if (upper[i] >= 'a' && upper[i] <= 'z')
            upper[i] = (char)(upper[i] - 'a' + 'A');
    }
    return str_make(upper, text.len);
}

static size_t weight_of(yyjson_val *value)
{
    size_t i, max, weight = 16;
    yyjson_val *key, *member;
    if (yyjson_is_str(value))
        return weight + yyjson_get_len(value);
    yyjson_arr_foreach (value, i, max, member) {
        weight += weight_of(member);
    }
    yyjson_obj_foreach (value, i, max, key, member) {
        weight += weight_of(key) + weight_of(member);
    }
    return weight;
}

yyjson_val *openapi_expand(struct openapi_plan *plan, yyjson_val *value)
{
    yyjson_val *resolved = openapi_resolve(plan->document, value);
    if (resolved == value || plan->expanded > MAX_EXPANDED)
        return resolved == value ? value : NULL;
    plan->expanded += weight_of(resolved);
    if (plan->expanded <= MAX_EXPANDED)
        return resolved;
    openapi_fail(plan, "The references of the document expand to too much");
    return NULL;
}

/* --- The API --- */

/* The extension, or NULL: "x-amazon-apigateway-NAME". */
static yyjson_val *extension(const struct openapi_plan *plan, const char *name)
{
    return json_get(plan->document->root, name);
}

static void plan_endpoint(struct openapi_plan *plan)
{
    yyjson_val *given = extension(plan, "x-amazon-apigateway-endpoint-configuration");
    yyjson_val *servers = json_get(plan->document->root, "servers"), *types;
    if (!given) /* OpenAPI 3.0 has it at the server */
        given =
            json_get(yyjson_arr_get_first(servers), "x-amazon-apigateway-endpoint-configuration");
    if (!yyjson_is_obj(given))
        return;
    openapi_add(plan, plan->api, "disableExecuteApiEndpoint",
                json_get(given, "disableExecuteApiEndpoint"));
    types = json_get(given, "types");
    yyjson_val *endpoints = json_get(given, "vpcEndpointIds");
    if (!types && !endpoints)
        return;
    yyjson_mut_val *configuration = json_add_obj(plan->doc, plan->api, "endpointConfiguration");
    openapi_add(plan, configuration, "types", types);
    openapi_add(plan, configuration, "vpcEndpointIds", endpoints);
}

static void plan_policy(struct openapi_plan *plan)
{
    yyjson_val *policy = extension(plan, "x-amazon-apigateway-policy");
    if (yyjson_is_obj(policy))
        json_add_str(plan->doc, plan->api, "policy", json_write_val(plan->arena, policy));
    else
        openapi_add(plan, plan->api, "policy", policy);
}

static void plan_api(struct openapi_plan *plan)
{
    static const char *const extensions[] = {"x-amazon-apigateway-api-key-source",
                                             "x-amazon-apigateway-auth",
                                             "x-amazon-apigateway-binary-media-types",
                                             "x-amazon-apigateway-cors",
                                             "x-amazon-apigateway-documentation",
                                             "x-amazon-apigateway-endpoint-configuration",
                                             "x-amazon-apigateway-gateway-responses",
                                             "x-amazon-apigateway-importexport-version",
                                             "x-amazon-apigateway-minimum-compression-size",
                                             "x-amazon-apigateway-policy",
                                             "x-amazon-apigateway-request-validator",
                                             "x-amazon-apigateway-request-validators",
                                             NULL};
    yyjson_val *info = json_get(plan->document->root, "info");
    openapi_add_text(plan, plan->api, "name", json_get(info, "title"));
    openapi_add_text(plan, plan->api, "description", json_get(info, "description"));
    openapi_add_text(plan, plan->api, "version", json_get(info, "version"));
    openapi_add(plan, plan->api, "apiKeySource",
                extension(plan, "x-amazon-apigateway-api-key-source"));
    openapi_add(plan, plan->api, "binaryMediaTypes",
                extension(plan, "x-amazon-apigateway-binary-media-types"));
    openapi_add(plan, plan->api, "minimumCompressionSize",
                extension(plan, "x-amazon-apigateway-minimum-compression-size"));
    plan_endpoint(plan);
    plan_policy(plan);
    if (extension(plan, "x-amazon-apigateway-cors"))
        openapi_warn(plan, "x-amazon-apigateway-cors is only supported for HTTP APIs, ignoring");
    openapi_warn_of_others(plan, plan->document->root, STR("x-amazon-apigateway-"), extensions, "");
}

/* --- Validators and gateway responses --- */

static void plan_validators(struct openapi_plan *plan)
{
    size_t i, max;
    yyjson_val *name, *given;
    yyjson_obj_foreach (extension(plan, "x-amazon-apigateway-request-validators"), i, max, name,
                        given) {
        yyjson_mut_val *validator = yyjson_mut_arr_add_obj(plan->doc, plan->validators);
        json_add_str(plan->doc, validator, "name", json_str(name));
        openapi_add(plan, validator, "validateRequestBody", json_get(given, "validateRequestBody"));
        openapi_add(plan, validator, "validateRequestParameters",
                    json_get(given, "validateRequestParameters"));
    }
}

static void plan_gateway_responses(struct openapi_plan *plan)
{
    size_t i, max;
    yyjson_val *type, *given;
    yyjson_obj_foreach (extension(plan, "x-amazon-apigateway-gateway-responses"), i, max, type,
                        given) {
        yyjson_mut_val *response = yyjson_mut_arr_add_obj(plan->doc, plan->gateway_responses);
        json_add_str(plan->doc, response, "responseType", json_str(type));
        openapi_add_text(plan, response, "statusCode", json_get(given, "statusCode"));
        openapi_add(plan, response, "responseParameters", json_get(given, "responseParameters"));
        openapi_add(plan, response, "responseTemplates", json_get(given, "responseTemplates"));
    }
}

/* --- Paths --- */

static const struct {
    struct str member, verb;
} verbs[] = {
    {STR_INIT("get"), STR_INIT("GET")},
    {STR_INIT("put"), STR_INIT("PUT")},
    {STR_INIT("post"), STR_INIT("POST")},
    {STR_INIT("delete"), STR_INIT("DELETE")},
    {STR_INIT("options"), STR_INIT("OPTIONS")},
    {STR_INIT("head"), STR_INIT("HEAD")},
    {STR_INIT("patch"), STR_INIT("PATCH")},
    {STR_INIT("x-amazon-apigateway-any-method"), STR_INIT("ANY")},
};

static void plan_path(struct openapi_plan *plan, struct str prefix, struct str name,
                      yyjson_val *given)
{
    yyjson_val *item = openapi_expand(plan, given), *operation;
    struct str path = arena_printf(plan->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(name));
    if (!yyjson_is_obj(item)) {
        openapi_fail(plan, "Invalid path item at path '%.*s'", STR_ARG(name));
        return;
    }
    yyjson_mut_val *entry = yyjson_mut_arr_add_obj(plan->doc, plan->paths);
    json_add_str(plan->doc, entry, "path", path);
    yyjson_mut_val *methods = json_add_arr(plan->doc, entry, "methods");
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        operation = yyjson_obj_getn(item, verbs[i].member.ptr, verbs[i].member.len);
        if (yyjson_is_obj(operation))
            openapi_plan_method(plan, path, item, operation, verbs[i].verb,
                                yyjson_mut_arr_add_obj(plan->doc, methods));
    }
    if (json_get(item, "trace"))
        openapi_warn(plan, "Method TRACE of path '%.*s' is not supported, ignoring", STR_ARG(name));
}

/* What stands before every path. Of "/a/b/c" split takes off the first part. */
static struct str prefix_of(const struct openapi_plan *plan, enum openapi_base_path mode)
{
    struct str path = openapi_base_path(plan->document);
    ptrdiff_t second;
    switch (mode) {
    case OPENAPI_IGNORE:
        return STR_EMPTY;
    case OPENAPI_PREPEND:
        return path;
    case OPENAPI_SPLIT:
        break;
    }
    second = str_find_byte(path, '/', 1);
    return second < 0 ? STR_EMPTY : str_slice(path, (size_t)second, path.len);
}

static void plan_paths(struct openapi_plan *plan, struct str prefix)
{
    size_t i, max;
    yyjson_val *path, *item;
    yyjson_obj_foreach (json_get(plan->document->root, "paths"), i, max, path, item) {
        if (str_starts(json_str(path), STR("/")))
            plan_path(plan, prefix, json_str(path), item);
        else if (!str_starts(json_str(path), STR("x-")))
            openapi_fail(plan, "Invalid path '%.*s': paths start with '/'",
                         STR_ARG(json_str(path)));
    }
}

void openapi_plan_make(const struct openapi_document *document, enum openapi_base_path base_path,
                       struct openapi_plan *out)
{
    yyjson_mut_doc *doc = json_doc(document->arena);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    *out = (struct openapi_plan){
        .document = document,
        .arena = document->arena,
        .doc = doc,
        .root = root,
        .api = json_add_obj(doc, root, "api"),
        .models = json_add_arr(doc, root, "models"),
        .validators = json_add_arr(doc, root, "validators"),
        .authorizers = json_add_arr(doc, root, "authorizers"),
        .gateway_responses = json_add_arr(doc, root, "gatewayResponses"),
        .paths = json_add_arr(doc, root, "paths"),
        .warnings = json_add_arr(doc, root, "warnings"),
        .errors = json_add_arr(doc, root, "errors"),
    };
    plan_api(out);
    openapi_plan_models(out);
    plan_validators(out);
    openapi_plan_authorizers(out);
    plan_gateway_responses(out);
    plan_paths(out, prefix_of(out, base_path));
}

void openapi_plan_release(struct openapi_plan *plan)
{
    map_release(&plan->model_names);
    map_release(&plan->messages);
}
