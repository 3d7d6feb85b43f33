/* aws-chunked bodies of any bytes. */
#include <assert.h>

#include "services/s3/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct s3_chunked chunked;
    struct error error;
    if (s3_chunked_decode(&arena, str_make((const char *)data, size), &chunked, &error) == OK) {
        assert(chunked.data.len <= size);
        s3_chunked_trailer(&chunked, STR("x-amz-checksum-crc32"));
    }
    arena_release(&arena);
    return 0;
}
