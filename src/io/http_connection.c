/* The server's connections: reading, one request at a time, ending. */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/http_server.h"

enum {
    LINGER_MS = 5000,
    DROPPED_AT_ONCE = 16 * 1024 * 1024, /* by all connections of a listener between two checks */
    LEAST_BODY_RATE = 32,               /* bytes a millisecond, once the request's time is over */
    LEAST_ANSWER_RATE = 8,
};

static void start_reading(struct connection *connection);

static uv_stream_t *stream_of(struct connection *connection)
{
    return (uv_stream_t *)&connection->tcp;
}

static bool is_closing(struct connection *connection)
{
    return uv_is_closing((uv_handle_t *)&connection->tcp);
}

/* --- States --- */

static void list_as_idle(struct connection *connection)
{
    struct http_listener *listener = connection->listener;
    connection->is_listed = true;
    connection->newer_idle = NULL;
    connection->older_idle = listener->newest_idle;
    if (listener->newest_idle)
        listener->newest_idle->newer_idle = connection;
    else
        listener->oldest_idle = connection;
    listener->newest_idle = connection;
}

static void leave_idle_list(struct connection *connection)
{
    struct http_listener *listener = connection->listener;
    struct connection *older = connection->older_idle, *newer = connection->newer_idle;
    connection->is_listed = false;
    *(older ? &older->newer_idle : &listener->oldest_idle) = newer;
    *(newer ? &newer->older_idle : &listener->newest_idle) = older;
}

static void leave_queue(struct connection *connection)
{
    struct http_listener *listener = connection->listener;
    struct connection *before = NULL, *at = listener->first_queued;
    while (at != connection) {
        assert(at);
        before = at;
        at = at->next_queued;
    }
    *(before ? &before->next_queued : &listener->first_queued) = connection->next_queued;
    if (listener->last_queued == connection)
        listener->last_queued = before;
}

void connection_leave(struct connection *connection)
{
    if (connection->is_listed)
        leave_idle_list(connection);
    if (connection->state == CONNECTION_QUEUED)
        leave_queue(connection);
}

void connection_enter(struct connection *connection, enum connection_state state)
{
    struct loop *loop = connection->listener->loop;
    connection_leave(connection);
    connection->state = state;
    connection->since_ms = uv_now(loop_uv(loop));
    connection->left = UINT64_MAX;
    if (state == CONNECTION_READING)
        list_as_idle(connection);
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
    connection_settle(connection);
}

/* --- What a request holds --- */

void connection_release_request(struct connection *connection)
{
    arena_reset(&connection->exchange.arena);
    http_file_close(&connection->body_file);
    if (connection->body.cap > KEPT_BODY)
        buf_release(&connection->body);
    buf_clear(&connection->body);
    connection->floor = 0;
}

static void release_answer(struct connection *connection)
{
    struct http_source *source = connection->source;
    connection->source = NULL;
    if (source && source->release)
        source->release(source);
    http_file_close(&connection->answer_file);
    free(connection->unsent);
    connection->unsent = NULL;
    connection->unsent_size = 0;
}

static void give_place_back(struct connection *connection)
{
    struct http_listener *listener = connection->listener;
    if (!connection->has_place)
        return;
    connection->has_place = false;
    if (connection->is_guest)
        listener->guests--;
    else if (listener->options.places)
        budget_give(listener->options.places, 1);
}

/* --- Closing --- */

void connection_free(struct connection *connection)
{
    struct http_listener *listener = connection->listener;
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    give_place_back(connection);
    release_answer(connection);
    connection_release_request(connection);
    arena_release(&connection->exchange.arena);
    buf_release(&connection->body);
    drop_input(connection);
    if (listener->options.memory)
        budget_give(listener->options.memory, connection->charged);
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
    if (connection->state == CONNECTION_PENDING) {
        connection->exchange.is_aborted = true;
    } else {
        connection_leave(connection);
        connection->state = CONNECTION_CLOSING;
    }
    if (!is_closing(connection)) {
        give_place_back(connection); /* libuv closes the socket at once */
        uv_close((uv_handle_t *)&connection->tcp, on_closed);
    }
}

