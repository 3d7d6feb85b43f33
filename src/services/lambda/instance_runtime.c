/* An instance's work: what it is given and what its runtime answers. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "services/lambda/instance.h"

enum { MAX_INIT_ERROR = 256 * 1024 };

/* --- Giving work --- */

/* The JSON behind X-Amz-Client-Context's base64, as runtimes expect it; NULL pointer for none. */
static struct str client_context(const struct function_invocation *invocation)
{
    struct str text = {NULL, 0};
    if (invocation->client_context.len &&
        !decode_base64(invocation->arena, invocation->client_context, &text))
        text.ptr = NULL;
    return text;
}

static struct str decimal(char digits[24], int64_t value)
{
    struct buf text = {.ptr = digits, .cap = 24, .max = 24};
    buf_add_u64(&text, (uint64_t)value);
    return buf_str(&text);
}

/* "Root=1-TIME-ID;Parent=ID;Sampled=0" for an invocation that nobody traces, made from its id. */
static struct str own_trace(const struct function_invocation *invocation)
{
    char hex[33] = "";
    size_t len = 0;
    for (size_t i = 0; i < invocation->request_id.len && len < 32; i++) {
        if (invocation->request_id.ptr[i] != '-')
            hex[len++] = invocation->request_id.ptr[i];
    }
    return arena_printf(invocation->arena, "Root=1-%08llx-%.24s;Parent=%.16s;Sampled=0",
                        (unsigned long long)clock_wall_ms() / 1000, hex, len > 16 ? hex + 16 : hex);
}

static void send_work(const struct instance *instance, const struct ticket *ticket,
                      int64_t timeout_ms, struct http_exchange *exchange)
{
    const struct function_invocation *invocation = ticket->invocation;
    struct str arn = ticket->invoked_arn.len ? ticket->invoked_arn : instance->function->arn;
    char digits[24];
    struct http_header headers[6] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("Lambda-Runtime-Aws-Request-Id"), invocation->request_id},
        {STR("Lambda-Runtime-Deadline-Ms"), decimal(digits, clock_wall_ms() + timeout_ms)},
        {STR("Lambda-Runtime-Invoked-Function-Arn"), arn},
    };
    size_t count = 4;
    struct str trace = invocation->trace_id.len ? invocation->trace_id : own_trace(invocation);
    headers[count++] = (struct http_header){STR("Lambda-Runtime-Trace-Id"), trace};
    struct str context = client_context(invocation);
    if (context.ptr)
        headers[count++] = (struct http_header){STR("Lambda-Runtime-Client-Context"), context};
    http_reply(exchange, 200, headers, count, invocation->payload);
}

bool instance_run(struct instance *instance, struct ticket *ticket)
{
    struct http_exchange *exchange = instance->asking;
    int64_t timeout_ms = (int64_t)instance->function->timeout_s * 1000;
    if (exchange->is_aborted)
        return false;
    instance->asking = NULL;
    instance->ticket = ticket;
    instance->state = INSTANCE_RUNNING;
    instance->started_us = clock_mono_us();
    instance_set_deadline(instance, timeout_ms);
    instance_log_start(instance, ticket->invocation);
    send_work(instance, ticket, timeout_ms, exchange);
    return true;
}

/* --- Asking for work --- */

static void become_idle(struct instance *instance, struct http_exchange *exchange)
{
    instance->asking = exchange;
    instance->state = INSTANCE_IDLE;
    if (instance_is_current(instance))
        pool_offer(instance->pool, instance);
    else
        instance_end(instance);
}

/* An idle runtime asks again: right only when its connection broke. */
static enum runtime_refusal ask_again(struct instance *instance, struct http_exchange *exchange)
{
    if (!instance->asking->is_aborted)
        return RUNTIME_BAD_STATE;
    http_reply(instance->asking, 500, NULL, 0, STR_EMPTY);
    instance->asking = exchange;
    return RUNTIME_OK;
}

enum runtime_refusal instance_next(struct instance *instance, struct http_exchange *exchange)
{
    switch (instance->state) {
    case INSTANCE_INIT:
        instance->init_us = clock_mono_us() - instance->launched_us;
        instance->deadline_ms = 0;
        instance_drain(instance);
        /* Idle first: what else waits in its pool is served by it and not by one more. */
        become_idle(instance, exchange);
        pool_started(instance->pool);
        return RUNTIME_OK;
    case INSTANCE_ANSWERED:
        become_idle(instance, exchange);
        return RUNTIME_OK;
    case INSTANCE_IDLE:
        return ask_again(instance, exchange);
    case INSTANCE_STARTING:
    case INSTANCE_RUNNING:
    case INSTANCE_ENDING:
        break;
    }
    return RUNTIME_BAD_STATE;
}

/* --- Answering --- */

static enum runtime_refusal check_running(const struct instance *instance, struct str id)
{
    if (instance->state != INSTANCE_RUNNING)
        return RUNTIME_BAD_STATE;
    return str_eq(instance->ticket->invocation->request_id, id) ? RUNTIME_OK : RUNTIME_BAD_ID;
}

/* Takes the work off it and ends its log. */
static struct function_invocation *
conclude(struct instance *instance, const struct failure *failure, struct ticket **out_ticket)
{
    struct ticket *ticket = instance->ticket;
    instance->ticket = NULL;
    instance->deadline_ms = 0;
    instance->state = INSTANCE_ANSWERED;
    instance_log_end(instance, ticket, failure);
    *out_ticket = ticket;
    return ticket->invocation;
}

enum runtime_refusal instance_answer(struct instance *instance, struct str id, struct str body,
                                     bool is_error, struct ticket **out_ticket)
{
    static const struct failure handler_failed = {.type = "Runtime.Unknown"};
    enum runtime_refusal refusal = check_running(instance, id);
    if (refusal)
        return refusal;
    struct function_invocation *invocation =
        conclude(instance, is_error ? &handler_failed : NULL, out_ticket);
    invocation->payload_out = arena_str(invocation->arena, body);
    if (is_error)
        invocation->function_error = STR("Unhandled");
    return RUNTIME_OK;
}

enum runtime_refusal instance_too_large(struct instance *instance, struct str id,
                                        struct ticket **out_ticket)
{
    static const struct failure failure = {
        .type = "Function.ResponseSizeTooLarge",
        .payload = STR_INIT("{\"errorType\":\"Function.ResponseSizeTooLarge\",\"errorMessage\":"
                            "\"Response payload size exceeded maximum allowed payload size "
                            "(6291556 bytes).\"}"),
    };
    enum runtime_refusal refusal = check_running(instance, id);
    if (refusal)
        return refusal;
    failure_fill(&failure, conclude(instance, &failure, out_ticket));
    return RUNTIME_OK;
}

enum runtime_refusal instance_init_error(struct instance *instance, struct str body)
{
    if (instance->state != INSTANCE_INIT || instance->init_error.ptr)
        return RUNTIME_BAD_STATE;
    struct str kept = str_slice(body, 0, MAX_INIT_ERROR);
    char *copy = malloc(kept.len + 1);
    if (!copy)
        abort();
    memcpy(copy, kept.ptr, kept.len);
    instance->init_error = str_make(copy, kept.len);
    return RUNTIME_OK;
}
