#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../check.h"
#include "io/loop.h"

/* A loop that runs on the test's own thread, and what happened on it, in order. */
struct world {
    struct loop *loop;
    char log[256];
    int left; /* calls until the loop is stopped */
    struct loop_timer *timer;
    struct loop_watch *watch;
    int pipe[2];
    pthread_t worker;
};

/* A task that writes its letter into the log. */
struct note {
    struct loop_task task;
    struct world *world;
    char letter;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct error error;
    assert_non_null(world);
    assert_int_equal(loop_new(0, &world->loop, &error), OK);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    loop_free(world->loop);
    free(world);
    return 0;
}

static void note(struct world *world, char letter)
{
    size_t len = strlen(world->log);
    assert_true(len + 1 < sizeof(world->log));
    world->log[len] = letter;
}

static void run_note(struct loop_task *task)
{
    struct note *self = (struct note *)task;
    note(self->world, self->letter);
}

static struct note make_note(struct world *world, char letter)
{
    return (struct note){{.run = run_note}, world, letter};
}

/* --- Tasks --- */

static void *post_three(void *arg)
{
    struct note *notes = arg;
    for (int i = 0; i < 3; i++)
        loop_post(notes[i].world->loop, &notes[i].task);
    loop_stop(notes[0].world->loop);
    return NULL;
}

static void test_loop__runs_what_another_thread_posts_in_order(void **state)
{
    struct world *w = *state;
    struct note notes[] = {make_note(w, 'a'), make_note(w, 'b'), make_note(w, 'c')};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, post_three, notes), 0);
    loop_run(w->loop);
    pthread_join(thread, NULL);
    assert_string_equal(w->log, "abc");
}

struct poster {
    struct loop_task task;
    struct note *first, *second;
};

static void run_poster(struct loop_task *task)
{
    struct poster *poster = (struct poster *)task;
    struct world *world = poster->first->world;
    loop_post(world->loop, &poster->first->task);
    loop_post(world->loop, &poster->second->task);
    note(world, '.');
    loop_stop(world->loop);
}

static void test_loop__runs_its_own_tasks_after_the_call_that_posts_them(void **state)
{
    struct world *w = *state;
    struct note first = make_note(w, 'a'), second = make_note(w, 'b');
    struct poster poster = {{.run = run_poster}, &first, &second};
    loop_post(w->loop, &poster.task);
    loop_run(w->loop);
    assert_string_equal(w->log, ".ab");
}

static void run_again(struct loop_task *task)
{
    struct note *self = (struct note *)task;
    note(self->world, self->letter);
    if (++self->letter <= 'e')
        loop_post(self->world->loop, task);
    else
        loop_stop(self->world->loop);
}

static void test_loop__takes_a_task_again_while_it_runs(void **state)
{
    struct world *w = *state;
    struct note again = {{.run = run_again}, w, 'a'};
    loop_post(w->loop, &again.task);
    loop_run(w->loop);
    assert_string_equal(w->log, "abcde");
}

static void note_current(struct loop_task *task)
{
    struct note *self = (struct note *)task;
    note(self->world, loop_current() == self->world->loop ? 'y' : 'n');
    loop_stop(self->world->loop);
}

static void test_loop__is_current_while_it_runs(void **state)
{
    struct world *w = *state;
    struct note current = {{.run = note_current}, w, 0};
    loop_post(w->loop, &current.task);
    loop_run(w->loop);
    assert_string_equal(w->log, "y");
    assert_null(loop_current());
}

/* --- Timers --- */

static void on_timer(void *arg)
{
    struct world *world = arg;
    note(world, 't');
    if (--world->left == 0) {
        loop_timer_stop(world->timer);
        loop_stop(world->loop);
    }
}

static void test_timer__fires_once(void **state)
{
    struct world *w = *state;
    w->left = 1;
    w->timer = loop_timer_start(w->loop, 1, 0, on_timer, w);
    loop_run(w->loop);
    assert_string_equal(w->log, "t");
}

static void test_timer__repeats_until_it_is_stopped(void **state)
{
    struct world *w = *state;
    w->left = 3;
    w->timer = loop_timer_start(w->loop, 0, 1, on_timer, w);
    loop_run(w->loop);
    assert_string_equal(w->log, "ttt");
}

