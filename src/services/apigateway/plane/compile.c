/* Compiling mappings, templates and integrations. */
#include "core/arn.h"
#include "services/apigateway/plane/compile.h"

#include "base/buf.h"
#include "services/apigateway/plane/call.h"
#include "services/apigateway/plane/headers.h"
#include "wire/json.h"
#include "services/apigateway/velocity/velocity.h"
#include "wire/regex.h"

struct mapping_list compile_mappings(struct arena *arena, enum mapping_side side,
                                     yyjson_val *parameters)
{
    struct mapping_list list = {
        .items = arena_array(arena, struct mapping, yyjson_obj_size(parameters) + 1)};
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (parameters, i, max, key, value) {
        struct mapping mapping;
        if (!mapping_parse(side, json_str(key), json_str(value), &mapping))
            continue;
        mapping.name = arena_str(arena, mapping.name);
        mapping.value = arena_str(arena, mapping.value);
        list.items[list.count++] = mapping;
    }
    return list;
}

struct template_list compile_templates(struct arena *arena, yyjson_val *templates)
{
    struct template_list list = {
        .items = arena_array(arena, struct body_template, yyjson_obj_size(templates) + 1)};
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (templates, i, max, key, value) {
        if (!yyjson_is_str(value))
            continue;
        list.items[list.count++] = (struct body_template){
            .type = arena_str(arena, json_str(key)), .text = arena_str(arena, json_str(value))};
    }
    return list;
}

/* Templates that are the same for every request are rendered here, once. */
static struct template_list compile_velocity(struct arena *arena, yyjson_val *templates)
{
    struct template_list list = compile_templates(arena, templates);
    for (size_t i = 0; i < list.count; i++) {
        struct body_template *body = &list.items[i];
        struct velocity *velocity;
        /* What does not parse was refused when it was put. */
        if (velocity_parse(arena, body->text, &velocity, NULL) == OK &&
            !velocity_is_static(velocity, &body->text))
            body->velocity = velocity;
    }
    return list;
}

/* --- Lambda --- */

struct str expand_stage_variables(struct arena *arena, const struct stage *stage, struct str text)
{
    static const struct str start = STR_INIT("${stageVariables.");
    if (str_find(text, start) < 0)
        return text;
    struct buf out;
    buf_init_arena(&out, arena, 64 * 1024);
    ptrdiff_t at;
    while ((at = str_find(text, start)) >= 0) {
        buf_add(&out, str_slice(text, 0, (size_t)at));
        struct str name, rest = str_slice(text, (size_t)at + start.len, text.len);
        str_cut(&rest, '}', &name);
        buf_add(&out, stage_variable(stage, name));
        text = rest;
    }
    buf_add(&out, text);
    return buf_str(&out);
}

struct str function_of_uri(struct str uri)
{
    static const struct str functions = STR_INIT("/functions/");
    static const struct str invocations = STR_INIT("/invocations");
    ptrdiff_t at = str_find(uri, functions);
    if (!str_starts(uri, STR("arn:aws:apigateway:")) || str_find(uri, STR(":lambda:path/")) < 0 ||
        at < 0 || !str_ends(uri, invocations))
        return (struct str){NULL, 0};
    size_t start = (size_t)at + functions.len;
    if (uri.len <= start + invocations.len)
        return (struct str){NULL, 0};
    return str_slice(uri, start, uri.len - start - invocations.len);
}

/* With a service of another region, which would be called there. */
static bool is_elsewhere(const struct stage *stage, struct str uri)
{
    struct arn_parts arn;
    return arn_parse(uri, &arn) && !str_eq(arn.region, stage->region);
}

static void compile_lambda(struct stage *stage, struct integration *integration,
                           yyjson_val *document, enum integration_kind kind)
{
    struct str uri = expand_stage_variables(&stage->arena, stage, json_get_str(document, "uri"));
    integration->kind = kind;
    integration->is_elsewhere = is_elsewhere(stage, uri);
    /* Lambda's API takes nothing but POST; with another method AWS answers every call with 500. */
    if (str_eq(json_get_str(document, "httpMethod"), STR("POST")))
        integration->function = arena_str(&stage->arena, function_of_uri(uri));
}

/* --- Mock --- */

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Whether `text` starts with a word that a colon follows. */
static size_t bare_name(struct str text)
{
    size_t len = 0;
    while (len < text.len && is_word_byte(text.ptr[len]))
        len++;
    struct str behind = str_trim(str_slice(text, len, text.len));
    return str_starts(behind, STR(":")) ? len : 0;
}

