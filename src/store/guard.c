/* Keeps the store alive on a full disk. States, all on the writer thread:
 *
 *   WRITABLE   there is room for interactive writes
 *   FULL       there is not; control writes are let in as long as they have room
 *   READ_ONLY  RocksDB met a full disk, which it does not get over: the writer moves readers to a
 *              database that only reads, closes the failed one, and opens it again when there is
 *              room for its log to be written out. A store may start in this state.
 *   DAMAGED    RocksDB found damage and takes no more writes. Reads go on.
 *   FAILED     the disk did not write: whoever is told ends the process
 *
 * Room is what is free beyond what the memory tables will take when they are written out. */
#include "store/internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

enum {
    REASON_BYTES = 512,
    MAX_DOUBLINGS = 5, /* of the pause between tries to open again */
    MEASURE_EVERY_US = 10 * 1000,
    FLUSH_LOOK_MS = 1,
    FLUSH_MOST_MS = 10 * 1000,
};

#define DISK_IS_FULL "The disk of the server is full: writes are refused until space is freed"

static void set_state(struct store *store, enum store_state state, const char *reason)
{
    struct guard *guard = &store->guard;
    if (guard->state == state)
        return;
    if (reason)
        log_error("store", "%s", reason);
    else
        log_warn("store",
                 "writes are accepted again; refused: %" PRIu64 " interactive, %" PRIu64
                 " control, %" PRIu64 " background",
                 guard->refused[STORE_INTERACTIVE], guard->refused[STORE_CONTROL],
                 guard->refused[STORE_BACKGROUND]);
    if (!reason)
        memset(guard->refused, 0, sizeof(guard->refused));
    guard->state = state;
    if (store->report)
        store->report(store->report_arg, state, reason);
}

/* --- Room --- */

static uint64_t unflushed_bytes(const struct database *database)
{
    return database_sum(database, "rocksdb.cur-size-all-mem-tables");
}

/* True when it is done or RocksDB has given it up. */
static bool is_flushed(const struct database *database, uint64_t errors_before)
{
    return database_sum(database, "rocksdb.num-immutable-mem-table") == 0 ||
           database_sum(database, "rocksdb.background-errors") != errors_before;
}

/* Writes the memory tables out, so that their logs are deleted. RocksDB's own waiting may never end
 * when the disk fills meanwhile; what it did not write is in its log, and the next write meets the
 * error. */
static void flush_all(struct store *store)
{
    struct database *database = atomic_load(&store->database);
    struct timespec pause = {.tv_nsec = FLUSH_LOOK_MS * 1000000L};
    uint64_t errors = database_sum(database, "rocksdb.background-errors");
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    struct error error;
    char *message = NULL;
    rocksdb_flushoptions_set_wait(options, 0);
    for (int i = 0; i < STORE_FAMILY_COUNT && !message; i++)
        rocksdb_flush_cf(database->db, options, database->families[i], &message);
    rocksdb_flushoptions_destroy(options);
    for (int ms = 0; !message && ms < FLUSH_MOST_MS && !is_flushed(database, errors);
         ms += FLUSH_LOOK_MS)
        nanosleep(&pause, NULL);
    if (message)
        store_guard_failed(store, message, &error);
}

/* Is there room to write the memory tables out, even if somebody else takes some of it? */
static bool may_flush(const struct guard *guard, uint64_t unflushed)
{
    return guard->free_bytes >= unflushed + guard->space.step_bytes / 2;
}

static void find_room(struct store *store)
{
    struct guard *guard = &store->guard;
    uint64_t step = guard->space.step_bytes;
    uint64_t unflushed = unflushed_bytes(atomic_load(&store->database));
    if (less(guard->free_bytes, unflushed) < 2 * step && unflushed >= step / 4 &&
        may_flush(guard, unflushed)) {
        flush_all(store);
        guard->free_bytes = space_free(&guard->space);
        unflushed = unflushed_bytes(atomic_load(&store->database));
    }
    guard->room_bytes = less(guard->free_bytes, unflushed);
}

enum store_state store_state(const struct store *store)
{
    return atomic_load(&store->guard.state);
}

/* Far from full, the disk is asked now and then only. */
static bool is_measured(struct guard *guard)
{
    int64_t now_us = store_now_us();
    if (guard->state == STORE_WRITABLE && guard->room_bytes >= 4 * guard->space.step_bytes &&
        now_us - guard->measured_us < MEASURE_EVERY_US)
        return true;
    guard->measured_us = now_us;
    return false;
}

