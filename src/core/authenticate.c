#include "core/authenticate.h"

#include "base/clock.h"
#include "core/signing.h"

struct sigv4_request authenticate_part(const struct http_exchange *exchange, struct arena *arena)
{
    struct sigv4_header *headers = arena_array(arena, struct sigv4_header, exchange->header_count);
    for (size_t i = 0; i < exchange->header_count; i++) {
        headers[i].name = exchange->headers[i].name;
        headers[i].value = exchange->headers[i].value;
    }
    return (struct sigv4_request){
        .method = exchange->method,
        .path = exchange->path,
        .query = exchange->query,
        .headers = headers,
        .header_count = exchange->header_count,
        .body = exchange->body,
    };
}

struct principal authenticate_nobody(const struct skylite *skylite, const struct sigv4_claim *claim,
                                     struct arena *arena)
{
    struct str account = skylite->config.account;
    return (struct principal){
        .kind = PRINCIPAL_ROOT,
        .account = account,
        .arn = arena_printf(arena, "arn:aws:iam::%.*s:root", STR_ARG(account)),
        .name = STR("root"),
        .user_id = account,
        .access_key_id = claim->access_key_id,
    };
}

/* S3 has names of its own for keys that are none. */
static enum err say_in_s3(enum err rc, bool has_token, struct error *error)
{
    if (rc == ERR_EXPIRED_TOKEN)
        return error_set(error, ERR_S3_EXPIRED_TOKEN, "The provided token has expired.");
    if (rc != ERR_UNRECOGNIZED_CLIENT)
        return rc;
    if (has_token)
        return error_set(error, ERR_S3_INVALID_TOKEN,
                         "The provided token is malformed or otherwise invalid.");
    return error_set(error, ERR_S3_INVALID_ACCESS_KEY_ID,
                     "The AWS Access Key Id you provided does not exist in our records.");
}

static bool is_in_signed_chunks(const struct sigv4_claim *claim)
{
    return str_eq(claim->payload_hash, STR(SIGV4_SIGNED_CHUNKS)) ||
           str_eq(claim->payload_hash, STR(SIGV4_SIGNED_TRAILER));
}

enum err authenticate_claim(const struct skylite *skylite, const struct sigv4_request *part,
                            const struct sigv4_claim *claim, struct str service,
                            struct arena *arena, struct principal *out,
                            struct sigv4_stream **out_stream, struct error *error)
{
    const struct iam_capability *iam = &skylite->iam;
    struct sigv4_rules rules = signing_rules(skylite, service);
    struct str secret;
    *out_stream = NULL;
    enum err rc = sigv4_check(part, claim, &rules, clock_wall_ms(), arena, error);
    if (rc)
        return rc;
    rc = iam->find_key(iam->self, claim->access_key_id, claim->security_token, arena, &secret, out,
                       error);
    if (rc)
        return rules.is_s3 ? say_in_s3(rc, claim->security_token.len, error) : rc;
    rc = sigv4_verify(part, claim, &rules, secret, arena, error);
    if (rc == OK && rules.is_s3 && is_in_signed_chunks(claim)) {
        *out_stream = arena_new(arena, struct sigv4_stream);
        sigv4_stream_start(claim, secret, arena, *out_stream);
    }
    return rc;
}

bool authenticate_head(const struct skylite *skylite, const struct http_exchange *exchange,
                       struct arena *arena, struct str *out_service)
{
    const struct iam_capability *iam = &skylite->iam;
    struct sigv4_request part = authenticate_part(exchange, arena);
    struct sigv4_claim claim;
    struct principal principal;
    struct error error;
    struct str secret;
    part.is_head_only = true;
    if (sigv4_parse(&part, arena, &claim, &error))
        return false;
    struct sigv4_rules rules = signing_rules(skylite, claim.service);
    if (sigv4_check(&part, &claim, &rules, clock_wall_ms(), arena, &error) ||
        iam->find_key(iam->self, claim.access_key_id, claim.security_token, arena, &secret,
                      &principal, &error) ||
        sigv4_verify(&part, &claim, &rules, secret, arena, &error))
        return false;
    *out_service = claim.service;
    return true;
}
