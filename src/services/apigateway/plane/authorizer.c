/* Lambda authorizers: functions that are asked who may call a method.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 */
#include <stdatomic.h>

#include "base/clock.h"
#include "services/apigateway/plane/authorizer_cache.h"
#include "services/apigateway/plane/compile.h"
#include "services/apigateway/plane/event.h"
#include "services/apigateway/plane/log.h"
#include "services/apigateway/plane/plane.h"
#include "services/apigateway/plane/trial.h"
#include "wire/regex.h"

enum { MAX_KEY = 64 * 1024 };

void plane_flush_authorizers(struct plane *plane)
{
    atomic_fetch_add(&plane->authorizer_epoch, 1);
}

static const struct str no_error = {NULL, 0};

/* --- Failing --- */

/* The function failed or answered in another form: AWS tells the client nothing of it. */
static void fail(struct api_call *call, enum gateway_type type, const char *why, struct str detail)
{
    execution_log_error(call, "Execution failed due to configuration error: %s%s%.*s", why,
                        detail.len ? ": " : "", STR_ARG(detail));
    call->authorizer = decision_of(call, call->authorizer_started_us, 500, str_from(why));
    call_fail(call, type, 500, NULL);
}

static void refuse(struct api_call *call)
{
    execution_log_error(call, "Unauthorized request: %.*s", STR_ARG(call->request_id));
    call->authorizer = decision_of(call, call->authorizer_started_us, 401, STR("Unauthorized"));
    call_fail(call, GATEWAY_UNAUTHORIZED, 0, NULL);
}

/* --- Deciding --- */

/* By the policy that the authorizer gave, together with the API's own. */
static bool is_allowed(struct plane *plane, struct api_call *call)
{
    const struct iam_capability *iam = &plane->skylite->iam;
    struct principal caller = {
        .kind = PRINCIPAL_USER,
        .account = call->stage->account,
        .arn = call->authorized->principal_id,
        .name = STR_EMPTY,
        .session_name = STR_EMPTY,
        .user_id = call->authorized->principal_id,
        .access_key_id = STR_EMPTY,
        .session_policy = STR_EMPTY,
    };
    struct call_question question = {plane, call};
    struct authorization authorization = {
        .principal = &caller,
        .action = STR("execute-api:Invoke"),
        .resource = call_arn(call),
        .resource_policy = call->stage->policy,
        .find_values = call_find_values,
        .find_arg = &question,
    };
    struct error error;
    int64_t started_us = clock_mono_us();
    enum err rc = iam->authorize_by(iam->self, call->authorized->policy, &authorization, &error);
    if (rc == OK) {
        call->authorization = decision_of(call, started_us, 200, no_error);
        return true;
    }
    if (rc != ERR_ACCESS_DENIED_EXCEPTION) {
        fail(call, GATEWAY_AUTHORIZER_CONFIGURATION_ERROR,
             "Invalid policy document of the authorizer",
             arena_str(call->arena, str_from(error.message)));
        return false;
    }
    static const char refusal[] = "The client is not authorized to perform this operation.";
    execution_log_error(call, "%s", refusal);
    call->authorization = decision_of(call, started_us, 403, str_from(refusal));
    call_fail(call, GATEWAY_ACCESS_DENIED, 0,
              is_explicit_deny(&error)
                  ? "User is not authorized to access this resource with an explicit deny"
                  : NULL);
    return false;
}

/* The last characters of who somebody is, as AWS shows them in logs. */
static struct str masked(const struct api_call *call, struct str identity)
{
    size_t shown = identity.len > 6 ? 6 : 0;
    char *text = arena_cstr(call->arena, identity);
    memset(text, '*', identity.len - shown);
    return str_make(text, identity.len);
}

/* Takes over a reference to the answer. */
static void decide(struct plane *plane, struct api_call *call, struct cached_answer *answer,
                   int64_t latency_ms)
{
    struct authorized *authorized = arena_new(call->arena, struct authorized);
    arena_defer(call->arena, cached_answer_unref, answer);
    *authorized = answer->authorized;
    authorized->latency_ms = latency_ms;
    call->authorized = authorized;
    call->authorizer = decision_of(call, call->authorizer_started_us, 200, no_error);
    execution_log(call, "Using valid authorizer policy for principal: %.*s",
                  STR_ARG(masked(call, authorized->principal_id)));
    execution_log(call, "Successfully completed authorizer execution");
    if (call->trial)
        trial_finish(call, 200, NULL, 0, STR_EMPTY);
    else if (is_allowed(plane, call))
        plane_admit(plane, call);
}

/* --- The function's answer --- */

struct question {
    struct proxy_call *proxy;
    struct plane *plane;
    struct str key; /* in the cache; in the proxy_call's arena, as the question is */
    int64_t ttl_ms;
    int64_t started_us;
    uint64_t epoch;
};

