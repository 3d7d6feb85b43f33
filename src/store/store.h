/* The ordered, transactional key-value store in the data folder. The only folder that knows
 * RocksDB.
 *
 * Reads may be made on any thread, inline, and see everything committed before they start. All
 * writes go through one writer thread: it takes the writes that wait, runs each one's function in
 * order against a batch that can be read back, commits the batch with one fsync, and then hands the
 * completions out. So each function sees the effects of all writes before it, and a write that is
 * acknowledged is on disk. Background writes run in small commits when no interactive write waits,
 * and now and then between them: however many there are, they hold the others up by no more than
 * one such commit. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct store;
struct store_txn;
struct store_iter;

/* Separate key spaces. Keys are compared by unsigned bytes. */
enum store_family {
    STORE_META,    /* control-plane state as JSON: "<service>/<kind>/<id...>" */
    STORE_ITEMS,   /* DynamoDB items */
    STORE_BLOBS,   /* deployment packages */
    STORE_LOGS,    /* log groups, streams and events */
    STORE_METRICS, /* metric data and usage counters */
    STORE_FAMILY_COUNT
};

enum store_durability {
    STORE_SYNC,    /* a write is acknowledged after fsync */
    STORE_RELAXED, /* a write is acknowledged before; fsync every 100 ms */
};

/* What the store can do. */
enum store_state {
    STORE_WRITABLE,
    STORE_FULL,      /* the disk is full: only control writes are let in, if they have room */
    STORE_READ_ONLY, /* the disk is full: every write is refused */
    STORE_DAMAGED,   /* every write is refused, until the store is mended */
    STORE_FAILED,    /* the disk does not write: the process should end, nothing acknowledged is
                        lost */
};

struct store_options {
    enum store_durability durability;
    size_t cache_bytes; /* block cache; 0 for the default of 64 MiB */
    /* Told of each new state, with a sentence that says why (NULL: STORE_WRITABLE). On the writer
     * thread, or inside store_open. May be NULL. */
    void (*report)(void *arg, enum store_state state, const char *reason);
    /* Told when a read meets damage, once: other reads go on, and so do writes. On the thread that
     * reads. May be NULL. */
    void (*report_damage)(void *arg, const char *reason);
    void *report_arg;
};

/* Opens (or creates) the store in the folder `path` and starts the writer thread. On a full disk
 * the store opens for reading, and takes writes as soon as there is space. Fails when another
 * process has it, and when its files are damaged; nothing is changed then. */
enum err store_open(const char *path, const struct store_options *options, struct store **out,
                    struct error *error);

/* Any thread. */
enum store_state store_state(const struct store *store);

/* Commits what waits, stops the writer and closes. No other call may be under way. */
void store_close(struct store *store);

/* The value of `key`, borrowed from `arena` (no copy is made where RocksDB can pin it).
 * `*out_found` tells whether there is one; a missing key is no error. */
enum err store_get(struct store *store, enum store_family family, struct str key,
                   struct arena *arena, bool *out_found, struct str *out_value,
                   struct error *error);

/* An iterator over the keys in [start, end) as of now; an empty `end` is no bound. `is_reverse`
 * walks from the last one down. Free it with store_iter_free, on the thread that made it. */
struct store_iter *store_iter_new(struct store *store, enum store_family family, struct str start,
                                  struct str end, bool is_reverse);

/* Moves to the first or next key. False at the end or on an I/O error, which `store_iter_error`
 * tells apart. Key and value are borrowed until the next call. */
bool store_iter_next(struct store_iter *iter, struct str *out_key, struct str *out_value);
enum err store_iter_error(struct store_iter *iter, struct error *error);
void store_iter_free(struct store_iter *iter);

/* The first key behind all keys that start with `prefix`, for the `end` of an iterator. Empty when
 * there is none. */
struct str store_prefix_end(struct arena *arena, struct str prefix);

/* --- Checking --- */

struct store_tally {
    const char *name; /* of the family */
    uint64_t keys, bytes;
    bool is_damaged; /* not all could be read */
};

/* Reads all that is in the folder with its checksums, and changes nothing. Fails when something is
 * damaged, after reading what can be read. `*out_is_running` tells that a server has it open; what
 * it writes meanwhile may be left out. */
