/* The Runtime API over one pipelined connection. */
#include "runtime_connection.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"

enum { READ_SIZE = 64 * 1024, MAX_MESSAGE = 64 * 1024 * 1024, MAX_HEAD = 64 * 1024 };

static const struct str header_names[RUNTIME_HEADER_COUNT] = {
    [RUNTIME_REQUEST_ID] = STR_INIT("Lambda-Runtime-Aws-Request-Id"),
    [RUNTIME_DEADLINE_MS] = STR_INIT("Lambda-Runtime-Deadline-Ms"),
    [RUNTIME_FUNCTION_ARN] = STR_INIT("Lambda-Runtime-Invoked-Function-Arn"),
    [RUNTIME_TRACE_ID] = STR_INIT("Lambda-Runtime-Trace-Id"),
    [RUNTIME_CLIENT_CONTEXT] = STR_INIT("Lambda-Runtime-Client-Context"),
    [RUNTIME_COGNITO_IDENTITY] = STR_INIT("Lambda-Runtime-Cognito-Identity"),
};

/* --- Parsing --- */

static struct str text_of(const struct runtime_connection *connection, struct span span)
{
    return str_make(connection->in.ptr + span.at, span.len);
}

/* Names and values may come in pieces; the pieces lie one behind the other in the buffer. */
static void extend(struct runtime_connection *connection, struct span *span, const char *at,
                   size_t len)
{
    if (span->len == 0)
        span->at = (size_t)(at - connection->in.ptr);
    span->len += len;
}

static int on_begin(llhttp_t *parser)
{
    struct runtime_connection *connection = parser->data;
    connection->name = connection->value = connection->body = (struct span){0};
    memset(connection->headers, 0, sizeof(connection->headers));
    return 0;
}

static int on_name(llhttp_t *parser, const char *at, size_t len)
{
    struct runtime_connection *connection = parser->data;
    extend(connection, &connection->name, at, len);
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct runtime_connection *connection = parser->data;
    extend(connection, &connection->value, at, len);
    return 0;
}

static int on_header(llhttp_t *parser)
{
    struct runtime_connection *connection = parser->data;
    struct str name = text_of(connection, connection->name);
    for (size_t i = 0; i < RUNTIME_HEADER_COUNT; i++) {
        if (name.len == header_names[i].len && str_eq_nocase(name, header_names[i]))
            connection->headers[i] = connection->value;
    }
    connection->name = connection->value = (struct span){0};
    return 0;
}

/* The pieces of a chunked body are moved together, over the chunk lengths between them. */
static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct runtime_connection *connection = parser->data;
    struct span *body = &connection->body;
    char *end = connection->in.ptr + body->at + body->len;
    if (body->len && end != at)
        memmove(end, at, len);
    extend(connection, body, at, len);
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    struct runtime_connection *connection = parser->data;
    if (parser->status_code < 200)
        return 0;
    connection->is_complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_message_begin = on_begin,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_header,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/* --- Connecting --- */

static enum err lost(struct error *error, const char *what)
{
    return error_set(error, ERR_INTERNAL, "cannot %s the Runtime API: %m", what);
}

static int connect_to(const struct addrinfo *address)
{
    int yes = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return fd;
}

enum err runtime_open(struct runtime_connection *connection, struct str address,
                      struct error *error)
{
    char host[256], port[8];
    struct str rest = address, name;
    *connection = (struct runtime_connection){.fd = -1, .host = address, .low_water = 1};
    str_cut(&rest, ':', &name);
    if (name.len == 0 || name.len >= sizeof(host) || rest.len >= sizeof(port))
        return error_set(error, ERR_VALIDATION, "not the address of a Runtime API: \"%.*s\"",
                         STR_ARG(address));
    memcpy(host, name.ptr, name.len);
    host[name.len] = '\0';
    memcpy(port, rest.len ? rest.ptr : "80", rest.len ? rest.len : 2);
    port[rest.len ? rest.len : 2] = '\0';

    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses;
    int failed = getaddrinfo(host, port, &hints, &addresses);
    if (failed)
        return error_set(error, ERR_INTERNAL, "cannot find the Runtime API at %s: %s", host,
                         gai_strerror(failed));
    for (struct addrinfo *each = addresses; each && connection->fd < 0; each = each->ai_next)
        connection->fd = connect_to(each);
    freeaddrinfo(addresses);
    if (connection->fd < 0)
        return lost(error, "reach");

