/* SPDX-License-Identifier: Apache-2.0 */
/* paper_print -- a table of the paper as text, CSV, LaTeX or HTML.   paper -> [paper_print] */
#include "stages/eval/paper.h"
#include "stages/eval/provenance.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const head[METRICS_OF_PAPER] = {"Sens", "Spec", "Prec", "F1", "B.Acc", "AUC"};
enum { NAME_WIDTH = 30, OWN_WIDTH = 10, SEEDS_WIDTH = 16, PRINTED_WIDTH = 7, CELL = 64 };

static bool has_seeds(const struct paper *p)
{
    for (size_t i = 0; i < p->rows->count; i++)
        if (p->rows->row[i].models > 1)
            return true;
    return false;
}

static bool has_thresholds(const struct paper *p)
{
    for (size_t i = 0; i < p->rows->count; i++)
        if (*p->rows->row[i].like != '\0')
            return true;
    return false;
}

/* ---- the heading, in words ---- */

static const char *cohort_words(const struct paper *p)
{
    return *p->cohort != '\0' ? p->cohort : "the cohort of this cache";
}

static char *title_text(const struct paper *p)
{
    return xprintf("Table %s. %s: %s", p->rows->table, p->rows->title, cohort_words(p));
}

static char *cohort_text(const struct paper *p)
{
    if (p->r == NULL)
        return xprintf("%s, %zu scans, %zu regions; no row has a model yet", cohort_words(p), p->cache->shard_count,
                       p->cache->regions);
    size_t most = 0;
    for (size_t i = 0; i < p->rows->count; i++)
        most = p->rows->row[i].seeds > most ? p->rows->row[i].seeds : most;
    const struct report *r = p->r;
    return xprintf(
        "ours: %s, %s split, %zu regions of which %zu are tumours, %zu patients; %zu seed%s a row; the paper's: "
        "autoPET, 177 patients (Table V: its private scans), another cohort: orders may be compared, levels not",
        cohort_words(p), split_name[r->split], r->model[0].figures.n, r->model[0].figures.tumours, r->patients.count,
        most, most == 1 ? "" : "s");
}

/* ---- a row ---- */

/* In per cent; what is less than everything is not shown as 100.0. */
static const char *share_text(double v, char text[16])
{
    if (isnan(v))
        format_into(text, 16, "-");
    else if (v < 1.0 && v >= 0.9995)
        format_into(text, 16, "99.9+");
    else
        format_into(text, 16, "%.1f", 100.0 * v);
    return text;
}

static void own_text(const struct paper_row *row, int m, char text[CELL])
{
    char mean[16], spread[16] = "";
    if (!isnan(row->sd[m]))
        format_into(spread, sizeof spread, " (%.1f)", 100.0 * row->sd[m]);
    format_into(text, CELL, "%s%s", share_text(row->mean[m], mean), spread);
}

static void row_name(const struct row *row, char name[ROW_NAME + 32])
{
    if (row->models > 0 && row->models < row->seeds)
        format_into(name, ROW_NAME + 32, "%s (%zu of %zu seeds)", row->name, row->models, row->seeds);
    else
        format_into(name, ROW_NAME + 32, "%s", row->name);
}

static void put_name(const struct dress *d, const char *name, FILE *to)
{
    fputs(d->row, to);
    d->escape(name, to);
    if (d->width > 0)
        fprintf(to, "%*s", dress_letters(name) < NAME_WIDTH ? NAME_WIDTH - dress_letters(name) : 0, "");
}

static void put_row(const struct paper *p, const struct dress *d, size_t i, int width, bool thresholds, FILE *to)
{
    const struct row *row = &p->rows->row[i];
    const struct paper_row *f = &p->row[i];
    char text[CELL], after[32], name[ROW_NAME + 32];
    bool rows_alike = p->rows->count < 2;
    row_name(row, name);
    put_name(d, name, to);
    if (thresholds) {
        format_into(text, sizeof text, isnan(f->threshold) ? "-" : "%.2f", f->threshold);
        dress_cell(d, SIZE_MAX, text, "", d->width > 0 ? PRINTED_WIDTH : 0, to);
    }
    for (int m = 0; m < METRICS_OF_PAPER; m++) {
        own_text(f, m, text);
        format_into(after, sizeof after, "%s%s", f->star[m] ? d->star : "",
                    m == METRIC_AUC && f->dagger ? d->dagger : "");
        dress_cell(d, rows_alike ? SIZE_MAX : f->place[m], text, after, width, to);
    }
    for (int m = thresholds ? 0 : 1; m < 1 + METRICS_OF_PAPER; m++) {
        const char *printed = row->printed[m];
        size_t digits = strcspn(printed, "*");
        format_into(text, sizeof text, "%.*s%s", (int)digits, printed, printed[digits] == '*' ? d->star : "");
        dress_cell(d, SIZE_MAX, *printed != '\0' ? text : "-", "", d->width > 0 ? PRINTED_WIDTH : 0, to);
    }
    fputs(d->row_end, to);
}

