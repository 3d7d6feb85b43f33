/* How requests and answers are changed between a method and what stands behind it: templates,
 * parameter mappings, content handling, and which response an outcome becomes. */
#pragma once

#include "services/apigateway/plane/call.h"
#include "wire/query.h"

/* A request for the integration. Without templates and mappings it is the client's body alone. */
struct integration_request {
    struct str body;
    struct http_header *headers; /* those that mappings and overrides give */
    size_t header_count;
    struct query_pair *query; /* the same; decoded */
    size_t query_count;
    struct query_pair *path; /* values for "{name}" in a URI; decoded */
    size_t path_count;
    int mock_status; /* what a MOCK integration is asked for; 0: nothing */
};

/* Makes it, in the call's arena. False when it could not be made, and the call is answered. */
bool transform_request(struct api_call *call, struct integration_request *out);

/* What the integration gave. */
struct integration_answer {
    struct str selector; /* what selection patterns are matched with; NULL: only the default */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    bool is_binary; /* of a binary media type */
};

/* Answers the call with it. */
void transform_answer(struct api_call *call, const struct integration_answer *answer);

/* Changes base64 to bytes or bytes to base64 as `handling` says; false where the text is no base64.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
 */
bool content_convert(struct arena *arena, enum content_handling handling, bool is_binary,
                     struct str *body);

/* Whether the client accepts a binary media type of the API before all others. */
bool call_accepts_binary(const struct api_call *call);

/* Answers for an integration that is set up wrongly; the log says why. */
void call_misconfigured(struct api_call *call, int status, const char *why, struct str detail);
