/* SPDX-License-Identifier: Apache-2.0 */
/* squares -- scale times the sum of squared differences; sums joined piece by piece.   kernels/cpu */
#include "kernels/cpu/cpu.h"

static void cpu_squares(struct backend *b, float *dx, float *loss, const float *x, const float *y, size_t count,
                        float scale)
{
    const size_t pieces = cpu_pieces(count);
    double *each = cpu_scratch(b, (pieces + 1) * sizeof *each), sum = 0;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < pieces; i++) {
        double part = 0;
        for (size_t k = i * PIECE; k < i * PIECE + cpu_piece(i, count); k++) {
            double d = (double)x[k] - (double)y[k];
            part += d * d;
            dx[k] = (float)(2 * (double)scale * d);
        }
        each[i] = part;
    }
    for (size_t i = 0; i < pieces; i++)
        sum += each[i];
    *loss = (float)((double)scale * sum);
}

void cpu_add_squares(struct backend *b)
{
    b->squares = cpu_squares;
}
