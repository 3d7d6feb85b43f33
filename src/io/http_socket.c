/* The client's connection: blocking bytes over TCP or TLS. */
#include "io/http_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* --- Making --- */

static char *copy(struct str s)
{
    char *text = malloc(s.len + 1);
    if (!text)
        abort();
    if (s.len)
        memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return text;
}

/* Splits "host:port", "[v6]:port" or either without port. */
static bool split_authority(struct str authority, struct str *out_host, struct str *out_port)
{
    struct str rest = authority;
    if (str_starts(rest, STR("["))) {
        rest = str_slice(rest, 1, rest.len);
        if (!str_cut(&rest, ']', out_host) || (rest.len && rest.ptr[0] != ':'))
            return false;
        *out_port = str_slice(rest, 1, rest.len);
    } else {
        str_cut(&rest, ':', out_host);
        *out_port = rest;
    }
    uint64_t number;
    bool is_port = out_port->len == 0 || (str_to_u64(*out_port, &number) && number <= 65535);
    return out_host->len != 0 && is_port;
}

enum err http_socket_init(struct http_socket *sock, struct str authority, bool is_tls,
                          unsigned timeout_ms, struct error *error)
{
    struct str host, port;
    if (!split_authority(authority, &host, &port))
        return error_set(error, ERR_VALIDATION, "not a host with a port: %.*s", STR_ARG(authority));
    if (port.len == 0)
        port = is_tls ? STR("443") : STR("80");
    *sock = (struct http_socket){
        .authority = copy(authority),
        .host = copy(host),
        .port = copy(port),
        .is_tls = is_tls,
        .timeout_ms = timeout_ms && timeout_ms < INT32_MAX ? (int)timeout_ms : -1,
        .fd = -1,
    };
    return OK;
}

void http_socket_close(struct http_socket *sock)
{
    if (sock->tls && !sock->tls_errno)
        SSL_shutdown(sock->tls); /* tells the other end; its answer is not waited for */
    SSL_free(sock->tls);
    ERR_clear_error();
    sock->tls = NULL;
    sock->tls_errno = 0;
    if (sock->fd >= 0)
        close(sock->fd);
    sock->fd = -1;
}

void http_socket_release(struct http_socket *sock)
{
    http_socket_close(sock);
    SSL_CTX_free(sock->tls_context);
    BIO_meth_free(sock->tls_bio);
    free(sock->authority);
    free(sock->host);
    free(sock->port);
}

/* --- Failing --- */

static enum err failed(const struct http_socket *sock, int failure, struct error *error)
{
    bool is_late = failure == EAGAIN || failure == ETIMEDOUT;
    if (is_late)
        return error_set(error, ERR_SERVICE_UNAVAILABLE, "%s did not answer in %d ms",
                         sock->authority, sock->timeout_ms);
    errno = failure;
    return error_set(error, ERR_INTERNAL, "the connection to %s was lost: %m", sock->authority);
}

static enum err tls_failed(struct http_socket *sock, struct error *error)
{
    long verify = sock->tls ? SSL_get_verify_result(sock->tls) : X509_V_OK;
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (verify == X509_V_OK && sock->tls_errno)
        return failed(sock, sock->tls_errno, error);
    sock->tls_errno = EPROTO; /* nothing more is sent on it */
    const char *why = verify != X509_V_OK ? X509_verify_cert_error_string(verify)
                      : code              ? ERR_reason_error_string(code)
                                          : NULL;
    return error_set(error, ERR_INTERNAL, "TLS with %s failed: %s", sock->authority,
                     why ? why : "the connection was closed");
}

/* --- TLS ---
 *
 * OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a server that hangs up would kill a program
 * that does not ignore SIGPIPE. */

static int bio_done(BIO *bio, struct http_socket *sock, ssize_t done)
{
    BIO_clear_retry_flags(bio);
    sock->tls_errno = done < 0 ? errno : 0;
    return (int)done;
}

