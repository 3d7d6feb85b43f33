/* What stands behind a method, in the form that requests are served from: whom to ask, and how
 * requests and answers are changed on the way. It lives in its stage's arena and never changes.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-integration-settings.html */
#pragma once

#include "base/arena.h"

struct regex;
struct velocity;

/* As the role of an integration: the credentials of who calls it (PutIntegration, "credentials").
 */
#define CALLER_CREDENTIALS STR("arn:aws:iam::*:user/*")

/* Where a value comes from: "'text'", "context.requestId", "method.request.header.X"... */
enum mapping_source {
    MAPPING_LITERAL,
    MAPPING_CONTEXT,
    MAPPING_STAGE_VARIABLE,
    MAPPING_HEADER,
    MAPPING_MULTI_HEADER,
    MAPPING_QUERY,
    MAPPING_MULTI_QUERY,
    MAPPING_PATH,
    MAPPING_BODY,
    MAPPING_RESPONSE_HEADER,
    MAPPING_RESPONSE_MULTI_HEADER,
    MAPPING_RESPONSE_BODY,
};

/* Where it goes to. */
enum mapping_target { MAPPED_HEADER, MAPPED_QUERY, MAPPED_PATH };

struct mapping {
    enum mapping_target target;
    struct str name; /* at the target */
    enum mapping_source source;
    struct str value; /* the text, or the name or JSONPath at the source; empty: the whole body */
};

struct mapping_list {
    struct mapping *items;
    size_t count;
};

/* Bodies by content type. */
struct body_template {
    struct str type; /* "application/json" */
    struct str text; /* as it stands, where there is nothing to render */
    const struct velocity *velocity;
    int status; /* that the text asks a MOCK integration for; 0: none */
};

struct template_list {
    struct body_template *items;
    size_t count;
};

/* Whether a body whose type has no template reaches the integration as it is. */
enum passthrough { PASS_WHEN_NO_MATCH, PASS_WHEN_NO_TEMPLATES, PASS_NEVER };

enum content_handling { CONTENT_AS_IT_IS, CONTENT_TO_TEXT, CONTENT_TO_BINARY };

/* How one kind of outcome becomes a method response. */
struct integration_response {
    bool is_default;             /* for all that no pattern matches */
    const struct regex *pattern; /* NULL: it matches nothing */
    int status;
    bool has_method_response;
    enum content_handling handling;
    struct mapping_list mappings; /* headers only */
    struct template_list bodies;
};

enum integration_kind {
    INTEGRATION_NONE,
    INTEGRATION_MOCK,
    INTEGRATION_LAMBDA_PROXY,
    INTEGRATION_LAMBDA,
    INTEGRATION_ACTION, /* an operation of another service */
    INTEGRATION_HTTP,
    INTEGRATION_HTTP_PROXY,
};

struct integration {
    enum integration_kind kind;
    bool is_elsewhere; /* with a service of another region: never called */
    unsigned timeout_ms;
    struct str function; /* what Lambda is asked to run; empty when the URI does not name one */
    struct str service;  /* of INTEGRATION_ACTION, as operations are registered: "dynamodb" */
    struct str action;   /* "PutItem" */
    struct str role;     /* who asks: the ARN of a role, CALLER_CREDENTIALS, or empty */
    struct str method;   /* of HTTP; "ANY": that of the request */
    struct str uri;      /* of HTTP; may have "{name}" parts */

    enum passthrough passthrough;
    enum content_handling handling;
    struct template_list requests;
    struct mapping_list mappings;
    struct str forbidden; /* a header that they may not set; empty: none */
    struct integration_response *responses;
    size_t response_count;
};
