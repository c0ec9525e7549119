/* SPDX-License-Identifier: Apache-2.0 */
/* simulate_check -- the yardsticks of petrel-simulate check: area under the curve, logistic regression. */
#include "common/rng.h"
#include "datasets/simulate/logistic.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_auc(void **state)
{
    (void)state;
    /* two methods on ten cases; their areas are known */
    const int label[10] = {1, 1, 1, 1};
    const double a[10] = {.9, .8, .4, .7, .1, .5, .3, .2, .4, .6}, b[10] = {.6, .9, .3, .5, .2, .7, .4, .1, .5, .35};
    assert_true(fabs(auc_of(a, label, 10) - 0.8958333333) < 1e-9);
    assert_true(fabs(auc_of(b, label, 10) - 0.7291666667) < 1e-9);
    assert_true(isnan(auc_of(a, label, 4)));
}

static void test_logistic(void **state)
{
    (void)state;
    enum { N = 600 };
    static double feature[N * 3];
    static int label[N];
    static size_t group[N];
    struct rng r = rng_make(1, RNG_TEST, 0);
    for (size_t i = 0; i < N; i++) {
        for (size_t f = 0; f < 3; f++)
            feature[i * 3 + f] = (double)rng_normal(&r);
        label[i] = 2.0 * feature[i * 3] - feature[i * 3 + 1] + (double)rng_normal(&r) > 0.0;
        group[i] = i / 10;
    }
    /* sd of the signal sqrt(5), of the noise 1: an area of about 0.95 */
    double auc = logistic_auc(feature, label, group, N, 3);
    assert_true(auc > 0.92 && auc < 0.98);
    for (size_t i = 0; i < N; i++) /* labels that have nothing to do with the features: no better than chance unseen */
        label[i] = rng_uniform(&r) < 0.5F;
    auc = logistic_auc(feature, label, group, N, 3);
    assert_true(auc > 0.40 && auc < 0.60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_auc), cmocka_unit_test(test_logistic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