static void put_baselines(const struct paper *p, const struct dress *d, int width, bool thresholds, FILE *to)
{
    if (p->r == NULL || p->r->baselines.count == 0)
        return;
    dress_rule(d, "nothing learned of representations, the same training patients:",
               1 + 2 * (METRICS_OF_PAPER + thresholds), to);
    for (size_t b = 0; b < BASELINE_PROBE; b++) {
        char text[CELL];
        put_name(d, p->r->baselines.one[b].name, to);
        if (thresholds)
            dress_cell(d, SIZE_MAX, "0.50", "", d->width > 0 ? PRINTED_WIDTH : 0, to);
        for (int m = 0; m < METRICS_OF_PAPER; m++) {
            dress_cell(d, SIZE_MAX, share_text(p->r->baselines.one[b].figures.value[m], text), "", width, to);
        }
        for (int m = thresholds ? 0 : 1; m < 1 + METRICS_OF_PAPER; m++)
            dress_cell(d, SIZE_MAX, "", "", d->width > 0 ? PRINTED_WIDTH : 0, to);
        fputs(d->row_end, to);
    }
}

/* Over the columns: whose they are. */
static void put_owners(const struct dress *d, int width, bool thresholds, FILE *to)
{
    int columns = METRICS_OF_PAPER + thresholds,
        own = METRICS_OF_PAPER * width + (thresholds ? PRINTED_WIDTH : 0) + 2 * columns;
    if (strcmp(d->name, "html") == 0)
        fprintf(to, "<tr><th></th><th colspan=\"%d\">ours</th><th colspan=\"%d\">the paper</th></tr>\n", columns,
                columns);
    else if (strcmp(d->name, "latex") == 0)
        fprintf(to, " & \\multicolumn{%d}{c|}{ours} & \\multicolumn{%d}{c}{the paper} \\\\\n", columns, columns);
    else
        fprintf(to, "%*s  | ours%*s  | the paper\n", NAME_WIDTH - 2, "", own - 8, "");
}

static void put_heads(const struct dress *d, int width, bool thresholds, FILE *to)
{
    int printed = d->width > 0 ? PRINTED_WIDTH : 0;
    bool markdown = strcmp(d->name, "markdown") == 0; /* one line of heads, and a line below it */
    if (!markdown)
        put_owners(d, width, thresholds, to);
    put_name(d, "in %", to);
    for (int of = 0; of < 2; of++) {
        if (thresholds)
            dress_cell(d, SIZE_MAX, markdown && of == 1 ? "paper: Th" : "Th", "", printed, to);
        for (int m = 0; m < METRICS_OF_PAPER; m++) {
            char text[CELL];
            format_into(text, sizeof text, "%s%s", markdown && of == 1 ? "paper: " : "", head[m]);
            dress_cell(d, SIZE_MAX, text, "", of == 0 ? width : printed, to);
        }
    }
    fputs(d->row_end, to);
    for (int k = 0; markdown && k <= 2 * (METRICS_OF_PAPER + thresholds); k++)
        fputs(k == 0 ? "| --- |" : " --: |", to);
    fputs(markdown ? "\n" : "", to);
}

/* ---- what stands below ---- */

static void put_line(const struct dress *d, char *text, FILE *to)
{
    dress_note(d, text, to);
    free(text);
}

/* A small p of rows whose errors are the larger has no star, and why is said. */
static const char *errors_text(const struct paper_test *t)
{
    return t->p_wilcoxon < 0.05 && !t->smaller ? " (its errors are the LARGER: no star)" : "";
}

