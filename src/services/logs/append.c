/* Appending without waiting: events gather in memory and are written together, at most 100 ms
 * later.
 */
#include <stdlib.h>

#include "base/log.h"
#include "services/logs/internal.h"

enum {
    FLUSH_MS = 100,
    FLUSH_BYTES = 256 * 1024,
    MAX_RECORD = 16 * 1024 * 1024,
    MAX_BEHIND = 64 * 1024 * 1024, /* beyond, events are dropped rather than memory eaten up */
};

/* Bytes on their way to the store: records of
 * group length (2), stream length (2), count (4), group, stream, then per event time (8), length
 * (4), message. */
struct batch {
    struct store_write write;
    struct logs *logs;
    struct buf bytes;
};

/* --- Records --- */

static void add_number(struct buf *buf, uint64_t number, size_t bytes)
{
    char digits[8];
    logs_write_u64(digits, number);
    buf_add(buf, str_make(digits + 8 - bytes, bytes));
}

static uint64_t take_number(struct str *from, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | (unsigned char)from->ptr[i];
    *from = str_slice(*from, bytes, from->len);
    return number;
}

static struct str take_text(struct str *from, size_t len)
{
    struct str text = str_slice(*from, 0, len);
    *from = str_slice(*from, len, from->len);
    return text;
}

static size_t record_size(struct str group, struct str stream, const struct log_event *events,
                          size_t count)
{
    size_t size = 8 + group.len + stream.len;
    for (size_t i = 0; i < count; i++)
        size += 12 + events[i].message.len;
    return size;
}

static void add_record(struct buf *buf, struct str group, struct str stream,
                       const struct log_event *events, size_t count)
{
    add_number(buf, group.len, 2);
    add_number(buf, stream.len, 2);
    add_number(buf, count, 4);
    buf_add(buf, group);
    buf_add(buf, stream);
    for (size_t i = 0; i < count; i++) {
        add_number(buf, (uint64_t)events[i].timestamp_ms, 8);
        add_number(buf, events[i].message.len, 4);
        buf_add(buf, events[i].message);
    }
}

/* --- Writing a batch --- */

/* The stream's ingest in this batch, opened once. NULL when it cannot be had. */
static struct ingest *ingest_of(struct batch *batch, struct store_txn *txn, struct arena *arena,
                                struct map *open, struct str group, struct str stream)
{
    struct str key = arena_printf(arena, "%.*s\n%.*s", STR_ARG(group), STR_ARG(stream));
    struct ingest *ingest = map_get(open, key);
    struct error error;
    if (ingest)
        return ingest;
    ingest = arena_new(arena, struct ingest);
    if (logs_ingest_open(ingest, batch->logs, txn, arena, group, stream, true, &error)) {
        log_error("logs", "cannot append to %.*s: %s", STR_ARG(group), error.message);
        return NULL;
    }
    map_set(open, key, ingest);
    return ingest;
}

static void write_record(struct batch *batch, struct store_txn *txn, struct arena *arena,
                         struct map *open, struct str *bytes)
{
    size_t group_len = take_number(bytes, 2), stream_len = take_number(bytes, 2);
    size_t count = take_number(bytes, 4);
    struct str group = take_text(bytes, group_len), stream = take_text(bytes, stream_len);
    struct ingest *ingest = ingest_of(batch, txn, arena, open, group, stream);
    for (size_t i = 0; i < count; i++) {
        int64_t time_ms = (int64_t)take_number(bytes, 8);
        size_t len = take_number(bytes, 4);
        struct str message = take_text(bytes, len);
        if (ingest)
            logs_ingest_add(ingest, time_ms, message);
    }
}

static enum err write_batch(struct store_txn *txn, struct store_write *write, struct error *error)
{
    struct batch *batch = write->arg;
    struct str bytes = buf_str(&batch->bytes);
    struct arena arena = {0};
    struct map open = {0};
    size_t cursor = 0;
    void *ingest;
    (void)error;
    while (bytes.len)
        write_record(batch, txn, &arena, &open, &bytes);
    while (map_next(&open, &cursor, NULL, &ingest))
        logs_ingest_close(ingest);
    map_release(&open);
    arena_release(&arena);
    return OK;
}

