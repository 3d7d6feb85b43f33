/* A bootstrap that tries what a function must not be able to do. PROBE in its environment names the
 * attempt; it prints what it saw and exits with 0 when it was contained. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

/* Reports an attempt and whether it was refused. */
static int refused(const char *what, int is_refused)
{
    printf("%s: %s\n", what, is_refused ? strerror(errno) : "ALLOWED");
    return !is_refused;
}

static int try_open(const char *path, int flags)
{
    return refused(path, open(path, flags, 0600) < 0);
}

static int probe_files(void)
{
    return try_open("/etc/shadow", O_RDONLY) | try_open("/root", O_RDONLY | O_DIRECTORY) |
           try_open("/code", O_RDONLY | O_DIRECTORY) | try_open("/proc/1/environ", O_RDONLY) |
           try_open("/proc/1/root", O_RDONLY) | try_open("/proc/1/mem", O_RDONLY) |
           try_open(variable("PROBE_PATH"), O_RDONLY);
}

static int probe_writing(void)
{
    int rc = try_open("/var/task/new", O_WRONLY | O_CREAT) |
             try_open("/var/task/bootstrap", O_WRONLY) | try_open("/usr/new", O_WRONLY | O_CREAT) |
             try_open("/etc/passwd", O_WRONLY) | try_open("/new", O_WRONLY | O_CREAT) |
             try_open("/dev/new", O_WRONLY | O_CREAT) |
             try_open("/usr/src/new", O_WRONLY | O_CREAT) |
             try_open("/usr/local/etc/new", O_WRONLY | O_CREAT) |
             try_open("/var/runtime/new", O_WRONLY | O_CREAT) |
             try_open("/var/runtime/python/bootstrap.py", O_WRONLY);
    int fd = open("/tmp/new", O_RDWR | O_CREAT, 0600);
    rc |= fd < 0 || write(fd, "x", 1) != 1;
    rc |= refused("grow a file in /tmp beyond its limit", posix_fallocate(fd, 0, 64 << 20) != 0);
    return rc;
}

static int probe_processes(void)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    int count = 0;
    while (dir && (entry = readdir(dir)))
        count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
    printf("%d processes, own number %d\n", count, (int)getpid());
    return count > 2 || getpid() > 9 || refused("kill the first process", kill(1, SIGKILL) == 0);
}

static int try_connect(const char *address, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, address, &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return refused(address, connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0);
}

static int probe_network(void)
{
    return try_connect("127.0.0.1", atoi(variable("PROBE_PORT"))) | try_connect("192.0.2.1", 80) |
           refused("vsock", socket(40, SOCK_STREAM, 0) < 0) |
           refused("packet socket", socket(AF_PACKET, SOCK_RAW, 0) < 0) |
           refused("raw socket", socket(AF_INET, SOCK_RAW, 1) < 0);
}

static int probe_calls(void)
{
    return refused("unshare", unshare(CLONE_NEWUSER) < 0) |
           refused("mount", mount("x", "/tmp", "tmpfs", 0, NULL) < 0) |
           refused("chroot", chroot("/tmp") < 0) |
           refused("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0) |
           refused("bpf", syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM) |
           refused("keyctl", syscall(SYS_keyctl, 0, 0) < 0 && errno == EPERM) |
           refused("io_uring", syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EPERM) |
           refused("clone", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) < 0);
}

static int probe_rights(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    int found = 0;
    while (file && fgets(line, sizeof(line), file)) {
        found += strncmp(line, "Uid:\t993\t993\t993\t993", 20) == 0;
        found += strncmp(line, "CapEff:\t0000000000000000", 24) == 0;
        found += strncmp(line, "CapPrm:\t0000000000000000", 24) == 0;
        found += strncmp(line, "CapBnd:\t0000000000000000", 24) == 0;
        found += strncmp(line, "NoNewPrivs:\t1", 13) == 0;
        found += strncmp(line, "Seccomp:\t2", 10) == 0;
    }
    printf("%d of 6 as they should be\n", found);
    return found != 6;
}

static int probe_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    int count = 0;
    while (dir && (entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    printf("%d descriptors\n", count);
    return count != 4; /* three, and the folder's own */
}

static int probe_fork(void)
{
    int count = 0;
    pid_t pid;
    while ((pid = fork()) > 0)
        count++;
    if (pid == 0)
        pause();
    printf("%d forks\n", count);
    return count > 1024;
}

static int probe_memory(void)
{
    size_t size = 512 << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 9;
    for (size_t i = 0; i < size; i += 4096)
        memory[i] = 1;
    return 0;
}

/* Connects to an address of the form "[http://]127.0.0.1:port" and sends a word. */
static int send_word(const char *address, const char *word)
{
    const char *port = strrchr(address, ':');
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_port = htons((uint16_t)atoi(port ? port + 1 : "0"));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
        return 1;
    return write(fd, word, strlen(word)) < 0;
}

static int probe_connect(void)
{
    int rc = send_word(variable("AWS_LAMBDA_RUNTIME_API"), "api") |
             send_word(variable("AWS_ENDPOINT_URL"), "endpoint");
    pause();
    return rc;
}

static int probe_environment(void)
{
    extern char **environ;
    for (char **entry = environ; *entry; entry++)
        puts(*entry);
    return 0;
}

static int probe_sleep(void)
{
    puts("asleep");
    fflush(stdout);
    if (fork() == 0)
        setpgid(0, 0);
    pause();
    return 0;
}

static int probe_exit(void)
{
    return 7;
}

static int probe_abort(void)
{
    abort();
}

static const struct {
    const char *name;
    int (*run)(void);
} probes[] = {
    {"files", probe_files},
    {"writing", probe_writing},
    {"processes", probe_processes},
    {"network", probe_network},
    {"calls", probe_calls},
    {"rights", probe_rights},
    {"descriptors", probe_descriptors},
    {"fork", probe_fork},
    {"memory", probe_memory},
    {"connect", probe_connect},
    {"environment", probe_environment},
    {"sleep", probe_sleep},
    {"exit", probe_exit},
    {"abort", probe_abort},
};

int main(void)
{
    for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++) {
        if (strcmp(probes[i].name, variable("PROBE")) == 0)
            return probes[i].run();
    }
    return 99;
}
