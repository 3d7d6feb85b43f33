/* HTTP/1.1 over TCP (RFC 9110 and 9112): a server with keep-alive, pipelining, chunked bodies and
 * 100-continue. The only folder that knows llhttp. */
#pragma once

#include "base/arena.h"
#include "base/budget.h"
#include "base/error.h"
#include "io/loop.h"

struct http_header {
    struct str name;
    struct str value;
};

struct http_listener;

/* One request and its answer. It belongs to the loop's thread that it came in on. Everything in it
 * lives until http_reply is called for it. */
struct http_exchange {
    struct arena arena;
    struct loop *loop;
    struct http_listener *listener;

    struct str method; /* as sent, such as "GET" */
    struct str target; /* as sent, such as "/a%20b?c=d" */
    struct str path;   /* up to '?', not decoded; without the host of a target in absolute form */
    struct str query;  /* what follows '?', not decoded; empty when there is none */
    struct http_header *headers; /* in the order sent, without blanks around values; no trailers */
    size_t header_count;
    struct str body;
    struct str peer; /* the client's address without port */
    bool is_http_1_0;
    bool is_body_refused; /* see HTTP_REFUSE_BODY */

    /* Set when the connection went away before the answer; http_reply must still be called, once. A
     * client that only ends its sending side still gets its answer. */
    bool is_aborted;
};

/* The first header of that name (compared without case), or the empty string with a NULL pointer.
 */
struct str http_header_get(const struct http_exchange *exchange, struct str name);

/* Called when a whole request is in. The handler answers with http_reply now or later. */
typedef void (*http_request_fn)(struct http_exchange *exchange, void *arg);

/* Called when the headers of a request with a body are in: the largest body to take, in bytes, of
 * one that is announced to have `announced` bytes (SIZE_MAX: it is not). A longer one is answered
 * with 413 through `http_listener_options.reject`. Or HTTP_REFUSE_BODY: the request function is
 * called at once, without a body, `is_body_refused` set, and the connection ends behind its answer;
 * for what will be refused whatever the body says. It must not answer. */
typedef size_t (*http_body_limit_fn)(const struct http_exchange *exchange, size_t announced,
                                     void *arg);
#define HTTP_REFUSE_BODY SIZE_MAX

/* True when the sender of this head is one whom the server knows. Asked when memory runs short, and
 * before a large body goes to a file. */
typedef bool (*http_is_known_fn)(const struct http_exchange *exchange, void *arg);

/* Called instead of the request function for what the server itself refuses: 400 (malformed, no
 * Host, ambiguous length), 408, 413, 417, 431, 501 (transfer codings but chunked, CONNECT), 503 (no
 * memory or no place for it) and 505.
 * Answers with http_reply; the connection is closed behind it. The exchange holds what was read, no
 * body, and an empty method and target when not even those were. NULL: an answer with an empty
 * body. */
typedef void (*http_reject_fn)(struct http_exchange *exchange, int status, void *arg);

/* Where bodies and answers go that are too large to wait in memory: files without a name. Of one
 * loop. */
struct http_spill {
    int dir_fd;
    struct budget_share *disk; /* bytes in files */
};

struct http_listener_options {
    http_request_fn request;
    http_body_limit_fn body_limit; /* NULL: max_body_bytes for all */
    http_is_known_fn is_known;     /* NULL: everyone is */
    http_reject_fn reject;
    void *arg;
    struct budget_share *memory; /* what connections, requests and answers hold; NULL: no bound */
    struct budget_share *places; /* connections; NULL: no bound */
    const struct http_spill *spill; /* NULL: everything stays in memory */
    struct str probe_path; /* GET of it is answered when there is no place any more; may be empty */
    size_t max_header_bytes; /* 0: 64 KiB (request line and headers together) */
    size_t max_body_bytes;   /* 0: 16 MiB */
    /* From first byte to whole request, and the longest that a client may take nothing of its
     * answer; 0: 60 s. Large bodies and answers have longer, as long as they come at 32 KB and go
     * at 8 KB a second on the whole. Time-outs are kept to a second, or to a quarter of the
     * shorter. */
    unsigned request_timeout_ms;
    unsigned idle_timeout_ms; /* between requests; 0: 75 s */
};

/* Listens on `address` ("127.0.0.1", "::1") and `port` (0: any) with SO_REUSEPORT, so that each
 * loop has a listener of its own on the same port. On the loop's thread or before it runs. */
enum err http_listen(struct loop *loop, const char *address, uint16_t port,
                     const struct http_listener_options *options, struct http_listener **out,
                     struct error *error);

/* Fails when the port is taken. For the first listener of a program: since the ports of http_listen
 * are shared, a second program of the same user would get every other connection instead of an
 * error.
 */
enum err http_port_check(const char *address, uint16_t port, struct error *error);

/* Takes over a listening socket made elsewhere (such as in a sandbox). It owns `fd` from here on,
 * also on failure. */
enum err http_listen_fd(struct loop *loop, int fd, const struct http_listener_options *options,
                        struct http_listener **out, struct error *error);

uint16_t http_listener_port(const struct http_listener *listener);

/* The `arg` of its options. */
void *http_listener_arg(const struct http_listener *listener);

/* Stops accepting; connections end after the answer under way, idle ones at once. `closed(arg)` is
 * called when the last one is gone, before the listener is freed; it may be NULL. Once. */
void http_listener_close(struct http_listener *listener, void (*closed)(void *arg), void *arg);

/* Closes all connections of it now, answered or not (for a sandbox that is gone). Their exchanges
 * become aborted. The listener goes on; until `closed` is called it may follow http_listener_close.
 */
void http_listener_abort(struct http_listener *listener);

/* Answers the exchange, once, on its thread. `headers` and `body` are copied or written before it
 * returns; the exchange with all in its arena is gone then. Date is set here unless given.
 * Content-Length and Transfer-Encoding are always set here; of Connection only "close" is heeded.
 * Headers that hold line breaks are left out, as is the body for HEAD, 204 and 304. */
void http_reply(struct http_exchange *exchange, int status, const struct http_header *headers,
                size_t header_count, struct str body);

/* Bytes of an answer that are made while they are sent. On the loop's thread. */
struct http_source {
    /* Puts up to `max` bytes of the body from `at` on to `to`. Returns how many; 0, which never is
     * the end, when they cannot be had: the connection is closed then. */
    size_t (*read)(struct http_source *source, uint64_t at, char *to, size_t max);
    void (*release)(struct http_source *source); /* may be NULL; called once */
};

enum { HTTP_PIECE = 64 * 1024 };

/* As http_reply, with a body of `size` bytes that is read piece by piece as the client takes it.
 * `source` and the exchange's arena stay until its release. */
void http_reply_from(struct http_exchange *exchange, int status, const struct http_header *headers,
                     size_t header_count, uint64_t size, struct http_source *source);

/* Claims memory that handling the request is about to take on top of what it has, until its answer;
 * a further claim covers what was not used of an earlier one. False when there is
 * not so much left: answer with 503. What is more than there could ever be is granted when nothing
 * else large is in the way. An exchange of no listener (of a test) is granted all. On the loop's
 * thread. */
bool http_reserve(struct http_exchange *exchange, size_t size);

/* "Not Found" for 404; "Unknown" for what RFC 9110 does not list. */
const char *http_status_text(int status);
