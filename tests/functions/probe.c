/* A function that misbehaves as it is told: {"do": "...", ...}. For tests of what contains it. */
#include <skylite/dynamodb.h>
#include <skylite/lambda.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "escape.h"

static enum err answer(struct lambda_context *context, struct str *out, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Answers a JSON string. */
static enum err answer(struct lambda_context *context, struct str *out, const char *format, ...)
{
    struct buf json;
    va_list args;
    va_start(args, format);
    struct str text = arena_vprintf(context->arena, format, args);
    va_end(args);
    buf_init_arena(&json, context->arena, SIZE_MAX / 2);
    buf_add_json(&json, text);
    *out = buf_str(&json);
    return OK;
}

static enum err read_file(struct lambda_context *context, const char *path, struct str *out)
{
    char text[256] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return answer(context, out, "refused: %m");
    ssize_t got = read(fd, text, sizeof(text) - 1);
    close(fd);
    return answer(context, out, "read: %zd", got);
}

static enum err write_file(struct lambda_context *context, const char *path, struct str *out)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return answer(context, out, "refused: %m");
    ssize_t sent = write(fd, "x", 1);
    close(fd);
    return answer(context, out, "written: %zd", sent);
}

static enum err connect_to(struct lambda_context *context, const char *host, int64_t port,
                           struct str *out)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, host, &where.sin_addr) != 1)
        return answer(context, out, "refused: %m");
    int rc = connect(fd, (struct sockaddr *)&where, sizeof(where));
    int why = errno;
    close(fd);
    errno = why;
    return rc == 0 ? answer(context, out, "connected") : answer(context, out, "refused: %m");
}

/* Forks until it is not let; the children wait for their end. */
static enum err fork_many(struct lambda_context *context, struct str *out)
{
    int count = 0;
    for (; count < 100000; count++) {
        pid_t pid = fork();
        if (pid == 0) {
            pause();
            _exit(0);
        }
        if (pid < 0)
            break;
    }
    return answer(context, out, "%d", count);
}

/* Writes lines of `size` bytes to its output for so long. */
static void flood(int64_t size, int64_t ms)
{
    static char lines[64 * 1024];
    int64_t until_ms = clock_wall_ms() + ms;
    size = size < 1 ? 1 : size > (int64_t)sizeof(lines) ? (int64_t)sizeof(lines) : size;
    memset(lines, 'x', sizeof(lines));
    for (int64_t end = size; end <= (int64_t)sizeof(lines); end += size)
        lines[end - 1] = '\n';
    while (clock_wall_ms() < until_ms && write(STDOUT_FILENO, lines, sizeof(lines)) > 0) {
    }
}

__attribute__((noreturn)) static void allocate(void)
{
    for (;;) {
        size_t size = 16 * 1024 * 1024;
        volatile char *bytes = malloc(size);
        if (!bytes)
            _exit(9);
        for (size_t i = 0; i < size; i += 4096)
            bytes[i] = 1;
    }
}

/* Connects to 127.0.0.1:`port` as often as it may and sends `head` and as much of `size` bytes as
 * is taken; what it has opened stays so until its next call. */
static enum err park(struct lambda_context *context, int64_t port, int64_t count, int64_t size,
                     struct str head, struct str *out)
{
    static char filler[64 * 1024];
    struct sockaddr_in where = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int opened = 0;
    int64_t sent = 0;
    close_range(100, ~0U, 0);
    for (int64_t i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 100);
        struct timeval patience = {.tv_usec = 20 * 1000};
        if (fd >= 0)
            close(fd);
        if (high < 0 || connect(high, (struct sockaddr *)&where, sizeof(where)) != 0)
            break;
        opened++;
        setsockopt(high, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        ssize_t taken = send(high, head.ptr, head.len, MSG_NOSIGNAL);
        for (int64_t left = size; left > 0 && taken > 0; left -= taken) {
            size_t piece = left < (int64_t)sizeof(filler) ? (size_t)left : sizeof(filler);
            taken = send(high, filler, piece, MSG_NOSIGNAL);
            sent += taken > 0 ? taken : 0;
        }
    }
    return answer(context, out, "%d connections, %lld MB", opened,
                  (long long)(sent / (1024 * 1024)));
}

