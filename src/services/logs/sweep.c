/* Deleting in the background what retention, the quota, DeleteLogGroup or DeleteLogStream has
 * ended, in small writes so that others are not held up. */
#include "base/clock.h"
#include "base/log.h"
#include "services/logs/internal.h"

enum { MAX_DELETES = 500, MAX_LOOKED = 5000, SWEEP_EVERY_MS = 10 * 60 * 1000 };

/* Deletes keys while `*left` is not used up. */
static void delete_prefix(struct store_txn *txn, struct arena *arena, struct str prefix,
                          size_t *left)
{
    struct str key, value;
    struct store_iter *iter =
        store_txn_iter_new(txn, STORE_LOGS, prefix, store_prefix_end(arena, prefix), false);
    while (*left && store_iter_next(iter, &key, &value)) {
        store_txn_delete(txn, STORE_LOGS, arena_str(arena, key));
        (*left)--;
    }
    store_iter_free(iter);
}

/* What is left of deleted groups. */
static void sweep_deleted(struct store_txn *txn, struct arena *arena, size_t *left)
{
    struct str key, value;
    struct store_iter *iter = store_txn_iter_new(txn, STORE_LOGS, STR("x"), STR("y"), false);
    while (*left && store_iter_next(iter, &key, &value)) {
        uint64_t group = logs_group_of_key(key);
        delete_prefix(txn, arena, logs_key_prefix(arena, 's', group), left);
        delete_prefix(txn, arena, logs_key_prefix(arena, 'i', group), left);
        delete_prefix(txn, arena, logs_key_prefix(arena, 'e', group), left);
        if (*left)
            store_txn_delete(txn, STORE_LOGS, arena_str(arena, key));
    }
    store_iter_free(iter);
}

void logs_deleted_stream_put(struct store_txn *txn, struct arena *arena, const struct group *group,
                             uint64_t stream, struct position from)
{
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    json_add_str(doc, object, "group", group->name);
    json_add_i64(doc, object, "time", from.time_ms);
    json_add_i64(doc, object, "sequence", (int64_t)from.sequence);
    store_txn_put(txn, STORE_LOGS, logs_key_deleted_stream(arena, group->id, stream),
                  json_write(arena, object));
}

/* Deletes the events of a stream from a place on; false when there are more. */
static bool delete_events(struct store_txn *txn, struct arena *arena, struct group *group,
                          uint64_t stream, struct position *from, size_t *left)
{
    struct str key, value;
    size_t looked = 0;
    struct store_iter *iter =
        store_txn_iter_new(txn, STORE_LOGS, logs_key_event(arena, group->id, *from),
                           store_prefix_end(arena, logs_key_prefix(arena, 'e', group->id)), false);
    bool is_done = false;
    while (!is_done && *left && looked < MAX_LOOKED) {
        is_done = !store_iter_next(iter, &key, &value);
        if (is_done)
            break;
        struct event event = logs_event_read(key, value);
        looked++;
        *from = event.position;
        from->sequence++;
        if (event.stream != stream)
            continue;
        group->stored_bytes -= (int64_t)event.message.len + EVENT_OVERHEAD;
        store_txn_delete(txn, STORE_LOGS, arena_str(arena, key));
        (*left)--;
    }
    store_iter_free(iter);
    return is_done;
}

/* One step of deleting a stream's events; its key goes with the last of them, or with its group. */
static void sweep_stream(struct logs *logs, struct store_txn *txn, struct arena *arena,
                         struct str key, struct str value, size_t *left)
{
    struct reader reader = {logs->skylite->store, txn, arena};
    yyjson_val *document = json_parse(arena, value);
    uint64_t stream = logs_read_u64(key, 9);
    struct position from = {0, 0};
    struct group group;
    int64_t sequence = 0;
    json_get_i64(document, "time", &from.time_ms);
    json_get_i64(document, "sequence", &sequence);
    from.sequence = (uint64_t)sequence;
    enum err rc = logs_group_get(&reader, json_get_str(document, "group"), &group, NULL);
    bool is_there = rc == OK && group.id == logs_group_of_key(key);
    if (is_there && !delete_events(txn, arena, &group, stream, &from, left)) {
        logs_deleted_stream_put(txn, arena, &group, stream, from);
        *left = 0;
    } else {
        store_txn_delete(txn, STORE_LOGS, key);
    }
    if (is_there)
        logs_group_put(txn, arena, &group);
}

