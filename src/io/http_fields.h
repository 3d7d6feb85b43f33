/* Header lists as llhttp gives them: in pieces. The server reads requests by it, the client
 * answers. Private to this folder. */
#pragma once

#include "base/arena.h"
#include "io/http.h"

enum { HTTP_MAX_HEADERS = 200 };

struct http_fields {
    struct arena *arena; /* where names and values are copied */
    struct http_header *headers;
    size_t count, capacity;
    size_t bytes, max_bytes; /* of all pieces */
    struct str token;        /* the name, value or target that is growing */
    struct str name;         /* of the value that is growing */
};

void http_fields_start(struct http_fields *fields, struct arena *arena, size_t max_bytes);

/* Adds a piece to the growing token. False when all pieces together pass `max_bytes`. */
bool http_fields_grow(struct http_fields *fields, const char *at, size_t len);

/* Ends the growing token and returns it. */
struct str http_fields_take(struct http_fields *fields);

/* Ends a name. */
void http_fields_end_name(struct http_fields *fields);

/* Ends a value, which makes a header. False when there are HTTP_MAX_HEADERS. */
bool http_fields_end_value(struct http_fields *fields);
