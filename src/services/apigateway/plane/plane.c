/* A request's way through the gateway: address, route, key and plan, integration. */
#include "services/apigateway/plane/plane.h"

#include <stdlib.h>

#include "services/apigateway/plane/coding.h"
#include "services/apigateway/plane/log.h"
#include "services/apigateway/plane/validate.h"
#include "services/apigateway/plane/transform.h"
#include "wire/query.h"

enum { MAX_BODY = 10 * 1024 * 1024, MAX_HEAD = 10240 };

struct lane *plane_lane(struct plane *plane, struct loop *loop)
{
    struct lane *lane = &plane->lanes[loop_index(loop)];
    lane->loop = loop;
    return lane;
}

struct api_call *plane_new_call(struct plane *plane, struct http_exchange *exchange,
                                const struct address *address)
{
    struct api_call *call = arena_alloc(&exchange->arena, sizeof(*call));
    /* The parameters are written before they are read; clearing them would cost a microsecond. */
    memset(call, 0, offsetof(struct api_call, route));
    memset(&call->domain_name, 0, sizeof(*call) - offsetof(struct api_call, domain_name));
    call->route.parameter_count = 0;
    call->exchange = exchange;
    call->arena = &exchange->arena;
    call->port = plane->skylite->port;
    call->domain_name = address->domain;
    str_cut(&(struct str){address->domain.ptr, address->domain.len}, '.', &call->domain_prefix);
    call->logs = &plane->skylite->logs;
    call->metrics = &plane->skylite->metrics;
    call->lane = plane_lane(plane, exchange->loop);
    call->integration_us = -1;
    lane_stamp(call->lane, call);
    return call;
}

static struct str or_slash(struct str path)
{
    return path.len ? path : STR("/");
}

static void unref_stage(void *stage)
{
    stage_unref(stage);
}

/* The stage or its canary, which the request's id draws lots for. Takes and gives a reference. */
static struct stage *draw(const struct api_call *call, struct stage *stage)
{
    struct stage *canary = stage ? stage->canary : NULL;
    if (!canary || (uint32_t)map_hash(call->request_id) >= stage->canary_share)
        return stage;
    stage_ref(canary);
    stage_unref(stage);
    return canary;
}

void plane_use_stage(struct api_call *call, struct stage *found)
{
    struct stage *stage = draw(call, found);
    call->stage = stage;
    if (stage)
        arena_defer(call->arena, unref_stage, stage);
}

static void address_api(struct plane *plane, struct api_call *call, const struct address *address)
{
    struct stage *stage =
        registry_find_stage(plane->registry, address->api_id, address->stage_name);
    if (stage && stage->is_endpoint_disabled) {
        stage_unref(stage);
        stage = NULL;
    }
    plane_use_stage(call, stage);
    call->resource_path = call->event_path = or_slash(address->path);
    call->context_path = address->sent_path;
}

/* The path behind its first part, which goes to `out_part`. */
static struct str behind_part(struct str path, struct str *out_part)
{
    struct str rest = str_slice(path, 1, path.len);
    ptrdiff_t end = str_find_byte(rest, '/', 0);
    *out_part = str_slice(rest, 0, end < 0 ? rest.len : (size_t)end);
    return str_slice(rest, out_part->len, rest.len);
}

static void address_domain(struct plane *plane, struct api_call *call,
                           const struct mapping_config *mapping)
{
    struct str path = call->exchange->path, part, stage_name = mapping->stage;
    if (mapping->base_path.len)
        path = behind_part(path, &part);
    if (stage_name.len == 0)
        path = behind_part(path, &stage_name);
    plane_use_stage(call, registry_find_stage(plane->registry, mapping->api_id, stage_name));
    call->resource_path = or_slash(path);
    call->event_path = call->context_path = call->exchange->path;
    call->base_path = mapping->base_path;
}

