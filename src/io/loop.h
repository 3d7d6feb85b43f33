/* An event loop: one thread that runs callbacks. Everything that is given to a loop is called on
 * its thread, never inside the call that gives it. The only folder that knows libuv. */
#pragma once

#include "base/error.h"

struct loop;

/* `index` counts from 0 and names the thread. From the first loop on the process ignores SIGPIPE.
 */
enum err loop_new(unsigned index, struct loop **out, struct error *error);

/* Starts the loop's thread. */
enum err loop_start(struct loop *loop, struct error *error);

/* Runs the loop on the calling thread until loop_stop. */
void loop_run(struct loop *loop);

/* Has the loop end; any thread. What was posted before, blocking work under way and close callbacks
 * are finished first. What is posted later may never run. */
void loop_stop(struct loop *loop);

/* Waits until the loop's thread has ended; nothing when loop_start was not called. */
void loop_join(struct loop *loop);

/* After loop_run has returned. Listeners must be closed before; timers and watches that are left
 * are freed without being called. */
void loop_free(struct loop *loop);

unsigned loop_index(const struct loop *loop);

/* The loop that runs the calling thread, or NULL. */
struct loop *loop_current(void);

/* Monotonic milliseconds as of the start of this round of callbacks; costs no system call. */
int64_t loop_now_ms(const struct loop *loop);

/* --- Work handed to a loop --- */

/* Embedded in the poster's struct; it may be posted again once it runs. */
struct loop_task {
    void (*run)(struct loop_task *task);
    struct loop_task *next; /* the loop's own */
};

/* Runs `task` on the loop's thread soon. Any thread; on the loop's own it costs no system call. The
 * tasks that one thread posts run in that order. */
void loop_post(struct loop *loop, struct loop_task *task);

/* --- Timers (on the loop's thread) --- */

struct loop_timer;

/* Calls fn(arg) after `delay_ms`, then every `repeat_ms` when that is not 0. A timer without repeat
 * frees itself after its call. */
struct loop_timer *loop_timer_start(struct loop *loop, uint64_t delay_ms, uint64_t repeat_ms,
                                    void (*fn)(void *arg), void *arg);

/* Stops and frees it; NULL does nothing. A timer without repeat may be stopped from inside its call
 * at the latest. */
void loop_timer_stop(struct loop_timer *timer);

/* --- Foreign file descriptors (on the loop's thread) --- */

struct loop_watch;

/* Calls fn(arg) whenever `fd` is readable or its other end is closed; level-triggered. After an
 * error of the descriptor (which reading it tells) there is one call and no other. The caller keeps
 * the descriptor, which becomes non-blocking and must stay open until loop_watch_stop returns. Not
 * for plain files. */
struct loop_watch *loop_watch_start(struct loop *loop, int fd, void (*fn)(void *arg), void *arg);
void loop_watch_stop(struct loop_watch *watch);

/* --- Blocking work --- */

/* Runs work(arg) on a pool thread, then done(arg) on the loop's thread. Called on the loop's
 * thread. The pool has few threads that all loops share: not for what waits long. */
void loop_work(struct loop *loop, void (*work)(void *arg), void (*done)(void *arg), void *arg);

/* --- Signals (on the loop's thread) --- */

/* Calls fn(signal, arg) on each SIGTERM and SIGINT. */
void loop_on_termination(struct loop *loop, void (*fn)(int signal, void *arg), void *arg);
