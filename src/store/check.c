/* Reads a whole store with all checksums and changes nothing. */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/scan_log.h"

enum {
    CACHE_BYTES = 8 * 1024 * 1024,
    MAX_TRIES = 5, /* beside a running server, whose files come and go */
};

/* Each key is asked for by itself too, so that filters are read. */
static char *read_key(const struct database *database, enum store_family family,
                      const rocksdb_readoptions_t *options, struct str key)
{
    char *message = NULL;
    rocksdb_pinnableslice_t *value = rocksdb_get_pinned_cf(
        database->db, options, database->families[family], key.ptr, key.len, &message);
    if (!message && !value)
        message = strdup("Corruption: a key is there and cannot be found");
    rocksdb_pinnableslice_destroy(value);
    return message;
}

static char *read_family(const struct database *database, enum store_family family,
                         struct store_tally *tally)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_fill_cache(options, 0);
    rocksdb_readoptions_set_verify_checksums(options, 1);
    rocksdb_readoptions_set_total_order_seek(options, 1);
    rocksdb_iterator_t *iter =
        rocksdb_create_iterator_cf(database->db, options, database->families[family]);
    char *message = NULL;
    size_t len;
    for (rocksdb_iter_seek_to_first(iter); !message && rocksdb_iter_valid(iter);
         rocksdb_iter_next(iter)) {
        const char *key = rocksdb_iter_key(iter, &len);
        tally->keys++;
        tally->bytes += len;
        message = read_key(database, family, options, str_make(key, len));
        rocksdb_iter_value(iter, &len);
        tally->bytes += len;
    }
    if (!message)
        rocksdb_iter_get_error(iter, &message);
    rocksdb_iter_destroy(iter);
    rocksdb_readoptions_destroy(options);
    return message;
}

/* Opens it as it is now. */
static enum err open_to_read(const char *path, rocksdb_cache_t *cache, struct database **out,
                             struct error *error)
{
    enum database_fault fault;
    struct database_options options = {
        .cache = cache,
        .write_buffer_bytes = CACHE_BYTES,
        .is_read_only = true,
    };
    enum err rc = scan_logs(path, error);
    return rc ? rc : database_open(path, &options, out, &fault, error);
}

static enum err read_all(const char *path, struct store_tally out[STORE_FAMILY_COUNT],
                         struct error *error)
{
    struct database *database = NULL;
    rocksdb_cache_t *cache = rocksdb_cache_create_lru(CACHE_BYTES);
    enum err rc = open_to_read(path, cache, &database, error);
    for (int i = 0; i < STORE_FAMILY_COUNT; i++) {
        out[i] = (struct store_tally){.name = database_family_name((enum store_family)i)};
        if (!database)
            continue;
        char *message = read_family(database, (enum store_family)i, &out[i]);
        out[i].is_damaged = message != NULL;
        if (message && rc == OK)
            rc = error_set(error, ERR_INTERNAL, "%s", message);
        free(message);
    }
    database_close(database);
    rocksdb_cache_destroy(cache);
    return rc;
}

enum err store_check(const char *path, struct store_tally out[STORE_FAMILY_COUNT],
                     bool *out_is_running, struct error *error)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return error_set(error, ERR_INTERNAL, "cannot read %s: %s", path, strerror(errno));
    *out_is_running = flock(dir, LOCK_SH | LOCK_NB) != 0;
    enum err rc = ERR_INTERNAL;
    for (int i = 0; rc && i < (*out_is_running ? MAX_TRIES : 1); i++)
        rc = read_all(path, out, error);
    close(dir);
    return rc;
}
