/* Signature Version 4: canonical requests, signing keys, signatures. */
#include "wire/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "wire/query.h"

enum { SHA256_LEN = 32, BLOCK_LEN = 64, CACHED_KEYS = 32, MAX_SIGNED_HEADERS = 64 };

#define MISMATCH                                                                                   \
    "The request signature we calculated does not match the signature you provided. Check your "   \
    "AWS Secret Access Key and signing method. Consult the service documentation for details."

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

static struct str header_of(const struct sigv4_request *request, struct str name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_eq_nocase(request->headers[i].name, name))
            return request->headers[i].value;
    }
    return (struct str){NULL, 0};
}

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

static struct str signature(struct str canonical, struct str secret, struct str amz_date,
                            struct str date, struct str region, struct str service,
                            struct arena *arena)
{
    struct str scope =
        arena_concat(arena, date, STR("/"), region, STR("/"), service, STR("/aws4_request"));
    struct str to_sign = arena_concat(arena, STR("AWS4-HMAC-SHA256\n"), amz_date, STR("\n"), scope,
                                      STR("\n"), sigv4_sha256_hex(arena, canonical));
    unsigned char mac[SHA256_LEN];
    const unsigned char *key = signing_key(secret, scope, date, region, service);
    sigv4_hmac_sha256(as_str(key, SHA256_LEN), to_sign, mac);
    return encode_hex(arena, as_str(mac, sizeof(mac)));
}

/* --- Reading the claim --- */

static enum err parse_credential(struct str credential, struct sigv4_claim *out,
                                 struct error *error)
{
    struct str rest = credential, parts[5];
    size_t count = 0;
    while (count < 5 && rest.len)
        str_cut(&rest, '/', &parts[count++]);
    if (count != 5 || rest.len || !str_eq(parts[4], STR("aws4_request")))
        return error_set(error, ERR_INCOMPLETE_SIGNATURE,
                         "Credential must have exactly 5 slash-delimited elements, e.g. "
                         "keyid/date/region/service/term, got '%.*s'",
                         STR_ARG(credential));
    out->access_key_id = parts[0];
    out->date = parts[1];
    out->region = parts[2];
    out->service = parts[3];
    return OK;
}

static void find_parameters(struct str rest, struct str *credential, struct sigv4_claim *out)
{
    while (rest.len) {
        struct str pair, name;
        str_cut(&rest, ',', &pair);
        pair = str_trim(pair);
        str_cut(&pair, '=', &name);
        if (str_eq(name, STR("Credential")))
            *credential = pair;
        else if (str_eq(name, STR("SignedHeaders")))
            out->signed_headers = pair;
        else if (str_eq(name, STR("Signature")))
            out->signature = pair;
    }
}

/* The Date header of HTTP is not taken in place of X-Amz-Date: no AWS client sends it so. */
static enum err parse_header(const struct sigv4_request *request, struct str authorization,
                             struct arena *arena, struct sigv4_claim *out, struct error *error)
{
    struct str credential = {NULL, 0};
    struct buf missing;
    find_parameters(str_slice(authorization, strlen("AWS4-HMAC-SHA256"), authorization.len),
                    &credential, out);
    out->amz_date = header_of(request, STR("x-amz-date"));
    out->security_token = header_of(request, STR("x-amz-security-token"));
    out->payload_hash = header_of(request, STR("x-amz-content-sha256"));

    buf_init_arena(&missing, arena, 1024);
    if (!credential.ptr)
        buf_add(&missing, STR("Authorization header requires 'Credential' parameter. "));
    if (!out->signature.ptr)
        buf_add(&missing, STR("Authorization header requires 'Signature' parameter. "));
    if (!out->signed_headers.ptr)
        buf_add(&missing, STR("Authorization header requires 'SignedHeaders' parameter. "));
    if (!out->amz_date.ptr)
        buf_add(&missing, STR("Authorization header requires existence of either a 'X-Amz-Date' or "
                              "a 'Date' header. "));
    if (missing.len)
        return error_set(error, ERR_INCOMPLETE_SIGNATURE, "%.*sAuthorization=%.*s",
                         STR_ARG(buf_str(&missing)), STR_ARG(STR("AWS4-HMAC-SHA256")));
    return parse_credential(credential, out, error);
}

