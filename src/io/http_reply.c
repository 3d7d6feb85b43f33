/* The server's answers: from status, headers and body to bytes. */
#include <assert.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "base/log.h"
#include "io/http_server.h"

/* A body up to this size is copied behind the head: that costs less than a second piece. */
enum { JOINED_BODY = 2048, SENT_AHEAD = 2 * HTTP_PIECE };

/* The answer as it goes out. */
struct answer {
    struct str head; /* in the exchange's arena, with the body behind it if that is small */
    struct str body;
};

/* --- Building --- */

static char *put(char *to, struct str s)
{
    if (s.len) /* an empty text may have no address */
        memcpy(to, s.ptr, s.len);
    return to + s.len;
}

static char *put_u64(char *to, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return put(to, str_make(digits + at, sizeof(digits) - at));
}

/* A line break in a header would let its author write headers of his own. */
static bool is_safe(struct str text)
{
    bool is_bad = false;
    for (size_t i = 0; i < text.len; i++)
        is_bad |= text.ptr[i] == '\r' || text.ptr[i] == '\n' || text.ptr[i] == '\0';
    return !is_bad;
}

/* Those that say how the answer is framed are set here alone. */
static bool is_framing(struct str name)
{
    return str_eq_nocase(name, STR("connection")) || str_eq_nocase(name, STR("content-length")) ||
           str_eq_nocase(name, STR("transfer-encoding"));
}

static char *put_headers(char *to, struct connection *connection, const struct http_header *headers,
                         size_t count)
{
    bool has_date = false;
    for (size_t i = 0; i < count; i++) {
        struct str name = headers[i].name, value = headers[i].value;
        if (is_framing(name) || name.len == 0 || !is_safe(name) || !is_safe(value))
            continue;
        has_date |= str_eq_nocase(name, STR("date"));
        to = put(to, name);
        to = put(to, STR(": "));
        to = put(to, value);
        to = put(to, STR("\r\n"));
    }
    if (!has_date) {
        to = put(to, STR("Date: "));
        to = put(to, loop_http_date(connection->listener->loop));
        to = put(to, STR("\r\n"));
    }
    return to;
}

static char *put_framing(char *to, const struct connection *connection, int status,
                         uint64_t body_len)
{
    if (status != 204 && status >= 200) {
        to = put(to, STR("Content-Length: "));
        to = put_u64(to, body_len);
        to = put(to, STR("\r\n"));
    }
    if (connection->must_close || connection->listener->is_closing)
        to = put(to, STR("Connection: close\r\n"));
    else if (connection->exchange.is_http_1_0)
        to = put(to, STR("Connection: keep-alive\r\n"));
    return put(to, STR("\r\n"));
}

static size_t head_bound(struct str text, const struct http_header *headers, size_t count)
{
    size_t bound = 256 + text.len;
    for (size_t i = 0; i < count; i++)
        bound += headers[i].name.len + headers[i].value.len + 4;
    return bound;
}

static bool has_body(const struct http_exchange *exchange, int status)
{
    return !str_eq(exchange->method, STR("HEAD")) && status != 204 && status != 304 &&
           status >= 200;
}

/* `body` is what of the body follows at once, `body_len` is all of it. */
static struct answer build(struct connection *connection, int status,
                           const struct http_header *headers, size_t count, struct str body,
                           uint64_t body_len)
{
    struct http_exchange *exchange = &connection->exchange;
    struct str text = str_from(http_status_text(status));
    if (!has_body(exchange, status))
        body = STR_EMPTY;
    bool is_joined = body.len <= JOINED_BODY;
    size_t bound = head_bound(text, headers, count) + (is_joined ? body.len : 0);

    char *start = arena_alloc(&exchange->arena, bound), *to = start;
    to = put(to, STR("HTTP/1.1 "));
    to = put_u64(to, (uint64_t)status);
    to = put(to, STR(" "));
    to = put(to, text);
    to = put(to, STR("\r\n"));
    to = put_headers(to, connection, headers, count);
    to = put_framing(to, connection, status, body_len);
    if (is_joined)
        to = put(to, body);
    assert((size_t)(to - start) <= bound);
    return (struct answer){str_make(start, (size_t)(to - start)), is_joined ? STR_EMPTY : body};
}

/* --- Sending --- */

static uv_buf_t buf_of(struct str bytes)
{
    return uv_buf_init((char *)(uintptr_t)bytes.ptr, (unsigned)bytes.len);
}

/* --- What the socket does not take at once --- */

uint64_t connection_left(const struct connection *connection)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&connection->tcp) +
           (connection->source_end - connection->source_at);
}

static void send_piece(struct connection *connection);

static void on_written(uv_write_t *write, int status)
{
    struct connection *connection = write->data;
    if (connection->state != CONNECTION_WRITING)
        return; /* closed meanwhile */
    if (status < 0)
        connection_close(connection);
    else
        send_piece(connection);
}

/* Has libuv send the first `len` bytes of `unsent`. */
static void send_unsent(struct connection *connection, size_t len)
{
    uv_buf_t part = uv_buf_init(connection->unsent, (unsigned)len);
    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &part, 1, on_written) < 0)
        connection_close(connection);
}

static void make_room(struct connection *connection, size_t size)
{
    if (connection->unsent_size == size)
        return;
    free(connection->unsent);
    connection->unsent = malloc(size);
    if (!connection->unsent)
        abort();
    connection->unsent_size = size;
}

