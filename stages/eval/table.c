/* SPDX-License-Identifier: Apache-2.0 */
/* table -- models side by side, as the paper's tables are.   evaluation -> [table] */
#include "stages/eval/table.h"
#include "common/log.h"
#include "stages/eval/dress.h"
#include "stages/eval/provenance.h"
#include "stages/eval/seeds.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double SIGNIFICANT = 0.05;

/* The text of a cell as it is shown, so that equal cells are equally good. */
static void cell_text(const struct report *r, size_t i, int k, char text[16])
{
    double v = r->model[i].figures.value[k];
    if (isnan(v))
        format_into(text, 16, "-");
    else
        format_into(text, 16, "%.*f", k == METRIC_MCC ? 3 : 1, k == METRIC_MCC ? v : 100.0 * v);
}

/* 0: the best in its column, 1: the second best, else more. */
static size_t place_of(const struct report *r, size_t i, int k)
{
    char own[16], other[16], last[16] = "";
    size_t better = 0;
    cell_text(r, i, k, own);
    if (isnan(r->model[i].figures.value[k]))
        return r->models;
    for (size_t j = 0; j < r->models; j++) { /* of several alike and better, one counts */
        cell_text(r, j, k, other);
        if (!isnan(r->model[j].figures.value[k]) && r->model[j].figures.value[k] > r->model[i].figures.value[k] &&
            strcmp(own, other) != 0 && strcmp(last, other) != 0) {
            better++;
            format_into(last, sizeof last, "%s", other);
        }
    }
    return better;
}

/* As the report's first line: by both tests that know of patients, for with few of them DeLong's alone is too bold. */
static bool auc_differs(const struct comparison *c)
{
    return c->p_auc < SIGNIFICANT && c->permutation.p < SIGNIFICANT;
}

static void put_rows(const struct report *r, const struct dress *f, FILE *to)
{
    fprintf(to, "%s%s", f->begin, f->row);
    if (f->width > 0)
        fprintf(to, "%-40s", "");
    for (int k = 0; k < METRICS; k++) {
        fputs(f->head_between, to);
        fprintf(to, "%*s", f->width, metric_title[k]);
    }
    fprintf(to, "%s%s", f->row_end, strcmp(f->name, "latex") == 0 ? "\\hline\n" : "");
    for (size_t i = 0; i < r->models; i++) {
        char name[MODEL_NAME + 1];
        format_into(name, sizeof name, "%s%s", r->model[i].name,
                    i > 0 && r->against[i - 1].p_error < SIGNIFICANT ? "*" : "");
        fputs(f->row, to);
        f->escape(name, to);
        if (f->width > 0)
            fprintf(to, "%*s", (int)(strlen(name) < 40 ? 40 - strlen(name) : 0), "");
        for (int k = 0; k < METRICS; k++) {
            char text[16];
            cell_text(r, i, k, text);
            dress_cell(f, r->models > 1 ? place_of(r, i, k) : SIZE_MAX, text,
                       k == METRIC_AUC && i > 0 && auc_differs(&r->against[i - 1]) ? "*" : "", f->width, to);
        }
        fputs(f->row_end, to);
    }
    fputs(f->end, to);
}

static void put_number(double v, FILE *to)
{
    fputc(',', to);
    if (!isnan(v))
        fprintf(to, "%.6f", v);
}

static void put_csv(const struct report *r, FILE *to)
{
    fprintf(to, "model,path,seed,regions,tumours,cohort," PROVENANCE_COLUMNS);
    for (int k = 0; k < METRICS; k++)
        fprintf(to, ",%s,%s_low,%s_high", metric_name[k], metric_name[k], metric_name[k]);
    for (size_t m = 0; m < MATCHED; m++)
        fprintf(to, ",sensitivity_at_specificity_%.0f", 100.0 * matched_specificity[m]);
    fprintf(to, ",chosen_threshold,chosen_f1");
    fprintf(to, ",threshold,p_delong_by_patient,p_delong,p_permutation,p_wilcoxon,p_mcnemar,holm_auc,holm_error\n");
    for (size_t i = 0; i < r->models; i++) {
        const struct evaluation *v = &r->model[i];
        for (int word = 0; word < 2; word++) {
            fputc('"', to);
            for (const char *at = word == 0 ? v->name : v->path; *at != '\0'; at++)
                fprintf(to, *at == '"' ? "\"\"" : "%c", *at);
            fprintf(to, "\",");
        }
        fprintf(to, "%llu,%zu,%zu,%s,", (unsigned long long)v->model.seed, v->figures.n, v->figures.tumours, r->cohort);
        provenance_cells(r, v, to);
        for (int k = 0; k < METRICS; k++) {
            double three[3] = {v->figures.value[k], v->figures.bootstrap.value[k].low,
                               v->figures.bootstrap.value[k].high};
            for (int c = 0; c < 3; c++)
                put_number(three[c], to);
        }
        for (size_t m = 0; m < MATCHED; m++)
            put_number(v->figures.matched[m].value[METRIC_SENSITIVITY], to);
        put_number(v->figures.chosen.threshold, to);
        put_number(v->figures.chosen.value[METRIC_F1], to);
        fprintf(to, ",%g", v->figures.threshold);
        const struct comparison *c = i > 0 ? &r->against[i - 1] : NULL;
        if (c == NULL)
            fprintf(to, ",,,,,,,\n");
        else
            fprintf(to, ",%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g\n", c->clustered.p, c->plain.p, c->permutation.p,
                    c->wilcoxon.p_normal, c->mcnemar.p_mid, c->p_auc, c->p_error);
    }
}

