/* Signature Version 4: what a request claims of its signature, and what is wrong with that before
 * any secret is asked for.
 *
 * Two families of services word the same faults in two ways: S3, and all others. The texts, their
 * order and what is said together are AWS's as recorded by others (architect/dynalite, index.js;
 * versity/versitygw, iamerr). */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "wire/query.h"
#include "wire/sigv4.h"
#include "wire/xml.h"

#define ALGORITHM  "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"
#define MALFORMED  "The authorization header is malformed; "

enum { MAX_SIGNED_HEADERS = 64, MAX_EXPIRES_S = 604800, MAX_WORDS = 2048 };

static struct str header_of(const struct sigv4_request *request, struct str name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_eq_nocase(request->headers[i].name, name))
            return request->headers[i].value;
    }
    return (struct str){NULL, 0};
}

static bool is_for_s3(const struct sigv4_claim *claim)
{
    return str_eq(claim->service, STR("s3"));
}

/* --- Reading --- */

static enum err parse_credential(struct str credential, struct sigv4_claim *out,
                                 struct error *error)
{
    struct str rest = credential,
               parts[5] = {STR_EMPTY, STR_EMPTY, STR_EMPTY, STR_EMPTY, STR_EMPTY};
    size_t count = 0;
    bool has_more = true;
    while (has_more && count < 5)
        has_more = str_cut(&rest, '/', &parts[count++]);
    out->access_key_id = parts[0];
    out->date = parts[1];
    out->region = parts[2];
    out->service = parts[3];
    out->terminator = parts[4];
    if (count == 5 && !has_more)
        return OK;
    if (is_for_s3(out))
        return error_set(
            error, out->is_presigned ? ERR_S3_AUTHORIZATION_QUERY : ERR_S3_AUTHORIZATION_HEADER,
            "%s; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/" TERMINATOR "\".",
            out->is_presigned ? "Error parsing the X-Amz-Credential parameter"
                              : MALFORMED "the Credential is mal-formed");
    return error_set(error, ERR_INCOMPLETE_SIGNATURE,
                     "Credential must have exactly 5 slash-delimited elements, e.g. "
                     "keyid/date/region/service/term, got '%.*s'",
                     STR_ARG(credential));
}

/* AWS shows a header that may hold a secret by its hash. */
static struct str hash_of_header(struct arena *arena, struct str authorization)
{
    unsigned char digest[32];
    sigv4_sha256(authorization, digest);
    return encode_base64(arena, str_make((char *)digest, sizeof(digest)));
}

/* The next word of "Credential=a, SignedHeaders=b,Signature=c". */
static bool next_word(struct str *rest, struct str *out)
{
    while (rest->len && (rest->ptr[0] == ' ' || rest->ptr[0] == ','))
        *rest = str_slice(*rest, 1, rest->len);
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != ' ' && rest->ptr[len] != ',')
        len++;
    *out = str_slice(*rest, 0, len);
    *rest = str_slice(*rest, len, rest->len);
    return len > 0;
}

/* False for a word without '='. */
static bool find_parameters(struct str rest, struct str *credential, struct sigv4_claim *out)
{
    struct str value, name;
    while (next_word(&rest, &value)) {
        if (!str_cut(&value, '=', &name))
            return false;
        if (str_eq(name, STR("Credential")))
            *credential = value;
        else if (str_eq(name, STR("SignedHeaders")))
            out->signed_headers = value;
        else if (str_eq(name, STR("Signature")))
            out->signature = value;
    }
    return true;
}

static enum err say_missing(const struct sigv4_claim *claim, bool has_credential,
                            struct str authorization, struct arena *arena, struct error *error)
{
    struct buf words;
    bool has_parameters = has_credential && claim->signature.ptr && claim->signed_headers.ptr;
    if (has_parameters && claim->amz_date.ptr)
        return OK;
    if (is_for_s3(claim) && has_parameters)
        return error_set(error, ERR_ACCESS_DENIED,
                         "AWS authentication requires a valid Date or x-amz-date header");
    if (is_for_s3(claim))
        return error_set(error, ERR_S3_AUTHORIZATION_HEADER,
                         MALFORMED "the authorization header requires three components: "
                                   "Credential, SignedHeaders, and Signature.");
    buf_init_arena(&words, arena, MAX_WORDS);
    if (!has_credential)
        buf_add(&words, STR("Authorization header requires 'Credential' parameter. "));
    if (!claim->signature.ptr)
        buf_add(&words, STR("Authorization header requires 'Signature' parameter. "));
    if (!claim->signed_headers.ptr)
        buf_add(&words, STR("Authorization header requires 'SignedHeaders' parameter. "));
    if (!claim->amz_date.ptr)
        buf_add(&words, STR("Authorization header requires existence of either a 'X-Amz-Date' or "
                            "a 'Date' header. "));
    return error_set(error, ERR_INCOMPLETE_SIGNATURE,
                     "%.*s(Hashed with SHA-256 and encoded with Base64) Authorization=%.*s",
                     STR_ARG(buf_str(&words)), STR_ARG(hash_of_header(arena, authorization)));
}

