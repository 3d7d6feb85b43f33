/* The Runtime API, which functions talk to from inside their sandboxes
 * (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html). */
#pragma once

#include "io/http.h"

enum runtime_call {
    RUNTIME_UNKNOWN,
    RUNTIME_NEXT,
    RUNTIME_RESPONSE,
    RUNTIME_ERROR,
    RUNTIME_INIT_ERROR,
};

/* Which call a request is; `out_id` is the invocation it is about, for the middle two. */
enum runtime_call runtime_api_parse(struct str method, struct str path, struct str *out_id);

/* For the listener inside an instance's sandbox. */
struct instance;
struct http_listener_options runtime_api_options(struct instance *instance);
