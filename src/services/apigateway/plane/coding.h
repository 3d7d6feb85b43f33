/* Packed bodies (RFC 9110, section 8.4), for APIs with a minimumCompressionSize.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gzip-compression-decompression.html
 */
#pragma once

#include "services/apigateway/plane/call.h"

/* Unpacks the request's body where the API has packing on; its Content-Encoding is gone then. False
 * when it is not what it says, and the call is answered. */
bool coding_unpack(struct api_call *call);

/* Packs an answer that is long enough as the client accepts it, and adds Content-Encoding to
 * `headers`, which has room for it. */
void coding_pack(struct api_call *call, struct http_header *headers, size_t *count,
                 struct str *body);
