/* The server's side of the launcher. */
#include "services/lambda/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/lambda/launcher_wire.h"

struct launcher {
    int socket;
    pid_t pid;
    bool is_sandboxed;
    pthread_mutex_t mutex; /* of the socket */
};

enum err launcher_start(bool is_sandboxed, struct launcher **out, struct error *error)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return error_set(error, ERR_INTERNAL, "socketpair: %s", strerror(errno));

    pid_t pid = fork();
    if (pid < 0) {
        enum err rc = error_set(error, ERR_INTERNAL, "fork: %s", strerror(errno));
        close(pair[0]);
        close(pair[1]);
        return rc;
    }
    if (pid == 0) {
        close(pair[0]);
        launcher_process(pair[1], is_sandboxed);
    }
    close(pair[1]);

    struct launcher *launcher = calloc(1, sizeof(*launcher));
    if (!launcher)
        abort();
    launcher->socket = pair[0];
    launcher->pid = pid;
    launcher->is_sandboxed = is_sandboxed;
    pthread_mutex_init(&launcher->mutex, NULL);
    *out = launcher;
    return OK;
}

static struct str request_head(const struct launcher_request *request)
{
    return str_make((const char *)request, sizeof(*request));
}

enum err launcher_configure(struct launcher *launcher, const char *functions_dir,
                            struct error *error)
{
    struct launcher_request request = {
        .kind = REQUEST_CONFIGURE,
        .code_len = (uint32_t)strlen(functions_dir),
    };
    struct configure_reply reply = {0};
    int fds[PACKET_MAX_FDS];

    pthread_mutex_lock(&launcher->mutex);
    bool is_answered =
        packet_send(launcher->socket, request_head(&request), str_from(functions_dir), NULL, 0) &&
        packet_receive(launcher->socket, &reply, sizeof(reply), fds) == sizeof(reply);
    pthread_mutex_unlock(&launcher->mutex);

    if (!is_answered)
        return error_set(error, ERR_INTERNAL, "the launcher is gone");
    if (!reply.is_ok)
        return error_set(error, ERR_INTERNAL, "%s", reply.message);
    return OK;
}

enum err launcher_open(struct launcher *launcher, int *out_channel, struct error *error)
{
    struct launcher_request request = {.kind = REQUEST_OPEN};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return error_set(error, ERR_INTERNAL, "socketpair: %s", strerror(errno));

    pthread_mutex_lock(&launcher->mutex);
    bool is_sent = packet_send(launcher->socket, request_head(&request), STR_EMPTY, &pair[1], 1);
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

void launcher_stop(struct launcher *launcher)
{
    if (!launcher)
        return;
    close(launcher->socket);
    while (waitpid(launcher->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    pthread_mutex_destroy(&launcher->mutex);
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
