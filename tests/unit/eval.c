/* SPDX-License-Identifier: Apache-2.0 */
/* eval -- metrics, tests of significance and the loss reader against figures worked out elsewhere. */
#include "stages/eval/losses.h"
#include "stages/eval/statistics/bootstrap.h"
#include "stages/eval/statistics/delong.h"
#include "stages/eval/statistics/metrics.h"
#include "stages/eval/statistics/roc.h"
#include "stages/eval/statistics/wilcoxon.h"
#include "stages/eval/tsne.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("got %.17g, wanted %.17g", got, wanted);
}

static const int32_t truth[10] = {1, 1, 1, 1, 0, 0, 0, 0, 0, 0};
static const float score_a[10] = {.9F, .8F, .4F, .7F, .1F, .5F, .3F, .2F, .4F, .6F};
static const float score_b[10] = {.6F, .9F, .3F, .5F, .2F, .7F, .4F, .1F, .5F, .35F};

/* METHOD.md 10: scipy 1.x wilcoxon(d, mode=exact | approx) */
static void wilcoxon_is_scipys(void **state)
{
    (void)state;
    const double d[] = {6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75, 0};
    struct wilcoxon w = wilcoxon_test(d, COUNT_OF(d));
    assert_int_equal(w.used, 15);
    near(w.statistic, 24, 0);
    near(w.p_exact, 0.041259765625, 1e-15);
    near(w.p_normal, 0.040888132911855925, 1e-14);
    const double tied[] = {1, -1, 2, 2, 3};
    assert_true(isnan(wilcoxon_test(tied, 5).p_exact));
    assert_int_equal(wilcoxon_test(d + 15, 1).used, 0);
}

static void delong_is_the_published(void **state)
{
    (void)state;
    struct delong d = delong_test(score_a, score_b, truth, 10);
    near(d.auc_a, .8958333333, 1e-9);
    near(d.auc_b, .7291666667, 1e-9);
    near(d.z, 1.6329931618554534, 1e-9);
    near(d.p, 0.10247043485974919, 1e-9);
    assert_true(isnan(delong_test(score_a, score_b, truth, 4).p)); /* one class */
}

static void auc_and_roc_agree(void **state)
{
    (void)state;
    near(auc_trapezoid(score_a, truth, 10), .8958333333, 1e-9);
    struct roc_point *p;
    size_t n = roc_curve(score_a, truth, 10, &p);
    assert_int_equal(n, 10); /* nine distinct scores and the origin */
    near(p[0].true_positive, 0, 0);
    near(p[n - 1].true_positive, 1, 0);
    near(p[n - 1].false_positive, 1, 0);
    free(p);
}

/* METHOD.md 10: the paper's proposed row, TP 307, FN 74, FP 127 of 381 and 2497 */
static void metrics_of_the_papers_row(void **state)
{
    (void)state;
    struct confusion c = {.tp = 307, .fn = 74, .fp = 127, .tn = 2497 - 127};
    double v[METRICS];
    confusion_metrics(&c, v);
    near(v[METRIC_SENSITIVITY], .8058, 5e-5);
    near(v[METRIC_SPECIFICITY], .9491, 5e-5);
    near(v[METRIC_PRECISION], .7074, 5e-5);
    near(v[METRIC_F1], .7534, 5e-5);
    near(v[METRIC_BALANCED], .8775, 6e-5);
}

static void confusion_counts_at_the_threshold(void **state)
{
    (void)state;
    struct confusion c = confusion_at(score_a, truth, 10, 0.5); /* 0.5 itself is positive */
    assert_int_equal(c.tp, 3);
    assert_int_equal(c.fn, 1);
    assert_int_equal(c.fp, 2);
    assert_int_equal(c.tn, 4);
}

static void bootstrap_holds_the_value_and_repeats(void **state)
{
    (void)state;
    const int32_t patient[10] = {0, 1, 2, 3, 0, 1, 2, 3, 4, 4};
    struct bootstrap a, b;
    bootstrap_run(score_a, truth, patient, 10, 0.5, 7, &a);
    bootstrap_run(score_a, truth, patient, 10, 0.5, 7, &b);
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(a.resamples, RESAMPLES);
    assert_true(a.value[METRIC_AUC].low <= .8958334 && a.value[METRIC_AUC].high >= .8958333);
    assert_true(a.value[METRIC_AUC].low < a.value[METRIC_AUC].high);
    bootstrap_run(score_a, truth, patient, 10, 0.5, 8, &b);
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void tsne_parts_two_clouds(void **state)
{
    (void)state;
    enum { N = 60, D = 8 };
    static float x[N * D];
    static double y[2 * N], again[2 * N];
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < D; k++)
            x[i * D + k] = (i < N / 2 ? 0.0F : 6.0F) + (float)sin((double)(i * 31 + k * 7));
    tsne_run(x, N, D, y);
    tsne_run(x, N, D, again);
    assert_memory_equal(y, again, sizeof y);
    /* every point's nearest neighbour is of its own cloud */
    for (size_t i = 0; i < N; i++) {
        size_t best = i;
        double least = INFINITY;
        for (size_t j = 0; j < N; j++) {
            double d = hypot(y[2 * i] - y[2 * j], y[2 * i + 1] - y[2 * j + 1]);
            if (j != i && d < least)
                least = d, best = j;
        }
        assert_true((best < N / 2) == (i < N / 2));
    }
}

static void losses_reads_means(void **state)
{
    (void)state;
    char path[] = "/tmp/petrel-curve-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    fputs("epoch,step,loss,lr,seconds,set\n0,0,4,1,1,train\n0,1,2,1,1,train\n0,1,5,1,1,validation\n1,0,1,1,7,train\n",
          f);
    fclose(f);
    struct losses c;
    struct error e = {0};
    assert_int_equal(losses_read(&c, path, "t", &e), 0);
    assert_int_equal(c.count, 2);
    near(c.seconds, 7, 0);
    near(c.point[0].train, 3, 0);
    near(c.point[0].validation, 5, 0);
    assert_true(isnan(c.point[1].validation));
    losses_free(&c);
    f = fopen(path, "w");
    fputs("a,b\n1,2\n", f);
    fclose(f);
    assert_int_equal(losses_read(&c, path, "t", &e), -1);
    assert_non_null(strstr(e.text, "epoch"));
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wilcoxon_is_scipys),
        cmocka_unit_test(delong_is_the_published),
        cmocka_unit_test(auc_and_roc_agree),
        cmocka_unit_test(metrics_of_the_papers_row),
        cmocka_unit_test(confusion_counts_at_the_threshold),
        cmocka_unit_test(bootstrap_holds_the_value_and_repeats),
        cmocka_unit_test(tsne_parts_two_clouds),
        cmocka_unit_test(losses_reads_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
