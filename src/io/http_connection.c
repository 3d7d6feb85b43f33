/* The server's connections: reading, one request at a time, ending. */
#include <stdlib.h>
#include <unistd.h>

#include "io/http_server.h"

enum { LINGER_MS = 5000, KEPT_BODY_BYTES = 16 * 1024 };

static void start_reading(struct connection *connection);

static uv_stream_t *stream_of(struct connection *connection)
{
    return (uv_stream_t *)&connection->tcp;
}

static bool is_closing(struct connection *connection)
{
    return uv_is_closing((uv_handle_t *)&connection->tcp);
}

void connection_enter(struct connection *connection, enum connection_state state)
{
    struct loop *loop = connection->listener->loop;
    connection->state = state;
    connection->since_ms = uv_now(loop_uv(loop));
    connection->unsent = SIZE_MAX;
    loop_check_wake(loop);
}

/* --- Input that waits for its turn --- */

static void drop_input(struct connection *connection)
{
    free(connection->rest);
    connection->rest = NULL;
    connection->input = STR_EMPTY;
}

/* The loop's read buffer is about to be someone else's. */
static void keep_input(struct connection *connection)
{
    if (connection->rest)
        return;
    struct str input = connection->input;
    connection->rest = malloc(input.len);
    if (!connection->rest)
        abort();
    memcpy(connection->rest, input.ptr, input.len);
    connection->input.ptr = connection->rest;
}

/* --- Closing --- */

void connection_free(struct connection *connection)
{
    struct http_listener *listener = connection->listener;
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    arena_release(&connection->exchange.arena);
    buf_release(&connection->body);
    drop_input(connection);
    free(connection);
    listener_forget(listener);
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    connection->is_gone = true;
    /* A handler that still holds the exchange frees the connection by its http_reply. */
    if (connection->state != CONNECTION_PENDING)
        connection_free(connection);
}