static struct str query_value(const struct query_pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(pairs[i].name, str_from(name)))
            return pairs[i].value;
    }
    return (struct str){NULL, 0};
}

static enum err parse_query(const struct sigv4_request *request, struct arena *arena,
                            struct sigv4_claim *out, struct error *error)
{
    struct query_pair *pairs;
    size_t count = query_parse(arena, request->query, &pairs);
    struct str credential = query_value(pairs, count, "X-Amz-Credential");
    struct str expires = query_value(pairs, count, "X-Amz-Expires");
    uint64_t seconds = 0;
    out->is_presigned = true;
    out->signature = query_value(pairs, count, "X-Amz-Signature");
    out->signed_headers = query_value(pairs, count, "X-Amz-SignedHeaders");
    out->amz_date = query_value(pairs, count, "X-Amz-Date");
    out->security_token = query_value(pairs, count, "X-Amz-Security-Token");
    out->payload_hash = header_of(request, STR("x-amz-content-sha256"));
    if (!credential.ptr || !out->signature.ptr || !out->signed_headers.ptr || !out->amz_date.ptr)
        return error_set(error, ERR_INCOMPLETE_SIGNATURE,
                         "AWS query-string parameters must include 'X-Amz-Algorithm', "
                         "'X-Amz-Credential', 'X-Amz-Signature', 'X-Amz-SignedHeaders' and "
                         "'X-Amz-Date'. Re-examine the query-string parameters.");
    if (!expires.ptr)
        seconds = SIGV4_MAX_SKEW_MS / 1000;
    else if (!str_to_u64(expires, &seconds) || seconds < 1 || seconds > 604800)
        return error_set(error, ERR_INCOMPLETE_SIGNATURE,
                         "X-Amz-Expires must be a number from 1 to 604800");
    out->expires_s = (int64_t)seconds;
    return parse_credential(credential, out, error);
}

static void no_null_pointers(struct sigv4_claim *claim)
{
    if (!claim->security_token.ptr)
        claim->security_token = STR_EMPTY;
    if (!claim->payload_hash.ptr)
        claim->payload_hash = STR_EMPTY;
}

enum err sigv4_parse(const struct sigv4_request *request, struct arena *arena,
                     struct sigv4_claim *out, struct error *error)
{
    struct sigv4_claim claim = {0};
    enum err rc;
    struct str authorization = header_of(request, STR("authorization"));
    if (authorization.ptr && str_starts(authorization, STR("AWS4-HMAC-SHA256")))
        rc = parse_header(request, authorization, arena, &claim, error);
    else if (str_find(request->query, STR("X-Amz-Algorithm=AWS4-HMAC-SHA256")) >= 0)
        rc = parse_query(request, arena, &claim, error);
    else if (authorization.ptr)
        return error_set(error, ERR_INCOMPLETE_SIGNATURE,
                         "Unsupported AWS 'algorithm': the Authorization header must start with "
                         "AWS4-HMAC-SHA256");
    else
        return error_set(error, ERR_MISSING_AUTHENTICATION_TOKEN,
                         "Request is missing Authentication Token");
    if (rc)
        return rc;
    no_null_pointers(&claim);
    *out = claim;
    return OK;
}

/* --- Verifying --- */

