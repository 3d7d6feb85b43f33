/* Control groups, version 1 and 2. */
#include "services/lambda/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUR_PREFIX "skylite-"

/* --- Small files --- */

static bool write_file(int dir, const char *path, const char *text)
{
    int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t written = write(fd, text, strlen(text));
    close(fd);
    return written == (ssize_t)strlen(text);
}

static size_t read_file(int dir, const char *path, char *text, size_t size)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    if (fd >= 0) {
        ssize_t got;
        while (len < size - 1 && (got = read(fd, text + len, size - 1 - len)) > 0)
            len += (size_t)got;
        close(fd);
    }
    text[len] = '\0';
    return len;
}

/* --- Finding the group that this process runs in --- */

/* True when the comma-separated list has `name`. */
static bool list_has(const char *list, const char *name)
{
    struct str rest = str_from(list), part;
    do {
        bool is_more = str_cut(&rest, ',', &part);
        if (str_eq(part, str_from(name)))
            return true;
        if (!is_more)
            return false;
    } while (true);
}

/* Finds the mount of a version 1 controller, or of version 2 when `controller` is NULL, in
 * /proc/self/mountinfo: "36 35 98:0 /root /mount/point opts - type source superopts". */
static bool find_mount(const char *controller, char root[PATH_MAX], char point[PATH_MAX])
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    char *line = NULL;
    size_t size = 0;
    bool is_found = false;

    while (file && !is_found && getline(&line, &size, file) > 0) {
        char type[32], options[256];
        const char *tail = strstr(line, " - ");
        if (!tail || sscanf(tail, " - %31s %*s %255s", type, options) != 2)
            continue;
        is_found = controller ? strcmp(type, "cgroup") == 0 && list_has(options, controller)
                              : strcmp(type, "cgroup2") == 0;
        is_found = is_found && sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) == 2;
    }
    free(line);
    if (file)
        fclose(file);
    return is_found;
}

/* Finds this process's path in the hierarchy of the controller ("" for version 2) in
 * /proc/self/cgroup: "4:memory:/path". */
static bool find_path(const char *controller, char path[PATH_MAX])
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char *line = NULL;
    size_t size = 0;
    bool is_found = false;

    while (file && !is_found && getline(&line, &size, file) > 0) {
        struct str rest = str_from(line), number, controllers;
        str_cut(&rest, ':', &number);
        str_cut(&rest, ':', &controllers);
        char list[256];
        snprintf(list, sizeof(list), "%.*s", STR_ARG(controllers));
        is_found = list_has(list, controller);
        if (is_found) {
            struct str own;
            str_cut(&rest, '\n', &own);
            snprintf(path, PATH_MAX, "%.*s", STR_ARG(own));
        }
    }
    free(line);
    if (file)
        fclose(file);
    return is_found;
}

/* Opens the folder of the group that this process runs in, or -1. The path is cut by what the mount
 * shows: inside a container its root is not the hierarchy's. */
