/* What mapping templates see of a call. */
#pragma once

#include "services/apigateway/plane/call.h"
#include "services/apigateway/velocity/velocity.h"
#include "wire/query.h"

struct template_scope {
    const struct api_call *call;
    struct query_pair *query;
    size_t query_count;
    struct http_header *headers; /* those that templates see */
    size_t header_count;
};

/* A source for templates with `body` as $input's. It borrows the scope, the call and the body. */
struct velocity_source template_source(struct template_scope *scope, const struct api_call *call,
                                       struct str body);
