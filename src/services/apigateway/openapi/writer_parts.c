/* What operations refer to, and the API's own extensions. */
#include "services/apigateway/openapi/writer_internal.h"

#include <stdlib.h>

/* --- Models --- */

/* "https://apigateway.amazonaws.com/restapis/ID/models/NAME" as a reference in the document. */
static yyjson_mut_val *own_reference(struct openapi_writer *writer, yyjson_val *value)
{
    static const struct str marker = STR_INIT("/models/");
    struct str text = json_str(value);
    ptrdiff_t at = str_find(text, marker);
    if (at < 0 || !str_starts(text, STR("https://apigateway.")))
        return NULL;
    return openapi_reference(writer, str_slice(text, (size_t)at + marker.len, text.len));
}

/* A copy of a schema with the document's own references; may add to the pending models. */
static yyjson_mut_val *copy_schema(struct openapi_writer *writer, yyjson_val *schema)
{
    size_t i, max;
    yyjson_val *key, *member;
    yyjson_mut_val *copy;
    if (yyjson_is_arr(schema)) {
        copy = yyjson_mut_arr(writer->doc);
        yyjson_arr_foreach (schema, i, max, member) {
            yyjson_mut_arr_append(copy, copy_schema(writer, member));
        }
        return copy;
    }
    if (!yyjson_is_obj(schema))
        return yyjson_val_mut_copy(writer->doc, schema);
    copy = own_reference(writer, json_get(schema, "$ref"));
    if (copy)
        return copy;
    copy = yyjson_mut_obj(writer->doc);
    yyjson_obj_foreach (schema, i, max, key, member) {
        if (!yyjson_equals_str(key, "$schema"))
            openapi_set(writer, copy, json_str(key), copy_schema(writer, member));
    }
    return copy;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void write_models(struct openapi_writer *writer, yyjson_mut_val *into)
{
    yyjson_val *models = json_get(writer->source->snapshot, "models");
    yyjson_mut_val *copies = yyjson_mut_obj(writer->doc);
    for (size_t i = 0; i < writer->pending_count; i++) {
        struct str name = writer->pending[i];
        struct str text = json_str(yyjson_obj_getn(models, name.ptr, name.len));
        yyjson_val *schema = json_parse(writer->arena, text);
        openapi_set(writer, copies, name,
                    schema ? copy_schema(writer, schema) : yyjson_mut_obj(writer->doc));
    }
    if (writer->pending_count == 0)
        return;
    qsort(writer->pending, writer->pending_count, sizeof(struct str), by_name);
    for (size_t i = 0; i < writer->pending_count; i++) {
        struct str name = writer->pending[i];
        openapi_set(
            writer, into, name,
            yyjson_mut_val_mut_copy(writer->doc, yyjson_mut_obj_getn(copies, name.ptr, name.len)));
    }
}

/* --- Security schemes --- */

static yyjson_mut_val *header_scheme(struct openapi_writer *writer, yyjson_mut_val *schemes,
                                     struct str name, struct str header)
{
    yyjson_mut_val *scheme = openapi_set_obj(writer, schemes, name);
    json_add_str(writer->doc, scheme, "type", STR("apiKey"));
    json_add_str(writer->doc, scheme, "name", header);
    json_add_str(writer->doc, scheme, "in", STR("header"));
    return scheme;
}

/* The header of "method.request.header.Auth"; AWS's word for what is not one header. */
static struct str header_of(struct str source)
{
    static const struct str place = STR_INIT("method.request.header.");
    bool is_one = str_starts(source, place) && str_find_byte(source, ',', 0) < 0;
    return is_one ? str_slice(source, place.len, source.len) : STR("Unused");
}

static struct str type_of(struct str type)
{
    if (str_eq(type, STR("TOKEN")))
        return STR("token");
    return str_eq(type, STR("REQUEST")) ? STR("request") : STR("cognito_user_pools");
}

static void write_authorizer(struct openapi_writer *writer, yyjson_mut_val *schemes,
                             struct str name, yyjson_val *authorizer)
{
    static const char *const members[] = {"authorizerUri", "authorizerCredentials",
                                          "identityValidationExpression",
                                          "authorizerResultTtlInSeconds", "providerARNs"};
    struct str type = json_get_str(authorizer, "type");
    struct str auth_type = json_get_str(authorizer, "authType");
    struct str source = json_get_str(authorizer, "identitySource");
    yyjson_mut_val *scheme = header_scheme(writer, schemes, name, header_of(source));
    bool is_pool = str_eq(type, STR("COGNITO_USER_POOLS"));
    if (!(writer->source->extensions & OPENAPI_AUTHORIZERS))
        return;
    if (!auth_type.ptr)
        auth_type = is_pool ? STR("cognito_user_pools") : STR("custom");
    json_add_str(writer->doc, scheme, "x-amazon-apigateway-authtype", auth_type);
    yyjson_mut_val *given = json_add_obj(writer->doc, scheme, "x-amazon-apigateway-authorizer");
    json_add_str(writer->doc, given, "type", type_of(type));
    if (str_eq(type, STR("REQUEST")))
        json_add_str_opt(writer->doc, given, "identitySource", source);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        json_add_copy(writer->doc, given, members[i], json_get(authorizer, members[i]));
}

static void write_schemes(struct openapi_writer *writer, yyjson_mut_val *schemes)
{
    size_t cursor = 0, count = 0;
    struct str *names = arena_array(writer->arena, struct str, writer->schemes.count + 1);
    void *authorizer;
    while (map_next(&writer->schemes, &cursor, &names[count], &authorizer))
        count++;
    qsort(names, count, sizeof(*names), by_name);
    for (size_t i = 0; i < count; i++)
        write_authorizer(writer, schemes, names[i], map_get(&writer->schemes, names[i]));
    if (writer->has_signature)
        json_add_str(writer->doc,
                     header_scheme(writer, schemes, STR("sigv4"), STR("Authorization")),
                     "x-amazon-apigateway-authtype", STR("awsSigv4"));
    if (writer->has_key)
        header_scheme(writer, schemes, STR("api_key"), STR("x-api-key"));
}

/* --- Extensions --- */

static void write_gateway_responses(struct openapi_writer *writer)
{
    static const char *const members[] = {"responseParameters", "responseTemplates"};
    size_t i, max;
    int64_t status;
    yyjson_val *type, *given, *all = json_get(writer->source->snapshot, "gatewayResponses");
    if (yyjson_obj_size(all) == 0)
        return;
    yyjson_mut_val *responses =
        json_add_obj(writer->doc, writer->root, "x-amazon-apigateway-gateway-responses");
    yyjson_obj_foreach (all, i, max, type, given) {
        yyjson_mut_val *response = openapi_set_obj(writer, responses, json_str(type));
        if (json_get_i64(given, "statusCode", &status))
            json_add_i64(writer->doc, response, "statusCode", status);
        for (size_t m = 0; m < 2; m++)
            json_add_copy(writer->doc, response, members[m], json_get(given, members[m]));
    }
}

static void write_validators(struct openapi_writer *writer)
{
    static const char *const members[] = {"validateRequestParameters", "validateRequestBody"};
    size_t i, max;
    yyjson_val *id, *given, *all = json_get(writer->source->snapshot, "validators");
    if (yyjson_obj_size(all) == 0)
        return;
    yyjson_mut_val *validators =
        json_add_obj(writer->doc, writer->root, "x-amazon-apigateway-request-validators");
    yyjson_obj_foreach (all, i, max, id, given) {
        yyjson_mut_val *validator =
            openapi_set_obj(writer, validators, json_get_str(given, "name"));
        for (size_t m = 0; m < 2; m++)
            json_add_copy(writer->doc, validator, members[m], json_get(given, members[m]));
    }
}

static void write_endpoint(struct openapi_writer *writer)
{
    yyjson_val *api = writer->source->api;
    yyjson_val *endpoints = json_get(json_get(api, "endpointConfiguration"), "vpcEndpointIds");
    bool is_disabled = json_get_bool(api, "disableExecuteApiEndpoint", false);
    if (!is_disabled && yyjson_arr_size(endpoints) == 0)
        return;
    yyjson_mut_val *given =
        json_add_obj(writer->doc, writer->root, "x-amazon-apigateway-endpoint-configuration");
    if (is_disabled)
        json_add_bool(writer->doc, given, "disableExecuteApiEndpoint", true);
    if (yyjson_arr_size(endpoints))
        json_add_copy(writer->doc, given, "vpcEndpointIds", endpoints);
}

static void write_extensions(struct openapi_writer *writer)
{
    yyjson_val *api = writer->source->api, *snapshot = writer->source->snapshot;
    yyjson_val *types = json_get(snapshot, "binaryMediaTypes");
    yyjson_val *policy = json_parse(writer->arena, json_get_str(snapshot, "policy"));
    write_gateway_responses(writer);
    write_validators(writer);
    write_endpoint(writer);
    if (str_eq(json_get_str(snapshot, "apiKeySource"), STR("AUTHORIZER")))
        json_add_str(writer->doc, writer->root, "x-amazon-apigateway-api-key-source",
                     STR("AUTHORIZER"));
    if (yyjson_arr_size(types))
        json_add_copy(writer->doc, writer->root, "x-amazon-apigateway-binary-media-types", types);
    json_add_copy(writer->doc, writer->root, "x-amazon-apigateway-minimum-compression-size",
                  json_get(api, "minimumCompressionSize"));
    json_add_copy(writer->doc, writer->root, "x-amazon-apigateway-policy", policy);
}

/* The properties, which are text, as the JSON that they are. */
static void write_documentation(struct openapi_writer *writer)
{
    size_t i, max;
    yyjson_val *part;
    if (!writer->source->documentation)
        return;
    yyjson_mut_val *object =
        json_add_obj(writer->doc, writer->root, "x-amazon-apigateway-documentation");
    json_add_copy(writer->doc, object, "version",
                  json_get(writer->source->stage, "documentationVersion"));
    yyjson_mut_val *parts = json_add_arr(writer->doc, object, "documentationParts");
    yyjson_arr_foreach (json_get(writer->source->documentation, "documentationParts"), i, max,
                        part) {
        yyjson_mut_val *copy = yyjson_mut_arr_add_obj(writer->doc, parts);
        json_add_copy(writer->doc, copy, "location", json_get(part, "location"));
        json_add_copy(writer->doc, copy, "properties",
                      json_parse(writer->arena, json_get_str(part, "properties")));
    }
}

void openapi_write_parts(struct openapi_writer *writer)
{
    yyjson_mut_doc *doc = writer->doc;
    yyjson_mut_val *models = yyjson_mut_obj(doc), *schemes = yyjson_mut_obj(doc);
    bool is_swagger = writer->source->is_swagger;
    write_models(writer, models);
    write_schemes(writer, schemes);
    yyjson_mut_val *into = is_swagger ? writer->root : yyjson_mut_obj(doc);
    if (yyjson_mut_obj_size(schemes) && is_swagger)
        json_add(doc, into, "securityDefinitions", schemes);
    if (yyjson_mut_obj_size(models))
        json_add(doc, into, is_swagger ? "definitions" : "schemas", models);
    if (yyjson_mut_obj_size(schemes) && !is_swagger)
        json_add(doc, into, "securitySchemes", schemes);
    if (!is_swagger)
        json_add(doc, writer->root, "components", into);
    if (writer->source->extensions & OPENAPI_INTEGRATIONS)
        write_extensions(writer);
    if (writer->source->extensions & OPENAPI_DOCUMENTATION)
        write_documentation(writer);
}
