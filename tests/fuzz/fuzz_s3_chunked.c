/* aws-chunked bodies of any bytes. */
#include <assert.h>

#include "services/s3/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(struct str body, struct sigv4_stream *stream)
{
    struct arena arena = {0};
    struct s3_chunked chunked;
    struct error error;
    if (s3_chunked_decode(&arena, body, stream, &chunked, &error) == OK) {
        assert(chunked.data.len <= body.len);
        s3_chunked_trailer(&chunked, STR("x-amz-checksum-crc32"));
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sigv4_stream stream = {
        .amz_date = STR("20260101T000000Z"),
        .scope = STR("20260101/us-east-1/s3/aws4_request"),
    };
    decode(str_make((const char *)data, size), NULL);
    decode(str_make((const char *)data, size), &stream);
    return 0;
}
