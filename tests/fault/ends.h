/* SPDX-License-Identifier: Apache-2.0 */
/* ends -- a source and a collector on one tcp channel, as processes, for programs that attack what is between them: items flow until the
 * attack is over, and then it is counted which arrived, and how often. */
#ifndef PETREL_TESTS_FAULT_ENDS_H
#define PETREL_TESTS_FAULT_ENDS_H
#include "proto/registry.h"
#include "stages/stage.h"
#include "tests/fault/fault.h"
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENDS_BYTES = 2000, ENDS_RUN = 77 };
/* list: what arrived, "index good" a line; stop: a file that ends it. */
static struct ends {
    char *dir, *list, *stop;
    double silence_s;
    pid_t source, collector;
} ends;

static inline void ends_open(const char *name, double silence_s)
{
    ends.dir = fault_dir(name);
    ends.list = path_join(ends.dir, "list"), ends.stop = path_join(ends.dir, "stop");
    ends.silence_s = silence_s;
    if (chmod(ends.dir, 0700))
        die(EX_OSERR, "cannot keep '%s' to ourselves", ends.dir);
}

static inline struct stage_options ends_options(bool gives)
{
    struct stage_options o;
    stage_defaults(&o);
    o.run = ends.dir;
    o.in = gives ? NULL : "made";
    o.out = gives ? "made" : NULL;
    o.transport = "tcp";
    o.window = 16;
    o.silence_s = ends.silence_s;
    return o;
}

static inline int ends_be_source(void)
{
    struct stage st;
    struct stage_options o = ends_options(true);
    uint64_t made = 0;
    stage_open(&st, "source", &o, false, true);
    while (!file_exists(ends.stop) || made < 100) {
        struct buffer b = {.data = xalloc(ENDS_BYTES, 1), .size = ENDS_BYTES};
        for (size_t j = 0; j < ENDS_BYTES; j++)
            b.data[j] = (uint8_t)(made * 31 + j);
        stage_give_new(&st, (struct item_key){ENDS_RUN, made++}, &b);
        usleep(500);
    }
    char *count = xprintf("%llu", (unsigned long long)made), *path = path_join(ends.dir, "made");
    struct error e = {0};
    if (publish_bytes(path, count, strlen(count), &e))
        die_of(&e);
    return stage_close(&st, "source");
}

static inline int ends_be_collector(void)
{
    struct stage st;
    struct taken item;
    struct stage_options o = ends_options(false);
    FILE *to = fopen(ends.list, "w");
    stage_open(&st, "collector", &o, true, false);
    while (stage_take(&st, &item)) {
        bool good = item.bytes.size == ENDS_BYTES;
        for (size_t j = 0; good && j < ENDS_BYTES; j++)
            good = item.bytes.data[j] == (uint8_t)(item.key.index * 31 + j);
        fprintf(to, "%llu %d\n", (unsigned long long)item.key.index, good);
        fflush(to);
        stage_done(&st, &item);
    }
    fclose(to);
    return stage_close(&st, "collector");
}

/* settle: in the new process, before anything; NULL: nothing. */
static inline pid_t ends_start(int (*be)(void), const char *name, void (*settle)(void))
{
    pid_t const pid = fault_fork();
    if (pid)
        return pid;
    program_name_set(name);
    char *log = xprintf("%s/%s.log", ends.dir, name);
    if (!freopen(log, "a", stderr))
        _exit(99);
    if (settle)
        settle();
    exit(be());
}

/* Stops the source and waits for both; then counts. */
struct ends_count {
    uint64_t made, lost, repeated, wrong, died;
};
static inline struct ends_count ends_finish(double most_s)
{
    struct ends_count c = {0};
    struct error e = {0};
    int status[2] = {0, 0};
    pid_t end[2] = {ends.source, ends.collector};
    if (publish_bytes(ends.stop, "", 0, &e))
        die_of(&e);
    double const until_s = now_s() + most_s;
    for (int i = 0; i < 2; i++)
        while (end[i] && now_s() < until_s) {
            if (waitpid(end[i], &status[i], WNOHANG) == end[i])
                end[i] = 0;
            usleep(20000);
        }
    for (int i = 0; i < 2; i++) {
        c.died += end[i] || status[i] != 0;
        if (end[i])
            kill(end[i], SIGKILL);
    }
    char *path = path_join(ends.dir, "made");
    struct buffer b = {0}, text = {0};
    c.made = file_read(path, 100, &b, &e) ? 0 : strtoull((char *)b.data, NULL, 10);
    int *seen = xalloc(c.made + 1, sizeof *seen);
    if (file_read(ends.list, (size_t)1 << 30, &text, &e) == 0)
        for (char *line = (char *)text.data, *line_end; (line_end = strchr(line, '\n')); line = line_end + 1) {
            uint64_t const i = strtoull(line, NULL, 10);
            if (i < c.made && line_end[-1] == '1')
                seen[i]++;
            else
                c.wrong++;
        }
    for (uint64_t i = 0; i < c.made; i++) {
        c.lost += seen[i] == 0;
        c.repeated += seen[i] > 1;
    }
    c.lost += c.made == 0;
    buffer_free(&b);
    buffer_free(&text);
    free(seen);
    free(path);
    if (!c.lost && !c.repeated && !c.wrong && !c.died)
        dir_remove(ends.dir);
    else
        fprintf(stderr, "see '%s'\n", ends.dir);
    return c;
}
#endif
