/* How much of the machine requests and connections may have, and how that is shared out: between
 * the public listeners and those of sandboxes, so that neither takes the other's, and between
 * loops. */
#pragma once

#include "base/budget.h"
#include "io/http.h"

#define LIMITS_MAX_LOOPS 64

/* Of one loop, in memory and in connections. */
struct loop_limits {
    struct budget_share public_memory, sandbox_memory;
    struct budget_share public_places, sandbox_places;
    struct budget_share disk;
    struct http_spill spill;
};

struct limits {
    struct budget public_memory, sandbox_memory;
    struct budget disk; /* bodies and answers that went to files */
    struct loop_limits loops[LIMITS_MAX_LOOPS];
    struct loop *watching;
    bool is_trimming;
};

/* `memory` bytes for all bodies and answers in flight; `descriptors` of the process; files go into
 * the folder `spill_fd`. */
void limits_init(struct limits *limits, size_t memory, size_t descriptors, int spill_fd,
                 unsigned loop_count);

/* Has the C library give memory back to the system some time after much of it was in use. On a loop
 * that runs; until that ends. */
void limits_watch(struct limits *limits, struct loop *loop);

/* What one sandbox may have: memory near the function's, and connections. Those to its Runtime API
 * are its own, so that no other sandbox keeps it from asking for work; of the loop's part for calls
 * of AWS it may have a quarter. */
enum { LIMITS_RUNTIME_PLACES = 8, LIMITS_ENDPOINT_PLACES = 56 };
struct sandbox_limits {
    struct budget_share memory;
    struct budget_share runtime_places, endpoint_places;
};
void limits_of_sandbox(struct loop_limits *loop, size_t function_memory,
                       struct sandbox_limits *out);
