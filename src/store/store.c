/* The store on RocksDB: reads, iterators and the single writer thread. */
#include "store/store.h"

#include <assert.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"

enum {
    DEFAULT_CACHE_BYTES = 64 * 1024 * 1024,
    WRITE_BUFFERS_BYTES = 64 * 1024 * 1024, /* of all families together */
    RELAXED_SYNC_MS = 100,
    BATCH_MAX = 1024,        /* writes committed together: bounds the wait of the first one */
    BLOCK_BYTES = 16 * 1024, /* a page of twenty items in one read; a quarter of the index */
    ITEM_PREFIX = 16,        /* bytes of a key that say which table and partition it is of */
};

static const char *const family_names[STORE_FAMILY_COUNT] = {
    [STORE_META] = "meta", [STORE_ITEMS] = "items",     [STORE_BLOBS] = "blobs",
    [STORE_LOGS] = "logs", [STORE_METRICS] = "metrics",
};

struct store {
    rocksdb_t *db;
    rocksdb_column_family_handle_t *default_family;
    rocksdb_column_family_handle_t *families[STORE_FAMILY_COUNT];
    rocksdb_readoptions_t *read_options;
    rocksdb_writeoptions_t *write_options;
    rocksdb_cache_t *cache;
    enum store_durability durability;

    pthread_t writer;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct store_write *first; /* the queue, guarded by the mutex */
    struct store_write **last;
    struct store_observer *observers; /* guarded by the mutex */
    bool is_closing;
    bool is_unsynced; /* the writer's own: something was committed without fsync */
};

struct store_txn {
    struct store *store;
    rocksdb_writebatch_wi_t *batch;
    bool has_save_point; /* of the write that runs now */
};

struct store_iter {
    rocksdb_iterator_t *iter;
    rocksdb_readoptions_t *options;
    struct arena arena; /* the bounds, which RocksDB borrows */
    struct str start, end;
    bool is_reverse, is_started;
};

static enum err take_rocksdb_error(char *message, struct error *error)
{
    if (!message)
        return OK;
    log_error("store", "rocksdb: %s", message);
    error_set(error, ERR_INTERNAL, "The data store failed");
    free(message);
    return ERR_INTERNAL;
}

/* --- Opening --- */

static rocksdb_options_t *family_options(struct store *store)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_size(table, BLOCK_BYTES);
    rocksdb_block_based_options_set_block_cache(table, store->cache);
    rocksdb_block_based_options_set_filter_policy(table,
                                                  rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
    /* In parts, so that a read in a store of many gigabytes takes a few kilobytes of index into the
     * cache rather than a table's whole. */
    rocksdb_block_based_options_set_index_type(
        table, rocksdb_block_based_table_index_type_two_level_index_search);
    rocksdb_block_based_options_set_partition_filters(table, 1);
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(table, 1);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_set_compression(options, rocksdb_lz4_compression);
    return options;
}

/* The filters of items hold partitions too: a range within one reads only files that have it. */
static rocksdb_options_t *item_options(struct store *store)
{
    rocksdb_options_t *options = family_options(store);
    rocksdb_options_set_prefix_extractor(options,
                                         rocksdb_slicetransform_create_fixed_prefix(ITEM_PREFIX));
    return options;
}

static rocksdb_options_t *database_options(struct store *store)
{
    rocksdb_options_t *options = family_options(store);
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_create_missing_column_families(options, 1);
    rocksdb_options_set_db_write_buffer_size(options, WRITE_BUFFERS_BYTES);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_info_log_level(options, 2); /* warnings */
    rocksdb_options_set_max_total_wal_size(options, 256 * 1024 * 1024);
    return options;
}

static enum err open_error(const char *path, char *message, struct error *error)
{
    enum err rc = strstr(message, "lock")
                      ? error_set(error, ERR_INTERNAL, "%s is in use by another process", path)
                      : error_set(error, ERR_INTERNAL, "cannot open %s: %s", path, message);
    free(message);
    return rc;
}

static enum err open_database(struct store *store, const char *path, struct error *error)
{
    const char *names[STORE_FAMILY_COUNT + 1] = {"default"};
    const rocksdb_options_t *all_options[STORE_FAMILY_COUNT + 1];
    rocksdb_column_family_handle_t *handles[STORE_FAMILY_COUNT + 1];
    rocksdb_options_t *options = database_options(store);
    rocksdb_options_t *of_families = family_options(store);
    rocksdb_options_t *of_items = item_options(store);
    for (int i = 0; i <= STORE_FAMILY_COUNT; i++) {
        if (i > 0)
            names[i] = family_names[i - 1];
        all_options[i] = i == 1 + STORE_ITEMS ? of_items : of_families;
    }

