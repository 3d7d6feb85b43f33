/* The service: its operations, its timers, its beginning and end. */
#include "services/cloudwatch/cloudwatch.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/condition_keys.h"
#include "services/cloudwatch/internal.h"

#define ROW(name, handler)                                                                         \
    {                                                                                              \
#name, handler, "cloudwatch:" #name, NULL, .flags = 0                                      \
    }

static const struct operation operations[] = {
    ROW(GetMetricData, cw_get_metric_data),
    ROW(GetMetricStatistics, cw_get_metric_statistics),
    ROW(ListMetrics, cw_list_metrics),
    ROW(PutMetricData, cw_put_metric_data),
};

/* --- Condition keys --- */

static void namespace(const struct condition_question *question, struct condition_values *out)
{
    if (condition_is_own(question))
        condition_add(out, request_str(question->request, "Namespace"));
}

static const struct condition_key condition_keys[] = {
    {"cloudwatch:namespace", "PutMetricData", namespace, NULL},
};

/* --- Writing what was added --- */

static enum err write_out(struct store_txn *txn, struct store_write *write, struct error *error)
{
    struct cloudwatch *cloudwatch = write->arg;
    enum err rc = cw_flush(cloudwatch, txn, &write->has_more, error);
    return rc || write->has_more ? rc : cw_sweep(cloudwatch, txn, clock_wall_ms() / 1000, error);
}

static void written(struct loop_task *task)
{
    struct cloudwatch *cloudwatch =
        (struct cloudwatch *)((char *)task - offsetof(struct cloudwatch, start_timer));
    cloudwatch->is_writing = false;
}

static void write_done(struct store_write *write)
{
    struct cloudwatch *cloudwatch = write->arg;
    if (write->rc)
        log_error_limited("cloudwatch", "values of metrics are lost: %s", write->error.message);
    cloudwatch->start_timer.run = written;
    loop_post(cloudwatch->skylite->loops[0], &cloudwatch->start_timer);
}

static void flush_due(void *arg)
{
    struct cloudwatch *cloudwatch = arg;
    if (cloudwatch->is_writing)
        return;
    cloudwatch->is_writing = true;
    cloudwatch->write = (struct store_write){
        .class = STORE_BACKGROUND, .run = write_out, .done = write_done, .arg = cloudwatch};
    store_submit(cloudwatch->skylite->store, &cloudwatch->write);
}

static void clock_due(void *arg)
{
    struct cloudwatch *cloudwatch = arg;
    atomic_store_explicit(&cloudwatch->minute, clock_wall_ms() / 60000, memory_order_relaxed);
}

static void start_timers(struct loop_task *task)
{
    struct cloudwatch *cloudwatch =
        (struct cloudwatch *)((char *)task - offsetof(struct cloudwatch, start_timer));
    struct loop *loop = cloudwatch->skylite->loops[0];
    cloudwatch->clock = loop_timer_start(loop, 0, 1000, clock_due, cloudwatch);
    cloudwatch->flush =
        loop_timer_start(loop, CW_FLUSH_EVERY_MS, CW_FLUSH_EVERY_MS, flush_due, cloudwatch);
}

static enum err flush_for_request(struct request *request, struct store_txn *txn)
{
    return cw_flush(request_self(request, struct cloudwatch), txn, &request->write.has_more,
                    &request->error);
}

/* What an operation reads on a thread of the pool; the request's handler_state. */
struct reading {
    struct request *request;
    cw_read_fn read;
    void *state;
    enum err rc;
};

static void read_in_pool(void *arg)
{
    struct reading *reading = arg;
    reading->rc = reading->read(reading->request, reading->state);
}

static void read_done(void *arg)
{
    struct reading *reading = arg;
    request_finish(reading->request, reading->rc);
}

static enum err start_reading(struct request *request)
{
    loop_work(request->loop, read_in_pool, read_done, request->handler_state);
    return ERR_PENDING;
}