static void read_failure(struct api_call *call, const struct function_invocation *invocation)
{
    struct str payload = invocation->payload_out;
    struct str message = json_get_str(json_parse(call->arena, payload), "errorMessage");
    if (invocation->rc) {
        fail(call, GATEWAY_AUTHORIZER_CONFIGURATION_ERROR, "Lambda has refused the invocation",
             arena_str(call->arena, str_from(invocation->error.message)));
        return;
    }
    if (str_eq(message, STR("Unauthorized"))) {
        refuse(call);
        return;
    }
    fail(call, GATEWAY_AUTHORIZER_FAILURE,
         invocation->is_timeout ? "The authorizer did not answer in time" : "The authorizer failed",
         str_slice(payload, 0, 256));
}

static void read_answer(struct question *question, struct api_call *call,
                        const struct function_invocation *invocation)
{
    struct lane *lane = call->lane;
    call->authorizer_lambda_status = invocation->rc ? error_status(invocation->rc) : 200;
    call->authorizer_id = arena_str(call->arena, invocation->request_id);
    if (execution_log_has_data(call))
        execution_log(call, "Authorizer result body before parsing: %.*s",
                      STR_ARG(execution_log_body(call, invocation->payload_out)));
    if (invocation->rc || invocation->is_timeout || invocation->function_error.len) {
        read_failure(call, invocation);
        return;
    }
    struct cached_answer *answer = cached_answer_parse(invocation->payload_out);
    if (!answer) {
        fail(call, GATEWAY_AUTHORIZER_CONFIGURATION_ERROR,
             "Invalid JSON of the authorizer's answer", str_slice(invocation->payload_out, 0, 256));
        return;
    }
    answer->expires_ms = loop_now_ms(call->exchange->loop) + question->ttl_ms;
    answer->epoch = question->epoch;
    if (question->ttl_ms > 0 && question->key.len)
        authorizer_cache_keep(&lane->authorizers, question->key, answer);
    decide(question->plane, call, answer, (clock_mono_us() - question->started_us) / 1000);
}

static void answered(struct function_invocation *invocation)
{
    struct question *question = invocation->arg;
    struct proxy_call *proxy = question->proxy;
    struct api_call *call = proxy->call;
    proxy->call = NULL;
    if (call)
        read_answer(question, call, invocation);
    lane_give(proxy->lane, proxy);
}

static void expired(struct proxy_call *proxy)
{
    struct api_call *call = proxy->call;
    proxy->call = NULL;
    fail(call, GATEWAY_AUTHORIZER_FAILURE, "The authorizer did not answer in time", STR_EMPTY);
}

/* --- Asking --- */

/* Every value that the request has at a source; returns how many. */
static size_t source_values(const struct api_call *call, const struct mapping *source,
                            struct str out[MAPPING_MAX_VALUES])
{
    struct mapping_input input = {.call = call};
    struct mapping all = *source;
    if (all.source == MAPPING_HEADER)
        all.source = MAPPING_MULTI_HEADER;
    if (all.source == MAPPING_QUERY)
        all.source = MAPPING_MULTI_QUERY;
    return mapping_values(&input, &all, out);
}

/* What the answer is kept under: who asks, where, and as whom. All values of a source count, since
 * the function sees all; an answer about more of them than are compared is not kept (the key is
 * full). Values are told apart by their lengths. False when a part of the identity is missing. */
static bool make_key(const struct api_call *call, struct buf *out)
{
    const struct authorizer *authorizer = call->method->authorizer;
    struct str values[MAPPING_MAX_VALUES];
    buf_printf(out, "%.*s/%.*s/%.*s/%.*s", STR_ARG(call->stage->api_id), STR_ARG(call->stage->name),
               STR_ARG(call->stage->deployment_id), STR_ARG(authorizer->id));
    for (size_t i = 0; i < authorizer->source_count; i++) {
        size_t count = source_values(call, &authorizer->sources[i], values);
        if (count == 0 || !values[0].len)
            return false;
        if (count == MAPPING_MAX_VALUES)
            out->is_full = true;
        buf_printf(out, "/%zu", count);
        for (size_t j = 0; j < count; j++) {
            buf_printf(out, ":%zu:", values[j].len);
            buf_add(out, values[j]);
        }
    }
    return true;
}

/* A token that is there twice is none: the function would be asked about one, and what is behind
 * the gateway might read the other. */
static bool is_good_token(const struct api_call *call, struct str *out)
{
    const struct authorizer *authorizer = call->method->authorizer;
    struct str values[MAPPING_MAX_VALUES];
    if (!authorizer->source_count || source_values(call, &authorizer->sources[0], values) != 1 ||
        !values[0].len)
        return false;
    *out = values[0];
    return !authorizer->expression || regex_match(authorizer->expression, *out) == REGEX_MATCHES;
}