/* The Date header of HTTP is not taken in place of X-Amz-Date: no AWS client sends it so. */
static enum err parse_header(const struct sigv4_request *request, struct str authorization,
                             struct arena *arena, struct sigv4_claim *out, struct error *error)
{
    struct str credential = {NULL, 0}, rest = authorization;
    str_cut(&rest, ' ', &out->algorithm);
    bool has_pairs = find_parameters(rest, &credential, out);
    out->amz_date = header_of(request, STR("x-amz-date"));
    out->security_token = header_of(request, STR("x-amz-security-token"));
    out->payload_hash = header_of(request, STR("x-amz-content-sha256"));
    enum err rc = credential.ptr ? parse_credential(credential, out, error) : OK;
    if (!has_pairs && !is_for_s3(out))
        return error_set(error, ERR_INCOMPLETE_SIGNATURE,
                         "Invalid key=value pair (missing equal-sign) in Authorization header "
                         "(hashed with SHA-256 and encoded with Base64): '%.*s'.",
                         STR_ARG(hash_of_header(arena, authorization)));
    enum err missing_rc = say_missing(out, credential.ptr, authorization, arena, error);
    return missing_rc ? missing_rc : rc;
}

static struct str query_value(const struct query_pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(pairs[i].name, str_from(name)))
            return pairs[i].value;
    }
    return (struct str){NULL, 0};
}

/* X-Amz-Expires, which only S3 insists on. */
static enum err parse_expires(struct str expires, struct sigv4_claim *out, struct error *error)
{
    uint64_t seconds = 0;
    bool is_number = str_to_u64(expires, &seconds);
    if (!expires.ptr || (is_number && seconds > 0 && seconds <= MAX_EXPIRES_S)) {
        out->expires_s = (int64_t)seconds;
        return OK;
    }
    if (!is_for_s3(out))
        return error_set(error, ERR_INCOMPLETE_SIGNATURE,
                         "X-Amz-Expires must be a number from 1 to %d", MAX_EXPIRES_S);
    return error_set(error, ERR_S3_AUTHORIZATION_QUERY, "%s",
                     !is_number
                         ? (str_starts(expires, STR("-")) ? "X-Amz-Expires must be non-negative"
                                                          : "X-Amz-Expires should be a number")
                     : seconds ? "X-Amz-Expires must be less than a week (in seconds); that is, "
                                 "the given X-Amz-Expires must be less than 604800 seconds"
                               : "X-Amz-Expires must be non-negative");
}

static enum err say_missing_query(const struct sigv4_claim *claim, struct str credential,
                                  struct str expires, struct arena *arena, struct error *error)
{
    const struct {
        const char *name;
        bool is_there;
    } parameters[] = {
        {"X-Amz-Credential", credential.ptr != NULL},
        {"X-Amz-Signature", claim->signature.ptr != NULL},
        {"X-Amz-SignedHeaders", claim->signed_headers.ptr != NULL},
        {"X-Amz-Date", claim->amz_date.ptr != NULL},
    };
    struct buf words;
    buf_init_arena(&words, arena, MAX_WORDS);
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        if (!parameters[i].is_there)
            buf_printf(&words, "AWS query-string parameters must include '%s'. ",
                       parameters[i].name);
    }
    if (is_for_s3(claim) && (words.len || !expires.ptr))
        return error_set(error, ERR_S3_AUTHORIZATION_QUERY,
                         "Query-string authentication version 4 requires the X-Amz-Algorithm, "
                         "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
                         "X-Amz-Expires parameters.");
    if (words.len)
        return error_set(error, ERR_INCOMPLETE_SIGNATURE,
                         "%.*sRe-examine the query-string parameters.", STR_ARG(buf_str(&words)));
    return OK;
}