static void put_tests(const struct report *r, FILE *to)
{
    for (size_t i = 0; i < r->models; i++) {
        const struct figures *f = &r->model[i].figures;
        fprintf(to, "%s:", r->model[i].name);
        for (size_t m = 0; m < MATCHED; m++)
            fprintf(to, "%s sensitivity %.1f at specificity %.0f", m > 0 ? "," : "",
                    100.0 * f->matched[m].value[METRIC_SENSITIVITY], 100.0 * matched_specificity[m]);
        fputs(" (read off this split's ROC)", to);
        if (!isnan(f->chosen.threshold))
            fprintf(to, "; F1 %.1f at %.2f, chosen on validation", 100.0 * f->chosen.value[METRIC_F1],
                    f->chosen.threshold);
        fputc('\n', to);
    }
    for (size_t i = 1; i < r->models; i++) {
        const struct comparison *c = &r->against[i - 1];
        fprintf(to,
                "%s against %s: AUC %.4f and %.4f; DeLong by patient p = %.3g (Holm %.3g), by region p = %.3g; "
                "permutation by "
                "patient p = %.3g; Wilcoxon signed-rank on |probability - truth| of %zu regions: T = %g, p = %.3g "
                "(Holm %.3g); "
                "McNemar %zu to %zu, mid-p = %.3g\n",
                r->model[0].name, r->model[i].name, c->clustered.auc_a, c->clustered.auc_b, c->clustered.p, c->p_auc,
                c->plain.p, c->permutation.p, c->wilcoxon.used, c->wilcoxon.statistic, c->wilcoxon.p_normal, c->p_error,
                c->mcnemar.only_a, c->mcnemar.only_b, c->mcnemar.p_mid);
    }
}

static void put_seeds(const struct report *r, FILE *to)
{
    struct seeds s;
    seeds_make(&s, r);
    for (size_t k = 0; k < s.count && seeds_known(&s); k++) {
        const struct seed_group *g = &s.group[k];
        fprintf(to, "%s%s and its like, %zu seed%s:", k == 0 ? "\nseveral seeds of one recipe: mean (spread)\n" : "",
                r->model[g->first].name, g->runs, g->runs == 1 ? "" : "s");
        for (int m = 0; m < METRICS; m++) {
            double times = m == METRIC_MCC ? 1.0 : 100.0;
            int digits = m == METRIC_MCC ? 3 : 1;
            fprintf(to, "  %s %.*f", metric_title[m], digits, times * g->mean[m]);
            if (g->runs > 1)
                fprintf(to, " (%.*f)", digits, times * g->sd[m]);
        }
        fputc('\n', to);
    }
    for (size_t a = 0; a < s.count; a++)
        for (size_t b = a + 1; b < s.count; b++)
            if (s.group[a].runs > 1 && s.group[b].runs > 1)
                for (int m = METRIC_F1; m <= METRIC_AUC; m += METRIC_AUC - METRIC_F1) {
                    double off = s.group[a].mean[m] - s.group[b].mean[m],
                           margin = seeds_margin(&s.group[a], &s.group[b], m);
                    fprintf(to, "%s, %s less %s: %+.1f, which %s what seeds move (twice the standard error: %.1f)\n",
                            metric_title[m], r->model[s.group[a].first].name, r->model[s.group[b].first].name,
                            100.0 * off, fabs(off) > margin ? "exceeds" : "does not exceed", 100.0 * margin);
                }
    seeds_free(&s);
}

void table_print(const struct report *r, const char *format, FILE *to)
{
    const struct figures *f = &r->model[0].figures;
    if (strcmp(format, "csv") == 0) { /* a table for programs: people are told beside it */
        for (size_t i = 0; i < r->models; i++) {
            char *seen = seen_sentence(&r->model[i].seen, r->model[i].name, split_name[r->split]);
            if (*seen)
                log_warn("%s", seen);
            free(seen);
        }
        put_csv(r, to);
        return;
    }
    const struct dress *how = dress_of(format);
    for (size_t i = 0; i < r->models; i++) {
        char *seen = seen_sentence(&r->model[i].seen, r->model[i].name, split_name[r->split]);
        if (*seen)
            dress_note(how, seen, to);
        free(seen);
    }
    char *head = xprintf("%s split, %zu regions, %zu tumours%s%s", split_name[r->split], f->n, f->tumours,
                         r->cohort[0] ? ": " : "", r->cohort);
    dress_note(how, head, to);
    put_rows(r, how, to);
    char *legend = xprintf(
        "in %% (MCC: -1 to 1), at threshold %.2f; best %s, second %s. * differs from %s, for better or "
        "worse, p < 0.05: at AUC by DeLong's test clustered by patient (after Holm) and the permutation "
        "by patient, both; at the name by Wilcoxon's on |probability - truth| (after Holm), which takes "
        "regions for independent",
        f->threshold, how->rule ? "**bold**" : "bold", how->rule ? "_underlined_" : "underlined", r->model[0].name);
    dress_note(how, legend, to);
    free(legend);
    if (how->rule) {
        put_tests(r, to);
        put_seeds(r, to);
        fputc('\n', to);
    }
    provenance_notes(r, how, to);
    free(head);
}
