/* The connection to the Runtime API. It sends the answer to one invocation and the request for the
 * next in one write, and reads both answers with one read where they fit: the function's process is
 * woken once per invocation. One thread. */
#pragma once

#include <llhttp.h>

#include "base/buf.h"
#include "base/error.h"

/* A piece of the read buffer: that may move while a message is still coming in. */
struct span {
    size_t at;
    size_t len;
};

enum runtime_header {
    RUNTIME_REQUEST_ID,
    RUNTIME_DEADLINE_MS,
    RUNTIME_FUNCTION_ARN,
    RUNTIME_TRACE_ID,
    RUNTIME_CLIENT_CONTEXT,
    RUNTIME_COGNITO_IDENTITY,
    RUNTIME_HEADER_COUNT
};

struct runtime_connection {
    int fd; /* -1: not connected */
    llhttp_t parser;
    struct str host;        /* of the Host header, borrowed */
    struct buf in;          /* what came in */
    struct buf head;        /* the request being sent, without its body */
    struct buf ask;         /* the request for the next invocation */
    size_t parsed;          /* how much of `in` the parser has seen */
    size_t low_water;       /* the socket's SO_RCVLOWAT */
    bool has_read;          /* since the last request was sent */
    size_t expected_answer; /* length of the last answer to an answer, 0 before the first */
    struct span name, value, body;
    struct span headers[RUNTIME_HEADER_COUNT];
    bool is_complete;
};

/* `address` is "host:port", as AWS_LAMBDA_RUNTIME_API has it, and is borrowed until the close. */
enum err runtime_open(struct runtime_connection *connection, struct str address,
                      struct error *error);
void runtime_close(struct runtime_connection *connection);

/* How an invocation ended. */
struct runtime_answer {
    struct str request_id;
    struct str payload;    /* JSON */
    struct str error_type; /* a NULL pointer: it went well */
};

/* All of it is borrowed until the next call. */
struct runtime_invocation {
    struct str headers[RUNTIME_HEADER_COUNT]; /* empty where there was none */
    struct str event;
};

/* Sends `answer` (NULL at the first call) and waits for the next invocation, for as long as it
 * takes. An answer that the Runtime API refuses (as when it is too long) has been reported by it
 * and is logged. ERR_INTERNAL when the connection is lost or the Runtime API says that there is no
 * way on. */
enum err runtime_next(struct runtime_connection *connection, const struct runtime_answer *answer,
                      struct runtime_invocation *out, struct error *error);

/* Tells that the function cannot start, and waits until that has been taken. */
enum err runtime_report_init_error(struct runtime_connection *connection, struct str error_type,
                                   struct str payload, struct error *error);
