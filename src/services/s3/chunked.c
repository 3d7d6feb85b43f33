/* Taking the frames of aws-chunked bodies off. */
#include "services/s3/chunked.h"

#include "base/buf.h"

static enum err broken(struct error *error)
{
    return error_set(error, ERR_S3_INCOMPLETE_BODY, "The request body terminated unexpectedly");
}

static bool take_line(struct str *rest, struct str *out_line)
{
    ptrdiff_t end = str_find(*rest, STR("\r\n"));
    if (end < 0)
        return false;
    *out_line = str_slice(*rest, 0, (size_t)end);
    *rest = str_slice(*rest, (size_t)end + 2, rest->len);
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "400" or "400;chunk-signature=..."; a NULL signature where there is none. */
static bool parse_chunk_head(struct str line, size_t *out_size, struct str *out_signature)
{
    static const struct str extension = STR_INIT("chunk-signature=");
    struct str digits;
    size_t size = 0;
    bool is_signed = str_cut(&line, ';', &digits);
    if (digits.len == 0 || digits.len > 8 || (is_signed && !str_starts(line, extension)))
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = hex_digit(digits.ptr[i]);
        if (digit < 0)
            return false;
        size = size << 4 | (size_t)digit;
    }
    *out_size = size;
    *out_signature = is_signed ? str_slice(line, extension.len, line.len) : (struct str){NULL, 0};
    return true;
}

static enum err wrong_signature(struct error *error)
{
    return error_set(error, ERR_SIGNATURE_DOES_NOT_MATCH,
                     "The request signature we calculated does not match the signature you "
                     "provided. Check your key and signing method.");
}

static bool is_signed_rightly(struct sigv4_stream *stream, struct str data, struct str signature)
{
    return !stream || (signature.ptr && sigv4_stream_chunk(stream, data, signature));
}

/* --- Trailers --- */

static enum err malformed_trailer(struct error *error)
{
    return error_set(error, ERR_S3_MALFORMED_TRAILER,
                     "The request contained trailing data that was not well-formed or did not "
                     "conform to our published schema.");
}

/* Cuts the last line off when it is the signature; false when there is none. */
static bool take_trailer_signature(struct str *lines, struct str *out)
{
    static const struct str name = STR_INIT("x-amz-trailer-signature:");
    for (size_t at = 0; at < lines->len;) {
        struct str rest = str_slice(*lines, at, lines->len), line = STR_EMPTY;
        size_t before = rest.len;
        take_line(&rest, &line);
        if (rest.len == 0 && str_starts(line, name)) {
            *lines = str_slice(*lines, 0, at);
            *out = str_slice(line, name.len, line.len);
            return true;
        }
        at += before - rest.len;
    }
    return false;
}

/* Some clients (minio-go) end the line twice, with a line feed before the end. */
static bool take_trailer(struct str *lines, struct str *out_line)
{
    if (!lines->len || !take_line(lines, out_line))
        return false;
    if (str_ends(*out_line, STR("\n")))
        out_line->len--;
    return true;
}

/* The lines as they are signed: with a line feed alone. */
static struct str signed_form(struct arena *arena, struct str lines)
{
    struct buf out;
    struct str line;
    buf_init_arena(&out, arena, lines.len);
    while (take_trailer(&lines, &line)) {
        buf_add(&out, line);
        buf_add_byte(&out, '\n');
    }
    return buf_str(&out);
}

/* What is behind the last chunk: lines, their signature, an empty line and nothing else. */
static enum err read_trailers(struct arena *arena, struct str rest, struct sigv4_stream *stream,
                              struct str *out, struct error *error)
{
    struct str start = rest, line, signature;
    do {
        if (!take_line(&rest, &line))
            return broken(error);
        if (line.len && str_find_byte(line, ':', 0) <= 0)
            return malformed_trailer(error);
    } while (line.len);
    if (rest.len)
        return broken(error);
    struct str lines = str_slice(start, 0, start.len - 2);
    bool has_signature = take_trailer_signature(&lines, &signature);
    *out = lines;
    if (!stream || (!has_signature && lines.len == 0))
        return OK;
    if (!has_signature || !sigv4_stream_trailer(stream, signed_form(arena, lines), signature))
        return wrong_signature(error);
    return OK;
}

/* --- All --- */

enum err s3_chunked_decode(struct arena *arena, struct str body, struct sigv4_stream *stream,
                           struct s3_chunked *out, struct error *error)
{
    char *data = arena_alloc(arena, body.len);
    size_t len = 0;
    for (;;) {
        struct str line, signature;
        size_t size;
        if (!take_line(&body, &line) || !parse_chunk_head(line, &size, &signature) ||
            (size && (body.len < size + 2 || memcmp(body.ptr + size, "\r\n", 2) != 0)))
            return broken(error);
        if (!is_signed_rightly(stream, str_slice(body, 0, size), signature))
            return wrong_signature(error);
        if (size == 0)
            break;
        memcpy(data + len, body.ptr, size);
        len += size;
        body = str_slice(body, size + 2, body.len);
    }
    out->data = str_make(data, len);
    return read_trailers(arena, body, stream, &out->trailers, error);
}

struct str s3_chunked_trailer(const struct s3_chunked *chunked, struct str name)
{
    struct str rest = chunked->trailers, line, have;
    while (take_trailer(&rest, &line)) {
        if (str_cut(&line, ':', &have) && str_eq(have, name))
            return str_trim(line);
    }
    return (struct str){NULL, 0};
}
