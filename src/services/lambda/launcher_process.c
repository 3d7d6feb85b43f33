/* The launcher's own process: it serves requests to spawn, and tells how instances end. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/lambda/cgroup.h"
#include "services/lambda/launcher_wire.h"
#include "services/lambda/sandbox.h"
#include "services/lambda/watchdog.h"

/* A range of ids that distributions leave unused, so that sandboxes of a root launcher share no
 * user with anything, nor (for the next 65536 spawns) with each other. */
enum { HOST_ID_FIRST = 1900000000, HOST_ID_COUNT = 65536 };

/* What epoll hands back; first member of what it watches for. */
struct source {
    void (*ready)(struct source *source);
};

/* One loop's connection. */
struct channel {
    struct source source;
    int socket;
    struct instance *instances;
    struct channel *next;
};

struct instance {
    struct source process_source; /* the process has ended */
    struct source status_source;  /* the process says something */
    struct channel *channel;
    struct instance *next;
    uint64_t id;
    pid_t pid;
    int process_fd;
    int status_fd;
    int output_fd;    /* the reading end, until it is handed to the server */
    int autogroup_fd; /* its session's priority, until that is set; -1: is or cannot be set */
    struct cgroup group;
    struct watchdog watchdog;
    bool is_started;
    bool is_over;      /* the watchdog has ended it; `end.text` says why */
    struct notice end; /* what it says of its end; kind NOTICE_READY: nothing so far */
};

static struct {
    int socket;
    int epoll;
    bool is_sandboxed;
    struct sandbox_machine machine; /* is_root: and the range of host ids is ours to give */
    int watch_timer;
    int watch_every_ms; /* 0: the timer stands still, there is nothing to watch */
    char functions_dir[PATH_MAX];
    struct cgroup_parent groups;
    uint64_t spawned;
    struct channel *channels;
    struct source socket_source, signal_source, timer_source;
    char buffer[PACKET_MAX];
} launcher;