enum err store_check(const char *path, struct store_tally out[STORE_FAMILY_COUNT],
                     bool *out_is_running, struct error *error);

/* --- Long reads --- */

/* From here on what the calling thread reads counts: about its bytes, and something for each key.
 * When that comes to `cost`, iterators end and store_get fails, until store_allow_end. */
void store_allow(size_t cost);

/* Lifts that. True when something was not read for it: then what was read is not whole. */
bool store_allow_end(void);

/* --- Writing --- */

struct store_write;

/* Runs on the writer thread. Reads and writes through `txn` only; must not block. When it fails,
 * what it wrote is undone and the error becomes the write's; others in the batch are not touched.
 */
typedef enum err (*store_write_fn)(struct store_txn *txn, struct store_write *write,
                                   struct error *error);

/* Runs on the writer thread after the commit (or the failure). Must not block: post to a loop. */
typedef void (*store_done_fn)(struct store_write *write);

/* Who goes first, and who is still let in when the disk runs full. */
enum store_class {
    STORE_INTERACTIVE, /* someone waits for the answer: the default */
    STORE_CONTROL,     /* the same, of what makes room or steers: deletions, control-plane calls */
    STORE_READING,     /* writes nothing, and reads when the writes before it are done */
    STORE_BACKGROUND,  /* logs, figures and what else nobody waits for */
};

/* Embedded in or pointed to by the submitter's own struct; it must stay until `done` was called. */
struct store_write {
    enum store_class class;
    size_t bytes; /* how much it is about to write, where that may be megabytes */
    store_write_fn run;
    /* Set by `run` when it has done a part of its work: that part is committed (and stays, even
     * when a later one fails), then `run` is called again, before those of its kind that were
     * submitted later. `committed` and `done` are called after the last part. */
    bool has_more;
    /* Called on the writer thread when the batch is durable and before any `done` of it; for
     * refreshing caches that reads on other threads use. Only after success. May be NULL. */
    void (*committed)(struct store_write *write);
    store_done_fn done;
    void *arg;

    /* Outcome, valid in `done`. */
    enum err rc;
    struct error error;

    struct store_write *next; /* the store's own */
};

/* Queues a write, behind all others of its kind (background or not). Any thread. */
void store_submit(struct store *store, struct store_write *write);

/* Told of each batch, on the writer thread: for state in memory that follows what write functions
 * did. */
struct store_observer {
    /* All functions of the batch have run and nothing is committed: what several of them would
     * write can be written once. May be NULL. */
    void (*batch_ending)(struct store_observer *observer, struct store_txn *txn);
    /* Before any `committed` and `done` of the batch. `rc` is OK when it is durable; otherwise none
     * of it is. Must not block, nor call the store. No lock of the store is held. */
    void (*batch_ended)(struct store_observer *observer, enum err rc);
    struct store_observer *next; /* the store's own */
};

/* Before the first write that matters to it; until store_unobserve returns. */
void store_observe(struct store *store, struct store_observer *observer);
void store_unobserve(struct store *store, struct store_observer *observer);

/* Submits and waits; for start-up, the end, tools and tests, never on a loop. It runs behind all
 * that were submitted before, background writes too, and is let in as STORE_CONTROL. Fills `error`
 * from the write.
 */
enum err store_write_wait(struct store *store, store_write_fn run, void *arg, struct error *error);

/* As store_get, seeing what this batch has written. */
enum err store_txn_get(struct store_txn *txn, enum store_family family, struct str key,
                       struct arena *arena, bool *out_found, struct str *out_value,
                       struct error *error);
void store_txn_put(struct store_txn *txn, enum store_family family, struct str key,
                   struct str value);
void store_txn_delete(struct store_txn *txn, enum store_family family, struct str key);

/* Has the batch as much as goes into one commit? A write function that loops asks after each step,
 * and sets has_more. */
bool store_txn_is_full(const struct store_txn *txn);

/* As store_iter_new, seeing what this batch has written; free it before the write function returns.
 */
struct store_iter *store_txn_iter_new(struct store_txn *txn, enum store_family family,
                                      struct str start, struct str end, bool is_reverse);
