/* A server on a loop thread of its own, and a client of raw bytes. */
#include "server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* --- The server --- */

static struct server *server_of(struct http_exchange *exchange)
{
    return http_listener_arg(exchange->listener);
}

static void answer_see(struct http_exchange *exchange)
{
    struct str test = http_header_get(exchange, STR("x-test"));
    struct str text =
        arena_printf(&exchange->arena, "%.*s %.*s?%.*s %.*s %zu [%.*s]", STR_ARG(exchange->method),
                     STR_ARG(exchange->path), STR_ARG(exchange->query), STR_ARG(exchange->peer),
                     exchange->header_count, STR_ARG(test));
    http_reply(exchange, 200, NULL, 0, text);
}

static void answer_big(struct http_exchange *exchange)
{
    uint64_t size = 0;
    str_to_u64(exchange->query, &size);
    char *bytes = arena_alloc(&exchange->arena, size);
    memset(bytes, 'b', size);
    http_reply(exchange, 200, NULL, 0, str_make(bytes, size));
}

static void answer_size(struct http_exchange *exchange)
{
    struct str text = arena_printf(&exchange->arena, "%zu", exchange->body.len);
    http_reply(exchange, 200, NULL, 0, text);
}

static void answer_header(struct http_exchange *exchange)
{
    struct str value = exchange->query;
    char *decoded = arena_cstr(&exchange->arena, value);
    for (size_t i = 0; i < value.len; i++)
        decoded[i] = decoded[i] == '!' ? '\n' : decoded[i];
    struct http_header header = {STR("X-Answer"), str_make(decoded, value.len)};
    http_reply(exchange, 200, &header, 1, STR_EMPTY);
}

static void keep(struct http_exchange *exchange)
{
    struct server *server = server_of(exchange);
    server->kept[server->kept_count++] = exchange;
    sem_post(&server->arrived);
}

static void on_request(struct http_exchange *exchange, void *arg)
{
    (void)arg;
    if (str_eq(exchange->path, STR("/echo")))
        http_reply(exchange, 200, NULL, 0, exchange->body);
    else if (str_eq(exchange->path, STR("/size")))
        answer_size(exchange);
    else if (str_eq(exchange->path, STR("/big")))
        answer_big(exchange);
    else if (str_eq(exchange->path, STR("/see")))
        answer_see(exchange);
    else if (str_eq(exchange->path, STR("/later")))
        keep(exchange);
    else if (str_eq(exchange->path, STR("/header")))
        answer_header(exchange);
    else if (str_eq(exchange->path, STR("/204")))
        http_reply(exchange, 204, NULL, 0, STR("not to be seen"));
    else
        http_reply(exchange, 200, NULL, 0, STR("hello"));
}

static void on_reject(struct http_exchange *exchange, int status, void *arg)
{
    (void)arg;
    http_reply(exchange, status, NULL, 0, arena_printf(&exchange->arena, "refused %d", status));
}

struct server *server_start(struct http_listener_options options)
{
    struct server *server = calloc(1, sizeof(*server));
    struct error error;
    assert_non_null(server);
    sem_init(&server->arrived, 0, 0);
    sem_init(&server->finished, 0, 0);
    options.request = on_request;
    options.reject = on_reject;
    options.arg = server;
    assert_int_equal(loop_new(0, &server->loop, &error), OK);
    assert_int_equal(http_listen(server->loop, "127.0.0.1", 0, &options, &server->listener, &error),
                     OK);
    server->port = http_listener_port(server->listener);
    assert_int_equal(loop_start(server->loop, &error), OK);
    return server;
}

static void wait_for(sem_t *semaphore)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    assert_int_equal(sem_timedwait(semaphore, &until), 0);
}

struct call {
    struct loop_task task;
    struct server *server;
    void (*fn)(struct server *server);
    sem_t done;
};

static void run_call(struct loop_task *task)
{
    struct call *call = (struct call *)task;
    call->fn(call->server);
    sem_post(&call->done);
}

void server_do(struct server *server, void (*fn)(struct server *server))
{
    struct call call = {.task.run = run_call, .server = server, .fn = fn};
    sem_init(&call.done, 0, 0);
    loop_post(server->loop, &call.task);
    wait_for(&call.done);
    sem_destroy(&call.done);
}

