/* A queue under one lock, and threads that take from it. Their priority is that of loops: with a
 * lower one a worker may sleep while it holds a lock that loops want (of the allocator, of a
 * cache). What bounds workers is how few they are. */
#include "io/workers.h"

#include <pthread.h>
#include <stdlib.h>

struct workers {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct workers_job *first, **last; /* guarded by the mutex */
    bool is_ending;                    /* guarded by the mutex */
    unsigned count;
    pthread_t threads[];
};

/* NULL when the workers end. */
static struct workers_job *take(struct workers *workers)
{
    pthread_mutex_lock(&workers->mutex);
    while (!workers->first && !workers->is_ending)
        pthread_cond_wait(&workers->wake, &workers->mutex);
    struct workers_job *job = workers->is_ending ? NULL : workers->first;
    if (job && !(workers->first = job->next))
        workers->last = &workers->first;
    pthread_mutex_unlock(&workers->mutex);
    return job;
}

static void *work(void *arg)
{
    struct workers *workers = arg;
    struct workers_job *job;
    pthread_setname_np(pthread_self(), "worker");
    while ((job = take(workers)) != NULL)
        job->run(job);
    return NULL;
}

enum err workers_new(unsigned count, struct workers **out, struct error *error)
{
    struct workers *workers = calloc(1, sizeof(*workers) + count * sizeof(pthread_t));
    if (!workers)
        abort();
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->wake, NULL);
    workers->last = &workers->first;
    for (; workers->count < count; workers->count++) {
        if (pthread_create(&workers->threads[workers->count], NULL, work, workers) != 0) {
            workers_free(workers);
            return error_set(error, ERR_INTERNAL, "cannot start a thread");
        }
    }
    *out = workers;
    return OK;
}

void workers_free(struct workers *workers)
{
    if (!workers)
        return;
    pthread_mutex_lock(&workers->mutex);
    workers->is_ending = true;
    pthread_cond_broadcast(&workers->wake);
    pthread_mutex_unlock(&workers->mutex);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->mutex);
    free(workers);
}

void workers_submit(struct workers *workers, struct workers_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&workers->mutex);
    *workers->last = job;
    workers->last = &job->next;
    pthread_cond_signal(&workers->wake);
    pthread_mutex_unlock(&workers->mutex);
}
