/* lambda_run: from an invocation to a handler and back. */
#include "skylite/lambda.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "runtime_connection.h"
#include "skylite/api.h"

/* The arena's first block, which is kept from one invocation to the next. */
enum { KEPT_BYTES = 64 * 1024, MAX_ERROR_TYPE = 128, MAX_TRACE_ID = 512, MAX_LINE = 8192 };

/* --- What handlers call --- */

int64_t lambda_remaining_ms(const struct lambda_context *context)
{
    int64_t left = context->deadline_ms - clock_wall_ms();
    return left > 0 ? left : 0;
}

void lambda_log(const struct lambda_context *context, const char *level, const char *format, ...)
{
    char text[MAX_LINE];
    struct buf line;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (char *at = text; *at; at++)
        *at = *at == '\n' || *at == '\r' ? ' ' : *at;

    buf_init_arena(&line, context->arena, 2 * MAX_LINE);
    buf_printf(&line, "%s\t%.*s\t%s\t%s\n", clock_iso8601_ms(context->arena, clock_wall_ms()).ptr,
               STR_ARG(context->request_id), level, text);
    /* One write, so that lines of several processes do not mix. */
    fflush(stdout);
    fwrite(line.ptr, 1, line.len, stderr);
}

/* --- Reporting --- */

static struct str error_payload(struct arena *arena, struct str type, struct str message)
{
    struct buf out;
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    buf_add(&out, STR("{\"errorMessage\":"));
    buf_add_json(&out, message);
    buf_add(&out, STR(",\"errorType\":"));
    buf_add_json(&out, type);
    buf_add(&out, STR(",\"stackTrace\":[]}"));
    return buf_str(&out);
}

/* The type travels in a header too: anything that cannot stand there becomes '_'. */
static struct str header_safe(struct arena *arena, struct str type)
{
    char *safe = arena_cstr(arena, str_slice(type, 0, MAX_ERROR_TYPE));
    for (char *at = safe; *at; at++)
        *at = *at < 0x21 || *at > 0x7e ? '_' : *at;
    return str_from(safe);
}

static int report_init_error(struct str type, struct str message)
{
    struct runtime_connection connection;
    struct error error;
    struct arena arena = {0};
    log_error("runtime", "%.*s: %.*s", STR_ARG(type), STR_ARG(message));
    enum err rc = runtime_open(&connection, str_from(getenv("AWS_LAMBDA_RUNTIME_API")), &error);
    if (rc == OK)
        rc = runtime_report_init_error(&connection, type, error_payload(&arena, type, message),
                                       &error);
    if (rc)
        log_error("runtime", "%s", error.message);
    runtime_close(&connection);
    arena_release(&arena);
    return EXIT_FAILURE;
}

int lambda_fail_init(const struct error *error)
{
    return report_init_error(str_from(error_type(error->code)), str_from(error->message));
}

/* --- Invocations --- */

/* In place: setenv would leak a copy for each invocation. */
static void export_trace_id(struct str trace_id)
{
    static char variable[MAX_TRACE_ID] = "_X_AMZN_TRACE_ID=";
    static size_t name_len;
    if (!name_len) {
        name_len = strlen(variable);
        putenv(variable);
    }
    size_t len = trace_id.len < MAX_TRACE_ID - name_len ? trace_id.len : 0;
    memcpy(variable + name_len, trace_id.ptr, len);
    variable[name_len + len] = '\0';
}

static void fill_context(struct lambda_context *context,
                         const struct runtime_invocation *invocation)
{
    const struct str *headers = invocation->headers;
    context->request_id = headers[RUNTIME_REQUEST_ID];
    context->function_arn = headers[RUNTIME_FUNCTION_ARN];
    context->trace_id = headers[RUNTIME_TRACE_ID];
    context->client_context = headers[RUNTIME_CLIENT_CONTEXT];
    context->cognito_identity = headers[RUNTIME_COGNITO_IDENTITY];
    context->error_type = STR_EMPTY;
    context->deadline_ms = 0;
    str_to_i64(headers[RUNTIME_DEADLINE_MS], &context->deadline_ms);
    export_trace_id(context->trace_id);
}

static enum err handle_api(const struct lambda_handler *handler, struct lambda_context *context,
                           struct str event, struct str *out_response, struct error *error)
{
    struct api_event parsed;
    struct api_response response;
    enum err rc = api_event_parse(context->arena, event, &parsed, error);
    if (rc)
        return rc;
    api_response_init(&response, context->arena);
    rc = handler->handle_api(context, &parsed, &response, error);
    if (rc == OK)
        *out_response = api_response_write(&response);
    return rc;
}

static void answer_error(struct lambda_context *context, struct error *error,
                         struct runtime_answer *out)
{
    struct str type = context->error_type;
    struct str message = str_from(error->message);
    if (type.len == 0)
        type = str_from(error_type(error->code));
    lambda_log(context, "ERROR", "%.*s: %s", STR_ARG(type), error->message);
    out->error_type = header_safe(context->arena, type);
    out->payload = error_payload(context->arena, type, message);
}

static void handle(const struct lambda_handler *handler, struct lambda_context *context,
                   struct str event, struct runtime_answer *out)
{
    struct error error = {.code = OK, .message = ""};
    struct str response = STR_INIT("null");
    enum err rc = handler->handle ? handler->handle(context, event, &response, &error)
                                  : handle_api(handler, context, event, &response, &error);
    *out = (struct runtime_answer){.request_id = context->request_id, .payload = response};
    if (rc) {
        error.code = error.code ? error.code : rc;
        answer_error(context, &error, out);
    }
    /* What the handler printed belongs to this invocation. */
    fflush(stdout);
}

/* Ends only with an error: Lambda stops a function by ending its process. */
static enum err serve(struct runtime_connection *connection, const struct lambda_handler *handler,
                      struct lambda_context *context, struct error *error)
{
    struct runtime_invocation invocation;
    struct runtime_answer answer;
    enum err rc = runtime_next(connection, NULL, &invocation, error);
    while (rc == OK) {
        fill_context(context, &invocation);
        handle(handler, context, invocation.event, &answer);
        rc = runtime_next(connection, &answer, &invocation, error);
        arena_reset(context->arena);
    }
    return rc;
}

static const struct lambda_handler *find_handler(const struct lambda_handler *handlers,
                                                 size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(name, str_from(handlers[i].name)))
            return &handlers[i];
    }
    return NULL;
}

int lambda_run(const struct lambda_handler *handlers, size_t count, void *user)
{
    struct runtime_connection connection;
    struct error error;
    struct arena arena = {0};
    struct lambda_context context = {.arena = &arena, .user = user};
    struct str name = str_from(getenv("_HANDLER"));
    const struct lambda_handler *handler = find_handler(handlers, count, name);
    if (!handler) {
        struct str message =
            arena_printf(&arena, "this program has no handler \"%.*s\"", STR_ARG(name));
        int status = report_init_error(STR("Runtime.HandlerNotFound"), message);
        arena_release(&arena);
        return status;
    }

    setvbuf(stdout, NULL, _IOLBF, 0);
    arena_alloc(&arena, KEPT_BYTES);
    arena_reset(&arena);
    enum err rc = runtime_open(&connection, str_from(getenv("AWS_LAMBDA_RUNTIME_API")), &error);
    if (rc == OK)
        serve(&connection, handler, &context, &error);
    log_error("runtime", "%s", error.message);
    runtime_close(&connection);
    arena_release(&arena);
    return EXIT_FAILURE;
}
