/* What a sandbox holds, for the launcher to look at every now and then: memory beside what lies in
 * its /tmp, which has a size of its own, and where no control group counts memory, all of it. */
#pragma once

#include "services/lambda/cgroup.h"

enum {
    WATCHDOG_EVERY_MS = 250,
    WATCHDOG_SOON_MS = 25, /* while many processes together come close to the limit */
    /* Of all processes together; each holds memory of the kernel that nothing counts. */
    WATCHDOG_MAX_DESCRIPTORS = 4 * 1024,
};

struct watchdog {
    /* With a control group for memory the sandbox's /tmp, else its /proc; owned. -1: there is
     * nothing to look at. */
    int folder;
    unsigned memory_mb;
};

enum watchdog_finding { WATCHDOG_WELL, WATCHDOG_CLOSE, WATCHDOG_OVER };

/* On WATCHDOG_OVER `reason` says what it holds. */
enum watchdog_finding watchdog_look(const struct watchdog *watchdog,
                                    const struct cgroup_parent *groups, const struct cgroup *group,
                                    char *reason, size_t size);
