/* Attempts of a hostile function: to leave its sandbox, and to take more than its part. */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

enum { PAGE = 4096 };
#define MB (1024 * 1024L)

struct arguments {
    int64_t number;
    const char *path;
};

/* --- Calls that are refused: below 0 with errno set, else it worked --- */

#define SIMPLE(name, call)                                                                         \
    static long name(const struct arguments *arguments)                                            \
    {                                                                                              \
        (void)arguments;                                                                           \
        return (long)(call);                                                                       \
    }

static const int one_pid = 1;

SIMPLE(try_unshare_user, unshare(CLONE_NEWUSER))
SIMPLE(try_unshare_mounts, unshare(CLONE_NEWNS))
SIMPLE(try_clone_user, syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL))
SIMPLE(try_clone3, syscall(SYS_clone3, NULL, 0))
SIMPLE(try_setns, setns(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), 0))
SIMPLE(try_mount, syscall(SYS_mount, "tmp", "/tmp", "tmpfs", 0, NULL))
SIMPLE(try_remount, syscall(SYS_mount, NULL, "/proc", NULL, 4128 /* bind, remount */, NULL))
SIMPLE(try_umount, syscall(SYS_umount2, "/proc", 2))
SIMPLE(try_pivot_root, syscall(SYS_pivot_root, ".", "."))
SIMPLE(try_chroot, chroot("/tmp"))
SIMPLE(try_fsopen, syscall(430 /* fsopen */, "tmpfs", 0))
SIMPLE(try_open_tree, syscall(428 /* open_tree */, AT_FDCWD, "/proc", 1))
SIMPLE(try_file_handle, syscall(SYS_name_to_handle_at, AT_FDCWD, "/", NULL, NULL, 0))
SIMPLE(try_keyctl, syscall(SYS_keyctl, 0, -3, 1))
SIMPLE(try_add_key, syscall(SYS_add_key, "user", "x", "y", 1, -3))
SIMPLE(try_bpf, syscall(SYS_bpf, 0, NULL, 0))
SIMPLE(try_perf, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0))
SIMPLE(try_io_uring, syscall(425 /* io_uring_setup */, 1, NULL))
SIMPLE(try_userfaultfd, syscall(SYS_userfaultfd, 0))
SIMPLE(try_ptrace_init, ptrace(PTRACE_ATTACH, one_pid, NULL, NULL))
SIMPLE(try_read_init, syscall(SYS_process_vm_readv, one_pid, NULL, 0, NULL, 0, 0))
SIMPLE(try_prlimit_init, syscall(SYS_prlimit64, one_pid, RLIMIT_NOFILE, NULL, &(struct rlimit){0}))
SIMPLE(try_take_descriptor, syscall(438 /* pidfd_getfd */, 0, 0, 0))
SIMPLE(try_packet_socket, socket(AF_PACKET, SOCK_RAW, 0))
SIMPLE(try_raw_socket, socket(AF_INET, SOCK_RAW, 1))
SIMPLE(try_raw6_socket, socket(AF_INET6, SOCK_RAW, 58))
SIMPLE(try_vsock, socket(AF_VSOCK, SOCK_STREAM, 0))
SIMPLE(try_alg_socket, socket(AF_ALG, SOCK_SEQPACKET, 0))
SIMPLE(try_sctp_socket, socket(AF_INET, SOCK_STREAM, 132))
SIMPLE(try_audit, socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT))
SIMPLE(try_netfilter, socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER))
SIMPLE(try_setuid, setuid(0))
SIMPLE(try_setgid, setgid(0))
SIMPLE(try_setgroups, syscall(SYS_setgroups, 1, &(gid_t){0}))
SIMPLE(try_mknod, mknod("/tmp/mem", S_IFCHR | 0600, 0x101))
SIMPLE(try_nice, setpriority(PRIO_PROCESS, 0, -20))
SIMPLE(try_realtime, sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}))
SIMPLE(try_schedule, syscall(SYS_sched_setattr, 0, NULL, 0))
SIMPLE(try_hostname, sethostname("x", 1))
SIMPLE(try_clock, clock_settime(CLOCK_REALTIME, &(struct timespec){0}))
SIMPLE(try_reboot, syscall(SYS_reboot, 0, 0, 0, NULL))
SIMPLE(try_kernel_log, syscall(SYS_syslog, 3, NULL, 0))
SIMPLE(try_module, syscall(SYS_init_module, NULL, 0, ""))
SIMPLE(try_kexec, syscall(SYS_kexec_load, 0, 0, NULL, 0))
SIMPLE(try_swap, syscall(SYS_swapon, "/tmp/x", 0))
SIMPLE(try_type_ahead, ioctl(STDIN_FILENO, TIOCSTI, "x"))
SIMPLE(try_terminal_paste, ioctl(STDIN_FILENO, TIOCLINUX, "\3"))
SIMPLE(try_personality, syscall(SYS_personality, 0x0040000 /* no random addresses */))
SIMPLE(try_lock_memory, mlock(calloc(64, MB), 64 * MB))
SIMPLE(try_unknown_call, syscall(1000))
SIMPLE(try_message_queue, mq_open("/x", O_CREAT | O_RDWR, 0600, NULL))
SIMPLE(try_fanotify, syscall(SYS_fanotify_init, 0, 0))