static enum err parse_query(const struct sigv4_request *request, struct arena *arena,
                            struct sigv4_claim *out, struct error *error)
{
    struct query_pair *pairs;
    size_t count = query_parse(arena, request->query, &pairs);
    struct str credential = query_value(pairs, count, "X-Amz-Credential");
    struct str expires = query_value(pairs, count, "X-Amz-Expires");
    out->is_presigned = true;
    out->algorithm = query_value(pairs, count, "X-Amz-Algorithm");
    out->signature = query_value(pairs, count, "X-Amz-Signature");
    out->signed_headers = query_value(pairs, count, "X-Amz-SignedHeaders");
    out->amz_date = query_value(pairs, count, "X-Amz-Date");
    out->security_token = query_value(pairs, count, "X-Amz-Security-Token");
    out->payload_hash = query_value(pairs, count, "X-Amz-Content-Sha256");
    if (!out->payload_hash.ptr)
        out->payload_hash = header_of(request, STR("x-amz-content-sha256"));
    enum err rc = credential.ptr ? parse_credential(credential, out, error) : OK;
    enum err missing_rc = say_missing_query(out, credential, expires, arena, error);
    if (missing_rc || rc)
        return missing_rc ? missing_rc : rc;
    return parse_expires(expires, out, error);
}

static bool has_query_claim(struct str query)
{
    ptrdiff_t at = str_find(query, STR("X-Amz-Algorithm="));
    return at == 0 || (at > 0 && query.ptr[at - 1] == '&');
}

static enum err say_both(const struct sigv4_claim *claim, struct error *error)
{
    if (is_for_s3(claim))
        return error_set(error, ERR_S3_INVALID_ARGUMENT,
                         "Only one auth mechanism allowed; only the X-Amz-Algorithm query "
                         "parameter, Signature query string parameter or the Authorization header "
                         "should be specified");
    return error_set(error, ERR_INVALID_SIGNATURE,
                     "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as "
                     "HTTP header.");
}

static void no_null_pointers(struct sigv4_claim *claim)
{
    struct str *const members[] = {
        &claim->algorithm, &claim->access_key_id,  &claim->date,           &claim->region,
        &claim->service,   &claim->terminator,     &claim->signed_headers, &claim->signature,
        &claim->amz_date,  &claim->security_token, &claim->payload_hash,
    };
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (!members[i]->ptr)
            *members[i] = STR_EMPTY;
    }
}

enum err sigv4_parse(const struct sigv4_request *request, struct arena *arena,
                     struct sigv4_claim *out, struct error *error)
{
    struct str authorization = header_of(request, STR("authorization"));
    bool is_presigned = has_query_claim(request->query);
    enum err rc;
    *out = (struct sigv4_claim){0};
    if (authorization.ptr)
        rc = parse_header(request, authorization, arena, out, error);
    else if (is_presigned)
        rc = parse_query(request, arena, out, error);
    else
        rc = error_set(error, ERR_MISSING_AUTHENTICATION_TOKEN,
                       "Request is missing Authentication Token");
    if (rc == OK && authorization.ptr && is_presigned)
        rc = say_both(out, error);
    no_null_pointers(out);
    return rc;
}

/* --- Time --- */

static enum err fail_with(struct error *error, const struct buf *members, enum err code,
                          const char *message)
{
    error_set(error, code, "%s", message);
    error->members = buf_str(members);
    return code;
}

static void add_element(struct buf *buf, const char *name, struct str value)
{
    buf_printf(buf, "<%s>", name);
    xml_add_text(buf, value);
    buf_printf(buf, "</%s>", name);
}

/* S3's words for a time that is not now. */
static enum err wrong_time_in_s3(const struct sigv4_claim *claim, const struct sigv4_rules *rules,
                                 int64_t signed_ms, int64_t now_ms, struct arena *arena,
                                 struct error *error)
{
    struct buf members;
    buf_init_arena(&members, arena, MAX_WORDS);
    if (!claim->is_presigned) {
        add_element(&members, "RequestTime", claim->amz_date);
        add_element(&members, "ServerTime", clock_iso8601(arena, now_ms));
        buf_printf(&members, "<MaxAllowedSkewMilliseconds>%lld</MaxAllowedSkewMilliseconds>",
                   (long long)rules->window_ms);
        return fail_with(error, &members, ERR_S3_REQUEST_TIME_TOO_SKEWED,
                         "The difference between the request time and the current time is too "
                         "large.");
    }
    buf_printf(&members, "<X-Amz-Expires>%lld</X-Amz-Expires>", (long long)claim->expires_s);
    add_element(&members, "Expires", clock_iso8601(arena, signed_ms + claim->expires_s * 1000));
    add_element(&members, "ServerTime", clock_iso8601(arena, now_ms));
    return fail_with(error, &members, ERR_ACCESS_DENIED,
                     signed_ms > now_ms ? "Request is not valid yet" : "Request has expired");
}

