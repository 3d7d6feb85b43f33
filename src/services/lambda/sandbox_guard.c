/* What a sandboxed process may not do: resource limits, capabilities, Landlock, and a filter of
 * system calls. */
#include "services/lambda/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
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

/* Two filters, because a long one takes long to install. The first is the launcher's: it allows
 * what a function may call and what setting up a sandbox takes, and everyone inherits it. The
 * second, of each sandbox, takes the latter away. */
static struct sock_fprog last_filter;

/* While a filter is built: false once a rule could not be added. */
struct rules {
    scmp_filter_ctx context;
    bool is_well;
};

/* Adds a rule for a call whose arguments compare as given. */
static void add(struct rules *rules, uint32_t action, int call, unsigned count,
                const struct scmp_arg_cmp *arguments)
{
    /* Negative numbers are calls that this machine's architecture lacks. */
    if (call >= 0 && rules->is_well)
        rules->is_well =
            seccomp_rule_add_array(rules->context, action, call, count, arguments) == 0;
}

static void allow(struct rules *rules, int call)
{
    add(rules, SCMP_ACT_ALLOW, call, 0, NULL);
}

static void refuse(struct rules *rules, int error, int call)
{
    add(rules, SCMP_ACT_ERRNO((unsigned)error), call, 0, NULL);
}

/* The same for a call with one argument of which the bits of `mask` are `datum`. */
static void add_masked(struct rules *rules, uint32_t action, int call, unsigned index,
                       uint64_t mask, uint64_t datum)
{
    const struct scmp_arg_cmp argument = {index, SCMP_CMP_MASKED_EQ, mask, datum};
    add(rules, action, call, 1, &argument);
}

static void add_list(struct rules *rules, bool has_memory_groups)
{
#define ALLOW(name, why)  allow(rules, SCMP_SYS(name));
#define SETUP             ALLOW
#define REFUSE(name, why) refuse(rules, EPERM, SCMP_SYS(name));
#define GROUPED(name, why)                                                                         \
    if (has_memory_groups)                                                                         \
        allow(rules, SCMP_SYS(name));
#include "services/lambda/syscalls.def"
#undef ALLOW
#undef SETUP
#undef REFUSE
#undef GROUPED
    allow(rules, SCMP_SYS(clone3));
    allow(rules, SCMP_SYS(setsid));
}

/* Without control groups the kernel shares processors between sessions (autogroup), so that each
 * new one would take a share. Then it answers success: daemons and child processes in sessions of
 * their own run on in this one. The flags of clone3 are behind a pointer, where a filter cannot
 * look; libraries then take clone. */
static void add_last(struct rules *rules, bool has_cpu_groups)
{
#define ALLOW(name, why)
#define SETUP(name, why) refuse(rules, EPERM, SCMP_SYS(name));
#define REFUSE           ALLOW
#define GROUPED          ALLOW
#include "services/lambda/syscalls.def"
#undef ALLOW
#undef SETUP
#undef REFUSE
#undef GROUPED
    refuse(rules, ENOSYS, SCMP_SYS(clone3));
    if (!has_cpu_groups)
        refuse(rules, 0, SCMP_SYS(setsid));
}

/* Processes and threads, but no namespaces. The flags of clone3 are behind a pointer, where a
 * filter cannot look: it is not on the list, and libraries then take clone. */
static void add_clone(struct rules *rules)
{
    static const uint64_t flags[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                                     CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};
    uint64_t all = 0;
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
        all |= flags[i];
        add_masked(rules, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 0, flags[i], flags[i]);
    }
    add_masked(rules, SCMP_ACT_ALLOW, SCMP_SYS(clone), 0, all, 0);
}

/* Other families reach kernel code that no function needs; vsock even leaves the sandbox. Nor may
 * one have the kernel load protocols that it has not loaded. Of netlink there is what tells the
 * addresses of the sandbox's devices. */
