/* A server on a loop thread of its own, and a client of raw bytes, for the tests of this folder. */
#pragma once

#include <semaphore.h>

#include "base/buf.h"
#include "io/http.h"
#include "../check.h"

enum { WAIT_S = 10, MAX_KEPT = 8 };

struct server {
    struct loop *loop;
    struct http_listener *listener;
    uint16_t port;
    bool is_closed;

    /* Requests to "/later" are kept here until someone answers them. */
    struct http_exchange *kept[MAX_KEPT];
    size_t kept_count;
    bool is_first_aborted; /* as of the last look at the first of them */
    sem_t arrived;         /* one for each kept request */
    sem_t finished;        /* closed() was called */
};

/* What it answers, by path:
 *   /echo    the body
 *   /size    the number of bytes in the body
 *   /big     as many bytes as the query says
 *   /see     "METHOD path?query peer count-of-headers [value of X-Test]"
 *   /later   nothing: the exchange is kept
 *   /header  the query as the value of X-Answer
 *   /204     an empty 204
 * else 200 "hello". Refusals are answered with the status as text. `options` gives the limits and
 * times. */
struct server *server_start(struct http_listener_options options);

/* Closes the listener if it is not, waits for its end, frees all. */
void server_stop(struct server *server);

/* Runs fn(server) on the loop's thread and waits for it. */
void server_do(struct server *server, void (*fn)(struct server *server));

/* Begins http_listener_close and goes on. */
void server_close_listener(struct server *server);

void server_wait_closed(struct server *server);
void server_wait_kept(struct server *server);

/* Answers kept request `index` with `text`, on the loop's thread. */
void server_answer(struct server *server, size_t index, struct str text);

/* --- The client --- */

/* A connection whose reads fail after WAIT_S. */
int dial(const struct server *server);

void send_bytes(int fd, struct str bytes);

/* The bytes one at a time, each in a packet of its own. */
void drip(int fd, struct str bytes);

/* The next answer with its head, by Content-Length. In `arena`. */
struct str receive_answer(int fd, struct arena *arena);

/* All until the server ends the connection. In `arena`. */
struct str receive_all(int fd, struct arena *arena);

/* Sends and receives one answer. */
struct str exchange_bytes(int fd, struct str bytes, struct arena *arena);

/* True when the server has ended the connection without another byte. */
bool is_at_end(int fd);

struct str body_of(struct str answer);

#define GET(path) STR("GET " path " HTTP/1.1\r\nHost: a\r\n\r\n")

/* --- Both --- */

struct world {
    struct server *server;
    struct arena arena;
    int fd; /* a connection to it */
};

int world_setup(void **state, struct http_listener_options options);
int world_teardown(void **state);

#define assert_starts(actual, prefix)                                                              \
    do {                                                                                           \
        struct str actual_ = (actual), prefix_ = (prefix);                                         \
        if (!str_starts(actual_, prefix_))                                                         \
            fail_msg("got \"%.*s\", expected it to start with \"%.*s\"", STR_ARG(actual_),         \
                     STR_ARG(prefix_));                                                            \
    } while (0)
