/* What the files of this folder share. All on the loop's thread. */
#pragma once

#include <uv.h>

#include "io/loop.h"

enum { LOOP_READ_BUFFER = 64 * 1024 };

/* The libuv loop inside. */
uv_loop_t *loop_uv(struct loop *loop);

/* Where the loop keeps what http_fetch.c needs for it; NULL in it until the first request. */
struct fetcher;
struct fetcher **loop_fetcher(struct loop *loop);

/* Ends what is under way with an error. NULL does nothing. */
void fetcher_free(struct fetcher *fetcher);

/* The current second as an HTTP date (RFC 9110, section 5.6.7), 29 bytes; made once a second. */
struct str loop_http_date(struct loop *loop);

/* LOOP_READ_BUFFER bytes that belong to whoever reads at the moment, until its callback returns. So
 * an idle connection costs no buffer, and the busy ones share one that stays in the cache. */
char *loop_read_buffer(struct loop *loop);

/* A check that is due about every `period_ms`, embedded in its owner. All checks of a loop share
 * one timer, which rests while none of them needs it. */
struct loop_check {
    uint64_t period_ms;
    /* Returns false when it needs no further call until loop_check_wake. */
    bool (*run)(struct loop_check *check, uint64_t now_ms);
    struct loop_check *next, **link; /* the loop's own */
};

/* Adding does not wake it. Not to be removed inside a check. */
void loop_check_add(struct loop *loop, struct loop_check *check);
void loop_check_remove(struct loop_check *check);

/* Has the checks run again; costs next to nothing when they do already. */
void loop_check_wake(struct loop *loop);
