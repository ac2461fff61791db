#include "steps/fetch/sandbox.h"

#include "io/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define SANDBOX_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SANDBOX_ARCH AUDIT_ARCH_AARCH64
#else
#define SANDBOX_ARCH 0
#endif

/* The sanitizers reserve terabytes of address space. */
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_BOUNDS_MEMORY 0
#else
#define SANDBOX_BOUNDS_MEMORY 1
#endif

#define MEMORY_MAX (UINT64_C(1) << 30)
#define FILE_MAX   (UINT64_C(64) << 30)
enum { OPEN_MAX_FILES = 1024, LANDLOCK_ABI_REFER = 2, LANDLOCK_ABI_TRUNCATE = 3 };

/* Beside the older headers' own. */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)
#define ACCESS_READ     (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE                                                                               \
    (ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                 \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)
#define ACCESS_NEVER                                                                               \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |    \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK)

static bool fail(struct error *err, const char *what)
{
    return error_set(err, ERR_RETRY, "sandbox: %s: %s", what, strerror(errno));
}

static bool bound(int resource, uint64_t most, struct error *err)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) < 0) return fail(err, "getrlimit");
    if (most < limit.rlim_max) limit.rlim_max = most;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &limit) == 0 || fail(err, "setrlimit");
}

static bool drop_capabilities(struct error *err)
{
    const uint32_t kept = geteuid() == 0 ? 1u << CAP_CHOWN | 1u << CAP_FOWNER : 0;
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = { { .effective = kept, .permitted = kept } };
    return syscall(SYS_capset, &header, data) == 0 || fail(err, "capset");
}

static bool allow_below(int rules, const char *folder, uint64_t access, struct error *err)
{
    AUTO(auto_close) int fd = open(folder, O_PATH | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT || fail(err, folder);
    struct landlock_path_beneath_attr below = { .allowed_access = access, .parent_fd = fd };
    return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0 ||
           fail(err, "landlock_add_rule");
}

static bool bound_files(const char *folder, const char **lacks, struct error *err)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, 0, (unsigned)LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < LANDLOCK_ABI_REFER) {
        *lacks = "the kernel has no landlock (5.19): a bundle is unpacked without it";
        return true;
    }
    uint64_t write = ACCESS_WRITE;
    if (abi >= LANDLOCK_ABI_TRUNCATE) write |= ACCESS_TRUNCATE;
    struct landlock_ruleset_attr handled = { .handled_access_fs = write | ACCESS_NEVER };
    AUTO(auto_close)
    int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0U);
    if (rules < 0) return fail(err, "landlock_create_ruleset");
    if (!allow_below(rules, folder, write, err)) return false;
    if (!allow_below(rules, "/etc", ACCESS_READ, err)) return false;
    if (!allow_below(rules, "/usr", ACCESS_READ, err)) return false;
    return syscall(SYS_landlock_restrict_self, rules, 0U) == 0 ||
           fail(err, "landlock_restrict_self");
}

static const int calls[] = {
    /* descriptors */
    SYS_read, SYS_readv, SYS_pread64, SYS_write, SYS_writev, SYS_pwrite64, SYS_lseek, SYS_close,
    SYS_dup, SYS_fcntl, SYS_fstat, SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_fdatasync,
    SYS_syncfs, SYS_fchmod, SYS_fchown, SYS_fstatfs, SYS_getdents64, SYS_copy_file_range,
    /* names */
    SYS_openat, SYS_openat2, SYS_newfstatat, SYS_statx, SYS_statfs, SYS_mkdirat, SYS_unlinkat,
    SYS_linkat, SYS_symlinkat, SYS_readlinkat, SYS_renameat, SYS_renameat2, SYS_fchmodat,
    SYS_fchownat, SYS_utimensat, SYS_faccessat, SYS_faccessat2, SYS_umask, SYS_getcwd,
#if defined(__x86_64__)
    SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_rename,
    SYS_readlink, SYS_chmod,
#endif
    /* memory and time */
    SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_futex, SYS_getrandom,
    SYS_clock_gettime, SYS_clock_nanosleep, SYS_gettimeofday, SYS_sched_yield,
    SYS_sched_getaffinity,
    /* itself */
    SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_restart_syscall,
    SYS_tgkill, SYS_uname, SYS_prlimit64, SYS_exit, SYS_exit_group
};
enum { CALLS = sizeof calls / sizeof *calls, FRAME = 4 };

/* Whatever is not listed fails with EPERM, so that a library which tries something goes on. */
static bool bound_calls(const char **lacks, struct error *err)
{
    if (SANDBOX_ARCH == 0) {
        *lacks = "no list of system calls for this architecture: a bundle is unpacked without it";
        return true;
    }
    struct sock_filter filter[FRAME + 2 * CALLS];
    size_t n = 0;
    filter[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    filter[n++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SANDBOX_ARCH, 0, 2 * CALLS + 1);
    filter[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < CALLS; i++) {
        filter[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
        filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    const struct sock_fprog program = { .len = (unsigned short)n, .filter = filter };
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &program) == 0 || fail(err, "seccomp");
}

bool sandbox_enter(const char *folder, const char **lacks, struct error *err)
{
    *lacks = NULL;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return fail(err, "prctl");
    if (!bound(RLIMIT_CORE, 0, err) || !bound(RLIMIT_FSIZE, FILE_MAX, err) ||
        !bound(RLIMIT_NOFILE, OPEN_MAX_FILES, err))
        return false;
    if (SANDBOX_BOUNDS_MEMORY && !bound(RLIMIT_DATA, MEMORY_MAX, err)) return false;
    return bound_files(folder, lacks, err) && drop_capabilities(err) && bound_calls(lacks, err);
}
