/* Jobs in steps, and the one that deletes. */
#include "services/dynamodb/job.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static enum err run_step(struct store_txn *txn, struct store_write *write, struct error *error)
{
    struct ddb_job *job = (struct ddb_job *)write;
    struct arena scratch = {0};
    enum err rc = job->step(job, txn, &scratch, error);
    arena_release(&scratch);
    return rc;
}

static void end(struct ddb_job *job)
{
    if (job->end)
        job->end(job);
    else
        free(job);
}

/* Until the disk has room again. */
static void stall(struct ddb_job *job)
{
    struct dynamodb *dynamodb = job->dynamodb;
    if (job->begin_anew)
        job->begin_anew(job);
    pthread_mutex_lock(&dynamodb->stalled_lock);
    job->next_stalled = dynamodb->stalled;
    dynamodb->stalled = job;
    pthread_mutex_unlock(&dynamodb->stalled_lock);
}

static struct ddb_job *take_stalled(struct dynamodb *dynamodb)
{
    pthread_mutex_lock(&dynamodb->stalled_lock);
    struct ddb_job *first = dynamodb->stalled;
    dynamodb->stalled = NULL;
    pthread_mutex_unlock(&dynamodb->stalled_lock);
    return first;
}

static void step_done(struct store_write *write)
{
    struct ddb_job *job = (struct ddb_job *)write;
    bool is_closing = atomic_load(&job->dynamodb->is_closing);
    if (write->rc == OK && !job->is_done && !is_closing) {
        store_submit(job->dynamodb->skylite->store, write);
        return;
    }
    if (write->rc == ERR_SERVICE_UNAVAILABLE && !is_closing) {
        stall(job);
        return;
    }
    if (write->rc)
        log_error("dynamodb", "%s stops until the next start: %s", job->what, write->error.message);
    end(job);
}

void ddb_jobs_go_on(struct dynamodb *dynamodb)
{
    struct ddb_job *job = take_stalled(dynamodb), *next;
    for (; job; job = next) {
        next = job->next_stalled;
        ddb_job_start(job);
    }
}

void *ddb_job_new(struct dynamodb *dynamodb, size_t size, const char *what,
                  enum err (*step)(struct ddb_job *job, struct store_txn *txn,
                                   struct arena *scratch, struct error *error))
{
    struct ddb_job *job = calloc(1, size);
    if (!job)
        abort();
    job->dynamodb = dynamodb;
    job->what = what;
    job->step = step;
    job->write.class = STORE_BACKGROUND;
    job->write.run = run_step;
    job->write.done = step_done;
    return job;
}

void ddb_job_start(struct ddb_job *job)
{
    store_submit(job->dynamodb->skylite->store, &job->write);
}

static enum err do_nothing(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)txn;
    (void)write;
    (void)error;
    return OK;
}

/* Writes are carried out in order. A job that had looked at is_closing too early is queued behind
 * the first of these and ends before the second. */
void ddb_jobs_stop(struct dynamodb *dynamodb)
{
    struct error error;
    for (int i = 0; i < 2; i++) {
        if (store_write_wait(dynamodb->skylite->store, do_nothing, NULL, &error))
            log_error("dynamodb", "%s", error.message);
    }
    struct ddb_job *job = take_stalled(dynamodb), *next;
    for (; job; job = next) {
        next = job->next_stalled;
        end(job);
    }
}

/* --- Deleting --- */

static const struct str purge_prefix = STR_INIT("dynamodb/purge/");

struct purge {
    struct ddb_job job; /* first */
    uint64_t id;
};

static struct str purge_key(char buffer[64], uint64_t id)
{
    int len = snprintf(buffer, 64, "%.*s%llu", STR_ARG(purge_prefix), (unsigned long long)id);
    return str_make(buffer, (size_t)len);
}

void ddb_purge(struct store_txn *txn, uint64_t id)
{
    char buffer[64];
    store_txn_put(txn, STORE_META, purge_key(buffer, id), STR("1"));
}

static struct str id_prefix(struct arena *arena, uint64_t id)
{
    uint64_t big_endian = __builtin_bswap64(id);
    return arena_str(arena, str_make((const char *)&big_endian, sizeof(big_endian)));
}

size_t ddb_purge_some(struct store_txn *txn, uint64_t id, size_t room, struct arena *scratch)
{
    struct str prefix = id_prefix(scratch, id), key, value;
    struct str *keys = arena_array(scratch, struct str, room);
    struct store_iter *iter =
        store_txn_iter_new(txn, STORE_ITEMS, prefix, store_prefix_end(scratch, prefix), false);
    size_t count = 0;
    while (count < room && store_iter_next(iter, &key, &value))
        keys[count++] = arena_str(scratch, key);
    store_iter_free(iter);
    for (size_t i = 0; i < count; i++)
        store_txn_delete(txn, STORE_ITEMS, keys[i]);
    return count;
}

static enum err purge_step(struct ddb_job *job, struct store_txn *txn, struct arena *scratch,
                           struct error *error)
{
    struct purge *purge = (struct purge *)job;
    char buffer[64];
    (void)error;
    job->is_done = ddb_purge_some(txn, purge->id, DDB_JOB_STEP, scratch) < DDB_JOB_STEP;
    if (job->is_done) {
        store_txn_delete(txn, STORE_META, purge_key(buffer, purge->id));
        ddb_stats_delete(txn, purge->id);
    }
    return OK;
}

void ddb_purge_start(struct dynamodb *dynamodb, uint64_t id)
{
    struct purge *purge =
        ddb_job_new(dynamodb, sizeof(*purge), "deleting what a table left", purge_step);
    purge->job.write.class = STORE_CONTROL;
    purge->id = id;
    ddb_job_start(&purge->job);
}

enum err ddb_purge_resume(struct dynamodb *dynamodb, struct error *error)
{
    struct arena arena = {0};
    struct str key, value;
    struct store_iter *iter = store_iter_new(dynamodb->skylite->store, STORE_META, purge_prefix,
                                             store_prefix_end(&arena, purge_prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        uint64_t id;
        if (str_to_u64(str_slice(key, purge_prefix.len, key.len), &id))
            ddb_purge_start(dynamodb, id);
    }
    enum err rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_release(&arena);
    return rc;
}
