/* The scripted server. */
#include "fake_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { WAIT_S = 20, MAX_RECEIVED = 64 * 1024 * 1024 };

/* A client that does not do what the script wants ends the test instead of holding it up. */
static void limit_waits(int fd)
{
    struct timeval limit = {WAIT_S, 0};
    int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

/* Length of the first whole request in `bytes`, or 0. */
static size_t request_len(struct str bytes)
{
    ptrdiff_t end = str_find(bytes, STR("\r\n\r\n"));
    uint64_t body = 0;
    if (end < 0)
        return 0;
    struct str head = str_slice(bytes, 0, (size_t)end), line;
    while (str_cut(&head, '\n', &line) || line.len) {
        struct str name;
        line = str_trim(str_slice(line, 0, line.len - str_ends(line, STR("\r"))));
        str_cut(&line, ':', &name);
        if (str_eq_nocase(name, STR("content-length")))
            str_to_u64(str_trim(line), &body);
    }
    size_t whole = (size_t)end + 4 + body;
    return whole <= bytes.len ? whole : 0;
}

static bool read_request(struct fake_server *server)
{
    for (;;) {
        struct str rest = str_slice(buf_str(&server->received), server->taken, SIZE_MAX);
        size_t len = request_len(rest);
        server->taken += len;
        if (len)
            return true;
        char *to = buf_reserve(&server->received, 64 * 1024);
        ssize_t got = to ? recv(server->client, to, 64 * 1024, 0) : 0;
        if (got <= 0)
            return false;
        buf_commit(&server->received, (size_t)got);
    }
}

static void send_answer(struct fake_server *server, struct str answer)
{
    size_t most = server->is_slow ? 1 : answer.len;
    while (answer.len) {
        ssize_t sent =
            send(server->client, answer.ptr, most < answer.len ? most : answer.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        answer = str_slice(answer, (size_t)sent, SIZE_MAX);
    }
}

static void hang_up(struct fake_server *server)
{
    if (server->client >= 0)
        close(server->client);
    server->client = -1;
}

static bool play_step(struct fake_server *server, const struct fake_step *step)
{
    if (server->client < 0) {
        server->client = accept(server->listener, NULL, NULL);
        if (server->client < 0)
            return false;
        limit_waits(server->client);
    }
    for (unsigned i = 0; i < step->requests; i++) {
        if (!read_request(server))
            return false;
    }
    if (step->answer)
        send_answer(server, str_from(step->answer));
    else
        hang_up(server);
    return true;
}

static void *play(void *arg)
{
    struct fake_server *server = arg;
    for (size_t i = 0; i < server->step_count; i++) {
        if (!play_step(server, &server->steps[i]))
            break;
    }
    hang_up(server);
    return NULL;
}

void fake_server_start(struct fake_server *server, const struct fake_step *steps, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    server->steps = steps;
    server->step_count = count;
    server->client = -1;
    server->taken = 0;
    buf_init(&server->received, MAX_RECEIVED);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    limit_waits(server->listener);
    if (bind(server->listener, (struct sockaddr *)&address, len) != 0 ||
        listen(server->listener, 8) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &len) != 0)
        abort();
    server->port = ntohs(address.sin_port);
    snprintf(server->address, sizeof(server->address), "127.0.0.1:%u", server->port);
    snprintf(server->url, sizeof(server->url), "http://%s", server->address);
    if (pthread_create(&server->thread, NULL, play, server) != 0)
        abort();
}

void fake_server_join(struct fake_server *server)
{
    pthread_join(server->thread, NULL);
}

void fake_server_release(struct fake_server *server)
{
    close(server->listener);
    buf_release(&server->received);
}

bool fake_server_saw(const struct fake_server *server, const char *text)
{
    return str_find(buf_str(&server->received), str_from(text)) >= 0;
}
