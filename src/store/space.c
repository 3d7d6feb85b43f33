/* Free space and the reserve. */
#include "store/space.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    STEP_MIN_BYTES = 4 * 1024 * 1024,
    STEP_MAX_BYTES = 64 * 1024 * 1024,
    STEPS_OF_DISK = 16,
};

static uint64_t step_of(uint64_t total_bytes)
{
    uint64_t step = total_bytes / STEPS_OF_DISK;
    return step < STEP_MIN_BYTES ? STEP_MIN_BYTES : step > STEP_MAX_BYTES ? STEP_MAX_BYTES : step;
}

enum err space_open(const char *path, struct space *space, struct error *error)
{
    struct statvfs disk;
    struct stat file;
    *space = (struct space){.dir = -1, .reserve = -1};
    space->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (space->dir < 0 || fstatvfs(space->dir, &disk))
        goto failed;
    space->reserve = openat(space->dir, "reserve", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    /* A file system without a free inode may be read all the same. */
    if (space->reserve < 0 && errno != ENOSPC && errno != EDQUOT)
        goto failed;
    space->total_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
    space->step_bytes = step_of(space->total_bytes);
    space->is_held = space->reserve >= 0 && fstat(space->reserve, &file) == 0 &&
                     (uint64_t)file.st_blocks * 512 >= space->step_bytes;
    return OK;

failed:
    error_set(error, ERR_INTERNAL, "cannot use the folder %s: %s", path, strerror(errno));
    space_release(space);
    return ERR_INTERNAL;
}

void space_release(struct space *space)
{
    if (space->dir >= 0)
        close(space->dir);
    if (space->reserve >= 0)
        close(space->reserve);
    space->dir = space->reserve = -1;
}

uint64_t space_free(const struct space *space)
{
    struct statvfs disk;
    if (fstatvfs(space->dir, &disk))
        return 0;
    return (uint64_t)disk.f_bavail * disk.f_frsize;
}

uint64_t space_used(const struct space *space, const char *suffix)
{
    uint64_t total = 0;
    struct stat stat;
    struct dirent *entry;
    /* A descriptor of its own: a duplicate would share its place in the folder. */
    int fd = openat(space->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    while (dir && (entry = readdir(dir))) {
        size_t digits = strspn(entry->d_name, "0123456789");
        if (digits && strcmp(entry->d_name + digits, suffix) == 0 &&
            fstatat(space->dir, entry->d_name, &stat, 0) == 0)
            total += (uint64_t)stat.st_size;
    }
    if (dir)
        closedir(dir);
    return total;
}

void space_hold(struct space *space, uint64_t spare_bytes)
{
    if (space->is_held || space->reserve < 0 || space_free(space) < space->step_bytes + spare_bytes)
        return;
    /* Not posix_fallocate: where the file system cannot allocate, it would write zeros instead, and
     * such file systems (that copy on write) keep no room by them. */
    space->is_held = fallocate(space->reserve, 0, 0, (off_t)space->step_bytes) == 0;
    if (!space->is_held)
        space_give_up(space);
}

void space_give_up(struct space *space)
{
    space->is_held = false;
    /* What cannot be given up is simply not there. */
    if (space->reserve >= 0 && ftruncate(space->reserve, 0))
        return;
}
