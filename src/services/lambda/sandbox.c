/* The first process of a sandbox: it sets the sandbox up from the inside, starts the bootstrap as
 * its child, and reports the child's end. When it ends, the kernel ends all that run in the
 * sandbox. */
#include "services/lambda/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Above what the machine's own processes have. */
#define FUNCTION_OOM_SCORE "500"

/* --- In the launcher --- */

uint64_t sandbox_clone_flags(void)
{
    return CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;
}

static bool write_proc(pid_t pid, const char *file, const char *text)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return is_written;
}

void sandbox_plain_runtime(const char *functions_dir, char *out_path, size_t size)
{
    const char *name = strrchr(functions_dir, '/');
    snprintf(out_path, size, "%.*s/runtime", (int)(name - functions_dir), functions_dir);
}

bool sandbox_map_ids(pid_t pid, bool is_root, unsigned host_id)
{
    char uid_map[48], gid_map[48];
    unsigned outside = is_root ? host_id : 0;
    snprintf(uid_map, sizeof(uid_map), "%d %u 1\n", SANDBOX_UID, outside);
    snprintf(gid_map, sizeof(gid_map), "%d %u 1\n", SANDBOX_GID, outside);
    return write_proc(pid, "uid_map", uid_map) &&
           (is_root || write_proc(pid, "setgroups", "deny")) && write_proc(pid, "gid_map", gid_map);
}

/* --- In the sandbox --- */

static bool send_notice(const struct sandbox_spec *spec, const struct notice *notice,
                        const int *fds, size_t fd_count)
{
    return packet_send(spec->status_fd, str_make((const char *)notice, sizeof(*notice)), STR_EMPTY,
                       fds, fd_count);
}

static _Noreturn void fail(const struct sandbox_spec *spec, const char *step)
{
    struct notice notice = {.kind = NOTICE_FAILED};
    snprintf(notice.text, sizeof(notice.text), "cannot %s: %s", step, strerror(errno));
    send_notice(spec, &notice, NULL, 0);
    _exit(1);
}

static void wait_for_go(const struct sandbox_spec *spec)
{
    char go;
    ssize_t got;
    do {
        got = read(spec->status_fd, &go, 1);
    } while (got < 0 && errno == EINTR);
    if (got != 1)
        _exit(1);
}

/* Takes effect for the launcher's end from here on; whether it has already ended, the socket tells.
 */
static void die_with_launcher(const struct sandbox_spec *spec)
{
    struct pollfd status = {.fd = spec->status_fd};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (poll(&status, 1, 0) > 0 && status.revents & POLLHUP)
        _exit(1);
}

static bool raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (fd >= 0)
        close(fd);
    return is_up;
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 128)) {
        close(fd);
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof(address);
    getsockname(fd, (struct sockaddr *)&address, &size);
    return ntohs(address.sin_port);
}

/* --- The bootstrap --- */

struct program {
    char **environment;
    char api[64], endpoint[64];
    char task_root[3 * PATH_MAX], runtime_dir[2 * PATH_MAX];
};

static void make_folder_variables(const struct sandbox_spec *spec, struct program *program)
{
    char task_root[2 * PATH_MAX] = "/var/task", runtime_dir[PATH_MAX + 16] = SANDBOX_RUNTIME;
    if (!spec->is_sandboxed) {
        snprintf(task_root, sizeof(task_root), "%s/%s", spec->functions_dir, spec->code);
        sandbox_plain_runtime(spec->functions_dir, runtime_dir, sizeof(runtime_dir));
    }
    snprintf(program->task_root, sizeof(program->task_root), "LAMBDA_TASK_ROOT=%s", task_root);
    snprintf(program->runtime_dir, sizeof(program->runtime_dir), "LAMBDA_RUNTIME_DIR=%s",
             runtime_dir);
}

static const char *value_of(const char *variable)
{
    return strchr(variable, '=') + 1;
}

static bool has_variable(const struct sandbox_spec *spec, struct str prefix)
{
    struct str rest = spec->environment, entry;
    while (rest.len) {
        str_cut(&rest, '\0', &entry);
        if (str_starts(entry, prefix))
            return true;
    }
    return false;
}

/* The environment that was asked for and what only the sandbox knows: addresses and folders. What
 * the function's owner has set stays. */
static void make_environment(const struct sandbox_spec *spec, const int *listeners,
                             struct program *program)
{
    size_t count = 0, at = 0;
    for (size_t i = 0; i < spec->environment.len; i++)
        count += spec->environment.ptr[i] == '\0';
    program->environment = calloc(count + 5, sizeof(*program->environment));
    if (!program->environment)
        fail(spec, "make the environment");

    /* The block is this process's own copy. */
    char *block = malloc(spec->environment.len + 1);
    if (!block)
        fail(spec, "make the environment");
    memcpy(block, spec->environment.ptr, spec->environment.len);
    for (char *entry = block; entry < block + spec->environment.len; entry += strlen(entry) + 1)
        program->environment[at++] = entry;

