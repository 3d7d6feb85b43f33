#include "services/apigateway/plane/coding.h"

#include "core/gzip.h"

enum { MAX_UNPACKED = 10 * 1024 * 1024 };

static bool is_on(const struct api_call *call)
{
    return call->stage && call->stage->minimum_compression >= 0;
}

static void remove_header(struct http_exchange *exchange, struct str name)
{
    size_t kept = 0;
    for (size_t i = 0; i < exchange->header_count; i++) {
        if (!str_eq_nocase(exchange->headers[i].name, name))
            exchange->headers[kept++] = exchange->headers[i];
    }
    exchange->header_count = kept;
}

bool coding_unpack(struct api_call *call)
{
    struct http_exchange *exchange = call->exchange;
    struct str body;
    if (!is_on(call) || !exchange->body.len)
        return true;
    struct str coding = http_header_get(exchange, STR("content-encoding"));
    if (!str_eq_nocase(coding, STR("gzip")) && !str_eq_nocase(coding, STR("deflate")))
        return true;
    if (!http_reserve(exchange, gzip_most(exchange->body, MAX_UNPACKED))) {
        call_fail(call, GATEWAY_DEFAULT_5XX, 503, "Service Unavailable");
        return false;
    }
    if (!gzip_unpack(call->arena, exchange->body, MAX_UNPACKED, &body)) {
        call_fail(call, GATEWAY_BAD_REQUEST_BODY, 0, NULL);
        return false;
    }
    exchange->body = body;
    remove_header(exchange, STR("content-encoding"));
    return true;
}

void coding_pack(struct api_call *call, struct http_header *headers, size_t *count,
                 struct str *body)
{
    struct str accepted = http_header_get(call->exchange, STR("accept-encoding"));
    if (!is_on(call) || !accepted.ptr || body->len < (size_t)call->stage->minimum_compression)
        return;
    for (size_t i = 0; i < *count; i++) {
        if (str_eq_nocase(headers[i].name, STR("content-encoding")))
            return;
    }
    bool is_gzip = gzip_is_accepted(accepted, STR("gzip"));
    if (!is_gzip && !gzip_is_accepted(accepted, STR("deflate")))
        return;
    struct str packed;
    if (!(is_gzip ? gzip_pack : gzip_pack_deflate)(call->arena, *body, &packed))
        return;
    *body = packed;
    headers[(*count)++] =
        (struct http_header){STR("Content-Encoding"), is_gzip ? STR("gzip") : STR("deflate")};
}