static long try_more_files(const struct arguments *arguments)
{
    (void)arguments;
    struct rlimit files = {1 << 20, 1 << 20};
    return setrlimit(RLIMIT_NOFILE, &files);
}

static long try_core(const struct arguments *arguments)
{
    (void)arguments;
    struct rlimit core = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_CORE, &core);
}

static long try_capabilities(const struct arguments *arguments)
{
    (void)arguments;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[2] = {{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
    return syscall(SYS_capset, &header, all);
}

/* A socket of the machine's in the abstract name space, which is the network namespace's. */
static long try_abstract_socket(const struct arguments *arguments)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    snprintf(where.sun_path + 1, sizeof(where.sun_path) - 1, "%s", arguments->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1);
    return connect(fd, (struct sockaddr *)&where, size + (socklen_t)strlen(arguments->path));
}

/* --- What is taken, until no more is given: how much --- */

static void touch(char *bytes, int64_t size)
{
    for (int64_t i = 0; i < size; i += PAGE)
        *(volatile char *)(bytes + i) = 1;
}

static long map_and_touch(int flags, int fd, int64_t size)
{
    char *bytes = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (bytes == MAP_FAILED)
        return -1;
    touch(bytes, size);
    return (long)(size / MB);
}

static long take_shared(const struct arguments *arguments)
{
    return map_and_touch(MAP_SHARED | MAP_ANONYMOUS, -1, arguments->number * MB);
}

static long take_zero_device(const struct arguments *arguments)
{
    int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
    return fd < 0 ? -1 : map_and_touch(MAP_SHARED, fd, arguments->number * MB);
}

static long take_memfd(const struct arguments *arguments)
{
    int fd = memfd_create("x", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, arguments->number * MB))
        return -1;
    return map_and_touch(MAP_SHARED, fd, arguments->number * MB);
}

static long take_sysv(const struct arguments *arguments)
{
    int id = shmget(IPC_PRIVATE, (size_t)(arguments->number * MB), IPC_CREAT | 0600);
    char *bytes = id < 0 ? MAP_FAILED : shmat(id, NULL, 0);
    if (bytes == MAP_FAILED)
        return -1;
    touch(bytes, arguments->number * MB);
    return arguments->number;
}

static long take_semaphores(const struct arguments *arguments)
{
    long taken = 0;
    while (taken < arguments->number && semget(IPC_PRIVATE, 32000, IPC_CREAT | 0600) >= 0)
        taken++;
    return taken ? taken : -1;
}

static long take_queues(const struct arguments *arguments)
{
    long taken = 0;
    while (taken < arguments->number && msgget(IPC_PRIVATE, IPC_CREAT | 0600) >= 0)
        taken++;
    return taken ? taken : -1;
}

