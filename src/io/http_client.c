/* The blocking HTTP/1.1 client: one kept connection over TCP or TLS. */
#include "io/http_client.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <llhttp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buf.h"

enum { READ_BUFFER = 32 * 1024, MAX_HEADERS = 200, MAX_HEAD_BYTES = 256 * 1024 };

struct http_client {
    char *host_header; /* "host" or "host:port" */
    char *host;
    char *port;
    bool is_tls;
    int timeout_ms;
    int fd; /* -1: not connected */
    SSL_CTX *tls_context;
    SSL *tls;
    bool is_reused; /* the connection has carried an answer before */
    char buffer[READ_BUFFER];
};

/* --- Making --- */

static char *copy(struct str s)
{
    char *text = malloc(s.len + 1);
    if (!text)
        abort();
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return text;
}

/* Splits "host:port", "[v6]:port" or "host". */
static void split_authority(struct http_client *client, struct str authority)
{
    struct str host = authority, port = client->is_tls ? STR("443") : STR("80");
    ptrdiff_t end = str_starts(authority, STR("[")) ? str_find_byte(authority, ']', 0) : 0;
    ptrdiff_t colon = str_find_byte(authority, ':', end > 0 ? (size_t)end : 0);
    if (colon >= 0) {
        host = str_slice(authority, 0, (size_t)colon);
        port = str_slice(authority, (size_t)colon + 1, authority.len);
    }
    if (end > 0)
        host = str_slice(authority, 1, (size_t)end - 1);
    client->host_header = copy(authority);
    client->host = copy(host);
    client->port = copy(port);
}

enum err http_client_new(struct str base_url, unsigned timeout_ms, struct http_client **out,
                         struct error *error)
{
    struct str rest = base_url, authority;
    bool is_tls = str_starts(base_url, STR("https://"));
    if (!is_tls && !str_starts(base_url, STR("http://")))
        return error_set(error, ERR_VALIDATION, "not a URL of http or https: %.*s",
                         STR_ARG(base_url));
    rest = str_slice(base_url, is_tls ? 8 : 7, base_url.len);
    str_cut(&rest, '/', &authority);
    if (authority.len == 0)
        return error_set(error, ERR_VALIDATION, "a URL without a host: %.*s", STR_ARG(base_url));

    struct http_client *client = calloc(1, sizeof(*client));
    if (!client)
        abort();
    client->is_tls = is_tls;
    client->timeout_ms = (int)timeout_ms;
    client->fd = -1;
    split_authority(client, authority);
    *out = client;
    return OK;
}

static void disconnect(struct http_client *client)
{
    SSL_free(client->tls);
    client->tls = NULL;
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    client->is_reused = false;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    disconnect(client);
    SSL_CTX_free(client->tls_context);
    free(client->host_header);
    free(client->host);
    free(client->port);
    free(client);
}

struct str http_client_host(const struct http_client *client)
{
    return str_from(client->host_header);
}

/* --- Connecting --- */

/* Waits until the socket can be read or written. False when the time is up. */
static bool wait_for(const struct http_client *client, short events)
{
    struct pollfd poll_fd = {.fd = client->fd, .events = events};
    int rc;
    do {
        rc = poll(&poll_fd, 1, client->timeout_ms);
    } while (rc < 0 && errno == EINTR);
    return rc > 0;
}

/* From here on the socket's own time-outs end a wait: one system call for each read. */
static void make_blocking(const struct http_client *client)
{
    int yes = 1;
    struct timeval limit = {client->timeout_ms / 1000, client->timeout_ms % 1000 * 1000};
    fcntl(client->fd, F_SETFL, 0);
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

static enum err connect_to(struct http_client *client, const struct addrinfo *address,
                           struct error *error)
{
    int failure = 0;
    socklen_t len = sizeof(failure);
    client->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client->fd < 0)
        return error_set(error, ERR_INTERNAL, "cannot make a socket: %m");
    if (connect(client->fd, address->ai_addr, address->ai_addrlen) != 0) {
        if (errno == EINPROGRESS && !wait_for(client, POLLOUT))
            errno = ETIMEDOUT;
        else if (errno == EINPROGRESS &&
                 getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &failure, &len) == 0)
            errno = failure;
        if (errno) {
            error_set(error, ERR_INTERNAL, "cannot connect to %s: %m", client->host_header);
            disconnect(client);
            return ERR_INTERNAL;
        }
    }
    make_blocking(client);
    return OK;
}

