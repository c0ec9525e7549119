/* SPDX-License-Identifier: Apache-2.0 */
/* concat -- two row vectors side by side.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <string.h>

static void cpu_concat_forward(struct backend *b, float *out, const float *in_a, const float *in_b, int N, int A, int B)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * (A + B) > WORTH)
    for (size_t n = 0; n < (size_t)N; n++) {
        float *row = out + n * (size_t)(A + B);
        memcpy(row, in_a + n * (size_t)A, (size_t)A * sizeof *row);
        memcpy(row + A, in_b + n * (size_t)B, (size_t)B * sizeof *row);
    }
}

static void cpu_concat_backward(struct backend *b, float *din_a, float *din_b, const float *dout, int N, int A, int B)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * (A + B) > WORTH)
    for (size_t n = 0; n < (size_t)N; n++) {
        const float *row = dout + n * (size_t)(A + B);
        for (size_t c = 0; din_a && c < (size_t)A; c++)
            din_a[n * (size_t)A + c] += row[c];
        for (size_t c = 0; din_b && c < (size_t)B; c++)
            din_b[n * (size_t)B + c] += row[(size_t)A + c];
    }
}

void cpu_add_concat(struct backend *b)
{
    b->concat_forward = cpu_concat_forward;
    b->concat_backward = cpu_concat_backward;
}
