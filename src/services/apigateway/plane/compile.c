/* Compiling mappings, templates and integrations. */
#include "services/apigateway/plane/compile.h"

#include "base/buf.h"
#include "services/apigateway/plane/call.h"
#include "wire/json.h"
#include "wire/regex.h"

struct mapping_list compile_mappings(struct arena *arena, struct str prefix, yyjson_val *parameters)
{
    struct mapping_list list = {
        .items = arena_array(arena, struct mapping, yyjson_obj_size(parameters) + 1)};
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (parameters, i, max, key, value) {
        struct mapping mapping;
        if (!mapping_parse(prefix, json_str(key), json_str(value), &mapping))
            continue;
        mapping.header = arena_str(arena, mapping.header);
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
        list.items[list.count++] = (struct body_template){arena_str(arena, json_str(key)),
                                                          arena_str(arena, json_str(value))};
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

static void compile_lambda(struct stage *stage, struct method *method, yyjson_val *document)
{
    method->kind = INTEGRATION_LAMBDA_PROXY;
    struct str uri = expand_stage_variables(&stage->arena, stage, json_get_str(document, "uri"));
    /* Lambda's API takes nothing but POST; with another method AWS answers every call with 500. */
    if (str_eq(json_get_str(document, "httpMethod"), STR("POST")))
        method->function = arena_str(&stage->arena, function_of_uri(uri));
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

static void compile_mock_requests(struct arena *arena, struct mock *mock, yyjson_val *templates)
{
    mock->requests = arena_array(arena, struct mock_request, yyjson_obj_size(templates) + 1);
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (templates, i, max, key, value) {
        mock->requests[mock->request_count++] = (struct mock_request){
            arena_str(arena, json_str(key)), mock_status(arena, json_str(value))};
    }
}

static void compile_mock_responses(struct arena *arena, struct mock *mock, yyjson_val *responses,
                                   yyjson_val *method_responses)
{
    mock->responses = arena_array(arena, struct mock_response, yyjson_obj_size(responses) + 1);
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (responses, i, max, key, value) {
        struct mock_response *response = &mock->responses[mock->response_count++];
        int64_t status = 200;
        json_get_i64(value, "statusCode", &status);
        response->status = (int)status;
        response->has_method_response =
            yyjson_obj_getn(method_responses, json_str(key).ptr, json_str(key).len);
        struct str pattern = json_get_str(value, "selectionPattern");
        response->is_default = pattern.len == 0;
        response->pattern = regex_compile(arena, REGEX_JAVA, pattern);
        response->headers = compile_mappings(arena, STR("method.response.header."),
                                             json_get(value, "responseParameters"));
        response->bodies = compile_templates(arena, json_get(value, "responseTemplates"));
    }
}

static void compile_mock(struct stage *stage, struct method *method, yyjson_val *integration,
                         yyjson_val *method_responses)
{
    struct mock *mock = &method->mock;
    struct str passthrough = json_get_str(integration, "passthroughBehavior");
    method->kind = INTEGRATION_MOCK;
    mock->passthrough = str_eq(passthrough, STR("NEVER"))               ? MOCK_NEVER
                        : str_eq(passthrough, STR("WHEN_NO_TEMPLATES")) ? MOCK_WHEN_NO_TEMPLATES
                                                                        : MOCK_WHEN_NO_MATCH;
    compile_mock_requests(&stage->arena, mock, json_get(integration, "requestTemplates"));
    compile_mock_responses(&stage->arena, mock, json_get(integration, "integrationResponses"),
                           method_responses);
}

void compile_integration(struct stage *stage, struct method *method, yyjson_val *document)
{
    yyjson_val *integration = json_get(document, "methodIntegration");
    struct str type = json_get_str(integration, "type");
    int64_t timeout_ms = MAX_INTEGRATION_TIMEOUT_MS;
    json_get_i64(integration, "timeoutInMillis", &timeout_ms);
    method->timeout_ms = (unsigned)timeout_ms;
    if (str_eq(type, STR("AWS_PROXY")))
        compile_lambda(stage, method, integration);
    else if (str_eq(type, STR("MOCK")))
        compile_mock(stage, method, integration, json_get(document, "methodResponses"));
}
