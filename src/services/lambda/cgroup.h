/* Control groups that hold one instance each: memory and number of processes. Version 1 and 2,
 * whichever the machine has and lets us write; else nothing is limited here and the caller falls
 * back to rlimits. Used by the launcher only. */
#pragma once

#include <sys/types.h>

#include "base/str.h"

enum cgroup_controller { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CONTROLLERS };

/* Where groups are made: the controller's folder of this launcher, or -1. With version 2 both are
 * the same folder. */
struct cgroup_parent {
    int dirs[CGROUP_CONTROLLERS];
    int above[CGROUP_CONTROLLERS]; /* the folders that hold them */
    char name[32];
    bool is_v2;
};

struct cgroup {
    char name[32]; /* empty: none was made */
    bool has[CGROUP_CONTROLLERS];
};

/* Makes the launcher's own folders below the group that it runs in. Groups of launchers that no
 * longer live are removed. Never fails: what cannot be limited stays -1. */
void cgroup_parent_init(struct cgroup_parent *parent);

/* Removes the folders; all instances must have ended. */
void cgroup_parent_release(struct cgroup_parent *parent);

/* Makes a group for the instance `number` and sets its limits. */
void cgroup_make(const struct cgroup_parent *parent, uint64_t number, unsigned memory_mb,
                 unsigned max_processes, struct cgroup *out);

/* Moves a process into it. */
bool cgroup_add(const struct cgroup_parent *parent, const struct cgroup *group, pid_t pid);

/* Whether the kernel has killed a process in it for want of memory. */
bool cgroup_is_out_of_memory(const struct cgroup_parent *parent, const struct cgroup *group);

/* Removes it once its processes are gone. */
void cgroup_remove(const struct cgroup_parent *parent, const struct cgroup *group);
