#include "core/authenticate.h"

#include "base/clock.h"

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

enum err authenticate_claim(const struct skylite *skylite, const struct sigv4_request *part,
                            const struct sigv4_claim *claim, struct arena *arena,
                            struct principal *out, struct error *error)
{
    const struct iam_capability *iam = &skylite->iam;
    struct str secret;
    enum err rc = iam->find_key(iam->self, claim->access_key_id, claim->security_token, arena,
                                &secret, out, error);
    return rc ? rc : sigv4_verify(part, claim, secret, clock_wall_ms(), arena, error);
}