void store_guard_measure(struct store *store)
{
    struct guard *guard = &store->guard;
    uint64_t step = guard->space.step_bytes;
    char reason[REASON_BYTES];
    if (guard->state > STORE_FULL || is_measured(guard))
        return;
    /* Memory tables take two steps at most: one that is filled and one that is written out. */
    guard->free_bytes = space_free(&guard->space);
    guard->room_bytes = less(guard->free_bytes, 2 * step);
    if (guard->free_bytes + step / 2 < guard->governed_bytes)
        store_compactions_govern(store);
    if (guard->room_bytes < 2 * step)
        find_room(store);
    if (guard->state > STORE_FULL)
        return;
    uint64_t wanted = guard->state == STORE_FULL ? step + step / 4 : step;
    /* Compactions that may start have room beside all of this. */
    if (!atomic_load(&store->database)->is_compacting)
        wanted += store_compactions_rest(store);
    if (guard->room_bytes >= wanted) {
        set_state(store, STORE_WRITABLE, NULL);
        return;
    }
    snprintf(reason, sizeof(reason),
             "the disk is full: writes are refused until %" PRIu64 " MiB are free",
             (step + step / 4 + less(guard->free_bytes, guard->room_bytes)) >> 20);
    set_state(store, STORE_FULL, reason);
}

static bool has_room(const struct guard *guard, enum store_class class, uint64_t bytes)
{
    uint64_t step = guard->space.step_bytes;
    switch (class) {
    case STORE_READING:
        return true;
    case STORE_INTERACTIVE:
        return guard->state == STORE_WRITABLE && guard->room_bytes >= bytes + step / 2;
    case STORE_CONTROL:
        return guard->room_bytes >= bytes + step / 4;
    case STORE_BACKGROUND:
        return guard->state == STORE_WRITABLE && guard->room_bytes >= bytes + 2 * step;
    }
    return false;
}

/* The reserve is for what makes room. */
static bool give_up_reserve(struct guard *guard)
{
    if (!guard->space.is_held)
        return false;
    uint64_t before = guard->free_bytes;
    space_give_up(&guard->space);
    guard->free_bytes = space_free(&guard->space);
    guard->room_bytes += less(guard->free_bytes, before);
    return true;
}

static enum err refuse(const struct guard *guard, struct error *error)
{
    if (guard->state > STORE_READ_ONLY)
        return error_set(error, ERR_INTERNAL, "The data store failed");
    return error_set(error, ERR_SERVICE_UNAVAILABLE, DISK_IS_FULL);
}

/* A byte is written to the log and, later, to a table. */
static uint64_t cost(uint64_t bytes)
{
    return bytes * 2;
}

bool store_guard_admits(struct store *store, struct store_write *write, size_t batch_bytes)
{
    struct guard *guard = &store->guard;
    uint64_t bytes = cost(batch_bytes + write->bytes);
    if (write->class == STORE_READING)
        return true;
    if (guard->state <= STORE_FULL) {
        if (has_room(guard, write->class, bytes) ||
            (write->class == STORE_CONTROL && give_up_reserve(guard) &&
             has_room(guard, write->class, bytes))) {
            guard->has_freed |= guard->state == STORE_FULL;
            return true;
        }
    }
    guard->refused[write->class]++;
    write->rc = refuse(guard, &write->error);
    return false;
}

enum err store_guard_check(struct store *store, size_t batch_bytes, struct error *error)
{
    struct guard *guard = &store->guard;
    uint64_t bytes = cost(batch_bytes);
    /* A write may turn out larger than it said: the reserve pays for that, once. */
    if (guard->state > STORE_FULL ||
        !(has_room(guard, STORE_CONTROL, bytes) ||
          (give_up_reserve(guard) && has_room(guard, STORE_CONTROL, bytes))))
        return refuse(guard, error);
    guard->room_bytes -= bytes;
    return OK;
}

/* Deletions take room until the tables that hold what they deleted are written anew. */
static void compact(struct store *store)
{
    struct guard *guard = &store->guard;
    struct database *database = atomic_load(&store->database);
    guard->has_freed = false;
    if (!may_flush(guard, unflushed_bytes(database)))
        return;
    flush_all(store);
    for (int i = 0; i < STORE_FAMILY_COUNT && guard->state == STORE_FULL; i++) {
        uint64_t live;
        if (database_sum(database, "rocksdb.background-errors") == 0 &&
            rocksdb_property_int_cf(database->db, database->families[i],
                                    "rocksdb.estimate-live-data-size", &live) == 0 &&
            live + guard->space.step_bytes / 4 <= space_free(&guard->space))
            rocksdb_compact_range_cf(database->db, database->families[i], NULL, 0, NULL, 0);
    }
}

/* --- Faults --- */

