/* What runs inside the launcher and in the first process of each sandbox: building the shared root,
 * entering namespaces, and giving up every right before the function's own program starts. Single
 * threaded; private to the launcher's files. */
#pragma once

#include "services/lambda/launcher_wire.h"

enum {
    SANDBOX_UID = 993, /* as on AWS: sbx_user1051 */
    SANDBOX_GID = 990,
    SANDBOX_API_PORT = 9001,
    SANDBOX_ENDPOINT_PORT = 4566,
    SANDBOX_MAX_PROCESSES = 1024,
    SANDBOX_MAX_FILES = 1024,
};

/* Where the runtime clients are in sandboxes. */
#define SANDBOX_RUNTIME "/var/runtime"

struct sandbox_spec {
    bool is_sandboxed;
    bool has_memory_limit;     /* a control group bounds it; else an rlimit does */
    const char *functions_dir; /* unsandboxed only: an absolute path */
    const char *code;          /* the folder's name */
    const struct runtime *runtime;
    struct str environment; /* "NAME=value", each with a NUL behind it */
    unsigned memory_mb;
    unsigned tmp_mb;
    int status_fd; /* to the launcher: waits for one byte, then sends notices */
    int output_fd; /* the function's standard output and error */
};

/* --- In the launcher --- */

/* Moves the launcher into mount (and, unless it is the machine's root, user) namespaces of its own
 * whose root holds nothing but /code (the functions folder), /proc and /root (what sandboxes see).
 * On failure `what` says which step. */
bool sandbox_prepare(const char *functions_dir, bool is_root, char *what, size_t size);

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

/* Builds the system call filter once, in the launcher. */
bool guard_prepare(void);

/* Resource limits; inherited by the bootstrap. */
bool guard_limits(const struct sandbox_spec *spec);

/* No new privileges, no capabilities, Landlock (where the kernel has it), the system call filter.
 * False with errno set. */
bool guard_enter(void);

/* --- The root (sandbox_root.c) --- */

/* Inside the new mount namespace: makes the sandbox's own view of the shared root the root. On
 * failure `out_what` is the step. */
bool root_enter(const struct sandbox_spec *spec, const char **out_what);