static void batch_done(struct store_write *write)
{
    struct batch *batch = write->arg;
    struct append_buffer *append = &batch->logs->append;
    if (write->rc)
        log_error("logs", "events were lost: %s", write->error.message);
    pthread_mutex_lock(&append->mutex);
    append->in_flight_bytes -= batch->bytes.len;
    pthread_cond_broadcast(&append->drained);
    pthread_mutex_unlock(&append->mutex);
    buf_release(&batch->bytes);
    free(batch);
}

/* Sends what waits to the writer; with the mutex held. */
static void submit(struct logs *logs)
{
    struct append_buffer *append = &logs->append;
    if (append->waiting.len == 0)
        return;
    struct batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        abort();
    batch->logs = logs;
    batch->bytes = append->waiting;
    batch->write.run = write_batch;
    batch->write.done = batch_done;
    batch->write.arg = batch;
    buf_init(&append->waiting, SIZE_MAX);
    append->in_flight_bytes += batch->bytes.len;
    store_submit(logs->skylite->store, &batch->write);
}

/* --- When to write --- */

static void flush_late(void *arg)
{
    struct logs *logs = arg;
    pthread_mutex_lock(&logs->append.mutex);
    logs->append.is_timer_set = false;
    submit(logs);
    pthread_mutex_unlock(&logs->append.mutex);
}

static void start_timer(struct loop_task *task)
{
    struct logs *logs = (struct logs *)((char *)task - offsetof(struct logs, append.start_timer));
    loop_timer_start(logs->skylite->loops[0], FLUSH_MS, 0, flush_late, logs);
}

/* With the mutex held. Without loops (in tools and tests) logs_append_flush writes. */
static void flush_soon(struct logs *logs)
{
    struct append_buffer *append = &logs->append;
    if (append->waiting.len >= FLUSH_BYTES) {
        submit(logs);
    } else if (!append->is_timer_set && logs->skylite->loop_count) {
        append->is_timer_set = true;
        loop_post(logs->skylite->loops[0], &append->start_timer);
    }
}

static void drop(struct append_buffer *append, size_t count)
{
    if (append->dropped == 0)
        log_warn("logs", "the store is behind: log events are dropped");
    append->dropped += count;
}

void logs_append(void *self, struct str group, struct str stream, const struct log_event *events,
                 size_t count)
{
    struct logs *logs = self;
    struct append_buffer *append = &logs->append;
    size_t size = record_size(group, stream, events, count);
    if (count == 0)
        return;
    pthread_mutex_lock(&append->mutex);
    if (size > MAX_RECORD || append->in_flight_bytes + append->waiting.len + size > MAX_BEHIND) {
        drop(append, count);
    } else {
        append->dropped = 0;
        add_record(&append->waiting, group, stream, events, count);
        flush_soon(logs);
    }
    pthread_mutex_unlock(&append->mutex);
}

void logs_append_flush(struct logs *logs)
{
    struct append_buffer *append = &logs->append;
    pthread_mutex_lock(&append->mutex);
    submit(logs);
    while (append->in_flight_bytes)
        pthread_cond_wait(&append->drained, &append->mutex);
    pthread_mutex_unlock(&append->mutex);
}

void logs_append_init(struct logs *logs)
{
    pthread_mutex_init(&logs->append.mutex, NULL);
    pthread_cond_init(&logs->append.drained, NULL);
    buf_init(&logs->append.waiting, SIZE_MAX);
    logs->append.start_timer.run = start_timer;
}

void logs_append_release(struct logs *logs)
{
    logs_append_flush(logs);
    buf_release(&logs->append.waiting);
    pthread_cond_destroy(&logs->append.drained);
    pthread_mutex_destroy(&logs->append.mutex);
}
