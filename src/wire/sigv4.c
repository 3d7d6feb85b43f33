/* Signature Version 4: canonical requests, signing keys, signatures. What is claimed of one and
 * what is asked of it is in sigv4_claim.c. */
#include "wire/sigv4.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "wire/query.h"

enum { SHA256_LEN = 32, BLOCK_LEN = 64, CACHED_KEYS = 32 };

#define MISMATCH                                                                                   \
    "The request signature we calculated does not match the signature you provided. Check your "   \
    "AWS Secret Access Key and signing method. Consult the service documentation for details."

#define S3_MISMATCH                                                                                \
    "The request signature we calculated does not match the signature you provided. Check your "   \
    "key and signing method."

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* --- Hashes --- */

/* Fetched once: looking an algorithm up costs more than hashing a request. */
static EVP_MD *sha256;
static pthread_key_t context_key; /* frees a thread's context when it ends */
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!sha256 || pthread_key_create(&context_key, free_context) != 0)
        abort();
}

/* A context of this thread, ready for use until the next call. */
static EVP_MD_CTX *start_hash(void)
{
    static _Thread_local EVP_MD_CTX *context;
    pthread_once(&sha256_once, fetch_sha256);
    if (!context) {
        context = EVP_MD_CTX_new();
        pthread_setspecific(context_key, context);
    }
    if (!context || EVP_DigestInit_ex2(context, sha256, NULL) != 1)
        abort();
    return context;
}

static void hash(struct str first, struct str second, unsigned char out[SHA256_LEN])
{
    EVP_MD_CTX *context = start_hash();
    unsigned len;
    EVP_DigestUpdate(context, first.ptr, first.len);
    EVP_DigestUpdate(context, second.ptr, second.len);
    EVP_DigestFinal_ex(context, out, &len);
}

static struct str as_str(const unsigned char *bytes, size_t len)
{
    return str_make((const char *)bytes, len);
}

void sigv4_sha256(struct str bytes, unsigned char out[32])
{
    hash(bytes, STR_EMPTY, out);
}

struct str sigv4_sha256_hex(struct arena *arena, struct str bytes)
{
    unsigned char digest[SHA256_LEN];
    hash(bytes, STR_EMPTY, digest);
    return encode_hex(arena, as_str(digest, sizeof(digest)));
}

/* RFC 2104, by hand over the reused context: EVP_MAC would allocate for each signature. */
void sigv4_hmac_sha256(struct str key, struct str bytes, unsigned char out[32])
{
    unsigned char block[BLOCK_LEN] = {0}, inner[SHA256_LEN];
    if (key.len > BLOCK_LEN)
        hash(key, STR_EMPTY, block);
    else
        memcpy(block, key.ptr, key.len);
    for (size_t i = 0; i < BLOCK_LEN; i++)
        block[i] ^= 0x36;
    hash(as_str(block, BLOCK_LEN), bytes, inner);
    for (size_t i = 0; i < BLOCK_LEN; i++)
        block[i] ^= 0x36 ^ 0x5c;
    hash(as_str(block, BLOCK_LEN), as_str(inner, SHA256_LEN), out);
    OPENSSL_cleanse(block, sizeof(block));
}

/* --- Signing keys --- */

/* A key serves for a day, a region and a service: four HMACs saved on most requests. */
struct cached_key {
    unsigned char id[SHA256_LEN]; /* hash of secret and scope: the secret itself is not kept */
    unsigned char key[SHA256_LEN];
};

static void derive_key(struct str secret, struct str date, struct str region, struct str service,
                       unsigned char out[SHA256_LEN])
{
    struct arena arena = {0};
    struct str start = arena_printf(&arena, "AWS4%.*s", STR_ARG(secret));
    sigv4_hmac_sha256(start, date, out);
    sigv4_hmac_sha256(as_str(out, SHA256_LEN), region, out);
    sigv4_hmac_sha256(as_str(out, SHA256_LEN), service, out);
    sigv4_hmac_sha256(as_str(out, SHA256_LEN), STR("aws4_request"), out);
    OPENSSL_cleanse((char *)(uintptr_t)start.ptr, start.len);
    arena_release(&arena);
}

static const unsigned char *signing_key(struct str secret, struct str scope, struct str date,
                                        struct str region, struct str service)
{
    static _Thread_local struct cached_key cache[CACHED_KEYS];
    static _Thread_local unsigned oldest;
    unsigned char id[SHA256_LEN];
    sigv4_hmac_sha256(secret, scope, id);
    for (size_t i = 0; i < CACHED_KEYS; i++) {
        if (CRYPTO_memcmp(cache[i].id, id, SHA256_LEN) == 0)
            return cache[i].key;
    }
    struct cached_key *entry = &cache[oldest];
    oldest = (oldest + 1) % CACHED_KEYS;
    memcpy(entry->id, id, SHA256_LEN);
    derive_key(secret, date, region, service, entry->key);
    return entry->key;
}