/* The next of the source, when what was before it is out. */
static void send_piece(struct connection *connection)
{
    uint64_t left = connection->source_end - connection->source_at;
    if (left == 0) {
        connection_finish(connection);
        return;
    }
    make_room(connection, HTTP_PIECE);
    struct http_source *source = connection->source;
    size_t max = left < HTTP_PIECE ? (size_t)left : HTTP_PIECE;
    size_t got = source->read(source, connection->source_at, connection->unsent, max);
    connection->source_at += got;
    if (got)
        send_unsent(connection, got);
    else
        connection_close(connection);
}

static void start_writing(struct connection *connection)
{
    connection_enter(connection, CONNECTION_WRITING);
    connection->answer_started_ms = connection->since_ms;
}

static size_t read_answer_file(struct http_source *source, uint64_t at, char *to, size_t max)
{
    struct connection *connection =
        (struct connection *)((char *)source - offsetof(struct connection, file_source));
    return http_file_read(&connection->answer_file, at, to, max);
}

/* False when the disk does not let it. */
static bool move_to_file(struct connection *connection)
{
    const struct http_spill *spill = connection->listener->options.spill;
    struct http_file *file = &connection->answer_file;
    struct str rest = str_make(connection->unsent, connection->unsent_size);
    if (!spill || !http_file_open(file, spill) || !http_file_add(file, rest))
        return false;
    connection->file_source.read = read_answer_file;
    connection->source = &connection->file_source;
    connection->source_at = 0;
    connection->source_end = rest.len;
    make_room(connection, HTTP_PIECE);
    connection_settle(connection);
    return true;
}

/* The rest of a whole answer. The body may not outlive this call, and all else that the request
 * holds is needed no longer: a slow client costs what it has not taken, or a file. */
static void write_rest(struct connection *connection, struct answer answer, size_t sent)
{
    struct str head = str_slice(answer.head, sent, answer.head.len);
    size_t of_body = sent > answer.head.len ? sent - answer.head.len : 0;
    struct str body = str_slice(answer.body, of_body, answer.body.len);
    make_room(connection, head.len + body.len);
    put(put(connection->unsent, head), body);
    connection->answer_size = connection->unsent_size;
    connection_release_request(connection);
    if (connection->sender == SENDER_NOT_ASKED)
        connection->sender = SENDER_KNOWN; /* the head is gone: nobody can be asked now */
    start_writing(connection);
    bool is_claimed = connection_claim(connection);
    connection_settle(connection);
    if (is_claimed || connection->unsent_size <= SMALL_BODY) {
        send_unsent(connection, connection->unsent_size);
    } else if (move_to_file(connection)) {
        send_piece(connection);
    } else {
        log_warn_limited("io", "an answer of %zu bytes is cut off: no memory and no disk for it",
                         connection->unsent_size);
        connection_close(connection);
    }
}

static void send_answer(struct connection *connection, struct answer answer)
{
    uv_buf_t parts[2] = {buf_of(answer.head), buf_of(answer.body)};
    int sent = uv_try_write((uv_stream_t *)&connection->tcp, parts, answer.body.len ? 2 : 1);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0) {
        connection->state = CONNECTION_CLOSING;
        connection_close(connection);
    } else if ((size_t)sent < answer.head.len + answer.body.len) {
        write_rest(connection, answer, (size_t)sent);
    } else {
        connection_finish(connection);
    }
}

/* The client is gone: nothing to send, but the connection waited for this call. */
static void drop_answer(struct connection *connection)
{
    connection->state = CONNECTION_CLOSING;
    if (connection->is_gone)
        connection_free(connection);
}

static bool asks_to_close(const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(headers[i].name, STR("connection")) &&
            str_eq_nocase(headers[i].value, STR("close")))
            return true;
    }
    return false;
}

void http_reply(struct http_exchange *exchange, int status, const struct http_header *headers,
                size_t header_count, struct str body)
{
    struct connection *connection = (struct connection *)exchange;
    assert(connection->state == CONNECTION_PENDING); /* once for each exchange */
    if (exchange->is_aborted) {
        drop_answer(connection);
        return;
    }
    connection->must_close |= connection->saw_eof || asks_to_close(headers, header_count);
    send_answer(connection, build(connection, status, headers, header_count, body, body.len));
}

/* The kernel would take megabytes for each client that reads nothing. */
static void send_no_further_ahead(struct connection *connection)
{
    int fd, most = SENT_AHEAD;
    if (uv_fileno((uv_handle_t *)&connection->tcp, &fd) == 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof(most));
}

void http_reply_from(struct http_exchange *exchange, int status, const struct http_header *headers,
                     size_t header_count, uint64_t size, struct http_source *source)
{
    struct connection *connection = (struct connection *)exchange;
    assert(connection->state == CONNECTION_PENDING);
    connection->source = source;
    if (exchange->is_aborted) {
        drop_answer(connection);
        return;
    }
    connection->must_close |= connection->saw_eof || asks_to_close(headers, header_count);
    struct answer answer = build(connection, status, headers, header_count, STR_EMPTY, size);
    connection->source_at = 0;
    connection->source_end = has_body(exchange, status) ? size : 0;
    connection->answer_size = answer.head.len + connection->source_end;
    send_no_further_ahead(connection);
    make_room(connection, answer.head.len);
    memcpy(connection->unsent, answer.head.ptr, answer.head.len);
    start_writing(connection);
    connection_settle(connection);
    send_unsent(connection, answer.head.len);
}
