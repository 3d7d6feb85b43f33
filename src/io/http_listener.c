/* The server's listeners: accepting, the time of their connections, ending. */
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "io/http_server.h"

enum {
    BACKLOG = 1024,
    ACCEPTED_AT_ONCE = 16, /* those who are here already wait for what these ask */
    DEFAULT_HEADER_BYTES = 64 * 1024,
    DEFAULT_BODY_BYTES = 16 * 1024 * 1024,
    DEFAULT_REQUEST_TIMEOUT_MS = 60 * 1000,
    DEFAULT_IDLE_TIMEOUT_MS = 75 * 1000,
    MAX_GUESTS = 8,
    LOOKED_AT = 64,
    SHORTEST_CHECK_MS = 10,
    LONGEST_CHECK_MS = 1000,
};

/* --- Accepting --- */

static void accept_waiting(void *arg);

static void start_accepting(struct http_listener *listener)
{
    listener->accepting = loop_watch_start(listener->loop, listener->fd, accept_waiting, listener);
}

static void stop_accepting(struct http_listener *listener)
{
    loop_watch_stop(listener->accepting);
    listener->accepting = NULL;
}

/* Without descriptors or memory the waiting connections would wake the loop again and again: they
 * stay in the kernel's queue until the next check. */
static void pause_accepting(struct http_listener *listener)
{
    log_warn_limited("io", "port %u: connections have to wait: %m", listener->port);
    stop_accepting(listener);
    loop_check_wake(listener->loop);
}

/* The rest are errors of the one connection that was to be accepted. */
static bool must_pause(int failure)
{
    return failure == EMFILE || failure == ENFILE || failure == ENOBUFS || failure == ENOMEM ||
           failure == EINVAL;
}

/* For each connection, since one that was waiting before we took the listener over has nothing
 * inherited from us. */
static void send_at_once(int fd)
{
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

/* Of those that wait longest, the one that was of least use goes: in a burst of newcomers, whoever
 * has been served for long is among them too. */
static bool end_longest_idle(struct http_listener *listener)
{
    struct connection *least = listener->oldest_idle, *c = least;
    for (int i = 0; i < LOOKED_AT && c; i++, c = c->newer_idle) {
        if (c->served < least->served ||
            (c->served == least->served && least->is_begun && !c->is_begun))
            least = c;
    }
    if (least)
        connection_close(least);
    return least != NULL;
}

/* False when all connections are busy. The struct of a connection is what an idle one costs. */
static bool take_place(struct http_listener *listener)
{
    const struct http_listener_options *options = &listener->options;
    size_t size = sizeof(struct connection);
    if (options->memory && budget_claim(options->memory, size, BUDGET_SMALL))
        budget_give(options->memory, size); /* until it is there */
    else if (options->memory && !end_longest_idle(listener))
        return false;
    if (!options->places || budget_claim(options->places, 1, BUDGET_SMALL))
        return true;
    return end_longest_idle(listener) && budget_claim(options->places, 1, BUDGET_SMALL);
}

/* Sent blindly: it fits into an empty socket, and there is nobody to wait for more. */
static void refuse(struct http_listener *listener, int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                                 "Retry-After: 1\r\nConnection: close\r\n\r\n";
    log_warn_limited("io", "port %u: no place for a connection", listener->port);
    ssize_t ignored = send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)ignored;
    close(fd);
}

static void admit(struct http_listener *listener, int fd, const struct sockaddr *peer)
{
    bool has_place = take_place(listener);
    bool is_guest = !has_place && listener->options.probe_path.len && listener->guests < MAX_GUESTS;
    if (!has_place && !is_guest) {
        refuse(listener, fd);
        return;
    }
    send_at_once(fd);
    connection_start(listener, fd, peer, is_guest);
}

static void accept_waiting(void *arg)
{
    struct http_listener *listener = arg;
    for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof(peer);
        int fd =
            accept4(listener->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(listener, fd, (struct sockaddr *)&peer);
        } else if (errno == EAGAIN) {
            return;
        } else if (must_pause(errno)) {
            pause_accepting(listener);
            end_longest_idle(listener);
            return;
        }
    }
}

/* --- Time --- */

static bool on_check(struct loop_check *check, uint64_t now_ms)
{
    struct http_listener *listener =
        (struct http_listener *)((char *)check - offsetof(struct http_listener, check));
    bool is_needed = false;
    struct connection *next;
    listener->dropped = 0;
    for (struct connection *c = listener->connections; c; c = next) {
        next = c->next;
        is_needed |= connection_check(c, now_ms);
    }
    if (!listener->accepting && !listener->is_closing)
        start_accepting(listener);
    return is_needed;
}

