/* SPDX-License-Identifier: Apache-2.0 */
/* eval_baselines -- boosted trees, logistic regression and neighbours against scikit-learn's (tests/golden/eval/make_baselines.py). */
#include "stages/eval/statistics/boosting.h"
#include "stages/eval/statistics/logistic.h"
#include "stages/eval/statistics/nearest.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { ROWS = 400, COLUMNS = 16 };
static size_t n, d;
static float x[ROWS * COLUMNS];
static double x_double[ROWS * COLUMNS], got[ROWS];
static int32_t label[ROWS];

static void boosting_answers(void)
{
    struct boosting b;
    boosting_fit(&b, &boosting_defaults, x, label, n, d);
    for (size_t i = 0; i < n; i++)
        got[i] = boosting_logit(&b, x + i * d);
    boosting_free(&b);
}

static void logistic_answers(void)
{
    double weight[COLUMNS + 1];
    assert_int_equal(logistic_fit(x_double, label, n, d, 1.0, weight), 0);
    for (size_t i = 0; i < n; i++)
        got[i] = logistic_at(x_double + i * d, d, weight);
}

static void neighbour_answers(void)
{
    enum { K = 15 };
    static struct neighbour found[ROWS * K];
    nearest_find(x, n / 2, d, x, n, K, false, found);
    for (size_t i = 0; i < n; i++) {
        got[i] = 0.0;
        for (size_t k = 0; k < K; k++) {
            got[i] += label[found[i * K + k].index] / (double)K;
            assert_true(k == 0 || found[i * K + k].square >= found[i * K + k - 1].square);
        }
    }
}

static void scikit_learns(void **state)
{
    (void)state;
    static const struct kind {
        const char *name;
        void (*answer)(void);
        double slack; /* relative to 1 + |wanted| */
    } kinds[] = {{"boosting", boosting_answers, 1e-9},
                 {"logistic", logistic_answers, 1e-5},
                 {"neighbours", neighbour_answers, 1e-9}};
    FILE *f = fopen("tests/golden/eval/baselines.txt", "r");
    if (f == NULL)
        fail_msg("cannot open 'tests/golden/eval/baselines.txt': run from the top");
    size_t row = 0, wanted = 0;
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, f) > 0) {
        char *rest = line, *key = strsep(&rest, " \n");
        if (strcmp(key, "set") == 0) {
            n = strtoul(rest, &rest, 10);
            d = strtoul(rest, &rest, 10);
            assert_true(n <= ROWS && d <= COLUMNS);
            row = 0;
        } else if (strcmp(key, "want") == 0) {
            char *name = strsep(&rest, " ");
            assert_int_equal(row, n);
            for (size_t k = 0; k < COUNT_OF(kinds); k++)
                if (strcmp(name, kinds[k].name) == 0) {
                    kinds[k].answer();
                    for (size_t i = 0; i < n; i++) {
                        double want = strtod(rest, &rest);
                        if (!(fabs(got[i] - want) <= kinds[k].slack * (1.0 + fabs(want))))
                            fail_msg("%zu rows, %s, row %zu: got %.12g, wanted %.12g", n, name, i, got[i], want);
                        wanted++;
                    }
                }
        } else if (*key != '#') {
            label[row] = (int32_t)strtol(key, NULL, 10);
            for (size_t k = 0; k < d; k++)
                x_double[row * d + k] = (double)(x[row * d + k] = strtof(rest, &rest));
            row++;
        }
    }
    free(line);
    fclose(f);
    assert_int_equal(wanted, 3 * (120 + 300 + 200));
}

static void one_class_and_apart(void **state)
{
    (void)state;
    n = 40, d = 2;
    for (size_t i = 0; i < n; i++) {
        label[i] = 0;
        x[2 * i] = (float)i;
        x[2 * i + 1] = (float)(i * 7 % 11);
        x_double[2 * i] = (double)i, x_double[2 * i + 1] = (double)(i * 7 % 11);
    }
    struct boosting b;
    double weight[3];
    boosting_fit(&b, &boosting_defaults, x, label, n, d);
    assert_true(boosting_logit(&b, x) == -INFINITY);
    boosting_free(&b);
    assert_int_equal(logistic_fit(x_double, label, n, d, 0.0, weight), -1);
    assert_true(isnan(weight[0]) && isnan(weight[2]));
    for (size_t i = 0; i < n; i++)
        label[i] = i >= n / 2;
    assert_int_equal(logistic_fit(x_double, label, n, d, 0.0, weight), -1); /* wholly apart: no minimum */
    assert_int_equal(logistic_fit(x_double, label, n, d, 1.0, weight), 0);
    boosting_fit(&b, &boosting_defaults, x, label, n, d);
    for (size_t i = 0; i < n; i++)
        assert_true((boosting_logit(&b, x + 2 * i) > 0.0) == (label[i] == 1));
    boosting_free(&b);
}

/* Of equals the first stays first; a row is not its own neighbour; threads change nothing. */
static void neighbours_of_equals(void **state)
{
    (void)state;
    static float same[30 * 3];
    struct neighbour found[30 * 4];
    nearest_find(same, 30, 3, same, 30, 4, true, found);
    for (uint32_t i = 0; i < 30; i++)
        for (uint32_t k = 0; k < 4; k++)
            assert_int_equal(found[i * 4 + k].index, k < i ? k : k + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scikit_learns),
        cmocka_unit_test(one_class_and_apart),
        cmocka_unit_test(neighbours_of_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
