/* The HTTP/1.1 server: connections, parsing with llhttp, answers. */
#include <assert.h>
#include <llhttp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "io/http.h"
#include "io/internal.h"

enum {
    READ_BUFFER = 16 * 1024,
    MAX_HEADERS = 200,
    BACKLOG = 1024,
    LINGER_MS = 2000,
    DEFAULT_HEADER_BYTES = 64 * 1024,
    DEFAULT_BODY_BYTES = 16 * 1024 * 1024,
    DEFAULT_REQUEST_TIMEOUT_MS = 60 * 1000,
    DEFAULT_IDLE_TIMEOUT_MS = 75 * 1000,
};

struct http_listener {
    uv_tcp_t tcp;
    uv_timer_t sweep;
    struct loop *loop;
    struct http_listener_options options;
    llhttp_settings_t settings;
    struct connection *connections;
    uint16_t port;
    bool is_closing;
    bool is_tcp_closed;
    void (*closed)(void *arg);
    void *closed_arg;
};

enum state {
    STATE_READING,   /* waiting for a request, or in the middle of one */
    STATE_PENDING,   /* a request is with its handler */
    STATE_WRITING,   /* its answer did not fit into the socket's buffer at once */
    STATE_LINGERING, /* answered for the last time; what the client still sends is read and dropped
                      */
    STATE_CLOSING,
};

struct connection {
    struct http_exchange exchange; /* first: http_reply gets from one to the other */
    uv_tcp_t tcp;
    uv_write_t write;
    uv_shutdown_t shutdown;
    llhttp_t parser;
    struct http_listener *listener;
    struct connection *next, *previous;
    enum state state;
    uint64_t since_ms; /* loop time at which this state's waiting began */

    /* The request that is being read. */
    struct str token; /* header name or value that is growing, in the arena */
    struct str name;  /* header name whose value is being read */
    size_t header_capacity, header_bytes;
    size_t body_limit, body_capacity;
    int refused; /* the status to refuse it with, or 0 */
    bool is_begun;

    bool is_advancing; /* inside advance(): an answer must not start it again */
    bool is_complete;  /* the parser stands behind a whole request */
    bool must_close;   /* after the answer under way */
    bool saw_eof;
    bool is_reading; /* libuv delivers bytes */
    bool is_gone;    /* its handle is closed */

    char peer[INET6_ADDRSTRLEN];
    size_t filled, parsed; /* of the buffer */
    char buffer[READ_BUFFER];
};

static void advance(struct connection *connection);

/* --- Closing --- */

static void start_reading(struct connection *connection);

static void on_sweep_closed(uv_handle_t *handle)
{
    struct http_listener *listener = handle->data;
    if (listener->closed)
        listener->closed(listener->closed_arg);
    free(listener);
}

static void free_listener_if_done(struct http_listener *listener)
{
    if (listener->is_tcp_closed && !listener->connections)
        uv_close((uv_handle_t *)&listener->sweep, on_sweep_closed);
}

static void free_connection(struct connection *connection)
{
    struct http_listener *listener = connection->listener;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        listener->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    arena_release(&connection->exchange.arena);
    free(connection);
    if (listener->is_closing)
        free_listener_if_done(listener);
    else if (!listener->connections)
        uv_timer_stop(&listener->sweep);
}

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    connection->is_gone = true;
    /* A handler that still holds the exchange frees the connection by its http_reply. */
    if (connection->state != STATE_PENDING)
        free_connection(connection);
}

static void close_connection(struct connection *connection)
{
    uv_handle_t *handle = (uv_handle_t *)&connection->tcp;
    if (connection->state == STATE_PENDING)
        connection->exchange.is_aborted = true;
    else
        connection->state = STATE_CLOSING;
    if (!uv_is_closing(handle))
        uv_close(handle, on_connection_closed);
}

/* Closing while the client still sends would reset the connection, and the client might never see
 * the answer (RFC 9112, section 9.6): our side is shut, the rest is dropped until the client closes
 * or the time is up. */
static void linger(struct connection *connection)
{
    connection->state = STATE_LINGERING;
    connection->since_ms = uv_now(loop_uv(connection->listener->loop));
    connection->parsed = connection->filled = 0;
    uv_shutdown(&connection->shutdown, (uv_stream_t *)&connection->tcp, NULL);
    start_reading(connection);
}

/* --- Answers --- */

