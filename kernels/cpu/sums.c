/* SPDX-License-Identifier: Apache-2.0 */
/* sums -- the length of tensors, piece by piece, and the factor that bounds it.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <math.h>

static void cpu_sum_of_squares(struct backend *b, double *sum, const float *x, size_t count)
{
    const struct cpu *own = cpu_of(b);
    const size_t pieces = cpu_pieces(count);
    double *part = cpu_scratch(b, pieces * sizeof *part);
#pragma omp parallel for schedule(static) num_threads(own->threads) if (count > WORTH)
    for (size_t i = 0; i < pieces; i++)
        part[i] = own->microkernels->squares(x + i * PIECE, cpu_piece(i, count));
    for (size_t i = 0; i < pieces; i++)
        *sum += part[i];
}

static void cpu_clip(struct backend *b, float *scale, const double *sum, float most)
{
    (void)b;
    double factor = (double)most / (sqrt(*sum) + 1e-6);
    *scale = factor < 1 ? (float)factor : 1;
}

void cpu_add_sums(struct backend *b)
{
    b->sum_of_squares = cpu_sum_of_squares;
    b->clip = cpu_clip;
}
