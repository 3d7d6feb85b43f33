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

/* Opens the folder of the group that this process runs in, or with `is_top` the highest one that is
 * mounted; or -1. The path is cut by what the mount shows: inside a container its root is not the
 * hierarchy's. */
static int open_group(const char *controller, bool is_top)
{
    char root[PATH_MAX], point[PATH_MAX], path[PATH_MAX], full[2 * PATH_MAX + 2];
    if (!find_mount(controller, root, point) || !find_path(controller ? controller : "", path))
        return -1;
    const char *below = path;
    if (strcmp(root, "/") != 0 && strncmp(path, root, strlen(root)) == 0)
        below = path + strlen(root);
    snprintf(full, sizeof(full), "%s/%s", point, is_top ? "" : below);
    return open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* --- Where groups are made --- */

/* Removes what launchers that were killed have left. */
static void remove_stale(int folder)
{
    DIR *dir = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (strncmp(entry->d_name, OUR_PREFIX, strlen(OUR_PREFIX)) != 0)
            continue;
        pid_t pid = (pid_t)strtol(entry->d_name + strlen(OUR_PREFIX), NULL, 10);
        if (pid > 0 && kill(pid, 0) && errno == ESRCH)
            unlinkat(folder, entry->d_name, AT_REMOVEDIR);
    }
    if (dir)
        closedir(dir);
}

static const char *const names[CGROUP_CONTROLLERS] = {
    [CGROUP_MEMORY] = "memory",
    [CGROUP_PIDS] = "pids",
    [CGROUP_CPU] = "cpu",
};

/* What a group's folder has when the controller is there. */
static const char *const v1_proofs[CGROUP_CONTROLLERS] = {
    [CGROUP_MEMORY] = "memory.limit_in_bytes",
    [CGROUP_PIDS] = "pids.max",
    [CGROUP_CPU] = "cpu.shares",
};
static const char *const v2_proofs[CGROUP_CONTROLLERS] = {
    [CGROUP_MEMORY] = "memory.max",
    [CGROUP_PIDS] = "pids.max",
    [CGROUP_CPU] = "cpu.weight",
};

/* Has a group of version 2 pass the controllers on to those below it. One by one: none of them goes
 * when one is missing. */
static void pass_on(int folder)
{
    char text[32];
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        snprintf(text, sizeof(text), "+%s", names[i]);
        write_file(folder, "cgroup.subtree_control", text);
    }
}

/* Makes groups in `folder` from now on for the controllers that they have there. */
static void use_folder(struct cgroup_parent *parent, int folder,
                       const char *const proofs[CGROUP_CONTROLLERS])
{
    char group[64], file[128];
    if (folder < 0)
        return;
    remove_stale(folder);
    if (parent->is_v2)
        pass_on(folder);
    snprintf(group, sizeof(group), "%sprobe", parent->prefix);
    if (mkdirat(folder, group, 0755))
        return;
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        snprintf(file, sizeof(file), "%s/%s", group, proofs[i]);
        if (!cgroup_has(parent, (enum cgroup_controller)i) &&
            faccessat(folder, file, W_OK, AT_EACCESS) == 0)
            parent->dirs[i] = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    }
    unlinkat(folder, group, AT_REMOVEDIR);
}

static void look_in(struct cgroup_parent *parent, const char *controller, bool is_top)
{
    int folder = open_group(controller, is_top);
    use_folder(parent, folder, parent->is_v2 ? v2_proofs : v1_proofs);
    if (folder >= 0)
        close(folder);
}

static bool has_any(const struct cgroup_parent *parent)
{
    return cgroup_has(parent, CGROUP_MEMORY) || cgroup_has(parent, CGROUP_PIDS) ||
           cgroup_has(parent, CGROUP_CPU);
}

bool cgroup_has(const struct cgroup_parent *parent, enum cgroup_controller which)
{
    return parent->dirs[which] >= 0;
}

/* In version 1 each controller has a hierarchy of its own, or shares one. In version 2 groups are
 * made below our own one, which must hold nobody else but its own kind (a delegated one) or be the
 * topmost; else on top, next to those of the system and its users. */
void cgroup_parent_init(struct cgroup_parent *parent)
{
    *parent = (struct cgroup_parent){.dirs = {-1, -1, -1}};
    snprintf(parent->prefix, sizeof(parent->prefix), OUR_PREFIX "%d-", (int)getpid());
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        if (!cgroup_has(parent, (enum cgroup_controller)i))
            look_in(parent, names[i], false);
    }
    if (has_any(parent))
        return;
    parent->is_v2 = true;
    look_in(parent, NULL, false);
    if (!has_any(parent))
        look_in(parent, NULL, true);
}

void cgroup_parent_release(struct cgroup_parent *parent)
{
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        if (parent->dirs[i] >= 0)
            close(parent->dirs[i]);
        parent->dirs[i] = -1;
    }
}

/* --- One instance's group --- */

/* Controllers whose groups are the same folder come up once for it. */
static bool is_first(const struct cgroup_parent *parent, int which)
{
    return cgroup_has(parent, (enum cgroup_controller)which) &&
           (!parent->is_v2 || which == CGROUP_MEMORY || !cgroup_has(parent, CGROUP_MEMORY));
}

static bool set_limit(const struct cgroup_parent *parent, enum cgroup_controller which,
                      const struct cgroup *group, const char *file, uint64_t value)
{
    char path[128], text[32];
    snprintf(path, sizeof(path), "%s/%s", group->name, file);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return write_file(parent->dirs[which], path, text);
}

