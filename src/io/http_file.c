/* Files without a name. They lie in the page cache of the kernel, which writes them out when it
 * needs the memory; nothing is left of them when the process ends. */
#include "io/http_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LEFT_FREE_MB = 64, LEFT_FREE_PART = 8 /* of a small disk */ };

/* The store needs the disk more. */
static bool has_room(const struct http_spill *spill)
{
    struct statvfs disk;
    if (fstatvfs(spill->dir_fd, &disk))
        return false;
    uint64_t free_mb = (uint64_t)disk.f_bavail * disk.f_frsize / (1024 * 1024);
    return free_mb >= LEFT_FREE_MB || disk.f_bavail >= disk.f_blocks / LEFT_FREE_PART;
}

/* For file systems without O_TMPFILE. */
static int open_and_unlink(int dir_fd)
{
    static atomic_uint serial;
    char name[64];
    snprintf(name, sizeof(name), ".spill-%d-%u", getpid(), atomic_fetch_add(&serial, 1));
    int fd = openat(dir_fd, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        unlinkat(dir_fd, name, 0);
    return fd;
}

bool http_file_open(struct http_file *file, const struct http_spill *spill)
{
    if (!has_room(spill))
        return false;
    int fd = openat(spill->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
        fd = open_and_unlink(spill->dir_fd);
    if (fd < 0)
        return false;
    *file = (struct http_file){.spill = spill, .fd = fd};
    return true;
}

bool http_file_add(struct http_file *file, struct str bytes)
{
    if (!budget_claim(file->spill->disk, bytes.len, BUDGET_SMALL))
        return false;
    uint64_t at = file->size;
    file->size += bytes.len;
    while (bytes.len) {
        ssize_t written = pwrite(file->fd, bytes.ptr, bytes.len, (off_t)at);
        if (written <= 0)
            return false;
        at += (size_t)written;
        bytes = str_slice(bytes, (size_t)written, bytes.len);
    }
    return true;
}

struct str http_file_map(struct http_file *file)
{
    void *map = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file->fd, 0);
    if (map == MAP_FAILED)
        return (struct str){NULL, 0};
    file->map = map;
    return str_make(map, file->size);
}

size_t http_file_read(const struct http_file *file, uint64_t at, char *to, size_t max)
{
    ssize_t got = pread(file->fd, to, max, (off_t)at);
    return got > 0 ? (size_t)got : 0;
}

void http_file_close(struct http_file *file)
{
    if (!http_file_is_open(file))
        return;
    if (file->map)
        munmap(file->map, file->size);
    close(file->fd);
    budget_give(file->spill->disk, file->size);
    *file = (struct http_file){0};
}