/* "{ statusCode: 200 }", which AWS takes and the CDK writes, with its names in quotes. */
static struct str quote_names(struct arena *arena, struct str text)
{
    struct buf out;
    buf_init_arena(&out, arena, text.len * 3 + 1);
    bool is_in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        size_t len = is_in_string ? 0 : bare_name(str_slice(text, i, text.len));
        if (len) {
            buf_add_json(&out, str_slice(text, i, len));
            i += len - 1;
            continue;
        }
        is_in_string ^= c == '"' && (i == 0 || text.ptr[i - 1] != '\\');
        buf_add_byte(&out, c);
    }
    return buf_str(&out);
}

int mock_status(struct arena *arena, struct str text)
{
    enum { MAX_LENIENT = 4096 };
    int64_t status = 0;
    yyjson_val *value = json_parse(arena, text);
    if (!value && text.len <= MAX_LENIENT)
        value = json_parse(arena, quote_names(arena, text));
    if (!json_get_i64(value, "statusCode", &status) || status < 100 || status > 999)
        return 0;
    return (int)status;
}

static void compile_mock(struct stage *stage, struct integration *integration)
{
    integration->kind = INTEGRATION_MOCK;
    for (size_t i = 0; i < integration->requests.count; i++) {
        struct body_template *body = &integration->requests.items[i];
        body->status = body->velocity ? 0 : mock_status(&stage->arena, body->text);
    }
}

/* --- Other services --- */

bool action_of_uri(struct str uri, struct str *out_service, struct str *out_action)
{
    static const struct str prefix = STR_INIT("arn:aws:apigateway:"), action = STR_INIT(":action/");
    ptrdiff_t at = str_find(uri, action);
    if (!str_starts(uri, prefix) || at < 0)
        return false;
    struct str head = str_slice(uri, prefix.len, (size_t)at - prefix.len), region;
    *out_action = str_slice(uri, (size_t)at + action.len, uri.len);
    if (!str_cut(&head, ':', &region))
        return false;
    *out_service = head;
    return head.len > 0 && str_find_byte(head, ':', 0) < 0 && out_action->len > 0;
}

/* "AWS": a function, or an operation of another service. */
static void compile_aws(struct stage *stage, struct integration *integration, yyjson_val *document)
{
    struct arena *arena = &stage->arena;
    struct str uri = expand_stage_variables(arena, stage, json_get_str(document, "uri"));
    if (!action_of_uri(uri, &integration->service, &integration->action)) {
        compile_lambda(stage, integration, document, INTEGRATION_LAMBDA);
        return;
    }
    integration->kind = INTEGRATION_ACTION;
    integration->is_elsewhere = is_elsewhere(stage, uri);
    integration->service = arena_str(arena, integration->service);
    integration->action = arena_str(arena, integration->action);
}

static void compile_http(struct stage *stage, struct integration *integration, yyjson_val *document,
                         enum integration_kind kind)
{
    struct arena *arena = &stage->arena;
    integration->kind = kind;
    integration->method = arena_str(arena, json_get_str(document, "httpMethod"));
    integration->uri =
        arena_str(arena, expand_stage_variables(arena, stage, json_get_str(document, "uri")));
}

/* --- All --- */

static enum content_handling handling_of(yyjson_val *document)
{
    struct str handling = json_get_str(document, "contentHandling");
    return str_eq(handling, STR("CONVERT_TO_TEXT"))     ? CONTENT_TO_TEXT
           : str_eq(handling, STR("CONVERT_TO_BINARY")) ? CONTENT_TO_BINARY
                                                        : CONTENT_AS_IT_IS;
}

static void compile_responses(struct arena *arena, struct integration *integration,
                              yyjson_val *responses, yyjson_val *method_responses)
{
    integration->responses =
        arena_array(arena, struct integration_response, yyjson_obj_size(responses) + 1);
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (responses, i, max, key, value) {
        struct integration_response *response =
            &integration->responses[integration->response_count++];
        int64_t status = 200;
        struct str pattern = json_get_str(value, "selectionPattern");
        json_get_i64(value, "statusCode", &status);
        *response = (struct integration_response){
            .is_default = pattern.len == 0,
            .pattern = regex_compile(arena, REGEX_JAVA, pattern),
            .status = (int)status,
            .has_method_response =
                yyjson_obj_getn(method_responses, json_str(key).ptr, json_str(key).len),
            .handling = handling_of(value),
            .mappings =
                compile_mappings(arena, MAPPING_OF_RESPONSE, json_get(value, "responseParameters")),
            .bodies = compile_velocity(arena, json_get(value, "responseTemplates")),
        };
    }
}

