/* What CloudWatch counts of invocations
 * (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html): for all functions,
 * by function, and by what was invoked of it, the function itself, a version or an alias. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "core/capabilities.h"

struct ticket;

/* Of one name that is invoked. */
struct function_metrics {
    struct metric_series *invocations, *errors, *throttles, *duration;
    struct metric_series *concurrent;          /* invocations by this name */
    struct metric_series *function_concurrent; /* all of the function */
    atomic_int running;                        /* by this name */
};

/* All names that were invoked so far. Stays until Lambda ends, as the series do. */
struct metrics_table {
    const struct metric_capability *metrics;
    struct metric_series *concurrent; /* of all functions */
    pthread_rwlock_t lock;            /* over the map */
    struct map names;                 /* "NAME" or "NAME:QUALIFIER" to struct function_metrics */
};

void metrics_table_init(struct metrics_table *table, const struct metric_capability *metrics);
void metrics_table_release(struct metrics_table *table);

/* Those of `resource` ("NAME" or "NAME:QUALIFIER"), made when they are missing. Any thread. */
struct function_metrics *metrics_table_get(struct metrics_table *table, struct str name,
                                           struct str resource);

/* The ticket got a place, or none. */
void metrics_count_start(const struct ticket *ticket);
void metrics_count_throttle(const struct ticket *ticket);

/* The ticket, which had a place, is over. */
void metrics_count_end(const struct ticket *ticket);
