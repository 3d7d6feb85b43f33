/* Counting calls of tables. */
#include "services/dynamodb/metrics.h"

#include <stdlib.h>

#include "core/arn.h"
#include "base/clock.h"
#include "services/dynamodb/dynamodb.h"

enum { MAX_OPERATIONS = 64, MAX_NAMED = 100 };

/* Those of one operation on one table, made when it is first called. */
struct operation_metrics {
    _Atomic(struct metric_series *) latency, returned_items, system_errors, throttled;
};

/* Of a table, or (with nothing by operation) of a global index. */
struct ddb_metrics {
    const struct metric_capability *metrics;
    struct str table; /* on the heap */
    struct metric_series *read_units, *write_units;
    _Atomic(struct metric_series *) conditions_failed;
    struct operation_metrics operations[MAX_OPERATIONS]; /* by place in the service's rows */
};

/* `second` is one more dimension; with an empty value there is none. */
static struct metric_series *open_series(const struct metric_capability *metrics, struct str table,
                                         struct metric_dimension second, const char *name,
                                         const char *unit)
{
    struct metric_dimension dimensions[] = {{STR("TableName"), table}, second};
    return metric_open(metrics, &(struct metric_definition){
                                    .space = "AWS/DynamoDB",
                                    .name = name,
                                    .unit = unit,
                                    .dimensions = dimensions,
                                    .dimension_count = second.value.len ? 2 : 1,
                                });
}

static struct ddb_metrics *new_metrics(const struct metric_capability *metrics, struct str table,
                                       struct str index)
{
    struct metric_dimension dimension = {STR("GlobalSecondaryIndexName"), index};
    struct ddb_metrics *own = calloc(1, sizeof(*own));
    char *name = own ? strndup(table.ptr, table.len) : NULL;
    if (!name)
        abort();
    own->metrics = metrics;
    own->table = str_from(name);
    own->read_units =
        open_series(metrics, own->table, dimension, "ConsumedReadCapacityUnits", "Count");
    own->write_units =
        open_series(metrics, own->table, dimension, "ConsumedWriteCapacityUnits", "Count");
    return own;
}

void ddb_metrics_open(struct dynamodb *dynamodb, struct ddb_table *table)
{
    const struct metric_capability *metrics = &dynamodb->skylite->metrics;
    if (!metrics->open)
        return;
    if (!table->stats->metrics)
        table->stats->metrics = new_metrics(metrics, table->name, STR_EMPTY);
    for (size_t i = 0; i < table->index_count; i++) {
        struct ddb_index *index = &table->indexes[i];
        if (index->is_global && index->stats && !index->stats->metrics)
            index->stats->metrics = new_metrics(metrics, table->name, index->name);
    }
}

void ddb_metrics_free(struct ddb_metrics *metrics)
{
    if (!metrics)
        return;
    free((char *)(uintptr_t)metrics->table.ptr);
    free(metrics);
}

static void consume(const struct ddb_stats *stats, bool is_write, uint64_t half_units)
{
    const struct ddb_metrics *own = stats ? stats->metrics : NULL;
    if (own && half_units)
        metric_add(own->metrics, is_write ? own->write_units : own->read_units,
                   (double)half_units / 2);
}

/* Local indexes live on their table's capacity, global ones on their own. */
void ddb_metrics_consumed(const struct ddb_capacity *capacity)
{
    const struct ddb_table *table = capacity->table;
    bool is_write = capacity->is_write || capacity->kind == DDB_CAPACITY_WRITE;
    uint64_t of_table = capacity->table_half;
    for (size_t i = 0; capacity->index_half && i < table->index_count; i++) {
        if (table->indexes[i].is_global)
            consume(table->indexes[i].stats, is_write, capacity->index_half[i]);
        else
            of_table += capacity->index_half[i];
    }
    consume(table->stats, is_write, of_table);
}

/* --- Observing --- */

/* Threads that open it at the same time get the same series. */
static void add(struct ddb_metrics *own, _Atomic(struct metric_series *) *place,
                const char *operation, const char *name, const char *unit, double value)
{
    struct metric_series *series = atomic_load(place);
    if (!series) {
        struct metric_dimension dimension = {STR("Operation"), str_from(operation)};
        series = open_series(own->metrics, own->table, dimension, name, unit);
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

static void count_on_table(const struct request *request, enum err rc, struct str name)
{
    size_t place = (size_t)(request->operation - request->service->operations);
    struct ddb_table *table = ddb_table_ref(request->service->self, name);
    struct ddb_metrics *own = table && table->stats ? table->stats->metrics : NULL;
    if (own && place < MAX_OPERATIONS) {
        if (rc)
            count_failure(own, &own->operations[place], request, rc);
        else
            count_success(own, &own->operations[place], request);
    }
    ddb_table_unref(table);
}

/* The tables that a request names, each once. */
struct named {
    struct str names[MAX_NAMED];
    size_t count;
};

static void add_name(const struct skylite_config *config, struct named *named, struct str name)
{
    if (str_starts(name, STR("arn:"))) {
        name = arn_resource_here(config, STR("dynamodb"), name);
        if (!str_starts(name, STR("table/")))
            return;
        name = str_slice(name, 6, name.len);
    }
    for (size_t i = 0; i < named->count; i++) {
        if (str_eq(named->names[i], name))
            return;
    }
    if (name.len && named->count < MAX_NAMED)
        named->names[named->count++] = name;
}

/* Statements of PartiQL do not show their tables here. */
static void find_names(const struct request *request, struct named *named)
{
    const struct skylite_config *config = &request->skylite->config;
    yyjson_val *name, *value, *item;
    size_t i, max, j, count;
    add_name(config, named, json_get_str(request->input, "TableName"));
    yyjson_val *items = json_get(request->input, "RequestItems");
    if (yyjson_is_obj(items)) {
        yyjson_obj_foreach (items, i, max, name, value)
            add_name(config, named, json_str(name));
    }
    yyjson_val *actions = json_get(request->input, "TransactItems");
    if (!yyjson_is_arr(actions))
        return;
    yyjson_arr_foreach (actions, i, max, item) {
        if (!yyjson_is_obj(item))
            continue;
        yyjson_obj_foreach (item, j, count, name, value)
            add_name(config, named, json_get_str(value, "TableName"));
    }
}

/* Operations on tables have no metrics. */
static bool is_on_items(const char *operation)
{
    static const char *const names[] = {
        "GetItem", "PutItem",      "Query",          "UpdateItem",       "DeleteItem",
        "Scan",    "BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(operation, names[i]) == 0)
            return true;
    }
    return false;
}

static bool is_user_error(enum err rc)
{
    return rc && error_status(rc) < 500 && rc != ERR_DDB_CONDITIONAL_CHECK_FAILED &&
           rc != ERR_DDB_PROVISIONED_THROUGHPUT_EXCEEDED && rc != ERR_THROTTLING;
}

void ddb_metrics_observe(const struct request *request, enum err rc)
{
    struct named named = {0};
    if (is_user_error(rc))
        count_user_error(request->service->self);
    if (!is_on_items(request->operation->name))
        return;
    find_names(request, &named);
    for (size_t i = 0; i < named.count; i++)
        count_on_table(request, rc, named.names[i]);
}
