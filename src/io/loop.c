/* Event loops on libuv: life, tasks and blocking work. */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "io/internal.h"

struct task_list {
    struct loop_task *first;
    struct loop_task **last;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_idle_t local;
    uv_timer_t check_timer;
    uv_signal_t signals[2];
    unsigned index;
    pthread_t thread;
    bool is_started;

    pthread_mutex_t mutex;
    struct task_list posted; /* by other threads; guarded by the mutex */
    bool is_stopping;        /* guarded by the mutex */
    struct task_list own;    /* posted by the loop's own thread: no lock, no system call */
    size_t work_count;       /* jobs that are with the pool */

    void (*on_signal)(int signal, void *arg);
    void *on_signal_arg;

    struct loop_check *checks;
    uint64_t check_period_ms; /* 0: the timer rests */

    struct fetcher *fetcher;
    char *read_buffer;
    char http_date[32];
    uint64_t http_date_until_ms; /* loop time */
};

static _Thread_local struct loop *current;

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

struct fetcher **loop_fetcher(struct loop *loop)
{
    return &loop->fetcher;
}

char *loop_read_buffer(struct loop *loop)
{
    return loop->read_buffer;
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

/* --- Tasks --- */

static void clear_tasks(struct task_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

/* True when the list was empty. */
static bool add_task(struct task_list *list, struct loop_task *task)
{
    bool was_empty = !list->first;
    task->next = NULL;
    *list->last = task;
    list->last = &task->next;
    return was_empty;
}

static void run_tasks(struct loop_task *task)
{
    while (task) {
        struct loop_task *next = task->next; /* the task may be posted again, or freed */
        task->run(task);
        task = next;
    }
}

static void on_wake(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    pthread_mutex_lock(&loop->mutex);
    struct loop_task *first = loop->posted.first;
    clear_tasks(&loop->posted);
    bool is_stopping = loop->is_stopping;
    loop->is_stopping = false;
    pthread_mutex_unlock(&loop->mutex);

    run_tasks(first);
    if (is_stopping)
        uv_stop(&loop->uv);
}

/* While an idle handle is active libuv does not wait for descriptors: so tasks that are posted on
 * the loop's own thread run in its next round. */
static void on_local(uv_idle_t *local)
{
    struct loop *loop = local->data;
    struct loop_task *first = loop->own.first;
    clear_tasks(&loop->own);
    uv_idle_stop(local);
    run_tasks(first);
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    if (current == loop) {
        if (add_task(&loop->own, task))
            uv_idle_start(&loop->local, on_local);
        return;
    }
    pthread_mutex_lock(&loop->mutex);
    bool was_empty = add_task(&loop->posted, task);
    pthread_mutex_unlock(&loop->mutex);
    if (was_empty)
        uv_async_send(&loop->wake);
}

/* --- Life --- */

static enum err init_uv(struct loop *loop, struct error *error)
{
    int rc = uv_loop_init(&loop->uv);
    if (rc)
        return error_set(error, ERR_INTERNAL, "cannot make an event loop: %s", uv_strerror(rc));
    rc = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (rc) {
        uv_loop_close(&loop->uv);
        return error_set(error, ERR_INTERNAL, "cannot make an event loop: %s", uv_strerror(rc));
    }
    uv_idle_init(&loop->uv, &loop->local);
    uv_timer_init(&loop->uv, &loop->check_timer);
    loop->wake.data = loop->local.data = loop->check_timer.data = loop;
    return OK;
}

enum err loop_new(unsigned index, struct loop **out, struct error *error)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        abort();
    enum err rc = init_uv(loop, error);
    if (rc) {
        free(loop);
        return rc;
    }
    /* A peer that goes away is an error of the write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    loop->read_buffer = malloc(LOOP_READ_BUFFER);
    if (!loop->read_buffer)
        abort();
    loop->index = index;
    clear_tasks(&loop->posted);
    clear_tasks(&loop->own);
    pthread_mutex_init(&loop->mutex, NULL);
    *out = loop;
    return OK;
}

/* After loop_stop: finishes what is with the pool and what is due at once, such as close callbacks
 * and the tasks they post. */
static void drain(struct loop *loop)
{
    while (loop->work_count || uv_backend_timeout(&loop->uv) == 0)
        uv_run(&loop->uv, loop->work_count ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void loop_run(struct loop *loop)
{
    struct loop *outer = current;
    current = loop;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    fetcher_free(loop->fetcher);
    drain(loop);
    current = outer;
}

static void *run_thread(void *arg)
{
    struct loop *loop = arg;
    char name[16];
    snprintf(name, sizeof(name), "loop %u", loop->index);
    pthread_setname_np(pthread_self(), name);
    loop_run(loop);
    return NULL;
}

enum err loop_start(struct loop *loop, struct error *error)
{
    int rc = pthread_create(&loop->thread, NULL, run_thread, loop);
    if (rc)
        return error_set(error, ERR_INTERNAL, "cannot start a thread: %s", uv_strerror(-rc));
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

static void free_owner(uv_handle_t *handle)
{
    free(handle->data);
}

/* Timers and watches are each one allocation that `data` points to. */
static void close_left(uv_handle_t *handle, void *arg)
{
    bool is_known = handle->type == UV_TIMER || handle->type == UV_POLL;
    if (is_known && handle->data != arg && !uv_is_closing(handle))
        uv_close(handle, free_owner);
}

static void close_own(uv_handle_t *handle, void *arg)
{
    if (handle->data == arg && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    struct loop *outer = current;
    current = loop;
    fetcher_free(loop->fetcher); /* of what a drain has started */
    uv_walk(&loop->uv, close_left, loop);
    drain(loop);
    uv_walk(&loop->uv, close_own, loop);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    current = outer;
    int rc = uv_loop_close(&loop->uv);
    assert(rc == 0); /* a listener was not closed */
    pthread_mutex_destroy(&loop->mutex);
    free(loop->read_buffer);
    free(loop);
}

/* --- Blocking work --- */

struct work {
    uv_work_t uv;
    struct loop *loop;
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
    (void)status; /* only uv_cancel, which is never called, makes it fail */
    struct work *work = uv->data;
    work->loop->work_count--;
    work->done(work->arg);
    free(work);
}

void loop_work(struct loop *loop, void (*work_fn)(void *arg), void (*done)(void *arg), void *arg)
{
    struct work *work = calloc(1, sizeof(*work));
    if (!work)
        abort();
    *work = (struct work){.loop = loop, .work = work_fn, .done = done, .arg = arg};
    work->uv.data = work;
    loop->work_count++;
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
        int rc = uv_signal_init(&loop->uv, &loop->signals[i]);
        assert(rc == 0);
        loop->signals[i].data = loop;
        uv_signal_start(&loop->signals[i], on_signal, numbers[i]);
    }
}

/* --- Checks --- */

static void on_check(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    bool is_needed = false;
    struct loop_check *next;
    for (struct loop_check *check = loop->checks; check; check = next) {
        next = check->next;
        is_needed |= check->run(check, uv_now(&loop->uv));
    }
    if (!is_needed) {
        uv_timer_stop(timer);
        loop->check_period_ms = 0;
    }
}

static void start_checks(struct loop *loop, uint64_t period_ms)
{
    loop->check_period_ms = period_ms;
    uv_timer_start(&loop->check_timer, on_check, period_ms, period_ms);
}

void loop_check_wake(struct loop *loop)
{
    if (loop->check_period_ms || !loop->checks)
        return;
    uint64_t period_ms = UINT64_MAX;
    for (struct loop_check *check = loop->checks; check; check = check->next)
        period_ms = check->period_ms < period_ms ? check->period_ms : period_ms;
    start_checks(loop, period_ms);
}

void loop_check_add(struct loop *loop, struct loop_check *check)
{
    check->next = loop->checks;
    check->link = &loop->checks;
    if (check->next)
        check->next->link = &check->next;
    loop->checks = check;
    if (loop->check_period_ms > check->period_ms)
        start_checks(loop, check->period_ms);
}

void loop_check_remove(struct loop_check *check)
{
    *check->link = check->next;
    if (check->next)
        check->next->link = check->link;
}

/* --- The date --- */

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