static struct str make_event(const struct api_call *call, struct str token, struct arena *arena)
{
    struct buf event;
    struct str arn = call_arn(call);
    buf_init_arena(&event, arena, EVENT_MAX_BYTES);
    if (!call->method->authorizer->is_token) {
        event_build_authorizer(call, arn, &event);
        return event.is_full ? STR_EMPTY : buf_str(&event);
    }
    buf_add(&event, STR("{\"type\":\"TOKEN\",\"methodArn\":"));
    buf_add_json(&event, arn);
    buf_add(&event, STR(",\"authorizationToken\":"));
    buf_add_json(&event, token);
    buf_add_byte(&event, '}');
    return buf_str(&event);
}

/* "arn:aws:execute-api:us-east-1:000000000000:API/authorizers/ID" */
static struct str source_arn(const struct api_call *call, struct arena *arena)
{
    struct str prefix = call->stage->arn_prefix; /* with "API/STAGE/" at its end */
    size_t stage_len = call->stage->name.len + 1;
    return arena_printf(arena, "%.*sauthorizers/%.*s",
                        STR_ARG(str_slice(prefix, 0, prefix.len - stage_len)),
                        STR_ARG(call->method->authorizer->id));
}

static void ask(struct plane *plane, struct api_call *call, struct str token, struct str key,
                uint64_t epoch)
{
    const struct authorizer *authorizer = call->method->authorizer;
    struct proxy_call *proxy = lane_take(call->lane, call, MAX_INTEGRATION_TIMEOUT_MS);
    struct question *question = arena_new(&proxy->arena, struct question);
    struct error error;
    proxy->expired = expired;
    *question = (struct question){.proxy = proxy,
                                  .plane = plane,
                                  .key = arena_str(&proxy->arena, key),
                                  .ttl_ms = authorizer->ttl_ms,
                                  .started_us = clock_mono_us(),
                                  .epoch = epoch};
    struct str event = make_event(call, token, &proxy->arena);
    struct str source = source_arn(call, &proxy->arena);
    if (plane_assume(plane, authorizer->role, source, &proxy->arena, &proxy->principal, &error) ||
        !event.len) {
        lane_give(call->lane, proxy);
        fail(call, GATEWAY_AUTHORIZER_CONFIGURATION_ERROR, "The authorizer cannot be invoked",
             authorizer->role);
        return;
    }
    if (execution_log_has_data(call))
        execution_log(call, "Endpoint request body after transformations: %.*s",
                      STR_ARG(execution_log_body(call, event)));
    proxy->invocation = (struct function_invocation){
        .loop = call->exchange->loop,
        .arena = &proxy->arena,
        .function = authorizer->function,
        .payload = event,
        .principal = &proxy->principal,
        .source_arn = source,
        .trace_id = call->trace_id,
        .done = answered,
        .arg = question,
    };
    const struct function_capability *functions = &plane->skylite->functions;
    functions->invoke(functions->self, &proxy->invocation);
}

void authorizer_start(struct plane *plane, struct api_call *call)
{
    const struct authorizer *authorizer = call->method->authorizer;
    uint64_t epoch = atomic_load_explicit(&plane->authorizer_epoch, memory_order_relaxed);
    struct str token = STR_EMPTY;
    struct buf key;
    if (!authorize_unless_denied(plane, call))
        return;
    call->authorizer_started_us = clock_mono_us();
    buf_init_arena(&key, call->arena, MAX_KEY);
    if (!authorizer || !authorizer->function.len) {
        fail(call, GATEWAY_AUTHORIZER_CONFIGURATION_ERROR, "The authorizer names no function",
             STR_EMPTY);
        return;
    }
    lane_trace(call->lane, call);
    execution_log(call, "Starting authorizer: %.*s for request: %.*s", STR_ARG(authorizer->id),
                  STR_ARG(call->request_id));
    if (!make_key(call, &key) || (authorizer->is_token && !is_good_token(call, &token))) {
        refuse(call);
        return;
    }
    if (authorizer->is_token)
        execution_log(call, "Incoming identity: %.*s", STR_ARG(masked(call, token)));
    struct str kept = key.is_full || call->trial ? STR_EMPTY : buf_str(&key);
    struct cached_answer *answer =
        authorizer->ttl_ms > 0 && kept.len
            ? authorizer_cache_find(call->lane->authorizers, kept,
                                    loop_now_ms(call->exchange->loop), epoch)
            : NULL;
    if (answer)
        decide(plane, call, answer, 0);
    else
        ask(plane, call, token, kept, epoch);
}
