/* Integrations with functions: the proxy kind, where the function sees the whole request and writes
 * the answer, and the other, where templates make both. */
#include "base/clock.h"
#include "core/request.h"
#include "services/apigateway/plane/event.h"
#include "services/apigateway/plane/log.h"
#include "services/apigateway/plane/plane.h"
#include "services/apigateway/plane/transform.h"
#include "wire/json.h"

/* Lambda did not run the function. The documentation: "If the Lambda API rejects the invocation
 * request, API Gateway returns a 500 error code." */
static void reply_refused(struct api_call *call, const struct function_invocation *invocation)
{
    if (invocation->rc == ERR_LAMBDA_REQUEST_TOO_LARGE) {
        call_fail(call, GATEWAY_REQUEST_TOO_LARGE, 0, NULL);
        return;
    }
    call_misconfigured(call, 500, "Lambda has refused the invocation",
                       str_from(invocation->error.message));
}

static void reply_failed(struct api_call *call, const struct function_invocation *invocation)
{
    call->integration_error = arena_str(call->arena, str_slice(invocation->payload_out, 0, 256));
    execution_log_error(
        call, "Lambda execution failed with status 200 due to customer function error: %.*s",
        STR_ARG(call->integration_error));
    call_fail(call, GATEWAY_INTEGRATION_FAILURE, 502, NULL);
}

static void reply_proxy(struct api_call *call, struct function_invocation *invocation)
{
    struct proxy_answer answer;
    if (invocation->function_error.len) {
        reply_failed(call, invocation);
        return;
    }
    if (!proxy_answer_parse(invocation->arena, invocation->payload_out, call_accepts_binary(call),
                            &answer)) {
        call_misconfigured(call, 502, "Malformed Lambda proxy response",
                           str_slice(invocation->payload_out, 0, 256));
        return;
    }
    call->function_status = answer.status;
    call_reply(call, answer.status, answer.headers, answer.header_count, answer.body);
}

/* Selection patterns are matched with the errorMessage of a function that failed; where it did not,
 * only the default response is meant. */
static void reply_custom(struct api_call *call, struct function_invocation *invocation)
{
    struct http_header headers[] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("x-amzn-RequestId"), invocation->request_id},
        {STR("X-Amz-Function-Error"), invocation->function_error},
    };
    bool has_failed = invocation->function_error.len > 0;
    struct integration_answer answer = {
        .headers = headers, .header_count = has_failed ? 3 : 2, .body = invocation->payload_out};
    if (has_failed) {
        answer.selector =
            json_get_str(json_parse(call->arena, invocation->payload_out), "errorMessage");
        call->integration_error = arena_str(call->arena, answer.selector);
        execution_log_error(call, "Lambda function failed: %.*s", STR_ARG(answer.selector));
    }
    transform_answer(call, &answer);
}

/* A function that took more than its own time has failed like any other ("If the function runs but
 * returns an error ... API Gateway returns a 502": Lambda's Developer Guide, Error handling with
 * API Gateway); 504 is for integrations that take more than theirs. */
static void reply(struct api_call *call, struct function_invocation *invocation)
{
    if (invocation->rc)
        reply_refused(call, invocation);
    else if (call->method->integration.kind == INTEGRATION_LAMBDA_PROXY)
        reply_proxy(call, invocation);
    else
        reply_custom(call, invocation);
}

static void note_outcome(struct api_call *call, const struct function_invocation *invocation)
{
    call->integration_us = clock_mono_us() - call->integration_started_us;
    call->integration_id = arena_str(call->arena, invocation->request_id);
    call->integration_status = invocation->rc ? error_status(invocation->rc) : 200;
    if (call->method->logging_level != LOGGING_INFO)
        return;
    struct http_header headers[] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("Content-Length"), arena_printf(call->arena, "%zu", invocation->payload_out.len)},
        {STR("x-amzn-RequestId"), call->integration_id},
        {STR("X-Amzn-Trace-Id"), call->trace_id},
    };
    execution_log_received(call, headers, sizeof(headers) / sizeof(headers[0]),
                           invocation->payload_out);
    if (call->trial)
        return;
    execution_log(call, "AWS Integration Endpoint RequestId : %.*s", STR_ARG(call->integration_id));
}

static void invoked(struct function_invocation *invocation)
{
    struct proxy_call *proxy = invocation->arg;
    struct api_call *call = proxy->call;
    proxy->call = NULL;
    if (call) {
        note_outcome(call, invocation);
        reply(call, invocation);
    }
    lane_give(proxy->lane, proxy);
}

static void expired(struct proxy_call *proxy)
{
    struct api_call *call = proxy->call;
    proxy->call = NULL;
    execution_log_error(call, "Execution failed due to a timeout error");
    call_fail(call, GATEWAY_INTEGRATION_TIMEOUT, 0, NULL);
}

/* What is asked, where requests are followed. */
static void log_invocation(struct api_call *call, struct str event)
{
    if (call->method->logging_level != LOGGING_INFO)
        return;
    struct http_header headers[] = {
        {STR("x-amzn-lambda-integration-tag"), call->request_id},
        {STR("x-amzn-apigateway-api-id"), call->stage->api_id},
        {STR("Accept"), STR("application/json")},
        {STR("User-Agent"),
         arena_printf(call->arena, "AmazonAPIGateway_%.*s", STR_ARG(call->stage->api_id))},
        {STR("X-Amzn-Trace-Id"), call->trace_id},
    };
    struct str uri = arena_printf(
        call->arena, "https://lambda.%.*s.amazonaws.com/2015-03-31/functions/%.*s/invocations",
        STR_ARG(call->stage->region), STR_ARG(call->method->integration.function));
    execution_log_sent(call, uri, headers, sizeof(headers) / sizeof(headers[0]), event);
}

