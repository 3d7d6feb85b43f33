/* A bootstrap that speaks the Runtime API with nothing but the C library. What it does with an
 * invocation is named by its handler. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_EVENT = 8 * 1024 * 1024 };

static char event[MAX_EVENT + 1];
static char request_id[64];

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

static int connect_to_api(void)
{
    const char *port = strrchr(variable("AWS_LAMBDA_RUNTIME_API"), ':');
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_port = htons((unsigned short)atoi(port ? port + 1 : "0"));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
        exit(90);
    return fd;
}

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t sent = write(fd, bytes, len);
        if (sent <= 0)
            exit(91);
        bytes += sent;
        len -= (size_t)sent;
    }
}

/* Reads one answer; its body goes to `event`, the request id (when there is one) aside. */
static int read_answer(int fd)
{
    static char head[16384];
    size_t len = 0;
    char *end = NULL;
    while (!end) {
        ssize_t got = read(fd, head + len, 1);
        if (got != 1)
            exit(92);
        head[++len] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    const char *id = strcasestr(head, "lambda-runtime-aws-request-id: ");
    if (id)
        sscanf(id + 31, "%63s", request_id);
    const char *length = strcasestr(head, "content-length: ");
    size_t body = length ? strtoul(length + 16, NULL, 10) : 0;
    for (size_t at = 0; at < body;) {
        ssize_t got = read(fd, event + at, body - at);
        if (got <= 0)
            exit(93);
        at += (size_t)got;
    }
    event[body] = '\0';
    return atoi(head + 9);
}

static int post(int fd, const char *path, const char *body, size_t len)
{
    char head[256];
    int head_len = snprintf(head, sizeof(head),
                            "POST /2018-06-01/runtime/%s HTTP/1.1\r\nHost: x\r\n"
                            "Content-Length: %zu\r\n\r\n",
                            path, len);
    send_all(fd, head, (size_t)head_len);
    send_all(fd, body, len);
    return read_answer(fd);
}

static void next(int fd)
{
    static const char request[] =
        "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
    send_all(fd, request, sizeof(request) - 1);
    if (read_answer(fd) != 200)
        exit(94);
}

static int answer(int fd, const char *kind, const char *body, size_t len)
{
    char path[128];
    snprintf(path, sizeof(path), "invocation/%s/%s", request_id, kind);
    return post(fd, path, body, len);
}

/* More than fits into an answer. The server may stop reading at any time. */
static void answer_too_much(int fd)
{
    size_t len = 7 * 1024 * 1024;
    char *body = malloc(len), head[256];
    memset(body, 'x', len);
    signal(SIGPIPE, SIG_IGN);
    int head_len = snprintf(head, sizeof(head),
                            "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\n"
                            "Host: x\r\nContent-Length: %zu\r\n\r\n",
                            request_id, len);
    send_all(fd, head, (size_t)head_len);
    if (write(fd, body, len) < 0)
        perror("write");
    free(body);
    read_answer(fd);
}

static void answer_text(int fd, const char *text)
{
    answer(fd, "response", text, strlen(text));
}

/* The second process of this bootstrap's kind says how often it was called. */
static void answer_count(int fd)
{
    static int count;
    char text[32];
    snprintf(text, sizeof(text), "%d", ++count);
    answer_text(fd, text);
}

static int handle(const char *handler, int fd)
{
    if (strcmp(handler, "echo") == 0) {
        answer_text(fd, event);
    } else if (strcmp(handler, "count") == 0) {
        answer_count(fd);
    } else if (strcmp(handler, "variable") == 0) {
        char name[64] = "";
        sscanf(event, "\"%63[A-Za-z_]", name);
        answer_text(fd, variable(name));
    } else if (strcmp(handler, "print") == 0) {
        printf("one\ntwo");
        fflush(stdout);
        answer_text(fd, "null");
    } else if (strcmp(handler, "error") == 0) {
        const char *error = "{\"errorMessage\":\"no\",\"errorType\":\"Nope\"}";
        answer(fd, "error", error, strlen(error));
    } else if (strcmp(handler, "wrong_id") == 0) {
        char mine[64];
        memcpy(mine, request_id, sizeof(mine));
        strcpy(request_id, "other");
        int status = answer(fd, "response", "1", 1);
        memcpy(request_id, mine, sizeof(mine));
        answer_text(fd, status == 400 ? "\"refused\"" : "\"taken\"");
    } else if (strcmp(handler, "large") == 0) {
        answer_too_much(fd);
        return -1;
    } else if (strcmp(handler, "crash") == 0) {
        puts("about to crash");
        exit(3);
    } else if (strcmp(handler, "leave") == 0) {
        exit(0);
    } else if (strcmp(handler, "abort") == 0) {
        abort();
    } else if (strcmp(handler, "hang") == 0) {
        pause();
    }
    return 0;
}

int main(void)
{
    const char *handler = variable("_HANDLER");
    int fd = connect_to_api();
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(handler, "init_crash") == 0)
        return 5;
    if (strcmp(handler, "init_error") == 0) {
        const char *error = "{\"errorMessage\":\"cannot load\",\"errorType\":\"Init\"}";
        post(fd, "init/error", error, strlen(error));
        return 1;
    }
    while (1) {
        next(fd);
        if (handle(handler, fd)) {
            close(fd);
            fd = connect_to_api();
        }
    }
}
