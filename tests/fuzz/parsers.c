/* SPDX-License-Identifier: Apache-2.0 */
/* parsers -- mutated files into every parser of foreign files: no crash, no second of the processor for one, memory under a cap.
 *
 *     build/tests/fuzz/parsers [COUNT] [SEED]           COUNT files over all targets (default 15000)
 *     build/tests/fuzz/parsers --replay TARGET FILE     one file again, in this very process
 *     build/tests/fuzz/parsers --corpus DIR             the good files, DIR/TARGET/N, for libfuzzer to begin with
 *     build/tests/fuzz/parsers --mutants DIR COUNT [SEED]   those COUNT files, DIR/TARGET/N/file, for petrel-load --check DIR
 *
 * The corpus is made here: one good file or several for each target. Parsing is done by children, a few hundred files each;
 * one that dies leaves its last file as crash-TARGET-SEED-N, and the test fails. What was ever found lies in
 * tests/fuzz/regressions/TARGET-anything and is gone through first. */
#include "tests/fuzz/targets.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { MEMORY_CAP = 1 << 30, FILE_MOST = 1 << 16, CHILD_FILES = 250, SEEDS_MOST = 12 };
static char dir[64];

/* ---- numbers: xorshift, so that a seed and a count name a file ---- */

static uint64_t state;
static uint64_t number(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return below ? state % below : 0;
}

/* ---- mutation ---- */

static const char *const words[] = {
    "-1",     "0",    "1e308", "-1e308", "nan",  "inf", "32768", "2147483648", "18446744073709551616",
    "1e-320", "=",    ":",     "\n",     "\n\n", "\\",  "\t",    "\"",         "{",
    "]",      "(,,)", "LOCAL", "True",   "LIST", "%d"};
static const uint64_t extremes[] = {0,
                                    1,
                                    0x7f,
                                    0x80,
                                    0xff,
                                    0x7fff,
                                    0x8000,
                                    0xffff,
                                    0x7fffffff,
                                    0x80000000,
                                    0xffffffff,
                                    0x7fffffffffffffff,
                                    0x8000000000000000,
                                    0xffffffffffffffff,
                                    0x7ff0000000000000,
                                    0x7fc00000};

static size_t insert(uint8_t *b, size_t size, size_t at, const void *what, size_t length)
{
    if (size + length > FILE_MOST)
        return size;
    memmove(b + at + length, b + at, size - at);
    memcpy(b + at, what, length);
    return size + length;
}

static size_t mutate_once(uint8_t *b, size_t size)
{
    size_t at = number(size + 1), width = (size_t)1 << number(4), length = number(40);
    /* half of all changes fall into the head, where sizes are */
    if (number(2) && size > 400)
        at = number(400);
    uint8_t piece[64];
    uint64_t value = extremes[number(COUNT_OF(extremes))];
    switch (number(8)) {
    case 0:
        if (at < size)
            b[at] ^= (uint8_t)(1U << number(8));
        return size;
    case 1:
        if (at < size)
            b[at] = (uint8_t)number(256);
        return size;
    case 2: /* an extreme number, in either byte order */
        for (size_t i = 0; i < width && at + width <= size; i++)
            b[at + i] = (uint8_t)(value >> 8 * (number(2) ? i : width - 1 - i));
        return size;
    case 3: /* cut short, now and then */ return number(4) ? size : at;
    case 4: /* a piece taken out */
        if (at + length <= size) {
            memmove(b + at, b + at + length, size - at - length);
            return size - length;
        }
        return size;
    case 5: /* a piece twice */
        if (at + length <= size) {
            memcpy(piece, b + at, length);
            return insert(b, size, number(size + 1), piece, length);
        }
        return size;
    case 6: {
        const char *word = words[number(COUNT_OF(words))];
        return insert(b, size, at, word, strlen(word));
    }
    default: { /* a word in place of what stands there */
        const char *word = words[number(COUNT_OF(words))];
        for (size_t i = 0; word[i] && at + i < size; i++)
            b[at + i] = (uint8_t)word[i];
        return size;
    }
    }
}

static size_t mutate(const struct target *t, const struct buffer *seed, uint8_t *b)
{
    size_t size = seed->size < FILE_MOST ? seed->size : FILE_MOST;
    memcpy(b, seed->data, size);
    for (uint64_t times = 1 + number(number(4) ? 4 : 30); times > 0; times--)
        size = mutate_once(b, size);
    for (size_t i = 0; t->paths && i < size; i++)
        if (b[i] == '/' || (b[i] == '.' && i + 1 < size && b[i + 1] == '.'))
            b[i] = '_';
    return size;
}

