/* The server's side of the launcher. A thread of its own waits for the launcher's end and has the
 * keeper fork another one. `mutex` guards the socket, which is -1 meanwhile, and who is told. */
#include "services/lambda/launcher.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "services/lambda/launcher_wire.h"

enum {
    RESTART_FIRST_MS = 100, /* before the second try; then twice that */
    RESTART_MOST_MS = 5000,
    RESTART_SOUND_MS = 10000, /* after so long a life the next end is a new story */
};

struct launcher {
    int keeper; /* a socket */
    pid_t keeper_pid;
    int socket; /* -1: there is no launcher */
    bool is_sandboxed;
    char *functions_dir;
    struct configure_reply machine; /* as the first launcher has found it */
    pthread_mutex_t mutex;

    void (*changed)(void *arg, const char *reason);
    void *changed_arg;
    pthread_t monitor;
    int stop; /* an eventfd that ends the monitor; -1: there is none */
};

/* --- Starting --- */

/* Has the keeper fork a launcher; returns our end of a socket to it, or -1 with errno set. */
static int start_launcher(const struct launcher *launcher)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return -1;
    bool is_sent = packet_send(launcher->keeper, STR("!"), STR_EMPTY, &pair[1], 1);
    int reason = errno;
    close(pair[1]);
    if (is_sent)
        return pair[0];
    close(pair[0]);
    errno = reason;
    return -1;
}

static enum err start_keeper(struct launcher *launcher, struct error *error)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return error_set(error, ERR_INTERNAL, "socketpair: %s", strerror(errno));
    launcher->keeper_pid = fork();
    if (launcher->keeper_pid == 0)
        launcher_keeper(pair[1], launcher->is_sandboxed);
    close(pair[1]);
    launcher->keeper = pair[0];
    if (launcher->keeper_pid < 0)
        return error_set(error, ERR_INTERNAL, "fork: %s", strerror(errno));
    return OK;
}

enum err launcher_start(bool is_sandboxed, struct launcher **out, struct error *error)
{
    struct launcher *launcher = calloc(1, sizeof(*launcher));
    if (!launcher)
        abort();
    *launcher =
        (struct launcher){.keeper = -1, .socket = -1, .stop = -1, .is_sandboxed = is_sandboxed};
    pthread_mutex_init(&launcher->mutex, NULL);
    enum err rc = start_keeper(launcher, error);
    if (rc == OK && (launcher->socket = start_launcher(launcher)) < 0)
        rc = error_set(error, ERR_INTERNAL, "cannot start the launcher: %s", strerror(errno));
    if (rc) {
        launcher_stop(launcher);
        return rc;
    }
    *out = launcher;
    return OK;
}

static struct str request_head(const struct launcher_request *request)
{
    return str_make((const char *)request, sizeof(*request));
}

/* Tells a new launcher what it has to know. */
static enum err configure(const struct launcher *launcher, int socket,
                          struct configure_reply *out_reply, struct error *error)
{
    struct launcher_request request = {
        .kind = REQUEST_CONFIGURE,
        .code_len = (uint32_t)strlen(launcher->functions_dir),
    };
    int fds[PACKET_MAX_FDS];
    if (!packet_send(socket, request_head(&request), str_from(launcher->functions_dir), NULL, 0) ||
        packet_receive(socket, out_reply, sizeof(*out_reply), fds) != sizeof(*out_reply))
        return error_set(error, ERR_INTERNAL, "the launcher is gone");
    if (!out_reply->is_ok)
        return error_set(error, ERR_INTERNAL, "%s", out_reply->message);
    return OK;
}

/* --- Starting again --- */

static void tell(struct launcher *launcher, const char *reason)
{
    pthread_mutex_lock(&launcher->mutex);
    if (launcher->changed)
        launcher->changed(launcher->changed_arg, reason);
    pthread_mutex_unlock(&launcher->mutex);
}

