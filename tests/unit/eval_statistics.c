/* SPDX-License-Identifier: Apache-2.0 */
/* eval_statistics -- every statistic of the report against SciPy, scikit-learn, R and plain loops (tests/golden/eval/make.py, make.R). */
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
#include <cmocka.h>

enum { MOST = 256 };
struct sample {
    long number;
    size_t n, patients;
    int32_t label[MOST], patient[MOST];
    float a[MOST], b[MOST];
    double difference[MOST], measured[MOST], truth[MOST];
};

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
        p[j] = pow(fabs(sin((double)s->number + (double)j)), 3.0);
    holm_adjust(p, 5, adjusted);
    return adjusted[k];
}

static double boot_at(const struct sample *s, const char *name)
{
    struct bootstrap b;
    bootstrap_run(s->a, s->label, s->patient, s->n, 0.5, (uint64_t)s->number, &b);
    struct interval i = strstr(name, "_auc_")  ? b.value[METRIC_AUC]
                        : strstr(name, "_ap_") ? b.value[METRIC_AP]
                        : strstr(name, "_f1_") ? b.value[METRIC_F1]
                                               : b.band[20];
    return strstr(name, "_low") ? i.low : i.high;
}

/* Ours for a name of the golden file; R's names are r_ and ours. *slack: how far apart two optimisers may stop. */
static double ours(const struct sample *s, const char *name, double *slack)
{
    static const char *const metrics[METRICS] = {"sensitivity", "specificity", "precision", "f1",
                                                 "balanced",    "auc",         "ap",        "mcc"};
    *slack = 1e-9;
    name += strncmp(name, "r_", 2) == 0 ? 2 : 0;
    for (int k = 0; k < METRICS; k++)
        if (strcmp(name, metrics[k]) == 0)
            return metric(s, k);
#define IS(word) (strcmp(name, word) == 0)
    if (IS("brier"))
        return calibration_of(s).brier;
    if (IS("log_loss"))
        return calibration_of(s).log_loss;
    if (IS("ece"))
        return calibration_of(s).ece;
    *slack = 1e-5;
    if (IS("slope"))
        return calibration_of(s).slope;
    if (IS("intercept"))
        return calibration_of(s).intercept;
    if (IS("in_the_large"))
        return calibration_of(s).in_the_large;
    if (IS("temperature"))
        return temperature_fit(s->a, s->label, s->n);
    *slack = 1e-9;
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
    if (IS("delong_z"))
        return delong_test(s->a, s->b, s->label, s->n).z;
    if (IS("delong_p"))
        return delong_test(s->a, s->b, s->label, s->n).p;
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
    if (IS("concordance"))
        return agreement_of(s->measured, s->truth, s->n).concordance;
    *slack = 1e-7; /* the root of a small difference of variances */
    if (IS("clustered_z"))
        return delong_clustered(s->a, s->b, s->label, s->patient, s->n).z;
    if (IS("clustered_p"))
        return delong_clustered(s->a, s->b, s->label, s->patient, s->n).p;
#undef IS
    fail_msg("the golden file wants '%s', which this test does not know", name);
    return NAN;
}

static size_t read_row(char *text, double *to)
{
    size_t n = 0;
    for (char *word; (word = strsep(&text, " \n")) != NULL;)
        if (*word != '\0') {
            assert_true(n < MOST);
            to[n++] = strtod(word, NULL);
        }
    return n;
}

static void finish_sample(struct sample *s)
{
    bool seen[MOST] = {false};
    s->patients = 0;
    for (size_t i = 0; i < s->n; i++) {
        s->difference[i] = fabs((double)s->a[i] - s->label[i]) - fabs((double)s->b[i] - s->label[i]);
        s->measured[i] = 100.0 * (double)s->a[i];
        s->truth[i] = 100.0 * (double)s->b[i];
        s->patients += !seen[s->patient[i]];
        seen[s->patient[i]] = true;
    }
}

static void golden_cases(void **state)
{
    (void)state;
    const char *path = getenv("PETREL_GOLDEN_EVAL");
    path = path != NULL ? path : "tests/golden/eval/statistics.txt";
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail_msg("cannot open '%s': run from the top", path);
    struct sample *s = NULL;
    size_t samples = 0, at = 0, wanted = 0, wrong = 0;
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, f) > 0) {
        char *rest = line, *key = strsep(&rest, " \n");
        double row[MOST];
        if (strcmp(key, "case") == 0) {
            s = realloc(s, (samples + 1) * sizeof *s);
            assert_non_null(s);
            at = samples++;
            memset(&s[at], 0, sizeof *s);
            s[at].number = strtol(rest, NULL, 10);
        } else if (strcmp(key, "again") == 0) {
            long number = strtol(rest, NULL, 10);
            for (at = 0; at < samples && s[at].number != number; at++)
                ;
            assert_true(at < samples);
        } else if (strcmp(key, "want") == 0) {
            char *name = strsep(&rest, " ");
            double want = strtod(rest, NULL), slack, got = ours(&s[at], name, &slack);
            wanted++;
            bool right = isnan(want)   ? isnan(got)
                         : isinf(want) ? got == want
                                       : fabs(got - want) <= slack * fmax(1.0, fabs(want));
            if (!right && ++wrong <= 30)
                print_error("case %ld, %s: got %.12g, wanted %.12g\n", s[at].number, name, got, want);
        } else if (*key != '#') {
            s[at].n = read_row(rest, row);
            for (size_t i = 0; i < s[at].n; i++)
                if (strcmp(key, "label") == 0)
                    s[at].label[i] = (int32_t)row[i];
                else if (strcmp(key, "patient") == 0)
                    s[at].patient[i] = (int32_t)row[i];
                else
                    (strcmp(key, "a") == 0 ? s[at].a : s[at].b)[i] = (float)row[i];
            if (strcmp(key, "b") == 0)
                finish_sample(&s[at]);
        }
    }
    free(line);
    free(s);
    fclose(f);
    print_message("%zu cases, %zu figures\n", samples, wanted);
    assert_true(samples >= 40 && wanted > 40 * samples);
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
        cmocka_unit_test(by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