static enum err check_time(const struct sigv4_claim *claim, int64_t now_ms, struct arena *arena,
                           struct error *error)
{
    int64_t signed_ms;
    if (!clock_parse_amz_date(claim->amz_date, &signed_ms))
        return error_set(error, ERR_INCOMPLETE_SIGNATURE,
                         "Date must be in ISO-8601 'basic format'. Got '%.*s'.",
                         STR_ARG(claim->amz_date));
    if (!str_eq(str_slice(claim->amz_date, 0, 8), claim->date))
        return error_set(error, ERR_INVALID_SIGNATURE,
                         "Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
                         "of date from HTTP: '%.*s' != '%.*s', from '%.*s'.",
                         STR_ARG(claim->date), 8, claim->amz_date.ptr, STR_ARG(claim->amz_date));
    int64_t age_limit_ms = claim->is_presigned ? claim->expires_s * 1000 : SIGV4_MAX_SKEW_MS;
    struct str now = clock_amz_date(arena, now_ms);
    if (now_ms - signed_ms > age_limit_ms)
        return error_set(error, ERR_INVALID_SIGNATURE,
                         "Signature expired: %.*s is now earlier than %.*s (%.*s - %lld min.)",
                         STR_ARG(claim->amz_date),
                         STR_ARG(clock_amz_date(arena, now_ms - age_limit_ms)), STR_ARG(now),
                         (long long)(age_limit_ms / 60000));
    if (signed_ms - now_ms > SIGV4_MAX_SKEW_MS)
        return error_set(
            error, ERR_INVALID_SIGNATURE,
            "Signature not yet current: %.*s is still later than %.*s (%.*s + 15 min.)",
            STR_ARG(claim->amz_date), STR_ARG(clock_amz_date(arena, now_ms + SIGV4_MAX_SKEW_MS)),
            STR_ARG(now));
    return OK;
}

static bool is_signed(struct str signed_headers, struct str name)
{
    while (signed_headers.len) {
        struct str one;
        str_cut(&signed_headers, ';', &one);
        if (str_eq(one, name))
            return true;
    }
    return false;
}

static enum err check_headers(const struct sigv4_claim *claim, struct error *error)
{
    bool needs_date = !claim->is_presigned;
    if (!is_signed(claim->signed_headers, STR("host")) ||
        (needs_date && !is_signed(claim->signed_headers, STR("x-amz-date"))))
        return error_set(error, ERR_INVALID_SIGNATURE,
                         "'Host' or ':authority' and 'X-Amz-Date' must be signed headers");
    size_t count = 1;
    for (size_t i = 0; i < claim->signed_headers.len; i++)
        count += claim->signed_headers.ptr[i] == ';';
    if (count > MAX_SIGNED_HEADERS)
        return error_set(error, ERR_INVALID_SIGNATURE, "More than %d signed headers",
                         MAX_SIGNED_HEADERS);
    return OK;
}

/* The hash that went into the signature, once it is known to be that of the body. */
static enum err payload_hash(const struct sigv4_request *request, const struct sigv4_claim *claim,
                             struct arena *arena, struct str *out, struct error *error)
{
    struct str claimed = claim->payload_hash;
    if (str_eq(claimed, STR(SIGV4_UNSIGNED_PAYLOAD)) || str_starts(claimed, STR("STREAMING-"))) {
        *out = claimed;
        return OK;
    }
    if (claim->is_presigned && str_eq(claim->service, STR("s3"))) {
        *out = STR(SIGV4_UNSIGNED_PAYLOAD);
        return OK;
    }
    *out = sigv4_sha256_hex(arena, request->body);
    if (claimed.len && !str_eq(claimed, *out))
        return error_set(error, ERR_INVALID_SIGNATURE,
                         "The provided 'x-amz-content-sha256' header does not match what was "
                         "computed.");
    return OK;
}

enum err sigv4_verify(const struct sigv4_request *request, const struct sigv4_claim *claim,
                      struct str secret_access_key, int64_t now_ms, struct arena *arena,
                      struct error *error)
{
    struct str body_hash;
    enum err rc = check_time(claim, now_ms, arena, error);
    if (rc == OK)
        rc = check_headers(claim, error);
    if (rc == OK)
        rc = payload_hash(request, claim, arena, &body_hash, error);
    if (rc)
        return rc;
    struct str canonical =
        canonical_request(request, claim->service, claim->signed_headers, body_hash, arena);
    struct str expected = signature(canonical, secret_access_key, claim->amz_date, claim->date,
                                    claim->region, claim->service, arena);
    return str_eq_secret(expected, claim->signature)
               ? OK
               : error_set(error, ERR_INVALID_SIGNATURE, MISMATCH);
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
