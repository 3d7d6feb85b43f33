/* Hexadecimal, base64, percent-encoding and random text. */
#include "base/encode.h"

#include <stdlib.h>
#include <sys/random.h>

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";
static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct str encode_hex(struct arena *arena, struct str bytes)
{
    char *text = arena_alloc(arena, bytes.len * 2 + 1);
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        text[i * 2] = hex_lower[byte >> 4];
        text[i * 2 + 1] = hex_lower[byte & 15];
    }
    text[bytes.len * 2] = '\0';
    return str_make(text, bytes.len * 2);
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool decode_hex(struct arena *arena, struct str text, struct str *out)
{
    if (text.len % 2)
        return false;
    char *bytes = arena_alloc(arena, text.len / 2 + 1);
    for (size_t i = 0; i < text.len / 2; i++) {
        int high = hex_value(text.ptr[i * 2]), low = hex_value(text.ptr[i * 2 + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (char)(high << 4 | low);
    }
    *out = str_make(bytes, text.len / 2);
    return true;
}

struct str encode_base64(struct arena *arena, struct str bytes)
{
    size_t len = (bytes.len + 2) / 3 * 4;
    char *text = arena_alloc(arena, len + 1);
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    char *to = text;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = (uint32_t)in[i] << 16;
        group |= have > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        group |= have > 2 ? in[i + 2] : 0;
        *to++ = base64_alphabet[group >> 18];
        *to++ = base64_alphabet[group >> 12 & 63];
        *to++ = have > 1 ? base64_alphabet[group >> 6 & 63] : '=';
        *to++ = have > 2 ? base64_alphabet[group & 63] : '=';
    }
    *to = '\0';
    return str_make(text, len);
}

static int base64_value(char digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

bool decode_base64(struct arena *arena, struct str text, struct str *out)
{
    if (text.len % 4)
        return false;
    size_t padding = str_ends(text, STR("==")) ? 2 : str_ends(text, STR("=")) ? 1 : 0;
    size_t digits = text.len - padding;
    char *bytes = arena_alloc(arena, text.len / 4 * 3 + 1);
    size_t len = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < digits; i++) {
        int value = base64_value(text.ptr[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4)
            bytes[len++] = (char)(bits >> (6 - i % 4 * 2) & 0xff);
    }
    if (padding && bits & (padding == 2 ? 15u : 3u))
        return false;
    *out = str_make(bytes, len);
    return true;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

bool encode_percent(struct buf *buf, struct str text, bool keep_slash)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_unreserved(c) || (keep_slash && c == '/')) {
            buf_add_byte(buf, c);
            continue;
        }
        unsigned char byte = (unsigned char)c;
        char triple[3] = {'%', hex_upper[byte >> 4], hex_upper[byte & 15]};
        buf_add(buf, str_make(triple, 3));
    }
    return !buf->is_full;
}

struct str decode_percent(struct arena *arena, struct str text, bool plus_is_space)
{
    char *decoded = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int high = c == '%' && i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text.ptr[i + 2]) : -1;
        if (low >= 0) {
            c = (char)(high << 4 | low);
            i += 2;
        } else if (plus_is_space && c == '+') {
            c = ' ';
        }
        decoded[len++] = c;
    }
    decoded[len] = '\0';
    return str_make(decoded, len);
}

static void kernel_random(char *to, size_t len)
{
    while (len) {
        ssize_t got = getrandom(to, len, 0);
        if (got <= 0)
            abort();
        to += got;
        len -= (size_t)got;
    }
}

void random_bytes(void *out, size_t len)
{
    /* A system call for each request id would show: bytes are drawn in stock, per thread, and wiped
     * when they are handed out. */
    static _Thread_local char stock[512];
    static _Thread_local size_t left;

    if (len > sizeof(stock)) {
        kernel_random(out, len);
        return;
    }
    if (left < len) {
        kernel_random(stock, sizeof(stock));
        left = sizeof(stock);
    }
    left -= len;
    memcpy(out, stock + left, len);
    explicit_bzero(stock + left, len);
}

struct str random_uuid(struct arena *arena)
{
    unsigned char bytes[16];
    random_bytes(bytes, sizeof(bytes));
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    char *text = arena_alloc(arena, 37);
    size_t len = 0;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[len++] = '-';
        text[len++] = hex_lower[bytes[i] >> 4];
        text[len++] = hex_lower[bytes[i] & 15];
    }
    text[len] = '\0';
    return str_make(text, len);
}

struct str random_text(struct arena *arena, struct str alphabet, size_t len)
{
    char *text = arena_alloc(arena, len + 1);
    size_t limit =
        256 - 256 % alphabet.len; /* bytes from here up would favour the first characters */
    for (size_t i = 0; i < len;) {
        unsigned char bytes[64];
        random_bytes(bytes, sizeof(bytes));
        for (size_t j = 0; j < sizeof(bytes) && i < len; j++) {
            if (bytes[j] < limit)
                text[i++] = alphabet.ptr[bytes[j] % alphabet.len];
        }
    }
    text[len] = '\0';
    return str_make(text, len);
}