/* File n of a target and a seed. */
static size_t mutant(const struct target *t, const struct buffer *seeds, size_t seed_count, uint64_t seed, uint64_t n,
                     uint8_t *b)
{
    state = (seed + 1) * 0x9e3779b97f4a7c15u ^ (n + 1) * 0xd1342543de82ef95u;
    number(0);
    return mutate(t, &seeds[number(seed_count)], b);
}

static size_t seeds_make(const struct target *t, const char *path, struct buffer seeds[SEEDS_MOST])
{
    size_t count = 0;
    struct error e = {0};
    while (count < SEEDS_MOST && t->seed(path, (int)count) && file_read(path, FILE_MOST, &seeds[count], &e) == 0)
        count++;
    return count;
}

/* ---- children ---- */

static void guard(void)
{
#ifndef __SANITIZE_ADDRESS__
    struct rlimit limit = {MEMORY_CAP, MEMORY_CAP};
    setrlimit(RLIMIT_AS, &limit);
    if (!freopen("/dev/null", "w", stderr)) /* what is said of a hundred thousand files */
        exit(EX_OSERR);
#endif
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

/* Files `from` up to `to` of a target, in a child. Returns how it ended; *reached: the file it was at. */
static int child_run(const struct target *t, const char *path, const struct buffer *seeds, size_t seed_count,
                     uint64_t seed, uint64_t from, uint64_t to, volatile uint64_t *reached)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        uint8_t *b = xalloc(FILE_MOST + 64, 1);
        guard();
        write_or_die(path, seeds[0].data, seeds[0].size);
        t->parse(path); /* what is done once, such as reading DCMTK's dictionary, is no hang */
        for (uint64_t n = from; n < to; n++) {
            *reached = n;
            write_or_die(path, b, mutant(t, seeds, seed_count, seed, n, b));
            /* a hang is a death by SIGPROF: of the processor's time, so that a busy machine is no hang */
            struct itimerval second = {.it_value = {1, 0}}, off = {0};
            setitimer(ITIMER_PROF, &second, NULL);
            t->parse(path);
            setitimer(ITIMER_PROF, &off, NULL);
        }
        free(b);
        exit(0);
    }
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static int regressions(const struct target *t)
{
    struct names in = {0};
    int bad = 0;
    if (!dir_exists("tests/fuzz/regressions") || dir_list("tests/fuzz/regressions", &in, NULL) < 0)
        return 0;
    for (size_t i = 0; i < in.count; i++) {
        size_t length = strlen(t->name);
        if (strncmp(in.name[i], t->name, length) != 0 || in.name[i][length] != '-')
            continue;
        struct buffer file;
        struct error e = {0};
        char *from = path_join("tests/fuzz/regressions", in.name[i]), *path = path_join(dir, t->file);
        if (file_read(from, FILE_MOST, &file, &e) == 0) {
            write_or_die(path, file.data, file.size);
            fflush(stdout);
            pid_t child = fork();
            int status = 0;
            if (child == 0) {
                guard();
                setitimer(ITIMER_PROF, &(struct itimerval){.it_value = {1, 0}}, NULL); /* as above */
                t->parse(path);
                _exit(0); /* what the parent holds is not this one's leak */
            }
            waitpid(child, &status, 0);
            if (status != 0)
                printf("# %s again (status %d)\n", in.name[i], status), bad++;
            buffer_free(&file);
        }
        free(path);
        free(from);
    }
    names_free(&in);
    return bad;
}

/* `count` mutated files of one target; how many killed their reader. */
static int target_run(const struct target *t, uint64_t count, uint64_t seed)
{
    struct buffer seeds[SEEDS_MOST];
    char *path = path_join(dir, t->file);
    struct error e = {0};
    int deaths = regressions(t);
    size_t const seed_count = seeds_make(t, path, seeds);
    volatile uint64_t *reached = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (uint64_t from = 0; from < count && deaths < 5;) {
        uint64_t to = from + CHILD_FILES < count ? from + CHILD_FILES : count;
        int status = child_run(t, path, seeds, seed_count, seed, from, to, reached);
        if (status == 0) {
            from = to;
            continue;
        }
        char *kept = xprintf("crash-%s-%llu-%llu", t->name, (unsigned long long)seed, (unsigned long long)*reached);
        struct buffer file;
        if (file_read(path, FILE_MOST + 64, &file, &e) == 0) {
            write_or_die(kept, file.data, file.size);
            buffer_free(&file);
        }
        printf("# %s: %s %d; the file is kept as %s\n", t->name, WIFSIGNALED(status) ? "killed by signal" : "left with",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), kept);
        free(kept);
        deaths++;
        from = *reached + 1;
    }
    munmap((void *)(uintptr_t)reached, 4096);
    for (size_t i = 0; i < seed_count; i++)
        buffer_free(&seeds[i]);
    free(path);
    return deaths;
}

