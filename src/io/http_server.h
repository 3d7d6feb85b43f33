/* What the files of the HTTP server share. Private to this folder; all on the loop's thread.
 *
 *   http_listener.c    accepts, keeps the list of connections, watches over their time
 *   http_connection.c  reads, hands requests over one at a time, ends
 *   http_request.c     bytes to a request (llhttp), refusals
 *   http_reply.c       an answer to bytes */
#pragma once

#include <llhttp.h>

#include "base/buf.h"
#include "io/http.h"
#include "io/http_fields.h"
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
    bool is_closing;
    bool is_ended;
    void (*closed)(void *arg);
    void *closed_arg;
};

enum connection_state {
    CONNECTION_READING,   /* waits for a request, or is in the middle of one */
    CONNECTION_PENDING,   /* a request is with its handler */
    CONNECTION_WRITING,   /* its answer did not fit into the socket's buffer at once */
    CONNECTION_LINGERING, /* has given its last answer; drops what the client still sends */
    CONNECTION_CLOSING,
};

struct connection {
    struct http_exchange exchange; /* first: http_reply gets from one to the other */
    struct http_listener *listener;
    struct connection *next, **link;
    enum connection_state state;
    uint64_t since_ms; /* loop time at which this state's waiting began */

    /* The request that is being read. */
    llhttp_t parser;
    struct http_fields fields;
    struct str authority; /* of a target in absolute form */
    struct buf body;
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
    size_t unsent; /* when the check last looked */
    char peer[INET6_ADDRSTRLEN];
};

/* --- http_connection.c --- */

/* Serves a connected socket, which it owns from here on. `peer` is the other end's address. */
void connection_start(struct http_listener *listener, int fd, const struct sockaddr *peer);

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

/* --- http_request.c --- */

void connection_init_parser(struct connection *connection);

/* Parses from the input, up to the end of one request at most, which is then handed over. */
void connection_parse(struct connection *connection);

/* Answers what the server itself refuses, and closes behind it: what follows on the connection
 * cannot be trusted. */
void connection_reject(struct connection *connection, int status);

/* --- http_listener.c --- */

/* To be called when a connection is gone: the last one ends a closing listener. */
void listener_forget(struct http_listener *listener);