struct str call_source_arn(const struct api_call *call, struct arena *arena)
{
    struct buf arn;
    buf_init_arena(&arn, arena, 8192);
    buf_reserve(&arn, 512);
    buf_add(&arn, call->stage->arn_prefix);
    buf_add(&arn, call->exchange->method);
    buf_add(&arn, call->method->resource_path);
    return buf_str(&arn);
}

/* What the function is given, in `arena`. False when the call has been answered. */
static bool make_payload(struct api_call *call, struct arena *arena, struct str *out,
                         struct integration_request *request)
{
    struct buf event;
    if (call->method->integration.kind == INTEGRATION_LAMBDA) {
        if (!transform_request(call, request))
            return false;
        *out = request->body.len ? arena_str(arena, request->body) : STR("{}");
    } else {
        buf_init_arena(&event, arena, EVENT_MAX_BYTES);
        event_build(call, &event);
        *out = event.is_full ? (struct str){NULL, EVENT_MAX_BYTES + 1} : buf_str(&event);
    }
    if (out->len <= EVENT_MAX_BYTES)
        return true;
    call_fail(call, GATEWAY_REQUEST_TOO_LARGE, 0, NULL);
    return false;
}

/* Lambda does not run a function with what is no JSON, and says so in an answer like a function's.
 * Nothing of the parsed text is kept. */
static bool is_refused(struct api_call *call, struct str payload)
{
    struct arena scratch = {0};
    if (call->method->integration.kind != INTEGRATION_LAMBDA)
        return false;
    bool is_json = json_parse(&scratch, payload) != NULL;
    arena_release(&scratch);
    if (is_json)
        return false;
    struct http_header headers[] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("X-Amzn-ErrorType"), STR("InvalidRequestContentException")},
    };
    struct integration_answer answer = {
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0]),
        .body =
            STR("{\"Type\":\"User\",\"message\":\"Could not parse request body into json: Could "
                "not parse payload into json: Unexpected character\"}"),
    };
    call->integration_status = 400;
    execution_log_error(call, "Lambda has refused the invocation: the payload is no JSON");
    transform_answer(call, &answer);
    return true;
}

/* "'Event'" in integration.request.header.X-Amz-Invocation-Type: the function is not waited for. */
static bool is_event(const struct integration_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_eq_nocase(request->headers[i].name, STR("x-amz-invocation-type")))
            return str_eq(request->headers[i].value, STR("Event"));
    }
    return false;
}

static void accepted(void *arg, enum err rc, const struct error *error, yyjson_mut_val *output)
{
    struct api_call *call = arg;
    (void)output;
    call->integration_us = clock_mono_us() - call->integration_started_us;
    call->integration_status = rc ? error_status(rc) : 202;
    if (rc) {
        call_misconfigured(call, 500, "Lambda has refused the invocation",
                           str_from(error->message));
        return;
    }
    struct integration_answer answer = {.body = STR_EMPTY};
    transform_answer(call, &answer);
}

static void start_event(struct plane *plane, struct api_call *call, struct str payload,
                        const struct principal *principal)
{
    yyjson_mut_doc *doc = json_doc(call->arena);
    yyjson_mut_val *input = yyjson_mut_obj(doc);
    json_add_str(doc, input, "FunctionName", call->method->integration.function);
    json_add_str(doc, input, "InvocationType", STR("Event"));
    json_add_str(doc, input, "Payload", payload);
    json_add_str(doc, input, "SourceArn", call_source_arn(call, call->arena));
    call->integration_started_us = clock_mono_us();
    call_operation(plane->skylite, call->exchange->loop, principal, "lambda", "Invoke", input,
                   accepted, call);
}

/* `proxy` is empty, and taken. */
static void start_invocation(struct plane *plane, struct api_call *call, struct proxy_call *proxy,
                             struct str payload)
{
    proxy->invocation = (struct function_invocation){
        .loop = call->exchange->loop,
        .arena = &proxy->arena,
        .function = call->method->integration.function,
        .payload = payload,
        .principal = &proxy->principal,
        .source_arn = call_source_arn(call, &proxy->arena),
        .trace_id = call->trace_id,
        .done = invoked,
        .arg = proxy,
    };
    log_invocation(call, payload);
    call->integration_started_us = clock_mono_us();
    const struct function_capability *functions = &plane->skylite->functions;
    functions->invoke(functions->self, &proxy->invocation);
}

void lambda_start(struct plane *plane, struct api_call *call)
{
    const struct integration *integration = &call->method->integration;
    struct integration_request request = {0};
    struct str payload;
    if (integration->function.len == 0) {
        call_misconfigured(call, 500, "The integration does not name a function to POST to",
                           STR_EMPTY);
        return;
    }
    struct lane *lane = plane_lane(plane, call->exchange->loop);
    lane_trace(lane, call);
    struct proxy_call *proxy = lane_take(lane, call, integration->timeout_ms);
    proxy->expired = expired;
    bool is_ready = integration_principal(plane, call, &proxy->arena, &proxy->principal) &&
                    make_payload(call, &proxy->arena, &payload, &request) &&
                    !is_refused(call, payload);
    if (is_ready && !is_event(&request)) {
        start_invocation(plane, call, proxy, payload);
        return;
    }
    if (is_ready)
        start_event(plane, call, payload, &proxy->principal);
    lane_give(lane, proxy);
}
