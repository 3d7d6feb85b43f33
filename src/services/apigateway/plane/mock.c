/* The MOCK integration: the answer is written in the configuration. */
#include "services/apigateway/plane/compile.h"
#include "services/apigateway/plane/plane.h"
#include "wire/regex.h"

/* The request template for the content type that was sent (JSON when none was). */
static const struct mock_request *choose_request(const struct mock *mock, struct str type)
{
    struct str head;
    str_cut(&type, ';', &head);
    head = str_trim(head);
    for (size_t i = 0; i < mock->request_count; i++) {
        if (str_eq_nocase(mock->requests[i].type, head))
            return &mock->requests[i];
    }
    return NULL;
}

static const struct mock_response *choose_response(const struct api_call *call, int status)
{
    const struct mock *mock = &call->method->mock;
    const struct mock_response *chosen = NULL;
    struct str text = arena_printf(call->arena, "%d", status);
    for (size_t i = 0; i < mock->response_count; i++) {
        const struct mock_response *response = &mock->responses[i];
        if (response->is_default)
            chosen = chosen ? chosen : response;
        else if (response->pattern && regex_match(response->pattern, text) == REGEX_MATCHES)
            return response;
    }
    return chosen;
}

static void reply(struct api_call *call, const struct mock_response *response)
{
    struct str accept = http_header_get(call->exchange, STR("accept"));
    const struct body_template *body = template_choose(&response->bodies, accept);
    struct http_header *headers =
        arena_alloc(call->arena, (response->headers.count + 1) * sizeof(*headers));
    size_t count = mapping_headers(call, &response->headers, headers);
    bool has_type = false;
    for (size_t i = 0; i < count; i++)
        has_type |= str_eq_nocase(headers[i].name, STR("content-type"));
    if (body && !has_type)
        headers[count++] = (struct http_header){STR("Content-Type"), body->type};
    call_reply(call, response->status, headers, count, body ? body->text : STR_EMPTY);
}

void mock_start(struct api_call *call)
{
    const struct mock *mock = &call->method->mock;
    struct str type = http_header_get(call->exchange, STR("content-type"));
    const struct mock_request *request =
        choose_request(mock, type.len ? type : STR("application/json"));
    bool passes = mock->passthrough == MOCK_WHEN_NO_MATCH ||
                  (mock->passthrough == MOCK_WHEN_NO_TEMPLATES && mock->request_count == 0);
    if (!request && !passes) {
        call_fail(call, GATEWAY_UNSUPPORTED_MEDIA_TYPE, 0, NULL);
        return;
    }
    /* A body that passes through as it is asks for a status in the same way as a template. */
    int status = request ? request->status : mock_status(call->arena, call->exchange->body);
    const struct mock_response *response = status ? choose_response(call, status) : NULL;
    if (!response || !response->has_method_response) {
        call_fail(call, GATEWAY_API_CONFIGURATION_ERROR, 500, NULL);
        return;
    }
    reply(call, response);
}