static void on_closed(void *arg)
{
    struct server *server = arg;
    sem_post(&server->finished);
}

static void close_listener(struct server *server)
{
    http_listener_close(server->listener, on_closed, server);
}

void server_close_listener(struct server *server)
{
    server->is_closed = true;
    server_do(server, close_listener);
}

void server_wait_closed(struct server *server)
{
    wait_for(&server->finished);
}

void server_wait_kept(struct server *server)
{
    wait_for(&server->arrived);
}

void server_stop(struct server *server)
{
    if (!server->is_closed) {
        server_close_listener(server);
        server_wait_closed(server);
    }
    loop_stop(server->loop);
    loop_join(server->loop);
    loop_free(server->loop);
    sem_destroy(&server->arrived);
    sem_destroy(&server->finished);
    free(server);
}

struct answer_task {
    struct loop_task task;
    struct http_exchange *exchange;
    struct str text;
};

static void run_answer(struct loop_task *task)
{
    struct answer_task *answer = (struct answer_task *)task;
    http_reply(answer->exchange, 200, NULL, 0, answer->text);
    free(answer);
}

void server_answer(struct server *server, size_t index, struct str text)
{
    struct answer_task *answer = calloc(1, sizeof(*answer));
    assert_non_null(answer);
    *answer = (struct answer_task){{.run = run_answer}, server->kept[index], text};
    loop_post(server->loop, &answer->task);
}

/* --- The client --- */

int dial(const struct server *server)
{
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {WAIT_S, 0};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void send_bytes(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        bytes = str_slice(bytes, (size_t)sent, bytes.len);
    }
}

void drip(int fd, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        send_bytes(fd, str_slice(bytes, i, 1));
}

struct str receive_answer(int fd, struct arena *arena)
{
    struct buf answer;
    buf_init_arena(&answer, arena, SIZE_MAX / 2);
    while (!str_ends(buf_str(&answer), STR("\r\n\r\n"))) {
        char byte;
        if (recv(fd, &byte, 1, 0) != 1)
            fail_msg("the connection ended after \"%.*s\"", STR_ARG(buf_str(&answer)));
        buf_add_byte(&answer, byte);
    }
    uint64_t length = 0;
    ptrdiff_t at = str_find(buf_str(&answer), STR("Content-Length: "));
    if (at >= 0) {
        struct str line, rest = str_slice(buf_str(&answer), (size_t)at + 16, answer.len);
        str_cut(&rest, '\r', &line);
        assert_true(str_to_u64(line, &length));
    }
    char *body = buf_reserve(&answer, length);
    for (size_t got = 0; got < length;) {
        ssize_t more = recv(fd, body + got, length - got, 0);
        assert_true(more > 0);
        got += (size_t)more;
    }
    buf_commit(&answer, length);
    return buf_str(&answer);
}

struct str receive_all(int fd, struct arena *arena)
{
    struct buf all;
    ssize_t got;
    buf_init_arena(&all, arena, SIZE_MAX / 2);
    while ((got = recv(fd, buf_reserve(&all, 4096), 4096, 0)) > 0)
        buf_commit(&all, (size_t)got);
    assert_int_equal(got, 0);
    return buf_str(&all);
}

struct str exchange_bytes(int fd, struct str bytes, struct arena *arena)
{
    send_bytes(fd, bytes);
    return receive_answer(fd, arena);
}

bool is_at_end(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0) == 0;
}

struct str body_of(struct str answer)
{
    ptrdiff_t at = str_find(answer, STR("\r\n\r\n"));
    return at < 0 ? answer : str_slice(answer, (size_t)at + 4, answer.len);
}

/* --- Both --- */

int world_setup(void **state, struct http_listener_options options)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->server = server_start(options);
    world->fd = dial(world->server);
    *state = world;
    return 0;
}

int world_teardown(void **state)
{
    struct world *world = *state;
    close(world->fd);
    server_stop(world->server);
    arena_release(&world->arena);
    free(world);
    return 0;
}
