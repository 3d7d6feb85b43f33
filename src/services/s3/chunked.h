/* aws-chunked bodies, as S3's clients send them
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and
 * sigv4-streaming-trailers.html). No I/O. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "wire/sigv4.h"

struct s3_chunked {
    struct str data;     /* without the framing, in the arena */
    struct str trailers; /* "name:value\r\n" lines, borrowed from the body */
};

/* Takes the framing off. With a `stream` each chunk must have its signature, and the trailers
 * theirs when there are any; without (NULL) they are not looked at. ERR_S3_INCOMPLETE_BODY for a
 * body that is not of that form to its last byte, ERR_S3_MALFORMED_TRAILER,
 * ERR_SIGNATURE_DOES_NOT_MATCH. */
enum err s3_chunked_decode(struct arena *arena, struct str body, struct sigv4_stream *stream,
                           struct s3_chunked *out, struct error *error);

/* A trailer's value; a NULL pointer when it is not there. Names are in lower case on the wire. */
struct str s3_chunked_trailer(const struct s3_chunked *chunked, struct str name);