/* DIR/TARGET/N */
static void corpus_write(const char *to)
{
    for (size_t t = 0; t < COUNT_OF(targets); t++) {
        struct error e = {0};
        struct buffer file;
        char *made = path_join(dir, targets[t].file), *folder = path_join(to, targets[t].name);
        if (dir_make(folder, &e) < 0)
            die_of(&e);
        for (int n = 0; targets[t].seed(made, n); n++) {
            char *path = xprintf("%s/%d", folder, n);
            if (file_read(made, FILE_MOST, &file, &e) < 0)
                die_of(&e);
            write_or_die(path, file.data, file.size);
            buffer_free(&file);
            free(path);
        }
        free(folder);
        free(made);
    }
}

/* DIR/TARGET/N/file: what the program itself is to read. */
static void mutants_write(const char *to, uint64_t count, uint64_t seed)
{
    uint8_t *b = xalloc(FILE_MOST + 64, 1);
    for (size_t t = 0; t < COUNT_OF(targets); t++) {
        struct buffer seeds[SEEDS_MOST];
        char *made = path_join(dir, targets[t].file);
        size_t const seed_count = seeds_make(&targets[t], made, seeds);
        for (uint64_t n = t; n < count; n += COUNT_OF(targets)) {
            struct error e = {0};
            char *folder = xprintf("%s/%s/%llu", to, targets[t].name, (unsigned long long)n),
                 *path = path_join(folder, targets[t].file);
            if (dir_make(folder, &e) < 0)
                die_of(&e);
            write_or_die(path, b, mutant(&targets[t], seeds, seed_count, seed, n, b));
            free(path);
            free(folder);
        }
        for (size_t i = 0; i < seed_count; i++)
            buffer_free(&seeds[i]);
        free(made);
    }
    free(b);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--replay") == 0) {
        for (size_t t = 0; t < COUNT_OF(targets); t++)
            if (strcmp(targets[t].name, argv[2]) == 0)
                targets[t].parse(argv[3]);
        return 0;
    }
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 15000, seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1,
             done = 0;
    int deaths = 0;
    double begun_s = now_s();
    strcpy(dir, dir_exists("/dev/shm") ? "/dev/shm/petrel-fuzz.XXXXXX"
                                       : "/tmp/petrel-fuzz.XXXXXX"); /* memory: they are many */
    if (!mkdtemp(dir))
        return EX_OSERR;
    if (argc == 3 && strcmp(argv[1], "--corpus") == 0) {
        corpus_write(argv[2]);
        dir_remove(dir);
        return 0;
    }
    if (argc >= 4 && strcmp(argv[1], "--mutants") == 0) {
        mutants_write(argv[2], strtoull(argv[3], NULL, 10), argc > 4 ? strtoull(argv[4], NULL, 10) : 1);
        dir_remove(dir);
        return 0;
    }
    for (size_t t = 0; t < COUNT_OF(targets); t++) {
        uint64_t mine = count / COUNT_OF(targets) + (t < count % COUNT_OF(targets));
        state = 88172645463325252u; /* of the seeds */
        int here = target_run(&targets[t], mine, seed);
        printf("%s %zu - %s: %llu mutated files, %d crashes or hangs\n", here ? "not ok" : "ok", t + 1, targets[t].name,
               (unsigned long long)mine, here);
        deaths += here;
        done += mine;
    }
    dir_remove(dir);
    printf("RESULT\tR6\tdamaged files through every parser: crashed\t%llu\tfiles\t0\t0\t%d\n", (unsigned long long)done,
           deaths);
    printf("# %llu mutated files in %.1f s, seed %llu: %d crashes or hangs\n", (unsigned long long)done,
           now_s() - begun_s, (unsigned long long)seed, deaths);
    return deaths ? 1 : 0;
}
