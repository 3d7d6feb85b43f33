/* Event loops on libuv. */
#include "io/loop.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "io/internal.h"

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_signal_t signals[2];
    unsigned index;
    pthread_t thread;
    bool is_started;

    pthread_mutex_t mutex;
    struct loop_task *first; /* posted; guarded by the mutex */
    struct loop_task **last;
    bool is_stopping; /* guarded by the mutex */

    void (*on_signal)(int signal, void *arg);
    void *on_signal_arg;

    char http_date[32];
    uint64_t http_date_until_ms; /* loop time */
};

static _Thread_local struct loop *current;

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

/* --- Tasks --- */

static struct loop_task *take_posted(struct loop *loop, bool *out_is_stopping)
{
    pthread_mutex_lock(&loop->mutex);
    struct loop_task *first = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    *out_is_stopping = loop->is_stopping;
    pthread_mutex_unlock(&loop->mutex);
    return first;
}

static void on_wake(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    bool is_stopping;
    struct loop_task *task = take_posted(loop, &is_stopping);
    while (task) {
        struct loop_task *next = task->next;
        task->run(task);
        task = next;
    }
    if (is_stopping)
        uv_stop(&loop->uv);
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    task->next = NULL;
    pthread_mutex_lock(&loop->mutex);
    bool was_empty = !loop->first;
    *loop->last = task;
    loop->last = &task->next;
    pthread_mutex_unlock(&loop->mutex);
    if (was_empty)
        uv_async_send(&loop->wake);
}

/* --- Life --- */

enum err loop_new(unsigned index, struct loop **out, struct error *error)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        abort();
    signal(SIGPIPE,
           SIG_IGN); /* a peer that goes away is an error of the write, not of the process */
    int rc = uv_loop_init(&loop->uv);
    if (rc) {
        free(loop);
        return error_set(error, ERR_INTERNAL, "cannot make an event loop: %s", uv_strerror(rc));
    }
    loop->index = index;
    loop->last = &loop->first;
    pthread_mutex_init(&loop->mutex, NULL);
    uv_async_init(&loop->uv, &loop->wake, on_wake);
    loop->wake.data = loop;
    *out = loop;
    return OK;
}

void loop_run(struct loop *loop)
{
    char name[16];
    snprintf(name, sizeof(name), "loop %u", loop->index);
    pthread_setname_np(pthread_self(), name);
    current = loop;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    current = NULL;
}

static void *run_thread(void *arg)
{
    loop_run(arg);
    return NULL;
}

enum err loop_start(struct loop *loop, struct error *error)
{
    if (pthread_create(&loop->thread, NULL, run_thread, loop) != 0)
        return error_set(error, ERR_INTERNAL, "cannot start a thread");
    loop->is_started = true;
    return OK;
}

void loop_stop(struct loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    loop->is_stopping = true;
    pthread_mutex_unlock(&loop->mutex);
    uv_async_send(&loop->wake);
}

void loop_join(struct loop *loop)
{
    if (loop->is_started)
        pthread_join(loop->thread, NULL);
    loop->is_started = false;
}

