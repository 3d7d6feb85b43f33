/* The writer thread: one batch after the other, each with one fsync. */
#include "store/internal.h"

#include <assert.h>
#include <time.h>

#include "base/clock.h"

enum {
    RELAXED_SYNC_MS = 100,
    /* What is committed together: bounds the wait of the first write of a batch, and of the
     * interactive ones that come while a background batch runs. */
    BATCH_MAX = 1024,
    BATCH_BYTES = 2 * 1024 * 1024,
    BACKGROUND_US = 2000,
    BACKGROUND_BYTES = 128 * 1024,
    BACKGROUND_EVERY_US = 20 * 1000, /* as seldom as interactive writes may have it wait */
};

static void sync_log(struct store *store)
{
    char *message = NULL;
    struct error error;
    rocksdb_flush_wal(store->db, 1, &message);
    store_take_error(message, &error);
    store->is_unsynced = false;
}

static bool has_work(const struct store_queue queues[STORE_QUEUE_COUNT])
{
    for (int i = 0; i < STORE_QUEUE_COUNT; i++) {
        if (queues[i].first)
            return true;
    }
    return false;
}

/* Waits for writes, at most until the next fsync is due. */
static void wait_for_work(struct store *store)
{
    if (!store->is_unsynced) {
        pthread_cond_wait(&store->wake, &store->mutex);
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += RELAXED_SYNC_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    int timed_out = pthread_cond_timedwait(&store->wake, &store->mutex, &until);
    if (timed_out && !has_work(store->submitted)) {
        pthread_mutex_unlock(&store->mutex);
        sync_log(store);
        pthread_mutex_lock(&store->mutex);
    }
}

/* Takes over what was submitted. False when the store closes and nothing is left. */
static bool take_submitted(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    while (!has_work(store->waiting) && !has_work(store->submitted) && !store->is_closing)
        wait_for_work(store);
    if (!store->waiting[STORE_BEHIND].first && store->submitted[STORE_BEHIND].first)
        store->background_us = clock_mono_us();
    for (int i = 0; i < STORE_QUEUE_COUNT; i++)
        store_queue_append(&store->waiting[i], &store->submitted[i]);
    pthread_mutex_unlock(&store->mutex);
    return has_work(store->waiting);
}

static int next_queue(const struct store *store)
{
    if (!store->waiting[STORE_BEHIND].first)
        return STORE_FOREGROUND;
    if (!store->waiting[STORE_FOREGROUND].first)
        return STORE_BEHIND;
    bool is_due = clock_mono_us() - store->background_us >= BACKGROUND_EVERY_US;
    return is_due ? STORE_BEHIND : STORE_FOREGROUND;
}

static void run_one(struct store_txn *txn, struct store_write *write)
{
    txn->has_save_point = write->has_more = false;
    write->rc = write->run(txn, write, &write->error);
    assert(write->rc != ERR_PENDING);
    if (write->rc && txn->has_save_point) {
        char *message = NULL;
        rocksdb_writebatch_wi_rollback_to_save_point(txn->batch, &message);
        store_take_error(message, NULL);
    }
}

static enum err commit(struct store *store, rocksdb_writebatch_wi_t *batch, struct error *error)
{
    if (rocksdb_writebatch_wi_count(batch) == 0)
        return OK;
    char *message = NULL;
    rocksdb_write_writebatch_wi(store->db, store->write_options, batch, &message);
    if (store->durability == STORE_RELAXED && !store->is_unsynced) {
        store->is_unsynced = true;
        store->unsynced_us = clock_mono_us();
    }
    return store_take_error(message, error);
}

static void tell_of_ending(struct store *store, struct store_txn *txn)
{
    pthread_mutex_lock(&store->mutex);
    for (struct store_observer *one = store->observers; one; one = one->next) {
        if (one->batch_ending)
            one->batch_ending(one, txn);
    }
    pthread_mutex_unlock(&store->mutex);
}

static void tell_observers(struct store *store, enum err rc)
{
    pthread_mutex_lock(&store->mutex);
    for (struct store_observer *one = store->observers; one; one = one->next)
        one->batch_ended(one, rc);
    pthread_mutex_unlock(&store->mutex);
}

/* Runs writes until there are enough for a commit, and takes them off their queue. */
static void run_some(struct store *store, struct store_txn *txn, int which, struct store_queue *ran)
{
    struct store_queue *waiting = &store->waiting[which];
    bool is_background = which == STORE_BEHIND;
    size_t max = is_background ? BACKGROUND_BYTES : BATCH_BYTES, bytes = 0;
    int64_t until_us = is_background ? clock_mono_us() + BACKGROUND_US : 0;
    bool goes_on = true;
    store_queue_init(ran);
    for (int i = 0; goes_on && i < BATCH_MAX && waiting->first; i++) {
        struct store_write *write = store_queue_take(waiting);
        store_queue_add(ran, write);
        run_one(txn, write);
        rocksdb_writebatch_wi_data(txn->batch, &bytes);
        goes_on = !write->has_more && bytes < max && (!is_background || clock_mono_us() < until_us);
    }
}

/* The outcome of the batch is that of each write in it that has not failed before. */
static void fill_outcome(struct store_queue *ran, enum err rc, const struct error *error)
{
    for (struct store_write *write = ran->first; write; write = write->next) {
        if (rc && write->rc == OK) {
            write->rc = rc;
            write->error = *error;
        }
        write->has_more &= write->rc == OK;
        if (write->rc == OK && !write->has_more && write->committed)
            write->committed(write);
    }
}

static void run_batch(struct store *store, struct store_txn *txn, int which)
{
    struct store_write *write;
    struct store_queue ran;
    struct error error;
    run_some(store, txn, which, &ran);
    tell_of_ending(store, txn);
    enum err rc = commit(store, txn->batch, &error);
    rocksdb_writebatch_wi_clear(txn->batch);
    tell_observers(store, rc);
    fill_outcome(&ran, rc, &error);
    while ((write = store_queue_take(&ran)) != NULL) {
        if (write->has_more)
            store_queue_add_first(&store->waiting[which], write);
        else
            write->done(write);
    }
    if (which == STORE_BEHIND)
        store->background_us = clock_mono_us();
}

void *store_writer_main(void *arg)
{
    struct store *store = arg;
    struct store_txn txn = {store, rocksdb_writebatch_wi_create(0, 1), false};

    pthread_setname_np(pthread_self(), "writer");
    while (take_submitted(store)) {
        run_batch(store, &txn, next_queue(store));
        if (store->is_unsynced && clock_mono_us() - store->unsynced_us >= RELAXED_SYNC_MS * 1000)
            sync_log(store);
    }
    if (store->is_unsynced)
        sync_log(store);
    rocksdb_writebatch_wi_destroy(txn.batch);
    return NULL;
}

void store_submit(struct store *store, struct store_write *write)
{
    pthread_mutex_lock(&store->mutex);
    bool was_empty = !has_work(store->submitted);
    store_queue_add(
        &store->submitted[write->class == STORE_BACKGROUND ? STORE_BEHIND : STORE_FOREGROUND],
        write);
    pthread_mutex_unlock(&store->mutex);
    if (was_empty)
        pthread_cond_signal(&store->wake);
}

void store_observe(struct store *store, struct store_observer *observer)
{
    pthread_mutex_lock(&store->mutex);
    observer->next = store->observers;
    store->observers = observer;
    pthread_mutex_unlock(&store->mutex);
}

void store_unobserve(struct store *store, struct store_observer *observer)
{
    pthread_mutex_lock(&store->mutex);
    struct store_observer **place = &store->observers;
    while (*place && *place != observer)
        place = &(*place)->next;
    if (*place)
        *place = observer->next;
    pthread_mutex_unlock(&store->mutex);
}

struct waiting_write {
    struct store_write write;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool is_done;
};

static void wake_waiting(struct store_write *write)
{
    struct waiting_write *waiting = (struct waiting_write *)write;
    pthread_mutex_lock(&waiting->mutex);
    waiting->is_done = true;
    pthread_cond_signal(&waiting->wake);
    pthread_mutex_unlock(&waiting->mutex);
}

enum err store_write_wait(struct store *store, store_write_fn run, void *arg, struct error *error)
{
    struct waiting_write waiting = {
        .write = {.class = STORE_BACKGROUND, .run = run, .done = wake_waiting, .arg = arg},
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .wake = PTHREAD_COND_INITIALIZER,
    };
    store_submit(store, &waiting.write);
    pthread_mutex_lock(&waiting.mutex);
    while (!waiting.is_done)
        pthread_cond_wait(&waiting.wake, &waiting.mutex);
    pthread_mutex_unlock(&waiting.mutex);
    if (waiting.write.rc && error)
        *error = waiting.write.error;
    return waiting.write.rc;
}
