/* SPDX-License-Identifier: Apache-2.0 */
/* gate -- each channel of an image times its own number, as squeeze-and-excitation does.   kernels/cpu
 *
 * An image is [P][blocks][N][lanes] and the numbers are [N][C]: a block of one box meets the same lanes at every
 * position. */
#include "kernels/cpu/cpu.h"

enum { BOXES = 16 /* whose sums one thread keeps at a time */ };

static size_t lanes_here(int C, int block)
{
    int lanes = cpu_lanes(C);
    return (size_t)(C - block * lanes < lanes ? C - block * lanes : lanes);
}

static void cpu_gate_forward(struct backend *b, float *out, const float *in, const float *scale, int N, int C,
                             const int dim[3])
{
    const size_t P = cpu_volume(dim), lanes = (size_t)cpu_lanes(C), row = (size_t)N * (size_t)cpu_padded(C);
    const int blocks = cpu_blocks(C);
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t p = 0; p < P; p++)
        for (int block = 0; block < blocks; block++) {
            const size_t have = lanes_here(C, block);
            for (size_t n = 0; n < (size_t)N; n++) {
                const size_t at = p * row + ((size_t)block * (size_t)N + n) * lanes;
                const float *s = scale + n * (size_t)C + (size_t)block * lanes;
                if (have == LANES)
                    for (size_t l = 0; l < LANES; l++)
                        out[at + l] = in[at + l] * s[l];
                else
                    for (size_t l = 0; l < lanes; l++)
                        out[at + l] = l < have ? in[at + l] * s[l] : 0;
            }
        }
}

/* din and the sum of one block of one box at one position */
static inline void gate_back(float *din, double sum[LANES], const float *dout, const float *in, const float *scale,
                             size_t many)
{
    if (din)
        for (size_t l = 0; l < many; l++)
            din[l] += dout[l] * scale[l];
    for (size_t l = 0; l < many; l++)
        sum[l] += (double)dout[l] * (double)in[l];
}

static void cpu_gate_backward(struct backend *b, float *din, float *dscale, const float *dout, const float *in,
                              const float *scale, int N, int C, const int dim[3])
{
    const size_t P = cpu_volume(dim), lanes = (size_t)cpu_lanes(C), row = (size_t)N * (size_t)cpu_padded(C);
    const int blocks = cpu_blocks(C);
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads)
    for (int block = 0; block < blocks; block++)
        for (int first = 0; first < N; first += BOXES) {
            const size_t have = lanes_here(C, block), past = (size_t)(first + BOXES < N ? first + BOXES : N);
            double sum[BOXES][LANES] = {{0}};
            for (size_t p = 0; p < P; p++)
                for (size_t n = (size_t)first; n < past; n++) {
                    const size_t at = p * row + ((size_t)block * (size_t)N + n) * lanes;
                    const float *s = scale + n * (size_t)C + (size_t)block * lanes;
                    double *of_box = sum[n - (size_t)first];
                    if (have == LANES)
                        gate_back(din ? din + at : NULL, of_box, dout + at, in + at, s, LANES);
                    else
                        gate_back(din ? din + at : NULL, of_box, dout + at, in + at, s, have);
                }
            for (size_t n = (size_t)first; dscale && n < past; n++)
                for (size_t l = 0; l < have; l++)
                    dscale[n * (size_t)C + (size_t)block * lanes + l] += (float)sum[n - (size_t)first][l];
        }
}

void cpu_add_gate(struct backend *b)
{
    b->gate_forward = cpu_gate_forward;
    b->gate_backward = cpu_gate_backward;
}
