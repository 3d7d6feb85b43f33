/* What a Lambda function sees of a request, and what it answers: the proxy integration's payload
 * format 1.0 and its reverse. */
#pragma once

#include "services/apigateway/plane/call.h"

/* Lambda takes no larger events. */
#define EVENT_MAX_BYTES 6291556

/* Writes the event as JSON. `out` is full afterwards when it would be longer than its maximum.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
void event_build(const struct api_call *call, struct buf *out);

struct proxy_answer {
    int status;
    struct http_header *headers;
    size_t header_count;
    struct str body;
};

/* What a REQUEST authorizer gets: the same without the body, and with what it is asked about. */
void event_build_authorizer(const struct api_call *call, struct str method_arn, struct buf *out);

/* Reads what the function returned, in `arena`. `is_binary` (the client accepts a binary type of
 * the API) has base64 bodies decoded. False when it is not of the form that AWS asks for:
 * {"isBase64Encoded", "statusCode", "headers", "multiValueHeaders", "body"}, all optional, nothing
 * else. */
bool proxy_answer_parse(struct arena *arena, struct str payload, bool is_binary,
                        struct proxy_answer *out);
