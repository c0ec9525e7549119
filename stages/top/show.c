/* SPDX-License-Identifier: Apache-2.0 */
/* show -- a run for people: bars, a table, a line, what to know at its end; and for Prometheus.   run -> [show] */
#include "stages/top/show.h"
#include "common/file.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { BAR = 20, REFUSALS_SHOWN = 20 };

static void put_duration(FILE *to, double seconds)
{
    long const s = (long)(seconds + 0.5);
    if (s < 60)
        fprintf(to, "%ld s", s);
    else if (s < 3600)
        fprintf(to, "%ld min %02ld s", s / 60, s % 60);
    else
        fprintf(to, "%ld h %02ld min", s / 3600, s % 3600 / 60);
}

static void put_rate(FILE *to, double rate)
{
    if (rate > 0)
        fprintf(to, rate < 10 ? " %.2g/s" : " %.0f/s", rate);
}

void show_scans(const struct run *r, size_t *told, const char *before, FILE *to)
{
    for (; *told < r->kepts; ++*told) {
        const struct scan *s = &r->scan[r->kept[*told]];
        char *name = run_reveal(r, s->name);
        fprintf(to, "%s%s  %s  %.1f s  %s\n", before, s->patient, s->line, s->read_s + s->suv_s + s->regions_s, name);
        free(name);
    }
}

static void put_bar(const struct run *r, const struct sum *s, FILE *to)
{
    fprintf(to, "%-15s ", s->program);
    if (s->total > 0) {
        double const full = s->done >= s->total ? BAR : s->done / s->total * BAR;
        putc('[', to);
        for (int i = 0; i < BAR; i++)
            putc(i < (int)full ? '#' : '.', to);
        fprintf(to, "] %.0f/%.0f %s", s->done, s->total, s->unit);
    } else {
        fprintf(to, "%.0f %s", s->done, s->unit);
    }
    put_rate(to, s->rate);
    if (s->rate > 0 && s->total > s->done) {
        fputs(" eta ", to);
        put_duration(to, (s->total - s->done) / s->rate);
    }
    char *text = run_reveal(r, s->text);
    if (*text)
        fprintf(to, "  %s", text);
    free(text);
}

/* A letter is not cut in two. */
static int cut(const char *text, size_t columns)
{
    size_t bytes = 0, letters = 0;
    for (; text[bytes] && (!columns || letters < columns); letters++)
        do
            bytes++;
        while (((unsigned char)text[bytes] & 0xc0) == 0x80);
    return (int)bytes;
}

size_t show_bars(const struct run *r, const char *before, size_t columns, FILE *to)
{
    struct sum s;
    size_t i = 0;
    for (; run_sum(r, i, &s); i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *line = open_memstream(&text, &size);
        if (!line)
            die(EX_OSERR, "no memory for a line of text");
        put_bar(r, &s, line);
        fclose(line);
        fprintf(to, "%s%.*s\n", before, cut(text, columns), text);
        free(text);
    }
    return i;
}

/* ---- numbers ---- */

/* Share of its time that a program neither waited for input nor for room: the one with most holds the others up. */
static double busy_of(const struct sum *s)
{
    double const busy = s->lived_s > 0 ? 1 - (s->wait_in_s + s->wait_out_s) / s->lived_s : 0;
    return busy < 0 ? 0 : busy;
}

static const char *slowest(const struct run *r)
{
    const char *name = "-";
    double most = 0;
    struct sum s;
    for (size_t i = 0; run_sum(r, i, &s); i++)
        if (s.wait_in_s + s.wait_out_s + s.window > 0 && busy_of(&s) > most) { /* has an end of a channel */
            most = busy_of(&s);
            name = s.program;
        }
    return name;
}

