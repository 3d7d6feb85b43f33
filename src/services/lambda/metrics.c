/* Counting invocations. */
#include "services/lambda/metrics.h"

#include <stdlib.h>

#include "services/lambda/internal.h"

/* Under the leading dimensions, as many as there are; `also` fewer as well. */
static struct metric_series *open_series(const struct metrics_table *table, const char *metric,
                                         const char *unit, struct str name, struct str resource,
                                         size_t dimension_count, bool also_fewer)
{
    struct metric_dimension dimensions[] = {{STR("FunctionName"), name},
                                            {STR("Resource"), resource}};
    return metric_open(table->metrics, &(struct metric_definition){
                                           .space = "AWS/Lambda",
                                           .name = metric,
                                           .unit = unit,
                                           .dimensions = dimensions,
                                           .dimension_count = dimension_count,
                                           .also = {1, 0},
                                           .also_count = also_fewer ? 2 : 0,
                                       });
}

void metrics_table_init(struct metrics_table *table, const struct metric_capability *metrics)
{
    table->metrics = metrics;
    pthread_rwlock_init(&table->lock, NULL);
    table->concurrent =
        open_series(table, "ConcurrentExecutions", "Count", STR_EMPTY, STR_EMPTY, 0, false);
}

void metrics_table_release(struct metrics_table *table)
{
    size_t cursor = 0;
    void *own;
    while (map_next(&table->names, &cursor, NULL, &own))
        free(own);
    map_release(&table->names);
    pthread_rwlock_destroy(&table->lock);
}

static struct function_metrics *make(struct metrics_table *table, struct str name,
                                     struct str resource)
{
    struct function_metrics *own = calloc(1, sizeof(*own));
    if (!own)
        abort();
    own->invocations = open_series(table, "Invocations", "Count", name, resource, 2, true);
    own->errors = open_series(table, "Errors", "Count", name, resource, 2, true);
    own->throttles = open_series(table, "Throttles", "Count", name, resource, 2, true);
    own->duration = open_series(table, "Duration", "Milliseconds", name, resource, 2, true);
    own->concurrent = open_series(table, "ConcurrentExecutions", "Count", name, resource, 2, false);
    own->function_concurrent =
        open_series(table, "ConcurrentExecutions", "Count", name, resource, 1, false);
    map_set(&table->names, resource, own);
    return own;
}

struct function_metrics *metrics_table_get(struct metrics_table *table, struct str name,
                                           struct str resource)
{
    pthread_rwlock_rdlock(&table->lock);
    struct function_metrics *own = map_get(&table->names, resource);
    pthread_rwlock_unlock(&table->lock);
    if (own)
        return own;
    pthread_rwlock_wrlock(&table->lock);
    own = map_get(&table->names, resource);
    if (!own)
        own = make(table, name, resource);
    pthread_rwlock_unlock(&table->lock);
    return own;
}

/* --- Counting --- */

static void add(const struct ticket *ticket, struct metric_series *series, double value)
{
    metric_add(ticket->fleet->lambda->metrics.metrics, series, value);
}

/* Each invocation adds how many run by now, so that a period's maximum is the most there were. */
void metrics_count_start(const struct ticket *ticket)
{
    struct lambda *lambda = ticket->fleet->lambda;
    struct function_metrics *own = ticket->metrics;
    int running = atomic_fetch_add_explicit(&own->running, 1, memory_order_relaxed) + 1;
    add(ticket, own->concurrent, running);
    add(ticket, own->function_concurrent,
        atomic_load_explicit(&ticket->load->running, memory_order_relaxed));
    add(ticket, lambda->metrics.concurrent,
        atomic_load_explicit(&lambda->running, memory_order_relaxed));
    add(ticket, own->throttles, 0);
}

void metrics_count_throttle(const struct ticket *ticket)
{
    add(ticket, ticket->metrics->throttles, 1);
}

/* Invocations that did not come to run the function are none, as on AWS. */
void metrics_count_end(const struct ticket *ticket)
{
    const struct function_invocation *invocation = ticket->invocation;
    struct function_metrics *own = ticket->metrics;
    atomic_fetch_sub_explicit(&own->running, 1, memory_order_relaxed);
    if (invocation->rc)
        return;
    add(ticket, own->invocations, 1);
    add(ticket, own->errors, invocation->function_error.len || invocation->is_timeout);
    if (ticket->duration_us >= 0)
        add(ticket, own->duration, (double)ticket->duration_us / 1000);
}
