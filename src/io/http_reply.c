/* The server's answers: from status, headers and body to bytes. */
#include <assert.h>

#include "io/http_server.h"

/* A body up to this size is copied behind the head: that costs less than a second piece. */
enum { JOINED_BODY = 2048 };

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

static char *put_framing(char *to, const struct connection *connection, int status, size_t body_len)
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

static struct answer build(struct connection *connection, int status,
                           const struct http_header *headers, size_t count, struct str body)
{
    struct http_exchange *exchange = &connection->exchange;
    struct str text = str_from(http_status_text(status));
    size_t body_len = body.len;
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

static void on_written(uv_write_t *write, int status)
{
    struct connection *connection = write->data;
    if (connection->state != CONNECTION_WRITING)
        return; /* closed meanwhile */
    if (status < 0)
        connection_close(connection);
    else
        connection_finish(connection);
}

/* Has libuv send what the socket did not take at once. The body may not outlive this call. */
static void write_rest(struct connection *connection, struct answer answer, size_t sent)
{
    struct str head = str_slice(answer.head, sent, answer.head.len);
    size_t of_body = sent > answer.head.len ? sent - answer.head.len : 0;
    struct str body =
        arena_str(&connection->exchange.arena, str_slice(answer.body, of_body, answer.body.len));
    uv_buf_t parts[2] = {buf_of(head), buf_of(body)};
    connection->write.data = connection;
    connection_enter(connection, CONNECTION_WRITING);
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, parts, 2, on_written) < 0)
        connection_close(connection);
}

static void send_answer(struct connection *connection, struct answer answer)
{
    uv_buf_t parts[2] = {buf_of(answer.head), buf_of(answer.body)};
    int sent = uv_try_write((uv_stream_t *)&connection->tcp, parts, answer.body.len ? 2 : 1);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0) {
        connection->state = CONNECTION_READING;
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
    send_answer(connection, build(connection, status, headers, header_count, body));
}
