/* SPDX-License-Identifier: Apache-2.0 */
/* lerp -- an average that follows: to += rate (from - to).   kernels/ref */
#include "kernels/ref/ref.h"

static void ref_lerp(struct backend *b, float *to, const float *from, size_t count, const float *rate)
{
    const double by = (double)*rate;
    (void)b;
    for (size_t i = 0; i < count; i++)
        to[i] = (float)((double)to[i] * (1 - by) + (double)from[i] * by);
}

void ref_add_lerp(struct backend *b)
{
    b->lerp = ref_lerp;
}
