/* Workers: jobs in their order. */
#include "io/workers.h"

#include <pthread.h>
#include <semaphore.h>

#include "../check.h"

enum { JOBS = 100 };

struct fixture {
    struct workers_job jobs[JOBS];
    int order[JOBS], count;
    sem_t done;
};

static struct fixture f;

static void note(struct workers_job *job)
{
    f.order[f.count++] = (int)(job - f.jobs);
    sem_post(&f.done);
}

static void test_workers__run_jobs_in_order(void **state)
{
    struct workers *workers;
    struct error error;
    (void)state;
    sem_init(&f.done, 0, 0);
    assert_int_equal(workers_new(1, &workers, &error), OK);
    for (int i = 0; i < JOBS; i++) {
        f.jobs[i].run = note;
        workers_submit(workers, &f.jobs[i]);
    }
    for (int i = 0; i < JOBS; i++)
        sem_wait(&f.done);
    workers_free(workers);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(f.order[i], i);
    sem_destroy(&f.done);
}

static void test_workers_free__does_not_wait_for_jobs_that_wait(void **state)
{
    struct workers *workers;
    struct error error;
    (void)state;
    assert_int_equal(workers_new(3, &workers, &error), OK);
    workers_free(workers);
    workers_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers__run_jobs_in_order),
        cmocka_unit_test(test_workers_free__does_not_wait_for_jobs_that_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
