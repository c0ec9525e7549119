/* SPDX-License-Identifier: Apache-2.0 */
/* eval_statistics -- every statistic of the report in 1,000 random cases against scikit-learn, SciPy, statsmodels, dcurves, R, pROC, rms and plain
 * loops (tests/golden/eval/make.py, make.R). */
#include "common/rng.h"
#include "stages/eval/statistics/agreement.h"
#include "stages/eval/statistics/bootstrap.h"
#include "stages/eval/statistics/calibration.h"
#include "stages/eval/statistics/delong.h"
#include "stages/eval/statistics/froc.h"
#include "stages/eval/statistics/mcnemar.h"
#include "stages/eval/statistics/permutation.h"
#include "stages/eval/statistics/precision.h"
#include "stages/eval/statistics/roc.h"
#include "stages/eval/statistics/threshold.h"
#include "stages/eval/statistics/wilcoxon.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>

enum { MOST = 60, COLUMNS_MOST = 128 };
struct sample {
    long number;
    size_t n, patients;
    int32_t label[MOST], patient[MOST];
    float a[MOST], b[MOST];
    double difference[MOST], measured[MOST], truth[MOST];
};

/* make.py's case(): the same draws in the same order. */
static void sample_draw(struct sample *s, long number)
{
    struct rng r = rng_make(15, RNG_TEST, (uint64_t)number);
    bool seen[MOST] = {false};
    *s = (struct sample){.number = number};
    s->n = 4 + rng_below(&r, 57);
    uint32_t patients = number % 20 == 0 ? 16 : 1 + rng_below(&r, 9);
    for (size_t i = 0; i < s->n; i++)
        s->patient[i] = number % 10 == 9 ? (int32_t)i : (int32_t)rng_below(&r, patients);
    uint32_t share = rng_below(&r, 101);
    for (size_t i = 0; i < s->n; i++)
        s->label[i] = number % 11 == 10 ? (int32_t)(number % 2) : rng_below(&r, 1000) < 100 + 8 * share;
    uint32_t lift = rng_below(&r, 7000), score[2][MOST];
    for (int m = 0; m < 2; m++)
        for (size_t i = 0; i < s->n; i++) {
            uint32_t v = 0;
            for (int k = 0; k < 4; k++)
                v += rng_below(&r, 4096);
            v += 8192 - lift / 2 + (s->label[i] == 1 ? lift : 0);
            v = number % 3 == 1 ? v >> 12 << 12 : v;
            score[m][i] = number % 13 != 5 ? v : (v < 13000 ? 0 : (v > 20000 ? 32768 : v));
        }
    for (size_t i = 0; i < s->n; i++) {
        if (number % 7 == 3 && rng_below(&r, 10) < 7)
            score[1][i] = score[0][i];
        s->a[i] = (float)score[0][i] / 32768.0F;
        s->b[i] = (float)score[1][i] / 32768.0F;
        s->difference[i] = fabs((double)s->a[i] - s->label[i]) - fabs((double)s->b[i] - s->label[i]);
        s->measured[i] = 100.0 * (double)s->a[i];
        s->truth[i] = 100.0 * (double)s->b[i];
        s->patients += !seen[s->patient[i]];
        seen[s->patient[i]] = true;
    }
}

static double metric(const struct sample *s, int which)
{
    double v[METRICS];
    metrics_at(s->a, s->label, s->n, 0.5, v);
    return v[which];
}

static struct calibration calibration_of(const struct sample *s)
{
    struct calibration c;
    calibration_measure(s->a, s->label, s->n, &c);
    return c;
}

static double froc_at(const struct sample *s, double rate)
{
    struct froc_point *p;
    size_t tumours = 0;
    for (size_t i = 0; i < s->n; i++)
        tumours += s->label[i] == 1;
    size_t count = froc_curve(s->a, s->label, s->n, s->patients, tumours, &p);
    double v = froc_sensitivity(p, count, rate);
    free(p);
    return v;
}

