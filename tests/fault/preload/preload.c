/* SPDX-License-Identifier: Apache-2.0 */
/* preload -- stands before the C library (LD_PRELOAD) and lets the k-th call of a kind fail: a disk that is full, broken, or takes half; a
 * file that cannot be read; memory that is gone. R4 and R12; tests/fault/programs.sh has it do so to every program.
 *
 *     PETREL_FAULT=KIND:K       full: no room from the K-th call that writes on; broken: that one alone; short: it takes half;
 *                               unread: the K-th call that reads says EIO; memory: the K-th allocation has none;
 *                               count: nothing fails
 *     PETREL_FAULT_PROGRAM=NAME in this program alone
 *     PETREL_FAULT_COUNT=FILE   how many calls of the kind there were is written there as the process ends ("KIND N")
 *
 * Calls count from main() on, over all threads. Only ordinary files are attacked: not pipes, sockets and the standard streams. Streams
 * (FILE) are attacked where the program hands them over: fwrite, fflush, fclose. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum kind { NONE, FULL, BROKEN, SHORT, UNREAD, MEMORY, COUNT_WRITES, COUNT_READS, COUNT_MEMORY };
static enum kind kind;
static bool running; /* main() has begun */
static long wanted;
static atomic_long calls;
static __thread bool inside;

/* ---- what is asked for ---- */

static void ask(void)
{
    static const struct {
        const char *word;
        enum kind kind;
    } words[] = {{"full:", FULL},         {"broken:", BROKEN},           {"short:", SHORT},
                 {"unread:", UNREAD},     {"memory:", MEMORY},           {"writes:", COUNT_WRITES},
                 {"reads:", COUNT_READS}, {"allocations:", COUNT_MEMORY}};
    const char *said = getenv("PETREL_FAULT"), *program = getenv("PETREL_FAULT_PROGRAM");
    if (!said || (program && strcmp(program, program_invocation_short_name) != 0))
        return;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(said, words[i].word, strlen(words[i].word)) == 0) {
            kind = words[i].kind;
            wanted = atol(said + strlen(words[i].word));
        }
}

static void tell(void)
{
    const char *path = getenv("PETREL_FAULT_COUNT");
    char line[40];
    if (!path || !kind)
        return;
    int const length = snprintf(line, sizeof line, "%ld\n", atomic_load(&calls));
    int const to = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (to >= 0) {
        (void)!syscall(SYS_write, to, line, (size_t)length);
        syscall(SYS_close, to);
    }
}

/* Of programs that leave without their libraries' farewells. */
void _exit(int code)
{
    tell();
    syscall(SYS_exit_group, code);
    __builtin_unreachable();
}

static int (*real_main)(int, char **, char **);
static int attacked_main(int argc, char **argv, char **environment)
{
    ask();
    atexit(tell);
    running = kind != NONE;
    int const code = real_main(argc, argv, environment);
    running = false;
    return code;
}
int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv, void (*begin)(void),
                      void (*end)(void), void (*linker_end)(void), void *stack);
int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv, void (*begin)(void),
                      void (*end)(void), void (*linker_end)(void), void *stack)
{
    int (*real)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void), void *);
    *(void **)&real = dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = program;
    return real(attacked_main, argc, argv, begin, end, linker_end, stack);
}

/* Is it this call's turn? */
static bool hit(void)
{
    long const now = atomic_fetch_add(&calls, 1) + 1;
    return kind == FULL ? now >= wanted : now == wanted;
}