static void sweep_streams(struct logs *logs, struct store_txn *txn, struct arena *arena,
                          size_t *left)
{
    struct str key, value;
    struct store_iter *iter = store_txn_iter_new(txn, STORE_LOGS, STR("d"), STR("e"), false);
    while (*left && store_iter_next(iter, &key, &value))
        sweep_stream(logs, txn, arena, arena_str(arena, key), arena_str(arena, value), left);
    store_iter_free(iter);
}

static void sweep_group(struct logs *logs, struct store_txn *txn, struct arena *arena,
                        struct group *group, size_t *left)
{
    int64_t quota = logs->skylite->config.log_quota_bytes;
    size_t before = *left;
    if (group->retention_days == 0 && (quota == 0 || group->stored_bytes <= quota))
        return;
    logs_trim(logs, txn, arena, group, left);
    if (before != *left)
        logs_group_put(txn, arena, group);
}

static void sweep_groups(struct logs *logs, struct store_txn *txn, struct arena *arena,
                         size_t *left)
{
    struct str key, value;
    struct store_iter *iter = store_txn_iter_new(txn, STORE_LOGS, STR("g"), STR("h"), false);
    while (*left && store_iter_next(iter, &key, &value)) {
        struct str name = arena_str(arena, str_slice(key, 1, key.len));
        struct group group = logs_group_read(name, json_parse(arena, value));
        sweep_group(logs, txn, arena, &group, left);
    }
    store_iter_free(iter);
}

static enum err sweep_run(struct store_txn *txn, struct store_write *write, struct error *error)
{
    struct logs *logs = write->arg;
    struct arena arena = {0};
    size_t left = MAX_DELETES;
    (void)error;
    sweep_deleted(txn, &arena, &left);
    sweep_streams(logs, txn, &arena, &left);
    sweep_groups(logs, txn, &arena, &left);
    logs->sweep.has_more = left == 0;
    arena_release(&arena);
    return OK;
}

static void sweep_done(struct store_write *write)
{
    struct logs *logs = write->arg;
    struct sweep *sweep = &logs->sweep;
    if (write->rc)
        log_error("logs", "cannot delete expired events: %s", write->error.message);
    pthread_mutex_lock(&sweep->mutex);
    bool goes_on = write->rc == OK && (sweep->has_more || sweep->is_wanted) && !sweep->is_stopping;
    sweep->is_running = goes_on;
    sweep->is_wanted = false;
    pthread_cond_broadcast(&sweep->stopped);
    pthread_mutex_unlock(&sweep->mutex);
    if (goes_on)
        store_submit(logs->skylite->store, write);
}

void logs_sweep_start(struct logs *logs)
{
    struct sweep *sweep = &logs->sweep;
    pthread_mutex_lock(&sweep->mutex);
    bool starts = !sweep->is_running && !sweep->is_stopping;
    sweep->is_wanted = sweep->is_running;
    sweep->is_running |= starts;
    pthread_mutex_unlock(&sweep->mutex);
    if (starts)
        store_submit(logs->skylite->store, &sweep->write);
}

/* --- Now and then --- */

static void on_timer(void *arg)
{
    logs_sweep_start(arg);
}

static void start_timer(struct loop_task *task)
{
    struct logs *logs = (struct logs *)((char *)task - offsetof(struct logs, sweep.task));
    loop_timer_start(logs->skylite->loops[0], SWEEP_EVERY_MS, SWEEP_EVERY_MS, on_timer, logs);
    logs_sweep_start(logs);
}

void logs_sweep_init(struct logs *logs)
{
    struct sweep *sweep = &logs->sweep;
    pthread_mutex_init(&sweep->mutex, NULL);
    pthread_cond_init(&sweep->stopped, NULL);
    sweep->write.class = STORE_BACKGROUND;
    sweep->write.run = sweep_run;
    sweep->write.done = sweep_done;
    sweep->write.arg = logs;
    sweep->task.run = start_timer;
    if (logs->skylite->loop_count)
        loop_post(logs->skylite->loops[0], &sweep->task);
}

void logs_sweep_release(struct logs *logs)
{
    struct sweep *sweep = &logs->sweep;
    pthread_mutex_lock(&sweep->mutex);
    sweep->is_stopping = true;
    while (sweep->is_running)
        pthread_cond_wait(&sweep->stopped, &sweep->mutex);
    pthread_mutex_unlock(&sweep->mutex);
    pthread_cond_destroy(&sweep->stopped);
    pthread_mutex_destroy(&sweep->mutex);
}
