/* Appending without waiting: the events of a group gather in memory and are written together, at
 * most 100 ms later. A group whose events come faster than they are written is behind: those who
 * can wait ask first, what the others append beyond its budget is dropped. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "services/logs/internal.h"

enum {
    FLUSH_MS = 100,
    FLUSH_BYTES = 64 * 1024,
    /* Budgets in bytes, as AWS counts them: of a group and of all together. */
    BEHIND_BYTES = 1024 * 1024,
    BEHIND_SHARE = BEHIND_BYTES / 16, /* of a group, while all together are behind */
    BEHIND_ALL = 16 * 1024 * 1024,
    MAX_BYTES = 8 * 1024 * 1024,
    MAX_ALL = 64 * 1024 * 1024,
};

/* Events that wait to be written, of one group; it lasts while there are any. */
struct backlog {
    struct str group; /* on the heap */
    struct buf waiting;
    size_t waiting_cost;
    size_t bytes; /* what those that wait and those on their way cost */
};

/* Bytes on their way to the store: records of
 * stream length (2), count (4), stream, then per event time (8), length (4), message. */
struct batch {
    struct store_write write;
    struct logs *logs;
    struct backlog *backlog;
    struct buf bytes;
    size_t cost;
    /* What is still to be written. */
    struct str rest, stream;
    size_t events; /* of the record that was begun */
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

static size_t cost_of(struct str stream, const struct log_event *events, size_t count)
{
    size_t cost = stream.len;
    for (size_t i = 0; i < count; i++)
        cost += EVENT_OVERHEAD + events[i].message.len;
    return cost;
}

static void add_record(struct buf *buf, struct str stream, const struct log_event *events,
                       size_t count)
{
    add_number(buf, stream.len, 2);
    add_number(buf, count, 4);
    buf_add(buf, stream);
    for (size_t i = 0; i < count; i++) {
        add_number(buf, (uint64_t)events[i].timestamp_ms, 8);
        add_number(buf, events[i].message.len, 4);
        buf_add(buf, events[i].message);
    }
}

/* --- Writing a batch --- */

/* The stream's ingest in this part, opened once. NULL when it cannot be had. */
static struct ingest *ingest_of(struct batch *batch, struct store_txn *txn, struct arena *arena,
                                struct map *open)
{
    struct str group = batch->backlog->group;
    struct ingest *ingest = map_get(open, batch->stream);
    struct error error;
    if (ingest)
        return ingest;
    ingest = arena_new(arena, struct ingest);
    if (logs_ingest_open(ingest, batch->logs, txn, arena, group, batch->stream, true, &error)) {
        log_error_limited("logs", "cannot append to %.*s: %s", STR_ARG(group), error.message);
        return NULL;
    }
    map_set(open, batch->stream, ingest);
    return ingest;
}

/* The record that was begun, or the next one; as much of it as the commit has room for. */
static void write_record(struct batch *batch, struct store_txn *txn, struct arena *arena,
                         struct map *open)
{
    if (batch->events == 0) {
        size_t stream_len = take_number(&batch->rest, 2);
        batch->events = take_number(&batch->rest, 4);
        batch->stream = take_text(&batch->rest, stream_len);
    }
    struct ingest *ingest = ingest_of(batch, txn, arena, open);
    do {
        int64_t time_ms = (int64_t)take_number(&batch->rest, 8);
        size_t len = take_number(&batch->rest, 4);
        struct str message = take_text(&batch->rest, len);
        batch->events--;
        if (ingest)
            logs_ingest_add(ingest, time_ms, message);
    } while (batch->events && !store_txn_is_full(txn));
}

static enum err write_batch(struct store_txn *txn, struct store_write *write, struct error *error)
{
    struct batch *batch = write->arg;
    struct arena arena = {0};
    struct map open = {0};
    size_t cursor = 0;
    void *ingest;
    (void)error;
    while (batch->rest.len && !store_txn_is_full(txn))
        write_record(batch, txn, &arena, &open);
    while (map_next(&open, &cursor, NULL, &ingest))
        logs_ingest_close(ingest);
    write->has_more = batch->rest.len;
    map_release(&open);
    arena_release(&arena);
    return OK;
}

/* With the mutex held. */
static void drop_backlog(struct append_buffer *append, struct backlog *backlog)
{
    map_remove(&append->backlogs, backlog->group);
    buf_release(&backlog->waiting);
    free(backlog);
}

static void batch_done(struct store_write *write)
{
    struct batch *batch = write->arg;
    struct append_buffer *append = &batch->logs->append;
    struct backlog *backlog = batch->backlog;
    if (write->rc)
        log_error_limited("logs", "events were lost: %s", write->error.message);
    pthread_mutex_lock(&append->mutex);
    assert(backlog->bytes >= batch->cost && append->bytes >= batch->cost);
    backlog->bytes -= batch->cost;
    append->bytes -= batch->cost;
    if (backlog->bytes == 0)
        drop_backlog(append, backlog);
    pthread_cond_broadcast(&append->drained);
    pthread_mutex_unlock(&append->mutex);
    buf_release(&batch->bytes);
    free(batch);
}

/* Sends what waits to the writer; with the mutex held. */
static void submit(struct logs *logs, struct backlog *backlog)
{
    if (backlog->waiting.len == 0)
        return;
    struct batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        abort();
    batch->logs = logs;
    batch->backlog = backlog;
    batch->bytes = backlog->waiting;
    batch->rest = buf_str(&batch->bytes);
    batch->cost = backlog->waiting_cost;
    batch->write = (struct store_write){
        .class = STORE_BACKGROUND, .run = write_batch, .done = batch_done, .arg = batch};
    buf_init(&backlog->waiting, SIZE_MAX);
    backlog->waiting_cost = 0;
    store_submit(logs->skylite->store, &batch->write);
}

static void submit_all(struct logs *logs)
{
    size_t cursor = 0;
    void *backlog;
    while (map_next(&logs->append.backlogs, &cursor, NULL, &backlog))
        submit(logs, backlog);
}

/* --- When to write --- */

static void flush_late(void *arg)
{
    struct logs *logs = arg;
    pthread_mutex_lock(&logs->append.mutex);
    logs->append.is_timer_set = false;
    submit_all(logs);
    pthread_mutex_unlock(&logs->append.mutex);
}

static void start_timer(struct loop_task *task)
{
    struct logs *logs = (struct logs *)((char *)task - offsetof(struct logs, append.start_timer));
    loop_timer_start(logs->skylite->loops[0], FLUSH_MS, 0, flush_late, logs);
}

/* With the mutex held. Without loops (in tools and tests) logs_append_flush writes. */
static void flush_soon(struct logs *logs, struct backlog *backlog)
{
    struct append_buffer *append = &logs->append;
    if (backlog->waiting_cost >= FLUSH_BYTES) {
        submit(logs, backlog);
    } else if (!append->is_timer_set && logs->skylite->loop_count) {
        append->is_timer_set = true;
        loop_post(logs->skylite->loops[0], &append->start_timer);
    }
}

/* At most one line a second, with what was dropped since the last. */
static void drop(struct append_buffer *append, struct str group, size_t count)
{
    int64_t now_us = clock_mono_us();
    append->dropped += count;
    if (now_us < append->dropped_said_us + 1000 * 1000)
        return;
    log_warn("logs", "the store is behind: %zu log events were dropped, the last of %.*s",
             append->dropped, STR_ARG(group));
    append->dropped_said_us = now_us;
    append->dropped = 0;
}

static struct backlog *backlog_of(struct append_buffer *append, struct str group)
{
    struct backlog *backlog = map_get(&append->backlogs, group);
    if (backlog)
        return backlog;
    backlog = calloc(1, sizeof(*backlog) + group.len);
    if (!backlog)
        abort();
    memcpy(backlog + 1, group.ptr, group.len);
    backlog->group = str_make((const char *)(backlog + 1), group.len);
    buf_init(&backlog->waiting, SIZE_MAX);
    map_set(&append->backlogs, backlog->group, backlog);
    return backlog;
}

void logs_append(void *self, struct str group, struct str stream, const struct log_event *events,
                 size_t count)
{
    struct logs *logs = self;
    struct append_buffer *append = &logs->append;
    size_t cost = cost_of(stream, events, count);
    if (count == 0)
        return;
    pthread_mutex_lock(&append->mutex);
    struct backlog *backlog = backlog_of(append, group);
    if (backlog->bytes + cost > MAX_BYTES || append->bytes + cost > MAX_ALL) {
        drop(append, group, count);
        if (backlog->bytes == 0)
            drop_backlog(append, backlog);
    } else {
        add_record(&backlog->waiting, stream, events, count);
        backlog->waiting_cost += cost;
        backlog->bytes += cost;
        append->bytes += cost;
        flush_soon(logs, backlog);
    }
    pthread_mutex_unlock(&append->mutex);
}

bool logs_is_behind(void *self, struct str group)
{
    struct append_buffer *append = &((struct logs *)self)->append;
    pthread_mutex_lock(&append->mutex);
    const struct backlog *backlog = map_get(&append->backlogs, group);
    size_t budget = append->bytes < BEHIND_ALL ? BEHIND_BYTES : BEHIND_SHARE;
    bool is_behind = backlog && backlog->bytes >= budget;
    pthread_mutex_unlock(&append->mutex);
    return is_behind;
}

void logs_append_flush(struct logs *logs)
{
    struct append_buffer *append = &logs->append;
    pthread_mutex_lock(&append->mutex);
    while (append->bytes) {
        submit_all(logs);
        pthread_cond_wait(&append->drained, &append->mutex);
    }
    pthread_mutex_unlock(&append->mutex);
}

void logs_append_init(struct logs *logs)
{
    pthread_mutex_init(&logs->append.mutex, NULL);
    pthread_cond_init(&logs->append.drained, NULL);
    logs->append.start_timer.run = start_timer;
}

void logs_append_release(struct logs *logs)
{
    logs_append_flush(logs);
    map_release(&logs->append.backlogs);
    pthread_cond_destroy(&logs->append.drained);
    pthread_mutex_destroy(&logs->append.mutex);
}
