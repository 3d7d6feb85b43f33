/* A blocking HTTP/1.1 client with keep-alive over TCP or TLS, for the command line and for
 * functions (sdk/). It uses neither loops nor threads. One connection per client; not shared
 * between threads. */
#pragma once

#include "io/http.h"

struct http_client;

struct http_response {
    int status;
    struct http_header *headers; /* in the caller's arena, as is the body */
    size_t header_count;
    struct str body;
};

/* `base_url` is "http://host[:port]" or "https://host[:port]"; a path in it is not used. Connects
 * at the first request. A host name under ".localhost" is the loopback address (RFC 6761). Under
 * https the certificate must be valid for the host by the system's authorities (or those in the
 * file that the environment variable SSL_CERT_FILE names).
 * `timeout_ms` bounds each connect, and each wait for bytes; 0: no bound. */
enum err http_client_new(struct str base_url, unsigned timeout_ms, struct http_client **out,
                         struct error *error);
void http_client_free(struct http_client *client);

/* "host" or "host:port", as the Host header carries it and SigV4 signs it. */
struct str http_client_host(const struct http_client *client);

/* Sends one request and reads the whole answer, of `max_body` bytes at most. Host and
 * Content-Length are set here, whatever `headers` says. When a kept connection turns out to be
 * closed before any byte of the answer came, the request is sent once more on a new one. `out` is
 * filled in `arena`. ERR_SERVICE_UNAVAILABLE when the time is up, ERR_REQUEST_ENTITY_TOO_LARGE for
 * a longer answer, ERR_VALIDATION for line breaks in what is to be sent, else ERR_INTERNAL. */
enum err http_client_send(struct http_client *client, struct str method, struct str target,
                          const struct http_header *headers, size_t header_count, struct str body,
                          size_t max_body, struct arena *arena, struct http_response *out,
                          struct error *error);

/* The first header of that name (compared without case), or the empty string with a NULL pointer.
 */
struct str http_response_header(const struct http_response *response, struct str name);
