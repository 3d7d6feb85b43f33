/* What the files of the HTTP server share. Private to this folder; all on the loop's thread.
 *
 *   http_listener.c    accepts, keeps the list of connections, watches over their time
 *   http_connection.c  reads, hands requests over one at a time, ends
 *   http_request.c     bytes to a request (llhttp), refusals
 *   http_memory.c      counts what a connection holds, queues what has to wait for memory
 *   http_reply.c       an answer to bytes */
#pragma once

#include <llhttp.h>

#include "base/buf.h"
#include "io/http.h"
#include "io/http_fields.h"
#include "io/http_file.h"
#include "io/internal.h"

struct connection;

struct http_listener {
    struct loop *loop;
    struct http_listener_options options;
    int fd;
    uint16_t port;
    struct loop_watch *accepting; /* NULL while paused or closing */
    struct loop_check check;
    struct loop_task end;
    struct connection *connections;
    struct connection *oldest_idle, *newest_idle; /* in the order in which they began to wait */
    struct connection *first_queued, *last_queued;
    struct loop_timer *queue_timer; /* NULL while nothing is queued */
    int guests;
    size_t dropped; /* since the last check, of what came behind last answers */
    bool is_closing;
    bool is_ended;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* From here on a body is large: a claim for it comes after those for small ones, and one of more
 * than the second goes to a file. */
enum { SMALL_BODY = 64 * 1024, MEMORY_BODY = 1024 * 1024, KEPT_BODY = 16 * 1024 };

enum connection_state {
    CONNECTION_READING,   /* waits for a request, or is in the middle of one */
    CONNECTION_QUEUED,    /* a request with a large body is whole and waits for memory */
    CONNECTION_PENDING,   /* a request is with its handler */
    CONNECTION_WRITING,   /* its answer did not fit into the socket's buffer at once */
    CONNECTION_LINGERING, /* has given its last answer; drops what the client still sends */
    CONNECTION_CLOSING,
};

/* True when its sender is known, once that was asked. */
enum connection_sender { SENDER_NOT_ASKED, SENDER_KNOWN, SENDER_STRANGER };

struct connection {
    struct http_exchange exchange; /* first: http_reply gets from one to the other */
    struct http_listener *listener;
    struct connection *next, **link;
    struct connection *older_idle, *newer_idle; /* while it is listed as READING */
    struct connection *next_queued;
    enum connection_state state;
    uint64_t since_ms; /* loop time at which this state's waiting began */

    size_t charged;  /* of the listener's memory */
    size_t floor;    /* counted at least, while the request lasts */
    uint64_t served; /* requests */
    bool is_listed;
    bool has_place; /* its own, or a guest's */
    bool is_guest;  /* only the probe is answered */

    /* The request that is being read. */
    llhttp_t parser;
    struct http_fields fields;
    struct str authority; /* of a target in absolute form */
    struct buf body;
    struct http_file body_file; /* in place of `body` when it is large */
    enum connection_sender sender;
    size_t head_bytes; /* given to the parser while the head was not complete */
    int refused;       /* the status to refuse it with, or 0 */
    bool is_begun;
    bool is_head_complete;
    bool is_complete;    /* the parser stands behind it */
    bool wants_continue; /* the client waits for a 100 before it sends the body */

    bool is_advancing; /* requests are being handed over: an answer must not start that again */
    bool must_close;   /* after the answer under way */
    bool saw_eof;
    bool is_reading; /* libuv delivers bytes */
    bool is_gone;    /* its handle is closed */

    /* Bytes that are not parsed yet: in the loop's read buffer while it is being read, later in
     * `rest`, which is malloc's. */
    struct str input;
    char *rest;

    uv_tcp_t tcp;
    uv_write_t write;
    uv_shutdown_t shutdown;

    /* The answer, as far as the socket has not taken it. */
    char *unsent; /* malloc's: bytes that are with libuv, or room for the next piece */
    size_t unsent_size;
    struct http_source *source; /* what follows them, from source_at to source_end */
    uint64_t source_at, source_end;
    struct http_source file_source; /* of answer_file */
    struct http_file answer_file;
    uint64_t answer_size;       /* all that was left when it began to wait */
    uint64_t answer_started_ms; /* loop time */
    uint64_t left;              /* when the check last looked */
    char peer[INET6_ADDRSTRLEN];
};

/* --- http_connection.c --- */

/* Serves a connected socket, which it owns from here on. `peer` is the other end's address. A
 * guest has no place; for the others one was claimed. */
void connection_start(struct http_listener *listener, int fd, const struct sockaddr *peer,
                      bool is_guest);

void connection_enter(struct connection *connection, enum connection_state state);

/* Goes on behind an answer that is out: with the next request, or to the end. */
void connection_finish(struct connection *connection);

/* Closes now. A request that is with its handler becomes aborted; the connection's memory then
 * stays until its http_reply. */
void connection_close(struct connection *connection);

/* Ends what takes too long. True when it must be looked at again. */
bool connection_check(struct connection *connection, uint64_t now_ms);

/* Takes it from its listener and frees it; its handle must be closed. */
void connection_free(struct connection *connection);

/* Frees what the request and its answer hold, but for what the next one will need. */
void connection_release_request(struct connection *connection);

/* Leaves the idle list or the queue; for those that go from READING or QUEUED to another state. */
void connection_leave(struct connection *connection);

/* --- http_memory.c --- */

/* Counts what it holds now, whatever the limit says. */
void connection_settle(struct connection *connection);

/* The same as a claim; false when that is not granted. */
bool connection_claim(struct connection *connection);

bool connection_is_known(struct connection *connection);

/* Has its request, which is whole and in a file, handed over when there is memory for it. */
void connection_queue(struct connection *connection);

/* --- http_request.c --- */

/* Calls the request function. */
void connection_hand_over(struct connection *connection);

void connection_init_parser(struct connection *connection);

/* Parses from the input, up to the end of one request at most, which is then handed over. */
void connection_parse(struct connection *connection);

/* Answers what the server itself refuses, and closes behind it: what follows on the connection
 * cannot be trusted. */
void connection_reject(struct connection *connection, int status);

/* --- http_reply.c --- */

/* What of the answer the client has not taken. */
uint64_t connection_left(const struct connection *connection);

/* --- http_listener.c --- */

/* To be called when a connection is gone: the last one ends a closing listener. */
void listener_forget(struct http_listener *listener);
