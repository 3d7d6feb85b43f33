/* The root folder of sandboxes: a read-only tree that the launcher builds once and every sandbox
 * inherits, and the few mounts that each sandbox adds. */
#include "services/lambda/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the launcher's own root is put together; what is there is hidden from the launcher only. */
#define SCRATCH "/tmp"

/* System folders that are shared read-only. Symbolic links are made again as links. */
static const char *const system_folders[] = {"usr",   "bin",   "sbin",  "lib",
                                             "lib32", "lib64", "libx32"};

static const struct {
    const char *path;
    const char *text;
} etc_files[] = {
    {"root/etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\n"
                        "sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n"
                        /* Whom the code belongs to, as the sandbox's user namespace shows it. */
                        "nobody:x:65534:65534:nobody:/:/sbin/nologin\n"},
    {"root/etc/group", "root:x:0:\nsbx_user1051:x:990:\nnobody:x:65534:\n"},
    {"root/etc/hosts", "127.0.0.1 localhost localhost.localdomain\n::1 localhost\n"},
    {"root/etc/resolv.conf", ""},
    {"root/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"},
};

/* Shared when the machine has them: what programs need to find libraries and to trust TLS peers. */
static const char *const etc_shared[] = {"ld.so.cache", "ssl/certs", "ssl/openssl.cnf",
                                         "alternatives", "pki/tls/certs"};

static const char *const devices[] = {"null", "zero", "full", "random", "urandom"};

static const char *const folders[] = {
    "code",
    "proc",
    "empty",
    "root",
    "root/dev",
    "root/proc",
    "root/tmp",
    "root/opt",
    "root/var",
    "root/home",
    "root/etc/ssl",
    "root/etc/pki",
    "root/etc/pki/tls",
    "root/var/tmp",
    "root/var/task",
};

/* What administrators put below the system folders for programs of their own: hidden. */
static const char *const hidden_folders[] = {"root/usr/etc", "root/usr/local/etc", "root/usr/src",
                                             "root/usr/local/src"};

static bool set_flags(const char *path, uint64_t flags, bool is_recursive)
{
    struct {
        uint64_t set, clear, propagation, userns_fd;
    } attr = {.set = flags};
    return syscall(SYS_mount_setattr, AT_FDCWD, path, is_recursive ? 0x8000 /* AT_RECURSIVE */ : 0,
                   &attr, sizeof(attr)) == 0;
}

/* struct mount_attr's flags; linux/mount.h and sys/mount.h do not go together everywhere. */
enum { ATTR_RDONLY = 1, ATTR_NOSUID = 2, ATTR_NODEV = 4, ATTR_NOEXEC = 8 };

static bool make_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    bool is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    return close(fd) == 0 && is_written;
}

/* Binds `from`, a file or a folder, to `to`, which is made. A missing `from` is no failure. */
static bool share(const char *from, const char *to, uint64_t flags)
{
    struct stat stat;
    if (lstat(from, &stat))
        return errno == ENOENT;
    if (S_ISLNK(stat.st_mode)) {
        char target[PATH_MAX];
        ssize_t len = readlink(from, target, sizeof(target) - 1);
        target[len > 0 ? len : 0] = '\0';
        return symlink(target, to) == 0;
    }
    bool is_made = S_ISDIR(stat.st_mode) ? mkdir(to, 0755) == 0 : make_file(to, "");
    return is_made && mount(from, to, NULL, MS_BIND | MS_REC, NULL) == 0 &&
           set_flags(to, flags, true);
}

static bool share_system(void)
{
    char from[64], to[64];
    for (size_t i = 0; i < sizeof(system_folders) / sizeof(*system_folders); i++) {
        snprintf(from, sizeof(from), "/%s", system_folders[i]);
        snprintf(to, sizeof(to), "root/%s", system_folders[i]);
        if (!share(from, to, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV))
            return false;
    }
    return true;
}

static bool hide(void)
{
    for (size_t i = 0; i < sizeof(hidden_folders) / sizeof(*hidden_folders); i++) {
        struct stat stat;
        if (lstat(hidden_folders[i], &stat) || !S_ISDIR(stat.st_mode))
            continue;
        if (mount("empty", hidden_folders[i], NULL, MS_BIND, NULL) ||
            !set_flags(hidden_folders[i], ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, false))
            return false;
    }
    return true;
}

static bool share_etc(void)
{
    char from[64], to[64];
    for (size_t i = 0; i < sizeof(etc_files) / sizeof(*etc_files); i++) {
        if (!make_file(etc_files[i].path, etc_files[i].text))
            return false;
    }
    for (size_t i = 0; i < sizeof(etc_shared) / sizeof(*etc_shared); i++) {
        snprintf(from, sizeof(from), "/etc/%s", etc_shared[i]);
        snprintf(to, sizeof(to), "root/etc/%s", etc_shared[i]);
        if (!share(from, to, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC))
            return false;
    }
    return true;
}

/* Mapped shared, /dev/zero is memory that belongs to no process: there must be something that
 * counts it, or Landlock that keeps it from being written. */