static void finish_answer(struct connection *connection)
{
    connection->state = STATE_READING;
    if (connection->saw_eof) {
        close_connection(connection);
        return;
    }
    if (connection->must_close || connection->listener->is_closing) {
        linger(connection);
        return;
    }
    struct http_exchange *exchange = &connection->exchange;
    struct arena arena = exchange->arena;
    arena_reset(&arena);
    *exchange = (struct http_exchange){.arena = arena,
                                       .loop = exchange->loop,
                                       .listener = exchange->listener,
                                       .peer = exchange->peer};
    connection->since_ms = uv_now(loop_uv(connection->listener->loop));
    connection->is_begun = false;
    if (!connection->is_advancing)
        advance(connection);
}

static void on_written(uv_write_t *write, int status)
{
    struct connection *connection = write->data;
    if (connection->state != STATE_WRITING)
        return; /* closed meanwhile */
    connection->state = STATE_READING;
    if (status < 0)
        close_connection(connection);
    else
        finish_answer(connection);
}

static bool is_header(struct http_header header, const char *name)
{
    return str_eq_nocase(header.name, str_from(name));
}

static bool has_body(const struct http_exchange *exchange, int status)
{
    return !str_eq(exchange->method, STR("HEAD")) && status != 204 && status != 304 &&
           status >= 200;
}

static void add_header(struct buf *head, struct str name, struct str value)
{
    buf_add(head, name);
    buf_add(head, STR(": "));
    buf_add(head, value);
    buf_add(head, STR("\r\n"));
}

/* A header value with a line break would let its author write headers of his own. */
static bool is_safe(struct str text)
{
    return str_find_byte(text, '\r', 0) < 0 && str_find_byte(text, '\n', 0) < 0 &&
           str_find_byte(text, '\0', 0) < 0;
}

static struct str build_head(struct connection *connection, int status,
                             const struct http_header *headers, size_t count, size_t body_len)
{
    struct buf head;
    bool has_date = false;
    buf_init_arena(&head, &connection->exchange.arena, SIZE_MAX / 2);
    buf_reserve(&head, 512);
    buf_add(&head, STR("HTTP/1.1 "));
    buf_add_u64(&head, (uint64_t)status);
    buf_add_byte(&head, ' ');
    buf_add(&head, str_from(http_status_text(status)));
    buf_add(&head, STR("\r\n"));
    for (size_t i = 0; i < count; i++) {
        if (is_header(headers[i], "connection")) {
            connection->must_close |= str_eq_nocase(headers[i].value, STR("close"));
            continue;
        }
        if (!is_safe(headers[i].name) || !is_safe(headers[i].value))
            continue;
        has_date |= is_header(headers[i], "date");
        add_header(&head, headers[i].name, headers[i].value);
    }
    if (!has_date)
        add_header(&head, STR("Date"), loop_http_date(connection->listener->loop));
    if (status != 204 && status >= 200) {
        buf_add(&head, STR("Content-Length: "));
        buf_add_u64(&head, body_len);
        buf_add(&head, STR("\r\n"));
    }
    if (connection->must_close || connection->saw_eof || connection->listener->is_closing)
        buf_add(&head, STR("Connection: close\r\n"));
    else if (connection->exchange.is_http_1_0)
        buf_add(&head, STR("Connection: keep-alive\r\n"));
    buf_add(&head, STR("\r\n"));
    return buf_str(&head);
}

/* Has libuv send what the socket did not take at once. */
static void write_rest(struct connection *connection, struct str head, struct str body, size_t sent)
{
    struct arena *arena = &connection->exchange.arena;
    struct str rest_of_head = str_slice(head, sent, head.len);
    struct str rest_of_body = str_slice(body, sent > head.len ? sent - head.len : 0, body.len);
    rest_of_body = arena_str(arena, rest_of_body);
    uv_buf_t parts[2] = {
        uv_buf_init((char *)(uintptr_t)rest_of_head.ptr, (unsigned)rest_of_head.len),
        uv_buf_init((char *)(uintptr_t)rest_of_body.ptr, (unsigned)rest_of_body.len),
    };
    connection->write.data = connection;
    connection->state = STATE_WRITING;
    connection->since_ms = uv_now(loop_uv(connection->listener->loop));
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, parts, 2, on_written) < 0)
        close_connection(connection);
}

