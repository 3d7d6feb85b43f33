/* Integrations with HTTP servers: the proxy kind, which passes requests and answers on, and the
 * other, where templates and mappings make both. */
#include <stdio.h>

#include "base/clock.h"
#include "base/encode.h"
#include "io/http_fetch.h"
#include "services/apigateway/plane/headers.h"
#include "services/apigateway/plane/log.h"
#include "services/apigateway/plane/plane.h"
#include "services/apigateway/plane/transform.h"

enum { MAX_ANSWER = 10 * 1024 * 1024, MAX_URL = 16 * 1024 };

/* --- Addresses --- */

static struct str path_value(const struct integration_request *request, struct str name)
{
    for (size_t i = 0; i < request->path_count; i++) {
        if (str_eq(request->path[i].name, name))
            return request->path[i].value;
    }
    return (struct str){NULL, 0};
}

/* Puts values in the place of "{name}" and "{name+}"; the latter keep their slashes. False when one
 * has no value. */
static bool add_uri(struct buf *url, struct str uri, const struct integration_request *request)
{
    while (uri.len) {
        ptrdiff_t open = str_find_byte(uri, '{', 0);
        ptrdiff_t close = open < 0 ? -1 : str_find_byte(uri, '}', (size_t)open);
        if (close < 0)
            break;
        struct str name = str_slice(uri, (size_t)open + 1, (size_t)(close - open) - 1);
        bool is_greedy = str_ends(name, STR("+"));
        struct str value = path_value(request, str_slice(name, 0, name.len - is_greedy));
        if (!value.ptr)
            return false;
        buf_add(url, str_slice(uri, 0, (size_t)open));
        /* A path parameter of the method is encoded already, and that of "{proxy+}" has slashes. */
        encode_percent(url, decode_percent(url->arena, value, false), true);
        uri = str_slice(uri, (size_t)close + 1, uri.len);
    }
    buf_add(url, uri);
    return true;
}

static void add_query(struct buf *url, const struct query_pair *pairs, size_t count)
{
    bool has_query = str_find_byte(buf_str(url), '?', 0) >= 0;
    for (size_t i = 0; i < count; i++) {
        buf_add_byte(url, has_query ? '&' : '?');
        encode_percent(url, pairs[i].name, false);
        buf_add_byte(url, '=');
        encode_percent(url, pairs[i].value, false);
        has_query = true;
    }
}

/* The client's parameters but those that a mapping replaces. */
static void pass_query(const struct api_call *call, struct integration_request *request)
{
    struct query_pair *given;
    size_t count = query_parse(call->arena, call->exchange->query, &given), kept = 0;
    struct query_pair *all =
        arena_array(call->arena, struct query_pair, count + request->query_count + 1);
    for (size_t i = 0; i < count; i++) {
        bool is_mapped = false;
        for (size_t j = 0; j < request->query_count; j++)
            is_mapped |= str_eq(request->query[j].name, given[i].name);
        if (!is_mapped)
            all[kept++] = given[i];
    }
    for (size_t i = 0; i < request->query_count; i++)
        all[kept++] = request->query[i];
    request->query = all;
    request->query_count = kept;
}

/* --- Headers --- */

static bool is_named(const struct http_header *headers, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(headers[i].name, name))
            return true;
    }
    return false;
}

static bool is_passed(struct str name)
{
    return !(header_fate(name) & (HEADER_NOT_READ | HEADER_REWRITTEN | HEADER_NOT_PROXIED));
}

/* Mappings to what is about the connection have no effect. */
static void drop_unsent(struct integration_request *request)
{
    size_t kept = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        if (!(header_fate(request->headers[i].name) & HEADER_NOT_SENT))
            request->headers[kept++] = request->headers[i];
    }
    request->header_count = kept;
}

enum { OWN_HEADERS = 6 };

/* The client's headers in front of those that mappings give, which replace them. */
static void pass_headers(const struct api_call *call, struct integration_request *request)
{
    const struct http_exchange *exchange = call->exchange;
    struct http_header *all =
        arena_array(call->arena, struct http_header,
                    exchange->header_count + request->header_count + OWN_HEADERS);
    size_t count = 0;
    for (size_t i = 0; i < exchange->header_count; i++) {
        struct http_header header = exchange->headers[i];
        if (is_passed(header.name) &&
            !is_named(request->headers, request->header_count, header.name))
            all[count++] = header;
    }
    for (size_t i = 0; i < request->header_count; i++)
        all[count++] = request->headers[i];
    all[count++] = (struct http_header){STR("X-Forwarded-For"), exchange->peer};
    all[count++] =
        (struct http_header){STR("X-Forwarded-Port"), arena_printf(call->arena, "%u", call->port)};
    all[count++] = (struct http_header){STR("X-Forwarded-Proto"), STR("http")};
    request->headers = all;
    request->header_count = count;
}

/* What API Gateway adds where templates make the request. */
static void add_headers(const struct api_call *call, struct integration_request *request)
{
    struct http_header *all =
        arena_array(call->arena, struct http_header, request->header_count + OWN_HEADERS);
    size_t count = request->header_count;
    if (count)
        memcpy(all, request->headers, count * sizeof(*all));
    struct http_header own[] = {
        {STR("Accept"), STR("application/json")},
        {STR("Content-Type"), STR("application/json")},
        {STR("User-Agent"),
         arena_printf(call->arena, "AmazonAPIGateway_%.*s", STR_ARG(call->stage->api_id))},
    };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        bool is_needed = i != 1 || request->body.len;
        if (is_needed && !is_named(all, count, own[i].name))
            all[count++] = own[i];
    }
    request->headers = all;
    request->header_count = count;
}

