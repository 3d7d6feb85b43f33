/* AWS Signature Version 4: verifying and making signatures
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). No
 * I/O. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/* S3's values of x-amz-content-sha256 for a body whose hash is not in the signature. */
#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
#define SIGV4_SIGNED_CHUNKS    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
#define SIGV4_SIGNED_TRAILER   "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
#define SIGV4_UNSIGNED_TRAILER "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

/* As http_header in io/, which this folder does not know. */
struct sigv4_header {
    struct str name;
    struct str value;
};

struct sigv4_request {
    struct str method;
    struct str path;  /* as on the wire */
    struct str query; /* as on the wire, without '?' */
    const struct sigv4_header *headers;
    size_t header_count;
    struct str body;
    /* The body is not here (yet): the hash that the head claims is taken for it, and a head that
     * claims none passes when its time and its headers are right. */
    bool is_head_only;
};

/* What a request says of its own signature; all parts are borrowed from the request or the arena.
 */
struct sigv4_claim {
    struct str algorithm;
    struct str access_key_id;
    struct str date; /* YYYYMMDD */
    struct str region;
    struct str service;
    struct str terminator;
    struct str signed_headers; /* "host;x-amz-date" */
    struct str signature;      /* hexadecimal */
    struct str amz_date;
    struct str security_token; /* empty when there is none */
    struct str payload_hash;   /* x-amz-content-sha256 as sent, or empty */
    bool is_presigned;         /* in the query string */
    int64_t expires_s;         /* of a presigned URL; 0: it does not say */
};

/* What a service asks of a signature. */
struct sigv4_rules {
    struct str service;      /* in the credential scope */
    struct str region;       /* likewise */
    struct str other_region; /* good as well; empty: none */
    int64_t window_ms;       /* how far the request's time may be from the clock's */
    bool takes_presigned;
    bool
        is_s3; /* the path is signed as sent, bodies may be unsigned, errors are worded otherwise */
};

/* Finds the claim: in the Authorization header, else in the query. `*out` is filled as far as it
 * could be read also when it fails: with ERR_MISSING_AUTHENTICATION_TOKEN when there is none, with
 * ERR_INCOMPLETE_SIGNATURE or an error of S3 when parts of it are missing. */
enum err sigv4_parse(const struct sigv4_request *request, struct arena *arena,
                     struct sigv4_claim *out, struct error *error);

/* Checks what needs no secret: that the claim is of this time, of this service and region, and
 * covers all `x-amz-*` headers of the request. ERR_INVALID_SIGNATURE, ERR_INCOMPLETE_SIGNATURE or
 * an error of S3, with AWS's message. */
enum err sigv4_check(const struct sigv4_request *request, const struct sigv4_claim *claim,
                     const struct sigv4_rules *rules, int64_t now_ms, struct arena *arena,
                     struct error *error);

/* Checks the signature, in constant time, and that the body has the hash that it signs: S3 may name
 * one of the values above instead. After sigv4_check. Errors as there. */
enum err sigv4_verify(const struct sigv4_request *request, const struct sigv4_claim *claim,
                      const struct sigv4_rules *rules, struct str secret_access_key,
                      struct arena *arena, struct error *error);

/* --- Bodies in signed chunks --- */

/* Each chunk's signature covers the one before, and the first chunk's the request's. */
struct sigv4_stream {
    unsigned char key[32];
    struct str amz_date, scope; /* borrowed from the claim and the arena */
    char previous[64];
};

/* After sigv4_verify, for bodies with a hash of SIGV4_SIGNED_CHUNKS or SIGV4_SIGNED_TRAILER. */
void sigv4_stream_start(const struct sigv4_claim *claim, struct str secret_access_key,
                        struct arena *arena, struct sigv4_stream *out);

/* True when that is the next chunk's signature; of the trailer's ("name:value\n" lines). */
bool sigv4_stream_chunk(struct sigv4_stream *stream, struct str data, struct str signature);
bool sigv4_stream_trailer(struct sigv4_stream *stream, struct str lines, struct str signature);

/* --- Signing --- */

struct sigv4_credentials {
    struct str access_key_id;
    struct str secret_access_key;
    struct str session_token; /* empty: none */
};

/* Signs a request: fills the four header values to send (`out_token` is empty without a session
 * token). The headers given are signed too; "host" must be among them. */
struct sigv4_signed {
    struct str authorization;
    struct str amz_date;
    struct str content_sha256;
    struct str security_token;
};
void sigv4_sign(const struct sigv4_request *request, const struct sigv4_credentials *credentials,
                struct str region, struct str service, int64_t now_ms, struct arena *arena,
                struct sigv4_signed *out);

/* SHA-256 as bytes and as lower-case hexadecimal, and HMAC-SHA-256; all through OpenSSL with reused
 * contexts per thread. */
void sigv4_sha256(struct str bytes, unsigned char out[32]);
struct str sigv4_sha256_hex(struct arena *arena, struct str bytes);
void sigv4_hmac_sha256(struct str key, struct str bytes, unsigned char out[32]);