/* Closing while the client still sends would reset the connection, and the client might never see
 * the answer (RFC 9112, section 9.6): our side is shut, the rest is dropped until the client closes
 * or the time is up. */
static void linger(struct connection *connection)
{
    connection_enter(connection, CONNECTION_LINGERING);
    drop_input(connection);
    connection_release_request(connection);
    connection_settle(connection);
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
    connection_release_request(connection);
    *exchange = (struct http_exchange){.arena = exchange->arena,
                                       .loop = exchange->loop,
                                       .listener = exchange->listener,
                                       .peer = exchange->peer};
    connection->fields = (struct http_fields){0};
    connection->is_begun = false;
    connection->sender = SENDER_NOT_ASKED;
    connection_settle(connection);
}

void connection_finish(struct connection *connection)
{
    bool is_last = connection->must_close || connection->listener->is_closing;
    release_answer(connection);
    connection->served++;
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

/* What is sent to be dropped must not keep the loop from its work. */
static void drop(struct connection *connection, size_t got)
{
    struct http_listener *listener = connection->listener;
    listener->dropped += got;
    if (listener->dropped > DROPPED_AT_ONCE)
        stop_reading(connection);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;
    if (got == UV_EOF) {
        on_eof(connection);
    } else if (got < 0) {
        connection_close(connection);
    } else if (connection->state == CONNECTION_LINGERING) {
        drop(connection, (size_t)got);
    } else if (got > 0) {
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
    size_t came = connection->body_file.size + connection->body.len;
    if (connection->is_begun && waited_ms >= options->request_timeout_ms + came / LEAST_BODY_RATE)
        connection_reject(connection, 408);
    else if (!connection->is_begun && waited_ms >= options->idle_timeout_ms)
        connection_close(connection);
}

/* An answer may take long as long as the client takes something of it, and does not trickle. */
static void check_writing(struct connection *connection, uint64_t now_ms)
{
    uint64_t left = connection_left(connection);
    uint64_t timeout_ms = connection->listener->options.request_timeout_ms;
    uint64_t taken = connection->answer_size - left;
    if (left < connection->left) {
        connection->left = left;
        connection->since_ms = now_ms;
    }
    if (now_ms - connection->since_ms >= timeout_ms ||
        now_ms - connection->answer_started_ms >= timeout_ms + taken / LEAST_ANSWER_RATE)
        connection_close(connection);
}

bool connection_check(struct connection *connection, uint64_t now_ms)
{
    uint64_t waited_ms = now_ms - connection->since_ms;
    switch (connection->state) {
    case CONNECTION_READING:
        check_reading(connection, waited_ms);
        return true;
    case CONNECTION_QUEUED:
        if (waited_ms >= connection->listener->options.request_timeout_ms)
            connection_reject(connection, 503);
        return true;
    case CONNECTION_WRITING:
        check_writing(connection, now_ms);
        return true;
    case CONNECTION_LINGERING:
        if (waited_ms >= LINGER_MS)
            connection_close(connection);
        else
            start_reading(connection);
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

void connection_start(struct http_listener *listener, int fd, const struct sockaddr *peer,
                      bool is_guest)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        abort();
    uv_tcp_init(loop_uv(listener->loop), &connection->tcp);
    connection->tcp.data = connection;
    link_to_listener(connection, listener);
    fill_peer(connection, peer);
    connection->has_place = true;
    connection->is_guest = is_guest;
    listener->guests += is_guest;
    connection_init_parser(connection);
    connection_settle(connection);
    connection_enter(connection, CONNECTION_READING);
    if (uv_tcp_open(&connection->tcp, fd) == 0) {
        start_reading(connection);
    } else {
        close(fd);
        connection_close(connection);
    }
}
