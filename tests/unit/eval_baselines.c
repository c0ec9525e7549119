/* SPDX-License-Identifier: Apache-2.0 */
/* eval_baselines -- boosted trees, logistic regression and neighbours against scikit-learn's, what is said of a representation against
 * NumPy's (tests/golden/eval/make_baselines.py). */
#include "stages/eval/representation.h"
#include "stages/eval/statistics/boosting.h"
#include "stages/eval/statistics/eigenvalues.h"
#include "stages/eval/statistics/logistic.h"
#include "stages/eval/statistics/nearest.h"
#include "stages/eval/verdict.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { ROWS_MOST = 400, COLUMNS_MOST = 48 };
static size_t n, d;
static float x[ROWS_MOST * COLUMNS_MOST];
static double x_double[ROWS_MOST * COLUMNS_MOST], got[ROWS_MOST];
static int32_t label[ROWS_MOST];

static size_t boosting_answers(void)
{
    struct boosting b;
    boosting_fit(&b, &boosting_defaults, x, label, n, d);
    for (size_t i = 0; i < n; i++)
        got[i] = boosting_logit(&b, x + i * d);
    boosting_free(&b);
    return n;
}

static size_t logistic_answers(void)
{
    double weight[COLUMNS_MOST + 1];
    assert_int_equal(logistic_fit(x_double, label, n, d, 1.0, weight), 0);
    for (size_t i = 0; i < n; i++)
        got[i] = logistic_at(x_double + i * d, d, weight);
    return n;
}

static size_t neighbour_answers(void)
{
    enum { K = 15 };
    static struct neighbour found[ROWS_MOST * K];
    nearest_find(x, n / 2, d, x, n, K, false, found);
    for (size_t i = 0; i < n; i++) {
        got[i] = 0.0;
        for (size_t k = 0; k < K; k++) {
            got[i] += label[found[i * K + k].index] / (double)K;
            assert_true(k == 0 || found[i * K + k].square >= found[i * K + k - 1].square);
        }
    }
    return n;
}

static size_t representation_answers(void)
{
    struct scores s = {.n = n, .width = d, .label = label, .embedding = x};
    struct representation r;
    representation_measure(&r, &s);
    const double said[] = {r.rank, r.std_least, r.std_median, r.std_most, r.of_tumours, r.of_others, r.between};
    memcpy(got, said, sizeof said);
    return COUNT_OF(said);
}

static size_t eigenvalue_answers(void)
{
    static double a[COLUMNS_MOST * COLUMNS_MOST];
    double mean[COLUMNS_MOST] = {0.0};
    memset(a, 0, sizeof a);
    for (size_t i = 0; i < n * d; i++)
        mean[i % d] += x_double[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d * d; j++)
            a[j] += (x_double[i * d + j / d] - mean[j / d]) * (x_double[i * d + j % d] - mean[j % d]);
    assert_int_equal(eigenvalues_of(a, d, got), 0);
    return d;
}

