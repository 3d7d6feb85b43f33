/* Reads: short ones where they come in, long ones again and whole by a worker. */
#include "core/request.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../check.h"
#include "core/skylite.h"

enum { KEYS = 3000, LARGE = 1024 * 1024 };

struct fixture {
    char path[64];
    struct skylite skylite;
    struct arena arena;
    struct request request;
    struct error error;
    sem_t finished;
    enum err rc;
    pthread_t runner; /* of the last run */
    int runs, keys;
};

static struct fixture *f;

static enum err put_keys(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)write;
    (void)error;
    struct arena arena = {0};
    for (int i = 0; i < KEYS; i++)
        store_txn_put(txn, STORE_META, arena_printf(&arena, "long/%05d", i),
                      STR("0123456789012345678901234567890123456789012345678901234567890123"));
    store_txn_put(txn, STORE_META, STR("large"), str_make(arena_alloc(&arena, LARGE), LARGE));
    arena_release(&arena);
    return OK;
}

static void finished(struct request *request, enum err rc)
{
    (void)request;
    f->rc = rc;
    sem_post(&f->finished);
}

static int setup(void **state)
{
    (void)state;
    f = calloc(1, sizeof(*f));
    assert_non_null(f);
    snprintf(f->path, sizeof(f->path), "/tmp/skylite-read-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    struct store_options options = {.cache_bytes = 1024 * 1024};
    assert_int_equal(store_open(f->path, &options, &f->skylite.store, &f->error), OK);
    assert_int_equal(store_write_wait(f->skylite.store, put_keys, NULL, &f->error), OK);
    assert_int_equal(workers_new(1, &f->skylite.workers, &f->error), OK);
    assert_int_equal(loop_new(0, &f->skylite.loops[0], &f->error), OK);
    assert_int_equal(loop_start(f->skylite.loops[0], &f->error), OK);
    sem_init(&f->finished, 0, 0);
    f->request = (struct request){.arena = &f->arena,
                                  .loop = f->skylite.loops[0],
                                  .skylite = &f->skylite,
                                  .doc = json_doc(&f->arena),
                                  .finished = finished};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    workers_free(f->skylite.workers);
    loop_stop(f->skylite.loops[0]);
    loop_join(f->skylite.loops[0]);
    loop_free(f->skylite.loops[0]);
    arena_release(&f->arena);
    store_close(f->skylite.store);
    sem_destroy(&f->finished);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
    free(f);
    return system(command);
}

static void begin(struct request *request)
{
    f->runs++;
    f->runner = pthread_self();
    f->keys = 0;
    json_add_i64(request->doc, request_output(request), "Run", f->runs);
    request_add_header(request, STR("X-Run"), STR("1"));
}

/* Passes over the iterator's error, as a careless handler would. */
static enum err count(struct request *request, struct str start)
{
    struct str key, value;
    begin(request);
    struct store_iter *iter =
        store_iter_new(f->skylite.store, STORE_META, start, STR("long0"), false);
    while (store_iter_next(iter, &key, &value))
        f->keys++;
    store_iter_free(iter);
    return OK;
}

static enum err count_few(struct request *request)
{
    return count(request, STR("long/02990"));
}

static enum err count_all(struct request *request)
{
    return count(request, STR("long/"));
}

static enum err fail_after_all(struct request *request)
{
    count_all(request);
    return request_fail(request, ERR_VALIDATION, "%d keys", f->keys);
}

static enum err get_large(struct request *request)
{
    bool is_found;
    struct str value;
    begin(request);
    enum err rc = store_get(f->skylite.store, STORE_META, STR("large"), request->arena, &is_found,
                            &value, &request->error);
    f->keys = is_found;
    return rc;
}

static void test_request_read__runs_a_short_read_at_once(void **state)
{
    (void)state;
    assert_int_equal(request_read(&f->request, count_few), OK);
    assert_int_equal(f->keys, 10);
    assert_int_equal(f->runs, 1);
    assert_true(pthread_equal(f->runner, pthread_self()));
}

static void test_request_read__gives_one_large_value_at_once(void **state)
{
    (void)state;
    assert_int_equal(request_read(&f->request, get_large), OK);
    assert_int_equal(f->runs, 1);
    assert_int_equal(f->keys, 1);
}

static void test_request_read__has_a_worker_run_a_long_read_again(void **state)
{
    int64_t run = 0;
    (void)state;
    assert_int_equal(request_read(&f->request, count_all), ERR_PENDING);
    sem_wait(&f->finished);
    assert_int_equal(f->rc, OK);
    assert_int_equal(f->keys, KEYS);
    assert_int_equal(f->runs, 2);
    assert_false(pthread_equal(f->runner, pthread_self()));
    assert_true(yyjson_mut_is_int(yyjson_mut_obj_get(f->request.output, "Run")));
    run = yyjson_mut_get_sint(yyjson_mut_obj_get(f->request.output, "Run"));
    assert_int_equal(run, 2);
    assert_int_equal(f->request.extra_header_count, 1);
}

static void test_request_read__tells_the_error_of_the_whole_read(void **state)
{
    (void)state;
    assert_int_equal(request_read(&f->request, fail_after_all), ERR_PENDING);
    sem_wait(&f->finished);
    assert_int_equal(f->rc, ERR_VALIDATION);
    assert_string_equal(f->request.error.message, "3000 keys");
}

static void test_request_read__leaves_later_reads_of_the_thread_alone(void **state)
{
    (void)state;
    assert_int_equal(request_read(&f->request, count_all), ERR_PENDING);
    sem_wait(&f->finished);
    assert_int_equal(count_all(&f->request), OK);
    assert_int_equal(f->keys, KEYS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_request_read__runs_a_short_read_at_once),
        TEST(test_request_read__gives_one_large_value_at_once),
        TEST(test_request_read__has_a_worker_run_a_long_read_again),
        TEST(test_request_read__tells_the_error_of_the_whole_read),
        TEST(test_request_read__leaves_later_reads_of_the_thread_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