static bool watch(int fd, struct source *source)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    return epoll_ctl(launcher.epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Closing alone would not end the watch while a process that was just cloned has a copy. */
static void close_watched(int fd)
{
    epoll_ctl(launcher.epoll, EPOLL_CTL_DEL, fd, NULL);
    close(fd);
}

/* --- Events to the server --- */

static bool send_event(const struct channel *channel, const struct launcher_event *event,
                       const int *fds, size_t fd_count)
{
    return packet_send(channel->socket, str_make((const char *)event, sizeof(*event)), STR_EMPTY,
                       fds, fd_count);
}

static void send_failed(const struct channel *channel, uint64_t id, const char *message)
{
    struct launcher_event event = {.kind = LAUNCHER_FAILED, .id = id};
    snprintf(event.message, sizeof(event.message), "%s", message);
    send_event(channel, &event, NULL, 0);
}

static void end_process(const struct instance *instance)
{
    syscall(SYS_pidfd_send_signal, instance->process_fd, SIGKILL, NULL, 0);
}

static void send_started(struct instance *instance, const int *fds)
{
    struct launcher_event event = {.kind = LAUNCHER_STARTED, .id = instance->id};
    int all[PACKET_MAX_FDS] = {
        [STARTED_API] = fds[STARTED_API],         [STARTED_ENDPOINT] = fds[STARTED_ENDPOINT],
        [STARTED_MEMORY] = fds[STARTED_MEMORY],   [STARTED_OUTPUT] = instance->output_fd,
        [STARTED_PROCESS] = instance->process_fd,
    };
    instance->is_started = send_event(instance->channel, &event, all, PACKET_MAX_FDS);
    if (!instance->is_started) {
        instance->end.kind = NOTICE_FAILED;
        snprintf(instance->end.text, sizeof(instance->end.text), "cannot hand it over: %s",
                 strerror(errno));
        end_process(instance);
    }
    close(instance->output_fd);
    instance->output_fd = -1;
}

static void send_exited(const struct instance *instance, int wait_status)
{
    struct launcher_event event = {
        .kind = LAUNCHER_EXITED,
        .id = instance->id,
        .exit = instance->end.exit,
        .status = instance->end.status,
        .is_out_of_memory =
            instance->is_over || cgroup_is_out_of_memory(&launcher.groups, &instance->group),
    };
    if (instance->is_over)
        snprintf(event.message, sizeof(event.message), "%s", instance->end.text);
    /* Killed before it could say anything, or unsandboxed, where nobody speaks for it. */
    if (instance->end.kind != NOTICE_EXITED) {
        event.exit = WIFSIGNALED(wait_status) ? LAUNCHER_EXIT_SIGNAL : LAUNCHER_EXIT_CODE;
        event.status = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
    }
    send_event(instance->channel, &event, NULL, 0);
}

/* --- Instances --- */

static void unlink_instance(struct instance *instance)
{
    struct instance **at = &instance->channel->instances;
    while (*at != instance)
        at = &(*at)->next;
    *at = instance->next;
}

static bool is_bootstrap(pid_t pid)
{
    for (struct channel *channel = launcher.channels; channel; channel = channel->next) {
        for (struct instance *instance = channel->instances; instance; instance = instance->next) {
            if (instance->pid == pid)
                return true;
        }
    }
    return false;
}

/* Without a pid namespace, what a bootstrap leaves behind becomes this process's child, also when
 * it has left the process group. Killing one may bring its children. */
static void kill_orphans(void)
{
    char path[64];
    bool is_killed = true;
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    while (is_killed) {
        FILE *file = fopen(path, "re");
        long pid;
        is_killed = false;
        while (file && fscanf(file, "%ld", &pid) == 1) {
            if (is_bootstrap((pid_t)pid) || kill((pid_t)pid, SIGKILL))
                continue;
            waitpid((pid_t)pid, NULL, 0);
            is_killed = true;
        }
        if (file)
            fclose(file);
    }
}

static void read_notice(struct instance *instance);

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* It has ended before it could say anything. */
static void send_died(const struct instance *instance, int wait_status)
{
    char message[96];
    bool is_signal = WIFSIGNALED(wait_status);
    snprintf(message, sizeof(message), "the sandbox's first process died: %s %d",
             is_signal ? "signal" : "exit status",
             is_signal ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
    send_failed(instance->channel, instance->id, message);
}

/* The process has ended: what it said last may still wait in its socket. */
static void instance_ended(struct source *source)
{
    struct instance *instance = (struct instance *)source;
    int status = 0;

    if (instance->status_fd >= 0)
        read_notice(instance);
    /* The group is as large as the bootstrap has made it, and its number is ours until the leader
     * is waited for. */
    if (!launcher.is_sandboxed)
        kill(-instance->pid, SIGKILL);
    waitpid(instance->pid, &status, 0);
    unlink_instance(instance);
    if (!launcher.is_sandboxed)
        kill_orphans();

    if (instance->is_started)
        send_exited(instance, status);
    else if (instance->end.kind == NOTICE_FAILED)
        send_failed(instance->channel, instance->id, instance->end.text);
    else
        send_died(instance, status);

    cgroup_remove(&launcher.groups, &instance->group);
    close_watched(instance->process_fd);
    if (instance->status_fd >= 0)
        close_watched(instance->status_fd);
    close_if_open(instance->output_fd);
    close_if_open(instance->autogroup_fd);
    close_if_open(instance->watchdog.folder);
    free(instance);
}

/* Takes all notices that wait; at the end of the socket stops looking. The first word on the end
 * counts: a bootstrap that could not be run says so itself, then it also exits. */
static void read_notice(struct instance *instance)
{
    struct notice notice;
    int fds[PACKET_MAX_FDS];
    ssize_t len;

    while ((len = packet_receive(instance->status_fd, &notice, sizeof(notice), fds)) ==
           (ssize_t)sizeof(notice)) {
        if (notice.kind == NOTICE_READY) {
            send_started(instance, fds);
            instance->watchdog.folder = fds[READY_WATCHED];
            fds[READY_WATCHED] = -1;
        } else if (instance->end.kind != NOTICE_EXITED && !instance->is_over) {
            instance->end = notice;
        }
        for (int i = 0; i < PACKET_MAX_FDS; i++) {
            if (fds[i] >= 0)
                close(fds[i]);
        }
    }
    if (len < 0 && errno == EAGAIN)
        return;
    close_watched(instance->status_fd);
    instance->status_fd = -1;
}

static void instance_spoke(struct source *source)
{
    read_notice((struct instance *)((char *)source - offsetof(struct instance, status_source)));
}

/* --- Watching --- */

/* Has the timer fire every so often; 0: not any more. */
static void watch_sandboxes(int every_ms)
{
    const struct timespec every = {.tv_nsec = (long)every_ms * 1000000};
    const struct itimerspec times = {.it_interval = every, .it_value = every};
    if (launcher.is_sandboxed && every_ms != launcher.watch_every_ms) {
        launcher.watch_every_ms = every_ms;
        timerfd_settime(launcher.watch_timer, 0, &times, NULL);
    }
}

/* Lowers the priority of the sandbox's session. The kernel lets ordinary users do so ten times a
 * second; then it is tried again. */
static void lower_autogroup(struct instance *instance)
{
    char text[16];
    if (instance->autogroup_fd < 0)
        return;
    int len = snprintf(text, sizeof(text), "%d", SANDBOX_PRIORITY);
    if (write(instance->autogroup_fd, text, (size_t)len) < 0 && errno == EAGAIN)
        return;
    close(instance->autogroup_fd);
    instance->autogroup_fd = -1;
}

static enum watchdog_finding look_at(struct instance *instance)
{
    enum watchdog_finding finding =
        watchdog_look(&instance->watchdog, &launcher.groups, &instance->group, instance->end.text,
                      sizeof(instance->end.text));
    lower_autogroup(instance);
    if (finding == WATCHDOG_OVER) {
        instance->is_over = true;
        end_process(instance);
    }
    return finding;
}

static void timer_ready(struct source *source)
{
    (void)source;
    uint64_t times;
    int every_ms = 0;
    if (read(launcher.watch_timer, &times, sizeof(times)) < 0)
        return;
    for (struct channel *channel = launcher.channels; channel; channel = channel->next) {
        for (struct instance *instance = channel->instances; instance; instance = instance->next) {
            bool is_close = instance->is_started && look_at(instance) == WATCHDOG_CLOSE;
            if (every_ms != WATCHDOG_SOON_MS)
                every_ms = is_close ? WATCHDOG_SOON_MS : WATCHDOG_EVERY_MS;
        }
    }
    watch_sandboxes(every_ms);
}

/* --- Spawning --- */

/* A fork into new namespaces, with a descriptor of the process. */
static pid_t clone_process(const struct cgroup *group, int *out_process_fd)
{
    int folder = cgroup_open_v2(&launcher.groups, group);
    struct clone_args args = {
        .flags = CLONE_PIDFD | (launcher.is_sandboxed ? sandbox_clone_flags() : 0),
        .pidfd = (uint64_t)(uintptr_t)out_process_fd,
        .exit_signal = SIGCHLD,
    };
    if (folder >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)folder;
    }
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    int reason = errno;
    close_if_open(folder);
    errno = reason;
    return pid;
}

/* The process's file is open to us only until it has changed its user. */
static int open_autogroup(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/autogroup", (int)pid);
    return launcher.machine.has_cpu_groups ? -1 : open(path, O_WRONLY | O_CLOEXEC);
}

/* Gives the process its user, and lets it go. What fails is in `end`. */
static bool let_go(struct instance *instance)
{
    unsigned host_id = HOST_ID_FIRST + (unsigned)(launcher.spawned % HOST_ID_COUNT);
    const char *step = "become its user";
    bool is_done = true;
    instance->autogroup_fd = open_autogroup(instance->pid);
    if (launcher.is_sandboxed)
        is_done = sandbox_map_ids(instance->pid, launcher.machine.is_root, host_id);
    if (is_done) {
        step = "be told to go";
        is_done = send(instance->status_fd, "", 1, MSG_NOSIGNAL) == 1;
    }
    if (!is_done) {
        instance->end.kind = NOTICE_FAILED;
        snprintf(instance->end.text, sizeof(instance->end.text), "it cannot %s: %s", step,
                 strerror(errno));
    }
    return is_done;
}

/* The pipe and the socket between launcher and instance. */
struct ends {
    int status[2]; /* ours, theirs */
    int output[2]; /* reading, writing */
};

static bool open_ends(struct ends *ends)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends->status))
        return false;
    if (pipe2(ends->output, O_CLOEXEC)) {
        close(ends->status[0]);
        close(ends->status[1]);
        return false;
    }
    fcntl(ends->status[0], F_SETFL, O_NONBLOCK);
    fcntl(ends->output[0], F_SETFL, O_NONBLOCK);
    return true;
}

