/* The bodies of uploads: frames off, checksums compared. */
#include <openssl/evp.h>
#include <zlib.h>

#include "base/encode.h"
#include "services/s3/chunked.h"
#include "services/s3/internal.h"

static struct str digest(struct arena *arena, const char *name, struct str bytes)
{
    unsigned char *out = arena_alloc(arena, EVP_MAX_MD_SIZE);
    size_t len = 0;
    if (!EVP_Q_digest(NULL, name, NULL, bytes.ptr, bytes.len, out, &len))
        return STR_EMPTY;
    return str_make((char *)out, len);
}

static struct str crc32_bytes(struct arena *arena, struct str bytes)
{
    uLong sum = crc32_z(0, (const Bytef *)bytes.ptr, bytes.len);
    unsigned char *out = arena_alloc(arena, 4);
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(sum >> (24 - i * 8) & 0xff);
    return str_make((char *)out, 4);
}

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

/* The kinds of checksum that are compared; of the others the signature vouches for the body. */
static enum err check_sums(struct request *request, const struct s3_chunked *chunked)
{
    static const struct {
        struct str header;
        const char *digest; /* NULL: CRC-32 */
        const char *name;
    } kinds[] = {
        {STR_INIT("x-amz-checksum-crc32"), NULL, "crc32"},
        {STR_INIT("x-amz-checksum-sha1"), "SHA1", "sha1"},
        {STR_INIT("x-amz-checksum-sha256"), "SHA256", "sha256"},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct str given = header_or_trailer(request, chunked, kinds[i].header);
        if (!given.ptr)
            continue;
        struct str sum = kinds[i].digest ? digest(request->arena, kinds[i].digest, chunked->data)
                                         : crc32_bytes(request->arena, chunked->data);
        if (!str_eq(given, encode_base64(request->arena, sum)))
            return request_fail(request, ERR_S3_BAD_DIGEST,
                                "The %s you specified did not match the calculated checksum.",
                                kinds[i].name);
    }
    return OK;
}

/* --- Reading --- */

static bool is_chunked(struct request *request)
{
    struct str hash = request_header(request, STR("x-amz-content-sha256"));
    struct str encoding = request_header(request, STR("content-encoding"));
    return str_starts(hash, STR("STREAMING-")) || str_find(encoding, STR("aws-chunked")) >= 0;
}

static enum err decode(struct request *request, struct s3_chunked *out)
{
    uint64_t expected;
    struct str length = request_header(request, STR("x-amz-decoded-content-length"));
    *out = (struct s3_chunked){request->raw_input, STR_EMPTY};
    if (!is_chunked(request))
        return OK;
    enum err rc = s3_chunked_decode(request->arena, request->raw_input, out, &request->error);
    if (rc == OK && length.ptr && (!str_to_u64(length, &expected) || expected != out->data.len))
        rc = request_fail(request, ERR_S3_INCOMPLETE_BODY,
                          "You did not provide the number of bytes specified by the "
                          "x-amz-decoded-content-length HTTP header");
    return rc;
}

enum err s3_read_body(struct request *request, struct s3_body *out)
{
    struct s3_chunked chunked;
    enum err rc = decode(request, &chunked);
    if (rc)
        return rc;
    out->bytes = chunked.data;
    out->md5 = digest(request->arena, "MD5", chunked.data);
    rc = check_md5(request, out->md5);
    return rc ? rc : check_sums(request, &chunked);
}
