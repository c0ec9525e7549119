/* SPDX-License-Identifier: Apache-2.0 */
/* baselines -- what simple means reach on the same regions, learned on the same patients.   cache, score, facts -> [baselines] -> report */
#include "stages/eval/baselines.h"
#include "proto/sampling.h"
#include "stages/eval/statistics/boosting.h"
#include "stages/eval/statistics/logistic.h"
#include "stages/eval/statistics/nearest.h"
#include "stages/eval/statistics/permutation.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const baseline_name[BASELINES] = {"logistic: SUV, volume",
                                              "trees: SUV, volume",
                                              "logistic: SUV, volume, position",
                                              "trees: SUV, volume, position",
                                              "untrained encoder, logistic",
                                              "linear probe of the representation",
                                              "nearest neighbours in the representation"};
static const double RIDGE = 1.0, THRESHOLD = 0.5, LEAST = 1e-3;

/* Columns of numbers a row, of the three lists. */
struct table {
    size_t d;
    float *list[3]; /* train, validation, test */
};

static const struct scores *list_of(const struct splits *s, int which)
{
    return which == 0 ? &s->train : (which == 1 ? &s->validation : &s->test);
}

static float logarithm(double v)
{
    return (float)log(fmax(v, LEAST));
}

static struct table measured(const struct cache_row *rows, const struct facts *facts, const struct splits *s,
                             enum position_form form, bool position)
{
    struct table t = {.d = position ? 4 + POSITION_SIZE : 4};
    for (int w = 0; w < 3; w++) {
        const struct scores *list = list_of(s, w);
        t.list[w] = xalloc(list->n * t.d + 1, sizeof *t.list[w]);
        for (size_t i = 0; i < list->n; i++) {
            const struct region *r = &facts->region[list->row[i]];
            float *to = t.list[w] + i * t.d;
            to[0] = logarithm(r->suv_max);
            to[1] = logarithm(r->suv_mean);
            to[2] = logarithm(r->suv_peak);
            to[3] = logarithm(r->ml);
            if (position)
                memcpy(to + 4, rows[list->row[i]].position[form], POSITION_SIZE * sizeof *to);
        }
    }
    return t;
}

/* The embeddings, each dimension less its mean over training and divided by its sd there. */
static struct table standardised(const struct splits *s, const struct table *raw)
{
    struct table t = {.d = raw != NULL ? raw->d : s->train.width};
    double *mean = xalloc(2 * t.d, sizeof *mean), *sd = mean + t.d;
    const float *first = raw != NULL ? raw->list[0] : s->train.embedding;
    size_t n = s->train.n;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < t.d; k++)
            mean[k] += (double)first[i * t.d + k] / (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < t.d; k++) {
            double v = (double)first[i * t.d + k] - mean[k];
            sd[k] += v * v / (double)n;
        }
    for (int w = 0; w < 3; w++) {
        const struct scores *list = list_of(s, w);
        const float *from = raw != NULL ? raw->list[w] : list->embedding;
        t.list[w] = xalloc(list->n * t.d + 1, sizeof *t.list[w]);
        for (size_t i = 0; i < list->n; i++)
            for (size_t k = 0; k < t.d; k++)
                t.list[w][i * t.d + k] =
                    sd[k] > 0.0 ? (float)(((double)from[i * t.d + k] - mean[k]) / sqrt(sd[k])) : 0.0F;
    }
    free(mean);
    return t;
}

static void table_free(struct table *t)
{
    for (int w = 0; w < 3; w++)
        free(t->list[w]);
}

static void logistic_baseline(struct baseline *b, const struct splits *s, const struct table *t)
{
    double *x = xalloc(s->train.n * t->d + 1, sizeof *x), *weight = xalloc(t->d + 1, sizeof *weight),
           *one = xalloc(t->d, sizeof *one);
    for (size_t i = 0; i < s->train.n * t->d; i++)
        x[i] = (double)t->list[0][i];
    if (logistic_fit(x, s->train.label, s->train.n, t->d, RIDGE, weight) < 0)
        memset(weight, 0, (t->d + 1) * sizeof *weight); /* cannot happen with l2 > 0 and both classes, but for overflow */
    for (int w = 1; w < 3; w++)
        for (size_t i = 0; i < list_of(s, w)->n; i++) {
            for (size_t k = 0; k < t->d; k++)
                one[k] = (double)t->list[w][i * t->d + k];
            (w == 1 ? b->validation : b->probability)[i] = (float)sigmoid_of(logistic_at(one, t->d, weight));
        }
    free(one);
    free(weight);
    free(x);
}

