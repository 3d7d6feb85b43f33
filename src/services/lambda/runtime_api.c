/* The Runtime API's requests. */
#include "services/lambda/runtime_api.h"

#include "services/lambda/instance.h"

/* A function may compute for 15 minutes between two requests on one connection. */
enum { CONNECTION_TIMEOUT_MS = 20 * 60 * 1000 };

enum runtime_call runtime_api_parse(struct str method, struct str path, struct str *out_id)
{
    static const struct str prefix = STR_INIT("/2018-06-01/runtime/");
    static const struct str invocation = STR_INIT("invocation/");
    if (!str_starts(path, prefix))
        return RUNTIME_UNKNOWN;
    path = str_slice(path, prefix.len, path.len);
    bool is_post = str_eq(method, STR("POST"));
    if (str_eq(path, STR("invocation/next")))
        return str_eq(method, STR("GET")) ? RUNTIME_NEXT : RUNTIME_UNKNOWN;
    if (str_eq(path, STR("init/error")))
        return is_post ? RUNTIME_INIT_ERROR : RUNTIME_UNKNOWN;
    if (!is_post || !str_starts(path, invocation))
        return RUNTIME_UNKNOWN;

    path = str_slice(path, invocation.len, path.len);
    if (!str_cut(&path, '/', out_id) || out_id->len == 0)
        return RUNTIME_UNKNOWN;
    return str_eq(path, STR("response")) ? RUNTIME_RESPONSE
           : str_eq(path, STR("error"))  ? RUNTIME_ERROR
                                         : RUNTIME_UNKNOWN;
}

static void reply_json(struct http_exchange *exchange, int status, struct str body)
{
    struct http_header type = {STR("Content-Type"), STR("application/json")};
    http_reply(exchange, status, &type, 1, body);
}

/* Answers what is not a request for work. */
static void reply(struct http_exchange *exchange, enum runtime_refusal refusal)
{
    switch (refusal) {
    case RUNTIME_OK:
        reply_json(exchange, 202, STR("{\"status\":\"OK\"}\n"));
        break;
    case RUNTIME_BAD_STATE:
        reply_json(exchange, 403,
                   STR("{\"errorMessage\":\"State transition is not allowed\","
                       "\"errorType\":\"InvalidStateTransition\"}\n"));
        break;
    case RUNTIME_BAD_ID:
        reply_json(exchange, 400,
                   STR("{\"errorMessage\":\"Invalid request ID\","
                       "\"errorType\":\"InvalidRequestID\"}\n"));
        break;
    case RUNTIME_TOO_LARGE:
        reply_json(exchange, 413,
                   STR("{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 "
                       "bytes).\",\"errorType\":\"RequestEntityTooLarge\"}\n"));
        break;
    }
}

/* The runtime is answered first: often its next request for work is already there, and then the
 * instance is idle before its caller can ask again. */
static void reply_and_finish(struct http_exchange *exchange, enum runtime_refusal refusal,
                             struct ticket *ticket)
{
    reply(exchange, refusal);
    if (ticket)
        ticket_finish(ticket);
}

static void handle(struct http_exchange *exchange, void *arg)
{
    struct instance *instance = arg;
    struct ticket *ticket = NULL;
    struct str id;
    enum runtime_refusal refusal;
    enum runtime_call call = runtime_api_parse(exchange->method, exchange->path, &id);

    switch (call) {
    case RUNTIME_NEXT:
        refusal = instance_next(instance, exchange);
        if (refusal)
            reply(exchange, refusal);
        break;
    case RUNTIME_RESPONSE:
    case RUNTIME_ERROR:
        refusal = instance_answer(instance, id, exchange->body, call == RUNTIME_ERROR, &ticket);
        reply_and_finish(exchange, refusal, ticket);
        break;
    case RUNTIME_INIT_ERROR:
        reply(exchange, instance_init_error(instance, exchange->body));
        break;
    case RUNTIME_UNKNOWN:
        http_reply(exchange, 404, NULL, 0, STR("404 page not found\n"));
        break;
    }
}

/* What the server itself refuses; of that only the size concerns the invocation. */
static void reject(struct http_exchange *exchange, int status, void *arg)
{
    struct instance *instance = arg;
    struct ticket *ticket = NULL;
    struct str id;
    enum runtime_call call = runtime_api_parse(exchange->method, exchange->path, &id);
    if (status != 413 || (call != RUNTIME_RESPONSE && call != RUNTIME_ERROR)) {
        http_reply(exchange, status, NULL, 0, STR_EMPTY);
        return;
    }
    enum runtime_refusal refusal = instance_too_large(instance, id, &ticket);
    reply_and_finish(exchange, refusal ? refusal : RUNTIME_TOO_LARGE, ticket);
}

struct http_listener_options runtime_api_options(struct instance *instance)
{
    return (struct http_listener_options){
        .request = handle,
        .reject = reject,
        .arg = instance,
        .memory = &instance->limits.memory,
        .places = &instance->limits.runtime_places,
        .max_body_bytes = LAMBDA_MAX_RESPONSE,
        .request_timeout_ms = CONNECTION_TIMEOUT_MS,
        .idle_timeout_ms = CONNECTION_TIMEOUT_MS,
    };
}