static double share(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

size_t show_table(const struct run *r, const char *before, FILE *to)
{
    struct sum s;
    size_t i = 0;
    const char *slow = slowest(r);
    fprintf(to, "%s%-16s %6s %15s %9s %9s %8s %9s %8s %7s %9s\n", before, "program", "copies", "done", "per s",
            "waits in", "out", "credits", "restarts", "repeats", "MiB");
    for (; run_sum(r, i, &s); i++) {
        char done[32];
        if (s.total > 0)
            format_into(done, sizeof done, "%.0f/%.0f", s.done, s.total);
        else
            format_into(done, sizeof done, "%.0f", s.done);
        fprintf(to, "%s%-16s %6d %15s %9.3g %8.0f%% %7.0f%% %4.0f/%-4.0f %8d %7.0f %9.0f%s\n", before, s.program,
                s.copies, done, s.rate, share(s.wait_in_s, s.lived_s), share(s.wait_out_s, s.lived_s), s.pending,
                s.window, s.restarts, s.repeats, s.memory_bytes / 0x1p20,
                strcmp(s.program, slow) == 0 ? "  <- the slowest" : "");
    }
    fprintf(to, "%s%zu scans kept, %zu refused\n", before, r->kepts, r->refusals);
    return i + 2;
}

void show_line(const struct run *r, FILE *to)
{
    struct sum s;
    int restarts = 0;
    double memory = 0, repeats = 0;
    fputs("program=petrel-top", to);
    for (size_t i = 0; run_sum(r, i, &s); i++) {
        fprintf(to, " %s=%.0f", s.program, s.done);
        if (s.total > 0)
            fprintf(to, "/%.0f", s.total);
        restarts += s.restarts;
        memory += s.memory_bytes;
        repeats += s.repeats;
    }
    fprintf(to, " slowest=%s kept=%zu refused=%zu restarts=%d repeats=%.0f memory_mib=%.0f\n", slowest(r), r->kepts,
            r->refusals, restarts, repeats, memory / 0x1p20);
}

int show_prometheus(const struct run *r, const char *path, struct error *e)
{
    static const char *const help[] = {"done",    "counter",          "total",        "gauge",    "wait_in_seconds",
                                       "counter", "wait_out_seconds", "counter",      "restarts", "counter",
                                       "repeats", "counter",          "memory_bytes", "gauge"};
    struct publish p;
    struct sum s;
    if (publish_open(&p, path, e) < 0)
        return -1;
    for (size_t k = 0; k < COUNT_OF(help); k += 2) {
        fprintf(p.to, "# TYPE petrel_%s %s\n", help[k], help[k + 1]);
        for (size_t i = 0; run_sum(r, i, &s); i++) {
            double const value[] = {s.done, s.total, s.wait_in_s, s.wait_out_s, s.restarts, s.repeats, s.memory_bytes};
            fprintf(p.to, "petrel_%s{program=\"%s\"} %.15g\n", help[k], s.program, value[k / 2]);
        }
    }
    fprintf(p.to,
            "# TYPE petrel_scans_kept counter\npetrel_scans_kept %zu\n# TYPE petrel_scans_refused counter\n"
            "petrel_scans_refused %zu\n",
            r->kepts, r->refusals);
    return publish_commit(&p, e);
}

/* ---- the end ---- */

/* "suv.2": one of several copies, whose lines would say the same. */
static bool is_copy(const char *node)
{
    const char *dot = strrchr(node, '.');
    if (!dot || !dot[1])
        return false;
    while (isdigit((unsigned char)*++dot))
        ;
    return *dot == '\0';
}

static int by_program(const void *a, const void *b)
{
    const struct refusal *p = a, *q = b;
    int const order = strcmp(p->program, q->program);
    return order ? order : strcmp(p->scan, q->scan);
}

void show_end(const struct run *r, FILE *to)
{
    for (size_t i = 0; i < r->nodes; i++) {
        const struct node *n = &r->node[i];
        if (!is_copy(n->name) && n->last)
            fprintf(to, "%s\n", n->last);
        if (n->restarts)
            fprintf(to, "%s: killed and started again, times: %d\n", n->name, n->restarts);
    }
    if (!r->refusals)
        return;
    qsort(r->refusal, r->refusals, sizeof *r->refusal, by_program);
    fprintf(to, "refused: %zu scans\n", r->refusals);
    for (size_t i = 0; i < r->refusals && i < REFUSALS_SHOWN; i++) {
        char *scan = run_reveal(r, r->refusal[i].scan), *sentence = run_reveal(r, r->refusal[i].sentence);
        fprintf(to, "%s: refused '%s': %s\n", r->refusal[i].program, scan, sentence);
        free(scan);
        free(sentence);
    }
    if (r->refusals > REFUSALS_SHOWN)
        fprintf(to, "... and %zu more in %s/logs\n", r->refusals - REFUSALS_SHOWN, r->dir);
}
