/* SPDX-License-Identifier: Apache-2.0 */
/* rerun -- a phase of training once more: petrel-pairs and petrel-train side by side.   reproduce -> [rerun] */
#include "stages/eval/rerun.h"
#include "common/child.h"
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS, TRAIN, PROGRAMS, WORDS = 24 };
static const char *const program[PROGRAMS] = {"petrel-pairs", "petrel-train"};

/* This process becomes the program; what it says goes to the run's logs. */
static int become(void *context, size_t which)
{
    const struct rerun *r = context;
    char seed[32], threads[32], *path = program_beside(program[which]),
                                *log = xprintf("%s/logs/%s.log", r->run, program[which]);
    const char *word[WORDS] = {path};
    size_t n = 1;
    format_into(seed, sizeof seed, "%llu", (unsigned long long)r->seed);
    format_into(threads, sizeof threads, "%lld", (long long)r->threads);
    if (which == TRAIN)
        word[n++] = r->phase;
    const char *const common[] = {"--cache", r->cache, "--recipe",  r->recipe, "--run",  r->run,
                                  "--seed",  seed,     "--threads", threads,   "--quiet"};
    memcpy(word + n, common, sizeof common);
    n += COUNT_OF(common);
    if (which == TRAIN) {
        const char *const own[] = {"--out", r->out, "--backend", r->backend};
        memcpy(word + n, own, sizeof own);
        n += COUNT_OF(own);
        if (r->init != NULL) {
            word[n++] = "--init";
            word[n++] = r->init;
        }
    }
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
        die(EX_CANTCREAT, "cannot open '%s': %s", log, strerror(errno));
    unsetenv("PETREL_PARENT");
    unsetenv("PETREL_PROGRESS_DIR");
    execv(path, (char *const *)(uintptr_t)word); /* execv changes no word */
    die(EX_UNAVAILABLE, "cannot start '%s': %s", path, strerror(errno));
}

/* The last line a program said. */
static char *last_words(const struct rerun *r, const char *of)
{
    char *path = xprintf("%s/logs/%s.log", r->run, of);
    struct buffer text = {0};
    struct error ignored = {0};
    const char *last = "";
    if (file_read(path, (size_t)1 << 24, &text, &ignored) == 0) {
        char *rest = (char *)text.data, *line;
        while ((line = strsep(&rest, "\n")) != NULL)
            last = *line != '\0' ? line : last;
    }
    char *words = xstrdup(last);
    buffer_free(&text);
    free(path);
    return words;
}

int rerun_phase(const struct rerun *r, struct error *e)
{
    struct rerun own = *r;
    struct child child[PROGRAMS] = {{.code = 0}};
    struct children c = {.count = PROGRAMS, .child = child, .run = become, .context = &own, .on_parent_death = SIGTERM};
    char *logs = path_join(r->run, "logs");
    int rc = dir_make(logs, e);
    free(logs);
    if (rc < 0 || children_start(&c, e) < 0)
        return -1;
    while (children_look(&c) > 0) {
        if (child[TRAIN].ended && child[TRAIN].code != EX_OK && c.asked == 0)
            children_ask(&c); /* the other would wait for it */
        if (child[PAIRS].ended && child[PAIRS].code != EX_OK && c.asked == 0)
            children_ask(&c);
        nanosleep(&(struct timespec){0, CHILD_LOOK_MS * 1000000L}, NULL);
    }
    for (size_t k = PROGRAMS; k-- > 0;)
        if (child[k].code != EX_OK && child[k].code != EX_TEMPFAIL) {
            char *words = last_words(r, program[k]);
            (void)fail_as(e, child[k].code, "cannot run the %s anew: %s", r->phase, words);
            free(words);
            return -1;
        }
    if (children_code(&c) != EX_OK)
        return fail_as(e, EX_TEMPFAIL, "the %s was stopped; its words are in '%s/logs'", r->phase, r->run);
    return 0;
}
