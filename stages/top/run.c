/* SPDX-License-Identifier: Apache-2.0 */
/* run -- what is known of a run, from its records.   RUN/progress -> [run] -> bars, report */
#include "stages/top/run.h"
#include "common/file.h"
#include "common/metric.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- what is kept ---- */

static void *grow(void *list, size_t count, size_t size)
{
    char *longer = xresize(list, count + 1, size);
    memset(longer + count * size, 0, size);
    return longer;
}

static void set(char **to, const char *text)
{
    free(*to);
    *to = xstrdup(text);
}

static struct node *node_of(struct run *r, const char *name, const char *program)
{
    for (size_t i = 0; i < r->nodes; i++)
        if (strcmp(r->node[i].name, name) == 0)
            return &r->node[i];
    r->node = grow(r->node, r->nodes, sizeof *r->node);
    r->node[r->nodes] = (struct node){.name = xstrdup(name), .program = xstrdup(program)};
    return &r->node[r->nodes++];
}

static struct scan *scan_of(struct run *r, const char *name)
{
    for (size_t i = r->scans; i-- > 0;)
        if (strcmp(r->scan[i].name, name) == 0)
            return &r->scan[i];
    r->scan = grow(r->scan, r->scans, sizeof *r->scan);
    r->scan[r->scans].name = xstrdup(name);
    return &r->scan[r->scans++];
}

/* A process without a node is its own. */
static const char *node_name(const char *file, const struct metric_record *m)
{
    const char *node = metric_record_text(m, "node");
    return *node ? node : file;
}

static double number(const struct metric_record *m, const char *key)
{
    double const value = metric_record_number(m, key);
    return isnan(value) ? 0 : value;
}

/* ---- events ---- */

static void refusal_keep(struct run *r, const struct metric_record *m)
{
    const char *program = metric_record_text(m, "program"), *scan = metric_record_text(m, "scan"),
               *sentence = metric_record_text(m, "text");
    for (size_t i = 0; i < r->refusals; i++) /* again, by a program that was started again */
        if (strcmp(r->refusal[i].scan, scan) == 0 && strcmp(r->refusal[i].sentence, sentence) == 0)
            return;
    r->refusal = grow(r->refusal, r->refusals, sizeof *r->refusal);
    r->refusal[r->refusals++] = (struct refusal){xstrdup(program), xstrdup(scan), xstrdup(sentence)};
}

static void cached_keep(struct run *r, const struct metric_record *m)
{
    struct scan *s = scan_of(r, metric_record_text(m, "scan"));
    if (s->cached)
        return;
    s->cached = true;
    set(&s->patient, metric_record_text(m, "patient"));
    s->line = xprintf("%s  SUV factor %.6g  SUVmax %.2f  %.0f regions  %.0f tumours", metric_record_text(m, "vendor"),
                      number(m, "factor"), number(m, "suv_max"), number(m, "regions"), number(m, "tumours"));
    r->kept = xresize(r->kept, r->kepts + 1, sizeof *r->kept);
    r->kept[r->kepts++] = (size_t)(s - r->scan);
}

static void event(void *context, const char *file, const struct metric_record *m)
{
    struct run *r = context;
    const char *name = metric_record_text(m, "name"), *scan = metric_record_text(m, "scan");
    if (strcmp(name, "refused") == 0)
        refusal_keep(r, m);
    else if (strcmp(name, "read") == 0)
        scan_of(r, scan)->read_s = number(m, "seconds");
    else if (strcmp(name, "suv") == 0)
        scan_of(r, scan)->suv_s = number(m, "seconds");
    else if (strcmp(name, "regions") == 0)
        scan_of(r, scan)->regions_s = number(m, "seconds");
    else if (strcmp(name, "cached") == 0)
        cached_keep(r, m);
    else if (strcmp(name, "killed") == 0)
        node_of(r, node_name(file, m), "")->restarts++;
    else if (strcmp(name, "end") == 0)
        set(&node_of(r, node_name(file, m), metric_record_text(m, "program"))->last, metric_record_text(m, "text"));
}

/* ---- states ---- */

static void state(void *context, const char *file, const struct metric_record *m)
{
    struct run *r = context;
    struct process *p = NULL;
    char host[65] = "";
    for (size_t i = 0; i < r->processes && !p; i++)
        p = strcmp(r->process[i].file, file) == 0 ? &r->process[i] : NULL;
    if (!p) {
        r->process = grow(r->process, r->processes, sizeof *r->process);
        p = &r->process[r->processes++];
        set(&p->file, file);
    }
    set(&p->program, metric_record_text(m, "program"));
    set(&p->node, node_name(file, m));
    set(&p->unit, metric_record_text(m, "unit"));
    set(&p->text, metric_record_text(m, "text"));
    set(&node_of(r, p->node, p->program)->program, p->program); /* whatever it was started through */
    gethostname(host, sizeof host - 1);
    p->here = strcmp(host, metric_record_text(m, "host")) == 0;
    p->pid = (int)number(m, "pid");
    p->began_s = number(m, "began_s");
    p->at_s = number(m, "at_s");
    p->done = number(m, "done");
    p->total = number(m, "total");
    p->rate = number(m, "rate");
    p->eta_s = number(m, "eta_s");
    p->peak_bytes = number(m, "peak_bytes");
    p->wait_in_s = number(m, "wait_in_s");
    p->wait_out_s = number(m, "wait_out_s");
    p->window = number(m, "window");
    p->pending = number(m, "pending");
    p->repeats = number(m, "repeats");
}

/* ---- the run ---- */