/* Many processes that each stay below the limit of one. */
static long take_in_processes(const struct arguments *arguments)
{
    int64_t size = 64 * MB;
    for (int64_t i = 0; i < arguments->number; i++) {
        if (fork() == 0) {
            map_and_touch(MAP_PRIVATE | MAP_ANONYMOUS, -1, size);
            pause();
        }
    }
    sleep(8);
    return arguments->number * 64;
}

/* Reads a page of each 2 MB of nothing: each takes a page of the process's page table. */
static long take_page_tables(const struct arguments *arguments)
{
    size_t step = 2 * MB, size = (size_t)arguments->number * MB / PAGE * step;
    char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED)
        return -1;
    for (size_t i = 0; i < size; i += step)
        (void)*(volatile char *)(bytes + i);
    sleep(4);
    return (long)arguments->number;
}

static void *wait_for_lock(void *lock)
{
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

static long take_threads(const struct arguments *arguments)
{
    static pthread_t threads[5000];
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_attr_t small;
    long taken = 0;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 * 1024);
    pthread_mutex_lock(&lock);
    while (taken < arguments->number &&
           pthread_create(&threads[taken], &small, wait_for_lock, &lock) == 0)
        taken++;
    pthread_mutex_unlock(&lock);
    for (long i = 0; i < taken; i++)
        pthread_join(threads[i], NULL);
    return taken;
}

/* Closes them again: the instance serves on. */
static long take_descriptors(int64_t number, int (*open_one)(void))
{
    int first = -1, last = -1;
    long taken = 0;
    while (taken < number && (last = open_one()) >= 0) {
        if (first < 0)
            first = last;
        taken++;
    }
    if (first >= 0)
        close_range((unsigned)first, ~0U, 0);
    return taken;
}

static int open_null(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int open_inotify(void)
{
    return inotify_init1(IN_CLOEXEC);
}

static long take_files(const struct arguments *arguments)
{
    return take_descriptors(arguments->number, open_null);
}

static long take_inotify(const struct arguments *arguments)
{
    return take_descriptors(arguments->number, open_inotify);
}

static long take_signals(const struct arguments *arguments)
{
    sigset_t set;
    long taken = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    while (taken < arguments->number && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0)
        taken++;
    signal(SIGRTMIN, SIG_IGN); /* throws away those that wait */
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return taken;
}

static long fill(const struct arguments *arguments)
{
    char path[256];
    long taken = 0;
    snprintf(path, sizeof(path), "%s/fill", arguments->path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    while (taken < arguments->number && fallocate(fd, 0, taken * MB, MB) == 0)
        taken++;
    close(fd);
    unlink(path);
    return taken;
}

static long count_inodes(const struct arguments *arguments)
{
    struct statvfs files;
    return statvfs(arguments->path, &files) ? -1 : (long)files.f_files;
}

enum { AT_ONCE = 250 }; /* SCM_MAX_FD is 253 */

static bool send_many(int socket, int count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * AT_ONCE)];
    } control = {0};
    char byte = 0;
    struct iovec part = {&byte, 1};
    size_t size = sizeof(int) * (size_t)count;
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = CMSG_SPACE(size)};
    control.header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(size)};
    int *fds = (int *)(void *)CMSG_DATA(&control.header);
    for (int i = 0; i < count; i++)
        fds[i] = STDIN_FILENO;
    return sendmsg(socket, &message, MSG_DONTWAIT) >= 0;
}

/* Descriptors that were sent and are received by nobody, for as long as the instance lives. */
static long take_in_flight(const struct arguments *arguments)
{
    long taken = 0;
    int pair[2] = {-1, -1};
    while (taken < arguments->number) {
        if (pair[0] >= 0 && send_many(pair[0], AT_ONCE)) {
            taken += AT_ONCE;
            continue;
        }
        if (errno == ETOOMANYREFS || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
            break;
    }
    return taken;
}

/* Busy loops for two seconds: `number` processes, each in a session of its own where it is let. */
static long spin(const struct arguments *arguments)
{
    time_t until = time(NULL) + 2;
    long taken = 0;
    for (; taken < arguments->number; taken++) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        if (pid == 0) {
            setsid();
            while (time(NULL) < until)
                continue;
            _exit(0);
        }
    }
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    return taken;
}

/* --- Signals --- */

