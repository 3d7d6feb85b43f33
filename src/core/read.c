/* Reads that may be long. Each begins on its loop with an allowance of what it may read there; one
 * that spends it is dropped and run again, from its start, by a worker. So no handler has to know
 * how to stop in the middle, short reads pay nothing, and a long one costs its loop a fraction of a
 * millisecond. */
#include <assert.h>

#include "core/internal.h"

enum { INLINE_COST = 128 * 1024 };

/* As it was before the handler ran. */
static void forget_answer(struct request *request)
{
    request->doc = json_doc(request->arena);
    request->output = NULL;
    request->raw_output = (struct str){NULL, 0};
    request->status = 0;
    request->extra_header_count = 0;
    request->handler_state = NULL;
    request->error = (struct error){0};
}

static struct request *request_of_job(struct workers_job *job)
{
    return (struct request *)((char *)job - offsetof(struct request, job));
}

static struct request *request_of_task(struct loop_task *task)
{
    return (struct request *)((char *)task - offsetof(struct request, task));
}

static void read_done(struct loop_task *task)
{
    struct request *request = request_of_task(task);
    request_finish(request, request->read_rc);
}

/* A client that went away while its read waited needs no answer. */
static bool is_abandoned(const struct request *request)
{
    return request->exchange && __atomic_load_n(&request->exchange->is_aborted, __ATOMIC_RELAXED);
}

/* Trees of long answers are long to write, too. */
static void write_answer(struct request *request)
{
    bool is_json = request->protocol == PROTOCOL_AWS_JSON_1_0 ||
                   request->protocol == PROTOCOL_AWS_JSON_1_1 ||
                   request->protocol == PROTOCOL_REST_JSON;
    if (is_json && request->output && !request->raw_output.ptr)
        request->raw_output = json_write(request->arena, request->output);
}

static void read_in_worker(struct workers_job *job)
{
    struct request *request = request_of_job(job);
    if (is_abandoned(request))
        request->read_rc = request_fail(request, ERR_INTERNAL, "The client is gone");
    else
        request->read_rc = request->read_fn(request);
    assert(request->read_rc != ERR_PENDING);
    if (request->read_rc == OK)
        write_answer(request);
    request->task.run = read_done;
    loop_post(request->loop, &request->task);
}

enum err request_read(struct request *request, enum err (*run)(struct request *request))
{
    struct workers *workers = request->skylite->workers;
    if (!workers || request->txn)
        return run(request);
    store_allow(INLINE_COST);
    enum err rc = run(request);
    if (!store_allow_end())
        return rc;
    /* What it gave is not whole. It must not have handed that to anyone. */
    assert(rc != ERR_PENDING);
    forget_answer(request);
    request->read_fn = run;
    request->job.run = read_in_worker;
    workers_submit(workers, &request->job);
    return ERR_PENDING;
}
