/* SPDX-License-Identifier: Apache-2.0 */
/* schedule -- learning-rate factor.   kernels/optim */
#include "kernels/optim/schedule.h"
#include <math.h>

double schedule_factor(double t, double warmup, double length, double end)
{
    const double pi = 3.14159265358979323846;
    if (t < warmup)
        return fmin((t + 1) / warmup, 1);
    double s = t - warmup, last = length - warmup - 1;
    if (last <= 0 || s > last) /* past the end a cosine would rise again */
        return end;
    return end + (1 - end) * (1 + cos(pi * s / last)) / 2;
}