    char *message = NULL;
    store->db = rocksdb_open_column_families(options, path, STORE_FAMILY_COUNT + 1, names,
                                             all_options, handles, &message);
    rocksdb_options_destroy(options);
    rocksdb_options_destroy(of_families);
    rocksdb_options_destroy(of_items);
    if (message)
        return open_error(path, message, error);
    store->default_family = handles[0];
    memcpy(store->families, handles + 1, sizeof(store->families));
    return OK;
}

static void destroy(struct store *store)
{
    if (store->db) {
        for (int i = 0; i < STORE_FAMILY_COUNT; i++)
            rocksdb_column_family_handle_destroy(store->families[i]);
        rocksdb_column_family_handle_destroy(store->default_family);
        rocksdb_close(store->db);
    }
    rocksdb_readoptions_destroy(store->read_options);
    rocksdb_writeoptions_destroy(store->write_options);
    rocksdb_cache_destroy(store->cache);
    pthread_mutex_destroy(&store->mutex);
    pthread_cond_destroy(&store->wake);
    free(store);
}

static void init_wake(struct store *store)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void *writer_main(void *arg);

enum err store_open(const char *path, const struct store_options *options, struct store **out,
                    struct error *error)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        abort();
    store->durability = options->durability;
    store->cache =
        rocksdb_cache_create_lru(options->cache_bytes ? options->cache_bytes : DEFAULT_CACHE_BYTES);
    store->read_options = rocksdb_readoptions_create();
    store->write_options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(store->write_options, options->durability == STORE_SYNC);
    store->last = &store->first;
    pthread_mutex_init(&store->mutex, NULL);
    init_wake(store);

    enum err rc = open_database(store, path, error);
    if (rc == OK && pthread_create(&store->writer, NULL, writer_main, store) != 0)
        rc = error_set(error, ERR_INTERNAL, "cannot start the writer thread");
    if (rc) {
        destroy(store);
        return rc;
    }
    *out = store;
    return OK;
}

/* What is in tables need not be read from the log at the next start. */
static void flush(struct store *store)
{
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 1);
    for (int i = 0; i < STORE_FAMILY_COUNT; i++) {
        char *message = NULL;
        rocksdb_flush_cf(store->db, options, store->families[i], &message);
        take_rocksdb_error(message, NULL);
    }
    rocksdb_flushoptions_destroy(options);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    pthread_mutex_lock(&store->mutex);
    store->is_closing = true;
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->mutex);
    pthread_join(store->writer, NULL);
    flush(store);
    destroy(store);
}

/* --- Reading --- */

static void free_pinned(void *value)
{
    rocksdb_pinnableslice_destroy(value);
}

enum err store_get(struct store *store, enum store_family family, struct str key,
                   struct arena *arena, bool *out_found, struct str *out_value, struct error *error)
{
    char *message = NULL;
    rocksdb_pinnableslice_t *value = rocksdb_get_pinned_cf(
        store->db, store->read_options, store->families[family], key.ptr, key.len, &message);
    if (message)
        return take_rocksdb_error(message, error);

    *out_found = value != NULL;
    if (value) {
        size_t len;
        const char *bytes = rocksdb_pinnableslice_value(value, &len);
        arena_defer(arena, free_pinned, value);
        *out_value = str_make(bytes, len);
    }
    return OK;
}

/* Whether all keys of the range have the prefix that filters know: only then may they be asked. */
static bool has_one_prefix(struct str start, struct str end)
{
    return start.len >= ITEM_PREFIX && end.len >= ITEM_PREFIX &&
           memcmp(start.ptr, end.ptr, ITEM_PREFIX) == 0;
}

static struct store_iter *iter_new(struct str start, struct str end, bool is_reverse)
{
    struct store_iter *iter = calloc(1, sizeof(*iter));
    if (!iter)
        abort();
    iter->start = arena_str(&iter->arena, start);
    iter->end = arena_str(&iter->arena, end);
    iter->is_reverse = is_reverse;
    iter->options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_total_order_seek(iter->options, !has_one_prefix(start, end));
    rocksdb_readoptions_set_iterate_lower_bound(iter->options, iter->start.ptr, iter->start.len);
    if (end.len)
        rocksdb_readoptions_set_iterate_upper_bound(iter->options, iter->end.ptr, iter->end.len);
    return iter;
}

struct store_iter *store_iter_new(struct store *store, enum store_family family, struct str start,
                                  struct str end, bool is_reverse)
{
    struct store_iter *iter = iter_new(start, end, is_reverse);
    iter->iter = rocksdb_create_iterator_cf(store->db, iter->options, store->families[family]);
    return iter;
}

struct store_iter *store_txn_iter_new(struct store_txn *txn, enum store_family family,
                                      struct str start, struct str end, bool is_reverse)
{
    struct store_iter *iter = iter_new(start, end, is_reverse);
    rocksdb_iterator_t *base =
        rocksdb_create_iterator_cf(txn->store->db, iter->options, txn->store->families[family]);
    iter->iter = rocksdb_writebatch_wi_create_iterator_with_base_cf(txn->batch, base,
                                                                    txn->store->families[family]);
    return iter;
}

