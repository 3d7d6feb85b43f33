/* Limits of the machine, of control groups and of the process. */
#include "cli/machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Each thread of the C library that allocates reserves an arena of 64 MiB, and has a stack of 8. */
enum { THREAD_MB = 72, OTHER_THREADS = 12, BASE_MB = 512 };

/* --- Memory --- */

/* The number in the file, or SIZE_MAX ("max", or no such file). */
static size_t limit_in(const char *path)
{
    unsigned long long value;
    FILE *file = fopen(path, "re");
    if (!file)
        return SIZE_MAX;
    int found = fscanf(file, "%llu", &value);
    fclose(file);
    return found == 1 ? (size_t)value : SIZE_MAX;
}

/* The smallest limit of the group and of those that it is in. */
static size_t limit_of_group(const char *root, char *group, const char *name)
{
    char path[4096];
    size_t least = SIZE_MAX;
    for (char *slash; (slash = strrchr(group, '/')) != NULL; *slash = '\0') {
        snprintf(path, sizeof(path), "%s%s/%s", root, group, name);
        size_t limit = limit_in(path);
        least = limit < least ? limit : least;
    }
    snprintf(path, sizeof(path), "%s/%s", root, name);
    size_t limit = limit_in(path);
    return limit < least ? limit : least;
}

/* A line is "ID:CONTROLLERS:/GROUP"; version 2 has one with the id 0 and no controllers. */
static size_t limit_of_groups(void)
{
    char line[2048];
    size_t least = SIZE_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        size_t limit = SIZE_MAX;
        if (strcmp(line, "0:") == 0)
            limit = limit_of_group("/sys/fs/cgroup", group, "memory.max");
        else if (strstr(controllers, "memory"))
            limit = limit_of_group("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
        least = limit < least ? limit : least;
    }
    if (file)
        fclose(file);
    return least;
}

size_t machine_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t all = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX;
    size_t of_groups = limit_of_groups();
    return of_groups < all ? of_groups : all;
}

/* --- Descriptors --- */

size_t machine_raise_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 1024;
    rlim_t soft = files.rlim_cur;
    files.rlim_cur = files.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : soft;
}

/* --- Address space --- */

enum err machine_check_address_space(size_t memory, unsigned thread_count, struct error *error)
{
    struct rlimit space;
    if (getrlimit(RLIMIT_AS, &space) != 0 || space.rlim_cur == RLIM_INFINITY)
        return OK;
    size_t needed_mb =
        BASE_MB + (thread_count + OTHER_THREADS) * (size_t)THREAD_MB + memory / (1024 * 1024);
    size_t given_mb = space.rlim_cur / (1024 * 1024);
    if (given_mb >= needed_mb)
        return OK;
    return error_set(
        error, ERR_VALIDATION,
        "the address space is limited to %zu MB (ulimit -v), and %zu MB are needed with "
        "--memory %zuM: raise the limit, or lower --memory",
        given_mb, needed_mb, memory / (1024 * 1024));
}