static void trees_baseline(struct baseline *b, const struct splits *s, const struct table *t)
{
    struct boosting trees;
    boosting_fit(&trees, &boosting_defaults, t->list[0], s->train.label, s->train.n, t->d);
    for (int w = 1; w < 3; w++)
        for (size_t i = 0; i < list_of(s, w)->n; i++)
            (w == 1 ? b->validation : b->probability)[i] =
                (float)sigmoid_of(boosting_logit(&trees, t->list[w] + i * t->d));
    boosting_free(&trees);
}

static void neighbours_baseline(struct baseline *b, const struct splits *s)
{
    size_t k = s->train.n < NEIGHBOURS ? s->train.n : NEIGHBOURS;
    for (int w = 1; w < 3; w++) {
        const struct scores *list = list_of(s, w);
        struct neighbour *found = xalloc(list->n * k + 1, sizeof *found);
        nearest_find(s->train.embedding, s->train.n, s->train.width, list->embedding, list->n, k, false, found);
        for (size_t i = 0; i < list->n; i++) {
            size_t tumours = 0;
            for (size_t j = 0; j < k; j++)
                tumours += s->train.label[found[i * k + j].index] == 1;
            (w == 1 ? b->validation : b->probability)[i] = (float)tumours / (float)k;
        }
        free(found);
    }
}

static bool both_classes(const struct scores *s)
{
    size_t tumours = 0;
    for (size_t i = 0; i < s->n; i++)
        tumours += s->label[i] == 1;
    return tumours > 0 && tumours < s->n;
}

void baselines_make(struct baselines *b, const struct cache_row *rows, const struct facts *facts,
                    const struct recipe *recipe, const struct splits *trained, const struct splits *fresh,
                    struct truth truth, uint64_t seed)
{
    memset(b, 0, sizeof *b);
    if (!both_classes(&trained->train)) {
        format_into(b->none, sizeof b->none, "the training patients of this cache have not both classes to learn from");
        return;
    }
    b->count = BASELINES;
    for (size_t k = 0; k < BASELINES; k++) {
        b->one[k].name = baseline_name[k];
        b->one[k].probability = xalloc(trained->test.n + 1, sizeof(float));
        b->one[k].validation = xalloc(trained->validation.n + 1, sizeof(float));
    }
    for (int position = 0; position < 2; position++) {
        struct table raw = measured(rows, facts, trained, sampling_position_form(recipe), position);
        struct table even = standardised(trained, &raw);
        logistic_baseline(&b->one[position ? BASELINE_POSITION_LOGISTIC : BASELINE_SUV_LOGISTIC], trained, &even);
        trees_baseline(&b->one[position ? BASELINE_POSITION_TREES : BASELINE_SUV_TREES], trained, &raw);
        table_free(&even);
        table_free(&raw);
    }
    struct table before = standardised(fresh, NULL), after = standardised(trained, NULL);
    logistic_baseline(&b->one[BASELINE_UNTRAINED], fresh, &before);
    logistic_baseline(&b->one[BASELINE_PROBE], trained, &after);
    neighbours_baseline(&b->one[BASELINE_NEIGHBOURS], trained);
    table_free(&before);
    table_free(&after);

    const struct scores *test = &trained->test, *validation = &trained->validation;
    uint32_t *number = xalloc(test->n + 1, sizeof *number);
    b->patients = patients_number(test->patient, test->n, number);
    free(number);
    double p[BASELINES], adjusted[BASELINES];
    for (size_t k = 0; k < BASELINES; k++) {
        struct baseline *one = &b->one[k];
        figures_make(&one->figures, test, one->probability, validation, validation->n > 0 ? one->validation : NULL,
                     truth, THRESHOLD, seed);
        one->against = delong_clustered(test->probability, one->probability, test->label, test->patient, test->n);
        one->permutation =
            permutation_test(test->probability, one->probability, test->label, test->patient, test->n, seed);
        p[k] = one->against.p;
        if (k < BASELINE_PROBE && one->figures.value[METRIC_AUC] > b->one[b->best].figures.value[METRIC_AUC])
            b->best = k;
    }
    holm_adjust(p, BASELINES, adjusted);
    for (size_t k = 0; k < BASELINES; k++)
        b->one[k].p_holm = adjusted[k];
}

void baselines_free(struct baselines *b)
{
    for (size_t k = 0; k < BASELINES; k++) {
        free(b->one[k].probability);
        free(b->one[k].validation);
    }
    memset(b, 0, sizeof *b);
}
