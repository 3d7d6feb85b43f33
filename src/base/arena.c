/* A bump allocator over a list of blocks. */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BLOCK = 8 * 1024, LARGEST_BLOCK = 1024 * 1024, ALIGN = alignof(max_align_t) };

struct arena_block {
    struct arena_block *older;
    size_t size; /* of data */
    alignas(max_align_t) char data[];
};

struct arena_deferred {
    struct arena_deferred *older;
    void (*fn)(void *ptr);
    void *ptr;
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

static void run_deferred(struct arena *arena)
{
    while (arena->deferred) {
        struct arena_deferred *deferred = arena->deferred;
        arena->deferred = deferred->older;
        deferred->fn(deferred->ptr);
    }
}

/* One thread writes it at a time; others may look. */
static void set_bytes(struct arena *arena, size_t bytes)
{
    __atomic_store_n(&arena->bytes, bytes, __ATOMIC_RELAXED);
}

void arena_reset(struct arena *arena)
{
    run_deferred(arena);
    struct arena_block *block = arena->block;
    if (!block)
        return;
    while (block->older) {
        struct arena_block *older = block->older;
        free(block);
        block = older;
    }
    arena->block = block;
    arena->next = block->data;
    arena->end = block->data + block->size;
    set_bytes(arena, block->size);
}

void arena_release(struct arena *arena)
{
    run_deferred(arena);
    while (arena->block) {
        struct arena_block *block = arena->block;
        arena->block = block->older;
        free(block);
    }
    arena_init(arena);
}

static size_t round_up(size_t size)
{
    assert(size <= SIZE_MAX - ALIGN);
    return (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static void add_block(struct arena *arena, size_t least)
{
    size_t size = arena->block ? arena->block->size * 2 : FIRST_BLOCK;
    size = size > LARGEST_BLOCK ? LARGEST_BLOCK : size;
    size = size < least ? least : size;

    struct arena_block *block = malloc(sizeof(*block) + size);
    if (!block)
        abort();
    block->older = arena->block;
    block->size = size;
    arena->block = block;
    arena->next = block->data;
    arena->end = block->data + size;
    set_bytes(arena, arena->bytes + size);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size = round_up(size ? size : 1);
    if (!arena->block || (size_t)(arena->end - arena->next) < size)
        add_block(arena, size);
    void *ptr = arena->next;
    arena->next += size;
    return ptr;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

void *arena_zalloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        abort();
    return arena_zalloc(arena, total);
}

/* An allocation larger than what blocks grow to has one of its own, which the C library can enlarge
 * without a copy: what grows by doubling leaves no garbage of the same size behind. NULL when it is
 * not such a one. */
static void *grow_block(struct arena *arena, void *ptr, size_t old_size, size_t new_size)
{
    struct arena_block **link = &arena->block;
    while (*link && (*link)->data != ptr)
        link = &(*link)->older;
    if (!*link || (*link)->size != round_up(old_size))
        return NULL;
    size_t size = round_up(new_size);
    bool is_newest = link == &arena->block;
    struct arena_block *block = realloc(*link, sizeof(*block) + size);
    if (!block)
        abort();
    set_bytes(arena, arena->bytes + size - block->size);
    block->size = size;
    *link = block;
    if (is_newest)
        arena->next = arena->end = block->data + size;
    return block->data;
}

void *arena_realloc(struct arena *arena, void *ptr, size_t old_size, size_t new_size)
{
    if (!ptr)
        return arena_alloc(arena, new_size);
    if (new_size <= old_size)
        return ptr;
    if (old_size > LARGEST_BLOCK) {
        void *grown = grow_block(arena, ptr, old_size, new_size);
        if (grown)
            return grown;
    }

    char *old_end = (char *)ptr + round_up(old_size ? old_size : 1);
    size_t more = round_up(new_size) - (size_t)(old_end - (char *)ptr);
    if (old_end == arena->next && (size_t)(arena->end - arena->next) >= more) {
        arena->next += more;
        return ptr;
    }
    return memcpy(arena_alloc(arena, new_size), ptr, old_size);
}

char *arena_cstr(struct arena *arena, struct str s)
{
    char *copy = arena_alloc(arena, s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

struct str arena_str(struct arena *arena, struct str s)
{
    return str_make(arena_cstr(arena, s), s.len);
}

struct str arena_join(struct arena *arena, const struct str *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *text = arena_alloc(arena, len + 1), *end = text;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len) /* an empty text may have no address */
            memcpy(end, parts[i].ptr, parts[i].len);
        end += parts[i].len;
    }
    *end = '\0';
    return str_make(text, len);
}

struct str arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    char guess[256]; /* formatting costs more than copying: most texts fit here at once */
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(guess, sizeof(guess), format, args);
    assert(len >= 0);
    char *text = arena_alloc(arena, (size_t)len + 1);
    if ((size_t)len < sizeof(guess))
        memcpy(text, guess, (size_t)len + 1);
    else
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return str_make(text, (size_t)len);
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void arena_defer(struct arena *arena, void (*fn)(void *ptr), void *ptr)
{
    struct arena_deferred *deferred = arena_alloc(arena, sizeof(*deferred));
    *deferred = (struct arena_deferred){arena->deferred, fn, ptr};
    arena->deferred = deferred;
}
