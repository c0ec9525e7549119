/* SPDX-License-Identifier: Apache-2.0 */
/* slice -- some channels that lie side by side, of rows or of an image.   kernels/cpu */
#include "kernels/cpu/cpu.h"

/* Where box n's channel c lies at position p, in an image of C channels or in rows. */
struct lie {
    size_t N, C, lanes, blocks;
    bool rows;
};
static struct lie lie_of(int N, int C, enum layout layout)
{
    return (struct lie){(size_t)N, (size_t)C, (size_t)cpu_lanes(C), (size_t)cpu_blocks(C), layout == ROWS};
}
static size_t at(const struct lie *l, size_t n, size_t c, size_t p)
{
    return l->rows ? n * l->C + c : ((p * l->blocks + c / l->lanes) * l->N + n) * l->lanes + c % l->lanes;
}

static void cpu_slice_forward(struct backend *b, float *out, const float *in, int N, int C, int first, int count,
                              const int dim[3], enum layout layout)
{
    const struct lie from = lie_of(N, C, layout), to = lie_of(N, count, layout);
    const size_t P = layout == IMAGE ? cpu_volume(dim) : 1, kept = (size_t)count;
    const size_t padded = layout == IMAGE ? (size_t)cpu_padded(count) : kept;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (P * (size_t)N * padded > WORTH)
    for (size_t p = 0; p < P; p++)
        for (size_t c = 0; c < padded; c++)
            for (size_t n = 0; n < to.N; n++)
                out[at(&to, n, c, p)] = c < kept ? in[at(&from, n, (size_t)first + c, p)] : 0;
}

static void cpu_slice_backward(struct backend *b, float *din, const float *dout, int N, int C, int first, int count,
                               const int dim[3], enum layout layout)
{
    const struct lie to = lie_of(N, C, layout), from = lie_of(N, count, layout);
    const size_t P = layout == IMAGE ? cpu_volume(dim) : 1;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (P * (size_t)N * (size_t)count > WORTH)
    for (size_t p = 0; p < P; p++)
        for (size_t c = 0; c < (size_t)count; c++)
            for (size_t n = 0; n < to.N; n++)
                din[at(&to, n, (size_t)first + c, p)] += dout[at(&from, n, c, p)];
}

void cpu_add_slice(struct backend *b)
{
    b->slice_forward = cpu_slice_forward;
    b->slice_backward = cpu_slice_backward;
}