static void become_read_only(struct store *store)
{
    store->guard.pause_ticks = 1;
    store->guard.tries = 0;
    set_state(store, STORE_READ_ONLY, "the disk is full: the store can only be read");
}

static void stop_writing(struct store *store, enum database_fault fault, const char *message)
{
    char reason[REASON_BYTES];
    bool is_damaged = fault == DATABASE_DAMAGED;
    snprintf(reason, sizeof(reason), "%s: %.400s",
             is_damaged ? "the store is damaged and can only be read"
                        : "the store cannot be written",
             message);
    set_state(store, is_damaged ? STORE_DAMAGED : STORE_FAILED, reason);
}

enum err store_guard_failed(struct store *store, char *message, struct error *error)
{
    enum database_fault fault = database_fault_of(message);
    log_error("store", "rocksdb: %s", message);
    if (fault != DATABASE_FULL)
        stop_writing(store, fault, message);
    else if (!strstr(message, "Write stall"))
        become_read_only(store);
    free(message);
    return refuse(&store->guard, error);
}

/* --- Opening again in place --- */

static void retire(struct guard *guard, struct database *database)
{
    database->next = guard->retired;
    guard->retired = database;
}

/* Closes what nobody reads any more. True when nothing is left. */
static bool close_retired(struct guard *guard)
{
    struct database **place = &guard->retired;
    while (*place) {
        struct database *one = *place;
        if (readers_have(one)) {
            place = &one->next;
            continue;
        }
        *place = one->next;
        database_close(one);
    }
    return !guard->retired;
}

/* Opens a database in the place of the store's. */
static bool replace(struct store *store, bool is_read_only)
{
    struct database *new, *old = atomic_load(&store->database);
    enum database_fault fault;
    struct error error;
    if (store_open_database(store, is_read_only, &new, &fault, &error)) {
        log_warn("store", "cannot open the store again: %s", error.message);
        if (fault != DATABASE_FULL)
            stop_writing(store, fault, error.message);
        return false;
    }
    /* What was acknowledged must be there, and what was refused must not: services have acted on
     * it. */
    bool is_same =
        rocksdb_get_latest_sequence_number(new->db) == rocksdb_get_latest_sequence_number(old->db);
    atomic_store(&store->database, new);
    retire(&store->guard, old);
    if (!is_same)
        stop_writing(store, DATABASE_BROKEN, "its log is not as it was left; start it again");
    return is_same;
}

/* Opening writes the logs out as tables. */
bool store_guard_may_open(struct store *store)
{
    struct guard *guard = &store->guard;
    guard->free_bytes = space_free(&guard->space);
    return guard->free_bytes >= space_used(&guard->space, ".log") + guard->space.step_bytes / 2;
}

static void try_again(struct store *store)
{
    struct guard *guard = &store->guard;
    if ((guard->pause_ticks && guard->pause_ticks--) || !close_retired(guard))
        return;
    if (!atomic_load(&store->database)->is_read_only &&
        (!replace(store, true) || !close_retired(guard)))
        return;
    if (!store_guard_may_open(store)) {
        /* Opened later, if nobody else takes what was the reserve: RocksDB may abort when space
         * ends while it opens. */
        guard->pause_ticks = give_up_reserve(guard) ? 1 : 0;
        return;
    }
    guard->pause_ticks = 1u << guard->tries;
    if (guard->tries < MAX_DOUBLINGS)
        guard->tries++;
    if (!replace(store, false))
        return;
    guard->state = STORE_FULL;
    store_guard_measure(store);
}

void store_guard_start(struct store *store)
{
    if (atomic_load(&store->database)->is_read_only)
        become_read_only(store);
    else
        store_guard_tick(store);
}

void store_guard_flush(struct store *store)
{
    struct guard *guard = &store->guard;
    if (guard->state > STORE_FULL)
        return;
    guard->free_bytes = space_free(&guard->space);
    if (may_flush(guard, unflushed_bytes(atomic_load(&store->database))))
        flush_all(store);
}

void store_guard_tick(struct store *store)
{
    struct guard *guard = &store->guard;
    close_retired(guard);
    if (guard->state == STORE_READ_ONLY)
        try_again(store);
    if (guard->state == STORE_FULL && guard->has_freed)
        compact(store);
    store_guard_measure(store);
    if (guard->state <= STORE_FULL)
        store_compactions_govern(store);
    if (guard->state == STORE_WRITABLE)
        space_hold(&guard->space, 4 * guard->space.step_bytes);
}

void store_guard_release(struct store *store)
{
    bool is_closed = close_retired(&store->guard);
    assert(is_closed);
    space_release(&store->guard.space);
}