static int open_own(const char *controller)
{
    char root[PATH_MAX], point[PATH_MAX], path[PATH_MAX], full[2 * PATH_MAX + 2];
    if (!find_mount(controller, root, point) || !find_path(controller ? controller : "", path))
        return -1;
    const char *below = path;
    if (strcmp(root, "/") != 0 && strncmp(path, root, strlen(root)) == 0)
        below = path + strlen(root);
    snprintf(full, sizeof(full), "%s/%s", point, below);
    return open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* --- The launcher's folders --- */

/* Removes what launchers that were killed have left. */
static void remove_stale(int above)
{
    DIR *dir = fdopendir(openat(above, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (strncmp(entry->d_name, OUR_PREFIX, strlen(OUR_PREFIX)) != 0)
            continue;
        pid_t pid = (pid_t)strtol(entry->d_name + strlen(OUR_PREFIX), NULL, 10);
        if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
            continue;
        DIR *groups = fdopendir(openat(above, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        struct dirent *group;
        while (groups && (group = readdir(groups))) {
            if (group->d_type == DT_DIR && group->d_name[0] != '.')
                unlinkat(dirfd(groups), group->d_name, AT_REMOVEDIR);
        }
        if (groups)
            closedir(groups);
        unlinkat(above, entry->d_name, AT_REMOVEDIR);
    }
    if (dir)
        closedir(dir);
}

/* Makes our folder in `above` (which it takes over), with `control` as proof that the controller is
 * there. */
static bool make_folder(struct cgroup_parent *parent, enum cgroup_controller which, int above,
                        const char *control)
{
    char group[64], file[128];
    snprintf(group, sizeof(group), "%s/probe", parent->name);
    snprintf(file, sizeof(file), "%s/%s", group, control);
    if (above < 0)
        return false;

    remove_stale(above);
    bool is_there = mkdirat(above, parent->name, 0755) == 0 || errno == EEXIST;
    if (is_there && parent->is_v2) {
        /* Processes may only be in leaves, so this works where we are alone in a delegated group,
         * or in the root of the hierarchy. */
        write_file(above, "cgroup.subtree_control", "+memory +pids");
        snprintf(file, sizeof(file), "%s/cgroup.subtree_control", parent->name);
        write_file(above, file, "+memory +pids");
        snprintf(file, sizeof(file), "%s/%s", group, control);
    }
    is_there = is_there && mkdirat(above, group, 0755) == 0 &&
               faccessat(above, file, W_OK, AT_EACCESS) == 0;
    unlinkat(above, group, AT_REMOVEDIR);
    if (!is_there) {
        unlinkat(above, parent->name, AT_REMOVEDIR);
        close(above);
        return false;
    }
    parent->above[which] = above;
    parent->dirs[which] = openat(above, parent->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return parent->dirs[which] >= 0;
}

void cgroup_parent_init(struct cgroup_parent *parent)
{
    *parent = (struct cgroup_parent){.dirs = {-1, -1}, .above = {-1, -1}};
    snprintf(parent->name, sizeof(parent->name), OUR_PREFIX "%d", (int)getpid());
    make_folder(parent, CGROUP_MEMORY, open_own("memory"), "memory.limit_in_bytes");
    make_folder(parent, CGROUP_PIDS, open_own("pids"), "pids.max");
    if (parent->dirs[CGROUP_MEMORY] >= 0 || parent->dirs[CGROUP_PIDS] >= 0)
        return;

    parent->is_v2 = true;
    if (make_folder(parent, CGROUP_MEMORY, open_own(NULL), "memory.max")) {
        parent->dirs[CGROUP_PIDS] = fcntl(parent->dirs[CGROUP_MEMORY], F_DUPFD_CLOEXEC, 0);
        parent->above[CGROUP_PIDS] = fcntl(parent->above[CGROUP_MEMORY], F_DUPFD_CLOEXEC, 0);
    }
}

void cgroup_parent_release(struct cgroup_parent *parent)
{
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        if (parent->dirs[i] < 0)
            continue;
        close(parent->dirs[i]);
        unlinkat(parent->above[i], parent->name, AT_REMOVEDIR);
        close(parent->above[i]);
        parent->dirs[i] = parent->above[i] = -1;
    }
}

/* --- One instance's group --- */

static void set_limit(const struct cgroup_parent *parent, enum cgroup_controller which,
                      const struct cgroup *group, const char *file, uint64_t value)
{
    char path[96], text[32];
    snprintf(path, sizeof(path), "%s/%s", group->name, file);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    write_file(parent->dirs[which], path, text);
}

static void limit_memory(const struct cgroup_parent *parent, const struct cgroup *group,
                         unsigned memory_mb)
{
    uint64_t bytes = (uint64_t)memory_mb * 1024 * 1024;
    if (parent->is_v2) {
        set_limit(parent, CGROUP_MEMORY, group, "memory.max", bytes);
        set_limit(parent, CGROUP_MEMORY, group, "memory.swap.max", 0);
        return;
    }
    set_limit(parent, CGROUP_MEMORY, group, "memory.limit_in_bytes", bytes);
    set_limit(parent, CGROUP_MEMORY, group, "memory.memsw.limit_in_bytes", bytes);
}

static bool make_one(const struct cgroup_parent *parent, enum cgroup_controller which,
                     const struct cgroup *group)
{
    return parent->dirs[which] >= 0 && mkdirat(parent->dirs[which], group->name, 0755) == 0;
}

void cgroup_make(const struct cgroup_parent *parent, uint64_t number, unsigned memory_mb,
                 unsigned max_processes, struct cgroup *out)
{
    *out = (struct cgroup){0};
    snprintf(out->name, sizeof(out->name), "i%llu", (unsigned long long)number);
    out->has[CGROUP_MEMORY] = make_one(parent, CGROUP_MEMORY, out);
    out->has[CGROUP_PIDS] =
        parent->is_v2 ? out->has[CGROUP_MEMORY] : make_one(parent, CGROUP_PIDS, out);
    if (out->has[CGROUP_MEMORY])
        limit_memory(parent, out, memory_mb);
    if (out->has[CGROUP_PIDS])
        set_limit(parent, CGROUP_PIDS, out, "pids.max", max_processes);
}

bool cgroup_add(const struct cgroup_parent *parent, const struct cgroup *group, pid_t pid)
{
    char path[96], text[32];
    snprintf(path, sizeof(path), "%s/cgroup.procs", group->name);
    snprintf(text, sizeof(text), "%d", (int)pid);
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        if (group->has[i] && !(parent->is_v2 && i == CGROUP_PIDS) &&
            !write_file(parent->dirs[i], path, text))
            return false;
    }
    return true;
}

bool cgroup_is_out_of_memory(const struct cgroup_parent *parent, const struct cgroup *group)
{
    char path[96], text[512];
    if (!group->has[CGROUP_MEMORY])
        return false;
    snprintf(path, sizeof(path), "%s/%s", group->name,
             parent->is_v2 ? "memory.events" : "memory.oom_control");
    read_file(parent->dirs[CGROUP_MEMORY], path, text, sizeof(text));
    const char *count = strstr(text, "\noom_kill ");
    return count && strtoul(count + strlen("\noom_kill "), NULL, 10) > 0;
}

void cgroup_remove(const struct cgroup_parent *parent, const struct cgroup *group)
{
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        if (group->has[i])
            unlinkat(parent->dirs[i], group->name, AT_REMOVEDIR);
    }
}
