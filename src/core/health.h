/* The health of the server's parts, as `/health` tells it. Each part reports when its state
 * changes. All functions may be called on any thread. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"

enum health_part { HEALTH_STORE, HEALTH_DATA, HEALTH_LAUNCHER, HEALTH_PART_COUNT };

enum { HEALTH_REASON_BYTES = 160 };

/* All zeros: every part is well. */
struct health {
    pthread_mutex_t mutex;
    char reasons[HEALTH_PART_COUNT][HEALTH_REASON_BYTES]; /* guarded; empty: the part is well */
    atomic_uint ailing_count; /* lets a probe of a well server pass without the mutex */
};

/* `reason` is a sentence for an administrator without a full stop; it is cut when it is longer than
 * HEALTH_REASON_BYTES. NULL: the part is well (again). */
void health_report(struct health *health, enum health_part part, const char *reason);

/* The HTTP status, 200 or 503, and the JSON object that goes with it, borrowed from `arena`. */
int health_answer(struct health *health, struct arena *arena, struct str *out_body);