/* Half-sent answers to the Runtime API. */
static enum err park_answers(struct lambda_context *context, int64_t count, struct str *out)
{
    const char *address = getenv("AWS_LAMBDA_RUNTIME_API");
    const char *colon = address ? strrchr(address, ':') : NULL;
    return park(context, colon ? strtol(colon + 1, NULL, 10) : 0, count, 6 * 1024 * 1024,
                STR("POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: 6291500\r\n\r\n"),
                out);
}

static enum err big_answer(struct lambda_context *context, int64_t size, struct str *out)
{
    char *bytes = arena_alloc(context->arena, (size_t)size);
    memset(bytes, 'x', (size_t)size);
    bytes[0] = bytes[size - 1] = '"';
    *out = str_make(bytes, (size_t)size);
    return OK;
}

/* Answers a client of API Gateway with the event that its call became. */
static enum err echo(struct lambda_context *context, struct str event, struct str *out)
{
    struct buf json;
    buf_init_arena(&json, context->arena, SIZE_MAX / 2);
    buf_add(&json, STR("{\"statusCode\":200,\"body\":"));
    buf_add_json(&json, event);
    buf_add_byte(&json, '}');
    *out = buf_str(&json);
    return OK;
}

static enum err call_table(struct lambda_context *context, yyjson_val *event, struct str *out,
                           struct error *error)
{
    yyjson_val *output = NULL;
    struct str operation = json_get_str(event, "operation");
    struct str input = json_write_val(context->arena, json_get(event, "input"));
    enum err rc = dynamodb_call(context->user, arena_cstr(context->arena, operation), input,
                                context->arena, &output, error);
    if (rc == OK)
        *out = json_write_val(context->arena, output);
    return rc;
}

static enum err probe(struct lambda_context *context, struct str text, struct str *out,
                      struct error *error)
{
    yyjson_val *event = json_parse(context->arena, text);
    struct str body =
        json_get_str(event, "body"); /* behind API Gateway the command is in the body */
    if (body.ptr)
        event = json_parse(context->arena, body);
    struct str what = json_get_str(event, "do");
    int64_t number = 0;
    json_get_i64(event, "number", &number);
    const char *path = arena_cstr(context->arena, json_get_str(event, "path"));
    if (str_eq(what, STR("read")))
        return read_file(context, path, out);
    if (str_eq(what, STR("write")))
        return write_file(context, path, out);
    if (str_eq(what, STR("connect")))
        return connect_to(context, path, number, out);
    if (str_eq(what, STR("fork")))
        return fork_many(context, out);
    if (str_eq(what, STR("park_answers")))
        return park_answers(context, number, out);
    if (str_eq(what, STR("park_clients")))
        return park(context, 4566, number, 0, STR("GET /health HTTP/1.1\r\nHost: x\r\n\r\n"), out);
    if (str_eq(what, STR("big")))
        return big_answer(context, number, out);
    if (str_eq(what, STR("answer"))) {
        *out = json_write_val(context->arena, json_get(event, "with"));
        return OK;
    }
    if (str_eq(what, STR("echo")))
        return echo(context, text, out);
    if (str_eq(what, STR("table")))
        return call_table(context, event, out, error);
    if (str_eq(what, STR("print"))) {
        printf("%s\n", path);
        return answer(context, out, "printed");
    }
    if (str_eq(what, STR("flood"))) {
        int64_t ms = 0;
        json_get_i64(event, "ms", &ms);
        flood(number, ms);
        return answer(context, out, "flooded");
    }
    if (str_eq(what, STR("sleep"))) {
        usleep((useconds_t)number * 1000);
        return answer(context, out, "slept");
    }
    if (str_eq(what, STR("allocate")))
        allocate();
    if (str_eq(what, STR("exit")))
        exit((int)number);
    if (str_eq(what, STR("crash")))
        abort();
    if (str_eq(what, STR("fail")))
        return error_set(error, ERR_VALIDATION, "told to fail");
    while (str_eq(what, STR("loop")))
        __asm__ volatile("");
    char outcome[256];
    if (escape_try(what, number, path, outcome, sizeof(outcome)))
        return answer(context, out, "%s", outcome);
    return answer(context, out, "pid %d", getpid());
}

int main(void)
{
    struct dynamodb *client = NULL;
    struct error error;
    if (dynamodb_new(NULL, &client, &error))
        return lambda_fail_init(&error);
    const struct lambda_handler handlers[] = {{.name = "probe", .handle = probe}};
    return lambda_run(handlers, 1, client);
}