static int bio_write(BIO *bio, const char *data, int len)
{
    struct http_socket *sock = BIO_get_data(bio);
    ssize_t sent;
    do {
        sent = send(sock->fd, data, (size_t)len, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return bio_done(bio, sock, sent);
}

static int bio_read(BIO *bio, char *data, int len)
{
    struct http_socket *sock = BIO_get_data(bio);
    ssize_t got;
    do {
        got = recv(sock->fd, data, (size_t)len, 0);
    } while (got < 0 && errno == EINTR);
    int rc = bio_done(bio, sock, got);
    if (got == 0)
        sock->tls_errno = ECONNRESET; /* an end without TLS's own end */
    return rc;
}

static long bio_control(BIO *bio, int command, long number, void *ptr)
{
    (void)bio;
    (void)number;
    (void)ptr;
    return command == BIO_CTRL_FLUSH;
}

static bool make_tls_context(struct http_socket *sock)
{
    if (sock->tls_context)
        return true;
    sock->tls_bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    sock->tls_context = SSL_CTX_new(TLS_client_method());
    if (!sock->tls_bio || !sock->tls_context)
        return false;
    BIO_meth_set_write(sock->tls_bio, bio_write);
    BIO_meth_set_read(sock->tls_bio, bio_read);
    BIO_meth_set_ctrl(sock->tls_bio, bio_control);
    SSL_CTX_set_verify(sock->tls_context, SSL_VERIFY_PEER, NULL);
    return SSL_CTX_set_min_proto_version(sock->tls_context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_default_verify_paths(sock->tls_context) == 1;
}

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static bool make_tls(struct http_socket *sock)
{
    sock->tls = SSL_new(sock->tls_context);
    BIO *bio = BIO_new(sock->tls_bio);
    if (!sock->tls || !bio) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, sock);
    BIO_set_init(bio, 1);
    SSL_set_bio(sock->tls, bio, bio);
    /* The name of the server is no address (RFC 6066, section 3). */
    return SSL_set1_host(sock->tls, sock->host) == 1 &&
           (is_address(sock->host) || SSL_set_tlsext_host_name(sock->tls, sock->host) == 1);
}

static enum err start_tls(struct http_socket *sock, struct error *error)
{
    ERR_clear_error();
    if (!make_tls_context(sock) || !make_tls(sock) || SSL_connect(sock->tls) != 1)
        return tls_failed(sock, error);
    return OK;
}

/* --- Connecting --- */

/* Waits until the connection stands. 0 or an errno. */
static int wait_until_connected(const struct http_socket *sock)
{
    struct pollfd poll_fd = {.fd = sock->fd, .events = POLLOUT};
    int ready, failure = 0;
    socklen_t len = sizeof(failure);
    do {
        ready = poll(&poll_fd, 1, sock->timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return ETIMEDOUT;
    return getsockopt(sock->fd, SOL_SOCKET, SO_ERROR, &failure, &len) == 0 ? failure : errno;
}

/* From here on the socket's own time-outs end a wait: one system call for each read. */
static void make_blocking(const struct http_socket *sock)
{
    int yes = 1;
    struct timeval limit = {sock->timeout_ms / 1000, sock->timeout_ms % 1000 * 1000};
    fcntl(sock->fd, F_SETFL, 0);
    setsockopt(sock->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (sock->timeout_ms < 0)
        return;
    setsockopt(sock->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(sock->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static enum err connect_to(struct http_socket *sock, const struct addrinfo *address,
                           struct error *error)
{
    sock->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock->fd < 0)
        return error_set(error, ERR_INTERNAL, "cannot make a socket: %m");
    int failure = connect(sock->fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (failure == EINPROGRESS)
        failure = wait_until_connected(sock);
    if (!failure) {
        make_blocking(sock);
        return OK;
    }
    http_socket_close(sock);
    if (failure == ETIMEDOUT)
        return failed(sock, failure, error);
    errno = failure;
    return error_set(error, ERR_INTERNAL, "cannot connect to %s: %m", sock->authority);
}

/* RFC 6761: names under .localhost are the loopback address, whatever DNS would say. */
static const char *name_to_resolve(const struct http_socket *sock)
{
    struct str host = str_from(sock->host), suffix = STR(".localhost");
    bool is_under = host.len > suffix.len &&
                    str_eq_nocase(str_slice(host, host.len - suffix.len, suffix.len), suffix);
    return is_under || str_eq_nocase(host, STR("localhost")) ? "127.0.0.1" : sock->host;
}

enum err http_socket_connect(struct http_socket *sock, struct error *error)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *addresses;
    int failure = getaddrinfo(name_to_resolve(sock), sock->port, &hints, &addresses);
    if (failure)
        return error_set(error, ERR_INTERNAL, "cannot find %s: %s", sock->authority,
                         gai_strerror(failure));
    enum err rc = ERR_INTERNAL;
    for (struct addrinfo *address = addresses; address && rc; address = address->ai_next)
        rc = connect_to(sock, address, error);
    freeaddrinfo(addresses);
    if (rc == OK && sock->is_tls)
        rc = start_tls(sock, error);
    if (rc)
        http_socket_close(sock);
    return rc;
}

/* --- Bytes --- */

static enum err write_tls(struct http_socket *sock, struct str bytes, struct error *error)
{
    size_t sent;
    ERR_clear_error();
    if (bytes.len == 0 || SSL_write_ex(sock->tls, bytes.ptr, bytes.len, &sent) == 1)
        return OK;
    return tls_failed(sock, error);
}

static enum err write_plain(struct http_socket *sock, struct iovec parts[2], struct error *error)
{
    while (parts[0].iov_len + parts[1].iov_len) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t sent = sendmsg(sock->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return failed(sock, errno, error);
        size_t left = sent > 0 ? (size_t)sent : 0;
        for (int i = 0; i < 2; i++) {
            size_t of_part = left < parts[i].iov_len ? left : parts[i].iov_len;
            parts[i].iov_base = (char *)parts[i].iov_base + of_part;
            parts[i].iov_len -= of_part;
            left -= of_part;
        }
    }
    return OK;
}

enum err http_socket_write(struct http_socket *sock, struct str head, struct str body,
                           struct error *error)
{
    if (sock->tls) {
        enum err rc = write_tls(sock, head, error);
        return rc ? rc : write_tls(sock, body, error);
    }
    struct iovec parts[2] = {{(char *)(uintptr_t)head.ptr, head.len},
                             {(char *)(uintptr_t)body.ptr, body.len}};
    return write_plain(sock, parts, error);
}

static enum err read_tls(struct http_socket *sock, char *to, size_t max, size_t *out_got,
                         struct error *error)
{
    ERR_clear_error();
    if (SSL_read_ex(sock->tls, to, max, out_got) == 1)
        return OK;
    if (SSL_get_error(sock->tls, 0) != SSL_ERROR_ZERO_RETURN)
        return tls_failed(sock, error);
    *out_got = 0;
    return OK;
}

enum err http_socket_read(struct http_socket *sock, char *to, size_t max, size_t *out_got,
                          struct error *error)
{
    if (sock->tls)
        return read_tls(sock, to, max, out_got, error);
    ssize_t got;
    do {
        got = recv(sock->fd, to, max, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return failed(sock, errno, error);
    *out_got = (size_t)got;
    return OK;
}