void http_reply(struct http_exchange *exchange, int status, const struct http_header *headers,
                size_t header_count, struct str body)
{
    struct connection *connection = (struct connection *)exchange;
    assert(connection->state == STATE_PENDING);
    if (exchange->is_aborted) {
        connection->state = STATE_CLOSING;
        if (connection->is_gone)
            free_connection(connection);
        return;
    }

    struct str head = build_head(connection, status, headers, header_count, body.len);
    if (!has_body(exchange, status))
        body = STR_EMPTY;
    uv_buf_t parts[2] = {
        uv_buf_init((char *)(uintptr_t)head.ptr, (unsigned)head.len),
        uv_buf_init((char *)(uintptr_t)body.ptr, (unsigned)body.len),
    };
    int sent = uv_try_write((uv_stream_t *)&connection->tcp, parts, body.len ? 2 : 1);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0) {
        connection->state = STATE_READING;
        close_connection(connection);
    } else if ((size_t)sent < head.len + body.len) {
        write_rest(connection, head, body, (size_t)sent);
    } else {
        finish_answer(connection);
    }
}

/* --- Parsing --- */

static struct connection *connection_of(llhttp_t *parser)
{
    return parser->data;
}

static int refuse(struct connection *connection, int status)
{
    connection->refused = status;
    return HPE_USER;
}

static int grow_token(struct connection *connection, const char *at, size_t len)
{
    size_t max = connection->listener->options.max_header_bytes;
    connection->header_bytes += len;
    if (connection->header_bytes > max)
        return refuse(connection, 431);
    struct str old = connection->token;
    char *grown = arena_realloc(&connection->exchange.arena, (char *)(uintptr_t)old.ptr, old.len,
                                old.len + len);
    memcpy(grown + old.len, at, len);
    connection->token = str_make(grown, old.len + len);
    return 0;
}

static int on_span(llhttp_t *parser, const char *at, size_t len)
{
    return grow_token(connection_of(parser), at, len);
}

static int on_message_begin(llhttp_t *parser)
{
    struct connection *connection = connection_of(parser);
    connection->is_begun = true;
    connection->token = (struct str){NULL, 0};
    connection->header_bytes = 0;
    connection->header_capacity = 0;
    connection->body_capacity = 0;
    connection->refused = 0;
    connection->since_ms = uv_now(loop_uv(connection->listener->loop));
    return 0;
}

static struct str take_token(struct connection *connection)
{
    struct str token = connection->token.ptr ? connection->token : STR_EMPTY;
    connection->token = (struct str){NULL, 0};
    return token;
}

static int on_url_complete(llhttp_t *parser)
{
    struct connection *connection = connection_of(parser);
    struct http_exchange *exchange = &connection->exchange;
    exchange->target = take_token(connection);
    exchange->query = exchange->target;
    str_cut(&exchange->query, '?', &exchange->path);
    return 0;
}

static int on_header_field_complete(llhttp_t *parser)
{
    struct connection *connection = connection_of(parser);
    connection->name = take_token(connection);
    return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
    struct connection *connection = connection_of(parser);
    struct http_exchange *exchange = &connection->exchange;
    struct str value = take_token(connection);
    if (exchange->header_count == MAX_HEADERS)
        return refuse(connection, 431);
    if (exchange->header_count == connection->header_capacity) {
        size_t capacity = connection->header_capacity ? connection->header_capacity * 2 : 16;
        exchange->headers = arena_realloc(&exchange->arena, exchange->headers,
                                          connection->header_capacity * sizeof(struct http_header),
                                          capacity * sizeof(struct http_header));
        connection->header_capacity = capacity;
    }
    exchange->headers[exchange->header_count++] =
        (struct http_header){connection->name, str_trim(value)};
    return 0;
}

static void send_continue(struct connection *connection)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t part = uv_buf_init((char *)(uintptr_t)line, sizeof(line) - 1);
    /* A socket that cannot take 25 bytes has a client that does not read: it will wait and then
     * send the body anyway (RFC 9110, section 10.1.1). */
    (void)uv_try_write((uv_stream_t *)&connection->tcp, &part, 1);
}

