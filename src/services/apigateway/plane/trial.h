/* Calls that no client has made: those of TestInvokeMethod, which meet neither keys nor throttles
 * nor authorizers, and those of TestInvokeAuthorizer, which meet nothing else. They count in no
 * metric and write to no log group. */
#pragma once

#include "services/apigateway/plane/plane.h"

struct trial {
    /* Set by the caller: all of a request but the arena, which is the trial's own, empty before. */
    struct http_exchange exchange;
    struct str resource_path;          /* of the method, which is called for other paths as well */
    void (*done)(struct trial *trial); /* called once, now or later, on the exchange's loop */
    void *arg;

    /* The answer, which lives until `done` returns. */
    int status;
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    const struct authorized *authorized; /* what an authorizer said; NULL: it refused, or failed */
    struct str log;                      /* of the execution, as AWS shows it */
    int64_t latency_ms;
};

/* Runs the call on the stage, of which it takes over a reference; it has one method. */
void trial_run(struct plane *plane, struct stage *stage, struct trial *trial);

/* The same for the authorizer of the method at the stage's root, whatever the call's path; it ends
 * with the authorizer's answer. */
void trial_authorize(struct plane *plane, struct stage *stage, struct trial *trial);

/* Ends a trial with the answer of its call. */
void trial_finish(struct api_call *call, int status, const struct http_header *headers,
                  size_t header_count, struct str body);