static struct instance *add_instance(struct channel *channel, uint64_t id, const struct ends *ends)
{
    struct instance *instance = calloc(1, sizeof(*instance));
    if (!instance)
        abort();
    instance->process_source.ready = instance_ended;
    instance->status_source.ready = instance_spoke;
    instance->channel = channel;
    instance->id = id;
    instance->status_fd = ends->status[0];
    instance->output_fd = ends->output[0];
    instance->autogroup_fd = -1;
    instance->watchdog.folder = -1;
    instance->next = channel->instances;
    channel->instances = instance;
    return instance;
}

/* There is no process: nothing ends that the epoll would tell. */
static void give_up(struct instance *instance, const struct ends *ends, const char *step)
{
    char message[128];
    snprintf(message, sizeof(message), "cannot %s: %s", step, strerror(errno));
    send_failed(instance->channel, instance->id, message);
    cgroup_remove(&launcher.groups, &instance->group);
    close(ends->status[0]);
    close(ends->output[0]);
    unlink_instance(instance);
    free(instance);
}

/* What lies in /tmp is charged to the group, but does not count as the function's memory. */
static bool make_group(struct instance *instance, struct sandbox_spec *spec)
{
    const struct cgroup_limits limits = {
        .memory_mb = spec->memory_mb,
        .hard_mb = spec->memory_mb + (spec->is_sandboxed ? spec->tmp_mb : 0),
        .max_processes = SANDBOX_MAX_PROCESSES,
    };
    return cgroup_make(&launcher.groups, launcher.spawned, &limits, &instance->group) &&
           cgroup_open_gates(&launcher.groups, &instance->group, spec->gates);
}

