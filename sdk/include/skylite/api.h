/* REST APIs in C: the events and answers of API Gateway's proxy integration, payload format 1.0
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
 * Everything here lives in the invocation's arena. */
#pragma once

#include <yyjson.h>

#include "base/arena.h"
#include "base/error.h"

/* --- Events --- */

struct api_event {
    struct str method;   /* "GET" */
    struct str resource; /* the route, "/notes/{id}" */
    struct str path;     /* as the client called it, with base path mapping, without stage */
    struct str body;     /* decoded from base64 where it came so; a NULL pointer: none */
    yyjson_val *root;    /* the whole event, for what has no function here */
};

/* Reads an event. ERR_VALIDATION when the text is none: no JSON object, no httpMethod, or a body
 * that is not what isBase64Encoded says. */
enum err api_event_parse(struct arena *arena, struct str json, struct api_event *out,
                         struct error *error);

/* The values below are decoded and borrowed from the event; a NULL pointer when there is none. */

/* A header; names are compared without case. The last one when it came more than once. */
struct str api_event_header(const struct api_event *event, struct str name);

/* A query parameter; the last one when it came more than once. */
struct str api_event_query(const struct api_event *event, const char *name);

/* What stands for {name} in the route. */
struct str api_event_path_parameter(const struct api_event *event, const char *name);

/* A member of requestContext that is text, such as "requestId", "stage" or "domainName". */
struct str api_event_context(const struct api_event *event, const char *name);

/* --- Answers --- */

struct api_header {
    struct str name;
    struct str value;
};

struct api_response {
    struct arena *arena;
    int status;
    struct api_header *headers;
    size_t header_count, header_capacity;
    struct str body;
    bool is_base64;
};

/* An answer with status 200, no headers and no body. */
void api_response_init(struct api_response *response, struct arena *arena);

/* Adds a header. Name and value are borrowed. The same name may be added again (Set-Cookie). */
void api_response_header(struct api_response *response, struct str name, struct str value);

/* Sets a body of text, borrowed. Bytes that are not UTF-8 would not survive JSON: for those there
 * is api_response_binary. */
void api_response_text(struct api_response *response, struct str body);

/* The same with JSON text, and its Content-Type. */
void api_response_json(struct api_response *response, struct str json);

/* Sets a body of any bytes. The API must list its media type among its binary ones. */
void api_response_binary(struct api_response *response, struct str bytes);

/* The answer as the JSON text that the integration expects. */
struct str api_response_write(const struct api_response *response);
