/* The fates of headers, by their names, on the way through the gateway: one table of AWS's.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html */
#pragma once

#include "services/apigateway/plane/integration.h"

enum header_fate {
    HEADER_NOT_READ = 1,            /* of a client's: nothing behind the gateway sees it */
    HEADER_REWRITTEN = 2,           /* of a client's: the gateway gives a value of its own */
    HEADER_NOT_PROXIED = 4,         /* of a client's: HTTP_PROXY does not pass it on */
    HEADER_NOT_MAPPED_TO_AWS = 8,   /* a mapping to it fails calls of AWS and AWS_PROXY */
    HEADER_NOT_MAPPED = 16,         /* a mapping to it fails calls of HTTP and HTTP_PROXY */
    HEADER_NOT_SENT = 32,           /* a mapping to it has no effect for HTTP and HTTP_PROXY */
    HEADER_REMAPPED = 64,           /* of an answer: it leaves as x-amzn-Remapped-NAME */
    HEADER_NOT_RETURNED = 128,      /* of an answer: it is dropped */
    HEADER_NOT_RETURNED_AS_IS = 256 /* of a proxy integration's answer: it is dropped */
};

/* Those of a name in any case, or-ed. */
unsigned header_fate(struct str name);

/* True when calls of an integration of the kind fail for a mapping to a header of this name. */
bool header_is_forbidden(enum integration_kind kind, struct str name);

/* True when an integration may answer with a header of this name; `name` becomes the one it leaves
 * under. */
bool header_may_leave(struct arena *arena, bool is_proxy, struct str *name);
