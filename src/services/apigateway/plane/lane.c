/* Per-thread supplies. */
#include "services/apigateway/plane/lane.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "services/apigateway/plane/authorizer_cache.h"

enum { MAX_IDLE = 64 };

static void free_list(struct proxy_call *proxy)
{
    while (proxy) {
        struct proxy_call *next = proxy->next;
        arena_release(&proxy->arena);
        free(proxy);
        proxy = next;
    }
}

void lane_release(struct lane *lane)
{
    authorizer_cache_free(lane->authorizers);
    free_list(lane->idle);
    free_list(lane->waiting);
    loop_timer_stop(lane->timer);
    *lane = (struct lane){0};
}

/* --- Identifiers and time --- */

static void take_random(struct lane *lane, unsigned char *out, size_t len)
{
    if (lane->random_left < len) {
        random_bytes(lane->random, sizeof(lane->random));
        lane->random_left = sizeof(lane->random);
    }
    lane->random_left -= len;
    memcpy(out, lane->random + lane->random_left, len);
}

static char *add_hex(char *to, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    return to;
}

static struct str make_uuid(struct lane *lane, struct arena *arena)
{
    unsigned char bytes[16];
    char *text = arena_alloc(arena, 36), *to = text;
    take_random(lane, bytes, sizeof(bytes));
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    static const size_t groups[] = {4, 2, 2, 2, 6};
    const unsigned char *from = bytes;
    for (size_t i = 0; i < 5; i++) {
        if (i)
            *to++ = '-';
        to = add_hex(to, from, groups[i]);
        from += groups[i];
    }
    return str_make(text, 36);
}

/* As AWS's look: eleven bytes in base64. */
static struct str make_extended_id(struct lane *lane, struct arena *arena)
{
    unsigned char bytes[11];
    take_random(lane, bytes, sizeof(bytes));
    return encode_base64(arena, str_make((const char *)bytes, sizeof(bytes)));
}

/* "09/Apr/2015:12:34:56 +0000", written once per second. */
static struct str time_text(struct lane *lane, int64_t now_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t now_s = now_ms / 1000;
    if (lane->time_s != now_s || lane->time_text[0] == '\0') {
        int year;
        unsigned month, day, second = (unsigned)(now_s % 86400);
        day_to_date(day_of_ms(now_ms), &year, &month, &day);
        snprintf(lane->time_text, sizeof(lane->time_text), "%02u/%.3s/%04u:%02u:%02u:%02u +0000",
                 day % 100, months + (month - 1) * 3, (unsigned)year % 10000, second / 3600,
                 second / 60 % 60, second % 60);
        lane->time_s = now_s;
    }
    return str_from(lane->time_text);
}

void lane_stamp(struct lane *lane, struct api_call *call)
{
    call->now_ms = clock_wall_ms();
    call->now_us = clock_mono_us();
    call->request_id = make_uuid(lane, call->arena);
    call->extended_id = make_extended_id(lane, call->arena);
    call->request_time = arena_str(call->arena, time_text(lane, call->now_ms));
}

struct str lane_log_stream(struct lane *lane)
{
    unsigned char bytes[16];
    if (!lane->log_stream[0]) {
        random_bytes(bytes, sizeof(bytes));
        add_hex(lane->log_stream, bytes, sizeof(bytes));
    }
    return str_make(lane->log_stream, sizeof(lane->log_stream) - 1);
}

void lane_trace(struct lane *lane, struct api_call *call)
{
    struct str given = http_header_get(call->exchange, STR("x-amzn-trace-id"));
    if (str_find(given, STR("Root=")) >= 0 && header_value_is_valid(given)) {
        call->trace_id = given;
        return;
    }
    unsigned char bytes[16];
    uint32_t now_s = (uint32_t)(call->now_ms / 1000);
    take_random(lane, bytes, sizeof(bytes));
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(now_s >> (24 - 8 * i));
    char *text = arena_alloc(call->arena, 40), *to = text;
    memcpy(to, "Root=1-", 7);
    to = add_hex(to + 7, bytes, 4);
    *to++ = '-';
    to = add_hex(to, bytes + 4, 12);
    call->trace_id = str_make(text, (size_t)(to - text));
}

/* --- Invocations and their deadlines --- */

static void set_timer(struct lane *lane, int64_t at_ms);

static void timer_fired(void *arg)
{
    struct lane *lane = arg;
    int64_t now_ms = loop_now_ms(lane->loop), nearest_ms = INT64_MAX;
    lane->timer = NULL;
    struct proxy_call *next;
    for (struct proxy_call *proxy = lane->waiting; proxy; proxy = next) {
        next = proxy->next;
        if (!proxy->call)
            continue;
        if (proxy->deadline_ms <= now_ms)
            proxy->expired(proxy);
        else if (proxy->deadline_ms < nearest_ms)
            nearest_ms = proxy->deadline_ms;
    }
    if (nearest_ms < INT64_MAX)
        set_timer(lane, nearest_ms);
}

/* One timer serves all: it is set for the nearest deadline and looks anew when it fires, so that
 * most calls, which end long before theirs, never touch it. */
static void set_timer(struct lane *lane, int64_t at_ms)
{
    if (lane->timer && lane->timer_ms <= at_ms)
        return;
    loop_timer_stop(lane->timer);
    int64_t delay_ms = at_ms - loop_now_ms(lane->loop);
    lane->timer =
        loop_timer_start(lane->loop, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0, timer_fired, lane);
    lane->timer_ms = at_ms;
}

struct proxy_call *lane_take(struct lane *lane, struct api_call *call, unsigned timeout_ms)
{
    struct proxy_call *proxy = lane->idle;
    if (proxy) {
        lane->idle = proxy->next;
        lane->idle_count--;
    } else {
        proxy = calloc(1, sizeof(*proxy));
        if (!proxy)
            abort();
    }
    proxy->lane = lane;
    proxy->call = call;
    proxy->deadline_ms = loop_now_ms(lane->loop) + timeout_ms;
    proxy->invocation = (struct function_invocation){0};
    proxy->previous = NULL;
    proxy->next = lane->waiting;
    if (lane->waiting)
        lane->waiting->previous = proxy;
    lane->waiting = proxy;
    set_timer(lane, proxy->deadline_ms);
    return proxy;
}

void lane_give(struct lane *lane, struct proxy_call *proxy)
{
    if (proxy->next)
        proxy->next->previous = proxy->previous;
    if (proxy->previous)
        proxy->previous->next = proxy->next;
    else
        lane->waiting = proxy->next;
    if (lane->idle_count >= MAX_IDLE) {
        arena_release(&proxy->arena);
        free(proxy);
        return;
    }
    arena_reset(&proxy->arena);
    proxy->call = NULL;
    proxy->next = lane->idle;
    lane->idle = proxy;
    lane->idle_count++;
}