/* The call, when the exchange is for an API; else NULL. Its stage is NULL when there is none. */
static struct api_call *find_call(struct plane *plane, struct http_exchange *exchange)
{
    struct address address = address_of(exchange, &exchange->arena);
    struct mapping_config mapping;
    enum domain_match match = DOMAIN_UNKNOWN;
    if (address.kind == ADDRESS_DOMAIN)
        match = registry_find_domain(plane->registry, address.domain, address.path,
                                     &exchange->arena, &mapping);
    if (address.kind != ADDRESS_API && match == DOMAIN_UNKNOWN)
        return NULL;

    struct api_call *call = plane_new_call(plane, exchange, &address);
    call->context_path = call->event_path = call->resource_path = exchange->path;
    if (address.kind == ADDRESS_API)
        address_api(plane, call, &address);
    else if (match == DOMAIN_MAPPED)
        address_domain(plane, call, &mapping);
    return call;
}

/* What AWS's execution log says of keys and plans. */
static void log_admission(struct api_call *call, enum admission admission, struct str key)
{
    const struct stage *stage = call->stage;
    struct str shown = key.ptr ? key : STR_EMPTY;
    struct str tail = str_slice(shown, shown.len > 6 ? shown.len - 6 : 0, 6);
    const char *stars = shown.len > 6 ? "**********************" : "";
    struct str where = arena_printf(call->arena, "API Stage: %.*s/%.*s", STR_ARG(stage->api_id),
                                    STR_ARG(stage->name));
    execution_log(call, "Extended Request Id: %.*s", STR_ARG(call->extended_id));
    execution_log(call, "Verifying Usage Plan for request: %.*s. API Key: %s%.*s %.*s",
                  STR_ARG(call->request_id), stars, STR_ARG(tail), STR_ARG(where));
    switch (admission) {
    case ADMITTED:
        if (!call->method->is_key_required)
            execution_log(call,
                          "API Key authorized because method '%.*s %.*s' does not require API Key. "
                          "Request will not contribute to throttle or quota limits",
                          STR_ARG(call->exchange->method), STR_ARG(call->method->resource_path));
        execution_log(call, "Usage Plan check succeeded for API Key %s%.*s and %.*s", stars,
                      STR_ARG(tail), STR_ARG(where));
        break;
    case ADMISSION_FORBIDDEN:
        execution_log_error(call,
                            "API Key %s%.*s not authorized because method '%.*s %.*s' requires API "
                            "Key and API Key is not associated with a Usage Plan for %.*s: No "
                            "associated Usage Plan Found",
                            stars, STR_ARG(tail), STR_ARG(call->exchange->method),
                            STR_ARG(call->method->resource_path), STR_ARG(where));
        break;
    case ADMISSION_THROTTLED:
        execution_log_error(call,
                            "Usage Plan throttling limit exceeded for API Key %s%.*s and "
                            "%.*s",
                            stars, STR_ARG(tail), STR_ARG(where));
        break;
    case ADMISSION_QUOTA:
        execution_log_error(call, "Usage Plan quota exceeded for API Key %s%.*s and %.*s", stars,
                            STR_ARG(tail), STR_ARG(where));
        break;
    case ADMISSION_WAITS:
        break;
    }
}

/* What the integration is about to be asked. */
/* {name=value, name=value} */
static struct str log_query(struct api_call *call)
{
    struct query_pair *pairs;
    size_t count = query_parse(call->arena, call->exchange->query, &pairs);
    struct http_header *shown = arena_array(call->arena, struct http_header, count + 1);
    for (size_t i = 0; i < count; i++)
        shown[i] = (struct http_header){pairs[i].name, pairs[i].value};
    return execution_log_headers(call, shown, count);
}

