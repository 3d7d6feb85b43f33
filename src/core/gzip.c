/* gzip through zlib; checksums through libdeflate, which needs a third of zlib's time. */
#include "core/gzip.h"

#include <inttypes.h>
#include <libdeflate.h>
#include <limits.h>
#include <zlib.h>

enum { ZLIB_WINDOW = 15, GZIP_WINDOW = 15 + 16, ANY_WINDOW = 15 + 32, FIRST_GUESS = 4 };
enum { MOST_FOR_A_BYTE = 1040 }; /* 1032 is deflate's own limit */

static voidpf alloc_in_arena(voidpf arena, uInt count, uInt size)
{
    return arena_zalloc_array(arena, count, size);
}

static void free_nothing(voidpf arena, voidpf ptr)
{
    (void)arena;
    (void)ptr;
}

static z_stream start(struct arena *arena, struct str input)
{
    return (z_stream){
        .zalloc = alloc_in_arena,
        .zfree = free_nothing,
        .opaque = arena,
        .next_in = (z_const Bytef *)(uintptr_t)input.ptr,
        .avail_in = (uInt)input.len,
    };
}

size_t gzip_most(struct str packed, size_t max)
{
    return packed.len < max / MOST_FOR_A_BYTE ? packed.len * MOST_FOR_A_BYTE : max;
}

/* A gzip file may have several members, one behind the other. */
static bool has_next_member(const z_stream *stream)
{
    return stream->avail_in > 1 && stream->next_in[0] == 0x1f && stream->next_in[1] == 0x8b;
}

bool gzip_unpack(struct arena *arena, struct str packed, size_t max, struct str *out)
{
    z_stream stream = start(arena, packed);
    size_t room = packed.len * FIRST_GUESS + 1024, len = 0;
    int rc = Z_OK;
    if (packed.len > UINT_MAX || max > UINT_MAX || inflateInit2(&stream, ANY_WINDOW) != Z_OK)
        return false;
    room = room < max ? room : max;
    char *text = arena_alloc(arena, room);
    while (rc == Z_OK) {
        if (len == room) {
            size_t more = room * 2 < max ? room * 2 : max;
            if (more == room)
                break;
            text = arena_realloc(arena, text, room, more);
            room = more;
        }
        stream.next_out = (Bytef *)text + len;
        stream.avail_out = (uInt)(room - len);
        rc = inflate(&stream, Z_NO_FLUSH);
        len = room - stream.avail_out;
        if (rc == Z_STREAM_END && has_next_member(&stream))
            rc = inflateReset(&stream);
    }
    inflateEnd(&stream);
    *out = str_make(text, len);
    return rc == Z_STREAM_END && stream.avail_in == 0;
}

static bool pack(struct arena *arena, struct str text, int window, struct str *out)
{
    z_stream stream = start(arena, text);
    if (text.len == 0 || text.len > UINT_MAX ||
        deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    char *packed = arena_alloc(arena, text.len);
    stream.next_out = (Bytef *)packed;
    stream.avail_out = (uInt)text.len;
    int rc = deflate(&stream, Z_FINISH);
    deflateEnd(&stream);
    *out = str_make(packed, text.len - stream.avail_out);
    return rc == Z_STREAM_END;
}

bool gzip_pack(struct arena *arena, struct str text, struct str *out)
{
    return pack(arena, text, GZIP_WINDOW, out);
}

bool gzip_pack_deflate(struct arena *arena, struct str text, struct str *out)
{
    return pack(arena, text, ZLIB_WINDOW, out);
}

struct str gzip_crc32_text(struct arena *arena, struct str bytes)
{
    return arena_printf(arena, "%" PRIu32, libdeflate_crc32(0, bytes.ptr, bytes.len));
}

bool gzip_is_accepted(struct str accept_encoding, struct str coding)
{
    struct str part, name;
    while (accept_encoding.len) {
        str_cut(&accept_encoding, ',', &part);
        str_cut(&part, ';', &name);
        name = str_trim(name);
        struct str weight = str_trim(part);
        bool is_refused = str_eq(weight, STR("q=0")) || str_starts(weight, STR("q=0.0")) ||
                          str_eq(weight, STR("q=0."));
        if ((str_eq_nocase(name, coding) || str_eq(name, STR("*"))) && !is_refused)
            return true;
    }
    return false;
}

/* --- Which coding --- */

enum { WHOLE_WEIGHT = 1000000 };

/* "0.5" in millionths. More than 1 is 1, less than 0 is 0, and what is no number is not there. */
static int read_weight(struct str text)
{
    bool is_negative = text.len && text.ptr[0] == '-', has_point = false, is_large = false;
    int weight = 0, place = WHOLE_WEIGHT;
    for (size_t i = is_negative; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && !has_point)
            has_point = true;
        else if (c < '0' || c > '9')
            return WHOLE_WEIGHT;
        else if (has_point)
            weight += (c - '0') * (place /= 10);
        else
            is_large |= c != '0';
    }
    if (is_negative)
        return 0;
    return is_large ? WHOLE_WEIGHT : weight;
}

/* The first q of "a=b;q=0.5" counts. */
static int weight_of(struct str parameters)
{
    struct str parameter, name;
    while (parameters.len) {
        str_cut(&parameters, ';', &parameter);
        str_cut(&parameter, '=', &name);
        if (str_eq_nocase(str_trim(name), STR("q")))
            return read_weight(str_trim(parameter));
    }
    return WHOLE_WEIGHT;
}

struct str gzip_choose(struct str accept_encoding)
{
    static const struct str codings[] = {STR_INIT("gzip"), STR_INIT("deflate")};
    enum { CODINGS = sizeof(codings) / sizeof(codings[0]) };
    int weights[CODINGS] = {-1, -1}, star = 0;
    size_t order[CODINGS] = {0}, place = 0, best = 0;
    struct str part, name;
    while (accept_encoding.len) {
        str_cut(&accept_encoding, ',', &part);
        str_cut(&part, ';', &name);
        name = str_trim(name);
        int weight = weight_of(part);
        place++;
        if (str_eq(name, STR("*")) && weight > star)
            star = weight;
        for (size_t i = 0; i < CODINGS; i++) {
            if (!str_eq_nocase(name, codings[i]) || weight <= weights[i])
                continue;
            weights[i] = weight;
            order[i] = place;
        }
    }
    for (size_t i = 0; i < CODINGS; i++) {
        if (weights[i] < 0) { /* not named: behind those that are */
            weights[i] = star;
            order[i] = ++place;
        }
        if (weights[i] > weights[best] || (weights[i] == weights[best] && order[i] < order[best]))
            best = i;
    }
    return weights[best] > 0 ? codings[best] : STR_EMPTY;
}
