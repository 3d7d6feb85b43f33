/* Adding events to a stream inside a write. */
#include "base/clock.h"
#include "services/logs/internal.h"

enum {
    VALUE_HEAD = 16, /* stream id, time of ingestion */
    /* How many old events a write deletes, of a group over its quota: faster than they come. */
    TRIM_MIN = 64,
    TRIM_FACTOR = 2,
};

enum err logs_ingest_open(struct ingest *ingest, struct logs *logs, struct store_txn *txn,
                          struct arena *arena, struct str group, struct str stream, bool create,
                          struct error *error)
{
    struct reader reader = {logs->skylite->store, txn, arena};
    *ingest = (struct ingest){.logs = logs,
                              .txn = txn,
                              .arena = arena,
                              .now_ms = clock_wall_ms(),
                              .oldest_ms = INT64_MAX};
    enum err rc = logs_group_get(&reader, group, &ingest->group, error);
    if (rc == ERR_LOGS_RESOURCE_NOT_FOUND && create)
        rc = logs_group_create(&reader, group, &ingest->group, error);
    if (rc)
        return rc;
    rc = logs_stream_get(&reader, &ingest->group, stream, &ingest->stream, error);
    if (rc == ERR_LOGS_RESOURCE_NOT_FOUND && create)
        rc = logs_stream_create(&reader, &ingest->group, stream, &ingest->stream, error);
    return rc;
}

void logs_ingest_add(struct ingest *ingest, int64_t time_ms, struct str message)
{
    struct stream *stream = &ingest->stream;
    struct position position = {time_ms, ingest->logs->next_sequence++};
    char *value = arena_alloc(ingest->arena, VALUE_HEAD + message.len);
    logs_write_u64(value, stream->id);
    logs_write_u64(value + 8, (uint64_t)ingest->now_ms);
    if (message.len)
        memcpy(value + VALUE_HEAD, message.ptr, message.len);
    store_txn_put(ingest->txn, STORE_LOGS,
                  logs_key_event(ingest->arena, ingest->group.id, position),
                  str_make(value, VALUE_HEAD + message.len));

    if (stream->first_ms < 0 || time_ms < stream->first_ms)
        stream->first_ms = time_ms;
    if (time_ms > stream->last_ms)
        stream->last_ms = time_ms;
    if (time_ms < ingest->oldest_ms)
        ingest->oldest_ms = time_ms;
    stream->ingested_ms = ingest->now_ms;
    ingest->added_bytes += (int64_t)message.len + EVENT_OVERHEAD;
    ingest->added_events++;
}

/* https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
 */
static void count_incoming(const struct ingest *ingest, const char *name, const char *unit,
                           double value)
{
    const struct metric_capability *metrics = &ingest->logs->skylite->metrics;
    struct metric_dimension group = {STR("LogGroupName"), ingest->group.name};
    metric_add(metrics,
               metric_open(metrics, &(struct metric_definition){.space = "AWS/Logs",
                                                                .name = name,
                                                                .unit = unit,
                                                                .dimensions = &group,
                                                                .dimension_count = 1,
                                                                .also = {0},
                                                                .also_count = 1}),
               value);
}

static void keep_quota(const struct ingest *ingest, struct group *group)
{
    struct logs *logs = ingest->logs;
    int64_t quota = logs->skylite->config.log_quota_bytes;
    size_t left = TRIM_MIN + TRIM_FACTOR * (size_t)ingest->added_events;
    if (quota && group->stored_bytes > quota &&
        !logs_trim(logs, ingest->txn, ingest->arena, group, &left))
        logs_sweep_start(logs);
}

/* The group is read again: other streams of it may have been written meanwhile. */
void logs_ingest_close(struct ingest *ingest)
{
    struct reader reader = {ingest->logs->skylite->store, ingest->txn, ingest->arena};
    struct group group;
    if (logs_group_get(&reader, ingest->group.name, &group, NULL) == OK) {
        group.stored_bytes += ingest->added_bytes;
        if (ingest->oldest_ms < group.oldest_ms)
            group.oldest_ms = ingest->oldest_ms;
        keep_quota(ingest, &group);
        logs_group_put(ingest->txn, ingest->arena, &group);
    }
    logs_stream_put(ingest->txn, ingest->arena, &ingest->group, &ingest->stream);
    count_incoming(ingest, "IncomingBytes", "Bytes", (double)ingest->added_bytes);
    count_incoming(ingest, "IncomingLogEvents", "None", (double)ingest->added_events);
}

struct event logs_event_read(struct str key, struct str value)
{
    return (struct event){
        .position = logs_position_of_key(key),
        .stream = logs_read_u64(value, 0),
        .ingested_ms = (int64_t)logs_read_u64(value, 8),
        .message = str_slice(value, VALUE_HEAD, value.len),
    };
}
