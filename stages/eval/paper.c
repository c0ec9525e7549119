/* SPDX-License-Identifier: Apache-2.0 */
/* paper -- one of the paper's tables: our figures beside those it printed.   rows, evaluation -> [paper] ═▶ paper_print */
#include "stages/eval/paper.h"
#include "stages/eval/statistics/ranking.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double SIGNIFICANT = 0.05;
static const double SHOWN = 1000.0; /* figures are compared as they are shown: to a tenth of a per cent */

/* The last row that has a model begins; the others follow in their order. */
static size_t first_row(const struct rows *rows)
{
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < rows->count; i++)
        first = rows->row[i].models > 0 ? i : first;
    return first;
}

static int add_models(const struct row *row, struct opt_strings *models, struct opt_strings *names, struct error *e)
{
    for (size_t k = 0; k < row->models; k++) {
        if (models->count == COUNT_OF(models->value))
            return fail_as(e, EX_USAGE, "the table has more than %zu models: take fewer seeds", models->count);
        names->value[names->count++] =
            row->models == 1 ? xstrdup(row->name) : xprintf("%s, seed %lld", row->name, row->seed[k]);
        models->value[models->count++] = row->model[k];
    }
    return 0;
}

int paper_wish(const struct rows *rows, struct opt_strings *models, struct opt_strings *names, struct error *e)
{
    size_t first = first_row(rows);
    *models = *names = (struct opt_strings){.count = 0};
    if (first != SIZE_MAX && add_models(&rows->row[first], models, names, e) < 0)
        return -1;
    for (size_t i = 0; i < rows->count; i++)
        if (i != first && add_models(&rows->row[i], models, names, e) < 0)
            return -1;
    return 0;
}

static void index_rows(struct paper *p)
{
    size_t first = first_row(p->rows), at = first != SIZE_MAX ? p->rows->row[first].models : 0;
    for (size_t i = 0; i < p->rows->count; i++) {
        size_t models = p->rows->row[i].models;
        p->of_row[i] = models == 0 ? SIZE_MAX : (i == first ? 0 : at);
        at += i == first ? 0 : models;
    }
}

/* The lowest threshold of the grid at which validation's specificity and precision are at least those of another model at its own. */
static double threshold_like(const struct evaluation *v, const struct evaluation *other)
{
    const struct scores *own = &v->splits.validation, *theirs = &other->splits.validation;
    double wanted[METRICS], value[METRICS];
    if (own->n == 0 || theirs->n == 0)
        return NAN;
    metrics_at(theirs->probability, theirs->label, theirs->n, other->figures.threshold, wanted);
    for (size_t k = 0; k < GRID_THRESHOLDS; k++) {
        metrics_at(own->probability, own->label, own->n, threshold_of_grid(k), value);
        if (value[METRIC_SPECIFICITY] >= wanted[METRIC_SPECIFICITY] &&
            value[METRIC_PRECISION] >= wanted[METRIC_PRECISION])
            return threshold_of_grid(k);
    }
    return NAN;
}

/* A model's figures, at its own threshold or like another's. */
static double figures_of(const struct paper *p, size_t i, size_t k, double value[METRICS])
{
    const struct row *row = &p->rows->row[i];
    const struct evaluation *v = &p->r->model[p->of_row[i] + k];
    size_t like = *row->like != '\0' ? rows_find(p->rows, row->like) : SIZE_MAX;
    memcpy(value, v->figures.value, METRICS * sizeof *value);
    if (like == SIZE_MAX)
        return v->figures.threshold;
    size_t seed = k < p->rows->row[like].models ? k : 0;
    double at = p->of_row[like] == SIZE_MAX ? NAN : threshold_like(v, &p->r->model[p->of_row[like] + seed]);
    if (isnan(at))
        for (int m = 0; m < METRIC_AUC; m++)
            value[m] = NAN;
    else
        metrics_at(v->splits.test.probability, v->splits.test.label, v->splits.test.n, at, value);
    return at;
}

