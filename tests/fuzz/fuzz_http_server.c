/* Bytes from a client to the HTTP server. They come twice, at once and in pieces, and must mean the
 * same both times. */
#include <assert.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/http_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct http_listener *listener;
static struct buf told; /* what the server made of the bytes */

static void tell(struct str text)
{
    buf_add(&told, text);
    buf_add_byte(&told, '\n');
}

static void tell_head(const struct http_exchange *exchange)
{
    tell(exchange->method);
    tell(exchange->path);
    tell(exchange->query);
    for (size_t i = 0; i < exchange->header_count; i++) {
        tell(exchange->headers[i].name);
        tell(exchange->headers[i].value);
    }
}

static void on_request(struct http_exchange *exchange, void *arg)
{
    (void)arg;
    assert(exchange->method.len && exchange->target.len && exchange->path.len);
    assert(exchange->is_http_1_0 || http_header_get(exchange, STR("host")).ptr);
    tell_head(exchange);
    tell(exchange->body);
    http_reply(exchange, 200, exchange->headers, exchange->header_count, exchange->body);
}

static void on_reject(struct http_exchange *exchange, int status, void *arg)
{
    (void)arg;
    assert(status >= 400);
    buf_printf(&told, "refused %d\n", status);
    http_reply(exchange, status, NULL, 0, exchange->path);
}

static size_t limit_body(const struct http_exchange *exchange, size_t announced, void *arg)
{
    (void)announced;
    (void)arg;
    return exchange->path.len * 100;
}

static void start(void)
{
    struct error error;
    struct http_listener_options options = {
        .request = on_request, .reject = on_reject, .body_limit = limit_body};
    enum err rc = loop_new(0, &loop, &error);
    assert(rc == OK);
    rc = http_listen(loop, "127.0.0.1", 0, &options, &listener, &error);
    assert(rc == OK);
    buf_init(&told, SIZE_MAX / 2);
}

/* Lets the loop take what was sent, and drops its answers. */
static void turn(int fd)
{
    char answers[4096];
    uv_run(loop_uv(loop), UV_RUN_NOWAIT);
    while (recv(fd, answers, sizeof(answers), MSG_DONTWAIT) > 0)
        ;
}

/* Sends the bytes `step` at a time, ends, and waits until the server has closed. */
static void feed(const uint8_t *data, size_t size, size_t step)
{
    static const struct sockaddr nowhere = {.sa_family = AF_UNIX};
    int fds[2];
    int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
    assert(rc == 0);
    connection_start(listener, fds[1], &nowhere, false);
    for (size_t at = 0; at < size; at += step) {
        size_t len = size - at < step ? size - at : step;
        if (send(fds[0], data + at, len, MSG_NOSIGNAL) < 0)
            break;
        turn(fds[0]);
    }
    shutdown(fds[0], SHUT_WR);
    while (listener->connections)
        turn(fds[0]);
    close(fds[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > LOOP_READ_BUFFER)
        return 0;
    if (!loop)
        start();
    size_t step = 1 + data[0] % 16;
    data++, size--;

    buf_clear(&told);
    feed(data, size, size);
    struct buf whole = told;
    buf_init(&told, SIZE_MAX / 2);
    feed(data, size, step);
    assert(str_eq(buf_str(&whole), buf_str(&told)));
    buf_release(&whole);
    return 0;
}