    snprintf(program->api, sizeof(program->api), "AWS_LAMBDA_RUNTIME_API=127.0.0.1:%u",
             port_of(listeners[STARTED_API]));
    snprintf(program->endpoint, sizeof(program->endpoint), "AWS_ENDPOINT_URL=http://127.0.0.1:%u",
             port_of(listeners[STARTED_ENDPOINT]));
    program->environment[at++] = program->api;
    if (!has_variable(spec, STR("AWS_ENDPOINT_URL=")))
        program->environment[at++] = program->endpoint;
    make_folder_variables(spec, program);
    program->environment[at++] = program->task_root;
    program->environment[at++] = program->runtime_dir;
}

static void connect_output(const struct sandbox_spec *spec)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    dup2(spec->output_fd, STDOUT_FILENO);
    dup2(spec->output_fd, STDERR_FILENO);
}

static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A program of the machine with the runtime client of the function's language. */
static enum launcher_exit run_language(const struct runtime *runtime, const struct program *program)
{
    const struct runtime_language *language = runtime->language;
    char path[RUNTIME_PATH_MAX], client[2 * PATH_MAX];
    const char *arguments[8] = {path};
    size_t count = 1;
    if (!runtime_program(runtime, path))
        return LAUNCHER_EXIT_PROGRAM;
    snprintf(client, sizeof(client), "%s/%s", value_of(program->runtime_dir), language->client);
    for (size_t i = 0; language->options[i]; i++)
        arguments[count++] = language->options[i];
    arguments[count] = client;
    execve(path, (char **)(uintptr_t)arguments, program->environment);
    return LAUNCHER_EXIT_EXEC;
}

/* Does not return unless the program cannot be run; then says why. */
static enum launcher_exit run_program(const struct sandbox_spec *spec,
                                      const struct program *program)
{
    if (spec->runtime && spec->runtime->language)
        return run_language(spec->runtime, program);

    char task[3 * PATH_MAX];
    snprintf(task, sizeof(task), "%s/bootstrap", value_of(program->task_root));
    const char *path = task;
    char name[] = "bootstrap";
    char *arguments[] = {name, NULL};

    if (access(path, F_OK))
        path = "/opt/bootstrap";
    if (access(path, F_OK))
        return LAUNCHER_EXIT_MISSING;
    execve(path, arguments, program->environment);
    return LAUNCHER_EXIT_EXEC;
}

/* From here on it has a function's weight, and is a process group of its own. */
static void step_back(const struct sandbox_spec *spec)
{
    setpgid(0, 0);
    if (!cgroup_enter(spec->gates[CGROUP_CPU]))
        fail(spec, "enter its control group");
    if (!spec->machine->has_cpu_groups)
        setpriority(PRIO_PROCESS, 0, SANDBOX_PRIORITY);
}

/* Announces the sandbox and becomes the bootstrap. */
static _Noreturn void run_bootstrap(const struct sandbox_spec *spec, const int *listeners)
{
    struct program program;
    struct notice ready = {.kind = NOTICE_READY};
    int fds[] = {
        [STARTED_API] = listeners[STARTED_API],
        [STARTED_ENDPOINT] = listeners[STARTED_ENDPOINT],
        [STARTED_MEMORY] = open("/proc/self/status", O_RDONLY | O_CLOEXEC),
        [READY_WATCHED] = open(spec->machine->has_memory_groups ? "/tmp" : "/proc",
                               O_RDONLY | O_DIRECTORY | O_CLOEXEC),
    };
    if (fds[STARTED_MEMORY] < 0 || fds[READY_WATCHED] < 0)
        fail(spec, "open the process's status");

    make_environment(spec, listeners, &program);
    connect_output(spec);
    reset_signals();
    /* The rest of its life is spent as a function: what has to be sent is sent before. */
    if (!send_notice(spec, &ready, fds, sizeof(fds) / sizeof(*fds)))
        fail(spec, "hand over the sockets");
    if (!guard_files())
        fail(spec, "limit descriptors");
    step_back(spec);

    struct notice failed = {.kind = NOTICE_EXITED, .exit = run_program(spec, &program)};
    failed.status = errno;
    send_notice(spec, &failed, NULL, 0);
    _exit(127);
}

/* --- The first process --- */

static void report_exit(const struct sandbox_spec *spec, int status)
{
    struct notice notice = {.kind = NOTICE_EXITED};
    notice.exit = WIFSIGNALED(status) ? LAUNCHER_EXIT_SIGNAL : LAUNCHER_EXIT_CODE;
    notice.status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    send_notice(spec, &notice, NULL, 0);
}

/* Reaps what ends until the bootstrap or the launcher does. */
static _Noreturn void watch_over(const struct sandbox_spec *spec, pid_t bootstrap, int signals)
{
    struct pollfd waits[2] = {{.fd = signals, .events = POLLIN}, {.fd = spec->status_fd}};
    while (true) {
        struct signalfd_siginfo info;
        int status;
        pid_t pid;
        poll(waits, 2, -1);
        if (waits[1].revents & (POLLHUP | POLLERR))
            _exit(1);
        if (read(signals, &info, sizeof(info)) < 0 && errno != EAGAIN)
            _exit(1);
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
            if (pid == bootstrap) {
                report_exit(spec, status);
                _exit(0);
            }
        }
    }
}