static void set_socket(struct launcher *launcher, int socket)
{
    pthread_mutex_lock(&launcher->mutex);
    if (launcher->socket >= 0)
        close(launcher->socket);
    launcher->socket = socket;
    pthread_mutex_unlock(&launcher->mutex);
}

/* Waits for some time, or with a socket for the end of the launcher. False: the monitor shall end.
 */
static bool wait_for(const struct launcher *launcher, int socket, int timeout_ms)
{
    struct pollfd waits[2] = {{.fd = launcher->stop, .events = POLLIN}, {.fd = socket}};
    while (poll(waits, 2, timeout_ms) < 0 && errno == EINTR)
        continue;
    return !waits[0].revents;
}

static bool restart(struct launcher *launcher)
{
    char reason[160];
    struct error error;
    struct configure_reply reply;
    int socket = start_launcher(launcher);
    enum err rc = socket < 0 ? error_set(&error, ERR_INTERNAL, "%s", strerror(errno))
                             : configure(launcher, socket, &reply, &error);
    if (rc == OK) {
        set_socket(launcher, socket);
        return true;
    }
    if (socket >= 0)
        close(socket);
    snprintf(reason, sizeof(reason), "the launcher has ended and cannot be started again: %.90s",
             error.message);
    tell(launcher, reason);
    return false;
}

static void *monitor(void *arg)
{
    struct launcher *launcher = arg;
    int delay_ms = 0;
    int64_t since_us = clock_mono_us();
    while (wait_for(launcher, launcher->socket, -1)) {
        tell(launcher, "the launcher has ended; it is being started again");
        set_socket(launcher, -1);
        if (clock_mono_us() - since_us > RESTART_SOUND_MS * 1000LL)
            delay_ms = 0;
        do {
            if (!wait_for(launcher, -1, delay_ms))
                return NULL;
            delay_ms = delay_ms ? delay_ms * 2 : RESTART_FIRST_MS;
            delay_ms = delay_ms < RESTART_MOST_MS ? delay_ms : RESTART_MOST_MS;
        } while (!restart(launcher));
        since_us = clock_mono_us();
        tell(launcher, NULL);
    }
    return NULL;
}

void launcher_on_change(struct launcher *launcher, void (*fn)(void *arg, const char *reason),
                        void *arg)
{
    pthread_mutex_lock(&launcher->mutex);
    launcher->changed = fn;
    launcher->changed_arg = arg;
    pthread_mutex_unlock(&launcher->mutex);
}

enum err launcher_configure(struct launcher *launcher, const char *functions_dir,
                            struct error *error)
{
    assert(!launcher->functions_dir);
    launcher->functions_dir = strdup(functions_dir);
    if (!launcher->functions_dir)
        abort();
    enum err rc = configure(launcher, launcher->socket, &launcher->machine, error);
    if (rc)
        return rc;
    launcher->stop = eventfd(0, EFD_CLOEXEC);
    if (launcher->stop < 0 || pthread_create(&launcher->monitor, NULL, monitor, launcher)) {
        if (launcher->stop >= 0)
            close(launcher->stop);
        launcher->stop = -1;
        return error_set(error, ERR_INTERNAL, "cannot start a thread");
    }
    return OK;
}

const char *launcher_shortcoming(const struct launcher *launcher, size_t index)
{
    const struct configure_reply *machine = &launcher->machine;
    const char *all[] = {
        machine->has_memory_groups
            ? NULL
            : "no control groups for memory: functions that hold too much are ended a moment late, "
              "and what the kernel holds for their sockets and pipes is not bounded",
        machine->has_cpu_groups
            ? NULL
            : "no control groups for processors: functions run at a lower priority, but many at a "
              "time can slow this machine down",
        machine->has_own_users
            ? NULL
            : "functions run as this user: what the kernel counts by user (descriptors on their "
              "way, watches of epoll, buffers of pipes) they share with its other programs",
    };
    for (size_t i = 0; launcher->is_sandboxed && i < sizeof(all) / sizeof(*all); i++) {
        if (all[i] && index-- == 0)
            return all[i];
    }
    return NULL;
}