static size_t limit_of(struct connection *connection)
{
    const struct http_listener_options *options = &connection->listener->options;
    return options->body_limit ? options->body_limit(&connection->exchange, options->arg)
                               : options->max_body_bytes;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct connection *connection = connection_of(parser);
    struct http_exchange *exchange = &connection->exchange;
    exchange->method = str_from(llhttp_method_name((llhttp_method_t)parser->method));
    exchange->is_http_1_0 = parser->http_minor == 0;
    parser->upgrade = 0; /* offers of other protocols are not taken up (RFC 9110, section 7.8) */
    if (parser->http_major != 1)
        return refuse(connection, 505);
    if (parser->method == HTTP_CONNECT)
        return refuse(connection, 501);
    if (!exchange->is_http_1_0 && !http_header_get(exchange, STR("host")).ptr)
        return refuse(connection, 400);

    connection->body_limit = limit_of(connection);
    bool has_length = parser->flags & F_CONTENT_LENGTH;
    if (has_length && parser->content_length > connection->body_limit)
        return refuse(connection, 413);
    if (has_length && parser->content_length) {
        connection->body_capacity = parser->content_length;
        exchange->body = str_make(arena_alloc(&exchange->arena, parser->content_length), 0);
    }
    struct str expect = http_header_get(exchange, STR("expect"));
    if (expect.ptr && !str_eq_nocase(expect, STR("100-continue")))
        return refuse(connection, 417);
    if (expect.ptr && !exchange->is_http_1_0)
        send_continue(connection);
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct connection *connection = connection_of(parser);
    struct str *body = &connection->exchange.body;
    if (len > connection->body_limit - body->len)
        return refuse(connection, 413);
    char *bytes = (char *)(uintptr_t)body->ptr;
    if (body->len + len > connection->body_capacity) {
        size_t capacity = connection->body_capacity * 2;
        capacity = capacity < body->len + len ? body->len + len : capacity;
        bytes = arena_realloc(&connection->exchange.arena, connection->body_capacity ? bytes : NULL,
                              connection->body_capacity, capacity);
        connection->body_capacity = capacity;
    }
    memcpy(bytes + body->len, at, len);
    *body = str_make(bytes, body->len + len);
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct connection *connection = connection_of(parser);
    connection->must_close = !llhttp_should_keep_alive(parser);
    connection->is_complete = true;
    return HPE_PAUSED;
}

static void init_settings(llhttp_settings_t *settings)
{
    llhttp_settings_init(settings);
    settings->on_message_begin = on_message_begin;
    settings->on_url = on_span;
    settings->on_url_complete = on_url_complete;
    settings->on_header_field = on_span;
    settings->on_header_field_complete = on_header_field_complete;
    settings->on_header_value = on_span;
    settings->on_header_value_complete = on_header_value_complete;
    settings->on_headers_complete = on_headers_complete;
    settings->on_body = on_body;
    settings->on_message_complete = on_message_complete;
}

static int status_of_parser_error(const struct connection *connection, llhttp_errno_t error)
{
    if (connection->refused)
        return connection->refused;
    if (error == HPE_INVALID_VERSION)
        return 505;
    if (error == HPE_INVALID_TRANSFER_ENCODING)
        return 501;
    return 400;
}

/* Answers what the server itself refuses and closes behind it: what follows on the connection
 * cannot be trusted. */
static void reject(struct connection *connection, int status)
{
    struct http_exchange *exchange = &connection->exchange;
    const struct http_listener_options *options = &connection->listener->options;
    connection->must_close = true;
    connection->state = STATE_PENDING;
    if (!exchange->method.ptr) {
        exchange->method = STR_EMPTY;
        exchange->target = exchange->path = exchange->query = STR_EMPTY;
    }
    exchange->body = STR_EMPTY;
    if (options->reject)
        options->reject(exchange, status, options->arg);
    else
        http_reply(exchange, status, NULL, 0, STR_EMPTY);
}

static void hand_over(struct connection *connection)
{
    const struct http_listener_options *options = &connection->listener->options;
    connection->is_complete = false;
    connection->state = STATE_PENDING;
    if (!connection->exchange.body.ptr)
        connection->exchange.body = STR_EMPTY;
    options->request(&connection->exchange, options->arg);
}

static void parse(struct connection *connection)
{
    const char *from = connection->buffer + connection->parsed;
    size_t len = connection->filled - connection->parsed;
    llhttp_errno_t error = llhttp_execute(&connection->parser, from, len);
    if (error == HPE_OK) {
        connection->parsed = connection->filled;
    } else if (error == HPE_PAUSED && connection->is_complete) {
        connection->parsed =
            (size_t)(llhttp_get_error_pos(&connection->parser) - connection->buffer);
        llhttp_resume(&connection->parser);
        hand_over(connection);
    } else {
        connection->parsed = connection->filled;
        reject(connection, status_of_parser_error(connection, error));
    }
}

