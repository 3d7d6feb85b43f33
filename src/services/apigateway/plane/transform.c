/* Between a method and its integration. */
#include "services/apigateway/plane/transform.h"

#include "base/encode.h"
#include "base/log.h"
#include "services/apigateway/plane/compile.h"
#include "services/apigateway/plane/headers.h"
#include "services/apigateway/plane/log.h"
#include "services/apigateway/plane/template.h"
#include "wire/regex.h"

void call_misconfigured(struct api_call *call, int status, const char *why, struct str detail)
{
    call->integration_error = arena_str(call->arena, detail.len ? detail : str_from(why));
    execution_log_error(call, "Execution failed due to configuration error: %s%s%.*s", why,
                        detail.len ? ": " : "", STR_ARG(detail));
    log_warn_limited(
        "apigateway", "%s: api=%.*s stage=%.*s method=%.*s path=%.*s request=%.*s %.*s", why,
        STR_ARG(call->stage->api_id), STR_ARG(call->stage->name), STR_ARG(call->exchange->method),
        STR_ARG(call->resource_path), STR_ARG(call->request_id), STR_ARG(detail));
    call_fail(call, GATEWAY_API_CONFIGURATION_ERROR, status, NULL);
}

bool content_convert(struct arena *arena, enum content_handling handling, bool is_binary,
                     struct str *body)
{
    if (handling == CONTENT_TO_TEXT && is_binary)
        *body = encode_base64(arena, *body);
    if (handling == CONTENT_TO_BINARY && !is_binary)
        return decode_base64(arena, *body, body);
    return true;
}

/* --- Requests --- */

/* "application/json" of "application/json; charset=utf-8", and where nothing is said. */
static struct str content_type(const struct api_call *call)
{
    struct str type = http_header_get(call->exchange, STR("content-type")), head;
    str_cut(&type, ';', &head);
    head = str_trim(head);
    return head.len ? head : STR("application/json");
}

static const struct body_template *choose_request(const struct api_call *call)
{
    const struct template_list *list = &call->method->integration.requests;
    struct str type = content_type(call);
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq_nocase(list->items[i].type, type))
            return &list->items[i];
    }
    return NULL;
}

static bool passes(const struct integration *integration)
{
    return integration->passthrough == PASS_WHEN_NO_MATCH ||
           (integration->passthrough == PASS_WHEN_NO_TEMPLATES && integration->requests.count == 0);
}

/* Adds it, or takes the place of those of its name. */
static void set_pair(struct query_pair *pairs, size_t *count, struct str name, struct str value)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (!str_eq(pairs[i].name, name))
            pairs[kept++] = pairs[i];
    }
    pairs[kept] = (struct query_pair){name, value};
    *count = kept + 1;
}

static void set_header(struct http_header *headers, size_t *count, struct str name,
                       struct str value)
{
    size_t kept = 0;
    if (!header_name_is_valid(name) || !header_value_is_valid(value))
        return;
    for (size_t i = 0; i < *count; i++) {
        if (!str_eq_nocase(headers[i].name, name))
            headers[kept++] = headers[i];
    }
    headers[kept] = (struct http_header){name, value};
    *count = kept + 1;
}

static void map_request(struct api_call *call, struct str body, size_t overrides,
                        struct integration_request *out)
{
    const struct mapping_list *list = &call->method->integration.mappings;
    struct mapping_input input = {.call = call, .body = body};
    struct str values[MAPPING_MAX_VALUES];
    struct http_header *headers;
    size_t room = list->count + 2 * MAPPING_MAX_VALUES + overrides;
    out->header_count = mapping_headers(&input, list, &headers);
    out->headers = arena_array(call->arena, struct http_header, out->header_count + overrides + 1);
    memcpy(out->headers, headers, out->header_count * sizeof(*headers));
    out->query = arena_array(call->arena, struct query_pair, room);
    out->path = arena_array(call->arena, struct query_pair, list->count + overrides + 1);
    for (size_t i = 0; i < list->count; i++) {
        const struct mapping *mapping = &list->items[i];
        if (mapping->target == MAPPED_HEADER)
            continue;
        size_t count = mapping_values(&input, mapping, values);
        if (mapping->target == MAPPED_PATH && count)
            out->path[out->path_count++] = (struct query_pair){mapping->name, values[0]};
        for (size_t j = 0; mapping->target == MAPPED_QUERY && j < count; j++) {
            if (out->query_count < room - overrides - (list->count - i))
                out->query[out->query_count++] = (struct query_pair){mapping->name, values[j]};
        }
    }
}