/* --- Channels --- */

enum err launcher_open(struct launcher *launcher, int *out_channel, struct error *error)
{
    struct launcher_request request = {.kind = REQUEST_OPEN};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return error_set(error, ERR_INTERNAL, "socketpair: %s", strerror(errno));

    pthread_mutex_lock(&launcher->mutex);
    bool is_sent = launcher->socket >= 0 &&
                   packet_send(launcher->socket, request_head(&request), STR_EMPTY, &pair[1], 1);
    pthread_mutex_unlock(&launcher->mutex);
    close(pair[1]);
    if (!is_sent) {
        close(pair[0]);
        return error_set(error, ERR_INTERNAL, "the launcher is gone");
    }
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    *out_channel = pair[0];
    return OK;
}

/* --- The end --- */

static void stop_monitor(struct launcher *launcher)
{
    if (launcher->stop < 0)
        return;
    eventfd_write(launcher->stop, 1);
    pthread_join(launcher->monitor, NULL);
    close(launcher->stop);
}

/* The launcher closes its end last of all. */
static void wait_for_end(int socket)
{
    char byte;
    int fds[PACKET_MAX_FDS];
    shutdown(socket, SHUT_WR);
    while (packet_receive(socket, &byte, sizeof(byte), fds) > 0)
        continue;
    close(socket);
}

void launcher_stop(struct launcher *launcher)
{
    if (!launcher)
        return;
    stop_monitor(launcher);
    if (launcher->socket >= 0)
        wait_for_end(launcher->socket);
    if (launcher->keeper >= 0)
        close(launcher->keeper);
    while (launcher->keeper_pid > 0 && waitpid(launcher->keeper_pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    pthread_mutex_destroy(&launcher->mutex);
    free(launcher->functions_dir);
    free(launcher);
}

bool launcher_is_sandboxed(const struct launcher *launcher)
{
    return launcher->is_sandboxed;
}

enum err launcher_spawn(int channel, const struct launcher_spawn *spawn, struct error *error)
{
    struct launcher_request request = {
        .kind = REQUEST_SPAWN,
        .memory_mb = spawn->memory_mb,
        .tmp_mb = spawn->tmp_mb,
        .runtime = spawn->runtime,
        .code_len = (uint32_t)spawn->code.len,
        .environment_len = (uint32_t)spawn->environment.len,
        .id = spawn->id,
    };
    char body[PACKET_MAX - sizeof(request)];
    size_t len = spawn->code.len + spawn->environment.len;
    if (len > sizeof(body))
        return error_set(error, ERR_INTERNAL, "the environment is too large");

    memcpy(body, spawn->code.ptr, spawn->code.len);
    memcpy(body + spawn->code.len, spawn->environment.ptr, spawn->environment.len);
    if (!packet_send(channel, request_head(&request), str_make(body, len), NULL, 0))
        return error_set(error, ERR_INTERNAL, "the launcher does not answer: %s", strerror(errno));
    return OK;
}

void launcher_kill(int process_fd)
{
    syscall(SYS_pidfd_send_signal, process_fd, SIGKILL, NULL, 0);
}

bool launcher_receive(int channel, struct launcher_event *out)
{
    int fds[PACKET_MAX_FDS];
    ssize_t len = packet_receive(channel, out, sizeof(*out), fds);
    if (len < 0 && errno == EAGAIN)
        return false;
    if (len != (ssize_t)sizeof(*out)) {
        *out = (struct launcher_event){.kind = LAUNCHER_GONE};
        return true;
    }
    out->api_fd = fds[STARTED_API];
    out->endpoint_fd = fds[STARTED_ENDPOINT];
    out->memory_fd = fds[STARTED_MEMORY];
    out->output_fd = fds[STARTED_OUTPUT];
    out->process_fd = fds[STARTED_PROCESS];
    return true;
}
