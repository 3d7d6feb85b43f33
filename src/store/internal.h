/* What the files of the store share. */
#pragma once

#include <pthread.h>
#include <rocksdb/c.h>

#include "store/queue.h"
#include "store/store.h"

enum {
    STORE_ITEM_PREFIX = 16, /* bytes of an item's key that say which table and partition it is of */
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
    struct store_queue submitted[STORE_QUEUE_COUNT]; /* guarded by the mutex */
    struct store_observer *observers;                /* guarded by the mutex */
    bool is_closing;

    /* The writer's own. */
    struct store_queue waiting[STORE_QUEUE_COUNT];
    int64_t background_us; /* since when the first background write waits */
    bool is_unsynced;      /* something was committed without fsync */
    int64_t unsynced_us;   /* since when */
};

struct store_txn {
    struct store *store;
    rocksdb_writebatch_wi_t *batch;
    bool has_save_point; /* of the write that runs now */
};

/* Logs what RocksDB says and fills `error`; OK for NULL. Takes the message. */
enum err store_take_error(char *message, struct error *error);

/* The writer thread; `arg` is the store. */
void *store_writer_main(void *arg);