static void add_own_headers(struct api_call *call, struct integration_request *request)
{
    request->headers[request->header_count++] =
        (struct http_header){STR("X-Amzn-Trace-Id"), call->trace_id};
    request->headers[request->header_count++] =
        (struct http_header){STR("x-amzn-apigateway-api-id"), call->stage->api_id};
}

/* --- Answers --- */

static struct str header_of(const struct http_fetch *fetch, struct str name)
{
    for (size_t i = 0; i < fetch->response_header_count; i++) {
        if (str_eq_nocase(fetch->response_headers[i].name, name))
            return fetch->response_headers[i].value;
    }
    return STR_EMPTY;
}

static void reply_failed(struct api_call *call, const struct http_fetch *fetch)
{
    call->integration_error = arena_str(call->arena, str_from(fetch->error.message));
    if (fetch->is_timeout) {
        execution_log_error(call, "Execution failed due to a timeout error");
        call_fail(call, GATEWAY_INTEGRATION_TIMEOUT, 0, NULL);
        return;
    }
    if (fetch->rc == ERR_REQUEST_ENTITY_TOO_LARGE) {
        call_misconfigured(call, 500, "The integration's answer is longer than 10 MB", STR_EMPTY);
        return;
    }
    if (fetch->is_out_of_reach) {
        call_misconfigured(call, 500, "Invalid endpoint address", STR_EMPTY);
        return;
    }
    execution_log_error(call,
                        "Execution failed due to configuration error: There was an error while "
                        "connecting to the endpoint: %.*s",
                        STR_ARG(call->integration_error));
    call_fail(call, GATEWAY_INTEGRATION_FAILURE, 504, "Network error communicating with endpoint");
}

/* As it is, but for the names that headers may not leave under. */
static void reply_proxy(struct api_call *call, const struct http_fetch *fetch)
{
    struct http_header *headers =
        arena_array(call->arena, struct http_header, fetch->response_header_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < fetch->response_header_count; i++) {
        struct http_header header = fetch->response_headers[i];
        if (header_may_leave(call->arena, true, &header.name))
            headers[count++] = header;
    }
    call_reply(call, fetch->status, headers, count, fetch->response_body);
}

static void fetched(struct http_fetch *fetch)
{
    struct api_call *call = fetch->arg;
    char status[16];
    call->integration_us = clock_mono_us() - call->integration_started_us;
    call->integration_status = fetch->rc ? 0 : fetch->status;
    if (fetch->rc) {
        reply_failed(call, fetch);
        return;
    }
    execution_log_received(call, fetch->response_headers, fetch->response_header_count,
                           fetch->response_body);
    if (call->method->integration.kind == INTEGRATION_HTTP_PROXY) {
        reply_proxy(call, fetch);
        return;
    }
    snprintf(status, sizeof(status), "%d", fetch->status);
    struct integration_answer answer = {
        .selector = str_from(status),
        .headers = fetch->response_headers,
        .header_count = fetch->response_header_count,
        .body = fetch->response_body,
        .is_binary = stage_is_binary(call->stage, header_of(fetch, STR("content-type"))),
    };
    transform_answer(call, &answer);
}

/* --- Requests --- */

static bool make_request(struct api_call *call, struct integration_request *request)
{
    if (!transform_request(call, request))
        return false;
    drop_unsent(request);
    if (call->method->integration.kind == INTEGRATION_HTTP_PROXY) {
        pass_query(call, request);
        pass_headers(call, request);
    } else {
        add_headers(call, request);
    }
    add_own_headers(call, request);
    return true;
}

void http_start(const struct plane *plane, struct api_call *call)
{
    const struct integration *integration = &call->method->integration;
    struct integration_request request;
    struct buf url;
    lane_trace(call->lane, call);
    if (!make_request(call, &request))
        return;
    buf_init_arena(&url, call->arena, MAX_URL);
    if (!add_uri(&url, integration->uri, &request)) {
        call_misconfigured(call, 500, "A path parameter of the integration has no value",
                           integration->uri);
        return;
    }
    add_query(&url, request.query, request.query_count);
    bool is_any = str_eq(integration->method, STR("ANY")) || !integration->method.len;
    struct http_fetch *fetch = arena_new(call->arena, struct http_fetch);
    *fetch = (struct http_fetch){
        .loop = call->exchange->loop,
        .arena = call->arena,
        .method = is_any ? call->exchange->method : integration->method,
        .url = buf_str(&url),
        .headers = request.headers,
        .header_count = request.header_count,
        .body = request.body,
        .timeout_ms = integration->timeout_ms,
        .max_body = MAX_ANSWER,
        .reach = &plane->skylite->config.reach,
        .exchange = call->exchange,
        .done = fetched,
        .arg = call,
    };
    execution_log_sent(call, fetch->url, request.headers, request.header_count, request.body);
    call->integration_started_us = clock_mono_us();
    http_fetch_start(fetch);
}
