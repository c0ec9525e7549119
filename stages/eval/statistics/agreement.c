/* SPDX-License-Identifier: Apache-2.0 */
/* agreement -- do two ways of measuring a patient agree?   patients -> [agreement] -> report, page */
#include "stages/eval/statistics/agreement.h"
#include <math.h>

struct agreement agreement_of(const double *measured, const double *truth, size_t n)
{
    struct agreement a = {n, NAN, NAN, NAN, NAN, NAN};
    double mean_x = 0.0, mean_y = 0.0, xx = 0.0, yy = 0.0, xy = 0.0, dd = 0.0;
    if (n == 0)
        return a;
    for (size_t i = 0; i < n; i++) {
        mean_x += measured[i] / (double)n;
        mean_y += truth[i] / (double)n;
    }
    a.bias = mean_x - mean_y;
    for (size_t i = 0; i < n; i++) {
        double x = measured[i] - mean_x, y = truth[i] - mean_y;
        xx += x * x / (double)n;
        yy += y * y / (double)n;
        xy += x * y / (double)n;
        dd += (x - y) * (x - y);
    }
    if (n > 1) {
        a.sd = sqrt(dd / (double)(n - 1));
        a.low = a.bias - 1.96 * a.sd;
        a.high = a.bias + 1.96 * a.sd;
        if (xx + yy + a.bias * a.bias > 0.0)
            a.concordance = 2.0 * xy / (xx + yy + a.bias * a.bias);
    }
    return a;
}