static void measure_row(struct paper *p, size_t i)
{
    struct paper_row *row = &p->row[i];
    double n = (double)p->rows->row[i].models, sum[METRICS_OF_PAPER] = {0}, squares[METRICS_OF_PAPER] = {0}, at = 0.0;
    row->threshold = NAN;
    for (int m = 0; m < METRICS_OF_PAPER; m++)
        row->mean[m] = row->sd[m] = NAN;
    if (p->of_row[i] == SIZE_MAX)
        return;
    double(*value)[METRICS] = xalloc(p->rows->row[i].models, sizeof *value);
    for (size_t k = 0; k < p->rows->row[i].models; k++) {
        at += figures_of(p, i, k, value[k]);
        for (int m = 0; m < METRICS_OF_PAPER; m++)
            sum[m] += value[k][m];
    }
    row->threshold = at / n;
    for (int m = 0; m < METRICS_OF_PAPER; m++) {
        row->mean[m] = sum[m] / n;
        for (size_t k = 0; k < p->rows->row[i].models; k++)
            squares[m] += (value[k][m] - row->mean[m]) * (value[k][m] - row->mean[m]);
        row->sd[m] = n > 1 ? sqrt(squares[m] / (n - 1.0)) : NAN;
    }
    free(value);
}

/* A figure in the steps it is shown in. What is less than everything is not shown as 100.0, and is not as good. */
static double shown(double v)
{
    return v < 1.0 && v >= 0.9995 ? SHOWN - 0.5 : round(SHOWN * v);
}

/* How many different figures, as shown, are better. */
static void place_rows(struct paper *p, int m)
{
    for (size_t i = 0; i < p->rows->count; i++) {
        size_t better = 0;
        double own = shown(p->row[i].mean[m]);
        for (size_t j = 0; j < p->rows->count; j++) {
            double other = shown(p->row[j].mean[m]);
            bool said = false;
            for (size_t k = 0; k < j && !said; k++)
                said = shown(p->row[k].mean[m]) == other;
            better += other > own && !said;
        }
        p->row[i].place[m] = isnan(own) ? SIZE_MAX : better;
    }
}

/* ---- tests ---- */

static void add_test(struct paper *p, size_t a, size_t b, int metric)
{
    const struct evaluation *x = &p->r->model[p->of_row[a]], *y = &p->r->model[p->of_row[b]];
    const struct scores *s = &x->splits.test, *t = &y->splits.test;
    double *difference = xalloc(s->n + 1, sizeof *difference);
    for (size_t i = 0; i < s->n; i++)
        difference[i] = fabs((double)s->probability[i] - s->label[i]) - fabs((double)t->probability[i] - t->label[i]);
    struct wilcoxon w = wilcoxon_test(difference, s->n);
    struct paper_test one = {.a = a,
                             .b = b,
                             .metric = metric,
                             .auc_a = x->figures.value[METRIC_AUC],
                             .auc_b = y->figures.value[METRIC_AUC],
                             .p_wilcoxon = w.p_normal,
                             .smaller = wilcoxon_first_smaller(&w),
                             .p_delong = NAN,
                             .p_holm = NAN,
                             .p_permutation = NAN};
    if (metric == METRIC_AUC) {
        one.p_delong = delong_clustered(s->probability, t->probability, s->label, s->patient, s->n).p;
        one.p_permutation = permutation_test(s->probability, t->probability, s->label, s->patient, s->n, p->r->seed).p;
    }
    free(difference);
    p->row[a].star[metric] = one.p_wilcoxon < SIGNIFICANT && one.smaller;
    p->test = xresize(p->test, p->tests + 1, sizeof *p->test);
    p->test[p->tests++] = one;
}

/* The only row of this place in a column, or SIZE_MAX. */
static size_t alone_at(const struct paper *p, size_t place, int m)
{
    size_t found = SIZE_MAX, count = 0;
    for (size_t i = 0; i < p->rows->count; i++)
        if (p->row[i].place[m] == place) {
            found = i;
            count++;
        }
    return count == 1 ? found : SIZE_MAX;
}

