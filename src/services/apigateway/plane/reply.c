/* Answers: the integration's, and the gateway's own as the stage has configured them. */
#include "base/clock.h"
#include "core/capabilities.h"
#include "services/apigateway/plane/coding.h"
#include "services/apigateway/plane/log.h"
#include "services/apigateway/plane/trial.h"

static const struct {
    struct str message;
    struct str error_type;
} failures[GATEWAY_TYPE_COUNT] = {
#define GATEWAY_TYPE(name, status, message, error_type) {STR_INIT(message), STR_INIT(error_type)},
#include "services/apigateway/plane/gateway_types.def"
#undef GATEWAY_TYPE
};

/* What every answer has: its identifiers, a Content-Type, and a Content-Encoding when it is packed.
 */
enum { COMMON_HEADERS = 5 };

/* The first of them, which logs and tests do not show. */
enum { ID_HEADERS = 2 };

static bool has_content_type(const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (headers[i].name.len == 12 && str_eq_nocase(headers[i].name, STR("content-type")))
            return true;
    }
    return false;
}

static void log_answer(struct api_call *call, int status, const struct http_header *headers,
                       size_t count, struct str body)
{
    call->status = status;
    call->response_length = body.len;
    if (execution_log_has_data(call)) {
        struct str shown = execution_log_headers(call, headers, count);
        execution_log(call, "Method response body after transformations: %.*s",
                      STR_ARG(execution_log_body(call, body)));
        execution_log(call, "Method response headers: %.*s", STR_ARG(shown));
    }
    if (!call->error_message.ptr)
        execution_log(call, "Successfully completed execution");
    if (status >= 400)
        execution_log_error(call, "Method completed with status: %d", status);
    else
        execution_log(call, "Method completed with status: %d", status);
    logs_finish(call);
}

static void count_in(const struct api_call *call, const struct gateway_metrics *metrics,
                     double latency_ms)
{
    int class = call->status / 100;
    metric_add(call->metrics, metrics->count, 1);
    metric_add(call->metrics, metrics->client_errors, class == 4);
    metric_add(call->metrics, metrics->server_errors, class == 5);
    metric_add(call->metrics, metrics->latency, latency_ms);
    if (call->integration_us >= 0)
        metric_add(call->metrics, metrics->integration_latency,
                   (double)call->integration_us / 1000);
}

/* What is not there (an unknown path) counts for the stage as well. */
static void count_answer(const struct api_call *call)
{
    if (!call->stage)
        return;
    double latency_ms = (double)(clock_mono_us() - call->now_us) / 1000;
    count_in(call, &call->stage->metrics, latency_ms);
    if (call->method)
        count_in(call, &call->method->metrics, latency_ms);
}

void call_reply(struct api_call *call, int status, const struct http_header *headers,
                size_t header_count, struct str body)
{
    struct http_header *all =
        arena_alloc(call->arena, (header_count + COMMON_HEADERS) * sizeof(*all));
    size_t count = 0;
    all[count++] = (struct http_header){STR("x-amzn-RequestId"), call->request_id};
    all[count++] = (struct http_header){STR("x-amz-apigw-id"), call->extended_id};
    if (call->trace_id.ptr)
        all[count++] = (struct http_header){STR("X-Amzn-Trace-Id"), call->trace_id};
    if (!has_content_type(headers, header_count))
        all[count++] = (struct http_header){STR("Content-Type"), STR("application/json")};
    if (header_count)
        memcpy(all + count, headers, header_count * sizeof(*all));
    count += header_count;
    log_answer(call, status, all + ID_HEADERS, count - ID_HEADERS, body);
    if (call->trial) {
        trial_finish(call, status, all + ID_HEADERS, count - ID_HEADERS, body);
        return;
    }
    count_answer(call);
    coding_pack(call, all, &count, &body);
    http_reply(call->exchange, status, all, count, body);
}

/* AWS writes the errors of integrations with a blank, as another part of it makes them. */
static bool is_of_integration(enum gateway_type type)
{
    return type == GATEWAY_API_CONFIGURATION_ERROR || type == GATEWAY_INTEGRATION_FAILURE ||
           type == GATEWAY_INTEGRATION_TIMEOUT;
}

static struct str default_body(const struct api_call *call)
{
    if (call->error_type == GATEWAY_AUTHORIZER_FAILURE ||
        call->error_type == GATEWAY_AUTHORIZER_CONFIGURATION_ERROR)
        return STR("{\"message\":null}");
    struct buf body;
    buf_init_arena(&body, call->arena, 16 * 1024);
    buf_add(&body, is_of_integration(call->error_type)         ? STR("{\"message\": ")
                   : call->error_type == GATEWAY_ACCESS_DENIED ? STR("{\"Message\":")
                                                               : STR("{\"message\":"));
    buf_add_json(&body, call->error_message);
    buf_add_byte(&body, '}');
    return buf_str(&body);
}

void call_fail(struct api_call *call, enum gateway_type type, int status, const char *message)
{
    const struct gateway_response *response =
        call->stage ? call->stage->gateway_responses[type] : NULL;
    static const struct gateway_response plain = {0};
    if (!response)
        response = &plain;
    call->error_type = type;
    call->error_message = message ? str_from(message) : failures[type].message;
    if (response->status)
        status = response->status;
    else if (!status)
        status = gateway_type_status(type);

    struct str accept = http_header_get(call->exchange, STR("accept"));
    const struct body_template *body = template_choose(&response->bodies, accept);
    struct mapping_input input = {.call = call};
    struct http_header *mapped;
    size_t mapped_count = mapping_headers(&input, &response->headers, &mapped);
    struct http_header *headers = arena_alloc(call->arena, (mapped_count + 2) * sizeof(*headers));
    headers[0] =
        (struct http_header){STR("x-amzn-ErrorType"),
                             call->error_name.ptr ? call->error_name : failures[type].error_type};
    memcpy(headers + 1, mapped, mapped_count * sizeof(*headers));
    size_t count = 1 + mapped_count;
    if (body && !has_content_type(headers, count))
        headers[count++] = (struct http_header){STR("Content-Type"), body->type};
    call_reply(call, status, headers, count,
               body ? template_expand(call, body->text) : default_body(call));
}
