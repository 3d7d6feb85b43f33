/* The Lambda proxy integration: event to the function, its answer to the client. */
#include "base/clock.h"
#include "base/log.h"
#include "services/apigateway/plane/event.h"
#include "services/apigateway/plane/log.h"
#include "services/apigateway/plane/plane.h"
#include "wire/json.h"

static void log_failure(struct api_call *call, const char *reason, struct str detail)
{
    call->integration_error = arena_str(call->arena, detail);
    execution_log_error(call, "%s: %.*s", reason, STR_ARG(detail));
    log_warn("apigateway", "%s: api=%.*s stage=%.*s method=%.*s path=%.*s request=%.*s %.*s",
             reason, STR_ARG(call->stage->api_id), STR_ARG(call->stage->name),
             STR_ARG(call->exchange->method), STR_ARG(call->resource_path),
             STR_ARG(call->request_id), STR_ARG(detail));
}

/* The first media type that the client accepts decides whether bodies are binary. */
static bool accepts_binary(const struct api_call *call)
{
    struct str accept = http_header_get(call->exchange, STR("accept")), first;
    if (!accept.ptr)
        accept = STR("*/*");
    str_cut(&accept, ',', &first);
    return stage_is_binary(call->stage, str_trim(first));
}

/* Lambda did not run the function. The documentation: "If the Lambda API rejects the invocation
 * request, API Gateway returns a 500 error code." */
static void reply_refused(struct api_call *call, const struct function_invocation *invocation)
{
    if (invocation->rc == ERR_LAMBDA_REQUEST_TOO_LARGE) {
        call_fail(call, GATEWAY_REQUEST_TOO_LARGE, 0, NULL);
        return;
    }
    log_failure(call, "Execution failed due to configuration error",
                str_from(invocation->error.message));
    call_fail(call, GATEWAY_API_CONFIGURATION_ERROR, 500, NULL);
}

static void reply_failed(struct api_call *call, const struct function_invocation *invocation)
{
    if (invocation->is_timeout) {
        call_fail(call, GATEWAY_INTEGRATION_TIMEOUT, 0, NULL);
        return;
    }
    log_failure(call, "Lambda execution failed with status 200 due to customer function error",
                str_slice(invocation->payload_out, 0, 256));
    call_fail(call, GATEWAY_INTEGRATION_FAILURE, 502, NULL);
}

static void reply_answer(struct api_call *call, struct function_invocation *invocation)
{
    struct proxy_answer answer;
    call->integration_status = 200;
    if (!proxy_answer_parse(invocation->arena, invocation->payload_out, accepts_binary(call),
                            &answer)) {
        log_failure(call,
                    "Execution failed due to configuration error: Malformed Lambda proxy response",
                    str_slice(invocation->payload_out, 0, 256));
        call_fail(call, GATEWAY_API_CONFIGURATION_ERROR, 502, NULL);
        return;
    }
    call->function_status = answer.status;
    call_reply(call, answer.status, answer.headers, answer.header_count, answer.body);
}

static void note_outcome(struct api_call *call, const struct function_invocation *invocation)
{
    call->integration_us = clock_mono_us() - call->integration_started_us;
    call->integration_id = arena_str(call->arena, invocation->request_id);
    call->integration_status = invocation->rc ? error_status(invocation->rc) : 200;
    execution_log(call, "Received response. Status: %d, Integration latency: %lld ms",
                  call->integration_status, (long long)call->integration_us / 1000);
    if (execution_log_has_data(call))
        execution_log(call, "Endpoint response body before transformations: %.*s",
                      STR_ARG(execution_log_body(call, invocation->payload_out)));
    execution_log(call, "AWS Integration Endpoint RequestId : %.*s", STR_ARG(call->integration_id));
}

static void invoked(struct function_invocation *invocation)
{
    struct proxy_call *proxy = invocation->arg;
    struct api_call *call = proxy->call;
    proxy->call = NULL;
    if (call) {
        note_outcome(call, invocation);
        if (invocation->rc)
            reply_refused(call, invocation);
        else if (invocation->is_timeout || invocation->function_error.len)
            reply_failed(call, invocation);
        else
            reply_answer(call, invocation);
    }
    lane_give(proxy->lane, proxy);
}

void proxy_expired(struct proxy_call *proxy)
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
    if (execution_log_has_data(call))
        execution_log(call, "Endpoint request body after transformations: %.*s",
                      STR_ARG(execution_log_body(call, event)));
    execution_log(call, "Sending request to lambda:path/2015-03-31/functions/%.*s/invocations",
                  STR_ARG(call->method->function));
}

/* "arn:aws:execute-api:us-east-1:000000000000:API/STAGE/GET/notes/{id}" */
static struct str source_arn(const struct api_call *call, struct arena *arena)
{
    struct buf arn;
    buf_init_arena(&arn, arena, 8192);
    buf_reserve(&arn, 512);
    buf_add(&arn, call->stage->arn_prefix);
    buf_add(&arn, call->exchange->method);
    buf_add(&arn, call->method->resource_path);
    return buf_str(&arn);
}

void proxy_start(struct plane *plane, struct api_call *call)
{
    const struct method *method = call->method;
    if (method->function.len == 0) {
        log_failure(call, "Execution failed due to configuration error",
                    STR("the integration does not name a function to POST to"));
        call_fail(call, GATEWAY_API_CONFIGURATION_ERROR, 500, NULL);
        return;
    }
    struct lane *lane = plane_lane(plane, call->exchange->loop);
    lane_trace(lane, call);
    struct proxy_call *proxy = lane_take(lane, call, method->timeout_ms);
    struct buf event;
    buf_init_arena(&event, &proxy->arena, EVENT_MAX_BYTES);
    event_build(call, &event);
    if (event.is_full) {
        lane_give(lane, proxy);
        call_fail(call, GATEWAY_REQUEST_TOO_LARGE, 0, NULL);
        return;
    }
    proxy->invocation = (struct function_invocation){
        .loop = call->exchange->loop,
        .arena = &proxy->arena,
        .function = method->function,
        .payload = buf_str(&event),
        .principal = &plane->principal,
        .source_arn = source_arn(call, &proxy->arena),
        .trace_id = call->trace_id,
        .done = invoked,
        .arg = proxy,
    };
    log_invocation(call, buf_str(&event));
    call->integration_started_us = clock_mono_us();
    const struct function_capability *functions = &plane->skylite->functions;
    functions->invoke(functions->self, &proxy->invocation);
}