static void start(struct channel *channel, uint64_t id, struct sandbox_spec *spec)
{
    struct ends ends;
    if (!open_ends(&ends)) {
        send_failed(channel, id, "too many open files");
        return;
    }
    struct instance *instance = add_instance(channel, id, &ends);
    const char *step = "make a control group";
    launcher.spawned++;
    instance->watchdog.memory_mb = spec->memory_mb;
    spec->status_fd = ends.status[1];
    spec->output_fd = ends.output[1];

    instance->pid = -1;
    if (make_group(instance, spec)) {
        step = "clone";
        instance->pid = clone_process(&instance->group, &instance->process_fd);
    }
    if (instance->pid == 0)
        sandbox_run(spec);
    int reason = errno;
    close(ends.status[1]);
    close(ends.output[1]);
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        close_if_open(spec->gates[i]);
    errno = reason;
    if (instance->pid < 0) {
        give_up(instance, &ends, step);
        return;
    }
    watch(instance->process_fd, &instance->process_source);
    watch(instance->status_fd, &instance->status_source);
    if (!let_go(instance))
        end_process(instance);
    else
        watch_sandboxes(WATCHDOG_EVERY_MS);
}

static void spawn(struct channel *channel, size_t len)
{
    struct launcher_request request;
    memcpy(&request, launcher.buffer, sizeof(request));
    const char *body = launcher.buffer + sizeof(request);
    size_t body_len = len - sizeof(request);
    char code[NAME_MAX + 1];

    if (request.code_len > NAME_MAX || request.code_len > body_len ||
        request.environment_len > body_len - request.code_len) {
        send_failed(channel, request.id, "malformed request");
        return;
    }
    snprintf(code, sizeof(code), "%.*s", (int)request.code_len, body);
    if (code[0] == '\0' || code[0] == '.' || strchr(code, '/')) {
        send_failed(channel, request.id, "not the name of a folder");
        return;
    }
    struct sandbox_spec spec = {
        .is_sandboxed = launcher.is_sandboxed,
        .machine = &launcher.machine,
        .functions_dir = launcher.functions_dir,
        .code = code,
        .runtime = request.runtime,
        .environment = str_make(body + request.code_len, request.environment_len),
        .gates = {-1, -1, -1},
        .memory_mb = request.memory_mb,
        .tmp_mb = request.tmp_mb,
    };
    start(channel, request.id, &spec);
}

