/* Methods as operations. */
#include "services/apigateway/openapi/document.h"
#include "services/apigateway/openapi/writer_internal.h"

enum { DEFAULT_TIMEOUT_MS = 29000 };

static struct str lower(struct openapi_writer *writer, struct str text)
{
    char *copy = arena_cstr(writer->arena, text);
    for (size_t i = 0; i < text.len; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] - 'A' + 'a');
    }
    return str_make(copy, text.len);
}

/* --- Requests --- */

static yyjson_val *first_value(yyjson_val *object)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(object);
    return yyjson_obj_iter_get_val(yyjson_obj_iter_next(&iter));
}

/* "method.request.querystring.limit" */
static void write_parameter(struct openapi_writer *writer, yyjson_mut_val *list, struct str name,
                            bool is_required)
{
    yyjson_mut_doc *doc = writer->doc;
    struct str place = str_slice(name, sizeof("method.request.") - 1, name.len), in;
    str_cut(&place, '.', &in);
    yyjson_mut_val *parameter = yyjson_mut_arr_add_obj(doc, list);
    json_add_str(doc, parameter, "name", place);
    json_add_str(doc, parameter, "in", str_eq(in, STR("querystring")) ? STR("query") : in);
    if (is_required || writer->source->is_swagger)
        json_add_bool(doc, parameter, "required", is_required);
    if (writer->source->is_swagger)
        json_add_str(doc, parameter, "type", STR("string"));
    else
        json_add_str(doc, json_add_obj(doc, parameter, "schema"), "type", STR("string"));
}

static void write_swagger_body(struct openapi_writer *writer, yyjson_mut_val *parameters,
                               struct str model)
{
    yyjson_mut_val *parameter = yyjson_mut_arr_add_obj(writer->doc, parameters);
    json_add_str(writer->doc, parameter, "in", STR("body"));
    json_add_str(writer->doc, parameter, "name", model);
    json_add_bool(writer->doc, parameter, "required", true);
    json_add(writer->doc, parameter, "schema", openapi_reference(writer, model));
}

/* {"content/type": {"schema": {"$ref": ...}}} */
static yyjson_mut_val *content_of(struct openapi_writer *writer, yyjson_val *models)
{
    size_t i, max;
    yyjson_val *type, *model;
    yyjson_mut_val *content = yyjson_mut_obj(writer->doc);
    yyjson_obj_foreach (models, i, max, type, model) {
        json_add(writer->doc, openapi_set_obj(writer, content, json_str(type)), "schema",
                 openapi_reference(writer, json_str(model)));
    }
    return content;
}

static void write_request(struct openapi_writer *writer, yyjson_mut_val *operation,
                          yyjson_val *method)
{
    size_t i, max;
    yyjson_val *name, *required, *models = json_get(method, "requestModels");
    yyjson_mut_val *parameters = yyjson_mut_arr(writer->doc);
    yyjson_obj_foreach (json_get(method, "requestParameters"), i, max, name, required) {
        write_parameter(writer, parameters, json_str(name), yyjson_get_bool(required));
    }
    if (writer->source->is_swagger && yyjson_obj_size(models)) /* one schema for all types */
        write_swagger_body(writer, parameters, json_str(first_value(models)));
    if (yyjson_mut_arr_size(parameters))
        json_add(writer->doc, operation, "parameters", parameters);
    if (writer->source->is_swagger || yyjson_obj_size(models) == 0)
        return;
    yyjson_mut_val *body = json_add_obj(writer->doc, operation, "requestBody");
    json_add(writer->doc, body, "content", content_of(writer, models));
    json_add_bool(writer->doc, body, "required", true);
}

/* --- Responses --- */

static void write_headers(struct openapi_writer *writer, yyjson_mut_val *response,
                          yyjson_val *parameters)
{
    size_t i, max;
    yyjson_val *name, *required;
    yyjson_mut_val *headers = json_add_obj(writer->doc, response, "headers");
    yyjson_obj_foreach (parameters, i, max, name, required) {
        struct str header =
            str_slice(json_str(name), sizeof("method.response.header.") - 1, SIZE_MAX);
        yyjson_mut_val *entry = openapi_set_obj(writer, headers, header);
        if (!writer->source->is_swagger)
            entry = json_add_obj(writer->doc, entry, "schema");
        json_add_str(writer->doc, entry, "type", STR("string"));
    }
}

