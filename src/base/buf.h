/* Bytes that grow. A struct buf owns its memory, either on the heap or in an arena, and has a
 * maximum that is set once; what would go past it is dropped and remembered in `is_full`, so that a
 * writer checks once, at the end. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t max;
    struct arena *arena; /* NULL: on the heap, or in a mapping */
    bool is_full;
    bool maps_large; /* see buf_init_mapped */
};

/* An empty heap buffer of `max` bytes at most; give it back with buf_release. */
void buf_init(struct buf *buf, size_t max);

/* The same inside `arena`; buf_release does nothing then. */
void buf_init_arena(struct buf *buf, struct arena *arena, size_t max);

/* An empty buffer that leaves the heap for a mapping of its own once it is large: what it held goes
 * back to the system when it is released, and what it reserves takes no memory before it is
 * written. For what strangers fill. */
void buf_init_mapped(struct buf *buf, size_t max);

void buf_release(struct buf *buf);

/* Empties it and keeps the memory. */
void buf_clear(struct buf *buf);

/* Makes room for `more` bytes and returns where they go, or NULL when that goes past the maximum.
 * Call buf_commit with how many were written. */
char *buf_reserve(struct buf *buf, size_t more);
void buf_commit(struct buf *buf, size_t written);

/* False, and the buffer is marked full, when it does not fit. */
bool buf_add(struct buf *buf, struct str s);
bool buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool buf_add_byte(struct buf *buf, char byte)
{
    if (buf->len == buf->cap)
        return buf_add(buf, str_make(&byte, 1));
    buf->ptr[buf->len++] = byte;
    return true;
}

/* Adds `s` as a JSON string, with quotes; bytes that are not UTF-8 become U+FFFD (RFC 8259). */
bool buf_add_json(struct buf *buf, struct str s);

/* Adds a number in decimal. */
bool buf_add_u64(struct buf *buf, uint64_t value);

/* What is in it; borrowed until the next change. */
static inline struct str buf_str(const struct buf *buf)
{
    return str_make(buf->ptr ? buf->ptr : "", buf->len);
}
