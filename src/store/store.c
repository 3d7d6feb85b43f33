/* The store on RocksDB: opening and closing. */
#include "store/internal.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"

enum {
    DEFAULT_CACHE_BYTES = 64 * 1024 * 1024,
    WRITE_BUFFERS_BYTES = 64 * 1024 * 1024, /* of all families together */
    BLOCK_BYTES = 16 * 1024, /* a page of twenty items in one read; a quarter of the index */
};

static const char *const family_names[STORE_FAMILY_COUNT] = {
    [STORE_META] = "meta", [STORE_ITEMS] = "items",     [STORE_BLOBS] = "blobs",
    [STORE_LOGS] = "logs", [STORE_METRICS] = "metrics",
};

enum err store_take_error(char *message, struct error *error)
{
    if (!message)
        return OK;
    log_error("store", "rocksdb: %s", message);
    error_set(error, ERR_INTERNAL, "The data store failed");
    free(message);
    return ERR_INTERNAL;
}

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
    rocksdb_options_set_prefix_extractor(
        options, rocksdb_slicetransform_create_fixed_prefix(STORE_ITEM_PREFIX));
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
    for (int i = 0; i < STORE_QUEUE_COUNT; i++) {
        store_queue_init(&store->submitted[i]);
        store_queue_init(&store->waiting[i]);
    }
    pthread_mutex_init(&store->mutex, NULL);
    init_wake(store);

    enum err rc = open_database(store, path, error);
    if (rc == OK && pthread_create(&store->writer, NULL, store_writer_main, store) != 0)
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
        store_take_error(message, NULL);
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