static void note_forbidden(struct integration *integration)
{
    for (size_t i = 0; i < integration->mappings.count; i++) {
        const struct mapping *mapping = &integration->mappings.items[i];
        if (mapping->target == MAPPED_HEADER &&
            header_is_forbidden(integration->kind, mapping->name))
            integration->forbidden = mapping->name;
    }
}

void compile_integration(struct stage *stage, struct method *method, yyjson_val *document)
{
    struct integration *integration = &method->integration;
    struct arena *arena = &stage->arena;
    yyjson_val *source = json_get(document, "methodIntegration");
    struct str type = json_get_str(source, "type");
    struct str passthrough = json_get_str(source, "passthroughBehavior");
    int64_t timeout_ms = MAX_INTEGRATION_TIMEOUT_MS;
    json_get_i64(source, "timeoutInMillis", &timeout_ms);
    integration->timeout_ms = (unsigned)timeout_ms;
    integration->role =
        arena_str(arena, expand_stage_variables(arena, stage, json_get_str(source, "credentials")));
    integration->passthrough = str_eq(passthrough, STR("NEVER")) ? PASS_NEVER
                               : str_eq(passthrough, STR("WHEN_NO_TEMPLATES"))
                                   ? PASS_WHEN_NO_TEMPLATES
                                   : PASS_WHEN_NO_MATCH;
    integration->handling = handling_of(source);
    integration->mappings =
        compile_mappings(arena, MAPPING_OF_REQUEST, json_get(source, "requestParameters"));
    integration->requests = compile_velocity(arena, json_get(source, "requestTemplates"));
    compile_responses(arena, integration, json_get(source, "integrationResponses"),
                      json_get(document, "methodResponses"));
    if (str_eq(type, STR("AWS_PROXY")))
        compile_lambda(stage, integration, source, INTEGRATION_LAMBDA_PROXY);
    else if (str_eq(type, STR("MOCK")))
        compile_mock(stage, integration);
    else if (str_eq(type, STR("AWS")))
        compile_aws(stage, integration, source);
    else if (str_eq(type, STR("HTTP")) || str_eq(type, STR("HTTP_PROXY")))
        compile_http(stage, integration, source,
                     type.len == 4 ? INTEGRATION_HTTP : INTEGRATION_HTTP_PROXY);
    note_forbidden(integration);
}

/* --- Authorizers --- */

/* "method.request.header.A, context.stage" */
static void compile_sources(struct stage *stage, struct authorizer *authorizer, struct str sources)
{
    enum { MAX_SOURCES = 32 };
    struct str one;
    authorizer->sources = arena_array(&stage->arena, struct mapping, MAX_SOURCES);
    while (sources.len && authorizer->source_count < MAX_SOURCES) {
        struct mapping *mapping = &authorizer->sources[authorizer->source_count];
        str_cut(&sources, ',', &one);
        if (!mapping_source_parse(str_trim(one), mapping))
            continue;
        mapping->value = arena_str(&stage->arena, mapping->value);
        authorizer->source_count++;
    }
}

void compile_authorizers(struct stage *stage, yyjson_val *documents)
{
    struct arena *arena = &stage->arena;
    size_t i, max;
    yyjson_val *id, *document;
    stage->authorizers = arena_array(arena, struct authorizer, yyjson_obj_size(documents) + 1);
    yyjson_obj_foreach (documents, i, max, id, document) {
        struct authorizer *authorizer = &stage->authorizers[stage->authorizer_count++];
        struct str uri =
            expand_stage_variables(arena, stage, json_get_str(document, "authorizerUri"));
        struct str expression = json_get_str(document, "identityValidationExpression");
        int64_t ttl_s = 0;
        json_get_i64(document, "authorizerResultTtlInSeconds", &ttl_s);
        *authorizer = (struct authorizer){
            .id = arena_str(arena, json_str(id)),
            .is_token = str_eq(json_get_str(document, "type"), STR("TOKEN")),
            .function =
                is_elsewhere(stage, uri) ? STR_EMPTY : arena_str(arena, function_of_uri(uri)),
            .role = arena_str(arena, json_get_str(document, "authorizerCredentials")),
            .expression = expression.len ? regex_compile(arena, REGEX_JAVA, expression) : NULL,
            .ttl_ms = ttl_s * 1000,
        };
        compile_sources(stage, authorizer, json_get_str(document, "identitySource"));
    }
}
