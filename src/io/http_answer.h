/* The client's answers: from bytes through llhttp to status, headers and body. Private to this
 * folder. */
#pragma once

#include <llhttp.h>

#include "base/buf.h"
#include "io/http_fields.h"

/* One answer that is being read. Not to be moved meanwhile. */
struct http_answer {
    llhttp_t parser;
    struct http_fields fields;
    struct buf body;
    const char *host; /* for messages */
    int status;       /* 0 until its head is in */
    int interim_count;
    bool is_head_request;
    bool has_bytes;   /* at least one came */
    bool is_complete; /* nothing more is to be fed */
    bool must_close;  /* the connection cannot carry another request */
};

/* Headers and body go into `arena`; a body of more than `max_body` bytes is refused. */
void http_answer_start(struct http_answer *answer, const char *host, bool is_head_request,
                       size_t max_body, struct arena *arena);

/* Takes the next bytes, or the end of the stream when there are none.
 * ERR_REQUEST_ENTITY_TOO_LARGE for a body beyond the limit, ERR_INTERNAL for what is no HTTP or
 * ends early. */
enum err http_answer_feed(struct http_answer *answer, struct str bytes, struct error *error);
