/* PutLogEvents: events in the order of their times, within AWS's limits. */
#include "base/clock.h"
#include "services/logs/internal.h"

enum { MAX_EVENTS = 10000, MAX_BATCH = 1048576, MAX_EVENT = 1048576 };

#define MAX_AGE_MS    (14 * DAY_MS)
#define MAX_FUTURE_MS (2LL * 60 * 60 * 1000)

static enum err invalid(struct request *request, const char *message)
{
    return request_fail(request, ERR_LOGS_INVALID_PARAMETER, "%s", message);
}

static enum err null_member(struct request *request, size_t index, const char *member)
{
    return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                        "1 validation error detected: Value null at 'logEvents.%zu.member.%s' "
                        "failed to satisfy constraint: Member must not be null",
                        index + 1, member);
}

static enum err check_event(struct request *request, yyjson_val *event, size_t index,
                            struct log_event *out)
{
    out->message = json_get_str(event, "message");
    if (!json_get_i64(event, "timestamp", &out->timestamp_ms))
        return null_member(request, index, "timestamp");
    if (!out->message.ptr)
        return null_member(request, index, "message");
    if (out->message.len == 0)
        return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                            "1 validation error detected: Value '' at 'logEvents.%zu.member."
                            "message' failed to satisfy constraint: Member must have length "
                            "greater than or equal to 1",
                            index + 1);
    if (out->timestamp_ms < 0)
        return invalid(request, "Log event timestamps must not be negative.");
    if (out->message.len + EVENT_OVERHEAD > MAX_EVENT)
        return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                            "Log event too large: %zu bytes exceeds limit of %d",
                            out->message.len + EVENT_OVERHEAD, MAX_EVENT);
    return OK;
}

static enum err check_batch(struct request *request, const struct log_event *events, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += events[i].message.len + EVENT_OVERHEAD;
        if (i > 0 && events[i].timestamp_ms < events[i - 1].timestamp_ms)
            return invalid(request, "Log events in a single PutLogEvents request must be in "
                                    "chronological order.");
    }
    if (size > MAX_BATCH)
        return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                            "Upload too large: %zu bytes exceeds limit of %d", size, MAX_BATCH);
    if (events[count - 1].timestamp_ms - events[0].timestamp_ms > DAY_MS)
        return invalid(request, "The batch of log events in a single PutLogEvents request cannot "
                                "span more than 24 hours.");
    return OK;
}

static enum err read_events(struct request *request, struct log_event **out, size_t *out_count)
{
    yyjson_val *list = json_get(request->input, "logEvents"), *event;
    size_t i, max, count = yyjson_arr_size(list);
    if (!yyjson_is_arr(list))
        return invalid(request, "1 validation error detected: Value null at 'logEvents' failed to "
                                "satisfy constraint: Member must not be null");
    if (count == 0 || count > MAX_EVENTS)
        return invalid(request,
                       count ? "1 validation error detected: Value at 'logEvents' failed to "
                               "satisfy constraint: Member must have length less than or equal to "
                               "10000"
                             : "1 validation error detected: Value '[]' at 'logEvents' failed to "
                               "satisfy constraint: Member must have length greater than or equal "
                               "to 1");
    struct log_event *events = arena_array(request->arena, struct log_event, count);
    yyjson_arr_foreach (list, i, max, event) {
        enum err rc = check_event(request, event, i, &events[i]);
        if (rc)
            return rc;
    }
    *out = events;
    *out_count = count;
    return check_batch(request, events, count);
}

/* --- What is too old, expired or too new --- */

struct window {
    size_t expired_end, old_end, new_start; /* of [0, count) */
};

static struct window find_window(const struct ingest *ingest, const struct log_event *events,
                                 size_t count)
{
    struct window window = {.new_start = count};
    int64_t retention_ms = ingest->group.retention_days * DAY_MS;
    for (size_t i = 0; i < count; i++) {
        int64_t age_ms = ingest->now_ms - events[i].timestamp_ms;
        if (retention_ms && age_ms > retention_ms)
            window.expired_end = i + 1;
        if (age_ms > MAX_AGE_MS)
            window.old_end = i + 1;
        if (age_ms < -MAX_FUTURE_MS && window.new_start == count)
            window.new_start = i;
    }
    return window;
}

static void answer_rejected(struct request *request, const struct window *window, size_t count)
{
    if (window->expired_end == 0 && window->old_end == 0 && window->new_start == count)
        return;
    yyjson_mut_val *info =
        json_add_obj(request->doc, request_output(request), "rejectedLogEventsInfo");
    if (window->new_start < count)
        json_add_i64(request->doc, info, "tooNewLogEventStartIndex", (int64_t)window->new_start);
    if (window->old_end)
        json_add_i64(request->doc, info, "tooOldLogEventEndIndex", (int64_t)window->old_end);
    if (window->expired_end)
        json_add_i64(request->doc, info, "expiredLogEventEndIndex", (int64_t)window->expired_end);
}

/* A call on its way into the store; the request's handler_state. */
struct put {
    struct log_event *events;
    size_t count;
    struct window window; /* as of the first part */
    size_t next;
    bool is_started;
};

static enum err put_some(struct request *request, struct store_txn *txn)
{
    struct put *put = request->handler_state;
    struct arena scratch = {0};
    struct ingest ingest;
    enum err rc = logs_ingest_open(&ingest, request_self(request, struct logs), txn, &scratch,
                                   request_str(request, "logGroupName"),
                                   request_str(request, "logStreamName"), false, &request->error);
    if (rc)
        goto cleanup;
    if (!put->is_started) {
        put->is_started = true;
        put->window = find_window(&ingest, put->events, put->count);
        put->next = put->window.expired_end > put->window.old_end ? put->window.expired_end
                                                                  : put->window.old_end;
    }
    for (; put->next < put->window.new_start && !store_txn_is_full(txn); put->next++)
        logs_ingest_add(&ingest, put->events[put->next].timestamp_ms,
                        put->events[put->next].message);
    logs_ingest_close(&ingest);
    request->write.has_more = put->next < put->window.new_start;
    if (request->write.has_more)
        goto cleanup;
    json_add_str(request->doc, request_output(request), "nextSequenceToken",
                 logs_upload_token(request->arena, &ingest.stream));
    answer_rejected(request, &put->window, put->count);

cleanup:
    arena_release(&scratch);
    return rc;
}

enum err logs_put_log_events(struct request *request)
{
    struct str group, stream;
    struct put *put = arena_new(request->arena, struct put);
    request->handler_state = put;
    enum err rc = logs_input_name(request, "logGroupName", true, &group);
    if (rc == OK)
        rc = logs_input_name(request, "logStreamName", true, &stream);
    if (rc == OK)
        rc = read_events(request, &put->events, &put->count);
    return rc ? rc : request_write_in_parts(request, put_some, NULL);
}