static void scikit_learns(void **state)
{
    (void)state;
    static const struct kind {
        const char *name;
        size_t (*answer)(void); /* how many */
        double slack;           /* relative to 1 + |wanted| */
    } kinds[] = {{"boosting", boosting_answers, 1e-9},
                 {"logistic", logistic_answers, 1e-5},
                 {"neighbours", neighbour_answers, 1e-9},
                 {"representation", representation_answers, 1e-5},
                 {"eigenvalues", eigenvalue_answers, 1e-6}};
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
            assert_true(n <= ROWS_MOST && d <= COLUMNS_MOST);
            row = 0;
        } else if (strcmp(key, "want") == 0) {
            char *name = strsep(&rest, " ");
            assert_int_equal(row, n);
            for (size_t k = 0; k < COUNT_OF(kinds); k++)
                if (strcmp(name, kinds[k].name) == 0) {
                    size_t answers = kinds[k].answer();
                    for (size_t i = 0; i < answers; i++) {
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
    assert_int_equal(wanted, 3 * (120 + 300 + 200) + 3 * 7 + 12 + 40 + 24);
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

/* METHOD of the paper's loss: 25 - 25 s + 50 s^2 is least 21.875 at s = 0.25. */
static void trivial_optimum(void **state)
{
    (void)state;
    struct recipe r;
    recipe_defaults(&r);
    r.vicreg_reduction = "mean";
    assert_true(fabs(loss_trivial_optimum(&r) - 21.875) < 1e-12);
    r.vicreg_invariance = 5; /* s would be 1.25: at most 1 */
    assert_true(fabs(loss_trivial_optimum(&r) - 10.0) < 1e-12);
    r.method = "simclr";
    assert_true(isnan(loss_trivial_optimum(&r)));
    r.method = "vicreg";
    r.semantic = false;
    assert_true(isnan(loss_trivial_optimum(&r)));
}

/* Others first and then tumours, nothing from itself, the farthest white. */
static void map_of_distances(void **state)
{
    (void)state;
    const int32_t two[6] = {1, 0, 1, 0, 0, 1};
    float at[12] = {9, 0, 0, 0, 9, 1, 0, 1, 1, 0, 9, 0};
    struct scores s = {.n = 6, .width = 2, .label = (int32_t *)two, .embedding = at};
    uint8_t *grey;
    size_t others, side = distance_map(&s, 100, &grey, &others);
    assert_int_equal(side, 6);
    assert_int_equal(others, 3);
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            assert_int_equal(grey[i * 6 + j], grey[j * 6 + i]);
            assert_true(i == j               ? grey[i * 6 + j] == 0
                        : (i < 3) == (j < 3) ? grey[i * 6 + j] < 60
                                             : grey[i * 6 + j] > 200);
        }
    free(grey);
    side = distance_map(&s, 2, &grey, &others);
    assert_true(side == 2 && others == 1);
    free(grey);
}

/* Better or worse only where both tests that know of patients say so; with no baseline nothing is claimed. */
static void verdicts(void **state)
{
    (void)state;
    static const struct claim {
        double model, best, delong, permutation;
        enum verdict verdict;
        const char *words;
    } claims[] = {
        {.95, .90, .01, .02, VERDICT_BETTER, "beats the best baseline"},
        {.95, .90, .01, .20, VERDICT_NOT_BETTER, "does NOT beat the best baseline"},
        {.95, .90, .06, .02, VERDICT_NOT_BETTER, "does NOT beat the best baseline"},
        {.90, .90, .01, .01, VERDICT_WORSE, "does NOT beat"},
        {.85, .90, .01, .02, VERDICT_WORSE, "is worse than the best"},
        {.85, .90, .30, .02, VERDICT_NOT_BETTER, "does NOT beat the best baseline"},
    };
    for (size_t i = 0; i < COUNT_OF(claims); i++) {
        struct baselines b = {.count = BASELINES, .best = 3};
        b.one[3].name = baseline_name[3];
        b.one[3].against = (struct delong){.auc_a = claims[i].model, .auc_b = claims[i].best};
        b.one[3].p_holm = claims[i].delong;
        b.one[3].permutation.p = claims[i].permutation;
        assert_int_equal(verdict_of(&b), claims[i].verdict);
        char *said = verdict_sentence(&b, "mine");
        assert_non_null(strstr(said, claims[i].words));
        assert_non_null(strstr(said, "trees: SUV, volume, position"));
        free(said);
    }
    struct baselines none = {.none = "no reason"};
    char *said = verdict_sentence(&none, "mine");
    assert_int_equal(verdict_of(&none), VERDICT_UNKNOWN);
    assert_null(strstr(said, "beat"));
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scikit_learns),        cmocka_unit_test(one_class_and_apart),
        cmocka_unit_test(neighbours_of_equals), cmocka_unit_test(trivial_optimum),
        cmocka_unit_test(map_of_distances),     cmocka_unit_test(verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
