/* The store: what is committed stays, what failed is undone, writes see each other in order. */
#include "store/store.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <stdio.h>
#include <unistd.h>

#include "../check.h"
#include "base/buf.h"

struct fixture {
    char path[64];
    struct store *store;
    struct arena arena;
    struct error error;
};

static void open_store(struct fixture *f)
{
    struct store_options options = {.durability = STORE_SYNC, .cache_bytes = 1024 * 1024};
    assert_int_equal(store_open(f->path, &options, &f->store, &f->error), OK);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    snprintf(f->path, sizeof(f->path), "%s", "/tmp/skylite-store-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    open_store(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    store_close(f->store);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
    int rc = system(command);
    free(f);
    return rc;
}

static enum err put_abc(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)write;
    (void)error;
    store_txn_put(txn, STORE_META, STR("a"), STR("1"));
    store_txn_put(txn, STORE_META, STR("b"), STR("2"));
    store_txn_put(txn, STORE_META, STR("c"), STR("3"));
    return OK;
}

static enum err put_and_fail(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)write;
    store_txn_put(txn, STORE_META, STR("a"), STR("changed"));
    store_txn_delete(txn, STORE_META, STR("b"));
    return error_set(error, ERR_VALIDATION, "no");
}

static struct str get(struct fixture *f, const char *key)
{
    bool found;
    struct str value;
    assert_int_equal(
        store_get(f->store, STORE_META, str_from(key), &f->arena, &found, &value, &f->error), OK);
    return found ? value : STR("(missing)");
}

/* The keys of a walk, joined. */
static struct str walk(struct fixture *f, struct store_iter *iter)
{
    struct buf keys;
    struct str key, value;
    buf_init_arena(&keys, &f->arena, 1024);
    while (store_iter_next(iter, &key, &value))
        buf_add(&keys, key);
    assert_int_equal(store_iter_error(iter, &f->error), OK);
    store_iter_free(iter);
    return buf_str(&keys);
}

static void test_store__keeps_a_write_across_reopening(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store_write_wait(f->store, put_abc, NULL, &f->error), OK);
    store_close(f->store);
    open_store(f);
    assert_str(get(f, "b"), STR("2"));
}

static void test_store__undoes_a_write_that_fails(void **state)
{
    struct fixture *f = *state;
    store_write_wait(f->store, put_abc, NULL, &f->error);
    assert_int_equal(store_write_wait(f->store, put_and_fail, NULL, &f->error), ERR_VALIDATION);
    assert_string_equal(f->error.message, "no");
    assert_str(get(f, "a"), STR("1"));
    assert_str(get(f, "b"), STR("2"));
}

static void test_store__walks_a_range_in_both_directions(void **state)
{
    struct fixture *f = *state;
    store_write_wait(f->store, put_abc, NULL, &f->error);
    assert_str(walk(f, store_iter_new(f->store, STORE_META, STR("a"), STR("c"), false)), STR("ab"));
    assert_str(walk(f, store_iter_new(f->store, STORE_META, STR("a"), STR("c"), true)), STR("ba"));
    assert_str(walk(f, store_iter_new(f->store, STORE_META, STR("b"), STR_EMPTY, true)), STR("cb"));
    assert_str(walk(f, store_iter_new(f->store, STORE_META, STR("x"), STR("y"), false)), STR(""));
}

static enum err read_back(struct store_txn *txn, struct store_write *write, struct error *error)
{
    struct fixture *f = write->arg;
    bool found;
    struct str value;

    store_txn_put(txn, STORE_META, STR("bb"), STR("new"));
    store_txn_delete(txn, STORE_META, STR("a"));
    assert_int_equal(store_txn_get(txn, STORE_META, STR("bb"), &f->arena, &found, &value, error),
                     OK);
    assert_str(value, STR("new"));
    assert_int_equal(store_txn_get(txn, STORE_META, STR("a"), &f->arena, &found, &value, error),
                     OK);
    assert_false(found);
    assert_str(walk(f, store_txn_iter_new(txn, STORE_META, STR("a"), STR("c"), false)), STR("bbb"));
    assert_str(walk(f, store_txn_iter_new(txn, STORE_META, STR("a"), STR("bb"), true)), STR("b"));
    return OK;
}

static void test_store__a_write_reads_what_it_wrote(void **state)
{
    struct fixture *f = *state;
    store_write_wait(f->store, put_abc, NULL, &f->error);
    assert_int_equal(store_write_wait(f->store, read_back, f, &f->error), OK);
    assert_str(get(f, "a"), STR("(missing)"));
}

