/* What the files of the store share. */
#pragma once

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>

#include "store/queue.h"
#include "store/space.h"
#include "store/store.h"

/* What is left of an amount, which is never below 0. */
static inline uint64_t less(uint64_t from, uint64_t amount)
{
    return from > amount ? from - amount : 0;
}

enum {
    STORE_ITEM_PREFIX = 16, /* bytes of an item's key that say which table and partition it is of */
};

/* --- One opened RocksDB (database.c) --- */

struct database {
    rocksdb_t *db;
    rocksdb_column_family_handle_t *default_family;
    rocksdb_column_family_handle_t *families[STORE_FAMILY_COUNT];
    atomic_size_t iterators; /* that are open on it */
    bool is_read_only;
    bool is_compacting;    /* the writer's own: RocksDB starts compactions by itself */
    struct database *next; /* of those that are no longer used */
};

/* What a message of RocksDB means for the store. */
enum database_fault {
    DATABASE_FULL,    /* no space, for now */
    DATABASE_DAMAGED, /* a checksum or a structure is wrong */
    DATABASE_BROKEN,  /* the disk does not do what it is told */
};

enum database_fault database_fault_of(const char *message);

struct database_options {
    rocksdb_cache_t *cache;
    uint64_t write_buffer_bytes; /* of all families together */
    bool is_read_only;           /* nothing is written; other processes may have the store open */
    bool is_compacting;          /* compactions may start at once */
};

/* Fills `*out_fault` and `error` when it fails; `error` has RocksDB's words. */
enum err database_open(const char *path, const struct database_options *options,
                       struct database **out, enum database_fault *out_fault, struct error *error);
void database_close(struct database *database);

const char *database_family_name(enum store_family family);

/* --- Readers (readers.c) --- */

/* The database to read from. It stays open until readers_leave, which must follow soon, on the same
 * thread; not nested. A few nanoseconds: no lock, and nothing that other threads write. */
struct database *readers_enter(struct store *store);
void readers_leave(void);

/* True while a thread is inside of the database or has an iterator on it. The database must not be
 * the store's any more. */
bool readers_have(const struct database *database);

/* A property of all families together, such as "rocksdb.total-sst-files-size". */
uint64_t database_sum(const struct database *database, const char *property);

/* --- The guard of the disk (guard.c); the writer's own --- */

enum { STORE_CLASS_COUNT = STORE_BACKGROUND + 1 };

struct guard {
    struct space space;
    struct database *retired;
    _Atomic(enum store_state) state;
    uint64_t free_bytes, room_bytes;     /* as of this batch; room is without what memory holds */
    int64_t measured_us;                 /* when the disk was asked */
    uint64_t governed_bytes;             /* were free when compactions were last looked at */
    uint64_t refused[STORE_CLASS_COUNT]; /* since the disk ran full */
    unsigned tries, pause_ticks;         /* of opening again */
    bool has_freed;                      /* control writes were let in while others were not */
};

/* Before a batch: what the disk has room for. */
void store_guard_measure(struct store *store);

/* May this write run? `batch_bytes` is what the batch holds already. Fills the write's error. */
bool store_guard_admits(struct store *store, struct store_write *write, size_t batch_bytes);

/* Is there room for the batch? To be asked just before the commit. */
enum err store_guard_check(struct store *store, size_t batch_bytes, struct error *error);

/* A commit or an fsync failed with this message, which it takes. */
enum err store_guard_failed(struct store *store, char *message, struct error *error);

/* When a database was opened, before the writer starts. */
void store_guard_start(struct store *store);

/* What is in tables need not be read from the log at the next start. */
void store_guard_flush(struct store *store);

/* Once a second. */
void store_guard_tick(struct store *store);

/* Has the disk room to open the store for writing? */
bool store_guard_may_open(struct store *store);

void store_guard_release(struct store *store);

/* --- Compactions (compactions.c); the writer's own --- */

/* Is there room for the compactions of the tables in the folder? Before its database is opened. */
bool store_compactions_have_room(const struct store *store);

/* Has RocksDB start compactions by itself, or not, by what the guard found free. */
void store_compactions_govern(struct store *store);

/* Bytes that the compaction that runs may still take; 0 when none does. */
uint64_t store_compactions_rest(const struct store *store);

/* --- The store --- */

struct store {
    _Atomic(struct database *) database;
    rocksdb_readoptions_t *read_options;
    rocksdb_writeoptions_t *write_options;
    rocksdb_cache_t *cache;
    char *path;
    enum store_durability durability;
    void (*report)(void *arg, enum store_state state, const char *reason);
    void (*report_damage)(void *arg, const char *reason);
    atomic_bool has_met_damage;
    void *report_arg;
    struct guard guard;

    pthread_t writer;
    pthread_mutex_t mutex;
    pthread_cond_t wake, told;
    struct store_queue submitted[STORE_QUEUE_COUNT]; /* guarded by the mutex */
    struct store_observer *observers; /* guarded by the mutex, and not changed while is_telling */
    bool is_telling;                  /* guarded: the writer calls observers */
    bool is_closing;

    /* The writer's own. */
    struct store_queue waiting[STORE_QUEUE_COUNT];
    int64_t background_us;            /* since when the first background write waits */
    bool is_unsynced;                 /* something was committed without fsync */
    int64_t sync_due_us, tick_due_us; /* monotonic */
};

struct store_txn {
    struct store *store;
    struct database *database;
    rocksdb_writebatch_wi_t *batch;
    bool has_save_point; /* of the write that runs now */
    size_t max_bytes;    /* of this batch */
    int64_t until_us;    /* when it has run for long enough; 0: it is not bounded by time */
};

/* Opens the store's database with its options. */
enum err store_open_database(struct store *store, bool is_read_only, struct database **out,
                             enum database_fault *out_fault, struct error *error);

/* Logs what RocksDB says, reports damage and fills `error`; OK for NULL. Takes the message. */
enum err store_take_error(struct store *store, char *message, struct error *error);

/* Monotonic time in microseconds, which tests cannot hold. */
int64_t store_now_us(void);

/* The writer thread; `arg` is the store. */
void *store_writer_main(void *arg);