/* --- The canonical request --- */

/* Removes "." and ".." segments and repeated slashes (RFC 3986, section 5.2.4, as botocore does).
 */
static struct str normalize_path(struct arena *arena, struct str path)
{
    struct buf out;
    bool ends_in_slash = str_ends(path, STR("/"));
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    while (path.len) {
        struct str segment;
        str_cut(&path, '/', &segment);
        if (str_eq(segment, STR(".."))) {
            while (out.len && out.ptr[--out.len] != '/') {
            }
        } else if (segment.len && !str_eq(segment, STR("."))) {
            buf_add_byte(&out, '/');
            buf_add(&out, segment);
        }
    }
    if (ends_in_slash || out.len == 0)
        buf_add_byte(&out, '/');
    return buf_str(&out);
}

/* S3 signs the path as it is sent; all others encode it once more. */
static void add_path(struct buf *out, struct arena *arena, struct str path, struct str service)
{
    if (str_eq(service, STR("s3"))) {
        buf_add(out, path.len ? path : STR("/"));
        return;
    }
    encode_percent(out, normalize_path(arena, path), true);
}

static int by_name_and_value(const void *a, const void *b)
{
    const struct query_pair *x = a, *y = b;
    int order = str_cmp(x->name, y->name);
    return order ? order : str_cmp(x->value, y->value);
}

static struct str encoded(struct arena *arena, struct str text)
{
    struct buf out;
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    encode_percent(&out, text, false);
    return buf_str(&out);
}

static void add_query(struct buf *out, struct arena *arena, struct str query)
{
    struct query_pair *pairs;
    if (query.len == 0)
        return;
    /* '+' is a plus sign in what is signed: only %20 is a space. */
    struct buf plain;
    buf_init_arena(&plain, arena, SIZE_MAX / 2);
    for (size_t i = 0; i < query.len; i++)
        buf_add(&plain, query.ptr[i] == '+' ? STR("%2B") : str_make(query.ptr + i, 1));
    size_t count = query_parse(arena, buf_str(&plain), &pairs);
    for (size_t i = 0; i < count; i++) {
        pairs[i].name = encoded(arena, pairs[i].name);
        pairs[i].value = encoded(arena, pairs[i].value);
    }
    qsort(pairs, count, sizeof(*pairs), by_name_and_value);
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        if (str_eq(pairs[i].name, STR("X-Amz-Signature")))
            continue;
        if (!is_first)
            buf_add_byte(out, '&');
        is_first = false;
        buf_add(out, pairs[i].name);
        buf_add_byte(out, '=');
        buf_add(out, pairs[i].value);
    }
}

/* Trimmed, inner runs of blanks as one. */
static void add_header_value(struct buf *out, struct str value)
{
    value = str_trim(value);
    bool was_blank = false;
    for (size_t i = 0; i < value.len; i++) {
        bool is_blank = value.ptr[i] == ' ';
        if (!is_blank || !was_blank)
            buf_add_byte(out, value.ptr[i]);
        was_blank = is_blank;
    }
}

static void add_headers(struct buf *out, const struct sigv4_request *request, struct str names)
{
    while (names.len) {
        struct str name;
        str_cut(&names, ';', &name);
        buf_add(out, name);
        buf_add_byte(out, ':');
        bool is_first = true;
        for (size_t i = 0; i < request->header_count; i++) {
            if (!str_eq_nocase(request->headers[i].name, name))
                continue;
            if (!is_first)
                buf_add_byte(out, ',');
            is_first = false;
            add_header_value(out, request->headers[i].value);
        }
        buf_add_byte(out, '\n');
    }
    buf_add_byte(out, '\n');
}

static struct str canonical_request(const struct sigv4_request *request, struct str service,
                                    struct str signed_headers, struct str payload_hash,
                                    struct arena *arena)
{
    struct buf out;
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    buf_reserve(&out, 1024);
    buf_add(&out, request->method);
    buf_add_byte(&out, '\n');
    add_path(&out, arena, request->path, service);
    buf_add_byte(&out, '\n');
    add_query(&out, arena, request->query);
    buf_add_byte(&out, '\n');
    add_headers(&out, request, signed_headers);
    buf_add(&out, signed_headers);
    buf_add_byte(&out, '\n');
    buf_add(&out, payload_hash);
    return buf_str(&out);
}

