/* A growing byte buffer with a maximum. */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { MAPPED_FROM = 32 * 1024 };

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_init_arena(struct buf *buf, struct arena *arena, size_t max)
{
    *buf = (struct buf){.max = max, .arena = arena};
}

void buf_init_mapped(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max, .maps_large = true};
}

static bool is_mapped(const struct buf *buf)
{
    return buf->maps_large && buf->cap >= MAPPED_FROM;
}

static void give_memory_back(struct buf *buf)
{
    if (is_mapped(buf))
        munmap(buf->ptr, buf->cap);
    else if (!buf->arena)
        free(buf->ptr);
}

void buf_release(struct buf *buf)
{
    give_memory_back(buf);
    *buf = (struct buf){.max = buf->max, .arena = buf->arena, .maps_large = buf->maps_large};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->is_full = false;
}

static void *grow_mapped(struct buf *buf, size_t cap)
{
    if (is_mapped(buf)) {
        void *moved = mremap(buf->ptr, buf->cap, cap, MREMAP_MAYMOVE);
        return moved == MAP_FAILED ? NULL : moved;
    }
    void *map = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    if (buf->len)
        memcpy(map, buf->ptr, buf->len);
    free(buf->ptr);
    return map;
}

static void *resized(struct buf *buf, size_t cap)
{
    if (buf->arena)
        return arena_realloc(buf->arena, buf->ptr, buf->cap, cap);
    if (buf->maps_large && cap >= MAPPED_FROM)
        return grow_mapped(buf, cap);
    return realloc(buf->ptr, cap);
}

static void grow(struct buf *buf, size_t least)
{
    size_t cap = buf->cap ? buf->cap * 2 : 256;
    cap = cap < least ? least : cap;
    cap = cap > buf->max ? buf->max : cap;
    buf->ptr = resized(buf, cap);
    if (!buf->ptr)
        abort();
    buf->cap = cap;
}

char *buf_reserve(struct buf *buf, size_t more)
{
    if (more > buf->max - buf->len) {
        buf->is_full = true;
        return NULL;
    }
    if (more > buf->cap - buf->len)
        grow(buf, buf->len + more);
    return buf->ptr + buf->len;
}

void buf_commit(struct buf *buf, size_t written)
{
    assert(written <= buf->cap - buf->len);
    buf->len += written;
}

bool buf_add(struct buf *buf, struct str s)
{
    if (s.len == 0)
        return true;
    char *to = buf_reserve(buf, s.len);
    if (!to)
        return false;
    memcpy(to, s.ptr, s.len);
    buf->len += s.len;
    return true;
}

bool buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);

    /* One byte more for vsnprintf's NUL, which is not kept. */
    size_t max = buf->max;
    buf->max += buf->max < SIZE_MAX;
    char *to = buf_reserve(buf, (size_t)len + 1);
    buf->max = max;
    if (!to)
        return false;
    va_start(args, format);
    vsnprintf(to, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
    return true;
}

bool buf_add_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return buf_add(buf, str_make(digits + at, sizeof(digits) - at));
}

/* Adds what stands for the byte at the start of `rest` and returns how many bytes of it are used
 * up. */
static size_t add_json_special(struct buf *buf, struct str rest)
{
    static const char short_names[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',  ['\f'] = 'f',
        ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\',
    };
    unsigned char c = (unsigned char)rest.ptr[0];

    if (c < sizeof(short_names) && short_names[c]) {
        char pair[2] = {'\\', short_names[c]};
        buf_add(buf, str_make(pair, 2));
        return 1;
    }
    if (c < 0x20) {
        buf_printf(buf, "\\u%04x", c);
        return 1;
    }
    for (size_t len = 2; len <= 4 && len <= rest.len; len++) {
        if (str_is_utf8(str_make(rest.ptr, len))) {
            buf_add(buf, str_make(rest.ptr, len));
            return len;
        }
    }
    buf_add(buf, STR("\xEF\xBF\xBD"));
    return 1;
}

static bool is_json_plain(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

bool buf_add_json(struct buf *buf, struct str s)
{
    buf_add_byte(buf, '"');
    for (size_t i = 0; i < s.len;) {
        size_t start = i;
        while (i < s.len && is_json_plain(s.ptr[i]))
            i++;
        buf_add(buf, str_make(s.ptr + start, i - start));
        if (i < s.len)
            i += add_json_special(buf, str_make(s.ptr + i, s.len - i));
    }
    buf_add_byte(buf, '"');
    return !buf->is_full;
}
