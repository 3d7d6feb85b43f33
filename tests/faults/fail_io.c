/* Preloaded into the server: a disk that fails on command. While the file $FAIL_IO_ORDER is there,
 * the calls that it names ("fdatasync write") fail with EIO on files below $FAIL_IO_BELOW. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

int fail_io_fsync(int fd) __asm__("fsync");
int fail_io_fdatasync(int fd) __asm__("fdatasync");
ssize_t fail_io_write(int fd, const void *bytes, size_t len) __asm__("write");
ssize_t fail_io_pwrite(int fd, const void *bytes, size_t len, off_t at) __asm__("pwrite64");

static bool is_below(int fd)
{
    char link[64], path[PATH_MAX];
    const char *below = getenv("FAIL_IO_BELOW");
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    path[len > 0 ? len : 0] = '\0';
    return below && strncmp(path, below, strlen(below)) == 0;
}

static bool must_fail(int fd, const char *call)
{
    char order[128];
    const char *path = getenv("FAIL_IO_ORDER");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return false;
    ssize_t len = read(file, order, sizeof(order) - 1);
    close(file);
    order[len > 0 ? len : 0] = '\0';
    if (!strstr(order, call) || !is_below(fd))
        return false;
    errno = EIO;
    return true;
}

int fail_io_fsync(int fd)
{
    return must_fail(fd, "fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int fail_io_fdatasync(int fd)
{
    return must_fail(fd, "fdatasync") ? -1 : (int)syscall(SYS_fdatasync, fd);
}

ssize_t fail_io_write(int fd, const void *bytes, size_t len)
{
    return must_fail(fd, "write") ? -1 : syscall(SYS_write, fd, bytes, len);
}

ssize_t fail_io_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return must_fail(fd, "write") ? -1 : syscall(SYS_pwrite64, fd, bytes, len, at);
}