/* --- Channels --- */

static void close_channel(struct channel *channel)
{
    while (channel->instances) {
        struct instance *instance = channel->instances;
        end_process(instance);
        instance_ended(&instance->process_source);
    }
    struct channel **at = &launcher.channels;
    while (*at != channel)
        at = &(*at)->next;
    *at = channel->next;
    close_watched(channel->socket);
    free(channel);
}

static void channel_ready(struct source *source)
{
    struct channel *channel = (struct channel *)source;
    struct launcher_request request;
    int fds[PACKET_MAX_FDS];
    ssize_t len = packet_receive(channel->socket, launcher.buffer, sizeof(launcher.buffer), fds);
    if (len < (ssize_t)sizeof(request)) {
        close_channel(channel);
        return;
    }
    memcpy(&request, launcher.buffer, sizeof(request));
    if (request.kind == REQUEST_SPAWN)
        spawn(channel, (size_t)len);
}

static void open_channel(int socket)
{
    struct channel *channel = calloc(1, sizeof(*channel));
    if (!channel)
        abort();
    channel->source.ready = channel_ready;
    channel->socket = socket;
    channel->next = launcher.channels;
    launcher.channels = channel;
    watch(socket, &channel->source);
}

/* --- The main socket --- */

static _Noreturn void quit(void)
{
    while (launcher.channels)
        close_channel(launcher.channels);
    cgroup_parent_release(&launcher.groups);
    _exit(0);
}

/* Without sandboxes the runtime clients are ordinary files. */
static bool install_plain(const char *functions_dir, char *what, size_t size)
{
    char folder[PATH_MAX + 16];
    sandbox_plain_runtime(functions_dir, folder, sizeof(folder));
    if (runtime_install(folder))
        return true;
    snprintf(what, size, "cannot write the runtime clients: %s", strerror(errno));
    return false;
}

static void configure(const char *functions_dir)
{
    struct configure_reply reply = {.is_ok = true};
    snprintf(launcher.functions_dir, sizeof(launcher.functions_dir), "%s", functions_dir);
    cgroup_parent_init(&launcher.groups);
    launcher.machine.has_memory_groups = cgroup_has(&launcher.groups, CGROUP_MEMORY);
    launcher.machine.has_cpu_groups = cgroup_has(&launcher.groups, CGROUP_CPU);
    if (launcher.is_sandboxed)
        reply.is_ok =
            sandbox_prepare(functions_dir, &launcher.machine, reply.message, sizeof(reply.message));
    else
        reply.is_ok = install_plain(functions_dir, reply.message, sizeof(reply.message));
    if (reply.is_ok && launcher.is_sandboxed && !guard_prepare(&launcher.machine)) {
        reply.is_ok = false;
        snprintf(reply.message, sizeof(reply.message), "cannot build the system call filter");
    }
    reply.has_memory_groups = launcher.machine.has_memory_groups;
    reply.has_cpu_groups = launcher.machine.has_cpu_groups;
    reply.has_own_users = launcher.machine.is_root;
    packet_send(launcher.socket, str_make((const char *)&reply, sizeof(reply)), STR_EMPTY, NULL, 0);
}

