/* SPDX-License-Identifier: Apache-2.0 */
/* lerp -- an average that follows: to += rate (from - to).   kernels/cpu */
#include "kernels/cpu/cpu.h"

static void cpu_lerp(struct backend *b, float *to, const float *from, size_t count, const float *rate)
{
    const double by = (double)*rate;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++)
        to[i] = (float)((double)to[i] * (1 - by) + (double)from[i] * by);
}

void cpu_add_lerp(struct backend *b)
{
    b->lerp = cpu_lerp;
}