/* Parses and hands over what is in the buffer until an answer is pending or the buffer is empty. */
static void advance(struct connection *connection)
{
    connection->is_advancing = true;
    while (connection->state == STATE_READING && connection->parsed < connection->filled)
        parse(connection);
    connection->is_advancing = false;

    if (connection->state == STATE_CLOSING || connection->state == STATE_LINGERING)
        return;
    if (connection->parsed == connection->filled) {
        connection->parsed = connection->filled = 0;
    } else if (connection->parsed) {
        memmove(connection->buffer, connection->buffer + connection->parsed,
                connection->filled - connection->parsed);
        connection->filled -= connection->parsed;
        connection->parsed = 0;
    }
    if (connection->saw_eof && connection->state == STATE_READING)
        close_connection(connection);
    else
        start_reading(connection);
}

/* --- Reading --- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct connection *connection = handle->data;
    *out = uv_buf_init(connection->buffer + connection->filled,
                       (unsigned)(READ_BUFFER - connection->filled));
}

static void stop_reading(struct connection *connection)
{
    uv_read_stop((uv_stream_t *)&connection->tcp);
    connection->is_reading = false;
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    (void)buffer;
    struct connection *connection = stream->data;
    if (got == 0)
        return;
    if (got == UV_EOF) {
        /* A client may end its side and still wait for the answer. */
        connection->saw_eof = true;
        stop_reading(connection);
        if (connection->state == STATE_READING || connection->state == STATE_LINGERING)
            close_connection(connection);
        return;
    }
    if (got < 0) {
        close_connection(connection);
        return;
    }
    if (connection->state == STATE_LINGERING)
        return;
    connection->filled += (size_t)got;
    if (connection->state == STATE_READING)
        advance(connection);
    else if (connection->filled == READ_BUFFER)
        stop_reading(connection); /* until the answer under way is out */
}

static void start_reading(struct connection *connection)
{
    if (connection->is_reading || connection->saw_eof || connection->filled == READ_BUFFER)
        return;
    connection->is_reading = true;
    uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read);
}

/* --- Time-outs --- */

static void check_connection(struct connection *connection, uint64_t now)
{
    const struct http_listener_options *options = &connection->listener->options;
    uint64_t waited = now - connection->since_ms;
    switch (connection->state) {
    case STATE_READING:
        if (connection->is_begun && waited >= options->request_timeout_ms)
            reject(connection, 408);
        else if (!connection->is_begun && waited >= options->idle_timeout_ms)
            close_connection(connection);
        break;
    case STATE_WRITING:
        if (waited >= options->request_timeout_ms)
            close_connection(connection);
        break;
    case STATE_LINGERING:
        if (waited >= LINGER_MS)
            close_connection(connection);
        break;
    case STATE_PENDING:
    case STATE_CLOSING:
        break;
    }
}

static void on_sweep(uv_timer_t *timer)
{
    struct http_listener *listener = timer->data;
    struct connection *next;
    for (struct connection *c = listener->connections; c; c = next) {
        next = c->next;
        check_connection(c, uv_now(loop_uv(listener->loop)));
    }
}

static void start_sweep(struct http_listener *listener)
{
    unsigned shorter = listener->options.request_timeout_ms < listener->options.idle_timeout_ms
                           ? listener->options.request_timeout_ms
                           : listener->options.idle_timeout_ms;
    uint64_t every = shorter / 4 < 10 ? 10 : shorter / 4 > 1000 ? 1000 : shorter / 4;
    uv_timer_start(&listener->sweep, on_sweep, every, every);
}

/* --- Accepting --- */

static void fill_peer(struct connection *connection)
{
    struct sockaddr_storage address;
    int len = sizeof(address);
    char *text = connection->peer;
    if (uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&address, &len) == 0) {
        if (address.ss_family == AF_INET6)
            uv_ip6_name((struct sockaddr_in6 *)&address, text, sizeof(connection->peer));
        else
            uv_ip4_name((struct sockaddr_in *)&address, text, sizeof(connection->peer));
    }
    struct str peer = str_from(text);
    if (str_starts(peer, STR("::ffff:")))
        peer = str_slice(peer, 7, peer.len);
    connection->exchange.peer = peer;
}

static void free_connection_memory(uv_handle_t *handle)
{
    free(handle->data);
}

static void link_connection(struct http_listener *listener, struct connection *connection)
{
    if (!listener->connections)
        start_sweep(listener);
    connection->next = listener->connections;
    if (connection->next)
        connection->next->previous = connection;
    listener->connections = connection;
}

