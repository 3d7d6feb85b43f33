/* The bodies of uploads: frames off, checksums compared. */
#include "base/encode.h"
#include "services/s3/checksum.h"
#include "services/s3/chunked.h"
#include "services/s3/internal.h"

struct str s3_etag(struct arena *arena, struct str md5)
{
    return arena_printf(arena, "\"%.*s\"", STR_ARG(encode_hex(arena, md5)));
}

/* --- Checks --- */

static enum err check_md5(struct request *request, struct str md5)
{
    struct str header = request_header(request, STR("content-md5")), expected;
    if (!header.ptr)
        return OK;
    if (!decode_base64(request->arena, header, &expected) || expected.len != md5.len)
        return request_fail(request, ERR_S3_INVALID_DIGEST,
                            "The Content-MD5 you specified was invalid.");
    if (!str_eq(expected, md5))
        return request_fail(request, ERR_S3_BAD_DIGEST,
                            "The Content-MD5 you specified did not match what we received.");
    return OK;
}

static struct str header_or_trailer(struct request *request, const struct s3_chunked *chunked,
                                    struct str name)
{
    struct str value = request_header(request, name);
    return value.ptr ? value : s3_chunked_trailer(chunked, name);
}

static enum err check_sums(struct request *request, const struct s3_chunked *chunked)
{
    for (size_t i = 0; i < S3_CHECKSUM_COUNT; i++) {
        const struct s3_checksum *kind = &s3_checksums[i];
        struct str given = header_or_trailer(request, chunked, kind->header);
        if (!given.ptr)
            continue;
        struct str sum = encode_base64(request->arena, kind->of(request->arena, chunked->data));
        if (!str_eq(given, sum))
            return request_fail(request, ERR_S3_BAD_DIGEST,
                                "The %s you specified did not match the calculated checksum.",
                                kind->name);
    }
    return OK;
}

/* --- Reading --- */

static bool is_checksum(struct str name)
{
    for (size_t i = 0; i < S3_CHECKSUM_COUNT; i++) {
        if (str_eq_nocase(name, s3_checksums[i].header))
            return true;
    }
    return false;
}

/* What is announced must be there: else the checksum of an unsigned body could be cut off. */
static enum err check_trailers(struct request *request, const struct s3_chunked *chunked)
{
    struct str announced = request_header(request, STR("x-amz-trailer")), name;
    while (announced.len) {
        str_cut(&announced, ',', &name);
        name = str_trim(name);
        if (!is_checksum(name))
            return request_fail(request, ERR_S3_INVALID_REQUEST,
                                "The value specified in the x-amz-trailer header is not supported");
        if (!s3_chunked_trailer(chunked, name).ptr)
            return request_fail(request, ERR_S3_MALFORMED_TRAILER,
                                "The request contained trailing data that was not well-formed or "
                                "did not conform to our published schema.");
    }
    return OK;
}

static enum err decode(struct request *request, struct s3_chunked *out)
{
    uint64_t expected;
    struct str hash = request_header(request, STR("x-amz-content-sha256"));
    struct str length = request_header(request, STR("x-amz-decoded-content-length"));
    *out = (struct s3_chunked){request->raw_input, STR_EMPTY};
    if (!str_starts(hash, STR("STREAMING-")))
        return OK;
    if (!length.ptr || !str_to_u64(length, &expected))
        return request_fail(request, ERR_S3_MISSING_CONTENT_LENGTH,
                            "You must provide the Content-Length HTTP header.");
    enum err rc = s3_chunked_decode(request->arena, request->raw_input, request->stream, out,
                                    &request->error);
    if (rc == OK && expected != out->data.len)
        rc = request_fail(request, ERR_S3_INCOMPLETE_BODY,
                          "You did not provide the number of bytes specified by the "
                          "x-amz-decoded-content-length HTTP header");
    return rc ? rc : check_trailers(request, out);
}

enum err s3_read_body(struct request *request, struct s3_body *out)
{
    struct s3_chunked chunked;
    enum err rc = decode(request, &chunked);
    if (rc)
        return rc;
    out->bytes = chunked.data;
    out->md5 = s3_digest(request->arena, "MD5", chunked.data);
    rc = check_md5(request, out->md5);
    return rc ? rc : check_sums(request, &chunked);
}