    buf_init(&connection->in, MAX_MESSAGE);
    buf_init(&connection->head, MAX_HEAD);
    buf_init(&connection->ask, MAX_HEAD);
    buf_add(&connection->ask, STR("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: "));
    buf_add(&connection->ask, address);
    buf_add(&connection->ask, STR("\r\n\r\n"));
    llhttp_init(&connection->parser, HTTP_RESPONSE, &settings);
    connection->parser.data = connection;
    return OK;
}

void runtime_close(struct runtime_connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
    buf_release(&connection->in);
    buf_release(&connection->head);
    buf_release(&connection->ask);
}

/* --- Writing --- */

static struct iovec part(struct str bytes)
{
    return (struct iovec){(char *)(uintptr_t)bytes.ptr, bytes.len};
}

static enum err send_parts(struct runtime_connection *connection, struct iovec *parts, size_t count,
                           struct error *error)
{
    while (count) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
        ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return lost(error, "write to");
        size_t left = sent < 0 ? 0 : (size_t)sent;
        while (count && left >= parts->iov_len) {
            left -= parts->iov_len;
            parts++;
            count--;
        }
        if (count) {
            parts->iov_base = (char *)parts->iov_base + left;
            parts->iov_len -= left;
        }
    }
    return OK;
}

/* The head of a POST, up to the end of its path. */
static void start_post(struct runtime_connection *connection, struct str path)
{
    buf_clear(&connection->head);
    buf_add(&connection->head, STR("POST /2018-06-01/runtime/"));
    buf_add(&connection->head, path);
}

static struct str finish_post(struct runtime_connection *connection, struct str error_type,
                              size_t body_len)
{
    struct buf *head = &connection->head;
    buf_add(head, STR(" HTTP/1.1\r\nHost: "));
    buf_add(head, connection->host);
    if (error_type.ptr) {
        buf_add(head, STR("\r\nContent-Type: application/vnd.aws.lambda.error+json"
                          "\r\nLambda-Runtime-Function-Error-Type: "));
        buf_add(head, error_type);
    } else {
        buf_add(head, STR("\r\nContent-Type: application/json"));
    }
    buf_add(head, STR("\r\nContent-Length: "));
    buf_add_u64(head, body_len);
    buf_add(head, STR("\r\n\r\n"));
    return buf_str(head);
}

static enum err send_answer(struct runtime_connection *connection,
                            const struct runtime_answer *answer, struct error *error)
{
    if (!answer) {
        struct iovec ask = part(buf_str(&connection->ask));
        return send_parts(connection, &ask, 1, error);
    }
    start_post(connection, STR("invocation/"));
    buf_add(&connection->head, answer->request_id);
    buf_add(&connection->head, answer->error_type.ptr ? STR("/error") : STR("/response"));
    struct str head = finish_post(connection, answer->error_type, answer->payload.len);
    struct iovec parts[] = {part(head), part(answer->payload), part(buf_str(&connection->ask))};
    return send_parts(connection, parts, 3, error);
}

/* --- Reading --- */