/* Machines may lack accounting of swap; then there is nothing to limit. */
static bool limit_memory(const struct cgroup_parent *parent, const struct cgroup *group,
                         unsigned hard_mb)
{
    uint64_t bytes = (uint64_t)hard_mb * 1024 * 1024;
    if (parent->is_v2) {
        set_limit(parent, CGROUP_MEMORY, group, "memory.swap.max", 0);
        return set_limit(parent, CGROUP_MEMORY, group, "memory.max", bytes);
    }
    bool is_set = set_limit(parent, CGROUP_MEMORY, group, "memory.limit_in_bytes", bytes);
    set_limit(parent, CGROUP_MEMORY, group, "memory.memsw.limit_in_bytes", bytes);
    return is_set;
}

/* In proportion to memory, as Lambda gives CPU: 1,769 MB are one processor, that is the weight of
 * anyone else's group or session, and of the server's. Nobody has more, so that the server is never
 * below a function, nor less than a quarter, or small functions would not start on a busy machine.
 *
 * All groups are siblings of the server's. One group around them all would bound what they take
 * together, but then a function waits for what others have used, and after each sleep anew. */
static bool set_weight(const struct cgroup_parent *parent, const struct cgroup *group,
                       unsigned memory_mb)
{
    unsigned usual = parent->is_v2 ? 100 : 1024, weight = usual * memory_mb / 1769;
    weight = weight < usual / 4 ? usual / 4 : weight < usual ? weight : usual;
    return set_limit(parent, CGROUP_CPU, group, parent->is_v2 ? "cpu.weight" : "cpu.shares",
                     weight);
}

static bool set_limits(const struct cgroup_parent *parent, const struct cgroup *group,
                       const struct cgroup_limits *limits)
{
    return (!cgroup_has(parent, CGROUP_MEMORY) || limit_memory(parent, group, limits->hard_mb)) &&
           (!cgroup_has(parent, CGROUP_PIDS) ||
            set_limit(parent, CGROUP_PIDS, group, "pids.max", limits->max_processes)) &&
           (!cgroup_has(parent, CGROUP_CPU) || set_weight(parent, group, limits->memory_mb));
}

bool cgroup_make(const struct cgroup_parent *parent, uint64_t number,
                 const struct cgroup_limits *limits, struct cgroup *out)
{
    bool is_made = true;
    *out = (struct cgroup){0};
    snprintf(out->name, sizeof(out->name), "%s%llu", parent->prefix, (unsigned long long)number);
    for (int i = 0; i < CGROUP_CONTROLLERS && is_made; i++)
        is_made = !is_first(parent, i) || mkdirat(parent->dirs[i], out->name, 0755) == 0 ||
                  errno == EEXIST;
    if (is_made && set_limits(parent, out, limits))
        return true;
    int reason = errno;
    cgroup_remove(parent, out);
    errno = reason;
    return false;
}

bool cgroup_open_gates(const struct cgroup_parent *parent, const struct cgroup *group,
                       int out_gates[CGROUP_CONTROLLERS])
{
    char path[128];
    bool is_open = true;
    snprintf(path, sizeof(path), "%s/tasks", group->name);
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        out_gates[i] = -1;
        if (parent->is_v2 || !is_first(parent, i))
            continue;
        out_gates[i] = openat(parent->dirs[i], path, O_WRONLY | O_CLOEXEC);
        is_open = is_open && out_gates[i] >= 0;
    }
    return is_open;
}

bool cgroup_enter(int gate)
{
    return gate < 0 || write(gate, "0", 1) == 1;
}

int cgroup_open_v2(const struct cgroup_parent *parent, const struct cgroup *group)
{
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        if (parent->is_v2 && is_first(parent, i))
            return openat(parent->dirs[i], group->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return -1;
}

bool cgroup_is_out_of_memory(const struct cgroup_parent *parent, const struct cgroup *group)
{
    char path[128], text[512];
    if (!cgroup_has(parent, CGROUP_MEMORY))
        return false;
    snprintf(path, sizeof(path), "%s/%s", group->name,
             parent->is_v2 ? "memory.events" : "memory.oom_control");
    read_file(parent->dirs[CGROUP_MEMORY], path, text, sizeof(text));
    const char *count = strstr(text, "\noom_kill ");
    return count && strtoul(count + strlen("\noom_kill "), NULL, 10) > 0;
}

/* The number behind `name` and a space on a line of its own; 0 when there is none. */
static uint64_t figure(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0 && line[len] == ' ')
            return strtoull(line + len, NULL, 10);
    }
    return 0;
}

bool cgroup_is_above(const struct cgroup_parent *parent, const struct cgroup *group, uint64_t bytes)
{
    char path[128], text[32];
    if (!cgroup_has(parent, CGROUP_MEMORY))
        return false;
    snprintf(path, sizeof(path), "%s/%s", group->name,
             parent->is_v2 ? "memory.current" : "memory.usage_in_bytes");
    read_file(parent->dirs[CGROUP_MEMORY], path, text, sizeof(text));
    return strtoull(text, NULL, 10) > bytes;
}

uint64_t cgroup_held(const struct cgroup_parent *parent, const struct cgroup *group)
{
    char path[128], text[8192];
    snprintf(path, sizeof(path), "%s/memory.stat", group->name);
    read_file(parent->dirs[CGROUP_MEMORY], path, text, sizeof(text));
    return figure(text, parent->is_v2 ? "anon" : "rss") + figure(text, "shmem");
}

void cgroup_remove(const struct cgroup_parent *parent, const struct cgroup *group)
{
    for (int i = 0; i < CGROUP_CONTROLLERS && group->name[0]; i++) {
        if (is_first(parent, i))
            unlinkat(parent->dirs[i], group->name, AT_REMOVEDIR);
    }
}