static long kill_all(const struct arguments *arguments)
{
    return kill(-1, (int)arguments->number);
}

/* The sandbox's first process; the kernel gives it no signal that it does not handle. */
static long kill_init(const struct arguments *arguments)
{
    kill(1, (int)arguments->number);
    usleep(100 * 1000);
    return kill(1, 0);
}

/* How many processes it sees below /proc. */
static long count_processes(const struct arguments *arguments)
{
    char path[64];
    long seen = 0;
    for (int64_t pid = 1; pid <= arguments->number; pid++) {
        snprintf(path, sizeof(path), "/proc/%lld", (long long)pid);
        seen += access(path, F_OK) == 0 || kill((pid_t)pid, 0) == 0;
    }
    return seen;
}

static const struct {
    const char *name;
    long (*run)(const struct arguments *arguments);
} attempts[] = {
    {"unshare user", try_unshare_user},
    {"unshare mounts", try_unshare_mounts},
    {"clone user", try_clone_user},
    {"clone3", try_clone3},
    {"setns", try_setns},
    {"mount", try_mount},
    {"remount /proc", try_remount},
    {"umount", try_umount},
    {"pivot_root", try_pivot_root},
    {"chroot", try_chroot},
    {"fsopen", try_fsopen},
    {"open_tree", try_open_tree},
    {"file handle", try_file_handle},
    {"keyctl", try_keyctl},
    {"add_key", try_add_key},
    {"bpf", try_bpf},
    {"perf", try_perf},
    {"io_uring", try_io_uring},
    {"userfaultfd", try_userfaultfd},
    {"fanotify", try_fanotify},
    {"ptrace init", try_ptrace_init},
    {"read init", try_read_init},
    {"prlimit init", try_prlimit_init},
    {"pidfd_getfd", try_take_descriptor},
    {"packet socket", try_packet_socket},
    {"raw socket", try_raw_socket},
    {"raw6 socket", try_raw6_socket},
    {"vsock", try_vsock},
    {"alg socket", try_alg_socket},
    {"sctp socket", try_sctp_socket},
    {"audit", try_audit},
    {"netfilter", try_netfilter},
    {"abstract socket", try_abstract_socket},
    {"setuid", try_setuid},
    {"setgid", try_setgid},
    {"setgroups", try_setgroups},
    {"capabilities", try_capabilities},
    {"mknod", try_mknod},
    {"nice", try_nice},
    {"realtime", try_realtime},
    {"sched_setattr", try_schedule},
    {"hostname", try_hostname},
    {"clock", try_clock},
    {"reboot", try_reboot},
    {"kernel log", try_kernel_log},
    {"module", try_module},
    {"kexec", try_kexec},
    {"swap", try_swap},
    {"type ahead", try_type_ahead},
    {"terminal paste", try_terminal_paste},
    {"personality", try_personality},
    {"lock memory", try_lock_memory},
    {"unknown call", try_unknown_call},
    {"message queue", try_message_queue},
    {"more files", try_more_files},
    {"core", try_core},
    {"take shared", take_shared},
    {"take zero device", take_zero_device},
    {"take memfd", take_memfd},
    {"take sysv", take_sysv},
    {"take semaphores", take_semaphores},
    {"take queues", take_queues},
    {"take in processes", take_in_processes},
    {"take page tables", take_page_tables},
    {"take threads", take_threads},
    {"take files", take_files},
    {"take inotify", take_inotify},
    {"take signals", take_signals},
    {"take in flight", take_in_flight},
    {"fill", fill},
    {"inodes", count_inodes},
    {"spin", spin},
    {"kill all", kill_all},
    {"kill init", kill_init},
    {"count processes", count_processes},
};

bool escape_try(struct str name, int64_t number, const char *path, char *text, size_t size)
{
    const struct arguments arguments = {number, path};
    for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
        if (!str_eq(name, str_from(attempts[i].name)))
            continue;
        errno = 0;
        long got = attempts[i].run(&arguments);
        if (got < 0)
            snprintf(text, size, "refused: %s", strerror(errno));
        else
            snprintf(text, size, "%ld", got);
        return true;
    }
    return false;
}
