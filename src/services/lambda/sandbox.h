/* What runs inside the launcher and in the first process of each sandbox: building the shared root,
 * entering namespaces, and giving up every right before the function's own program starts. Single
 * threaded; private to the launcher's files. */
#pragma once

#include "services/lambda/cgroup.h"
#include "services/lambda/launcher_wire.h"

enum {
    SANDBOX_UID = 993, /* as on AWS: sbx_user1051 */
    SANDBOX_GID = 990,
    SANDBOX_API_PORT = 9001,
    SANDBOX_ENDPOINT_PORT = 4566,
    SANDBOX_MAX_PROCESSES = 1024,
    SANDBOX_MAX_FILES = 1024,
    SANDBOX_MAX_LOCKED = 64 * 1024, /* bytes of locked memory, as on AWS */
    SANDBOX_MAX_SIGNALS = 1024,     /* that wait, and timers */
    SANDBOX_PRIORITY = 5,           /* where no control group weighs functions: a third */
};

/* What the machine lets the launcher do. */
struct sandbox_machine {
    bool is_root;           /* each sandbox gets a user of its own */
    bool has_memory_groups; /* control groups bound memory; else rlimits and the watchdog do */
    bool has_cpu_groups;    /* control groups weigh functions; else priority and autogroups do */
};

/* Where the runtime clients are in sandboxes. */
#define SANDBOX_RUNTIME "/var/runtime"

struct sandbox_spec {
    bool is_sandboxed;
    const struct sandbox_machine *machine;
    const char *functions_dir; /* unsandboxed only: an absolute path */
    const char *code;          /* the folder's name */
    const struct runtime *runtime;
    struct str environment; /* "NAME=value", each with a NUL behind it */
    unsigned memory_mb;
    unsigned tmp_mb;
    int status_fd; /* to the launcher: waits for one byte, then sends notices */
    int output_fd; /* the function's standard output and error */
    /* To its control groups; -1: nothing to enter. That of the CPU is for the function only:
     * setting up goes at the launcher's pace. */
    int gates[CGROUP_CONTROLLERS];
};

/* --- In the launcher --- */

/* Moves the launcher into mount (and, unless it is the machine's root, user) namespaces of its own
 * whose root holds nothing but /code (the functions folder), /proc and /root (what sandboxes see).
 * On failure `what` says which step. */
bool sandbox_prepare(const char *functions_dir, const struct sandbox_machine *machine, char *what,
                     size_t size);

/* The namespaces that clone3 makes for a sandbox. */
uint64_t sandbox_clone_flags(void);

/* Where the runtime clients are without sandboxes: beside the functions folder. */
void sandbox_plain_runtime(const char *functions_dir, char *out_path, size_t size);

/* Gives the cloned process its one user and group. `host_id` is what it is outside when the
 * launcher is root. */
bool sandbox_map_ids(pid_t pid, bool is_root, unsigned host_id);

/* --- In the cloned process --- */

/* Never returns: sets everything up, starts the bootstrap, reports and waits for its end. */
_Noreturn void sandbox_run(const struct sandbox_spec *spec);

/* --- The guards (sandbox_guard.c) --- */

/* Builds the system call filters once, in the launcher, and takes from it what neither it nor a
 * sandbox needs; after sandbox_prepare. */
bool guard_prepare(const struct sandbox_machine *machine);

/* Resource limits but that of descriptors; inherited by the bootstrap. */
bool guard_limits(const struct sandbox_spec *spec);

/* The limit of descriptors, last of all: the kernel lets a process send descriptors as long as no
 * more of its user's are on their way than this limit says, and all that have the same user share
 * that count. What sandboxes send must pass while functions' are stuck. */
bool guard_files(void);

/* True when the kernel has Landlock. */
bool guard_has_landlock(void);

/* No new privileges, no capabilities, Landlock (where the kernel has it), the last system call
 * filter. False with errno set. */
bool guard_enter(const struct sandbox_spec *spec);

/* --- The root (sandbox_root.c) --- */

/* Inside the new mount namespace: makes the sandbox's own view of the shared root the root. On
 * failure `out_what` is the step. */
bool root_enter(const struct sandbox_spec *spec, const char **out_what);
