/* Work that is too long for one write function: steps of bounded size on the writer thread, with
 * other writes in between. What a job has still to do is in the store, so that the next start goes
 * on with it. */
#pragma once

#include "services/dynamodb/table.h"

enum { DDB_JOB_STEP = 100 }; /* items in a step: a few milliseconds of the writer's time */

struct ddb_job {
    struct store_write write; /* first */
    struct dynamodb *dynamodb;
    const char *what; /* for the log */
    bool is_done;     /* set by the step that found nothing more to do */
    struct ddb_job *next_stalled;
    /* One step; `scratch` is empty at its start. */
    enum err (*step)(struct ddb_job *job, struct store_txn *txn, struct arena *scratch,
                     struct error *error);
    /* Forgets how far it came, after a step whose writes were refused, and closes its iterators:
     * the store waits for them. NULL: every step looks for what is left. Writer thread. */
    void (*begin_anew)(struct ddb_job *job);
    /* Gives back what is the job's own, and the job itself: NULL is free(). Writer thread. */
    void (*end)(struct ddb_job *job);
};

/* Allocates a job that `size` bytes hold, of which the first is a struct ddb_job. */
void *ddb_job_new(struct dynamodb *dynamodb, size_t size, const char *what,
                  enum err (*step)(struct ddb_job *job, struct store_txn *txn,
                                   struct arena *scratch, struct error *error));

/* Takes the job over. Any thread. */
void ddb_job_start(struct ddb_job *job);

/* Goes on with jobs that met a full disk. Now and then, on a loop. */
void ddb_jobs_go_on(struct dynamodb *dynamodb);

/* Waits until no job runs any more; those that are not done stay in the store. After is_closing is
 * set, not on the writer thread. */
void ddb_jobs_stop(struct dynamodb *dynamodb);

/* Deletes all that is stored under an id, in the background and also after a restart. `ddb_purge`
 * makes the note of it in a transaction; `ddb_purge_start` begins when that is durable. */
void ddb_purge(struct store_txn *txn, uint64_t id);
void ddb_purge_start(struct dynamodb *dynamodb, uint64_t id);

/* Deletes up to `room` of what is stored under an id; how many there were. */
size_t ddb_purge_some(struct store_txn *txn, uint64_t id, size_t room, struct arena *scratch);

/* Fills new indexes and times to live with what was in the table before. `ddb_fill` makes the note
 * (of an index's id, or the id of times to live), `ddb_fill_start` begins when that is durable. */
void ddb_fill(struct store_txn *txn, const struct ddb_table *table, uint64_t id);
void ddb_fill_start(struct dynamodb *dynamodb, const struct ddb_table *table, uint64_t id);

/* Goes on with the jobs of before a restart. */
enum err ddb_purge_resume(struct dynamodb *dynamodb, struct error *error);
enum err ddb_fill_resume(struct dynamodb *dynamodb, struct error *error);