static enum err tls_error(const struct http_client *client, struct error *error)
{
    long verify = client->tls ? SSL_get_verify_result(client->tls) : X509_V_OK;
    unsigned long code = ERR_get_error();
    const char *why = verify != X509_V_OK ? X509_verify_cert_error_string(verify)
                      : code              ? ERR_reason_error_string(code)
                                          : "the connection was closed";
    ERR_clear_error();
    return error_set(error, ERR_INTERNAL, "TLS with %s failed: %s", client->host_header,
                     why ? why : "unknown error");
}

static enum err start_tls(struct http_client *client, struct error *error)
{
    if (!client->tls_context) {
        client->tls_context = SSL_CTX_new(TLS_client_method());
        if (!client->tls_context || SSL_CTX_set_default_verify_paths(client->tls_context) != 1)
            return tls_error(client, error);
        SSL_CTX_set_verify(client->tls_context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_min_proto_version(client->tls_context, TLS1_2_VERSION);
    }
    client->tls = SSL_new(client->tls_context);
    if (!client->tls || SSL_set1_host(client->tls, client->host) != 1 ||
        SSL_set_tlsext_host_name(client->tls, client->host) != 1 ||
        SSL_set_fd(client->tls, client->fd) != 1)
        return tls_error(client, error);
    return SSL_connect(client->tls) == 1 ? OK : tls_error(client, error);
}

/* RFC 6761: names under .localhost are the loopback address, whatever DNS would say. */
static const char *name_to_resolve(const struct http_client *client)
{
    struct str host = str_from(client->host);
    return str_eq_nocase(host, STR("localhost")) ||
                   (host.len > 10 &&
                    str_eq_nocase(str_slice(host, host.len - 10, 10), STR(".localhost")))
               ? "127.0.0.1"
               : client->host;
}

static enum err connect_client(struct http_client *client, struct error *error)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *addresses;
    int failed = getaddrinfo(name_to_resolve(client), client->port, &hints, &addresses);
    if (failed)
        return error_set(error, ERR_INTERNAL, "cannot find %s: %s", client->host_header,
                         gai_strerror(failed));
    enum err rc = ERR_INTERNAL;
    for (struct addrinfo *address = addresses; address && rc; address = address->ai_next)
        rc = connect_to(client, address, error);
    freeaddrinfo(addresses);
    if (rc == OK && client->is_tls)
        rc = start_tls(client, error);
    if (rc)
        disconnect(client);
    return rc;
}

/* --- Bytes --- */

static enum err lost(struct http_client *client, struct error *error)
{
    return error_set(error, ERR_INTERNAL, "the connection to %s was lost: %m", client->host_header);
}

static enum err too_slow(const struct http_client *client, struct error *error)
{
    return error_set(error, ERR_SERVICE_UNAVAILABLE, "%s did not answer in %d ms",
                     client->host_header, client->timeout_ms);
}

