/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox -- from here on this process may read files and what it holds open, and nothing else.   load, export -> [sandbox] */
#include "stages/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(PETREL_UNBOXED)
int sandbox_enter(struct error *e)
{
    (void)e;
    return 0;
}
#else
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* What reading, unpacking and telling takes. A name this kernel's headers do not have is passed over. */
static const char *const calls[] = {
    /* bytes in, bytes out */
    "read",
    "readv",
    "pread64",
    "preadv",
    "write",
    "writev",
    "lseek",
    "close",
    "poll",
    "ppoll",
    "fcntl",
    "dup",
    /* what lies where */
    "stat",
    "lstat",
    "fstat",
    "newfstatat",
    "statx",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getcwd",
    "getdents",
    "getdents64",
    "fadvise64",
    "statfs",
    "fstatfs",
    /* memory */
    "brk",
    "munmap",
    "mremap",
    "madvise",
    "futex",
    "membarrier",
    /* time, chance, numbers of this process */
    "clock_gettime",
    "clock_getres",
    "gettimeofday",
    "time",
    "nanosleep",
    "clock_nanosleep",
    "getrandom",
    "getpid",
    "gettid",
    "getppid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getrusage",
    "sysinfo",
    "uname",
    "sched_yield",
    "sched_getaffinity",
    "getrlimit",
    "setitimer",
    "times",
    "getcpu",
    "rseq",
    "set_robust_list",
    "arch_prctl",
    /* signals to itself, the end */
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    "tgkill",
    "restart_syscall",
    "exit",
    "exit_group",
};

/* A call whose argument must not have these bits. */
static int allow_without(scmp_filter_ctx filter, const char *call, unsigned argument, scmp_datum_t bits)
{
    int const number = seccomp_syscall_resolve_name(call);
    struct scmp_arg_cmp without = {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = bits, .datum_b = 0};
    return number < 0 ? 0 : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &without);
}

static int rules_add(scmp_filter_ctx filter)
{
    enum { WRITING = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND };
    struct scmp_arg_cmp const terminal = {.arg = 1, .op = SCMP_CMP_EQ, .datum_a = TCGETS, .datum_b = 0};
    struct scmp_arg_cmp const asked = {
        .arg = 2, .op = SCMP_CMP_EQ, .datum_a = 0, .datum_b = 0}; /* a limit read, not set */
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < COUNT_OF(calls); i++) {
        int const number = seccomp_syscall_resolve_name(calls[i]);
        if (number >= 0)
            rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    }
    if (rc == 0)
        rc = allow_without(filter, "open", 1, WRITING);
    if (rc == 0)
        rc = allow_without(filter, "openat", 2, WRITING);
    if (rc == 0)
        rc = allow_without(filter, "mmap", 2, PROT_EXEC);
    if (rc == 0)
        rc = allow_without(filter, "mprotect", 2, PROT_EXEC);
    if (rc == 0)
        rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, &terminal);
    if (rc == 0)
        rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, &asked);
    return rc;
}

int sandbox_enter(struct error *e)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc = filter ? rules_add(filter) : -ENOMEM;
    if (rc == 0)
        rc = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    return rc == 0 ? 0 : fail_as(e, EX_UNAVAILABLE, "this system does not permit seccomp (%s)", strerror(-rc));
}
#endif
