/* What RocksDB itself does: batches of puts, each written with a sync, for some seconds. Prints how
 * many puts it made in a second.
 *
 * Usage: rocksdb_batches FOLDER SECONDS BATCH VALUE-BYTES */
#include <rocksdb/c.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(char *error)
{
    if (!error)
        return;
    fprintf(stderr, "rocksdb_batches: %s\n", error);
    exit(1);
}

int main(int argc, char **argv)
{
    char *error = NULL, key[32];
    if (argc != 5) {
        fprintf(stderr, "usage: rocksdb_batches FOLDER SECONDS BATCH VALUE-BYTES\n");
        return 2;
    }
    double seconds = strtod(argv[2], NULL);
    int batch_size = (int)strtol(argv[3], NULL, 10);
    size_t value_size = strtoul(argv[4], NULL, 10);
    char *value = calloc(1, value_size);
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_writeoptions_t *synced = rocksdb_writeoptions_create();
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_writeoptions_set_sync(synced, 1);
    rocksdb_t *db = rocksdb_open(options, argv[1], &error);
    check(error);

    uint64_t count = 0;
    double started = now_s();
    while (now_s() - started < seconds) {
        rocksdb_writebatch_clear(batch);
        for (int i = 0; i < batch_size; i++) {
            int len =
                snprintf(key, sizeof(key), "%020llu", (unsigned long long)(count++ * 2654435761u));
            rocksdb_writebatch_put(batch, key, (size_t)len, value, value_size);
        }
        rocksdb_write(db, synced, batch, &error);
        check(error);
    }
    printf("%.0f\n", (double)count / (now_s() - started));
    rocksdb_close(db);
    rocksdb_writebatch_destroy(batch);
    rocksdb_writeoptions_destroy(synced);
    rocksdb_options_destroy(options);
    free(value);
    return 0;
}
