/* Timers and watched descriptors. Each is one allocation that its libuv handle's `data` points to,
 * freed in the close callback; loop_free relies on that. */
#include <assert.h>
#include <stdlib.h>

#include "io/internal.h"

static void free_owner(uv_handle_t *handle)
{
    free(handle->data);
}

/* --- Timers --- */

struct loop_timer {
    uv_timer_t uv;
    void (*fn)(void *arg);
    void *arg;
};

static void on_timer(uv_timer_t *uv)
{
    struct loop_timer *timer = uv->data;
    if (uv_timer_get_repeat(uv) == 0)
        uv_close((uv_handle_t *)uv, free_owner);
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
    timer->uv.data = timer;
    if (loop_current() != loop)
        uv_update_time(loop_uv(loop)); /* the loop's clock stands until it runs */
    uv_timer_init(loop_uv(loop), &timer->uv);
    uv_timer_start(&timer->uv, on_timer, delay_ms, repeat_ms);
    return timer;
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (timer && !uv_is_closing((uv_handle_t *)&timer->uv))
        uv_close((uv_handle_t *)&timer->uv, free_owner);
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
    int rc = uv_poll_init(loop_uv(loop), &watch->uv, fd);
    assert(rc == 0); /* a descriptor that cannot be polled, such as a file, is a bug */
    uv_poll_start(&watch->uv, UV_READABLE | UV_DISCONNECT, on_readable);
    return watch;
}

void loop_watch_stop(struct loop_watch *watch)
{
    if (watch)
        uv_close((uv_handle_t *)&watch->uv, free_owner);
}