static void override_request(const struct velocity_result *result, struct integration_request *out)
{
    for (size_t i = 0; i < result->override_count; i++) {
        const struct velocity_override *override = &result->overrides[i];
        if (override->kind == OVERRIDE_REQUEST_HEADER)
            set_header(out->headers, &out->header_count, override->name, override->value);
        if (override->kind == OVERRIDE_REQUEST_QUERY)
            set_pair(out->query, &out->query_count, override->name, override->value);
        if (override->kind == OVERRIDE_REQUEST_PATH)
            set_pair(out->path, &out->path_count, override->name, override->value);
    }
}

/* Renders, or answers the call when that fails. */
static bool render(struct api_call *call, const struct body_template *body, struct str input,
                   struct velocity_result *out)
{
    struct template_scope scope;
    struct error error;
    *out = (struct velocity_result){.text = body->text};
    if (!body->velocity)
        return true;
    struct velocity_source source = template_source(&scope, call, input);
    if (velocity_render(body->velocity, &source, call->arena, out, &error) == OK)
        return true;
    call_misconfigured(call, 500, "Unable to transform the body with its mapping template",
                       arena_str(call->arena, str_from(error.message)));
    return false;
}

static bool is_mock(const struct api_call *call)
{
    return call->method->integration.kind == INTEGRATION_MOCK;
}

/* The body by its template, which is what mappings of the body do not see. */
static bool transform_body(struct api_call *call, const struct body_template *template,
                           struct str body, bool is_binary, struct velocity_result *out)
{
    *out = (struct velocity_result){.text = body};
    if (!template)
        return true;
    if (is_binary && template->velocity) {
        call_misconfigured(call, 500, "A binary body cannot be transformed", STR_EMPTY);
        return false;
    }
    return render(call, template, body, out);
}

bool transform_request(struct api_call *call, struct integration_request *out)
{
    const struct integration *integration = &call->method->integration;
    bool is_proxy = integration->kind == INTEGRATION_HTTP_PROXY;
    const struct body_template *template = is_proxy ? NULL : choose_request(call);
    struct str body = call->exchange->body;
    struct velocity_result result;
    *out = (struct integration_request){0};
    if (!template && !is_proxy && !passes(integration)) {
        call_fail(call, GATEWAY_UNSUPPORTED_MEDIA_TYPE, 0, NULL);
        return false;
    }
    bool is_binary = stage_is_binary(call->stage, content_type(call));
    if (!content_convert(call->arena, integration->handling, is_binary, &body)) {
        call_misconfigured(call, 500, "The body is no base64", STR_EMPTY);
        return false;
    }
    is_binary = integration->handling == CONTENT_TO_BINARY ||
                (is_binary && integration->handling == CONTENT_AS_IT_IS);
    if (!transform_body(call, template, body, is_binary, &result))
        return false;
    if (integration->mappings.count || result.override_count)
        map_request(call, body, result.override_count, out);
    override_request(&result, out);
    call->overrides = result.overrides;
    call->override_count = result.override_count;
    out->body = result.text;
    if (is_mock(call))
        out->mock_status = template && !template->velocity ? template->status
                                                           : mock_status(call->arena, result.text);
    return true;
}

/* --- Answers --- */

static bool has_status(const struct integration_response *response, struct str selector)
{
    uint64_t status;
    return str_to_u64(selector, &status) && status == (uint64_t)response->status;
}

/* Of several patterns that match, the one whose own status is the integration's goes first. */
static const struct integration_response *choose_response(const struct integration *integration,
                                                          struct str selector)
{
    const struct integration_response *matching = NULL, *otherwise = NULL;
    for (size_t i = 0; i < integration->response_count; i++) {
        const struct integration_response *response = &integration->responses[i];
        if (response->is_default) {
            otherwise = otherwise ? otherwise : response;
            continue;
        }
        if (!selector.ptr || !response->pattern ||
            regex_match(response->pattern, selector) != REGEX_MATCHES)
            continue;
        if (has_status(response, selector))
            return response;
        matching = matching ? matching : response;
    }
    return matching ? matching : otherwise;
}

static bool has_header(const struct http_header *headers, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(headers[i].name, name))
            return true;
    }
    return false;
}

/* What came out of templates and mappings, under the names that may leave the gateway. */
struct method_response {
    int status;
    struct http_header *headers;
    size_t header_count;
    struct str body;
};

