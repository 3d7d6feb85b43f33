/* Lambda functions in C: the runtime that takes events from the Runtime API, gives them to a
 * handler and sends back what it answers
 * (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html). The same program runs on
 * Skylite and, as `bootstrap` of a provided.al2023 function, on AWS.
 *
 * A function's process handles one invocation at a time, on one thread. What a handler makes in the
 * invocation's arena dies with the invocation; what main makes before lambda_run stays for as long
 * as the process is warm. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct api_event;
struct api_response;

struct lambda_context {
    struct arena *arena; /* emptied when the invocation is answered */
    struct str request_id;
    struct str function_arn;     /* as invoked, with the alias or version if there was one */
    struct str trace_id;         /* X-Ray's, empty when there is none; also in _X_AMZN_TRACE_ID */
    struct str client_context;   /* JSON that mobile clients send, or empty */
    struct str cognito_identity; /* JSON, or empty */
    int64_t deadline_ms;         /* milliseconds since 1970-01-01 UTC */
    void *user;                  /* as given to lambda_run */

    /* A failing handler may name its own errorType here; empty: the AWS name of the error code. */
    struct str error_type;
};

/* Handles one event, any JSON text. Answers OK and sets `out_response`, JSON text that lives in the
 * arena or longer; or fails and fills `error`, which is reported as errorType and errorMessage. */
typedef enum err (*lambda_handler_fn)(struct lambda_context *context, struct str event,
                                      struct str *out_response, struct error *error);

/* The same for events of API Gateway's proxy integration; see skylite/api.h. */
typedef enum err (*api_handler_fn)(struct lambda_context *context, const struct api_event *event,
                                   struct api_response *response, struct error *error);

/* One function of a program: set one of the two handlers. */
struct lambda_handler {
    const char *name; /* what the function's Handler setting says, such as "notes.get" */
    lambda_handler_fn handle;
    api_handler_fn handle_api;
};

/* Serves invocations with the handler that the environment's _HANDLER names, until the process is
 * ended from outside. Returns an exit status for main: 1, after reporting why, when there is no
 * such handler or the Runtime API is gone. `user` becomes each context's `user`. */
int lambda_run(const struct lambda_handler *handlers, size_t count, void *user);

/* For main, when it cannot make what its handlers need: reports the error as the reason why the
 * function cannot start. Returns the exit status 1. */
int lambda_fail_init(const struct error *error);

/* Milliseconds until Lambda ends the invocation; never negative. Asks the clock. */
int64_t lambda_remaining_ms(const struct lambda_context *context);

/* Writes one line to the function's log: time, request id, level ("INFO", "ERROR") and text. Line
 * breaks in the text become blanks. What handlers print to stdout and stderr goes to the log too.
 */
void lambda_log(const struct lambda_context *context, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