/* Tests of two rows other than of AUC differ in their column alone: said once, with all columns. */
static void put_tests(const struct paper *p, const struct dress *d, FILE *to)
{
    for (size_t i = 0; i < p->tests; i++) {
        const struct paper_test *t = &p->test[i];
        const char *a = p->rows->row[t->a].name, *b = p->rows->row[t->b].name;
        char columns[160] = "";
        bool said = false;
        for (size_t k = 0; k < p->tests; k++) {
            const struct paper_test *u = &p->test[k];
            if (u->a != t->a || u->b != t->b || u->metric == METRIC_AUC)
                continue;
            said = said || k < i;
            format_into(columns + strlen(columns), sizeof columns - strlen(columns), "%s%s",
                        *columns != '\0' ? ", " : "", metric_title[u->metric]);
        }
        if (t->metric != METRIC_AUC && !said)
            put_line(d, xprintf("%s: %s against %s, Wilcoxon p = %.3g%s", columns, a, b, t->p_wilcoxon, errors_text(t)),
                     to);
        else if (t->metric == METRIC_AUC)
            put_line(
                d,
                xprintf("AUC: %s against %s, %.4f and %.4f; Wilcoxon p = %.3g%s; DeLong by patient p = %.3g (Holm over "
                        "%zu: %.3g); permutation by patient p = %.3g",
                        a, b, t->auc_a, t->auc_b, t->p_wilcoxon, errors_text(t), t->p_delong, p->holm_tests, t->p_holm,
                        t->p_permutation),
                to);
    }
}

/* The rows above the best baseline, or those of them that beat it. The caller's. */
static char *names_of(const struct paper *p, bool beats)
{
    char *names = xstrdup("");
    for (size_t i = 0; i < p->rows->count; i++)
        if (beats ? p->row[i].beats : p->row[i].above) {
            char *longer = xprintf("%s%s%s", names, *names != '\0' ? "; " : "", p->rows->row[i].name);
            free(names);
            names = longer;
        }
    return names;
}

/* Which rows are above the best of the baselines, which know only SUV, volume and place, or whose encoder never learned. */
static void put_verdict(const struct paper *p, const struct dress *d, FILE *to)
{
    const struct baselines *b = &p->r->baselines;
    if (b->count == 0) {
        put_line(d, xprintf("no baselines: %s", b->none), to);
        return;
    }
    double best = b->one[b->best].figures.value[METRIC_AUC];
    char *above = names_of(p, false), *beats = names_of(p, true);
    put_line(
        d,
        xprintf("AUC above the best baseline's (%s, %.1f): %s; by both tests that know of patients (DeLong after Holm "
                "over the rows, permutation): %s",
                b->one[b->best].name, 100.0 * best, *above != '\0' ? above : "no row", *beats != '\0' ? beats : "no row"),
        to);
    free(above);
    free(beats);
}

static void put_missing(const struct paper *p, const struct dress *d, FILE *to)
{
    for (size_t i = 0; i < p->rows->count; i++)
        if (*p->rows->row[i].note != '\0')
            put_line(d, xprintf("%s: %s", p->rows->row[i].name, p->rows->row[i].note), to);
}

static void put_notes(const struct paper *p, const struct dress *d, FILE *to)
{
    for (size_t i = 0; p->r != NULL && i < p->r->models; i++) {
        char *seen = seen_sentence(&p->r->model[i].seen, p->r->model[i].name, split_name[p->r->split]);
        if (*seen != '\0')
            dress_note(d, seen, to);
        free(seen);
    }
    put_missing(p, d, to);
    if (p->r != NULL) {
        put_line(
            d,
            xprintf(
                "best bold, second underlined (text: **best**, _second_)%s. * smaller errors, p < 0.05, by Wilcoxon's "
                "signed-rank test on |probability - truth| of regions, the paper's test, which takes regions for "
                "independent; %s at AUC: higher, p < 0.05 by both tests that know of patients, DeLong's clustered "
                "(after Holm) and the permutation",
                has_seeds(p) ? "; in brackets the spread of seeds; tests are of each row's first seed" : "",
                d->width > 0 ? d->dagger : "dagger"),
            to);
        put_tests(p, d, to);
        put_verdict(p, d, to);
        provenance_notes(p->r, d, to);
    } else
        put_line(d, provenance_of_cache(p->cache->digest, "no"), to);
}