static void log_request(struct api_call *call)
{
    const struct http_exchange *exchange = call->exchange;
    execution_log(call, "Starting execution for request: %.*s", STR_ARG(call->request_id));
    execution_log(call, "HTTP Method: %.*s, Resource Path: %.*s", STR_ARG(exchange->method),
                  STR_ARG(call->resource_path));
    if (!execution_log_has_data(call))
        return;
    struct http_header *parameters =
        arena_array(call->arena, struct http_header, call->route.parameter_count + 1);
    for (size_t i = 0; i < call->route.parameter_count; i++)
        parameters[i] =
            (struct http_header){call->route.parameters[i].name, call->route.parameters[i].value};
    execution_log(call, "Method request path: %.*s",
                  STR_ARG(execution_log_headers(call, parameters, call->route.parameter_count)));
    execution_log(call, "Method request query string: %.*s", STR_ARG(log_query(call)));
    execution_log(call, "Method request headers: %.*s",
                  STR_ARG(execution_log_headers(call, exchange->headers, exchange->header_count)));
    execution_log(call, "Method request body before transformations: %.*s",
                  STR_ARG(execution_log_body(call, exchange->body)));
}

static struct str sent_key(const struct api_call *call)
{
    struct str none = {NULL, 0};
    if (!call->method->is_key_required)
        return none;
    if (call->stage->is_key_from_authorizer)
        return call->authorized ? call->authorized->usage_key : none;
    return http_header_get(call->exchange, STR("x-api-key"));
}

/* True when the call goes on now. */
static bool settle(struct plane *plane, struct api_call *call, enum admission admission,
                   struct str key)
{
    if (admission == ADMISSION_WAITS) {
        usage_saver_park(plane->saver, call);
        return false;
    }
    if (call->method->logging_level != LOGGING_OFF)
        log_admission(call, admission, key);
    switch (admission) {
    case ADMITTED:
        return true;
    case ADMISSION_FORBIDDEN:
        call_fail(call, GATEWAY_INVALID_API_KEY, 0, NULL);
        break;
    case ADMISSION_THROTTLED:
        call_fail(call, GATEWAY_THROTTLED, 0, NULL);
        break;
    case ADMISSION_QUOTA:
        call_fail(call, GATEWAY_QUOTA_EXCEEDED, 0, NULL);
        break;
    case ADMISSION_WAITS:
        break;
    }
    return false;
}

static bool admit(struct plane *plane, struct api_call *call)
{
    struct str key = sent_key(call);
    enum admission admission =
        registry_admit(plane->registry, call->stage, call->method, key, call->now_ms, call->now_us,
                       call->arena, &call->api_key_id);
    if (call->api_key_id.ptr)
        call->api_key = key;
    return settle(plane, call, admission, key);
}

static void integrate(struct plane *plane, struct api_call *call)
{
    log_request(call);
    if (call->method->integration.is_elsewhere) {
        call_misconfigured(call, 500, "The integration is with a service of another region",
                           STR_EMPTY);
        return;
    }
    if (call->method->integration.forbidden.len) {
        call_misconfigured(call, 500, "The integration maps a header that it may not set",
                           call->method->integration.forbidden);
        return;
    }
    switch (call->method->integration.kind) {
    case INTEGRATION_LAMBDA_PROXY:
    case INTEGRATION_LAMBDA:
        lambda_start(plane, call);
        break;
    case INTEGRATION_ACTION:
        action_start(plane, call);
        break;
    case INTEGRATION_HTTP:
    case INTEGRATION_HTTP_PROXY:
        http_start(plane, call);
        break;
    case INTEGRATION_MOCK:
        mock_start(call);
        break;
    case INTEGRATION_NONE:
        call_fail(call, GATEWAY_API_CONFIGURATION_ERROR, 0, NULL);
        break;
    }
}

void plane_serve(struct plane *plane, struct api_call *call)
{
    if (coding_unpack(call) && validation_pass(call))
        integrate(plane, call);
}

void plane_admit(struct plane *plane, struct api_call *call)
{
    if (admit(plane, call))
        plane_serve(plane, call);
}

