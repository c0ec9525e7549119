/* SPDX-License-Identifier: Apache-2.0 */
/* print -- what people see at the end of a report.   evaluation -> [print] */
#include "stages/eval/evaluation.h"
#include "stages/eval/verdict.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *metric_format(int metric, double value, char text[16])
{
    if (isnan(value)) /* nothing was said to be tumour, say */
        snprintf(text, 16, "-");
    else if (metric == METRIC_MCC)
        snprintf(text, 16, "%.3f", value);
    else if (value < 1.0 && value >= 0.9995) /* it is not all of them */
        snprintf(text, 16, "> 99.9 %%");
    else
        snprintf(text, 16, "%.1f %%", 100.0 * value);
    return text;
}

static void print_rule(size_t columns, FILE *to)
{
    fprintf(to, "--------------------");
    for (size_t i = 0; i < columns; i++)
        fprintf(to, "---------------------------");
    fputc('\n', to);
}

static void print_metrics(const struct report *r, FILE *to)
{
    print_rule(r->models, to);
    fprintf(to, "%-20s", "");
    for (size_t i = 0; i < r->models; i++)
        fprintf(to, "%-27.26s", r->model[i].name);
    fputc('\n', to);
    for (int k = 0; k < METRICS; k++) {
        fprintf(to, "%-20s", metric_title[k]);
        double times = k == METRIC_MCC ? 1.0 : 100.0;
        int digits = k == METRIC_MCC ? 3 : 1;
        for (size_t i = 0; i < r->models; i++) {
            const struct figures *f = &r->model[i].figures;
            struct interval w = f->bootstrap.value[k];
            char value[16], all[48];
            if (isnan(f->value[k]))
                snprintf(all, sizeof all, "     -");
            else if (isnan(w.low))
                snprintf(all, sizeof all, "%7s", metric_format(k, f->value[k], value));
            else
                snprintf(all, sizeof all, "%7s  [%.*f, %.*f]", metric_format(k, f->value[k], value), digits,
                         times * w.low, digits, times * w.high);
            fprintf(to, "%-27s", all);
        }
        fputc('\n', to);
    }
    print_rule(r->models, to);
    const struct bootstrap *b = &r->model[0].figures.bootstrap;
    fprintf(to, "threshold %.2f; ", r->model[0].figures.threshold);
    if (b->patients < PATIENTS_LEAST)
        fprintf(to, "no intervals: %zu patients are too few\n", b->patients);
    else
        fprintf(to, "intervals: 95 %%, bootstrap over %zu patients\n", b->patients);
}

static void print_baselines(const struct report *r, FILE *to)
{
    const struct baselines *b = &r->baselines;
    if (b->count == 0)
        return;
    fprintf(to, "\n%-46s %-8s %-10s %-8s %s\n", "baselines, learned on the same patients", "AUC", "AP", "F1",
            "F1 at validation's threshold");
    for (size_t k = 0; k < b->count; k++) {
        const double *v = b->one[k].figures.value;
        char auc[16], ap[16], f1[16], chosen[16];
        fprintf(to, "%-46s %-8s %-10s %-8s %s\n", b->one[k].name, metric_format(METRIC_AUC, v[METRIC_AUC], auc),
                metric_format(METRIC_AP, v[METRIC_AP], ap), metric_format(METRIC_F1, v[METRIC_F1], f1),
                metric_format(METRIC_F1, b->one[k].figures.chosen.value[METRIC_F1], chosen));
    }
    char chosen[16];
    fprintf(to, "%-46s %-8s %-10s %-8s %s\n", r->model[0].name, "", "", "",
            metric_format(METRIC_F1, r->model[0].figures.chosen.value[METRIC_F1], chosen));
}

/* Of the TMTV the first model says. */
static void print_agreement(const char *truth, const struct agreement *a, size_t patients, FILE *to)
{
    if (a->n == 0)
        return;
    fprintf(to, "TMTV said less that of %s: %+.1f ml on average", truth, a->bias);
    if (!isnan(a->low))
        fprintf(to, ", limits of agreement %+.1f to %+.1f ml", a->low, a->high);
    if (a->n < patients)
        fprintf(to, " (%zu of %zu patients)", a->n, patients);
    fputc('\n', to);
}

void report_print(const struct report *r, FILE *to)
{
    for (size_t i = 0; i < r->models; i++) {
        char *seen = seen_sentence(&r->model[i].seen, r->model[i].name, split_name[r->split]);
        fprintf(to, *seen ? "%s\n" : "%s", seen);
        free(seen);
    }
    const struct figures *f = &r->model[0].figures;
    char *verdict = verdict_sentence(&r->baselines, r->model[0].name),
         *probes = verdict_of_probes(&r->baselines, r->model[0].name);
    if (r->baselines.count > 0 || r->baselines.none[0] != '\0')
        fprintf(to, "\n%s%s%s\n", verdict, probes[0] ? "\n" : "", probes);
    free(verdict);
    free(probes);
    fprintf(to, "\n%s split, %zu regions, %zu tumours%s%s\n", split_name[r->split], f->n, f->tumours,
            r->cohort[0] ? ": " : "", r->cohort);
    for (size_t i = 0; i < r->facts.shards; i++)
        if (*r->facts.scan[i].overridden)
            fprintf(to, "given by a user in place of what scan %s of %s says: %s\n", r->facts.scan[i].scan,
                    r->facts.scan[i].patient, r->facts.scan[i].overridden);
    print_metrics(r, to);
    print_baselines(r, to);
    const struct patients *p = &r->patients;
    fprintf(to, "\npatients: %zu of %zu with tumours detected", p->detected, p->with_tumours);
    if (p->uncovered > 0)
        fprintf(to, " (of %zu no region is a tumour: no model can)", p->uncovered);
    fprintf(to, ", %zu of %zu without alarmed\n", p->alarmed, p->count - p->with_tumours);
    print_agreement("regions that are tumour", &p->regions, p->count, to);
    print_agreement("the truth's lesions", &p->lesions, p->count, to);
    if (r->model[0].border > 0)
        fprintf(to,
                "left out by the recipe (border = %s): %zu regions, of them %zu tumours, which FROC counts as missed\n",
                r->model[0].model.recipe.border, r->model[0].border, r->model[0].border_tumours);
    for (size_t i = 0; i < r->models && r->missed.known; i++) {
        const struct end_to_end *t = &r->model[i].end_to_end;
        fprintf(to, "%s %s finds %zu of %zu (%.1f %%)", i == 0 ? "lesions, end to end:" : ";", r->model[i].name,
                t->found, t->lesions, 100.0 * end_to_end_sensitivity(t));
    }
    if (r->missed.known)
        fprintf(to, "; %zu lie in no region called tumour by the truth: no model is asked about them\n",
                r->missed.count);
    for (size_t i = 1; i < r->models; i++)
        fprintf(to,
                "AUC, %s against %s: DeLong by patient z = %.2f, p = %.3g (taking regions as independent p = %.3g)\n",
                r->model[0].name, r->model[i].name, r->against[i - 1].clustered.z, r->against[i - 1].clustered.p,
                r->against[i - 1].plain.p);
}
