/* The launcher: a small process that makes sandboxes, so that the grown server never forks.
 *
 * Before anything else is opened and before any thread, a keeper is forked, which does nothing but
 * fork a launcher when it is told to: a first one, and another one when that has ended. Each loop
 * talks to the launcher over a channel of its own: it sends requests to spawn and kill instances
 * and receives events. The launcher dies with the server, and every instance dies with the launcher
 * or with its channel. */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "services/lambda/runtime.h"

struct launcher;

/* Forks the keeper and the launcher. With `is_sandboxed` false, functions run as plain processes of
 * the server's user, in process groups of their own. Call it first in main. */
enum err launcher_start(bool is_sandboxed, struct launcher **out, struct error *error);

/* Tells it the folder that holds the code folders, and has it build the root that all sandboxes
 * share, runtime clients included; without sandboxes these are written to "runtime" beside the
 * functions folder. Waits for it. Fails, with the reason, where the machine cannot make sandboxes.
 * Once, before the first spawn. */
enum err launcher_configure(struct launcher *launcher, const char *functions_dir,
                            struct error *error);

/* Has fn(arg, reason) called when the launcher has ended and what is done about it (`reason` is a
 * sentence for an administrator), and with NULL when there is one again. On a thread of the
 * launcher's; not any more once this was called with another function or NULL. Any thread. */
void launcher_on_change(struct launcher *launcher, void (*fn)(void *arg, const char *reason),
                        void *arg);

/* What this machine does not let it bound: a sentence each for an administrator, NULL behind the
 * last. After launcher_configure. */
const char *launcher_shortcoming(const struct launcher *launcher, size_t index);

/* Opens a channel: a non-blocking socket, owned by the caller; closing it kills its instances.
 * Fails while there is no launcher. Any thread. */
enum err launcher_open(struct launcher *launcher, int *out_channel, struct error *error);

/* Kills all instances, waits for the launcher's end and frees. NULL does nothing. */
void launcher_stop(struct launcher *launcher);

bool launcher_is_sandboxed(const struct launcher *launcher);

struct launcher_spawn {
    uint64_t id;                   /* chosen by the caller; events carry it */
    struct str code;               /* a folder's name below the functions folder */
    const struct runtime *runtime; /* NULL or without language: the code's own bootstrap is run */
    /* "NAME=value", each with a NUL behind it. What only the sandbox knows is added: the addresses
     * AWS_LAMBDA_RUNTIME_API and AWS_ENDPOINT_URL, and the folders LAMBDA_TASK_ROOT and
     * LAMBDA_RUNTIME_DIR. */
    struct str environment;
    unsigned memory_mb;
    unsigned tmp_mb; /* size limit of /tmp */
};

/* Asks for an instance; answered by a LAUNCHER_STARTED or LAUNCHER_FAILED event. Never blocks:
 * fails when too many requests wait. */
enum err launcher_spawn(int channel, const struct launcher_spawn *spawn, struct error *error);

/* Kills an instance, all its processes; a LAUNCHER_EXITED event follows. */
void launcher_kill(int process_fd);

enum launcher_event_kind {
    LAUNCHER_STARTED, /* the sandbox is there and is about to run the function */
    LAUNCHER_FAILED,  /* there is no sandbox; `message` says why */
    LAUNCHER_EXITED,  /* comes once for each LAUNCHER_STARTED */
    LAUNCHER_GONE,    /* the launcher has ended, and all instances with it */
};

enum launcher_exit {
    LAUNCHER_EXIT_CODE,    /* `status` is the exit code */
    LAUNCHER_EXIT_SIGNAL,  /* `status` is the signal */
    LAUNCHER_EXIT_EXEC,    /* the bootstrap could not be run; `status` is the errno */
    LAUNCHER_EXIT_MISSING, /* there is no bootstrap */
    LAUNCHER_EXIT_PROGRAM, /* the machine lacks the program that runs the runtime */
};

struct launcher_event {
    enum launcher_event_kind kind;
    uint64_t id;

    /* LAUNCHER_STARTED: descriptors that the receiver owns. */
    int api_fd;      /* listens on the sandbox's loopback address for the Runtime API */
    int endpoint_fd; /* the same for AWS calls */
    int output_fd;   /* standard output and error, non-blocking */
    int memory_fd;   /* the bootstrap's /proc/PID/status */
    int process_fd;  /* a pidfd, for launcher_kill */

    /* LAUNCHER_EXITED */
    enum launcher_exit exit;
    int status;
    bool is_out_of_memory;

    char message[256]; /* LAUNCHER_FAILED, and LAUNCHER_EXITED of what the watchdog has ended */
};

/* The next event that waits. False when there is none. After LAUNCHER_GONE nothing comes. */
bool launcher_receive(int channel, struct launcher_event *out);
