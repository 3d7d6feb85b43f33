/* What a sandboxed process may not do: resource limits, capabilities, Landlock, and a filter of
 * system calls. */
#include "services/lambda/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- System calls --- */

/* Refused with EPERM. A namespace alone makes most of them harmless; the filter keeps the kernel
 * code behind them out of reach. */
static const int refused_calls[] = {
    /* namespaces, mounts and roots */
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(open_tree),
    SCMP_SYS(move_mount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    /* other processes */
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(process_madvise),
    SCMP_SYS(move_pages),
    SCMP_SYS(migrate_pages),
    /* kernel facilities that functions do not need */
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(lookup_dcookie),
    SCMP_SYS(vmsplice),
    SCMP_SYS(acct),
    SCMP_SYS(nfsservctl),
    SCMP_SYS(uselib),
    SCMP_SYS(landlock_create_ruleset),
    /* the machine */
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(syslog),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(vhangup),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
};

static const uint64_t namespace_flags[] = {CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
                                           CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
                                           CLONE_NEWCGROUP};

/* Other families reach kernel code that no function needs; vsock even leaves the sandbox. */
static const int allowed_families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

static struct sock_fprog filter;

/* Refuses a call when its argument `index` compares with `datum`. */
static bool refuse_when(scmp_filter_ctx context, int error, int call, unsigned index,
                        enum scmp_compare compare, uint64_t datum, uint64_t masked)
{
    struct scmp_arg_cmp argument = {index, compare, datum, masked};
    return seccomp_rule_add_array(context, SCMP_ACT_ERRNO((unsigned)error), call, 1, &argument) ==
           0;
}

static bool refuse_calls(scmp_filter_ctx context)
{
    for (size_t i = 0; i < sizeof(refused_calls) / sizeof(*refused_calls); i++) {
        /* Negative numbers are calls that this machine's architecture lacks. */
        if (refused_calls[i] >= 0 &&
            seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), refused_calls[i], 0))
            return false;
    }
    for (size_t i = 0; i < sizeof(namespace_flags) / sizeof(*namespace_flags); i++) {
        if (!refuse_when(context, EPERM, SCMP_SYS(clone), 0, SCMP_CMP_MASKED_EQ, namespace_flags[i],
                         namespace_flags[i]))
            return false;
    }
    /* Its flags are behind a pointer, where a filter cannot look; libraries then take clone. */
    return seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
           refuse_when(context, EPERM, SCMP_SYS(ioctl), 1, SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI);
}

/* Refuses socket() for every family but the allowed ones: the gaps between them, and what is
 * above. */
static bool refuse_families(scmp_filter_ctx context)
{
    int next = 0;
    for (size_t i = 0; i < sizeof(allowed_families) / sizeof(*allowed_families); i++) {
        for (int family = next; family < allowed_families[i]; family++) {
            if (!refuse_when(context, EAFNOSUPPORT, SCMP_SYS(socket), 0, SCMP_CMP_EQ,
                             (uint64_t)family, 0))
                return false;
        }
        next = allowed_families[i] + 1;
    }
    return refuse_when(context, EAFNOSUPPORT, SCMP_SYS(socket), 0, SCMP_CMP_GE, (uint64_t)next, 0);
}

/* Reads the compiled filter back, so that a sandbox installs it with one system call. */
static bool export_filter(scmp_filter_ctx context)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0 || seccomp_export_bpf(context, fd))
        return false;
    off_t size = lseek(fd, 0, SEEK_END);
    void *program = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (program == MAP_FAILED)
        return false;
    filter.filter = program;
    filter.len = (unsigned short)((size_t)size / sizeof(struct sock_filter));
    return true;
}

bool guard_prepare(void)
{
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
    if (!context)
        return false;
    /* A binary tree of calls: a long list would cost every system call of a function. */
    bool is_done = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
                   refuse_calls(context) && refuse_families(context) && export_filter(context);
    seccomp_release(context);
    return is_done;
}

/* --- Limits --- */

static bool limit(int resource, rlim_t value)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now))
        return false;
    if (value > now.rlim_max)
        value = now.rlim_max;
    struct rlimit wanted = {value, value};
    return setrlimit((__rlimit_resource_t)resource, &wanted) == 0;
}

bool guard_limits(const struct sandbox_spec *spec)
{
    rlim_t memory = (rlim_t)spec->memory_mb * 1024 * 1024;
    return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, SANDBOX_MAX_FILES) &&
           (!spec->is_sandboxed || limit(RLIMIT_NPROC, SANDBOX_MAX_PROCESSES)) &&
           (spec->has_memory_limit || limit(RLIMIT_DATA, memory));
}

/* --- Capabilities --- */

static bool drop_capabilities(void)
{
    for (unsigned long capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) && errno != EINVAL)
            return false;
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    return syscall(SYS_capset, &header, none) == 0;
}

/* --- Landlock --- */

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

enum {
    LANDLOCK_READ =
        LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    LANDLOCK_FILE = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE,
    LANDLOCK_ALL_V1 = (1 << 13) - 1,
};

static bool landlock_allow(int ruleset, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {
        .allowed_access = access,
        .parent_fd = open(path, O_PATH | O_CLOEXEC),
    };
    bool is_done = rule.parent_fd >= 0 && syscall(SYS_landlock_add_rule, ruleset,
                                                  LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    if (rule.parent_fd >= 0)
        close(rule.parent_fd);
    return is_done;
}

/* Reading everywhere; writing in /tmp, to devices and below /proc. A second fence behind the
 * read-only mounts. */
static bool landlock_enter(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return true;
    uint64_t all = LANDLOCK_ALL_V1;
    if (abi >= 2)
        all |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        all |= LANDLOCK_ACCESS_FS_TRUNCATE;

    struct landlock_ruleset_attr attr = {.handled_access_fs = all};
    /* The first field is all that the oldest kernels know. */
    int ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
    if (ruleset < 0)
        return false;
    bool is_done = landlock_allow(ruleset, "/", LANDLOCK_READ) &&
                   landlock_allow(ruleset, "/tmp", all) &&
                   landlock_allow(ruleset, "/dev", LANDLOCK_FILE & all) &&
                   landlock_allow(ruleset, "/proc", LANDLOCK_FILE & all) &&
                   syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close(ruleset);
    return is_done;
}

bool guard_enter(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && landlock_enter() && drop_capabilities() &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}