static void test_store__refuses_a_folder_in_use(void **state)
{
    struct fixture *f = *state;
    struct store_options options = {0};
    struct store *second = NULL;
    assert_int_equal(store_open(f->path, &options, &second, &f->error), ERR_INTERNAL);
    assert_non_null(strstr(f->error.message, "in use by another process"));
}

enum { COUNTERS = 500 };

struct counting {
    struct store_write write;
    struct fixture *f;
    struct arena arena;
    int done_order;
    bool was_committed;
};

static _Atomic int done_count;

static enum err increment(struct store_txn *txn, struct store_write *write, struct error *error)
{
    struct counting *counting = write->arg;
    bool found;
    struct str value;
    uint64_t count = 0;
    enum err rc = store_txn_get(txn, STORE_META, STR("n"), &counting->arena, &found, &value, error);
    if (rc)
        return rc;
    if (found)
        assert_true(str_to_u64(value, &count));
    store_txn_put(txn, STORE_META, STR("n"),
                  arena_printf(&counting->arena, "%llu", (unsigned long long)count + 1));
    return count % 10 == 3 ? error_set(error, ERR_VALIDATION, "every tenth") : OK;
}

static void on_committed(struct store_write *write)
{
    ((struct counting *)write->arg)->was_committed = true;
}

static void on_done(struct store_write *write)
{
    struct counting *counting = write->arg;
    assert_true(counting->was_committed == (write->rc == OK));
    counting->done_order = done_count++;
}

/* A count that ends in 3 never gets past the failing write, so all later ones fail as well: the
 * failing one was undone each time, alone. */
static void test_store__writes_run_in_order_and_fail_alone(void **state)
{
    struct fixture *f = *state;
    struct counting *all = calloc(COUNTERS, sizeof(*all));
    assert_non_null(all);
    done_count = 0;
    for (int i = 0; i < COUNTERS; i++) {
        all[i].f = f;
        all[i].write = (struct store_write){
            .run = increment, .committed = on_committed, .done = on_done, .arg = &all[i]};
        store_submit(f->store, &all[i].write);
    }
    while (done_count < COUNTERS)
        store_write_wait(f->store, put_abc, NULL, &f->error);

    for (int i = 0; i < COUNTERS; i++) {
        assert_int_equal(all[i].done_order, i);
        assert_int_equal(all[i].write.rc, i < 3 ? OK : ERR_VALIDATION);
        arena_release(&all[i].arena);
    }
    assert_str(get(f, "n"), STR("3"));
    free(all);
}

/* Writes that hold the writer up, and such that tell in which order they ran. */
enum { CROWD = 3000 };

struct ordered {
    struct store_write write;
    struct store *store;
    int order, parts;
    _Atomic bool *stops;
};

static _Atomic int run_count;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static enum err wait_at_gate(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)txn;
    (void)write;
    (void)error;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return OK;
}

static enum err run_ordered(struct store_txn *txn, struct store_write *write, struct error *error)
{
    struct ordered *ordered = write->arg;
    (void)error;
    store_txn_put(txn, STORE_META, STR("o"), STR("some text to write"));
    ordered->order = run_count++;
    write->has_more = --ordered->parts > 0;
    return OK;
}

static void ordered_done(struct store_write *write)
{
    struct ordered *ordered = write->arg;
    assert_int_equal(write->rc, OK);
    if (ordered->stops && !*ordered->stops)
        store_submit(ordered->store, write);
    else
        done_count++;
}

static void add_ordered(struct fixture *f, struct ordered *ordered, enum store_class class)
{
    ordered->store = f->store;
    ordered->write = (struct store_write){
        .class = class, .run = run_ordered, .done = ordered_done, .arg = ordered};
    store_submit(f->store, &ordered->write);
}

static void ignore_done(struct store_write *write)
{
    (void)write;
}

/* All of it waits together when the gate opens. */
static void test_store__interactive_writes_overtake_background_writes(void **state)
{
    struct fixture *f = *state;
    struct store_write hold = {.run = wait_at_gate, .done = ignore_done};
    struct ordered *crowd = calloc(CROWD, sizeof(*crowd));
    struct ordered late = {0};
    assert_non_null(crowd);
    run_count = done_count = 0;
    pthread_mutex_lock(&gate);
    store_submit(f->store, &hold);
    for (int i = 0; i < CROWD; i++)
        add_ordered(f, &crowd[i], STORE_BACKGROUND);
    add_ordered(f, &late, STORE_INTERACTIVE);
    pthread_mutex_unlock(&gate);
    store_write_wait(f->store, put_abc, NULL, &f->error);
    assert_int_equal(done_count, CROWD + 1);
    assert_true(late.order < CROWD / 2);
    for (int i = 1; i < CROWD; i++)
        assert_true(crowd[i - 1].order < crowd[i].order);
    free(crowd);
}