static struct str scope_of(struct arena *arena, struct str date, struct str region,
                           struct str service)
{
    return arena_concat(arena, date, STR("/"), region, STR("/"), service, STR("/aws4_request"));
}

static struct str signature(struct str canonical, struct str secret, struct str amz_date,
                            struct str date, struct str region, struct str service,
                            struct arena *arena)
{
    struct str scope = scope_of(arena, date, region, service);
    struct str to_sign = arena_concat(arena, STR("AWS4-HMAC-SHA256\n"), amz_date, STR("\n"), scope,
                                      STR("\n"), sigv4_sha256_hex(arena, canonical));
    unsigned char mac[SHA256_LEN];
    const unsigned char *key = signing_key(secret, scope, date, region, service);
    sigv4_hmac_sha256(as_str(key, SHA256_LEN), to_sign, mac);
    return encode_hex(arena, as_str(mac, sizeof(mac)));
}

/* --- Verifying --- */

static bool is_sha256_hex(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return text.len == 2 * SHA256_LEN;
}

static bool is_payload_marker(struct str hash)
{
    static const struct str markers[] = {
        STR_INIT(SIGV4_UNSIGNED_PAYLOAD), STR_INIT(SIGV4_SIGNED_CHUNKS),
        STR_INIT(SIGV4_SIGNED_TRAILER), STR_INIT(SIGV4_UNSIGNED_TRAILER)};
    for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
        if (str_eq(hash, markers[i]))
            return true;
    }
    return false;
}

/* Only S3 wants the hash in a header, and takes a word in its place. */
static enum err check_s3_hash(const struct sigv4_claim *claim, struct error *error)
{
    if (is_payload_marker(claim->payload_hash) || is_sha256_hex(claim->payload_hash))
        return OK;
    if (claim->payload_hash.len == 0)
        return error_set(error, ERR_S3_INVALID_REQUEST,
                         "Missing required header for this request: x-amz-content-sha256");
    return error_set(error, ERR_S3_INVALID_ARGUMENT,
                     "x-amz-content-sha256 must be " SIGV4_UNSIGNED_PAYLOAD
                     ", " SIGV4_UNSIGNED_TRAILER ", " SIGV4_SIGNED_CHUNKS ", " SIGV4_SIGNED_TRAILER
                     ", STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "
                     "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.");
}

/* The hash that goes into the signature: the body's, or S3's word for one that is not signed. */
static enum err payload_hash(const struct sigv4_request *request, const struct sigv4_claim *claim,
                             const struct sigv4_rules *rules, struct arena *arena, struct str *out,
                             struct error *error)
{
    if (rules->is_s3 && claim->is_presigned && claim->payload_hash.len == 0) {
        *out = STR(SIGV4_UNSIGNED_PAYLOAD);
        return OK;
    }
    enum err rc = rules->is_s3 ? check_s3_hash(claim, error) : OK;
    if (rc || request->is_head_only || (rules->is_s3 && is_payload_marker(claim->payload_hash))) {
        *out = claim->payload_hash;
        return rc;
    }
    *out = sigv4_sha256_hex(arena, request->body);
    if (claim->payload_hash.len == 0 || str_eq(claim->payload_hash, *out))
        return OK;
    return rules->is_s3 ? error_set(error, ERR_S3_CONTENT_SHA256_MISMATCH,
                                    "The provided 'x-amz-content-sha256' header does not match "
                                    "what was computed.")
                        : error_set(error, ERR_INVALID_SIGNATURE, MISMATCH);
}

enum err sigv4_verify(const struct sigv4_request *request, const struct sigv4_claim *claim,
                      const struct sigv4_rules *rules, struct str secret_access_key,
                      struct arena *arena, struct error *error)
{
    struct str body_hash;
    enum err rc = payload_hash(request, claim, rules, arena, &body_hash, error);
    if (rc || (request->is_head_only && body_hash.len == 0))
        return rc;
    struct str canonical =
        canonical_request(request, claim->service, claim->signed_headers, body_hash, arena);
    struct str expected = signature(canonical, secret_access_key, claim->amz_date, claim->date,
                                    claim->region, claim->service, arena);
    if (str_eq_secret(expected, claim->signature))
        return OK;
    return rules->is_s3 ? error_set(error, ERR_SIGNATURE_DOES_NOT_MATCH, S3_MISMATCH)
                        : error_set(error, ERR_INVALID_SIGNATURE, MISMATCH);
}

/* --- Bodies in signed chunks --- */