static void socket_ready(struct source *source)
{
    (void)source;
    struct launcher_request request;
    char folder[PATH_MAX];
    int fds[PACKET_MAX_FDS];
    ssize_t len = packet_receive(launcher.socket, launcher.buffer, sizeof(launcher.buffer), fds);
    if (len < (ssize_t)sizeof(request))
        quit();
    memcpy(&request, launcher.buffer, sizeof(request));
    if (request.kind == REQUEST_OPEN && fds[0] >= 0) {
        open_channel(fds[0]);
    } else if (request.kind == REQUEST_CONFIGURE) {
        snprintf(folder, sizeof(folder), "%.*s", (int)((size_t)len - sizeof(request)),
                 launcher.buffer + sizeof(request));
        configure(folder);
    }
}

/* The server has ended, or someone asks us to. */
static void signal_ready(struct source *source)
{
    (void)source;
    quit();
}

/* Root can give each sandbox an id of its own, unless it is root of a container to which only a few
 * ids belong. */
static bool has_host_ids(void)
{
    FILE *file = geteuid() == 0 ? fopen("/proc/self/uid_map", "re") : NULL;
    unsigned long inside, outside, count;
    bool is_found = false;
    while (file && !is_found && fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3)
        is_found = inside <= HOST_ID_FIRST && HOST_ID_FIRST + HOST_ID_COUNT <= inside + count;
    if (file)
        fclose(file);
    return is_found;
}

/* Nothing that the parent had open may live on here, except standard error. */
static void keep_only(int socket)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    if (socket > 3)
        close_range(3, (unsigned)socket - 1, 0);
    close_range((unsigned)socket + 1, ~0U, 0);
}

static void reset_signals(void)
{
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_SETMASK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

void launcher_detach(int socket, const char *name)
{
    reset_signals();
    keep_only(socket);
    /* Away from the terminal's group: its signals are the server's to handle. */
    setsid();
    umask(022); /* as functions have it on AWS; the server's would close their files to them */
    prctl(PR_SET_NAME, name);
}

void launcher_keeper(int socket, bool is_sandboxed)
{
    char byte;
    int fds[PACKET_MAX_FDS];
    launcher_detach(socket, "skylite-keeper");
    signal(SIGCHLD, SIG_IGN); /* whose launchers have ended, the server sees */
    while (packet_receive(socket, &byte, sizeof(byte), fds) > 0) {
        if (fds[0] >= 0 && fork() == 0)
            launcher_process(fds[0], is_sandboxed);
        close_if_open(fds[0]);
    }
    _exit(0);
}

void launcher_process(int socket, bool is_sandboxed)
{
    struct rlimit files;
    launcher_detach(socket, "skylite-launch");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }

    launcher.socket = socket;
    launcher.is_sandboxed = is_sandboxed;
    launcher.machine.is_root = has_host_ids();
    launcher.epoll = epoll_create1(EPOLL_CLOEXEC);
    launcher.socket_source.ready = socket_ready;
    launcher.signal_source.ready = signal_ready;
    launcher.timer_source.ready = timer_ready;
    launcher.watch_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (!watch(socket, &launcher.socket_source) ||
        !watch(open_signals(), &launcher.signal_source) ||
        !watch(launcher.watch_timer, &launcher.timer_source))
        _exit(1);
    while (true) {
        /* One at a time: a handler may free what another event is about. */
        struct epoll_event event;
        if (epoll_wait(launcher.epoll, &event, 1, -1) == 1) {
            struct source *source = event.data.ptr;
            source->ready(source);
        }
    }
}
