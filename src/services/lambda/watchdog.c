/* Looking at what sandboxes hold. Two ways: the figures of the control group, or without one, those
 * of each process. */
#include "services/lambda/watchdog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KB ((uint64_t)1024)
#define MB (1024 * KB)

/* --- With a control group --- */

static uint64_t bytes_in_tmp(int folder)
{
    struct statfs tmp;
    if (fstatfs(folder, &tmp))
        return 0;
    return (uint64_t)(tmp.f_blocks - tmp.f_bfree) * (uint64_t)tmp.f_bsize;
}

static uint64_t held_by_group(const struct watchdog *watchdog, const struct cgroup_parent *groups,
                              const struct cgroup *group)
{
    if (!cgroup_is_above(groups, group, watchdog->memory_mb * MB))
        return 0;
    uint64_t held = cgroup_held(groups, group), tmp = bytes_in_tmp(watchdog->folder);
    return held > tmp ? held - tmp : 0;
}

/* --- Without one --- */

struct holdings {
    unsigned processes;
    unsigned descriptors;
    uint64_t bytes;
};

static bool read_text(int folder, unsigned long pid, const char *file, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "%lu/%s", pid, file);
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t len = read(fd, text, size - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    return len > 0;
}

/* "\nRssAnon:      1234 kB" */
static uint64_t figure(const char *text, const char *name)
{
    const char *found = strstr(text, name);
    return found ? strtoull(found + strlen(name), NULL, 10) * KB : 0;
}

/* Adds what a process holds. Page tables count, too: reading where nothing is takes no other
 * memory. With `is_exact` pages that several processes share since they were forked count once,
 * which the kernel has to walk all its pages for. */
static void add_process(int folder, unsigned long pid, bool is_exact, struct holdings *holdings)
{
    char text[4096], path[64];
    struct stat stat;
    if (!read_text(folder, pid, "status", text, sizeof(text)))
        return;
    uint64_t own = figure(text, "\nRssAnon:");
    uint64_t rest = figure(text, "\nVmPTE:") + figure(text, "\nVmSwap:");
    if (is_exact && read_text(folder, pid, "smaps_rollup", text, sizeof(text)))
        own = figure(text, "\nPss_Anon:");
    holdings->processes++;
    holdings->bytes += own + rest;
    /* Since Linux 6.2 the folder's size is how many there are. */
    snprintf(path, sizeof(path), "%lu/fd", pid);
    if (fstatat(folder, path, &stat, 0) == 0)
        holdings->descriptors += (unsigned)stat.st_size;
}

/* Walks the processes of the sandbox but the first, which is ours. */
static struct holdings held_by_processes(int folder, bool is_exact)
{
    struct holdings holdings = {0};
    struct {
        ino64_t ino;
        off64_t offset;
        unsigned short len;
        unsigned char type;
        char name[];
    } * entry;
    _Alignas(8) char block[8192];
    long len;
    lseek(folder, 0, SEEK_SET);
    while ((len = syscall(SYS_getdents64, folder, block, sizeof(block))) > 0) {
        for (long at = 0; at < len; at += entry->len) {
            entry = (void *)(block + at);
            unsigned long pid = strtoul(entry->name, NULL, 10);
            if (pid > 1)
                add_process(folder, pid, is_exact, &holdings);
        }
    }
    return holdings;
}

/* --- Both --- */

static enum watchdog_finding look_at_processes(const struct watchdog *watchdog, char *reason,
                                               size_t size)
{
    uint64_t limit = watchdog->memory_mb * MB;
    struct holdings holdings = held_by_processes(watchdog->folder, false);
    if (holdings.bytes > limit)
        holdings = held_by_processes(watchdog->folder, true);
    if (holdings.bytes > limit) {
        snprintf(reason, size, "its processes held %llu MB",
                 (unsigned long long)(holdings.bytes / MB));
        return WATCHDOG_OVER;
    }
    if (holdings.descriptors > WATCHDOG_MAX_DESCRIPTORS) {
        snprintf(reason, size, "its processes held %u descriptors", holdings.descriptors);
        return WATCHDOG_OVER;
    }
    bool is_close = holdings.processes > 1 && holdings.bytes > limit / 2;
    return is_close ? WATCHDOG_CLOSE : WATCHDOG_WELL;
}

enum watchdog_finding watchdog_look(const struct watchdog *watchdog,
                                    const struct cgroup_parent *groups, const struct cgroup *group,
                                    char *reason, size_t size)
{
    if (watchdog->folder < 0)
        return WATCHDOG_WELL;
    if (!cgroup_has(groups, CGROUP_MEMORY))
        return look_at_processes(watchdog, reason, size);
    uint64_t held = held_by_group(watchdog, groups, group);
    if (held <= watchdog->memory_mb * MB)
        return WATCHDOG_WELL;
    snprintf(reason, size, "its processes held %llu MB", (unsigned long long)(held / MB));
    return WATCHDOG_OVER;
}