static enum err check_time(const struct sigv4_claim *claim, const struct sigv4_rules *rules,
                           int64_t now_ms, struct arena *arena, struct error *error)
{
    int64_t signed_ms;
    if (!clock_parse_amz_date(claim->amz_date, &signed_ms))
        return rules->is_s3
                   ? error_set(error, ERR_ACCESS_DENIED,
                               "AWS authentication requires a valid Date or x-amz-date header")
                   : error_set(error, ERR_INCOMPLETE_SIGNATURE,
                               "Date must be in ISO-8601 'basic format'. Got '%.*s'. See "
                               "http://en.wikipedia.org/wiki/ISO_8601",
                               STR_ARG(claim->amz_date));
    int64_t lifetime_ms = claim->expires_s ? claim->expires_s * 1000 : rules->window_ms;
    bool is_past = now_ms - signed_ms > lifetime_ms;
    if (!is_past && signed_ms - now_ms <= rules->window_ms)
        return OK;
    if (rules->is_s3)
        return wrong_time_in_s3(claim, rules, signed_ms, now_ms, arena, error);
    int64_t allowed_ms = is_past ? lifetime_ms : rules->window_ms;
    int64_t bound_ms = is_past ? now_ms - allowed_ms : now_ms + allowed_ms;
    return error_set(error, ERR_INVALID_SIGNATURE,
                     is_past ? "Signature expired: %.*s is now earlier than %.*s (%.*s - %lld min.)"
                             : "Signature not yet current: %.*s is still later than %.*s (%.*s + "
                               "%lld min.)",
                     STR_ARG(claim->amz_date), STR_ARG(clock_amz_date(arena, bound_ms)),
                     STR_ARG(clock_amz_date(arena, now_ms)), (long long)(allowed_ms / 60000));
}

/* --- Scope --- */

static bool is_right_region(const struct sigv4_claim *claim, const struct sigv4_rules *rules)
{
    return str_eq(claim->region, rules->region) ||
           (rules->other_region.len && str_eq(claim->region, rules->other_region));
}

static enum err wrong_scope_in_s3(const struct sigv4_claim *claim, const struct sigv4_rules *rules,
                                  struct arena *arena, struct error *error)
{
    enum err code = claim->is_presigned ? ERR_S3_AUTHORIZATION_QUERY : ERR_S3_AUTHORIZATION_HEADER;
    const char *lead =
        claim->is_presigned ? "Error parsing the X-Amz-Credential parameter; " : MALFORMED;
    struct str day = str_slice(claim->amz_date, 0, 8);
    if (!str_eq(claim->date, day))
        return error_set(error, code,
                         "%sInvalid credential date \"%.*s\". This date is not the same as "
                         "X-Amz-Date: \"%.*s\".",
                         lead, STR_ARG(claim->date), STR_ARG(day));
    if (!str_eq(claim->service, rules->service))
        return error_set(error, code,
                         "%sincorrect service \"%.*s\". This endpoint belongs to \"%.*s\".", lead,
                         STR_ARG(claim->service), STR_ARG(rules->service));
    if (!str_eq(claim->terminator, STR(TERMINATOR)))
        return error_set(error, code,
                         "%sincorrect terminal \"%.*s\". This endpoint uses \"" TERMINATOR "\".",
                         lead, STR_ARG(claim->terminator));
    struct buf members;
    buf_init_arena(&members, arena, MAX_WORDS);
    add_element(&members, "Region", rules->region);
    error_set(error, code, "%sthe region '%.*s' is wrong; expecting '%.*s'", lead,
              STR_ARG(claim->region), STR_ARG(rules->region));
    error->members = buf_str(&members);
    return code;
}

/* All that is wrong is said at once. */
static enum err check_scope(const struct sigv4_claim *claim, const struct sigv4_rules *rules,
                            struct arena *arena, struct error *error)
{
    struct str day = str_slice(claim->amz_date, 0, 8);
    bool has_region = is_right_region(claim, rules);
    bool has_service = str_eq(claim->service, rules->service);
    bool has_terminator = str_eq(claim->terminator, STR(TERMINATOR));
    bool has_day = str_eq(claim->date, day);
    if (has_region && has_service && has_terminator && has_day)
        return OK;
    if (rules->is_s3)
        return wrong_scope_in_s3(claim, rules, arena, error);
    struct buf words;
    buf_init_arena(&words, arena, MAX_WORDS);
    if (!has_region)
        buf_add(&words, STR("Credential should be scoped to a valid region. "));
    if (!has_service)
        buf_printf(&words, "Credential should be scoped to correct service: '%.*s'. ",
                   STR_ARG(rules->service));
    if (!has_terminator)
        buf_add(&words,
                STR("Credential should be scoped with a valid terminator: '" TERMINATOR "'. "));
    if (!has_day)
        buf_printf(&words,
                   "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                   "from HTTP: '%.*s' != '%.*s', from '%.*s'.",
                   STR_ARG(claim->date), STR_ARG(day), STR_ARG(claim->amz_date));
    return error_set(error, ERR_INVALID_SIGNATURE, "%.*s", STR_ARG(buf_str(&words)));
}