void plane_admit_again(struct plane *plane, struct api_call *call, bool has_failed)
{
    struct str key = sent_key(call);
    if (has_failed) {
        call_fail(call, GATEWAY_DEFAULT_5XX, 500, NULL);
        return;
    }
    enum admission admission =
        registry_admit_again(plane->registry, call->stage, key, call->now_ms);
    if (settle(plane, call, admission, key))
        plane_serve(plane, call);
}

/* "Total combined size of request line and header values" (API Gateway quotas of REST APIs). */
static bool is_head_too_large(const struct http_exchange *exchange)
{
    size_t size = exchange->method.len + exchange->target.len +
                  STR(" "
                      " HTTP/1.1")
                      .len;
    for (size_t i = 0; i < exchange->header_count; i++)
        size += exchange->headers[i].value.len;
    return size > MAX_HEAD;
}

bool plane_handle(void *self, struct http_exchange *exchange)
{
    struct plane *plane = self;
    struct api_call *call = find_call(plane, exchange);
    if (!call)
        return false;
    if (!call->stage) {
        /* The words and the type are those of a refused key: AWS does not say what exists. */
        call_fail(call, GATEWAY_INVALID_API_KEY, 0, NULL);
        return true;
    }
    if (is_head_too_large(exchange)) {
        call_fail(call, GATEWAY_DEFAULT_4XX, 431, "HTTP header is larger than 10240 bytes.");
        return true;
    }
    if (!router_match(call->stage->router, call->resource_path, verb_of(exchange->method),
                      call->arena, &call->route)) {
        call_fail(call, GATEWAY_MISSING_AUTHENTICATION_TOKEN, 0, NULL);
        return true;
    }
    call->method = call->route.target;
    if (call->method->authorization == AUTHORIZATION_CUSTOM)
        authorizer_start(plane, call);
    else if (authorize(plane, call))
        plane_admit(plane, call);
    return true;
}

size_t plane_body_limit(void *self, const struct http_exchange *exchange)
{
    struct plane *plane = self;
    struct arena arena = {0};
    struct address address = address_of(exchange, &arena);
    bool is_ours =
        address.kind == ADDRESS_API ||
        (address.kind == ADDRESS_DOMAIN && registry_has_domain(plane->registry, address.domain));
    arena_release(&arena);
    return is_ours ? MAX_BODY : 0;
}

bool plane_reject(void *self, struct http_exchange *exchange, int status)
{
    struct plane *plane = self;
    struct api_call *call = status == 413 ? find_call(plane, exchange) : NULL;
    if (!call)
        return false;
    call_fail(call, GATEWAY_REQUEST_TOO_LARGE, 0, NULL);
    return true;
}

enum err plane_new(struct skylite *skylite, struct plane **out, struct error *error)
{
    struct plane *plane = calloc(1, sizeof(*plane));
    if (!plane)
        abort();
    plane->skylite = skylite;
    plane->registry = registry_new();
    plane->principal = (struct principal){
        .kind = PRINCIPAL_SERVICE,
        .account = skylite->config.account,
        .arn = STR("apigateway.amazonaws.com"),
        .name = STR("apigateway.amazonaws.com"),
        .session_name = STR_EMPTY,
        .user_id = STR_EMPTY,
        .access_key_id = STR_EMPTY,
        .session_policy = STR_EMPTY,
    };
    enum err rc = plane_load(plane, error);
    if (rc == OK)
        rc = usage_saver_new(plane, &plane->saver, error);
    if (rc) {
        plane_free(plane);
        return rc;
    }
    *out = plane;
    return OK;
}

void plane_free(struct plane *plane)
{
    if (!plane)
        return;
    usage_saver_free(plane->saver);
    for (size_t i = 0; i < SKYLITE_MAX_LOOPS; i++)
        lane_release(&plane->lanes[i]);
    registry_free(plane->registry);
    plane_forget_touched(plane);
    free(plane);
}
