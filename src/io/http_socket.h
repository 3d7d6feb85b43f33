/* The client's connection: blocking bytes over TCP or TLS. Private to this folder. */
#pragma once

#include "base/error.h"

struct ssl_ctx_st;
struct ssl_st;
struct bio_method_st;

struct http_socket {
    char *authority; /* "host" or "host:port", as it was given */
    char *host;
    char *port;
    bool is_tls;
    int timeout_ms; /* -1: none */
    int fd;         /* -1: not connected */
    struct ssl_ctx_st *tls_context;
    struct bio_method_st *tls_bio;
    struct ssl_st *tls;
    int tls_errno; /* of the system call under TLS that failed last, or 0 */
};

/* Fails on an authority that is none. Nothing is connected yet. */
enum err http_socket_init(struct http_socket *sock, struct str authority, bool is_tls,
                          unsigned timeout_ms, struct error *error);
void http_socket_release(struct http_socket *sock);

/* ERR_SERVICE_UNAVAILABLE when the time is up; under TLS the certificate must be valid for the
 * host. */
enum err http_socket_connect(struct http_socket *sock, struct error *error);

static inline bool http_socket_is_connected(const struct http_socket *sock)
{
    return sock->fd >= 0;
}

void http_socket_close(struct http_socket *sock);

/* Sends both, in one system call where that goes. */
enum err http_socket_write(struct http_socket *sock, struct str head, struct str body,
                           struct error *error);

/* Waits for bytes; 0 of them is the end of the stream. ERR_SERVICE_UNAVAILABLE when the time is up.
 */
enum err http_socket_read(struct http_socket *sock, char *to, size_t max, size_t *out_got,
                          struct error *error);