static void add_sockets(struct rules *rules)
{
    static const int internet[] = {AF_INET, AF_INET6};
    static const uint64_t kinds[][2] = {
        {SOCK_STREAM, 0}, {SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, 0}, {SOCK_DGRAM, IPPROTO_UDP}};
    const uint64_t type_mask = 0xf, all = 0xffffffff;
    for (size_t i = 0; i < sizeof(internet) / sizeof(*internet); i++) {
        struct scmp_arg_cmp arguments[3] = {{0, SCMP_CMP_EQ, (uint64_t)internet[i], 0}};
        for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
            arguments[1] = (struct scmp_arg_cmp){1, SCMP_CMP_MASKED_EQ, type_mask, kinds[kind][0]};
            arguments[2] = (struct scmp_arg_cmp){2, SCMP_CMP_EQ, kinds[kind][1], 0};
            add(rules, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, arguments);
        }
        arguments[1] = (struct scmp_arg_cmp){1, SCMP_CMP_MASKED_EQ, type_mask, SOCK_RAW};
        add(rules, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 2, arguments);
    }
    const struct scmp_arg_cmp netlink[] = {{0, SCMP_CMP_EQ, AF_NETLINK, 0},
                                           {2, SCMP_CMP_MASKED_EQ, all, NETLINK_ROUTE}};
    add(rules, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, netlink);
    add_masked(rules, SCMP_ACT_ALLOW, SCMP_SYS(socket), 0, all, AF_UNIX);
    add_masked(rules, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 0, all, AF_UNIX);
    for (uint64_t family = 0; family < AF_NETLINK; family++) {
        if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
            add_masked(rules, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 0, all, family);
    }
    const struct scmp_arg_cmp above = {0, SCMP_CMP_GT, AF_NETLINK, 0};
    add(rules, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, &above);
}

/* Without a control group that counts it, memory must belong to a process: RLIMIT_DATA and the
 * watchdog count that. */
static void add_mmap(struct rules *rules, bool has_memory_groups)
{
    const uint64_t mask = MAP_TYPE | MAP_ANONYMOUS;
    const uint64_t kinds[] = {MAP_SHARED, MAP_SHARED_VALIDATE};
    if (has_memory_groups) {
        allow(rules, SCMP_SYS(mmap));
        return;
    }
    add_masked(rules, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 3, MAP_TYPE, MAP_PRIVATE);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        add_masked(rules, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 3, mask, kinds[i]);
        add_masked(rules, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap), 3, mask, kinds[i] | MAP_ANONYMOUS);
    }
}

/* Those that libraries need, terminals' among them but for typing ahead and pasting; and the one
 * that brings the loopback device up, for which a function lacks the capability. */