static void test_rows(struct paper *p)
{
    bool named = false;
    for (size_t i = 0; i < p->rows->count; i++) {
        if (*p->rows->row[i].against == '\0')
            continue;
        size_t other = rows_find(p->rows, p->rows->row[i].against);
        named = true;
        if (p->of_row[i] != SIZE_MAX && p->of_row[other] != SIZE_MAX)
            add_test(p, i, other, METRIC_AUC);
    }
    for (int m = 0; m < METRICS_OF_PAPER && !named; m++) {
        size_t best = alone_at(p, 0, m), second = alone_at(p, 1, m);
        if (best != SIZE_MAX && second != SIZE_MAX)
            add_test(p, best, second, m);
    }
}

static void adjust_tests(struct paper *p)
{
    double *plain = xalloc(2 * p->tests + 1, sizeof *plain), *adjusted = plain + p->tests;
    for (size_t i = 0; i < p->tests; i++)
        if (p->test[i].metric == METRIC_AUC)
            plain[p->holm_tests++] = p->test[i].p_delong;
    holm_adjust(plain, p->holm_tests, adjusted);
    for (size_t i = 0, k = 0; i < p->tests; i++)
        if (p->test[i].metric == METRIC_AUC) {
            p->test[i].p_holm = adjusted[k++];
            p->row[p->test[i].a].dagger = p->test[i].auc_a > p->test[i].auc_b && p->test[i].p_holm < SIGNIFICANT &&
                                          p->test[i].p_permutation < SIGNIFICANT;
        }
    free(plain);
}

/* What the report's first line asks of its model, of every row. */
static void hold_against_baseline(struct paper *p)
{
    const struct baselines *b = &p->r->baselines;
    const struct baseline *best = &b->one[b->best];
    double *plain = xalloc(3 * p->rows->count, sizeof *plain), *adjusted = plain + p->rows->count,
           *permuted = adjusted + p->rows->count;
    for (size_t i = 0; i < p->rows->count && b->count > 0; i++) {
        plain[i] = permuted[i] = NAN;
        if (p->of_row[i] == SIZE_MAX)
            continue;
        const struct scores *s = &p->r->model[p->of_row[i]].splits.test;
        struct delong d = delong_clustered(s->probability, best->probability, s->label, s->patient, s->n);
        p->row[i].above = p->row[i].mean[METRIC_AUC] > best->figures.value[METRIC_AUC];
        p->row[i].beats = d.auc_a > d.auc_b;
        plain[i] = d.p;
        if (p->row[i].above)
            permuted[i] = permutation_test(s->probability, best->probability, s->label, s->patient, s->n, p->r->seed).p;
    }
    holm_adjust(plain, b->count > 0 ? p->rows->count : 0, adjusted);
    for (size_t i = 0; i < p->rows->count && b->count > 0; i++)
        p->row[i].beats = p->row[i].above && p->row[i].beats && adjusted[i] < SIGNIFICANT && permuted[i] < SIGNIFICANT;
    free(plain);
}

void paper_make(struct paper *p, const struct rows *rows, const struct cache *c, const struct report *r)
{
    static const char *const of_cache[] = {"", "simulated cohort", "partly simulated cohort"};
    *p = (struct paper){.rows = rows,
                        .cache = c,
                        .r = r,
                        .of_row = xalloc(rows->count + 1, sizeof *p->of_row),
                        .row = xalloc(rows->count + 1, sizeof *p->row)};
    format_into(p->cohort, sizeof p->cohort, "%s", r != NULL ? r->cohort : of_cache[c->simulated]);
    index_rows(p);
    for (size_t i = 0; i < rows->count; i++)
        measure_row(p, i);
    for (int m = 0; m < METRICS_OF_PAPER; m++)
        place_rows(p, m);
    if (r != NULL) {
        test_rows(p);
        adjust_tests(p);
        hold_against_baseline(p);
    }
}

void paper_free(struct paper *p)
{
    free(p->of_row);
    free(p->row);
    free(p->test);
    *p = (struct paper){.tests = 0};
}
