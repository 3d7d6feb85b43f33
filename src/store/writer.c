/* The writer thread: one batch after the other, each with one fsync. */
#include "store/internal.h"

#include <assert.h>
#include <time.h>

enum {
    RELAXED_SYNC_US = 100 * 1000,
    TICK_US = 1000 * 1000, /* between looks at the disk */
    /* What is committed together: bounds the wait of the first write of a batch, and of the
     * interactive ones that come while a background batch runs. */
    BATCH_MAX = 1024,
    BATCH_BYTES = 2 * 1024 * 1024,
    BACKGROUND_US = 2000,
    BACKGROUND_BYTES = 128 * 1024,
    BACKGROUND_EVERY_US = 20 * 1000, /* as seldom as interactive writes may have it wait */
    REST_MAX_US = 10 * 1000,
};

/* Not base/clock, whose time tests may hold: the condition waits by the true one. */
int64_t store_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* --- The queue --- */

static _Thread_local bool holds_queue;

static void lock_queue(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    holds_queue = true;
}

static void unlock_queue(struct store *store)
{
    holds_queue = false;
    pthread_mutex_unlock(&store->mutex);
}

static bool has_work(const struct store_queue queues[STORE_QUEUE_COUNT])
{
    for (int i = 0; i < STORE_QUEUE_COUNT; i++) {
        if (queues[i].first)
            return true;
    }
    return false;
}

/* Waits for a write until something else is due. */
static void wait_for_work(struct store *store)
{
    bool is_sync_first = store->is_unsynced && store->sync_due_us < store->tick_due_us;
    int64_t until_us = is_sync_first ? store->sync_due_us : store->tick_due_us;
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    int rc = 0;
    while (!has_work(store->submitted) && !store->is_closing && rc == 0) {
        holds_queue = false;
        rc = pthread_cond_timedwait(&store->wake, &store->mutex, &until);
        holds_queue = true;
    }
}

/* Takes over what was submitted, or nothing when something else is due. False when the store closes
 * and nothing is left. */
static bool take_submitted(struct store *store)
{
    lock_queue(store);
    if (!has_work(store->waiting))
        wait_for_work(store);
    if (!store->waiting[STORE_BEHIND].first && store->submitted[STORE_BEHIND].first)
        store->background_us = store_now_us();
    for (int i = 0; i < STORE_QUEUE_COUNT; i++)
        store_queue_append(&store->waiting[i], &store->submitted[i]);
    bool is_over = store->is_closing && !has_work(store->waiting);
    unlock_queue(store);
    return !is_over;
}

static int next_queue(const struct store *store)
{
    if (!store->waiting[STORE_BEHIND].first)
        return STORE_FOREGROUND;
    if (!store->waiting[STORE_FOREGROUND].first)
        return STORE_BEHIND;
    bool is_due = store_now_us() - store->background_us >= BACKGROUND_EVERY_US;
    return is_due ? STORE_BEHIND : STORE_FOREGROUND;
}

/* After a background batch, for as long as that took: background writes get half of the writer's
 * and the disk's time, so that an interactive write mostly finds both idle. Ends when one comes. */
static void rest(struct store *store, int64_t us)
{
    int64_t until_us = store_now_us() + (us < REST_MAX_US ? us : REST_MAX_US);
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    int rc = 0;
    lock_queue(store);
    while (rc == 0 && !store->is_closing && !store->submitted[STORE_FOREGROUND].first &&
           !store->waiting[STORE_FOREGROUND].first) {
        holds_queue = false;
        rc = pthread_cond_timedwait(&store->wake, &store->mutex, &until);
        holds_queue = true;
    }
    unlock_queue(store);
}

/* --- Batches --- */

static size_t batch_bytes(rocksdb_writebatch_wi_t *batch)
{
    size_t bytes;
    rocksdb_writebatch_wi_data(batch, &bytes);
    return bytes;
}

static void run_one(struct store_txn *txn, struct store_write *write)
{
    txn->has_save_point = write->has_more = false;
    if (!store_guard_admits(txn->store, write, batch_bytes(txn->batch)))
        return;
    write->rc = write->run(txn, write, &write->error);
    assert(write->rc != ERR_PENDING);
    assert(write->class != STORE_READING || !txn->has_save_point);
    if (write->rc && txn->has_save_point) {
        char *message = NULL;
        rocksdb_writebatch_wi_rollback_to_save_point(txn->batch, &message);
        store_take_error(txn->store, message, NULL);
    }
}

static enum err commit(struct store *store, rocksdb_writebatch_wi_t *batch, struct error *error)
{
    if (rocksdb_writebatch_wi_count(batch) == 0)
        return OK;
    enum err rc = store_guard_check(store, batch_bytes(batch), error);
    if (rc)
        return rc;
    char *message = NULL;
    rocksdb_write_writebatch_wi(atomic_load(&store->database)->db, store->write_options, batch,
                                &message);
    if (message)
        return store_guard_failed(store, message, error);
    if (store->durability == STORE_RELAXED && !store->is_unsynced) {
        store->is_unsynced = true;
        store->sync_due_us = store_now_us() + RELAXED_SYNC_US;
    }
    return OK;
}

