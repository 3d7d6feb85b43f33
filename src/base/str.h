/* A borrowed piece of text or bytes: pointer and length, passed by value, not NUL-terminated. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR_EMPTY ((struct str){"", 0})
/* A string literal as a struct str. */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).len, (s).ptr
/* The same for initializers of static data, where a compound literal is no constant. */
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

static inline struct str str_make(const char *ptr, size_t len)
{
    return (struct str){ptr, len};
}

/* Borrows a NUL-terminated string; NULL gives the empty string. */
static inline struct str str_from(const char *cstr)
{
    return cstr ? (struct str){cstr, strlen(cstr)} : STR_EMPTY;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Compares with ASCII letters folded; for header names and host names. */
bool str_eq_nocase(struct str a, struct str b);

/* Compares in a time that depends only on the lengths; for secrets. */
bool str_eq_secret(struct str a, struct str b);

/* Orders by unsigned bytes, a prefix first: negative, 0 or positive. */
int str_cmp(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Index of the first `byte` at or after `from`, or -1. */
ptrdiff_t str_find_byte(struct str s, char byte, size_t from);

/* Index of the first `needle`, or -1. The empty needle is found at 0. */
ptrdiff_t str_find(struct str s, struct str needle);

/* The part from `from` (clamped) of `len` bytes at most. */
struct str str_slice(struct str s, size_t from, size_t len);

/* Without blanks and tabs at both ends. */
struct str str_trim(struct str s);

/* Cuts at the first `byte`: `out_head` is what is before it, the rest stays in `*s`. Without `byte`
 * the head is all of it, `*s` becomes empty, and the answer is false. */
bool str_cut(struct str *s, char byte, struct str *out_head);

/* Parses a whole decimal number without sign or blanks. False on anything else or on overflow. */
bool str_to_u64(struct str s, uint64_t *out);

/* The same with an optional minus sign. */
bool str_to_i64(struct str s, int64_t *out);

/* True when `s` is valid UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);
