/* What one loop thread keeps for the requests that it serves, so that they share nothing with other
 * threads: random bytes in stock, the time as text, invocations to use again and their deadlines.
 * Everything here is called on the lane's thread. */
#pragma once

#include "core/capabilities.h"
#include "services/apigateway/plane/call.h"

struct lane;

/* An invocation of a function for a call. It outlives the exchange when the integration times out
 * before the function answers, so it has an arena of its own; lanes use it again. */
struct proxy_call {
    struct arena arena; /* event and answer */
    struct function_invocation invocation;
    struct principal principal; /* who invokes */
    struct lane *lane;
    struct api_call *call;                     /* NULL once it has been answered for a timeout */
    void (*expired)(struct proxy_call *proxy); /* answers the call, and sets it to NULL */
    int64_t deadline_ms;                       /* loop_now_ms */
    struct proxy_call *next, *previous;
};

struct authorizer_cache;

struct lane {
    struct authorizer_cache *authorizers; /* what they said; NULL before the first one */
    struct loop *loop;                    /* of its first request; NULL before */
    char random[1024];
    size_t random_left;
    int64_t time_s; /* the second that time_text is for */
    char time_text[32];
    char log_stream[33]; /* of this thread; empty before it is first needed */
    struct proxy_call *idle;
    size_t idle_count;
    struct proxy_call *waiting; /* for their functions */
    struct loop_timer *timer;   /* fires at timer_ms; NULL: not set */
    int64_t timer_ms;
};

/* Frees what is kept. After the loop has ended. */
void lane_release(struct lane *lane);

/* Fills in the call's identifiers and the time as of now. */
void lane_stamp(struct lane *lane, struct api_call *call);

/* The log stream of this thread's requests: 32 hexadecimal digits, as AWS's are. */
struct str lane_log_stream(struct lane *lane);

/* The X-Amzn-Trace-Id of a call: the client's where it has a root, else a new one. */
void lane_trace(struct lane *lane, struct api_call *call);

/* A proxy_call with an empty arena, waiting for `timeout_ms` at most; then its `expired` is called,
 * once, while it goes on to wait for its function. The caller sets that. */
struct proxy_call *lane_take(struct lane *lane, struct api_call *call, unsigned timeout_ms);

/* Takes it back, when the function has answered. */
void lane_give(struct lane *lane, struct proxy_call *proxy);