static void on_incoming(uv_stream_t *server, int status)
{
    struct http_listener *listener = server->data;
    if (status < 0) {
        log_warn("io", "a connection could not be accepted: %s", uv_strerror(status));
        return;
    }
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        abort();
    uv_tcp_init(loop_uv(listener->loop), &connection->tcp);
    connection->tcp.data = connection;
    if (uv_accept(server, (uv_stream_t *)&connection->tcp) < 0) {
        uv_close((uv_handle_t *)&connection->tcp, free_connection_memory);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    connection->listener = listener;
    connection->exchange.loop = listener->loop;
    connection->exchange.listener = listener;
    connection->since_ms = uv_now(loop_uv(listener->loop));
    fill_peer(connection);
    llhttp_init(&connection->parser, HTTP_REQUEST, &listener->settings);
    connection->parser.data = connection;
    link_connection(listener, connection);
    start_reading(connection);
}

/* --- Listeners --- */

static void set_defaults(struct http_listener_options *options)
{
    if (!options->max_header_bytes)
        options->max_header_bytes = DEFAULT_HEADER_BYTES;
    if (!options->max_body_bytes)
        options->max_body_bytes = DEFAULT_BODY_BYTES;
    if (!options->request_timeout_ms)
        options->request_timeout_ms = DEFAULT_REQUEST_TIMEOUT_MS;
    if (!options->idle_timeout_ms)
        options->idle_timeout_ms = DEFAULT_IDLE_TIMEOUT_MS;
}

static void on_failed_listener_closed(uv_handle_t *handle)
{
    struct http_listener *listener = handle->data;
    uv_close((uv_handle_t *)&listener->sweep, on_sweep_closed);
}

enum err http_listen_fd(struct loop *loop, int fd, const struct http_listener_options *options,
                        struct http_listener **out, struct error *error)
{
    struct http_listener *listener = calloc(1, sizeof(*listener));
    if (!listener)
        abort();
    listener->loop = loop;
    listener->options = *options;
    set_defaults(&listener->options);
    init_settings(&listener->settings);
    uv_tcp_init(loop_uv(loop), &listener->tcp);
    uv_timer_init(loop_uv(loop), &listener->sweep);
    listener->tcp.data = listener->sweep.data = listener;

    int rc = uv_tcp_open(&listener->tcp, fd);
    if (rc)
        close(fd);
    else
        rc = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_incoming);
    if (rc) {
        uv_close((uv_handle_t *)&listener->tcp, on_failed_listener_closed);
        return error_set(error, ERR_INTERNAL, "cannot listen: %s", uv_strerror(rc));
    }
    struct sockaddr_storage address;
    int len = sizeof(address);
    if (uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&address, &len) == 0)
        listener->port =
            ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                : ((struct sockaddr_in *)&address)->sin_port);
    *out = listener;
    return OK;
}

enum err http_listen(struct loop *loop, const char *address, uint16_t port,
                     const struct http_listener_options *options, struct http_listener **out,
                     struct error *error)
{
    struct sockaddr_storage where = {0};
    bool is_ip6 = strchr(address, ':') != NULL;
    int rc = is_ip6 ? uv_ip6_addr(address, port, (struct sockaddr_in6 *)&where)
                    : uv_ip4_addr(address, port, (struct sockaddr_in *)&where);
    if (rc)
        return error_set(error, ERR_VALIDATION, "%s is no IP address", address);

    int yes = 1;
    int fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set(error, ERR_INTERNAL, "cannot make a socket: %m");
    socklen_t len = is_ip6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) != 0 ||
        bind(fd, (struct sockaddr *)&where, len) != 0) {
        error_set(error, ERR_INTERNAL, "cannot listen on %s:%u: %m", address, port);
        close(fd);
        return ERR_INTERNAL;
    }
    return http_listen_fd(loop, fd, options, out, error);
}

uint16_t http_listener_port(const struct http_listener *listener)
{
    return listener->port;
}

void *http_listener_arg(const struct http_listener *listener)
{
    return listener->options.arg;
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct http_listener *listener = handle->data;
    listener->is_tcp_closed = true;
    free_listener_if_done(listener);
}

void http_listener_close(struct http_listener *listener, void (*closed)(void *arg), void *arg)
{
    listener->is_closing = true;
    listener->closed = closed;
    listener->closed_arg = arg;
    for (struct connection *c = listener->connections; c; c = c->next) {
        if (c->state == STATE_READING && !c->is_begun)
            close_connection(c);
    }
    uv_close((uv_handle_t *)&listener->tcp, on_tcp_closed);
}

void http_listener_abort(struct http_listener *listener)
{
    for (struct connection *c = listener->connections; c; c = c->next)
        close_connection(c);
}