static uint64_t check_period(const struct http_listener_options *options)
{
    unsigned shorter = options->request_timeout_ms < options->idle_timeout_ms
                           ? options->request_timeout_ms
                           : options->idle_timeout_ms;
    uint64_t period = shorter / 4;
    period = period < SHORTEST_CHECK_MS ? SHORTEST_CHECK_MS : period;
    return period > LONGEST_CHECK_MS ? LONGEST_CHECK_MS : period;
}

/* --- Starting --- */

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

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    getsockname(fd, (struct sockaddr *)&address, &len);
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return address.ss_family == AF_INET ? ntohs(((struct sockaddr_in *)&address)->sin_port) : 0;
}

enum err http_listen_fd(struct loop *loop, int fd, const struct http_listener_options *options,
                        struct http_listener **out, struct error *error)
{
    if (listen(fd, BACKLOG) != 0) {
        error_set(error, ERR_INTERNAL, "cannot listen: %m");
        close(fd);
        return ERR_INTERNAL;
    }
    struct http_listener *listener = calloc(1, sizeof(*listener));
    if (!listener)
        abort();
    listener->loop = loop;
    listener->fd = fd;
    listener->port = port_of(fd);
    listener->options = *options;
    set_defaults(&listener->options);
    listener->check =
        (struct loop_check){.period_ms = check_period(&listener->options), .run = on_check};
    loop_check_add(loop, &listener->check);
    start_accepting(listener);
    *out = listener;
    return OK;
}

/* A bound socket; one that is shared lets others of this user bind the same port. */
static enum err bind_socket(const char *address, uint16_t port, bool is_shared, int *out_fd,
                            struct error *error)
{
    struct sockaddr_storage where = {0};
    bool is_ip6 = strchr(address, ':') != NULL;
    int rc = is_ip6 ? uv_ip6_addr(address, port, (struct sockaddr_in6 *)&where)
                    : uv_ip4_addr(address, port, (struct sockaddr_in *)&where);
    if (rc)
        return error_set(error, ERR_VALIDATION, "%s is no IP address", address);

    int yes = 1, shared = is_shared;
    int fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set(error, ERR_INTERNAL, "cannot make a socket: %m");
    socklen_t len = is_ip6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shared, sizeof(shared)) != 0 ||
        bind(fd, (struct sockaddr *)&where, len) != 0) {
        error_set(error, ERR_INTERNAL, "cannot listen on %s:%u: %m%s", address, port,
                  errno == EADDRINUSE ? " (another address: --listen ADDR:PORT)" : "");
        close(fd);
        return ERR_INTERNAL;
    }
    *out_fd = fd;
    return OK;
}

enum err http_port_check(const char *address, uint16_t port, struct error *error)
{
    int fd;
    enum err rc = bind_socket(address, port, false, &fd, error);
    if (rc == OK)
        close(fd);
    return rc;
}

enum err http_listen(struct loop *loop, const char *address, uint16_t port,
                     const struct http_listener_options *options, struct http_listener **out,
                     struct error *error)
{
    int fd;
    enum err rc = bind_socket(address, port, true, &fd, error);
    return rc ? rc : http_listen_fd(loop, fd, options, out, error);
}

uint16_t http_listener_port(const struct http_listener *listener)
{
    return listener->port;
}

void *http_listener_arg(const struct http_listener *listener)
{
    return listener->options.arg;
}

/* --- Ending --- */

static void on_end(struct loop_task *task)
{
    struct http_listener *listener =
        (struct http_listener *)((char *)task - offsetof(struct http_listener, end));
    loop_check_remove(&listener->check);
    loop_timer_stop(listener->queue_timer);
    if (listener->closed)
        listener->closed(listener->closed_arg);
    free(listener);
}

void listener_forget(struct http_listener *listener)
{
    if (!listener->is_closing || listener->connections || listener->is_ended)
        return;
    listener->is_ended = true;
    listener->end.run = on_end;
    loop_post(listener->loop, &listener->end);
}

void http_listener_close(struct http_listener *listener, void (*closed)(void *arg), void *arg)
{
    assert(!listener->is_closing);
    listener->is_closing = true;
    listener->closed = closed;
    listener->closed_arg = arg;
    stop_accepting(listener);
    close(listener->fd);
    for (struct connection *c = listener->connections; c; c = c->next) {
        if (c->state == CONNECTION_READING && !c->is_begun)
            connection_close(c);
    }
    listener_forget(listener);
}

void http_listener_abort(struct http_listener *listener)
{
    for (struct connection *c = listener->connections; c; c = c->next)
        connection_close(c);
}
