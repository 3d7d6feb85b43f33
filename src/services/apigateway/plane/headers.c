/* The table of headers that are not simply passed on. */
#include "services/apigateway/plane/headers.h"

static const struct {
    struct str name;
    unsigned fate;
} rules[] = {
    {STR_INIT("authorization"), HEADER_NOT_MAPPED_TO_AWS | HEADER_REMAPPED},
    {STR_INIT("connection"),
     HEADER_NOT_READ | HEADER_NOT_MAPPED_TO_AWS | HEADER_NOT_SENT | HEADER_REMAPPED},
    {STR_INIT("content-encoding"), HEADER_NOT_PROXIED},
    {STR_INIT("content-length"),
     HEADER_NOT_READ | HEADER_NOT_MAPPED_TO_AWS | HEADER_NOT_MAPPED | HEADER_REMAPPED},
    {STR_INIT("content-md5"), HEADER_NOT_READ | HEADER_REMAPPED},
    {STR_INIT("date"), HEADER_REMAPPED},
    {STR_INIT("expect"),
     HEADER_NOT_READ | HEADER_NOT_MAPPED_TO_AWS | HEADER_NOT_SENT | HEADER_REMAPPED},
    {STR_INIT("host"), HEADER_NOT_PROXIED | HEADER_REMAPPED},
    {STR_INIT("keep-alive"), HEADER_NOT_READ | HEADER_NOT_SENT | HEADER_NOT_RETURNED},
    {STR_INIT("max-forwards"), HEADER_NOT_READ | HEADER_REMAPPED},
    {STR_INIT("proxy-authenticate"),
     HEADER_NOT_READ | HEADER_NOT_MAPPED_TO_AWS | HEADER_NOT_SENT | HEADER_REMAPPED},
    {STR_INIT("proxy-authorization"), HEADER_NOT_PROXIED},
    {STR_INIT("server"), HEADER_NOT_READ | HEADER_REMAPPED},
    {STR_INIT("te"),
     HEADER_NOT_READ | HEADER_NOT_MAPPED_TO_AWS | HEADER_NOT_SENT | HEADER_NOT_RETURNED_AS_IS},
    {STR_INIT("trailer"), HEADER_NOT_READ | HEADER_REMAPPED},
    {STR_INIT("transfer-encoding"),
     HEADER_NOT_READ | HEADER_NOT_MAPPED_TO_AWS | HEADER_NOT_MAPPED | HEADER_NOT_RETURNED},
    {STR_INIT("upgrade"), HEADER_NOT_READ | HEADER_REMAPPED},
    {STR_INIT("user-agent"), HEADER_REMAPPED},
    {STR_INIT("via"), HEADER_NOT_PROXIED | HEADER_NOT_SENT | HEADER_NOT_RETURNED_AS_IS},
    {STR_INIT("www-authenticate"), HEADER_NOT_READ | HEADER_REMAPPED},
    {STR_INIT("x-amzn-requestid"), HEADER_REMAPPED},
    {STR_INIT("x-amzn-trace-id"), HEADER_REWRITTEN},
    {STR_INIT("x-forwarded-for"), HEADER_REWRITTEN},
    {STR_INIT("x-forwarded-port"), HEADER_REWRITTEN},
    {STR_INIT("x-forwarded-proto"), HEADER_REWRITTEN},
};

unsigned header_fate(struct str name)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].name.len == name.len && str_eq_nocase(rules[i].name, name))
            return rules[i].fate;
    }
    return 0;
}

bool header_is_forbidden(enum integration_kind kind, struct str name)
{
    switch (kind) {
    case INTEGRATION_LAMBDA_PROXY:
    case INTEGRATION_LAMBDA:
    case INTEGRATION_ACTION:
        return header_fate(name) & HEADER_NOT_MAPPED_TO_AWS;
    case INTEGRATION_HTTP:
    case INTEGRATION_HTTP_PROXY:
        return header_fate(name) & HEADER_NOT_MAPPED;
    case INTEGRATION_MOCK:
    case INTEGRATION_NONE:
        break;
    }
    return false;
}

bool header_may_leave(struct arena *arena, bool is_proxy, struct str *name)
{
    unsigned fate = header_fate(*name);
    if ((fate & HEADER_NOT_RETURNED) || (is_proxy && (fate & HEADER_NOT_RETURNED_AS_IS)))
        return false;
    if (fate & HEADER_REMAPPED)
        *name = arena_printf(arena, "x-amzn-Remapped-%.*s", STR_ARG(*name));
    return true;
}