void sigv4_stream_start(const struct sigv4_claim *claim, struct str secret_access_key,
                        struct arena *arena, struct sigv4_stream *out)
{
    out->amz_date = claim->amz_date;
    out->scope = scope_of(arena, claim->date, claim->region, claim->service);
    memcpy(out->key,
           signing_key(secret_access_key, out->scope, claim->date, claim->region, claim->service),
           SHA256_LEN);
    assert(claim->signature.len == sizeof(out->previous));
    memcpy(out->previous, claim->signature.ptr, sizeof(out->previous));
}

/* `kind` and what lies between the signature before and the hash of the bytes are what tells
 * chunks and trailers apart. */
static bool check_piece(struct sigv4_stream *stream, const char *kind, const char *between,
                        struct str bytes, struct str given)
{
    struct arena arena = {0};
    unsigned char mac[SHA256_LEN];
    struct str to_sign =
        arena_printf(&arena, "%s\n%.*s\n%.*s\n%.*s\n%s%.*s", kind, STR_ARG(stream->amz_date),
                     STR_ARG(stream->scope), (int)sizeof(stream->previous), stream->previous,
                     between, STR_ARG(sigv4_sha256_hex(&arena, bytes)));
    sigv4_hmac_sha256(as_str(stream->key, SHA256_LEN), to_sign, mac);
    struct str expected = encode_hex(&arena, as_str(mac, sizeof(mac)));
    memcpy(stream->previous, expected.ptr, sizeof(stream->previous));
    bool is_right = str_eq_secret(expected, given);
    arena_release(&arena);
    return is_right;
}

bool sigv4_stream_chunk(struct sigv4_stream *stream, struct str data, struct str given)
{
    return check_piece(stream, "AWS4-HMAC-SHA256-PAYLOAD", EMPTY_SHA256 "\n", data, given);
}

bool sigv4_stream_trailer(struct sigv4_stream *stream, struct str lines, struct str given)
{
    return check_piece(stream, "AWS4-HMAC-SHA256-TRAILER", "", lines, given);
}

/* --- Signing --- */

static int by_lower_name(const void *a, const void *b)
{
    return str_cmp(((const struct sigv4_header *)a)->name, ((const struct sigv4_header *)b)->name);
}

static struct str lower(struct arena *arena, struct str name)
{
    char *text = arena_cstr(arena, name);
    for (size_t i = 0; i < name.len; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] | 0x20);
    }
    return str_make(text, name.len);
}

static struct str joined_names(const struct sigv4_header *headers, size_t count,
                               struct arena *arena)
{
    struct buf names;
    buf_init_arena(&names, arena, SIZE_MAX / 2);
    for (size_t i = 0; i < count; i++) {
        if (i && str_eq(headers[i].name, headers[i - 1].name))
            continue;
        if (i)
            buf_add_byte(&names, ';');
        buf_add(&names, headers[i].name);
    }
    return buf_str(&names);
}

void sigv4_sign(const struct sigv4_request *request, const struct sigv4_credentials *credentials,
                struct str region, struct str service, int64_t now_ms, struct arena *arena,
                struct sigv4_signed *out)
{
    out->amz_date = clock_amz_date(arena, now_ms);
    out->content_sha256 = sigv4_sha256_hex(arena, request->body);
    out->security_token = credentials->session_token.len ? credentials->session_token : STR_EMPTY;

    size_t count = request->header_count;
    struct sigv4_header *headers = arena_array(arena, struct sigv4_header, count + 3);
    for (size_t i = 0; i < count; i++) {
        headers[i].name = lower(arena, request->headers[i].name);
        headers[i].value = request->headers[i].value;
    }
    headers[count++] = (struct sigv4_header){STR("x-amz-date"), out->amz_date};
    headers[count++] = (struct sigv4_header){STR("x-amz-content-sha256"), out->content_sha256};
    if (out->security_token.len)
        headers[count++] = (struct sigv4_header){STR("x-amz-security-token"), out->security_token};
    qsort(headers, count, sizeof(*headers), by_lower_name);

    struct sigv4_request full = *request;
    full.headers = headers;
    full.header_count = count;
    struct str names = joined_names(headers, count, arena);
    struct str date = str_slice(out->amz_date, 0, 8);
    struct str canonical = canonical_request(&full, service, names, out->content_sha256, arena);
    struct str value = signature(canonical, credentials->secret_access_key, out->amz_date, date,
                                 region, service, arena);
    out->authorization =
        arena_printf(arena,
                     "AWS4-HMAC-SHA256 Credential=%.*s/%.*s/%.*s/%.*s/aws4_request, "
                     "SignedHeaders=%.*s, Signature=%.*s",
                     STR_ARG(credentials->access_key_id), STR_ARG(date), STR_ARG(region),
                     STR_ARG(service), STR_ARG(names), STR_ARG(value));
}