static void add_ioctls(struct rules *rules)
{
    static const uint64_t known[] = {
        TCGETS,          TCSETS,       TCSETSW,        TCSETSF,     TIOCGWINSZ,    TIOCSWINSZ,
        TIOCGPGRP,       TIOCSPGRP,    TIOCOUTQ,       FIONREAD,    FIONBIO,       FIOASYNC,
        FIOCLEX,         FIONCLEX,     SIOCATMARK,     SIOCGIFNAME, SIOCGIFCONF,   SIOCGIFFLAGS,
        SIOCGIFADDR,     SIOCGIFINDEX, SIOCGIFNETMASK, SIOCGIFMTU,  SIOCGIFHWADDR, SIOCSIFFLAGS,
        FS_IOC_GETFLAGS, FICLONE,      FICLONERANGE,
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        add_masked(rules, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, 0xffffffff, known[i]);
    add_masked(rules, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, 0xffffffff, TIOCSTI);
    add_masked(rules, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, 0xffffffff, TIOCLINUX);
}

static void add_rest(struct rules *rules)
{
    /* One's own limits only: the first process has the same user. */
    const struct scmp_arg_cmp self = {0, SCMP_CMP_EQ, 0, 0}, other = {0, SCMP_CMP_NE, 0, 0};
    add(rules, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, &self);
    add(rules, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1, &other);

    /* Asking, and the usual one; others weaken the process. */
    add_masked(rules, SCMP_ACT_ALLOW, SCMP_SYS(personality), 0, 0xffffffff, 0xffffffff);
    add_masked(rules, SCMP_ACT_ALLOW, SCMP_SYS(personality), 0, 0xffffffff, 0);
}

/* Begins a filter whose answer to calls without a rule is `otherwise`. */
static struct rules begin(uint32_t otherwise)
{
    struct rules rules = {.context = seccomp_init(otherwise)};
    /* A binary tree of calls: a long list would cost every system call of a function. */
    rules.is_well =
        rules.context && seccomp_attr_set(rules.context, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0;
    return rules;
}

/* Compiles it, and keeps it for being installed with one system call. */
static bool finish(struct rules *rules, struct sock_fprog *out)
{
    void *program = MAP_FAILED;
    int fd = memfd_create("filter", MFD_CLOEXEC);
    if (rules->is_well && fd >= 0 && seccomp_export_bpf(rules->context, fd) == 0) {
        off_t size = lseek(fd, 0, SEEK_END);
        if (size > 0)
            program = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
        out->len = (unsigned short)((size_t)size / sizeof(struct sock_filter));
        out->filter = program;
    }
    if (fd >= 0)
        close(fd);
    if (rules->context)
        seccomp_release(rules->context);
    return program != MAP_FAILED;
}

static bool install(const struct sock_fprog *filter)
{
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) == 0;
}

bool guard_prepare(const struct sandbox_machine *machine)
{
    struct sock_fprog first_filter;
    struct rules rules = begin(SCMP_ACT_ERRNO(ENOSYS));
    if (rules.is_well) {
        add_list(&rules, machine->has_memory_groups);
        add_clone(&rules);
        add_sockets(&rules);
        add_mmap(&rules, machine->has_memory_groups);
        add_ioctls(&rules);
        add_rest(&rules);
    }
    struct rules last = begin(SCMP_ACT_ALLOW);
    if (last.is_well)
        add_last(&last, machine->has_cpu_groups);
    bool is_done = finish(&rules, &first_filter);
    return finish(&last, &last_filter) && is_done && install(&first_filter);
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

/* What the kernel counts by user is counted in the sandbox's user namespace as well, and there
 * these bound it: no sandbox can use up the signals or locked pages of the user that all run as. */
bool guard_limits(const struct sandbox_spec *spec)
{
    rlim_t memory = (rlim_t)spec->memory_mb * 1024 * 1024;
    return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NICE, 0) && limit(RLIMIT_RTPRIO, 0) &&
           limit(RLIMIT_MSGQUEUE, 0) && limit(RLIMIT_MEMLOCK, SANDBOX_MAX_LOCKED) &&
           limit(RLIMIT_SIGPENDING, SANDBOX_MAX_SIGNALS) &&
           (!spec->is_sandboxed || limit(RLIMIT_NPROC, SANDBOX_MAX_PROCESSES)) &&
           (spec->machine->has_memory_groups || limit(RLIMIT_DATA, memory));
}

bool guard_files(void)
{
    struct rlimit now;
    if (getrlimit(RLIMIT_NOFILE, &now))
        return false;
    return limit(RLIMIT_NOFILE,
                 now.rlim_max / 2 < SANDBOX_MAX_FILES ? now.rlim_max / 2 : SANDBOX_MAX_FILES);
}

/* --- Capabilities --- */

static bool drop_capabilities(void)
{
    /* Up to the first that this kernel does not know. */
    unsigned long capability = 0;
    while (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
        capability++;
    if (errno != EINVAL)
        return false;
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

bool guard_has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

/* /dev/zero, mapped shared and writable, is memory that belongs to no process. */
static bool allow_devices(const struct sandbox_spec *spec, int ruleset, uint64_t all)
{
    if (spec->machine->has_memory_groups)
        return landlock_allow(ruleset, "/dev", LANDLOCK_FILE & all);
    return landlock_allow(ruleset, "/dev/null", LANDLOCK_FILE & all) &&
           landlock_allow(ruleset, "/dev/full", LANDLOCK_FILE & all);
}

/* Reading everywhere; writing in /tmp and to devices. A second fence behind the read-only mounts.
 */
static bool landlock_enter(const struct sandbox_spec *spec)
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
                   landlock_allow(ruleset, "/tmp", all) && allow_devices(spec, ruleset, all) &&
                   syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close(ruleset);
    return is_done;
}

bool guard_enter(const struct sandbox_spec *spec)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && landlock_enter(spec) &&
           drop_capabilities() && install(&last_filter);
}
