/* Invocations of type Event: they are stored before they are acknowledged, run when there is room,
 * tried again when they fail, and gone on with after a restart. An event runs at least once
 * (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html). */
#pragma once

#include "core/request.h"

enum {
    EVENT_MAX_PAYLOAD = 1024 * 1024,
    EVENT_MAX_AGE_S = 6 * 60 * 60, /* unless the function has its own */
    EVENT_MAX_RETRIES = 2,
};

struct event;
struct fleet;

/* The events that one loop runs; the earliest due comes first. In its fleet, on its thread. */
struct event_lane {
    struct fleet *fleet;
    struct event **heap; /* by when they are due */
    size_t count, capacity;
    unsigned running;
    struct loop_timer *timer; /* fires when the first one is due; NULL: none is waited for */
    int64_t timer_ms;         /* the time at which it fires */
};

void event_lane_init(struct event_lane *lane, struct fleet *fleet);

/* After the loop ended; what waits stays in the store. */
void event_lane_release(struct event_lane *lane);

/* Stores the event for the function `key` (as lambda_key makes it) and answers 202. Returns what
 * the handler is to return. */
enum err event_accept(struct request *request, struct str key, struct str payload);

/* Has the events that are stored run once the loops do. At start-up. */
struct lambda;
enum err events_load(struct lambda *lambda, struct error *error);
