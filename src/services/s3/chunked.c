/* Taking the frames of aws-chunked bodies off. */
#include "services/s3/chunked.h"

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

/* "400;chunk-signature=..." */
static bool parse_size(struct str line, size_t *out)
{
    struct str digits;
    size_t size = 0;
    str_cut(&line, ';', &digits);
    if (digits.len == 0 || digits.len > 8)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = hex_digit(digits.ptr[i]);
        if (digit < 0)
            return false;
        size = size << 4 | (size_t)digit;
    }
    *out = size;
    return true;
}

enum err s3_chunked_decode(struct arena *arena, struct str body, struct s3_chunked *out,
                           struct error *error)
{
    char *data = arena_alloc(arena, body.len);
    size_t len = 0;
    for (;;) {
        struct str line;
        size_t size;
        if (!take_line(&body, &line) || !parse_size(line, &size))
            return broken(error);
        if (size == 0)
            break;
        if (body.len < size + 2 || memcmp(body.ptr + size, "\r\n", 2) != 0)
            return broken(error);
        memcpy(data + len, body.ptr, size);
        len += size;
        body = str_slice(body, size + 2, body.len);
    }
    *out = (struct s3_chunked){str_make(data, len), body};
    return OK;
}

struct str s3_chunked_trailer(const struct s3_chunked *chunked, struct str name)
{
    struct str rest = chunked->trailers, line;
    while (rest.len) {
        struct str have;
        str_cut(&rest, '\n', &line);
        if (str_cut(&line, ':', &have) && str_eq_nocase(str_trim(have), name)) {
            if (str_ends(line, STR("\r")))
                line.len--;
            return str_trim(line);
        }
    }
    return (struct str){NULL, 0};
}