/* A line a node: its name, a tab, its program. */
static void nodes_read(struct run *r)
{
    char *path = path_join(r->dir, "nodes");
    struct buffer b = {0};
    struct error e = {0};
    if (file_exists(path) && file_read(path, (size_t)1 << 24, &b, &e) == 0)
        for (char *rest = (char *)b.data, *line; (line = strsep(&rest, "\n")) && *line;) {
            char *tab = strchr(line, '\t');
            if (tab)
                *tab = '\0';
            node_of(r, line, tab ? tab + 1 : "");
        }
    buffer_free(&b);
    free(path);
}

int run_open(struct run *r, const char *dir, struct error *e)
{
    *r = (struct run){0};
    if (!dir_exists(dir))
        return fail_as(e, EX_NOINPUT, "there is no run directory '%s'", dir);
    r->dir = xstrdup(dir);
    char *progress = path_join(dir, "progress");
    r->reader = metric_reader_open(progress);
    free(progress);
    return 0;
}

void run_reveal_open(struct run *r)
{
    r->reveals = true;
    r->names_bytes = -1;
}

/* The table grows while scans are found. */
static void names_look(struct run *r)
{
    struct error e = {0};
    struct stat status;
    char *path = pseudonyms_path(r->dir);
    if (r->reveals && stat(path, &status) == 0 && status.st_size != r->names_bytes) {
        pseudonyms_free(&r->names);
        if (pseudonyms_read(&r->names, path, &e) == 0) /* if not, they stay hidden */
            r->names_bytes = status.st_size;
    }
    free(path);
}

void run_look(struct run *r)
{
    nodes_read(r);
    names_look(r);
    metric_reader_look(r->reader, event, state, r);
}

char *run_reveal(const struct run *r, const char *text)
{
    return pseudonyms_reveal(&r->names, text);
}

bool run_ended(const struct run *r)
{
    for (size_t i = 0; i < r->nodes; i++) {
        char *path = xprintf("%s/logs/%s.exit", r->dir, r->node[i].name);
        bool const there = file_exists(path);
        free(path);
        if (!there)
            return false;
    }
    return r->nodes > 0;
}

void run_close(struct run *r)
{
    for (size_t i = 0; i < r->processes; i++) {
        struct process *p = &r->process[i];
        char *const text[] = {p->file, p->program, p->node, p->unit, p->text};
        for (size_t k = 0; k < COUNT_OF(text); k++)
            free(text[k]);
    }
    for (size_t i = 0; i < r->scans; i++) {
        free(r->scan[i].name);
        free(r->scan[i].patient);
        free(r->scan[i].line);
    }
    for (size_t i = 0; i < r->refusals; i++) {
        free(r->refusal[i].program);
        free(r->refusal[i].scan);
        free(r->refusal[i].sentence);
    }
    for (size_t i = 0; i < r->nodes; i++) {
        free(r->node[i].name);
        free(r->node[i].program);
        free(r->node[i].last);
    }
    free(r->process);
    free(r->scan);
    free(r->kept);
    free(r->refusal);
    free(r->node);
    free(r->dir);
    pseudonyms_free(&r->names);
    metric_reader_close(&r->reader);
}

/* ---- sums ---- */

/* What it holds now; of one that is gone, or elsewhere, the most it held. */
static double memory_of(const struct process *p)
{
    char path[64];
    long pages = 0, shared = 0;
    format_into(path, sizeof path, "/proc/%d/statm", p->pid);
    FILE *from = p->here ? fopen(path, "re") : NULL;
    if (!from)
        return p->here ? 0 : p->peak_bytes;
    if (fscanf(from, "%*s %ld %ld", &pages, &shared) != 2)
        pages = 0;
    fclose(from);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static bool latest(const struct run *r, const struct process *p)
{
    for (size_t i = 0; i < r->processes; i++)
        if (strcmp(r->process[i].node, p->node) == 0 && strcmp(r->process[i].program, p->program) == 0 &&
            (r->process[i].began_s > p->began_s || (!(r->process[i].began_s < p->began_s) && &r->process[i] > p)))
            return false;
    return true;
}

static void add(const struct run *r, const struct process *p, struct sum *s)
{
    bool const last = latest(r, p);
    if (last || p->total <= 0) /* one that knows a total says itself where its predecessor was */
        s->done += p->done;
    s->repeats += p->repeats;
    if (!last)
        return;
    s->unit = p->unit;
    s->total += p->total;
    s->rate += p->rate;
    s->eta_s = p->eta_s > s->eta_s ? p->eta_s : s->eta_s;
    s->memory_bytes += memory_of(p);
    s->wait_in_s += p->wait_in_s;
    s->wait_out_s += p->wait_out_s;
    s->lived_s += p->at_s - p->began_s;
    s->window += p->window;
    s->pending += p->pending;
    s->copies++;
    s->text = p->text;
}

bool run_sum(const struct run *r, size_t i, struct sum *s)
{
    const char *program = NULL;
    for (size_t n = 0, found = 0; n < r->nodes && !program; n++) {
        bool first = *r->node[n].program != '\0', known = false;
        for (size_t before = 0; before < n && first; before++)
            first = strcmp(r->node[before].program, r->node[n].program) != 0;
        for (size_t p = 0; p < r->processes && !known; p++)
            known = strcmp(r->process[p].program, r->node[n].program) == 0;
        if (first && known && found++ == i)
            program = r->node[n].program;
    }
    if (!program)
        return false;
    *s = (struct sum){.program = program, .unit = "", .text = "", .eta_s = -1};
    for (size_t p = 0; p < r->processes; p++)
        if (strcmp(r->process[p].program, program) == 0)
            add(r, &r->process[p], s);
    for (size_t n = 0; n < r->nodes; n++)
        if (strcmp(r->node[n].program, program) == 0)
            s->restarts += r->node[n].restarts;
    return true;
}