static enum err check_algorithm(const struct sigv4_claim *claim, const struct sigv4_rules *rules,
                                struct error *error)
{
    if (str_eq(claim->algorithm, STR(ALGORITHM)))
        return OK;
    if (rules->is_s3)
        return error_set(error, ERR_S3_INVALID_ARGUMENT, "Unsupported Authorization Type");
    if (claim->is_presigned)
        return error_set(error, ERR_MISSING_AUTHENTICATION_TOKEN, "Missing Authentication Token");
    return error_set(error, ERR_INCOMPLETE_SIGNATURE,
                     "Unsupported AWS 'algorithm': '%.*s' (only " ALGORITHM " for now). ",
                     STR_ARG(claim->algorithm));
}

/* --- Signed headers --- */

static bool is_signed(struct str signed_headers, struct str name)
{
    while (signed_headers.len) {
        struct str one;
        str_cut(&signed_headers, ';', &one);
        if (str_eq_nocase(one, name))
            return true;
    }
    return false;
}

/* S3 takes the hash of the body unsigned, since the signature covers it anyway. */
static bool may_be_unsigned(struct str name, const struct sigv4_rules *rules)
{
    static const struct str prefix = STR_INIT("x-amz-");
    return !str_eq_nocase(str_slice(name, 0, prefix.len), prefix) ||
           (rules->is_s3 && str_eq_nocase(name, STR("x-amz-content-sha256")));
}

static enum err say_unsigned(struct str name, const struct sigv4_rules *rules, struct arena *arena,
                             struct error *error)
{
    if (!rules->is_s3)
        return error_set(error, ERR_INVALID_SIGNATURE,
                         "'%.*s' must be a 'SignedHeader' in the AWS Authorization.",
                         STR_ARG(name));
    struct buf members;
    buf_init_arena(&members, arena, MAX_WORDS);
    add_element(&members, "HeadersNotSigned", name);
    return fail_with(error, &members, ERR_ACCESS_DENIED,
                     "There were headers present in the request which were not signed");
}

static enum err check_headers(const struct sigv4_request *request, const struct sigv4_claim *claim,
                              const struct sigv4_rules *rules, struct arena *arena,
                              struct error *error)
{
    size_t count = 1;
    for (size_t i = 0; i < claim->signed_headers.len; i++)
        count += claim->signed_headers.ptr[i] == ';';
    if (count > MAX_SIGNED_HEADERS)
        return error_set(error, ERR_INVALID_SIGNATURE, "More than %d signed headers",
                         MAX_SIGNED_HEADERS);
    if (!is_signed(claim->signed_headers, STR("host")))
        return rules->is_s3 ? say_unsigned(STR("host"), rules, arena, error)
                            : error_set(error, ERR_INVALID_SIGNATURE,
                                        "'Host' or ':authority' must be a 'SignedHeader' in the "
                                        "AWS Authorization.");
    for (size_t i = 0; i < request->header_count; i++) {
        struct str name = request->headers[i].name;
        if (!may_be_unsigned(name, rules) && !is_signed(claim->signed_headers, name))
            return say_unsigned(name, rules, arena, error);
    }
    return OK;
}

enum err sigv4_check(const struct sigv4_request *request, const struct sigv4_claim *claim,
                     const struct sigv4_rules *rules, int64_t now_ms, struct arena *arena,
                     struct error *error)
{
    if (claim->is_presigned && !rules->takes_presigned)
        return error_set(error, ERR_MISSING_AUTHENTICATION_TOKEN,
                         "Request is missing Authentication Token");
    enum err rc = check_time(claim, rules, now_ms, arena, error);
    if (rc == OK)
        rc = check_algorithm(claim, rules, error);
    if (rc == OK)
        rc = check_scope(claim, rules, arena, error);
    return rc ? rc : check_headers(request, claim, rules, arena, error);
}