static bool share_devices(const struct sandbox_machine *machine)
{
    char from[64], to[64];
    bool has_zero = machine->has_memory_groups || guard_has_landlock();
    for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
        if (!has_zero && strcmp(devices[i], "zero") == 0)
            continue;
        snprintf(from, sizeof(from), "/dev/%s", devices[i]);
        snprintf(to, sizeof(to), "root/dev/%s", devices[i]);
        if (!share(from, to, ATTR_NOSUID | ATTR_NOEXEC))
            return false;
    }
    return symlink("/proc/self/fd", "root/dev/fd") == 0 &&
           symlink("/proc/self/fd/0", "root/dev/stdin") == 0 &&
           symlink("/proc/self/fd/1", "root/dev/stdout") == 0 &&
           symlink("/proc/self/fd/2", "root/dev/stderr") == 0;
}

static bool make_folders(void)
{
    if (mkdir("root", 0755) || mkdir("root/etc", 0755))
        return false;
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        if (mkdir(folders[i], 0755) && errno != EEXIST)
            return false;
    }
    return true;
}

/* Fills the scratch folder, which is the working folder. */
static bool build(int functions_fd, const struct sandbox_machine *machine, const char **out_what)
{
    char functions[32];
    snprintf(functions, sizeof(functions), "/proc/self/fd/%d", functions_fd);

    *out_what = "make the sandbox's folders";
    if (!make_folders() || !share_etc())
        return false;
    *out_what = "share the functions folder";
    if (mount(functions, "code", NULL, MS_BIND, NULL) ||
        !set_flags("code", ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, false))
        return false;
    *out_what = "share /proc";
    if (mount("/proc", "proc", NULL, MS_BIND | MS_REC, NULL))
        return false;
    *out_what = "share the system's folders";
    if (!share_system() || !hide())
        return false;
    *out_what = "write the runtime clients";
    if (!runtime_install("root" SANDBOX_RUNTIME))
        return false;
    *out_what = "share devices";
    if (!share_devices(machine))
        return false;
    *out_what = "make the sandbox's root read-only";
    return set_flags(".", ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, false);
}

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return is_written;
}

/* An ordinary user gets the rights to mount by being root of a user namespace. */
static bool enter_namespaces(bool is_root)
{
    unsigned uid = geteuid(), gid = getegid();
    char uid_map[32], gid_map[32];
    if (is_root)
        return unshare(CLONE_NEWNS) == 0;

    /* Its own files below /proc are only open to it while it is "dumpable". */
    prctl(PR_SET_DUMPABLE, 1);
    snprintf(uid_map, sizeof(uid_map), "0 %u 1\n", uid);
    snprintf(gid_map, sizeof(gid_map), "0 %u 1\n", gid);
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
           write_text("/proc/self/setgroups", "deny") &&
           write_text("/proc/self/uid_map", uid_map) && write_text("/proc/self/gid_map", gid_map);
}

static bool prepare(const char *functions_dir, const struct sandbox_machine *machine,
                    const char **out_what)
{
    *out_what = "make namespaces";
    if (!enter_namespaces(machine->is_root) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return false;
    *out_what = "open the functions folder";
    int functions_fd = open(functions_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (functions_fd < 0)
        return false;

    *out_what = "mount the sandbox's root";
    bool is_done = mount("skylite", SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") == 0 &&
                   chdir(SCRATCH) == 0 && build(functions_fd, machine, out_what);
    close(functions_fd);
    if (!is_done)
        return false;

    /* The old root is stacked on the new one and taken off again: see pivot_root(2). */
    *out_what = "change the root";
    return syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 &&
           chdir("/") == 0;
}

bool sandbox_prepare(const char *functions_dir, const struct sandbox_machine *machine, char *what,
                     size_t size)
{
    const char *step = "";
    if (prepare(functions_dir, machine, &step))
        return true;
    snprintf(what, size, "cannot %s: %s", step, strerror(errno));
    return false;
}

bool root_enter(const struct sandbox_spec *spec, const char **out_what)
{
    char code[PATH_MAX], tmp_options[96];
    snprintf(code, sizeof(code), "/code/%s", spec->code);
    snprintf(tmp_options, sizeof(tmp_options), "mode=0700,uid=%d,gid=%d,size=%um,nr_inodes=65536",
             SANDBOX_UID, SANDBOX_GID, spec->tmp_mb);

    /* Mounts that come from the launcher's namespace are locked together, so the shared root is
     * bound once more, and that copy becomes the root. */
    *out_what = "bind the root";
    if (mount("/root", "/root", NULL, MS_BIND | MS_REC, NULL) || chdir("/root"))
        return false;
    *out_what = "bind the function's code";
    if (mount(code, "var/task", NULL, MS_BIND, NULL))
        return false;
    *out_what = "mount /tmp";
    if (mount("tmp", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, tmp_options))
        return false;
    *out_what = "mount /proc";
    if (mount("proc", "proc", "proc", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2"))
        return false;
    *out_what = "change the root";
    return syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 &&
           chdir("/var/task") == 0;
}
