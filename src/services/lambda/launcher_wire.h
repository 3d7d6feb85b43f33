/* What travels between server, launcher and the first process of a sandbox: packets on sockets of
 * type SOCK_SEQPACKET, with descriptors. All three are the same program in the same place, so
 * structs are sent as they are, and pointers to constants hold. Private to the launcher's files. */
#pragma once

#include "services/lambda/launcher.h"

enum {
    PACKET_MAX = 64 * 1024,
    PACKET_MAX_FDS = 5,
};

/* Sends head and body as one packet with `fd_count` descriptors. False with errno set. */
bool packet_send(int socket, struct str head, struct str body, const int *fds, size_t fd_count);

/* Receives one packet into `buffer`. Descriptors that did not come are -1. The length, 0 at the end
 * of the connection, or -1 with errno set. */
ssize_t packet_receive(int socket, void *buffer, size_t size, int fds[PACKET_MAX_FDS]);

/* Server to launcher. */
enum request_kind {
    REQUEST_CONFIGURE, /* main socket: the functions folder; answered by struct configure_reply */
    REQUEST_OPEN,      /* main socket: a channel's end as the descriptor */
    REQUEST_SPAWN,     /* channel; answered by events */
};

struct launcher_request {
    enum request_kind kind;
    unsigned memory_mb;
    unsigned tmp_mb;
    const struct runtime *runtime;
    uint32_t code_len; /* what follows: the folder's name, then the environment */
    uint32_t environment_len;
    uint64_t id;
};

struct configure_reply {
    bool is_ok;
    bool has_memory_groups, has_cpu_groups, has_own_users; /* what bounds sandboxes */
    char message[256];
};

/* The order of descriptors in a LAUNCHER_STARTED event. */
enum started_fd { STARTED_API, STARTED_ENDPOINT, STARTED_MEMORY, STARTED_OUTPUT, STARTED_PROCESS };

/* In a NOTICE_READY the first three, then a folder for the watchdog: /tmp, or without control
 * groups for memory /proc. */
enum { READY_WATCHED = STARTED_MEMORY + 1 };

/* A sandbox's first process to the launcher. */
enum notice_kind {
    NOTICE_READY,  /* with descriptors */
    NOTICE_FAILED, /* `text` says which step */
    NOTICE_EXITED, /* of the bootstrap */
};

struct notice {
    enum notice_kind kind;
    enum launcher_exit exit;
    int status;
    char text[256];
};

/* The keeper's main function: forks a launcher for each socket that it is sent, until the other end
 * of its own is closed. */
_Noreturn void launcher_keeper(int socket, bool is_sandboxed);

/* The launcher's main function: serves `socket` until its other end is closed. */
_Noreturn void launcher_process(int socket, bool is_sandboxed);

/* For both: closes all that the parent had open but standard error and `socket`, and leaves its
 * session. */
void launcher_detach(int socket, const char *name);
