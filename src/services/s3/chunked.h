/* The body encoding "aws-chunked", in which SDKs send signed chunks and trailing checksums
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html). Pure. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct s3_chunked {
    struct str data;     /* the chunks joined, in the arena */
    struct str trailers; /* "name:value" lines behind the last chunk, or empty; borrowed */
};

/* ERR_S3_INCOMPLETE_BODY when the framing is broken or ends early. */
enum err s3_chunked_decode(struct arena *arena, struct str body, struct s3_chunked *out,
                           struct error *error);

/* The value of a trailer (names without case), or the empty string with a NULL pointer. */
struct str s3_chunked_trailer(const struct s3_chunked *chunked, struct str name);