void connection_close(struct connection *connection)
{
    if (connection->state == CONNECTION_PENDING)
        connection->exchange.is_aborted = true;
    else
        connection->state = CONNECTION_CLOSING;
    if (!is_closing(connection))
        uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

/* Closing while the client still sends would reset the connection, and the client might never see
 * the answer (RFC 9112, section 9.6): our side is shut, the rest is dropped until the client closes
 * or the time is up. */
static void linger(struct connection *connection)
{
    connection_enter(connection, CONNECTION_LINGERING);
    drop_input(connection);
    uv_shutdown(&connection->shutdown, stream_of(connection), NULL);
    start_reading(connection);
}

/* --- One request after the other --- */

static void stop_reading(struct connection *connection)
{
    uv_read_stop(stream_of(connection));
    connection->is_reading = false;
}

/* Has what is left of the input wait, or has more come in. While an answer is awaited the
 * connection reads on, which tells when the client goes away, but no further than one buffer. */
static void settle(struct connection *connection)
{
    if (is_closing(connection) || connection->state == CONNECTION_LINGERING)
        return;
    if (connection->input.len) {
        keep_input(connection);
        stop_reading(connection);
        return;
    }
    drop_input(connection);
    if (connection->saw_eof && connection->state == CONNECTION_READING)
        connection_close(connection);
    else
        start_reading(connection);
}

static void advance(struct connection *connection)
{
    connection->is_advancing = true;
    while (connection->state == CONNECTION_READING && connection->input.len)
        connection_parse(connection);
    connection->is_advancing = false;
    settle(connection);
}

static void reset_request(struct connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;
    struct arena arena = exchange->arena;
    arena_reset(&arena);
    *exchange = (struct http_exchange){.arena = arena,
                                       .loop = exchange->loop,
                                       .listener = exchange->listener,
                                       .peer = exchange->peer};
    connection->fields = (struct http_fields){0};
    connection->is_begun = false;
    if (connection->body.cap > KEPT_BODY_BYTES)
        buf_release(&connection->body);
    buf_clear(&connection->body);
}

void connection_finish(struct connection *connection)
{
    bool is_last = connection->must_close || connection->listener->is_closing;
    connection_enter(connection, CONNECTION_READING);
    if (is_last && !connection->saw_eof && (connection->refused || connection->input.len)) {
        linger(connection);
    } else if (is_last) {
        connection_close(connection);
    } else {
        reset_request(connection);
        if (!connection->is_advancing)
            advance(connection);
    }
}

/* --- Reading --- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct connection *connection = handle->data;
    *out = uv_buf_init(loop_read_buffer(connection->listener->loop), LOOP_READ_BUFFER);
}

/* A client may end its side and still wait for the answer. */
static void on_eof(struct connection *connection)
{
    connection->saw_eof = true;
    stop_reading(connection);
    if (connection->state == CONNECTION_READING || connection->state == CONNECTION_LINGERING)
        connection_close(connection);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;
    if (got == UV_EOF) {
        on_eof(connection);
    } else if (got < 0) {
        connection_close(connection);
    } else if (got > 0 && connection->state != CONNECTION_LINGERING) {
        connection->input = str_make(buffer->base, (size_t)got);
        advance(connection);
    }
}

static void start_reading(struct connection *connection)
{
    if (connection->is_reading || connection->saw_eof)
        return;
    connection->is_reading = true;
    uv_read_start(stream_of(connection), on_alloc, on_read);
}

/* --- Time --- */

static void check_reading(struct connection *connection, uint64_t waited_ms)
{
    const struct http_listener_options *options = &connection->listener->options;
    if (connection->is_begun && waited_ms >= options->request_timeout_ms)
        connection_reject(connection, 408);
    else if (!connection->is_begun && waited_ms >= options->idle_timeout_ms)
        connection_close(connection);
}

/* An answer may take long as long as the client takes something of it. */
static void check_writing(struct connection *connection, uint64_t now_ms)
{
    size_t unsent = uv_stream_get_write_queue_size(stream_of(connection));
    if (unsent < connection->unsent) {
        connection->unsent = unsent;
        connection->since_ms = now_ms;
    } else if (now_ms - connection->since_ms >= connection->listener->options.request_timeout_ms) {
        connection_close(connection);
    }
}

bool connection_check(struct connection *connection, uint64_t now_ms)
{
    uint64_t waited_ms = now_ms - connection->since_ms;
    switch (connection->state) {
    case CONNECTION_READING:
        check_reading(connection, waited_ms);
        return true;
    case CONNECTION_WRITING:
        check_writing(connection, now_ms);
        return true;
    case CONNECTION_LINGERING:
        if (waited_ms >= LINGER_MS)
            connection_close(connection);
        return true;
    case CONNECTION_PENDING:
    case CONNECTION_CLOSING:
        return false;
    }
    return false;
}

/* --- Starting --- */

static void fill_peer(struct connection *connection, const struct sockaddr *address)
{
    char *text = connection->peer;
    if (address->sa_family == AF_INET6)
        uv_ip6_name((const struct sockaddr_in6 *)address, text, sizeof(connection->peer));
    else if (address->sa_family == AF_INET)
        uv_ip4_name((const struct sockaddr_in *)address, text, sizeof(connection->peer));
    struct str peer = str_from(text);
    if (str_starts(peer, STR("::ffff:")))
        peer = str_slice(peer, 7, peer.len);
    connection->exchange.peer = peer;
}

static void link_to_listener(struct connection *connection, struct http_listener *listener)
{
    connection->listener = listener;
    connection->exchange.listener = listener;
    connection->exchange.loop = listener->loop;
    connection->next = listener->connections;
    connection->link = &listener->connections;
    if (connection->next)
        connection->next->link = &connection->next;
    listener->connections = connection;
}

void connection_start(struct http_listener *listener, int fd, const struct sockaddr *peer)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        abort();
    uv_tcp_init(loop_uv(listener->loop), &connection->tcp);
    connection->tcp.data = connection;
    link_to_listener(connection, listener);
    fill_peer(connection, peer);
    connection_init_parser(connection);
    connection_enter(connection, CONNECTION_READING);
    if (uv_tcp_open(&connection->tcp, fd) == 0) {
        start_reading(connection);
    } else {
        close(fd);
        connection_close(connection);
    }
}