static void sync_log(struct store *store)
{
    char *message = NULL;
    struct error error;
    store->is_unsynced = false;
    rocksdb_flush_wal(atomic_load(&store->database)->db, 1, &message);
    if (message)
        store_guard_failed(store, message, &error);
}

/* Observers come and go while none is called, so that they can be called without the lock: they
 * take locks of their own, whose holders may be submitting. */
static struct store_observer *begin_telling(struct store *store)
{
    lock_queue(store);
    store->is_telling = true;
    struct store_observer *first = store->observers;
    unlock_queue(store);
    return first;
}

static void end_telling(struct store *store)
{
    lock_queue(store);
    store->is_telling = false;
    pthread_cond_broadcast(&store->told);
    unlock_queue(store);
}

static void tell_of_ending(struct store *store, struct store_txn *txn)
{
    for (struct store_observer *one = begin_telling(store); one; one = one->next) {
        assert(!holds_queue);
        if (one->batch_ending)
            one->batch_ending(one, txn);
    }
    end_telling(store);
}

static void tell_observers(struct store *store, enum err rc)
{
    for (struct store_observer *one = begin_telling(store); one; one = one->next) {
        assert(!holds_queue);
        one->batch_ended(one, rc);
    }
    end_telling(store);
}

bool store_txn_is_full(const struct store_txn *txn)
{
    return batch_bytes(txn->batch) >= txn->max_bytes ||
           (txn->until_us && store_now_us() >= txn->until_us);
}

/* Runs writes until there are enough for a commit, and takes them off their queue. */
static void run_some(struct store *store, struct store_txn *txn, int which, struct store_queue *ran)
{
    struct store_queue *waiting = &store->waiting[which];
    bool is_background = which == STORE_BEHIND;
    bool goes_on = true;
    txn->max_bytes = is_background ? BACKGROUND_BYTES : BATCH_BYTES;
    txn->until_us = is_background ? store_now_us() + BACKGROUND_US : 0;
    store_queue_init(ran);
    for (int i = 0; goes_on && i < BATCH_MAX && waiting->first; i++) {
        struct store_write *write = store_queue_take(waiting);
        store_queue_add(ran, write);
        run_one(txn, write);
        goes_on = !write->has_more && !store_txn_is_full(txn);
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
    int64_t start_us = store_now_us();
    assert(!holds_queue);
    store_guard_measure(store);
    txn->database = atomic_load(&store->database);
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
    if (which == STORE_BEHIND) {
        store->background_us = store_now_us();
        rest(store, store->background_us - start_us);
    }
}

static void do_what_is_due(struct store *store)
{
    int64_t now = store_now_us();
    if (store->is_unsynced && now >= store->sync_due_us)
        sync_log(store);
    if (now < store->tick_due_us)
        return;
    store->tick_due_us = now + TICK_US;
    store_guard_tick(store);
}

void *store_writer_main(void *arg)
{
    struct store *store = arg;
    struct store_txn txn = {.store = store, .batch = rocksdb_writebatch_wi_create(0, 1)};

    pthread_setname_np(pthread_self(), "writer");
    while (take_submitted(store)) {
        if (has_work(store->waiting))
            run_batch(store, &txn, next_queue(store));
        do_what_is_due(store);
    }
    if (store->is_unsynced)
        sync_log(store);
    rocksdb_writebatch_wi_destroy(txn.batch);
    return NULL;
}

static void submit(struct store *store, struct store_write *write, int which)
{
    lock_queue(store);
    bool was_empty = !store->submitted[which].first;
    store_queue_add(&store->submitted[which], write);
    unlock_queue(store);
    if (was_empty)
        pthread_cond_signal(&store->wake);
}

void store_submit(struct store *store, struct store_write *write)
{
    submit(store, write, write->class == STORE_BACKGROUND ? STORE_BEHIND : STORE_FOREGROUND);
}

static void wait_until_told(struct store *store)
{
    assert(!pthread_equal(pthread_self(), store->writer));
    while (store->is_telling) {
        holds_queue = false;
        pthread_cond_wait(&store->told, &store->mutex);
        holds_queue = true;
    }
}

void store_observe(struct store *store, struct store_observer *observer)
{
    lock_queue(store);
    wait_until_told(store);
    observer->next = store->observers;
    store->observers = observer;
    unlock_queue(store);
}

void store_unobserve(struct store *store, struct store_observer *observer)
{
    lock_queue(store);
    wait_until_told(store);
    struct store_observer **place = &store->observers;
    while (*place && *place != observer)
        place = &(*place)->next;
    if (*place)
        *place = observer->next;
    unlock_queue(store);
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
        .write = {.class = STORE_CONTROL, .run = run, .done = wake_waiting, .arg = arg},
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .wake = PTHREAD_COND_INITIALIZER,
    };
    submit(store, &waiting.write, STORE_BEHIND);
    pthread_mutex_lock(&waiting.mutex);
    while (!waiting.is_done)
        pthread_cond_wait(&waiting.wake, &waiting.mutex);
    pthread_mutex_unlock(&waiting.mutex);
    if (waiting.write.rc && error)
        *error = waiting.write.error;
    return waiting.write.rc;
}