static void close_own(uv_handle_t *handle, void *arg)
{
    struct loop *loop = arg;
    bool is_own = handle == (uv_handle_t *)&loop->wake ||
                  handle == (uv_handle_t *)&loop->signals[0] ||
                  handle == (uv_handle_t *)&loop->signals[1];
    if (is_own && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    uv_walk(&loop->uv, close_own, loop);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    /* Handles that their owners left open keep the loop's memory; the process is ending then. */
    int rc = uv_loop_close(&loop->uv);
    if (rc == UV_EBUSY)
        return;
    pthread_mutex_destroy(&loop->mutex);
    free(loop);
}

unsigned loop_index(const struct loop *loop)
{
    return loop->index;
}

struct loop *loop_current(void)
{
    return current;
}

int64_t loop_now_ms(const struct loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

struct str loop_http_date(struct loop *loop)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    uint64_t now = uv_now(&loop->uv);
    if (now >= loop->http_date_until_ms) {
        int64_t wall_ms = clock_wall_ms();
        time_t seconds = (time_t)(wall_ms / 1000);
        struct tm utc;
        gmtime_r(&seconds, &utc);
        snprintf(loop->http_date, sizeof(loop->http_date), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                 days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900,
                 utc.tm_hour, utc.tm_min, utc.tm_sec);
        loop->http_date_until_ms = now + (uint64_t)(1000 - wall_ms % 1000);
    }
    return str_make(loop->http_date, 29);
}

/* --- Timers --- */

struct loop_timer {
    uv_timer_t uv;
    void (*fn)(void *arg);
    void *arg;
    bool is_repeating;
};

static void free_handle(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_timer(uv_timer_t *uv)
{
    struct loop_timer *timer = uv->data;
    if (!timer->is_repeating)
        uv_close((uv_handle_t *)uv, free_handle);
    timer->fn(timer->arg);
}

struct loop_timer *loop_timer_start(struct loop *loop, uint64_t delay_ms, uint64_t repeat_ms,
                                    void (*fn)(void *arg), void *arg)
{
    struct loop_timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        abort();
    timer->fn = fn;
    timer->arg = arg;
    timer->is_repeating = repeat_ms != 0;
    timer->uv.data = timer;
    uv_timer_init(&loop->uv, &timer->uv);
    uv_timer_start(&timer->uv, on_timer, delay_ms, repeat_ms);
    return timer;
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (timer && !uv_is_closing((uv_handle_t *)&timer->uv))
        uv_close((uv_handle_t *)&timer->uv, free_handle);
}

/* --- Foreign file descriptors --- */

struct loop_watch {
    uv_poll_t uv;
    void (*fn)(void *arg);
    void *arg;
};

static void on_readable(uv_poll_t *uv, int status, int events)
{
    (void)status; /* the owner finds the error when it reads */
    (void)events;
    struct loop_watch *watch = uv->data;
    watch->fn(watch->arg);
}

struct loop_watch *loop_watch_start(struct loop *loop, int fd, void (*fn)(void *arg), void *arg)
{
    struct loop_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        abort();
    watch->fn = fn;
    watch->arg = arg;
    watch->uv.data = watch;
    int rc = uv_poll_init(&loop->uv, &watch->uv, fd);
    assert(rc == 0);
    uv_poll_start(&watch->uv, UV_READABLE | UV_DISCONNECT, on_readable);
    return watch;
}

void loop_watch_stop(struct loop_watch *watch)
{
    if (!watch)
        return;
    uv_poll_stop(&watch->uv);
    uv_close((uv_handle_t *)&watch->uv, free_handle);
}

/* --- Blocking work --- */

struct work {
    uv_work_t uv;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

static void do_work(uv_work_t *uv)
{
    struct work *work = uv->data;
    work->work(work->arg);
}

static void work_done(uv_work_t *uv, int status)
{
    (void)status;
    struct work *work = uv->data;
    work->done(work->arg);
    free(work);
}

void loop_work(struct loop *loop, void (*work_fn)(void *arg), void (*done)(void *arg), void *arg)
{
    struct work *work = calloc(1, sizeof(*work));
    if (!work)
        abort();
    *work = (struct work){.work = work_fn, .done = done, .arg = arg};
    work->uv.data = work;
    int rc = uv_queue_work(&loop->uv, &work->uv, do_work, work_done);
    assert(rc == 0);
}

/* --- Signals --- */

static void on_signal(uv_signal_t *uv, int signal_number)
{
    struct loop *loop = uv->data;
    loop->on_signal(signal_number, loop->on_signal_arg);
}

void loop_on_termination(struct loop *loop, void (*fn)(int signal, void *arg), void *arg)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    loop->on_signal = fn;
    loop->on_signal_arg = arg;
    for (size_t i = 0; i < 2; i++) {
        uv_signal_init(&loop->uv, &loop->signals[i]);
        loop->signals[i].data = loop;
        uv_signal_start(&loop->signals[i], on_signal, numbers[i]);
        uv_unref((uv_handle_t *)&loop->signals[i]);
    }
}