static void test_timer__does_not_fire_once_it_is_stopped(void **state)
{
    struct world *w = *state;
    w->left = 1;
    loop_timer_stop(loop_timer_start(w->loop, 0, 0, on_timer, w));
    w->timer = loop_timer_start(w->loop, 2, 0, on_timer, w);
    loop_run(w->loop);
    assert_string_equal(w->log, "t");
}

static void test_timer__that_is_left_is_freed_with_the_loop(void **state)
{
    struct world *w = *state;
    loop_timer_start(w->loop, 1000000, 0, on_timer, w);
    loop_timer_start(w->loop, 0, 1, on_timer, w);
}

/* --- Watches --- */

static void on_readable(void *arg)
{
    struct world *world = arg;
    char byte;
    ssize_t got = read(world->pipe[0], &byte, 1);
    note(world, got == 1 ? byte : '.');
    if (got != 1) {
        loop_watch_stop(world->watch);
        loop_stop(world->loop);
    }
}

static void test_watch__tells_of_each_byte_and_of_the_end(void **state)
{
    struct world *w = *state;
    assert_int_equal(pipe(w->pipe), 0);
    assert_int_equal(write(w->pipe[1], "xyz", 3), 3);
    close(w->pipe[1]);
    w->watch = loop_watch_start(w->loop, w->pipe[0], on_readable, w);
    loop_run(w->loop);
    close(w->pipe[0]);
    assert_string_equal(w->log, "xyz.");
}

static void test_watch__that_is_left_is_freed_with_the_loop(void **state)
{
    struct world *w = *state;
    assert_int_equal(pipe(w->pipe), 0);
    loop_watch_start(w->loop, w->pipe[0], on_readable, w);
    close(w->pipe[1]);
    close(w->pipe[0]);
}

/* --- Blocking work --- */

static void work(void *arg)
{
    struct world *world = arg;
    world->worker = pthread_self();
}

static void done(void *arg)
{
    struct world *world = arg;
    note(world, loop_current() == world->loop ? 'd' : '?');
}

static void run_work(struct loop_task *task)
{
    struct note *self = (struct note *)task;
    loop_work(self->world->loop, work, done, self->world);
    loop_stop(self->world->loop);
}

static void test_loop__finishes_its_work_before_it_ends(void **state)
{
    struct world *w = *state;
    struct note start = {{.run = run_work}, w, 0};
    loop_post(w->loop, &start.task);
    loop_run(w->loop);
    assert_string_equal(w->log, "d");
}

static void test_work__runs_on_another_thread(void **state)
{
    struct world *w = *state;
    struct note start = {{.run = run_work}, w, 0};
    loop_post(w->loop, &start.task);
    loop_run(w->loop);
    assert_false(pthread_equal(w->worker, pthread_self()));
}

/* --- Signals --- */

static void on_signal(int number, void *arg)
{
    struct world *world = arg;
    note(world, number == SIGTERM ? 't' : 'i');
    if (--world->left == 0)
        loop_stop(world->loop);
}

static void test_loop__tells_of_signals_to_end(void **state)
{
    struct world *w = *state;
    w->left = 2;
    loop_on_termination(w->loop, on_signal, w);
    kill(getpid(), SIGINT);
    kill(getpid(), SIGTERM);
    loop_run(w->loop);
    assert_int_equal(strlen(w->log), 2);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_loop__runs_what_another_thread_posts_in_order),
        CASE(test_loop__runs_its_own_tasks_after_the_call_that_posts_them),
        CASE(test_loop__takes_a_task_again_while_it_runs),
        CASE(test_loop__is_current_while_it_runs),
        CASE(test_timer__fires_once),
        CASE(test_timer__repeats_until_it_is_stopped),
        CASE(test_timer__does_not_fire_once_it_is_stopped),
        CASE(test_timer__that_is_left_is_freed_with_the_loop),
        CASE(test_watch__tells_of_each_byte_and_of_the_end),
        CASE(test_watch__that_is_left_is_freed_with_the_loop),
        CASE(test_loop__finishes_its_work_before_it_ends),
        CASE(test_work__runs_on_another_thread),
        CASE(test_loop__tells_of_signals_to_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
