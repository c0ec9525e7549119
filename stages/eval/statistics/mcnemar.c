/* SPDX-License-Identifier: Apache-2.0 */
/* mcnemar -- do two models err on the same regions?   score -> [mcnemar] -> report, compare */
#include "stages/eval/statistics/mcnemar.h"
#include <math.h>

/* P(X = k) of a fair coin tossed n times. */
static double tosses(size_t n, size_t k)
{
    return exp(lgamma((double)n + 1.0) - lgamma((double)k + 1.0) - lgamma((double)(n - k) + 1.0) - (double)n * log(2.0));
}

struct mcnemar mcnemar_test(size_t only_a, size_t only_b)
{
    struct mcnemar m = {only_a, only_b, 1.0, 1.0};
    size_t n = only_a + only_b, fewer = only_a < only_b ? only_a : only_b;
    if (n == 0)
        return m;
    double sum = 0.0;
    for (size_t k = 0; k <= fewer; k++)
        sum += tosses(n, k);
    m.p_exact = only_a == only_b ? 1.0 : fmin(1.0, 2.0 * sum);
    m.p_mid = only_a == only_b ? 1.0 - tosses(n, fewer) : 2.0 * sum - tosses(n, fewer);
    return m;
}

struct mcnemar mcnemar_at(const float *a, double threshold_a, const float *b, double threshold_b, const int32_t *label,
                          size_t n)
{
    size_t only[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        bool right_a = ((double)a[i] >= threshold_a) == (label[i] == 1),
             right_b = ((double)b[i] >= threshold_b) == (label[i] == 1);
        only[0] += right_a && !right_b;
        only[1] += right_b && !right_a;
    }
    return mcnemar_test(only[0], only[1]);
}
