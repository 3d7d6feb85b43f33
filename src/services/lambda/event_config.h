/* What a function's owner has said about its events: how often and how long they are tried. */
#pragma once

#include "services/lambda/internal.h"

struct event_config {
    int64_t max_retries;
    int64_t max_age_s;
};

/* Where it is stored; the key of the function, version or alias follows. */
#define LAMBDA_EVENT_CONFIGS "lambda/event-invoke/"

struct str lambda_event_config_key(struct arena *arena, struct str key);

/* The configuration for the function, version or alias `key`; Lambda's own where there is none. Any
 * thread. */
void event_config_load(struct lambda *lambda, struct str key, struct event_config *out);