static void write_response(struct openapi_writer *writer, yyjson_mut_val *responses,
                           struct str code, yyjson_val *given)
{
    yyjson_val *models = json_get(given, "responseModels");
    yyjson_val *parameters = json_get(given, "responseParameters");
    yyjson_mut_val *response = openapi_set_obj(writer, responses, code);
    json_add_str(writer->doc, response, "description",
                 arena_printf(writer->arena, "%.*s response", STR_ARG(code)));
    if (yyjson_obj_size(parameters))
        write_headers(writer, response, parameters);
    if (!writer->source->is_swagger)
        json_add(writer->doc, response, "content", content_of(writer, models));
    else if (yyjson_obj_size(models))
        json_add(writer->doc, response, "schema",
                 openapi_reference(writer, json_str(first_value(models))));
}

static void write_responses(struct openapi_writer *writer, yyjson_mut_val *operation,
                            yyjson_val *method)
{
    size_t i, max;
    yyjson_val *code, *response;
    yyjson_mut_val *responses = json_add_obj(writer->doc, operation, "responses");
    yyjson_obj_foreach (json_get(method, "methodResponses"), i, max, code, response) {
        write_response(writer, responses, json_str(code), response);
    }
}

/* --- Content types --- */

/* Swagger 2.0 has them beside the operation. */
static void add_type(struct openapi_writer *writer, yyjson_mut_val *list, yyjson_val *type)
{
    size_t i, max;
    yyjson_mut_val *other;
    yyjson_mut_arr_foreach (list, i, max, other) {
        if (yyjson_mut_equals_str(other, yyjson_get_str(type)))
            return;
    }
    yyjson_mut_arr_append(list, yyjson_val_mut_copy(writer->doc, type));
}

static void add_types(struct openapi_writer *writer, yyjson_mut_val *list, yyjson_val *by_type)
{
    size_t i, max;
    yyjson_val *type, *value;
    yyjson_obj_foreach (by_type, i, max, type, value) {
        add_type(writer, list, type);
    }
    yyjson_arr_foreach (by_type, i, max, type) {
        add_type(writer, list, type);
    }
}

static void add_types_of_each(struct openapi_writer *writer, yyjson_mut_val *list,
                              yyjson_val *responses, const char *member)
{
    size_t i, max;
    yyjson_val *code, *response;
    yyjson_obj_foreach (responses, i, max, code, response) {
        add_types(writer, list, json_get(response, member));
    }
}

/* Those that the imported document gave, and those of models and templates. */
static void write_types(struct openapi_writer *writer, yyjson_mut_val *operation,
                        yyjson_val *resource, yyjson_val *method)
{
    struct str verb = json_get_str(method, "httpMethod");
    yyjson_val *given = yyjson_obj_getn(json_get(resource, METHOD_TYPES), verb.ptr, verb.len);
    yyjson_val *integration = json_get(method, "methodIntegration");
    yyjson_mut_val *consumes = yyjson_mut_arr(writer->doc), *produces = yyjson_mut_arr(writer->doc);
    add_types(writer, consumes, json_get(given, "consumes"));
    add_types(writer, consumes, json_get(method, "requestModels"));
    add_types(writer, consumes, json_get(integration, "requestTemplates"));
    add_types(writer, produces, json_get(given, "produces"));
    add_types_of_each(writer, produces, json_get(method, "methodResponses"), "responseModels");
    add_types_of_each(writer, produces, json_get(integration, "integrationResponses"),
                      "responseTemplates");
    if (yyjson_mut_arr_size(consumes))
        json_add(writer->doc, operation, "consumes", consumes);
    if (yyjson_mut_arr_size(produces))
        json_add(writer->doc, operation, "produces", produces);
}

/* --- Security --- */

static void ask(struct openapi_writer *writer, yyjson_mut_val *security, struct str name,
                yyjson_val *scopes)
{
    yyjson_mut_val *requirement = yyjson_mut_arr_add_obj(writer->doc, security);
    openapi_set(writer, requirement, name,
                scopes ? yyjson_val_mut_copy(writer->doc, scopes) : yyjson_mut_arr(writer->doc));
}

static void write_security(struct openapi_writer *writer, yyjson_mut_val *operation,
                           yyjson_val *method)
{
    struct str id = json_get_str(method, "authorizerId");
    yyjson_val *authorizers = json_get(writer->source->snapshot, "authorizers");
    yyjson_val *authorizer = yyjson_obj_getn(authorizers, id.ptr, id.len);
    yyjson_mut_val *security = yyjson_mut_arr(writer->doc);
    if (authorizer) {
        struct str name = json_get_str(authorizer, "name");
        map_set(&writer->schemes, name, authorizer);
        ask(writer, security, name, json_get(method, "authorizationScopes"));
    }
    if (str_eq(json_get_str(method, "authorizationType"), STR("AWS_IAM"))) {
        writer->has_signature = true;
        ask(writer, security, STR("sigv4"), NULL);
    }
    if (json_get_bool(method, "apiKeyRequired", false)) {
        writer->has_key = true;
        ask(writer, security, STR("api_key"), NULL);
    }
    if (yyjson_mut_arr_size(security))
        json_add(writer->doc, operation, "security", security);
}

