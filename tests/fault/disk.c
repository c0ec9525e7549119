/* SPDX-License-Identifier: Apache-2.0 */
/* disk -- a disk that is full, broken, or takes half of what it is given, at every k-th write and fsync of a cache writer: it leaves
 * with a sentence and 73 or 74, never by a signal (HDF5's exit handlers are in reach), and what the manifest names verifies.
 *
 *     disk [N]      with any N every call is attacked, in each way; default: every third, a few seconds
 *
 * This program's own write, pwrite and fsync stand before the C library's, for HDF5 and for us. */
#include "tests/fault/fault.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SCANS = 3, REGIONS = 5, RUN = 9 };
enum how { HOW_FULL, HOW_BROKEN, HOW_SHORT, HOWS };
static const char *const how_name[HOWS] = {"full from then on", "broken once", "half written once"};

static long calls, attacked; /* attacked: which call; 0: none */
static enum how how;

/* > 0: this many bytes; 0: go on as asked; -1: fail, errno is set */
static ssize_t attack(int fd, size_t size)
{
    if (fd <= STDERR_FILENO || !attacked)
        return 0;
    calls++;
    if (how == HOW_FULL ? calls < attacked : calls != attacked)
        return 0;
    if (how == HOW_SHORT)
        return size > 1 ? (ssize_t)(size / 2) : 0;
    errno = how == HOW_FULL ? ENOSPC : EIO;
    return -1;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    ssize_t const some = attack(fd, size);
    return some < 0 ? -1 : (ssize_t)syscall(SYS_write, fd, bytes, some > 0 ? (size_t)some : size);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    ssize_t const some = attack(fd, size);
    return some < 0 ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, bytes, some > 0 ? (size_t)some : size, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
    return pwrite(fd, bytes, size, at);
}
int fsync(int fd)
{
    return attack(fd, 0) < 0 ? -1 : (int)syscall(SYS_fsync, fd);
}
int fdatasync(int fd)
{
    return attack(fd, 0) < 0 ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static char *dir, *cache_dir;

static void check(bool good, const char *what)
{
    if (!good)
        die(EX_SOFTWARE, "disk: %s, call %ld attacked (%s)", what, attacked, how_name[how]);
}

static void clear(void)
{
    dir_remove(cache_dir);
    check(!dir_exists(cache_dir), "cannot clear the test's directory");
}

static void scan_make(struct regions_message *m, uint64_t n)
{
    struct rng rng = rng_make(5, RNG_TEST, n);
    *m = (struct regions_message){.count = REGIONS, .channels = 1};
    scan_facts_init(&m->facts);
    format_into(m->facts.patient, sizeof m->facts.patient, "p%d", (int)n);
    format_into(m->facts.study, sizeof m->facts.study, "study%d", (int)n);
    format_into(m->facts.scan, sizeof m->facts.scan, "0");
    grid_set(&m->grid, (const int64_t[3]){2, 3, 4}, (const double[3]){3, 2, 2}, (const double[3]){0, 0, 0});
    m->turned = (struct turn){{0, 1, 2}, {0, 0, 0}};
    m->region = xalloc(REGIONS, sizeof *m->region);
    m->box = xalloc((size_t)REGIONS * BOX_VOXELS, sizeof *m->box);
    for (int r = 0; r < REGIONS; r++)
        m->region[r] = (struct region){.component = r + 1, .label = r < 2, .voxels = 3, .ml = 0.036, .overlap = 1};
    for (int i = 0; i < REGIONS * BOX_VOXELS; i++)
        m->box[i] = 4.0f * rng_uniform(&rng);
    uint32_t label[24] = {0, 1, 1};
    labels_encode(label, 24, &m->label_runs);
}

/* A writer as petrel-cache is: what it cannot write ends it. */
static _Noreturn void writer(void)
{
    struct cache c;
    struct error e = {0};
    program_name_set("writer");
    if (cache_writer_open(&c, cache_dir, &e))
        die_of(&e);
    for (uint64_t n = 0; n < SCANS; n++) {
        struct regions_message m;
        scan_make(&m, n);
        if (!cache_has(&c, (struct item_key){RUN, n}) && cache_add(&c, (struct item_key){RUN, n}, &m, &e))
            die_of(&e);
        regions_message_free(&m);
    }
    if (cache_split(&c, 0.3, 0.3, 1, SPLIT_REPLACE, &e))
        die_of(&e);
    cache_close(&c);
    exit(EX_OK);
}

/* Its exit code; by a signal: 1000 and which. said: its sentence. */
static int run_writer(long at, char *said, size_t room)
{
    int ends[2];
    check(pipe(ends) == 0, "no pipe");
    fflush(NULL);
    attacked = 0;
    pid_t const pid = fork();
    check(pid >= 0, "no process");
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        attacked = at;
        writer();
    }
    attacked = at;
    close(ends[1]);
    size_t used = 0;
    for (ssize_t got; used + 1 < room && (got = read(ends[0], said + used, room - 1 - used)) > 0;)
        used += (size_t)got;
    said[used] = '\0';
    close(ends[0]);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Whatever the manifest names is there and whole. */
static void verify(size_t least, size_t most)
{
    struct cache c;
    struct error e = {0};
    if (cache_open(&c, cache_dir, &e)) {
        if (e.code != EX_NOINPUT)
            fprintf(stderr, "%s\n", e.text);
        check(e.code == EX_NOINPUT && least == 0, "the cache does not open");
        return;
    }
    for (size_t i = 0; i < c.shard_count; i++)
        if (cache_verify_shard(&c, i, &e)) {
            fprintf(stderr, "%s\n", e.text);
            check(false, "a shard that the manifest names is damaged");
        }
    check(c.shard_count >= least && c.shard_count <= most, "scans are lost or too many");
    cache_close(&c);
}

int main(int argc, char **argv)
{
    long const step = argc > 1 ? 1 : 3;
    (void)argv;
    const char *tmp = getenv("TMPDIR");
    char said[2000];
    dir = xprintf("%s/petrel-disk.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    check(mkdtemp(dir) != NULL, "cannot make a directory");
    cache_dir = path_join(dir, "cache");
    long total = 100000, attacks = 0, failures = 0, survived = 0;
    for (how = 0; how < HOWS; how++)
        for (long at = 1;; at += step) {
            clear();
            int const code = run_writer(at, said, sizeof said);
            if (code != EX_OK && code != EX_IOERR && code != EX_CANTCREAT) {
                fprintf(stderr, "%s", said);
                fprintf(stderr, "it left with %d\n", code);
                check(false, "a writer leaves in another way than with 73 or 74");
            }
            check(code == EX_OK ||
                      (strncmp(said, "writer: cannot ", 15) == 0 && strchr(said, '\n') == said + strlen(said) - 1),
                  "not one sentence");
            verify(code == EX_OK ? SCANS : 0, SCANS);
            attacks++;
            failures += code != EX_OK;
            survived += code == EX_OK;
            check(run_writer(0, said, sizeof said) == EX_OK, "it does not go on afterwards");
            verify(SCANS, SCANS);
            if (how == HOW_FULL && code == EX_OK) /* there are no more calls to attack */
                total = at;
            if (at >= total)
                break;
        }
    dir_remove(dir);
    printf("%ld attacks, %ld left with 73 or 74, %ld went on\n", attacks, failures, survived);
    (void)fault_tell(&(struct fault_result){"R4", "a cache's disk full, broken, half: unclean", "attacks",
                                            (uint64_t)attacks, 0, 0, 0});
    free(cache_dir);
    free(dir);
    return EX_OK;
}