static int block_child_signal(void)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* When memory is short, the kernel shall take functions, and of a sandbox not the process that
 * watches over it. Failing is harmless. */
static void set_oom_score(int fd, const char *score)
{
    if (fd >= 0)
        (void)!pwrite(fd, score, strlen(score), 0);
}

static void write_setting(int folder, const char *path, const char *text)
{
    int fd = openat(folder, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!write(fd, text, strlen(text));
    close(fd);
}

/* The kernel counts these by user, through all namespaces up to the machine's: without limits of
 * its own a sandbox takes them from all that run as the launcher's user. */
static void limit_shares(void)
{
    int folder = open("/proc/sys/user", O_PATH | O_DIRECTORY | O_CLOEXEC);
    write_setting(folder, "max_inotify_instances", "16");
    write_setting(folder, "max_inotify_watches", "8192");
    close(folder);
}

/* The root is entered as the launcher's user, who may look into the functions folder. The root's
 * own /proc cannot be written, so what must be is written below the launcher's before. */
static void set_up(const struct sandbox_spec *spec)
{
    const char *step;
    if (!raise_loopback())
        fail(spec, "bring the loopback device up");
    if (sethostname("sandbox", 7))
        fail(spec, "set the host name");
    limit_shares();
    if (!root_enter(spec, &step))
        fail(spec, step);
    /* One session, so one share of the processors where the kernel goes by sessions. */
    setsid();
    if (setresgid(SANDBOX_GID, SANDBOX_GID, SANDBOX_GID) ||
        setresuid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID))
        fail(spec, "change the user");
    /* Or the function, which runs as the same user, could open this process's memory. */
    prctl(PR_SET_DUMPABLE, 0);
    die_with_launcher(spec);
    if (!guard_limits(spec) || !guard_enter(spec))
        fail(spec, "give up rights");
}

static _Noreturn void run_sandboxed(const struct sandbox_spec *spec)
{
    int oom_score = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    set_up(spec);
    int listeners[] = {
        [STARTED_API] = listen_on(SANDBOX_API_PORT),
        [STARTED_ENDPOINT] = listen_on(SANDBOX_ENDPOINT_PORT),
    };
    if (listeners[STARTED_API] < 0 || listeners[STARTED_ENDPOINT] < 0)
        fail(spec, "listen");

    int signals = block_child_signal();
    char usual[16] = "";
    if (oom_score >= 0 && pread(oom_score, usual, sizeof(usual) - 1, 0) > 0)
        set_oom_score(oom_score, FUNCTION_OOM_SCORE);
    /* Without the handlers that libraries have registered: they would close what they do not own.
     */
    pid_t pid = _Fork();
    if (signals < 0 || pid < 0)
        fail(spec, "fork");
    if (pid == 0)
        run_bootstrap(spec, listeners);
    set_oom_score(oom_score, usual);
    close(listeners[STARTED_API]);
    close(listeners[STARTED_ENDPOINT]);
    close(spec->output_fd);
    watch_over(spec, pid, signals);
}

/* Without a sandbox this process becomes the bootstrap. */
static _Noreturn void run_plain(const struct sandbox_spec *spec)
{
    char folder[2 * PATH_MAX];
    int listeners[] = {[STARTED_API] = listen_on(0), [STARTED_ENDPOINT] = listen_on(0)};
    if (listeners[STARTED_API] < 0 || listeners[STARTED_ENDPOINT] < 0)
        fail(spec, "listen");
    snprintf(folder, sizeof(folder), "%s/%s", spec->functions_dir, spec->code);
    if (chdir(folder))
        fail(spec, "enter the function's folder");
    if (!guard_limits(spec))
        fail(spec, "set limits");
    die_with_launcher(spec);
    write_setting(AT_FDCWD, "/proc/self/oom_score_adj", FUNCTION_OOM_SCORE);
    setsid();
    run_bootstrap(spec, listeners);
}

/* The launcher's descriptors are copied with it: among them are ends of sockets whose other ends
 * must see them closed. */
static void close_others(const struct sandbox_spec *spec)
{
    int kept[] = {spec->status_fd, spec->output_fd, spec->gates[CGROUP_CPU]};
    unsigned first = 3;
    while (true) {
        int next = INT_MAX;
        for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
            if (kept[i] >= (int)first && kept[i] < next)
                next = kept[i];
        }
        if (next == INT_MAX)
            break;
        if (next > (int)first)
            close_range(first, (unsigned)next - 1, 0);
        first = (unsigned)next + 1;
    }
    close_range(first, ~0U, 0);
}

void sandbox_run(const struct sandbox_spec *spec)
{
    if (!cgroup_enter(spec->gates[CGROUP_MEMORY]) || !cgroup_enter(spec->gates[CGROUP_PIDS]))
        fail(spec, "enter its control groups");
    close_others(spec);
    wait_for_go(spec);
    if (spec->is_sandboxed)
        run_sandboxed(spec);
    run_plain(spec);
}
