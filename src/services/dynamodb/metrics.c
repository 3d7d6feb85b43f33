/* Counting calls of tables. */
#include "services/dynamodb/metrics.h"

#include <stdlib.h>

#include "base/clock.h"
#include "services/dynamodb/dynamodb.h"

enum { MAX_OPERATIONS = 64 };

/* Those of one operation on one table, made when it is first called. */
struct operation_metrics {
    _Atomic(struct metric_series *) latency, returned_items, system_errors, throttled;
};

struct ddb_metrics {
    const struct metric_capability *metrics;
    struct str table; /* on the heap */
    struct metric_series *read_units, *write_units;
    _Atomic(struct metric_series *) conditions_failed;
    struct operation_metrics operations[MAX_OPERATIONS]; /* by place in the service's rows */
};

static struct metric_series *open_series(const struct metric_capability *metrics, struct str table,
                                         const char *operation, const char *name, const char *unit)
{
    struct metric_dimension dimensions[] = {
        {STR("TableName"), table},
        {STR("Operation"), str_from(operation)},
    };
    return metric_open(metrics, &(struct metric_definition){
                                    .space = "AWS/DynamoDB",
                                    .name = name,
                                    .unit = unit,
                                    .dimensions = dimensions,
                                    .dimension_count = operation ? 2 : 1,
                                });
}

void ddb_metrics_open(struct dynamodb *dynamodb, struct ddb_table *table)
{
    const struct metric_capability *metrics = &dynamodb->skylite->metrics;
    if (!metrics->open || table->stats->metrics)
        return;
    struct ddb_metrics *own = calloc(1, sizeof(*own));
    char *name = own ? strndup(table->name.ptr, table->name.len) : NULL;
    if (!name)
        abort();
    own->metrics = metrics;
    own->table = str_from(name);
    own->read_units = open_series(metrics, own->table, NULL, "ConsumedReadCapacityUnits", "Count");
    own->write_units =
        open_series(metrics, own->table, NULL, "ConsumedWriteCapacityUnits", "Count");
    table->stats->metrics = own;
}

void ddb_metrics_free(struct ddb_metrics *metrics)
{
    if (!metrics)
        return;
    free((char *)(uintptr_t)metrics->table.ptr);
    free(metrics);
}

void ddb_metrics_consumed(const struct ddb_table *table, bool is_write, double units)
{
    const struct ddb_metrics *metrics = table->stats ? table->stats->metrics : NULL;
    if (metrics && units > 0)
        metric_add(metrics->metrics, is_write ? metrics->write_units : metrics->read_units, units);
}

/* --- Observing --- */

/* Threads that open it at the same time get the same series. */
static void add(struct ddb_metrics *own, _Atomic(struct metric_series *) *place,
                const char *operation, const char *name, const char *unit, double value)
{
    struct metric_series *series = atomic_load(place);
    if (!series) {
        series = open_series(own->metrics, own->table, operation, name, unit);
        atomic_store(place, series);
    }
    metric_add(own->metrics, series, value);
}

/* How many items a Query or Scan has found: the answer's first figure. */
static bool returned_count(const struct request *request, double *out)
{
    ptrdiff_t at = str_find(request->raw_output, STR("\"Count\":"));
    uint64_t count;
    if (at < 0)
        return false;
    struct str rest = str_slice(request->raw_output, (size_t)at + 8, 20), digits = rest;
    digits.len = 0;
    while (digits.len < rest.len && rest.ptr[digits.len] >= '0' && rest.ptr[digits.len] <= '9')
        digits.len++;
    if (!str_to_u64(digits, &count))
        return false;
    *out = (double)count;
    return true;
}

static void count_success(struct ddb_metrics *own, struct operation_metrics *metrics,
                          const struct request *request)
{
    const char *operation = request->operation->name;
    bool is_list = strcmp(operation, "Query") == 0 || strcmp(operation, "Scan") == 0;
    double ms = (double)(clock_mono_us() - request->started_us) / 1000, count;
    add(own, &metrics->latency, operation, "SuccessfulRequestLatency", "Milliseconds", ms);
    if (is_list && returned_count(request, &count))
        add(own, &metrics->returned_items, operation, "ReturnedItemCount", "Count", count);
}

static void count_failure(struct ddb_metrics *own, struct operation_metrics *metrics,
                          const struct request *request, enum err rc)
{
    const char *operation = request->operation->name;
    if (rc == ERR_DDB_CONDITIONAL_CHECK_FAILED)
        add(own, &own->conditions_failed, NULL, "ConditionalCheckFailedRequests", "Count", 1);
    else if (rc == ERR_DDB_PROVISIONED_THROUGHPUT_EXCEEDED || rc == ERR_THROTTLING)
        add(own, &metrics->throttled, operation, "ThrottledRequests", "Count", 1);
    else if (error_status(rc) >= 500)
        add(own, &metrics->system_errors, operation, "SystemErrors", "Count", 1);
}

/* Mistakes of callers count for the account, whatever table they name. */
static void count_user_error(struct dynamodb *dynamodb)
{
    const struct metric_capability *metrics = &dynamodb->skylite->metrics;
    struct metric_series *known = atomic_load(&dynamodb->user_errors);
    if (!known) {
        known = metric_open(metrics, &(struct metric_definition){.space = "AWS/DynamoDB",
                                                                 .name = "UserErrors",
                                                                 .unit = "Count"});
        atomic_store(&dynamodb->user_errors, known);
    }
    metric_add(metrics, known, 1);
}

void ddb_metrics_observe(const struct request *request, enum err rc)
{
    struct dynamodb *dynamodb = request->service->self;
    size_t place = (size_t)(request->operation - request->service->operations);
    if (rc && rc != ERR_DDB_CONDITIONAL_CHECK_FAILED && error_status(rc) < 500)
        count_user_error(dynamodb);
    struct ddb_table *table = ddb_table_ref(dynamodb, request_str(request, "TableName"));
    struct ddb_metrics *own = table && table->stats ? table->stats->metrics : NULL;
    if (own && place < MAX_OPERATIONS) {
        if (rc)
            count_failure(own, &own->operations[place], request, rc);
        else
            count_success(own, &own->operations[place], request);
    }
    ddb_table_unref(table);
}