/* Bytes below the low-water mark do not wake the process. */
static void set_low_water(struct runtime_connection *connection, size_t bytes)
{
    int value = (int)bytes;
    if (connection->low_water == bytes)
        return;
    connection->low_water = bytes;
    setsockopt(connection->fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
}

static enum err read_more(struct runtime_connection *connection, struct error *error)
{
    if (!buf_reserve(&connection->in, READ_SIZE))
        return error_set(error, ERR_INTERNAL, "the Runtime API sent more than %d bytes",
                         MAX_MESSAGE);
    struct buf *in = &connection->in;
    ssize_t got;
    if (connection->has_read) /* the rest may be less than the mark */
        set_low_water(connection, 1);
    connection->has_read = true;
    do {
        got = recv(connection->fd, in->ptr + in->len, in->cap - in->len, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return lost(error, "read from");
    if (got == 0)
        return error_set(error, ERR_INTERNAL, "the Runtime API closed the connection");
    buf_commit(in, (size_t)got);
    return OK;
}

/* Parses what is there, up to the end of one message. */
static enum err parse(struct runtime_connection *connection, struct error *error)
{
    struct buf *in = &connection->in;
    llhttp_errno_t rc = llhttp_execute(&connection->parser, in->ptr + connection->parsed,
                                       in->len - connection->parsed);
    if (rc == HPE_PAUSED) {
        connection->parsed = (size_t)(llhttp_get_error_pos(&connection->parser) - in->ptr);
        llhttp_resume(&connection->parser);
        return OK;
    }
    connection->parsed = in->len;
    return rc == HPE_OK ? OK
                        : error_set(error, ERR_INTERNAL, "the Runtime API does not speak HTTP: %s",
                                    llhttp_errno_name(rc));
}

/* Reads one message; its length goes to `out_len`. */
static enum err read_message(struct runtime_connection *connection, size_t *out_len,
                             struct error *error)
{
    size_t start = connection->parsed;
    connection->is_complete = false;
    for (;;) {
        enum err rc = OK;
        if (connection->parsed < connection->in.len)
            rc = parse(connection, error);
        if (rc || connection->is_complete) {
            *out_len = connection->parsed - start;
            return rc;
        }
        rc = read_more(connection, error);
        if (rc)
            return rc;
    }
}

/* Forgets the messages before. */
static void start_reading(struct runtime_connection *connection)
{
    struct buf *in = &connection->in;
    size_t left = in->len - connection->parsed;
    if (left)
        memmove(in->ptr, in->ptr + connection->parsed, left);
    in->len = left;
    connection->parsed = 0;
    connection->has_read = false;
}

/* "Container error. Non-recoverable state. Runtime should exit promptly." is a 500. */
static enum err check_taken(const struct runtime_connection *connection, struct error *error)
{
    int status = connection->parser.status_code;
    struct str said = text_of(connection, connection->body);
    if (status >= 500)
        return error_set(error, ERR_INTERNAL, "the Runtime API failed with %d: %.*s", status,
                         STR_ARG(said));
    if (status >= 300)
        log_error("runtime", "the answer was refused with %d: %.*s", status, STR_ARG(said));
    return OK;
}

static enum err take_invocation(struct runtime_connection *connection,
                                struct runtime_invocation *out, struct error *error)
{
    if (connection->parser.status_code != 200)
        return error_set(error, ERR_INTERNAL, "the Runtime API gave no invocation: %d %.*s",
                         connection->parser.status_code,
                         STR_ARG(text_of(connection, connection->body)));
    for (size_t i = 0; i < RUNTIME_HEADER_COUNT; i++)
        out->headers[i] = str_trim(text_of(connection, connection->headers[i]));
    out->event = text_of(connection, connection->body);
    if (out->headers[RUNTIME_REQUEST_ID].len == 0)
        return error_set(error, ERR_INTERNAL, "the Runtime API sent no request id");
    return OK;
}

enum err runtime_next(struct runtime_connection *connection, const struct runtime_answer *answer,
                      struct runtime_invocation *out, struct error *error)
{
    size_t len;
    enum err rc = send_answer(connection, answer, error);
    if (rc)
        return rc;
    start_reading(connection);
    if (answer) {
        /* Sleep through the answer to our answer: the event that follows is longer. */
        set_low_water(connection, connection->expected_answer + 1);
        rc = read_message(connection, &connection->expected_answer, error);
        rc = rc ? rc : check_taken(connection, error);
    }
    rc = rc ? rc : read_message(connection, &len, error);
    return rc ? rc : take_invocation(connection, out, error);
}

enum err runtime_report_init_error(struct runtime_connection *connection, struct str error_type,
                                   struct str payload, struct error *error)
{
    size_t len;
    start_post(connection, STR("init/error"));
    struct iovec parts[] = {part(finish_post(connection, error_type, payload.len)), part(payload)};
    enum err rc = send_parts(connection, parts, 2, error);
    if (rc)
        return rc;
    start_reading(connection);
    rc = read_message(connection, &len, error);
    return rc ? rc : check_taken(connection, error);
}
