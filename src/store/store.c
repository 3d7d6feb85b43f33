/* The store on RocksDB: opening and closing. */
#include "store/internal.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "store/scan_log.h"

enum { DEFAULT_CACHE_BYTES = 64 * 1024 * 1024 };

#define WHAT_TO_DO                                                                                 \
    "; nothing was changed. `skylite check` tells what can be read; restore a backup of the data " \
    "folder to go on"

static void tell_of_damage(struct store *store)
{
    if (!atomic_exchange(&store->has_met_damage, true) && store->report_damage)
        store->report_damage(store->report_arg,
                             "some of the data are damaged: `skylite check` tells which");
}

enum err store_take_error(struct store *store, char *message, struct error *error)
{
    if (!message)
        return OK;
    bool is_damage = database_fault_of(message) == DATABASE_DAMAGED;
    log_error_limited("store", "rocksdb: %s%s", message, is_damage ? WHAT_TO_DO : "");
    if (is_damage)
        tell_of_damage(store);
    error_set(error, ERR_INTERNAL, "The data store failed");
    free(message);
    return ERR_INTERNAL;
}

/* --- The folder --- */

/* The files hold secrets. Those of older versions could be read by others. */
static enum err close_to_others(const char *path, struct error *error)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    struct stat stat;
    bool is_closed = dir && fchmod(dirfd(dir), 0700) == 0;
    while (is_closed && (entry = readdir(dir))) {
        is_closed =
            fstatat(dirfd(dir), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) == 0 || errno == ENOENT;
        if (is_closed && S_ISREG(stat.st_mode) && stat.st_mode & 077)
            is_closed = fchmodat(dirfd(dir), entry->d_name, 0600, 0) == 0;
    }
    if (!is_closed)
        error_set(error, ERR_INTERNAL, "cannot use the folder %s: %s", path, strerror(errno));
    if (dir)
        closedir(dir);
    return is_closed ? OK : ERR_INTERNAL;
}

static enum err open_folder(struct store *store, struct error *error)
{
    const char *path = store->path;
    if (mkdir(path, 0700) && errno != EEXIST)
        return error_set(error, ERR_INTERNAL, "cannot make the folder %s: %s", path,
                         strerror(errno));
    enum err rc = space_open(path, &store->guard.space, error);
    if (rc)
        return rc;
    /* RocksDB's own lock does not keep out those who only read, as this store may have to. */
    if (flock(store->guard.space.dir, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK
                   ? error_set(error, ERR_INTERNAL, "%s is in use by another process", path)
                   : error_set(error, ERR_INTERNAL, "cannot lock %s: %s", path, strerror(errno));
    return close_to_others(path, error);
}

/* --- Opening --- */

enum err store_open_database(struct store *store, bool is_read_only, struct database **out,
                             enum database_fault *out_fault, struct error *error)
{
    struct database_options options = {
        .cache = store->cache,
        .write_buffer_bytes = store->guard.space.step_bytes,
        .is_read_only = is_read_only,
        .is_compacting = !is_read_only && store_compactions_have_room(store),
    };
    return database_open(store->path, &options, out, out_fault, error);
}

static enum err open_error(const struct store *store, enum database_fault fault,
                           const struct error *cause, struct error *error)
{
    switch (fault) {
    case DATABASE_FULL:
        return error_set(error, ERR_INTERNAL, "cannot open %s: the disk is full: %s", store->path,
                         cause->message);
    case DATABASE_DAMAGED:
        return error_set(error, ERR_INTERNAL, "%s is damaged: %s%s", store->path, cause->message,
                         WHAT_TO_DO);
    case DATABASE_BROKEN:
        break;
    }
    return error_set(error, ERR_INTERNAL, "cannot open %s: %s", store->path, cause->message);
}

static enum err open_database(struct store *store, struct error *error)
{
    struct database *database = NULL;
    enum database_fault fault = DATABASE_FULL;
    struct error cause;
    enum err rc = ERR_INTERNAL;
    /* After a crash of a store that acknowledges before the fsync, the end of the log may have
     * holes: the disk writes pages in any order. */
    if (store->durability == STORE_SYNC && scan_logs(store->path, &cause))
        return open_error(store, DATABASE_DAMAGED, &cause, error);
    if (store_guard_may_open(store))
        rc = store_open_database(store, false, &database, &fault, &cause);
    if (rc && fault == DATABASE_FULL)
        rc = store_open_database(store, true, &database, &fault, &cause);
    if (rc)
        return open_error(store, fault, &cause, error);
    atomic_store(&store->database, database);
    store_guard_start(store);
    return OK;
}

static void destroy(struct store *store)
{
    struct database *database = atomic_exchange(&store->database, NULL);
    if (database) {
        assert(!readers_have(database));
        database_close(database);
    }
    store_guard_release(store);
    rocksdb_readoptions_destroy(store->read_options);
    rocksdb_writeoptions_destroy(store->write_options);
    rocksdb_cache_destroy(store->cache);
    pthread_mutex_destroy(&store->mutex);
    pthread_cond_destroy(&store->wake);
    pthread_cond_destroy(&store->told);
    free(store->path);
    free(store);
}

static void init_conditions(struct store *store)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->wake, &monotonic);
    pthread_cond_init(&store->told, NULL);
    pthread_condattr_destroy(&monotonic);
}

static struct store *new_store(const char *path, const struct store_options *options)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store || !(store->path = strdup(path)))
        abort();
    store->durability = options->durability;
    store->report = options->report;
    store->report_damage = options->report_damage;
    store->report_arg = options->report_arg;
    store->cache =
        rocksdb_cache_create_lru(options->cache_bytes ? options->cache_bytes : DEFAULT_CACHE_BYTES);
    store->read_options = rocksdb_readoptions_create();
    store->write_options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(store->write_options, options->durability == STORE_SYNC);
    store->guard.space = (struct space){.dir = -1, .reserve = -1};
    for (int i = 0; i < STORE_QUEUE_COUNT; i++) {
        store_queue_init(&store->submitted[i]);
        store_queue_init(&store->waiting[i]);
    }
    pthread_mutex_init(&store->mutex, NULL);
    init_conditions(store);
    return store;
}

enum err store_open(const char *path, const struct store_options *options, struct store **out,
                    struct error *error)
{
    struct store *store = new_store(path, options);
    enum err rc = open_folder(store, error);
    if (rc == OK)
        rc = open_database(store, error);
    if (rc == OK && pthread_create(&store->writer, NULL, store_writer_main, store) != 0)
        rc = error_set(error, ERR_INTERNAL, "cannot start the writer thread");
    if (rc) {
        destroy(store);
        return rc;
    }
    *out = store;
    return OK;
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
    store_guard_flush(store);
    destroy(store);
}