/* Each interactive write is followed by the next one at once. */
static void test_store__background_writes_go_on_beside_interactive_ones(void **state)
{
    struct fixture *f = *state;
    _Atomic bool stops = false;
    done_count = 0;
    struct ordered busy[2] = {{.stops = &stops}, {.stops = &stops}};
    add_ordered(f, &busy[0], STORE_INTERACTIVE);
    add_ordered(f, &busy[1], STORE_CONTROL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(store_write_wait(f->store, put_abc, NULL, &f->error), OK);
    stops = true;
    while (done_count < 2)
        assert_int_equal(store_write_wait(f->store, put_abc, NULL, &f->error), OK);
}

static void test_store__a_long_write_runs_in_parts_in_its_place(void **state)
{
    struct fixture *f = *state;
    struct store_write hold = {.class = STORE_BACKGROUND, .run = wait_at_gate, .done = ignore_done};
    struct ordered parts = {.parts = 5}, next = {0};
    run_count = done_count = 0;
    pthread_mutex_lock(&gate);
    store_submit(f->store, &hold);
    add_ordered(f, &parts, STORE_BACKGROUND);
    add_ordered(f, &next, STORE_BACKGROUND);
    pthread_mutex_unlock(&gate);
    store_write_wait(f->store, put_abc, NULL, &f->error);
    assert_int_equal(done_count, 2);
    assert_int_equal(parts.order, 4);
    assert_int_equal(next.order, 5);
}

struct counting_observer {
    struct store_observer observer; /* first */
    int batches;
};

static void sign_batch(struct store_observer *observer, struct store_txn *txn)
{
    (void)observer;
    store_txn_put(txn, STORE_META, STR("signed"), STR("yes"));
}

static void count_batch(struct store_observer *observer, enum err rc)
{
    ((struct counting_observer *)observer)->batches += rc == OK;
}

static void test_store__tells_observers_of_each_batch(void **state)
{
    struct fixture *f = *state;
    struct counting_observer counting = {
        .observer = {.batch_ending = sign_batch, .batch_ended = count_batch}};
    store_observe(f->store, &counting.observer);
    store_write_wait(f->store, put_abc, NULL, &f->error);
    store_unobserve(f->store, &counting.observer);
    store_write_wait(f->store, put_abc, NULL, &f->error);
    assert_int_equal(counting.batches, 1);
    assert_str(get(f, "signed"), STR("yes"));
}

static void test_store__prefix_end_is_behind_all_with_the_prefix(void **state)
{
    struct fixture *f = *state;
    assert_str(store_prefix_end(&f->arena, STR("ab")), STR("ac"));
    assert_str(store_prefix_end(&f->arena, STR("a\xff\xff")), STR("b"));
    assert_str(store_prefix_end(&f->arena, STR("\xff")), STR(""));
}

/* An observer that wants a lock whose holder submits a write. */
struct locking_observer {
    struct store_observer observer; /* first */
    pthread_mutex_t lock;
    atomic_bool is_called;
};

static void take_lock(struct store_observer *observer, enum err rc)
{
    struct locking_observer *self = (struct locking_observer *)observer;
    assert_int_equal(rc, OK);
    atomic_store(&self->is_called, true);
    pthread_mutex_lock(&self->lock);
    pthread_mutex_unlock(&self->lock);
}

static void test_store__observers_may_wait_for_who_submits(void **state)
{
    struct fixture *f = *state;
    struct locking_observer locking = {.observer.batch_ended = take_lock,
                                       .lock = PTHREAD_MUTEX_INITIALIZER};
    struct store_write first = {.run = put_abc, .done = ignore_done}, second = first;
    store_observe(f->store, &locking.observer);
    pthread_mutex_lock(&locking.lock);
    store_submit(f->store, &first);
    while (!atomic_load(&locking.is_called))
        sched_yield();
    store_submit(f->store, &second);
    pthread_mutex_unlock(&locking.lock);
    assert_int_equal(store_write_wait(f->store, put_abc, NULL, &f->error), OK);
    store_unobserve(f->store, &locking.observer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_store__keeps_a_write_across_reopening, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_store__undoes_a_write_that_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store__walks_a_range_in_both_directions, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_store__a_write_reads_what_it_wrote, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store__refuses_a_folder_in_use, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store__writes_run_in_order_and_fail_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_store__interactive_writes_overtake_background_writes,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_store__background_writes_go_on_beside_interactive_ones,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_store__a_long_write_runs_in_parts_in_its_place, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_store__tells_observers_of_each_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store__observers_may_wait_for_who_submits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_store__prefix_end_is_behind_all_with_the_prefix, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