static bool ordinary(int fd)
{
    struct stat status;
    return fd > STDERR_FILENO && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* > 0: so many bytes are taken; 0: as asked; -1: it fails, errno is set */
static ssize_t attack_write(int fd, size_t size)
{
    if (!running || inside || (kind != FULL && kind != BROKEN && kind != SHORT && kind != COUNT_WRITES))
        return 0;
    inside = true;
    bool const turn = ordinary(fd) && hit();
    inside = false;
    if (!turn || kind == COUNT_WRITES)
        return 0;
    if (kind == SHORT)
        return size > 1 ? (ssize_t)(size / 2) : 0;
    errno = kind == FULL ? ENOSPC : EIO;
    return -1;
}

static bool attack_read(int fd)
{
    if (!running || inside || (kind != UNREAD && kind != COUNT_READS))
        return false;
    inside = true;
    bool const turn = ordinary(fd) && hit();
    inside = false;
    if (turn && kind == UNREAD)
        errno = EIO;
    return turn && kind == UNREAD;
}

/* ---- writing ---- */

ssize_t write(int fd, const void *bytes, size_t size)
{
    ssize_t const some = attack_write(fd, size);
    return some < 0 ? -1 : (ssize_t)syscall(SYS_write, fd, bytes, some > 0 ? (size_t)some : size);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    ssize_t const some = attack_write(fd, size);
    return some < 0 ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, bytes, some > 0 ? (size_t)some : size, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
    return pwrite(fd, bytes, size, at);
}
int fsync(int fd)
{
    return attack_write(fd, 0) < 0 ? -1 : (int)syscall(SYS_fsync, fd);
}
int fdatasync(int fd)
{
    return attack_write(fd, 0) < 0 ? -1 : (int)syscall(SYS_fdatasync, fd);
}
int ftruncate(int fd, off_t size)
{
    return attack_write(fd, 0) < 0 ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}
/* A directory's entry is written, too. */
int rename(const char *from, const char *to)
{
    if (running && !inside && (kind == FULL || kind == BROKEN || kind == COUNT_WRITES) && hit() && kind != COUNT_WRITES) {
        errno = kind == FULL ? ENOSPC : EIO;
        return -1;
    }
    return (int)syscall(SYS_rename, from, to);
}
int mkdir(const char *path, mode_t mode)
{
    if (running && !inside && (kind == FULL || kind == BROKEN || kind == COUNT_WRITES) && hit() && kind != COUNT_WRITES) {
        errno = kind == FULL ? ENOSPC : EIO;
        return -1;
    }
    return (int)syscall(SYS_mkdir, path, mode);
}

/* What the stream would say had the system said so. */
static bool stream_fails(FILE *stream)
{
    if (attack_write(fileno(stream), 0) >= 0)
        return false;
    stream->_flags |= 0x20; /* glibc's mark of an error */
    return true;
}
size_t fwrite(const void *bytes, size_t size, size_t count, FILE *to)
{
    static size_t (*real)(const void *, size_t, size_t, FILE *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fwrite");
    return stream_fails(to) ? 0 : real(bytes, size, count, to);
}
int fflush(FILE *to)
{
    static int (*real)(FILE *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fflush");
    return to && stream_fails(to) ? EOF : real(to);
}
int fclose(FILE *stream)
{
    static int (*real)(FILE *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fclose");
    bool const fails =
        fileno(stream) >= 0 && (fcntl(fileno(stream), F_GETFL) & O_ACCMODE) != O_RDONLY && stream_fails(stream);
    int const why = errno, result = real(stream);
    if (fails)
        errno = why;
    return fails ? EOF : result;
}

/* ---- reading ---- */

ssize_t read(int fd, void *bytes, size_t size)
{
    return attack_read(fd) ? -1 : (ssize_t)syscall(SYS_read, fd, bytes, size);
}
ssize_t pread(int fd, void *bytes, size_t size, off_t at)
{
    return attack_read(fd) ? -1 : (ssize_t)syscall(SYS_pread64, fd, bytes, size, at);
}
ssize_t pread64(int fd, void *bytes, size_t size, off64_t at)
{
    return pread(fd, bytes, size, at);
}
size_t fread(void *bytes, size_t size, size_t count, FILE *from)
{
    static size_t (*real)(void *, size_t, size_t, FILE *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fread");
    if (attack_read(fileno(from))) {
        from->_flags |= 0x20;
        return 0;
    }
    return real(bytes, size, count, from);
}

/* ---- memory ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static bool attack_memory(void)
{
    if (!running || (kind != MEMORY && kind != COUNT_MEMORY) || !hit() || kind != MEMORY)
        return false;
    errno = ENOMEM;
    return true;
}
void *malloc(size_t size)
{
    return attack_memory() ? NULL : __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
    return attack_memory() ? NULL : __libc_calloc(count, size);
}
void *realloc(void *old, size_t size)
{
    return attack_memory() ? NULL : __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size)
{
    return attack_memory() ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void **to, size_t alignment, size_t size)
{
    if (attack_memory())
        return ENOMEM;
    *to = __libc_memalign(alignment, size);
    return *to ? 0 : ENOMEM;
}
