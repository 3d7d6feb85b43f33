/* The writer thread: one batch after the other, each with one fsync. */
#include "store/internal.h"

#include <assert.h>
#include <time.h>

enum {
    RELAXED_SYNC_MS = 100,
    BATCH_MAX = 1024, /* writes committed together: bounds the wait of the first one */
};

static void sync_log(struct store *store)
{
    char *message = NULL;
    struct error error;
    rocksdb_flush_wal(store->db, 1, &message);
    store_take_error(message, &error);
    store->is_unsynced = false;
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
    if (timed_out && !store->first) {
        pthread_mutex_unlock(&store->mutex);
        sync_log(store);
        pthread_mutex_lock(&store->mutex);
    }
}

/* Takes up to BATCH_MAX writes off the queue; NULL when the store closes and none is left. */
static struct store_write *take_batch(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    while (!store->first && !store->is_closing)
        wait_for_work(store);

    struct store_write *batch = store->first, *write = batch;
    for (int i = 1; write && write->next && i < BATCH_MAX; i++)
        write = write->next;
    if (write) {
        store->first = write->next;
        write->next = NULL;
    }
    if (!store->first)
        store->last = &store->first;
    pthread_mutex_unlock(&store->mutex);
    return batch;
}

static void run_one(struct store_txn *txn, struct store_write *write)
{
    txn->has_save_point = false;
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
    store->is_unsynced = store->durability == STORE_RELAXED;
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

static void run_batch(struct store *store, struct store_txn *txn, struct store_write *batch)
{
    for (struct store_write *write = batch; write; write = write->next)
        run_one(txn, write);
    tell_of_ending(store, txn);

    struct error error;
    enum err rc = commit(store, txn->batch, &error);
    rocksdb_writebatch_wi_clear(txn->batch);
    tell_observers(store, rc);
    for (struct store_write *write = batch; write; write = write->next) {
        if (rc && write->rc == OK) {
            write->rc = rc;
            write->error = error;
        }
        if (write->rc == OK && write->committed)
            write->committed(write);
    }
    while (batch) {
        struct store_write *next = batch->next;
        batch->done(batch);
        batch = next;
    }
}

void *store_writer_main(void *arg)
{
    struct store *store = arg;
    struct store_txn txn = {store, rocksdb_writebatch_wi_create(0, 1), false};
    struct store_write *batch;

    pthread_setname_np(pthread_self(), "writer");
    while ((batch = take_batch(store)) != NULL)
        run_batch(store, &txn, batch);
    if (store->is_unsynced)
        sync_log(store);
    rocksdb_writebatch_wi_destroy(txn.batch);
    return NULL;
}

void store_submit(struct store *store, struct store_write *write)
{
    write->next = NULL;
    pthread_mutex_lock(&store->mutex);
    bool was_empty = !store->first;
    *store->last = write;
    store->last = &write->next;
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
        .write = {.run = run, .done = wake_waiting, .arg = arg},
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
