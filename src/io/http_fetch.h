/* Requests to other servers from a loop: HTTP/1.1 over TCP or TLS, on libcurl. Connections are kept
 * and used again, for each loop its own. */
#pragma once

#include "io/http.h"
#include "io/reach.h"

struct fetch_transfer;

/* One request. The caller owns it and its arena until `done` is called, on `loop`. */
struct http_fetch {
    struct loop *loop;
    struct arena *arena;
    struct str method;
    struct str url; /* http or https, with all that needs it percent-encoded; used as it stands */
    /* Host, Content-Length and Transfer-Encoding among them are left out: they are set here. What
     * is not given is not sent, but Host. */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    unsigned timeout_ms;            /* for all of it */
    size_t max_body;                /* of the answer */
    const struct reach *reach;      /* where connections may go, judged for each; NULL: anywhere */
    struct http_exchange *exchange; /* which the answer's memory counts for; NULL: for none */
    void (*done)(struct http_fetch *fetch);
    void *arg;

    /* Outcome, in `arena`: OK with an answer of any status; ERR_REQUEST_ENTITY_TOO_LARGE for one
     * that is too long; else ERR_SERVICE_UNAVAILABLE. Redirects are answers. Under https the
     * certificate must be valid for the host by the system's authorities (or those in the file that
     * the environment variable SSL_CERT_FILE names). */
    enum err rc;
    struct error error;
    bool is_timeout;
    bool is_out_of_reach; /* `reach` forbids an address of the host, and no other one answered */
    int status;
    struct http_header *response_headers; /* in the order received */
    size_t response_header_count;
    struct str response_body;

    struct fetch_transfer *transfer; /* its own */
};

/* Starts it; `done` is always called later, never inside the call; with ERR_SERVICE_UNAVAILABLE for
 * what is under way when the loop ends. On fetch->loop. */
void http_fetch_start(struct http_fetch *fetch);