static void iter_start(struct store_iter *iter)
{
    iter->is_started = true;
    if (!iter->is_reverse) {
        rocksdb_iter_seek(iter->iter, iter->start.ptr, iter->start.len);
        return;
    }
    if (iter->end.len == 0) {
        rocksdb_iter_seek_to_last(iter->iter);
        return;
    }
    /* SeekForPrev lands on `end` itself when a batch holds that key: the end is not part of the
     * range. */
    rocksdb_iter_seek_for_prev(iter->iter, iter->end.ptr, iter->end.len);
    size_t len;
    if (rocksdb_iter_valid(iter->iter)) {
        const char *key = rocksdb_iter_key(iter->iter, &len);
        if (str_eq(str_make(key, len), iter->end))
            rocksdb_iter_prev(iter->iter);
    }
}

bool store_iter_next(struct store_iter *iter, struct str *out_key, struct str *out_value)
{
    if (!iter->is_started)
        iter_start(iter);
    else if (!rocksdb_iter_valid(iter->iter))
        return false;
    else if (iter->is_reverse)
        rocksdb_iter_prev(iter->iter);
    else
        rocksdb_iter_next(iter->iter);
    if (!rocksdb_iter_valid(iter->iter))
        return false;

    size_t len;
    const char *key = rocksdb_iter_key(iter->iter, &len);
    *out_key = str_make(key, len);
    /* RocksDB keeps to its bounds in the tables, but not in a batch laid over them. */
    if (str_cmp(*out_key, iter->start) < 0 ||
        (iter->end.len && str_cmp(*out_key, iter->end) >= 0)) {
        return false;
    }
    const char *value = rocksdb_iter_value(iter->iter, &len);
    *out_value = str_make(value, len);
    return true;
}

enum err store_iter_error(struct store_iter *iter, struct error *error)
{
    char *message = NULL;
    rocksdb_iter_get_error(iter->iter, &message);
    return take_rocksdb_error(message, error);
}

void store_iter_free(struct store_iter *iter)
{
    if (!iter)
        return;
    rocksdb_iter_destroy(iter->iter);
    rocksdb_readoptions_destroy(iter->options);
    arena_release(&iter->arena);
    free(iter);
}

struct str store_prefix_end(struct arena *arena, struct str prefix)
{
    while (prefix.len && (unsigned char)prefix.ptr[prefix.len - 1] == 0xff)
        prefix.len--;
    if (prefix.len == 0)
        return STR_EMPTY;
    char *end = arena_cstr(arena, prefix);
    end[prefix.len - 1]++;
    return str_make(end, prefix.len);
}

/* --- Transactions --- */

enum err store_txn_get(struct store_txn *txn, enum store_family family, struct str key,
                       struct arena *arena, bool *out_found, struct str *out_value,
                       struct error *error)
{
    struct store *store = txn->store;
    char *message = NULL;
    size_t len;
    char *value = rocksdb_writebatch_wi_get_from_batch_and_db_cf(
        txn->batch, store->db, store->read_options, store->families[family], key.ptr, key.len, &len,
        &message);
    if (message)
        return take_rocksdb_error(message, error);

    *out_found = value != NULL;
    if (value) {
        arena_defer(arena, free, value);
        *out_value = str_make(value, len);
    }
    return OK;
}

static void mark(struct store_txn *txn)
{
    if (!txn->has_save_point)
        rocksdb_writebatch_wi_set_save_point(txn->batch);
    txn->has_save_point = true;
}

void store_txn_put(struct store_txn *txn, enum store_family family, struct str key,
                   struct str value)
{
    mark(txn);
    rocksdb_writebatch_wi_put_cf(txn->batch, txn->store->families[family], key.ptr, key.len,
                                 value.ptr, value.len);
}

void store_txn_delete(struct store_txn *txn, enum store_family family, struct str key)
{
    mark(txn);
    rocksdb_writebatch_wi_delete_cf(txn->batch, txn->store->families[family], key.ptr, key.len);
}

/* --- The writer thread --- */

static void sync_log(struct store *store)
{
    char *message = NULL;
    struct error error;
    rocksdb_flush_wal(store->db, 1, &message);
    take_rocksdb_error(message, &error);
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
        take_rocksdb_error(message, NULL);
    }
}

static enum err commit(struct store *store, rocksdb_writebatch_wi_t *batch, struct error *error)
{
    if (rocksdb_writebatch_wi_count(batch) == 0)
        return OK;
    char *message = NULL;
    rocksdb_write_writebatch_wi(store->db, store->write_options, batch, &message);
    store->is_unsynced = store->durability == STORE_RELAXED;
    return take_rocksdb_error(message, error);
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

static void *writer_main(void *arg)
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
