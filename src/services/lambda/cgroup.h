/* Control groups that hold one instance each: memory, number of processes, and weight on the
 * processors. Version 1 and 2, whichever the machine has and lets us write; what is not there is
 * not limited here, and the caller falls back on what ordinary users may do. Used by the launcher
 * only. */
#pragma once

#include <sys/types.h>

#include "base/str.h"

enum cgroup_controller { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU, CGROUP_CONTROLLERS };

/* Where groups are made: the folder for each controller, or -1. With version 2 all are the same. */
struct cgroup_parent {
    int dirs[CGROUP_CONTROLLERS];
    char prefix[32]; /* of this launcher's groups */
    bool is_v2;
};

struct cgroup {
    char name[64]; /* empty: none was made */
};

struct cgroup_limits {
    unsigned memory_mb;     /* the function's; also its weight on the processors */
    unsigned hard_mb;       /* memory and what lies in its /tmp */
    unsigned max_processes; /* threads count, too */
};

/* Finds out where. Groups of launchers that no longer live are removed. Never fails: what cannot be
 * limited stays -1. */
void cgroup_parent_init(struct cgroup_parent *parent);

/* Closes the folders. */
void cgroup_parent_release(struct cgroup_parent *parent);

bool cgroup_has(const struct cgroup_parent *parent, enum cgroup_controller which);

/* Makes a group for the instance `number` and sets its limits. False with errno set when one of
 * them cannot be set: then there is no group. */
bool cgroup_make(const struct cgroup_parent *parent, uint64_t number,
                 const struct cgroup_limits *limits, struct cgroup *out);

/* Opens what a process needs to enter the group by itself: with version 1, where moving oneself is
 * cheap while moving others stops all that fork. `out_gates` are -1 where there is nothing to
 * enter. */
bool cgroup_open_gates(const struct cgroup_parent *parent, const struct cgroup *group,
                       int out_gates[CGROUP_CONTROLLERS]);

/* In the process: enters by a gate; -1 does nothing. */
bool cgroup_enter(int gate);

/* With version 2: the group's folder, for clone3 to make the process in it; owned by the caller.
 * Else -1. */
int cgroup_open_v2(const struct cgroup_parent *parent, const struct cgroup *group);

/* True when the kernel has killed a process in it for want of memory. */
bool cgroup_is_out_of_memory(const struct cgroup_parent *parent, const struct cgroup *group);

/* True when all that is charged to it, also what the kernel could take back, is above `bytes`: a
 * cheap first look. False without a memory controller. */
bool cgroup_is_above(const struct cgroup_parent *parent, const struct cgroup *group,
                     uint64_t bytes);

/* What its processes hold: their own memory and what lies in memory file systems. */
uint64_t cgroup_held(const struct cgroup_parent *parent, const struct cgroup *group);

/* Removes it once its processes are gone. */
void cgroup_remove(const struct cgroup_parent *parent, const struct cgroup *group);
