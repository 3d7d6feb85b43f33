/* A server on a random loopback port that plays a script to one client, in a thread of its own. */
#pragma once

#include <pthread.h>

#include "base/buf.h"

/* Reads `requests` whole requests, then sends `answer`. A NULL answer closes the connection; the
 * next step waits for a new one. */
struct fake_step {
    unsigned requests;
    const char *answer;
};

struct fake_server {
    int listener, client;
    uint16_t port;
    char address[32]; /* "127.0.0.1:port" */
    char url[40];     /* "http://127.0.0.1:port" */
    const struct fake_step *steps;
    size_t step_count;
    bool is_slow; /* sends one byte at a time */
    pthread_t thread;
    struct buf received; /* all requests, one behind the other */
    size_t taken;        /* how much of it are whole requests */
};

void fake_server_start(struct fake_server *server, const struct fake_step *steps, size_t count);

/* Waits until the script has been played and closes the connection; then `received` may be read. */
void fake_server_join(struct fake_server *server);
void fake_server_release(struct fake_server *server);

/* True when `text` is part of what came in. */
bool fake_server_saw(const struct fake_server *server, const char *text);