enum err cw_after_flush(struct request *request, cw_read_fn read, void *state)
{
    struct reading *reading = arena_new(request->arena, struct reading);
    *reading = (struct reading){.request = request, .read = read, .state = state};
    request->handler_state = reading;
    if (store_state(request->skylite->store) != STORE_WRITABLE)
        return start_reading(request); /* what is stored can be read all the same */
    return request_write_in_parts(request, flush_for_request, start_reading);
}

/* --- Beginning and end --- */

/* In the AWS JSON protocol errors are shapes, whose names end in Exception. */
static struct str error_type_of(const struct request *request, enum err code)
{
    struct str name = str_from(error_type(code));
    bool is_shape = code == ERR_CW_INVALID_PARAMETER_VALUE ||
                    code == ERR_CW_INVALID_PARAMETER_COMBINATION ||
                    code == ERR_CW_MISSING_PARAMETER;
    const char *suffix = is_shape ? "Exception" : "";
    if (code == ERR_CW_MISSING_PARAMETER)
        name = STR("MissingRequiredParameter");
    return arena_printf(request->arena, "com.amazonaws.cloudwatch#%.*s%s", STR_ARG(name), suffix);
}

static void fill_service(struct cloudwatch *cloudwatch)
{
    cloudwatch->service = (struct service){
        .name = "cloudwatch",
        .signing_name = "monitoring",
        .protocols = PROTOCOL_QUERY | PROTOCOL_AWS_JSON_1_0 | PROTOCOL_RPC_CBOR,
        .unavailable = ERR_CW_INTERNAL_SERVICE,
        .target_prefix = "GraniteServiceVersion20100801",
        .xmlns = "http://monitoring.amazonaws.com/doc/2010-08-01/",
        .error_type = error_type_of,
        .operations = operations,
        .operation_count = sizeof(operations) / sizeof(operations[0]),
        .condition_keys = condition_keys,
        .condition_key_count = sizeof(condition_keys) / sizeof(condition_keys[0]),
        .self = cloudwatch,
    };
}

enum err cloudwatch_new(struct skylite *skylite, struct cloudwatch **out, struct error *error)
{
    struct cloudwatch *cloudwatch = calloc(1, sizeof(*cloudwatch));
    if (!cloudwatch)
        abort();
    cloudwatch->skylite = skylite;
    cloudwatch->started_ms = clock_wall_ms();
    atomic_init(&cloudwatch->minute, cloudwatch->started_ms / 60000);
    pthread_rwlock_init(&cloudwatch->lock, NULL);
    pthread_mutex_init(&cloudwatch->dirty_lock, NULL);
    cw_requests_init(cloudwatch);
    enum err rc = cw_load(cloudwatch, error);
    if (rc) {
        cw_requests_release(cloudwatch);
        cw_release_series(cloudwatch);
        free(cloudwatch);
        return rc;
    }
    fill_service(cloudwatch);
    skylite_add_service(skylite, &cloudwatch->service);
    skylite->metrics = (struct metric_capability){
        .self = cloudwatch,
        .open = cw_open,
        .add = cw_add,
        .count_request = cw_count_request,
        .expose = cw_expose,
    };
    cloudwatch->start_timer.run = start_timers;
    if (skylite->loop_count)
        loop_post(skylite->loops[0], &cloudwatch->start_timer);
    *out = cloudwatch;
    return OK;
}

static enum err write_last(struct store_txn *txn, struct store_write *write, struct error *error)
{
    return cw_flush(write->arg, txn, &write->has_more, error);
}

void cloudwatch_free(struct cloudwatch *cloudwatch)
{
    struct error error;
    if (!cloudwatch)
        return;
    if (store_write_wait(cloudwatch->skylite->store, write_last, cloudwatch, &error))
        log_error("cloudwatch", "the last values of metrics are lost: %s", error.message);
    cw_requests_release(cloudwatch);
    cw_release_series(cloudwatch);
    pthread_rwlock_destroy(&cloudwatch->lock);
    pthread_mutex_destroy(&cloudwatch->dirty_lock);
    free(cloudwatch);
}