static double holm_at(const struct sample *s, size_t k)
{
    double p[5], adjusted[5];
    for (size_t j = 0; j < 5; j++)
        p[j] = s->number % 4 == 0 && j == 3 ? NAN : pow(fabs(sin((double)s->number + (double)j)), 3.0);
    holm_adjust(p, 5, adjusted);
    return adjusted[k];
}

static double boot_at(const struct sample *s, const char *name)
{
    static struct bootstrap b;
    static long of = -1; /* a case has ten of them */
    if (of != s->number)
        bootstrap_run(s->a, s->label, s->patient, s->n, 0.5, (uint64_t)s->number, &b);
    of = s->number;
    struct interval i = strstr(name, "_auc_")         ? b.value[METRIC_AUC]
                        : strstr(name, "_ap_")        ? b.value[METRIC_AP]
                        : strstr(name, "_f1_")        ? b.value[METRIC_F1]
                        : strstr(name, "_precision_") ? b.value[METRIC_PRECISION]
                                                      : b.band[20];
    return strstr(name, "_low") ? i.low : i.high;
}

/* Ours for a statistic of the golden file. *slack: how far apart two optimisers may stop. */
static double ours(const struct sample *s, const char *name, double *slack)
{
    static const char *const metrics[METRICS] = {"sensitivity", "specificity", "precision", "f1",
                                                 "balanced",    "auc",         "ap",        "mcc"};
    *slack = 1e-9;
    for (int k = 0; k < METRICS; k++)
        if (strcmp(name, metrics[k]) == 0)
            return metric(s, k);
#define IS(word) (strcmp(name, word) == 0)
    if (IS("brier"))
        return calibration_of(s).brier;
    if (IS("log_loss"))
        return calibration_of(s).log_loss;
    if (IS("ece")) /* make.py moves what lies on a bin's edge by 1e-12 */
        return calibration_of(s).ece;
    if (IS("net_benefit"))
        return net_benefit(s->a, s->label, s->n, 0.5);
    if (IS("net_benefit_all"))
        return net_benefit_of_all(s->label, s->n, 0.3);
    if (IS("matched90"))
        return threshold_by_specificity(s->a, s->label, s->n, 0.9);
    if (IS("grid"))
        return threshold_by_f1(s->a, s->label, s->n);
    if (strncmp(name, "froc", 4) == 0)
        return froc_at(s, strtod(name + 4, NULL));
    if (IS("wilcoxon"))
        return wilcoxon_test(s->difference, s->n).statistic;
    if (IS("wilcoxon_v"))
        return wilcoxon_test(s->difference, s->n).above;
    if (IS("wilcoxon_exact"))
        return wilcoxon_test(s->difference, s->n).p_exact;
    if (IS("wilcoxon_normal"))
        return wilcoxon_test(s->difference, s->n).p_normal;
    if (IS("mcnemar"))
        return mcnemar_at(s->a, 0.5, s->b, 0.5, s->label, s->n).p_exact;
    if (IS("mcnemar_mid"))
        return mcnemar_at(s->a, 0.5, s->b, 0.5, s->label, s->n).p_mid;
    if (IS("clustered_se"))
        return delong_clustered(s->a, s->b, s->label, s->patient, s->n).se_a;
    if (IS("auc_se"))
        return delong_test(s->a, s->b, s->label, s->n).se_a;
    if (IS("permutation"))
        return permutation_test(s->a, s->b, s->label, s->patient, s->n, (uint64_t)s->number).p;
    if (strncmp(name, "holm", 4) == 0)
        return holm_at(s, (size_t)strtoul(name + 4, NULL, 10));
    if (strncmp(name, "boot_", 5) == 0)
        return boot_at(s, name);
    if (IS("bias"))
        return agreement_of(s->measured, s->truth, s->n).bias;
    if (IS("bias_sd"))
        return agreement_of(s->measured, s->truth, s->n).sd;
    if (IS("limit_low"))
        return agreement_of(s->measured, s->truth, s->n).low;
    if (IS("limit_high"))
        return agreement_of(s->measured, s->truth, s->n).high;
    if (IS("concordance"))
        return agreement_of(s->measured, s->truth, s->n).concordance;
    *slack = 1e-7; /* the root of a small difference of variances */
    if (IS("delong_z"))
        return delong_test(s->a, s->b, s->label, s->n).z;
    if (IS("delong_p"))
        return delong_test(s->a, s->b, s->label, s->n).p;
    if (IS("clustered_z"))
        return delong_clustered(s->a, s->b, s->label, s->patient, s->n).z;
    if (IS("clustered_p"))
        return delong_clustered(s->a, s->b, s->label, s->patient, s->n).p;
    *slack = 1e-5;
    if (IS("slope"))
        return calibration_of(s).slope;
    if (IS("intercept"))
        return calibration_of(s).intercept;
    if (IS("in_the_large"))
        return calibration_of(s).in_the_large;
    if (IS("temperature"))
        return temperature_fit(s->a, s->label, s->n);
#undef IS
    fail_msg("the golden file wants '%s', which this test does not know", name);
    return NAN;
}