static void map_answer(struct api_call *call, const struct integration_response *response,
                       const struct integration_answer *answer,
                       const struct velocity_result *result, struct method_response *out)
{
    struct mapping_input input = {.call = call,
                                  .body = answer->body,
                                  .headers = answer->headers,
                                  .header_count = answer->header_count};
    struct http_header *mapped;
    size_t count = mapping_headers(&input, &response->mappings, &mapped);
    out->headers = arena_array(call->arena, struct http_header, count + result->override_count + 2);
    for (size_t i = 0; i < count; i++) {
        if (header_may_leave(call->arena, false, &mapped[i].name))
            out->headers[out->header_count++] = mapped[i];
    }
    for (size_t i = 0; i < result->override_count; i++) {
        const struct velocity_override *override = &result->overrides[i];
        struct str name = override->name;
        uint64_t status;
        if (override->kind == OVERRIDE_RESPONSE_HEADER &&
            header_may_leave(call->arena, false, &name))
            set_header(out->headers, &out->header_count, name, override->value);
        if (override->kind == OVERRIDE_RESPONSE_STATUS && str_to_u64(override->value, &status) &&
            status >= 100 && status <= 599)
            out->status = (int)status;
    }
}

/* The first media type that the client accepts decides whether bodies are binary. */
bool call_accepts_binary(const struct api_call *call)
{
    struct str accept = http_header_get(call->exchange, STR("accept")), first;
    if (!accept.ptr)
        accept = STR("*/*");
    str_cut(&accept, ',', &first);
    return stage_is_binary(call->stage, str_trim(first));
}

/* "Content type conversions": where nothing is said, what the client accepts decides. */
static enum content_handling response_handling(const struct api_call *call,
                                               const struct integration_response *response,
                                               bool is_binary)
{
    if (response->handling != CONTENT_AS_IT_IS || call->stage->binary_type_count == 0)
        return response->handling;
    bool wants_binary = call_accepts_binary(call);
    return wants_binary == is_binary ? CONTENT_AS_IT_IS
           : wants_binary            ? CONTENT_TO_BINARY
                                     : CONTENT_TO_TEXT;
}

/* For the access log. */
static void keep_overrides(struct api_call *call, const struct velocity_result *result)
{
    size_t count = call->override_count + result->override_count;
    struct velocity_override *all = arena_array(call->arena, struct velocity_override, count + 1);
    if (call->override_count)
        memcpy(all, call->overrides, call->override_count * sizeof(*all));
    memcpy(all + call->override_count, result->overrides, result->override_count * sizeof(*all));
    call->overrides = all;
    call->override_count = count;
}

static bool transform_response(struct api_call *call, const struct integration_response *response,
                               const struct integration_answer *answer, struct method_response *out)
{
    struct str accept = http_header_get(call->exchange, STR("accept"));
    const struct body_template *template = template_choose(&response->bodies, accept);
    struct velocity_result result;
    enum content_handling handling = response_handling(call, response, answer->is_binary);
    struct str body = answer->body;
    if (!content_convert(call->arena, handling, answer->is_binary, &body)) {
        call_misconfigured(call, 500, "The response body is no base64", STR_EMPTY);
        return false;
    }
    bool is_binary =
        handling == CONTENT_TO_BINARY || (answer->is_binary && handling == CONTENT_AS_IT_IS);
    if (!transform_body(call, template, body, is_binary, &result))
        return false;
    out->status = response->status;
    out->body = result.text;
    map_answer(call, response, answer, &result, out);
    if (result.override_count)
        keep_overrides(call, &result);
    if (template && !has_header(out->headers, out->header_count, STR("content-type")))
        out->headers[out->header_count++] =
            (struct http_header){STR("Content-Type"), template->type};
    return true;
}

void transform_answer(struct api_call *call, const struct integration_answer *answer)
{
    const struct integration_response *response =
        choose_response(&call->method->integration, answer->selector);
    struct method_response out = {0};
    if (!response) {
        call_misconfigured(call, 500,
                           "No match for output mapping and no default output mapping configured",
                           answer->selector);
        return;
    }
    if (!response->has_method_response) {
        call_misconfigured(call, 500, "Output mapping refers to an invalid method response",
                           arena_printf(call->arena, "%d", response->status));
        return;
    }
    if (transform_response(call, response, answer, &out))
        call_reply(call, out.status, out.headers, out.header_count, out.body);
}
