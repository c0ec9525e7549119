/* SPDX-License-Identifier: Apache-2.0 */
/* gate -- each channel of an image times its own number, as squeeze-and-excitation does.   kernels/cpu
 *
 * An image is [P][blocks][N][lanes] and the numbers are [N][C]: a block of one box meets the same lanes at every
 * position. */
#include "kernels/cpu/cpu.h"

static int lanes_here(int C, int block)
{
    int lanes = cpu_lanes(C);
    return C - block * lanes < lanes ? C - block * lanes : lanes;
}

static void cpu_gate_forward(struct backend *b, float *out, const float *in, const float *scale, int N, int C,
                             const int dim[3])
{
    const size_t P = cpu_volume(dim), lanes = (size_t)cpu_lanes(C), row = (size_t)N * (size_t)cpu_padded(C);
    const int blocks = cpu_blocks(C);
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t p = 0; p < P; p++)
        for (int block = 0; block < blocks; block++)
            for (size_t n = 0; n < (size_t)N; n++) {
                size_t at = p * row + ((size_t)block * (size_t)N + n) * lanes, have = (size_t)lanes_here(C, block);
                for (size_t l = 0; l < lanes; l++)
                    out[at + l] = l < have ? in[at + l] * scale[n * (size_t)C + (size_t)block * lanes + l] : 0;
            }
}

static void cpu_gate_backward(struct backend *b, float *din, float *dscale, const float *dout, const float *in,
                              const float *scale, int N, int C, const int dim[3])
{
    const size_t P = cpu_volume(dim), lanes = (size_t)cpu_lanes(C), row = (size_t)N * (size_t)cpu_padded(C);
    const int blocks = cpu_blocks(C);
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads)
    for (int block = 0; block < blocks; block++)
        for (size_t n = 0; n < (size_t)N; n++) {
            double sum[LANES] = {0};
            size_t have = (size_t)lanes_here(C, block), of_row = n * (size_t)C + (size_t)block * lanes;
            for (size_t p = 0; p < P; p++) {
                size_t at = p * row + ((size_t)block * (size_t)N + n) * lanes;
                for (size_t l = 0; l < have; l++) {
                    if (din)
                        din[at + l] += dout[at + l] * scale[of_row + l];
                    sum[l] += (double)dout[at + l] * (double)in[at + l];
                }
            }
            for (size_t l = 0; dscale && l < have; l++)
                dscale[of_row + l] += (float)sum[l];
        }
}

void cpu_add_gate(struct backend *b)
{
    b->gate_forward = cpu_gate_forward;
    b->gate_backward = cpu_gate_backward;
}
