/* Functions on borrowed strings. */
#include "base/str.h"

static unsigned char fold(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (fold(a.ptr[i]) != fold(b.ptr[i]))
            return false;
    }
    return true;
}

bool str_eq_secret(struct str a, struct str b)
{
    unsigned char difference = a.len != b.len;
    size_t len = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < len; i++)
        difference |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
    return difference == 0;
}

int str_cmp(struct str a, struct str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
    if (order)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

ptrdiff_t str_find_byte(struct str s, char byte, size_t from)
{
    if (from >= s.len)
        return -1;
    const char *found = memchr(s.ptr + from, byte, s.len - from);
    return found ? found - s.ptr : -1;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
    if (needle.len == 0)
        return 0;
    if (s.len < needle.len)
        return -1;
    const char *found = memmem(s.ptr, s.len, needle.ptr, needle.len);
    return found ? found - s.ptr : -1;
}

struct str str_slice(struct str s, size_t from, size_t len)
{
    if (from > s.len)
        from = s.len;
    if (len > s.len - from)
        len = s.len - from;
    return str_make(s.ptr + from, len);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

struct str str_trim(struct str s)
{
    while (s.len && is_blank(s.ptr[0]))
        s = str_slice(s, 1, s.len);
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool str_cut(struct str *s, char byte, struct str *out_head)
{
    ptrdiff_t at = str_find_byte(*s, byte, 0);
    if (at < 0) {
        *out_head = *s;
        *s = str_slice(*s, s->len, 0);
        return false;
    }
    *out_head = str_slice(*s, 0, (size_t)at);
    *s = str_slice(*s, (size_t)at + 1, s->len);
    return true;
}

bool str_to_u64(struct str s, uint64_t *out)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}

bool str_to_i64(struct str s, int64_t *out)
{
    bool is_negative = s.len && s.ptr[0] == '-';
    uint64_t magnitude;
    if (!str_to_u64(str_slice(s, is_negative, s.len), &magnitude))
        return false;
    if (magnitude > (uint64_t)INT64_MAX + is_negative)
        return false;
    *out = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

/* Length of the UTF-8 sequence at the start of `s`, 0 when it is not valid. The table of RFC 3629,
 * section 4. */
static size_t utf8_sequence(const unsigned char *s, size_t len)
{
    unsigned char first = s[0];
    if (first < 0x80)
        return 1;

    size_t need = first >= 0xC2 && first <= 0xDF   ? 2
                  : first >= 0xE0 && first <= 0xEF ? 3
                  : first >= 0xF0 && first <= 0xF4 ? 4
                                                   : 0;
    if (need == 0 || len < need)
        return 0;

    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    }
    return need;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *bytes = (const unsigned char *)s.ptr;
    for (size_t i = 0; i < s.len;) {
        size_t step = utf8_sequence(bytes + i, s.len - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}
