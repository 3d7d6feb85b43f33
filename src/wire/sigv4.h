/* AWS Signature Version 4: verifying and making signatures
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). No
 * I/O. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define SIGV4_MAX_SKEW_MS      (15 * 60 * 1000)
#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

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
};

/* What a request says of its own signature; all parts are borrowed from the request or the arena.
 */
struct sigv4_claim {
    struct str access_key_id;
    struct str date; /* YYYYMMDD */
    struct str region;
    struct str service;
    struct str signed_headers; /* "host;x-amz-date" */
    struct str signature;      /* hexadecimal */
    struct str amz_date;
    struct str security_token; /* empty when there is none */
    struct str payload_hash;   /* the x-amz-content-sha256 header as sent, or empty */
    bool is_presigned;         /* in the query string */
    int64_t expires_s;         /* of a presigned URL */
};

/* Finds the claim: in the Authorization header, else in the query. ERR_MISSING_AUTHENTICATION_TOKEN
 * when there is none, ERR_INCOMPLETE_SIGNATURE with AWS's message when parts of it are missing. */
enum err sigv4_parse(const struct sigv4_request *request, struct arena *arena,
                     struct sigv4_claim *out, struct error *error);

/* Checks the claim against the secret, the body's hash and the clock. ERR_INVALID_SIGNATURE with
 * AWS's message (expired, not yet current, or not matching). Payload markers UNSIGNED-PAYLOAD and
 * STREAMING-... are taken as they are for the canonical request. Compares in constant time. */
enum err sigv4_verify(const struct sigv4_request *request, const struct sigv4_claim *claim,
                      struct str secret_access_key, int64_t now_ms, struct arena *arena,
                      struct error *error);

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

/* SHA-256 as lower-case hexadecimal, and HMAC-SHA-256 as 32 bytes; both through OpenSSL with reused
 * contexts per thread. */
struct str sigv4_sha256_hex(struct arena *arena, struct str bytes);
void sigv4_hmac_sha256(struct str key, struct str bytes, unsigned char out[32]);
