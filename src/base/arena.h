/* Memory that is given back all at once: everything a request makes lives in its arena.
 *
 * Allocation never fails: sizes are bounded where data enters, and exhaustion aborts. An arena
 * belongs to one thread at a time. A zeroed struct is a valid empty arena. */
#pragma once

#include <stdarg.h>

#include "base/str.h"

struct arena_block;
struct arena_deferred;

struct arena {
    struct arena_block *block;       /* newest block, NULL at first */
    struct arena_deferred *deferred; /* newest call, NULL when none */
    char *next;                      /* free space in the newest block */
    char *end;
    size_t bytes; /* of its blocks; see arena_bytes */
};

/* Starts an empty arena. No memory is taken before the first allocation. */
void arena_init(struct arena *arena);

/* Runs the deferred calls newest first, then keeps the first block (so that the next request costs
 * no page faults) and frees the others. */
void arena_reset(struct arena *arena);

/* Runs the deferred calls newest first and frees everything. */
void arena_release(struct arena *arena);

/* `size` bytes, aligned for any type, not cleared. Never NULL, size 0 included. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same, cleared. */
void *arena_zalloc(struct arena *arena, size_t size);

#define arena_new(arena, type)          ((type *)arena_zalloc((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_zalloc_array((arena), (count), sizeof(type)))
void *arena_zalloc_array(struct arena *arena, size_t count, size_t size);

/* Grows in place the newest allocation where it can, and what is so large that it has a block of
 * its own; else copies. `ptr` may be NULL. */
void *arena_realloc(struct arena *arena, void *ptr, size_t old_size, size_t new_size);

/* How much memory it holds. Any thread may ask while another fills it. */
static inline size_t arena_bytes(const struct arena *arena)
{
    return __atomic_load_n(&arena->bytes, __ATOMIC_RELAXED);
}

/* A copy of `s`, with a NUL behind it that is not counted. */
struct str arena_str(struct arena *arena, struct str s);

/* The same as a C string. */
char *arena_cstr(struct arena *arena, struct str s);

/* The parts one behind the other, with a NUL behind them that is not counted. */
#define arena_concat(arena, ...)                                                                   \
    arena_join((arena), (const struct str[]){__VA_ARGS__},                                         \
               sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))
struct str arena_join(struct arena *arena, const struct str *parts, size_t count);

/* Formatted text, with a NUL behind it that is not counted. */
struct str arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct str arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Has fn(ptr) called when the arena is reset or released. */
void arena_defer(struct arena *arena, void (*fn)(void *ptr), void *ptr);