/* The socket's errno tells what went wrong, also under TLS. */
static ssize_t write_some(struct http_client *client, struct str bytes)
{
    if (!client->tls)
        return send(client->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    size_t sent;
    errno = EPIPE;
    return SSL_write_ex(client->tls, bytes.ptr, bytes.len, &sent) == 1 ? (ssize_t)sent : -1;
}

static ssize_t read_once(struct http_client *client)
{
    if (!client->tls)
        return recv(client->fd, client->buffer, READ_BUFFER, 0);
    size_t got;
    errno = ECONNRESET;
    if (SSL_read_ex(client->tls, client->buffer, READ_BUFFER, &got) == 1)
        return (ssize_t)got;
    return SSL_get_error(client->tls, 0) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static enum err write_all(struct http_client *client, struct str bytes, struct error *error)
{
    while (bytes.len) {
        ssize_t sent = write_some(client, bytes);
        if (sent > 0)
            bytes = str_slice(bytes, (size_t)sent, bytes.len);
        else if (errno == EAGAIN)
            return too_slow(client, error);
        else if (errno != EINTR)
            return lost(client, error);
    }
    return OK;
}

/* Head and body in one system call where the socket takes them. */
static enum err write_both(struct http_client *client, struct str head, struct str body,
                           struct error *error)
{
    ssize_t sent = 0;
    if (!client->tls && body.len) {
        struct iovec parts[2] = {{(char *)(uintptr_t)head.ptr, head.len},
                                 {(char *)(uintptr_t)body.ptr, body.len}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        sent = sendmsg(client->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return lost(client, error);
        sent = sent < 0 ? 0 : sent;
    }
    size_t of_body = (size_t)sent > head.len ? (size_t)sent - head.len : 0;
    enum err rc = write_all(client, str_slice(head, (size_t)sent, head.len), error);
    return rc ? rc : write_all(client, str_slice(body, of_body, body.len), error);
}

/* Reads what is there, waiting for it; 0 bytes is the end of the stream. */
static enum err read_some(struct http_client *client, size_t *out_got, struct error *error)
{
    ssize_t got;
    do {
        got = read_once(client);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN ? too_slow(client, error) : lost(client, error);
    *out_got = (size_t)got;
    return OK;
}

/* --- The answer --- */

struct reading {
    struct arena *arena;
    struct http_response *response;
    size_t max_body, head_bytes, header_capacity;
    struct buf token, body;
    struct str name;
    bool is_head_request, is_complete, must_close;
};

static int on_span(llhttp_t *parser, const char *at, size_t len)
{
    struct reading *reading = parser->data;
    reading->head_bytes += len;
    if (reading->head_bytes > MAX_HEAD_BYTES || !buf_add(&reading->token, str_make(at, len)))
        return HPE_USER;
    return 0;
}

static struct str take_token(struct reading *reading)
{
    struct str token = buf_str(&reading->token);
    buf_init_arena(&reading->token, reading->arena, MAX_HEAD_BYTES);
    return token;
}

static int on_header_name(llhttp_t *parser)
{
    struct reading *reading = parser->data;
    reading->name = take_token(reading);
    return 0;
}

static int on_header_value(llhttp_t *parser)
{
    struct reading *reading = parser->data;
    struct http_response *response = reading->response;
    struct str value = str_trim(take_token(reading));
    if (response->header_count == MAX_HEADERS)
        return HPE_USER;
    if (response->header_count == reading->header_capacity) {
        size_t old = reading->header_capacity * sizeof(struct http_header);
        reading->header_capacity = reading->header_capacity ? reading->header_capacity * 2 : 16;
        response->headers = arena_realloc(reading->arena, response->headers, old,
                                          reading->header_capacity * sizeof(struct http_header));
    }
    response->headers[response->header_count++] = (struct http_header){reading->name, value};
    return 0;
}

static int on_head(llhttp_t *parser)
{
    struct reading *reading = parser->data;
    reading->response->status = parser->status_code;
    parser->upgrade = 0;
    return reading->is_head_request ? 1 : 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct reading *reading = parser->data;
    return buf_add(&reading->body, str_make(at, len)) ? 0 : HPE_USER;
}

static int on_complete(llhttp_t *parser)
{
    struct reading *reading = parser->data;
    if (reading->response->status < 200) { /* 100 Continue: the answer is still to come */
        reading->response->header_count = 0;
        return 0;
    }
    reading->is_complete = true;
    reading->must_close = !llhttp_should_keep_alive(parser);
    return HPE_PAUSED;
}

static const llhttp_settings_t *settings(void)
{
    static const llhttp_settings_t made = {
        .on_header_field = on_span,
        .on_header_value = on_span,
        .on_header_field_complete = on_header_name,
        .on_header_value_complete = on_header_value,
        .on_headers_complete = on_head,
        .on_body = on_body,
        .on_message_complete = on_complete,
    };
    return &made;
}

static enum err bad_answer(const struct http_client *client, const struct reading *reading,
                           struct error *error)
{
    if (reading->body.is_full)
        return error_set(error, ERR_REQUEST_ENTITY_TOO_LARGE, "%s answered more than %zu bytes",
                         client->host_header, reading->max_body);
    return error_set(error, ERR_INTERNAL, "%s does not speak HTTP", client->host_header);
}

/* `*out_is_stale` tells that a kept connection ended before the first byte. */
static enum err read_answer(struct http_client *client, struct reading *reading, bool *out_is_stale,
                            struct error *error)
{
    llhttp_t parser;
    bool is_first = true;
    llhttp_init(&parser, HTTP_RESPONSE, settings());
    parser.data = reading;
    while (!reading->is_complete) {
        size_t got = 0;
        enum err rc = read_some(client, &got, error);
        if (rc || got == 0)
            *out_is_stale = is_first && client->is_reused && rc != ERR_SERVICE_UNAVAILABLE;
        if (rc)
            return rc;
        is_first = false;
        llhttp_errno_t failed =
            got ? llhttp_execute(&parser, client->buffer, got) : llhttp_finish(&parser);
        if (reading->is_complete)
            break;
        if (failed != HPE_OK)
            return bad_answer(client, reading, error);
        if (got == 0)
            return error_set(error, ERR_INTERNAL, "%s closed the connection", client->host_header);
    }
    return OK;
}

/* --- Sending --- */

static struct str request_head(const struct http_client *client, struct str method,
                               struct str target, const struct http_header *headers, size_t count,
                               struct str body, struct arena *arena)
{
    struct buf head;
    buf_init_arena(&head, arena, SIZE_MAX / 2);
    buf_reserve(&head, 1024);
    buf_add(&head, method);
    buf_add_byte(&head, ' ');
    buf_add(&head, target);
    buf_add(&head, STR(" HTTP/1.1\r\nHost: "));
    buf_add(&head, http_client_host(client));
    bool needs_length = body.len || str_eq(method, STR("POST")) || str_eq(method, STR("PUT"));
    if (needs_length) {
        buf_add(&head, STR("\r\nContent-Length: "));
        buf_add_u64(&head, body.len);
    }
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(headers[i].name, STR("host")))
            continue;
        buf_add(&head, STR("\r\n"));
        buf_add(&head, headers[i].name);
        buf_add(&head, STR(": "));
        buf_add(&head, headers[i].value);
    }
    buf_add(&head, STR("\r\n\r\n"));
    return buf_str(&head);
}

static enum err send_once(struct http_client *client, struct str head, struct str body,
                          struct reading *reading, bool *out_is_stale, struct error *error)
{
    enum err rc = client->fd < 0 ? connect_client(client, error) : OK;
    if (rc)
        return rc;
    rc = write_both(client, head, body, error);
    if (rc)
        *out_is_stale = client->is_reused;
    else
        rc = read_answer(client, reading, out_is_stale, error);
    if (rc || reading->must_close)
        disconnect(client);
    else
        client->is_reused = true;
    return rc;
}

enum err http_client_send(struct http_client *client, struct str method, struct str target,
                          const struct http_header *headers, size_t header_count, struct str body,
                          size_t max_body, struct arena *arena, struct http_response *out,
                          struct error *error)
{
    struct str head = request_head(client, method, target, headers, header_count, body, arena);
    struct http_response response;
    enum err rc = OK;
    for (int attempt = 0; attempt < 2; attempt++) {
        bool is_stale = false;
        struct reading reading = {.arena = arena,
                                  .response = &response,
                                  .max_body = max_body,
                                  .is_head_request = str_eq(method, STR("HEAD"))};
        response = (struct http_response){0};
        buf_init_arena(&reading.token, arena, MAX_HEAD_BYTES);
        buf_init_arena(&reading.body, arena, max_body);
        rc = send_once(client, head, body, &reading, &is_stale, error);
        response.body = buf_str(&reading.body);
        if (!is_stale)
            break;
    }
    if (rc == OK)
        *out = response;
    return rc;
}