/* What one column of the file came to. */
struct column {
    char name[48]; /* STATISTIC, then WHO after its end */
    const char *who;
    size_t asked, undefined, wrong;
    double worst; /* difference / max(1, |value|) */
};

static void hold(struct column *c, const struct sample *s, const char *cell)
{
    double want = strtod(cell, NULL), slack, got = ours(s, c->name, &slack);
    double off = isnan(want)   ? (isnan(got) ? 0.0 : INFINITY)
                 : isinf(want) ? (got == want ? 0.0 : INFINITY)
                               : fabs(got - want) / fmax(1.0, fabs(want));
    c->asked++;
    c->undefined += isnan(want) ? 1 : 0;
    c->worst = fmax(c->worst, off);
    if (!(off <= slack) && ++c->wrong <= 3)
        print_error("case %ld, %s: got %.12g, %s says %.12g\n", s->number, c->name, got, c->who, want);
}

static void golden_cases(void **state)
{
    (void)state;
    const char *path = getenv("PETREL_GOLDEN_EVAL");
    path = path != NULL ? path : "tests/golden/eval/statistics.tsv.gz";
    gzFile f = gzopen(path, "rb");
    if (f == NULL)
        fail_msg("cannot open '%s': run from the top", path);
    static struct column column[COLUMNS_MOST];
    static char line[1 << 14];
    size_t columns = 0, samples = 0, wrong = 0;
    while (gzgets(f, line, sizeof line) != NULL) {
        assert_non_null(strchr(line, '\n'));
        char *rest = line, *cell = strsep(&rest, "\t\n");
        if (*cell == '#')
            continue;
        bool head = columns == 0;
        struct sample s;
        if (!head)
            sample_draw(&s, strtol(cell, NULL, 10)), samples++;
        for (size_t k = 0; (cell = strsep(&rest, "\t\n")) != NULL && rest != NULL; k++) {
            assert_true(k < (head ? COLUMNS_MOST : columns));
            if (head) {
                snprintf(column[k].name, sizeof column[k].name, "%s", cell);
                char *colon = strchr(column[k].name, ':');
                assert_non_null(colon);
                *colon = '\0';
                column[k].who = colon + 1;
                columns++;
            } else if (*cell != '\0')
                hold(&column[k], &s, cell);
        }
    }
    gzclose(f);
    for (size_t k = 0; k < columns; k++) {
        print_message("%-18s %-12s %4zu cases, %3zu undefined, worst %.1e\n", column[k].name, column[k].who,
                      column[k].asked, column[k].undefined, column[k].worst);
        wrong += column[k].wrong;
        assert_true(column[k].asked > 0);
    }
    assert_true(samples >= 1000 && columns >= 60);
    assert_int_equal(wrong, 0);
}