/* --- Integrations --- */

static void write_integration_responses(struct openapi_writer *writer, yyjson_mut_val *integration,
                                        yyjson_val *given)
{
    static const char *const members[] = {"statusCode", "responseParameters", "responseTemplates",
                                          "contentHandling"};
    size_t i, max;
    yyjson_val *code, *response;
    if (yyjson_obj_size(given) == 0)
        return;
    yyjson_mut_val *responses = json_add_obj(writer->doc, integration, "responses");
    yyjson_obj_foreach (given, i, max, code, response) {
        struct str pattern = json_get_str(response, "selectionPattern");
        yyjson_mut_val *entry =
            openapi_set_obj(writer, responses, pattern.len ? pattern : STR("default"));
        for (size_t m = 0; m < sizeof(members) / sizeof(members[0]); m++)
            json_add_copy(writer->doc, entry, members[m], json_get(response, members[m]));
    }
}

/* What is as it would be anyway is left out: a namespace that is the resource's id would be another
 * one's in the API that is made of the document. */
static void write_rest(struct openapi_writer *writer, yyjson_mut_val *integration,
                       yyjson_val *resource, yyjson_val *given)
{
    int64_t timeout_ms = DEFAULT_TIMEOUT_MS;
    json_get_i64(given, "timeoutInMillis", &timeout_ms);
    if (timeout_ms != DEFAULT_TIMEOUT_MS)
        json_add_i64(writer->doc, integration, "timeoutInMillis", timeout_ms);
    if (!str_eq(json_get_str(given, "cacheNamespace"), json_get_str(resource, "id")))
        json_add_copy(writer->doc, integration, "cacheNamespace",
                      json_get(given, "cacheNamespace"));
    if (yyjson_arr_size(json_get(given, "cacheKeyParameters")))
        json_add_copy(writer->doc, integration, "cacheKeyParameters",
                      json_get(given, "cacheKeyParameters"));
    if (str_eq(json_get_str(given, "connectionType"), STR("VPC_LINK")))
        json_add_str(writer->doc, integration, "connectionType", STR("VPC_LINK"));
}

static void write_integration(struct openapi_writer *writer, yyjson_mut_val *operation,
                              yyjson_val *resource, yyjson_val *given)
{
    static const char *const members[] = {
        "httpMethod",      "uri",          "credentials", "requestParameters", "requestTemplates",
        "contentHandling", "connectionId", "tlsConfig"};
    yyjson_mut_doc *doc = writer->doc;
    yyjson_mut_val *integration = json_add_obj(doc, operation, "x-amazon-apigateway-integration");
    json_add_str(doc, integration, "type", lower(writer, json_get_str(given, "type")));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        json_add_copy(doc, integration, members[i], json_get(given, members[i]));
    json_add_str(doc, integration, "passthroughBehavior",
                 lower(writer, json_get_str(given, "passthroughBehavior")));
    write_rest(writer, integration, resource, given);
    write_integration_responses(writer, integration, json_get(given, "integrationResponses"));
}

yyjson_mut_val *openapi_operation(struct openapi_writer *writer, yyjson_val *resource,
                                  yyjson_val *method)
{
    yyjson_mut_val *operation = yyjson_mut_obj(writer->doc);
    yyjson_val *integration = json_get(method, "methodIntegration");
    struct str id = json_get_str(method, "requestValidatorId");
    yyjson_val *validator =
        yyjson_obj_getn(json_get(writer->source->snapshot, "validators"), id.ptr, id.len);
    json_add_str_opt(writer->doc, operation, "operationId", json_get_str(method, "operationName"));
    if (writer->source->is_swagger)
        write_types(writer, operation, resource, method);
    write_request(writer, operation, method);
    write_responses(writer, operation, method);
    write_security(writer, operation, method);
    if (!(writer->source->extensions & OPENAPI_INTEGRATIONS))
        return operation;
    json_add_copy(writer->doc, operation, "x-amazon-apigateway-request-validator",
                  json_get(validator, "name"));
    if (integration)
        write_integration(writer, operation, resource, integration);
    return operation;
}