static void put_dressed(const struct paper *p, const struct dress *d, FILE *to)
{
    bool thresholds = has_thresholds(p), latex = strcmp(d->name, "latex") == 0, html = strcmp(d->name, "html") == 0;
    int width = d->width == 0 ? 0 : (has_seeds(p) ? SEEDS_WIDTH : OWN_WIDTH);
    char *title = title_text(p);
    if (html) {
        fprintf(to, "<section id=\"table-%s\"><h2>", p->rows->table);
        d->escape(title, to);
        fprintf(to, "</h2>\n");
    } else {
        fputs(strcmp(d->name, "markdown") == 0 ? "### " : "", to);
        dress_note(d, title, to);
    }
    free(title);
    put_line(d, cohort_text(p), to);
    if (latex)
        fprintf(to, "\\begin{tabular}{l%s|%s}\n\\hline\n", thresholds ? "rrrrrrr" : "rrrrrr",
                thresholds ? "rrrrrrr" : "rrrrrr");
    else
        fprintf(to, "%s%s", html ? "<div class=\"scroll\">" : "", d->begin);
    put_heads(d, width, thresholds, to);
    fputs(latex ? "\\hline\n" : "", to);
    for (size_t i = 0; i < p->rows->count; i++)
        put_row(p, d, i, width, thresholds, to);
    put_baselines(p, d, width, thresholds, to);
    fprintf(to, "%s%s", d->end, html ? "</div>" : "");
    if (html)
        fprintf(to, "<details><summary>what is missing, tests, provenance</summary>\n");
    put_notes(p, d, to);
    if (html)
        fprintf(to, "</details></section>\n");
}

/* ---- CSV ---- */

static void put_quoted(const char *text, FILE *to)
{
    fputc('"', to);
    for (; *text != '\0'; text++)
        fprintf(to, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', to);
}

static void put_number(double v, FILE *to)
{
    fputc(',', to);
    if (!isnan(v))
        fprintf(to, "%.6f", v);
}

static void put_csv_row(const struct paper *p, size_t i, FILE *to)
{
    const struct row *row = &p->rows->row[i];
    const struct paper_row *f = &p->row[i];
    fprintf(to, "%s,", p->rows->table);
    put_quoted(row->name, to);
    fprintf(to, ",row,%zu,", row->models);
    put_quoted(row->note, to);
    put_number(f->threshold, to);
    fprintf(to, ",%s", row->printed[0]);
    for (int m = 0; m < METRICS_OF_PAPER; m++) {
        put_number(f->mean[m], to);
        put_number(f->sd[m], to);
        fprintf(to, ",%s%s,%s", f->star[m] ? "*" : "", m == METRIC_AUC && f->dagger ? "+" : "", row->printed[m + 1]);
    }
    fprintf(to, ",%s,", p->cohort);
    if (p->of_row[i] != SIZE_MAX)
        provenance_cells(p->r, &p->r->model[p->of_row[i]], to);
    else
        fprintf(to, ",%s,%s,,,,,", program_version(), p->cache->digest);
    fputc('\n', to);
}

static void put_csv(const struct paper *p, FILE *to)
{
    fprintf(to, "table,row,kind,seeds,note,threshold,threshold_paper");
    for (int m = 0; m < METRICS_OF_PAPER; m++)
        fprintf(to, ",%s,%s_sd,%s_mark,%s_paper", metric_name[m], metric_name[m], metric_name[m], metric_name[m]);
    fprintf(to, ",cohort," PROVENANCE_COLUMNS "\n");
    for (size_t i = 0; i < p->rows->count; i++)
        put_csv_row(p, i, to);
    for (size_t b = 0; p->r != NULL && b < p->r->baselines.count && b < BASELINE_PROBE; b++) {
        const struct figures *f = &p->r->baselines.one[b].figures;
        fprintf(to, "%s,", p->rows->table);
        put_quoted(p->r->baselines.one[b].name, to);
        fprintf(to, ",baseline,1,\"\"");
        put_number(f->threshold, to);
        fputc(',', to);
        for (int m = 0; m < METRICS_OF_PAPER; m++) {
            put_number(f->value[m], to);
            fprintf(to, ",,,");
        }
        fprintf(to, ",%s,%s,%s,%s,,,,,\n", p->cohort, split_name[p->r->split], program_version(), p->cache->digest);
    }
}

void paper_print(const struct paper *p, const char *format, FILE *to)
{
    if (strcmp(format, "csv") == 0)
        put_csv(p, to);
    else
        put_dressed(p, dress_of(format), to);
}