/* With one region a patient the clustered variance is DeLong's. */
static void clusters_of_one_are_delongs(void **state)
{
    (void)state;
    const int32_t label[10] = {1, 1, 1, 1, 0, 0, 0, 0, 0, 0}, patient[10] = {4, 9, 2, 3, 0, 5, 6, 7, 8, 1};
    const float a[10] = {.9F, .8F, .4F, .7F, .1F, .5F, .3F, .2F, .4F, .6F},
                b[10] = {.6F, .9F, .3F, .5F, .2F, .7F, .4F, .1F, .5F, .35F};
    struct delong plain = delong_test(a, b, label, 10), one = delong_clustered(a, b, label, patient, 10);
    assert_true(fabs(plain.z - one.z) < 1e-12 && fabs(plain.z - 1.6329931618554534) < 1e-9);
    struct delong same = delong_clustered(a, a, label, patient, 10);
    assert_true(same.z == 0.0 && same.p == 1.0);
}

/* A variance between patients cannot be had of one patient: no standard error, no p, and never a small one. */
static void too_few_patients(void **state)
{
    (void)state;
    const int32_t label[8] = {1, 1, 1, 0, 0, 0, 0, 0}, one[8] = {0}, of_one[8] = {2, 2, 2, 0, 1, 2, 3, 4};
    const float a[8] = {.9F, .8F, .7F, .1F, .2F, .3F, .4F, .5F}, b[8] = {.1F, .8F, .3F, .9F, .2F, .3F, .4F, .5F};
    const int32_t *const patient[2] = {one, of_one}; /* a single patient; tumours in a single one of five */
    for (int k = 0; k < 2; k++) {
        struct delong d = delong_clustered(a, b, label, patient[k], 8);
        assert_true(d.auc_a == 1.0 && isnan(d.se_a) && isnan(d.z) && isnan(d.p));
    }
    struct bootstrap boot;
    bootstrap_run(a, label, one, 8, 0.5, 1, &boot);
    assert_true(boot.patients == 1 && isnan(boot.value[METRIC_AUC].low) && isnan(boot.value[METRIC_F1].high) &&
                isnan(boot.band[20].low));
    /* two models that differ by as much in every patient: pROC calls that p = 0 */
    const int32_t each[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const float right[8] = {.9F, .9F, .9F, .1F, .1F, .1F, .1F, .1F},
                turned[8] = {.1F, .1F, .1F, .9F, .9F, .9F, .9F, .9F};
    struct delong d = delong_clustered(right, turned, label, each, 8);
    assert_true(d.auc_a == 1.0 && d.auc_b == 0.0 && isnan(d.p));
}

/* Thresholds, temperature and FROC by hand. */
static void by_hand(void **state)
{
    (void)state;
    const int32_t label[6] = {1, 0, 1, 0, 0, 1};
    const float p[6] = {.9F, .8F, .7F, .4F, .2F, .1F};
    assert_true(fabs(threshold_by_specificity(p, label, 6, 1.0) - .9) < 1e-6);
    assert_true(fabs(threshold_by_specificity(p, label, 6, 0.6) - .7) < 1e-6);
    struct froc_point *f;
    size_t n = froc_curve(p, label, 6, 2, 4, &f); /* a fourth tumour that no region covers */
    assert_int_equal(n, 7);
    assert_true(froc_sensitivity(f, n, 0.4) == 0.25 && froc_sensitivity(f, n, 0.5) == 0.5 &&
                froc_sensitivity(f, n, 8) == 0.75);
    free(f);
    assert_true(temperature_apply(0.25F, 1.0) == 0.25F);
    assert_true(fabs((double)temperature_apply(0.9F, 2.0) - 0.75) < 1e-6); /* logit ln 9, halved: ln 3 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_cases),
        cmocka_unit_test(clusters_of_one_are_delongs),
        cmocka_unit_test(too_few_patients),
        cmocka_unit_test(by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
