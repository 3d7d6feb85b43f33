/* When RocksDB may compact by itself. A compaction writes what it reads anew before that is
 * deleted: so none starts without room for all that it may take, which writes would be refused for
 * in the end. Tables of level 0 pile up meanwhile. */
#include "store/internal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"

enum { STEPS_BESIDE = 4 };

/* What one compaction takes at most, near enough: RocksDB's `max_compaction_bytes` of 25 tables of
 * 64 MiB does not bound those of level 0, which are smaller. */
#define MOST_BYTES (2048ull * 1024 * 1024)

static bool have_room(const struct guard *guard, uint64_t table_bytes, unsigned steps)
{
    uint64_t wanted = table_bytes < MOST_BYTES ? table_bytes : MOST_BYTES;
    return guard->free_bytes >= wanted + steps * guard->space.step_bytes;
}

bool store_compactions_have_room(const struct store *store)
{
    return have_room(&store->guard, space_used(&store->guard.space, ".sst"), STEPS_BESIDE);
}

static void allow(const struct guard *guard, struct database *database, bool is_allowed)
{
    const char *keys[] = {"disable_auto_compactions"};
    const char *values[] = {is_allowed ? "false" : "true"};
    for (int i = 0; i < STORE_FAMILY_COUNT; i++) {
        char *message = NULL;
        rocksdb_set_options_cf(database->db, database->families[i], 1, keys, values, &message);
        if (message)
            log_warn("store", "rocksdb: %s", message);
        free(message);
    }
    database->is_compacting = is_allowed;
    if (is_allowed)
        log_info("store", "the disk has room for compactions again");
    else
        log_warn("store", "compactions wait for room: %" PRIu64 " MiB of the disk are free",
                 guard->free_bytes >> 20);
}

void store_compactions_govern(struct store *store)
{
    struct guard *guard = &store->guard;
    struct database *database = atomic_load(&store->database);
    uint64_t table_bytes = database_sum(database, "rocksdb.total-sst-files-size");
    unsigned margin = database->is_compacting ? 0 : 1; /* so that it does not go to and fro */
    bool is_allowed = have_room(guard, table_bytes, STEPS_BESIDE + margin);
    if (is_allowed != database->is_compacting)
        allow(guard, database, is_allowed);
    guard->governed_bytes = guard->free_bytes;
}

uint64_t store_compactions_rest(const struct store *store)
{
    struct database *database = atomic_load(&store->database);
    uint64_t running;
    if (rocksdb_property_int(database->db, "rocksdb.num-running-compactions", &running) ||
        running == 0)
        return 0;
    uint64_t written = less(space_used(&store->guard.space, ".sst"),
                            database_sum(database, "rocksdb.total-sst-files-size"));
    return less(database_sum(database, "rocksdb.estimate-pending-compaction-bytes"), written);
}
