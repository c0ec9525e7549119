/* SPDX-License-Identifier: Apache-2.0 */
/* pool -- largest of a window, mean of an image.   kernels/cpu
 *
 * Maximum pooling compares whole positions, all boxes and channels at once. Backward asks of every input position which
 * windows hold it, in order, so that no two threads add to one number. */
#include "kernels/cpu/cpu.h"

#include <assert.h>
#include <string.h>

enum { STRIP = 1024 /* numbers of a position at a time, so that a window stays in the first cache */ };

/* The inputs of output `at`, or, turned round, the outputs whose window holds input `at`. */
static int window_first(int at, const struct pool_shape *s)
{
    int x = at * s->stride - s->pad;
    return x < 0 ? 0 : x;
}
static int window_past(int at, const struct pool_shape *s, int axis)
{
    int x = at * s->stride - s->pad + s->kernel;
    return x > s->in[axis] ? s->in[axis] : x;
}
static int holder_first(int at, const struct pool_shape *s)
{
    int x = at + s->pad - s->kernel + 1;
    return x <= 0 ? 0 : (x + s->stride - 1) / s->stride;
}
static int holder_past(int at, const struct pool_shape *s, int axis)
{
    int x = (at + s->pad) / s->stride + 1;
    return x > s->out[axis] ? s->out[axis] : x;
}

static void coordinates(int at[3], size_t position, const int dim[3])
{
    int p = (int)position;
    at[0] = p / dim[2] / dim[1];
    at[1] = p / dim[2] % dim[1];
    at[2] = p % dim[2];
}

static void cpu_maxpool_forward(struct backend *b, float *out, int32_t *where, const float *in,
                                const struct pool_shape *s)
{
    const struct cpu *own = cpu_of(b);
    const size_t P = cpu_volume(s->out), row = (size_t)s->N * (size_t)cpu_padded(s->C),
                 strips = (row + STRIP - 1) / STRIP;
#pragma omp parallel for collapse(2) schedule(static) num_threads(own->threads)
    for (size_t p = 0; p < P; p++)
        for (size_t strip = 0; strip < strips; strip++) {
            size_t from = strip * STRIP, count = row - from < STRIP ? row - from : STRIP;
            float *best = out + p * row + from;
            int32_t *index = where + p * row + from;
            int at[3];
            bool first = true;
            coordinates(at, p, s->out);
            for (int z = window_first(at[0], s); z < window_past(at[0], s, 0); z++)
                for (int y = window_first(at[1], s); y < window_past(at[1], s, 1); y++)
                    for (int x = window_first(at[2], s); x < window_past(at[2], s, 2); x++) {
                        int32_t q = (z * s->in[1] + y) * s->in[2] + x;
                        const float *here = in + (size_t)q * row + from;
                        if (!first) {
                            own->microkernels->maxpool_update(best, index, here, q, count);
                            continue;
                        }
                        memcpy(best, here, count * sizeof *best);
                        for (size_t i = 0; i < count; i++)
                            index[i] = q;
                        first = false;
                    }
            assert(!first); /* a window is never padding alone: pad < kernel */
        }
}

static void cpu_maxpool_backward(struct backend *b, float *din, const float *dout, const int32_t *where,
                                 const struct pool_shape *s)
{
    const struct cpu *own = cpu_of(b);
    const size_t Q = cpu_volume(s->in), row = (size_t)s->N * (size_t)cpu_padded(s->C),
                 strips = (row + STRIP - 1) / STRIP;
#pragma omp parallel for collapse(2) schedule(static) num_threads(own->threads)
    for (size_t q = 0; q < Q; q++)
        for (size_t strip = 0; strip < strips; strip++) {
            size_t from = strip * STRIP, count = row - from < STRIP ? row - from : STRIP;
            int at[3];
            coordinates(at, q, s->in);
            for (int z = holder_first(at[0], s); z < holder_past(at[0], s, 0); z++)
                for (int y = holder_first(at[1], s); y < holder_past(at[1], s, 1); y++)
                    for (int x = holder_first(at[2], s); x < holder_past(at[2], s, 2); x++) {
                        size_t p = (size_t)((z * s->out[1] + y) * s->out[2] + x) * row + from;
                        own->microkernels->maxpool_scatter(din + q * row + from, dout + p, where + p, (int32_t)q, count);
                    }
        }
}

/* A block of one box: where it begins at the first position of IMAGE [P][blocks][N][lanes] and in ROWS [N][C], and its channels. */
struct cell {
    size_t image, rows, many;
};
static struct cell cell_of(size_t n, size_t block, size_t N, size_t C, size_t lanes)
{
    return (struct cell){(block * N + n) * lanes, n * C + block * lanes,
                         C - block * lanes < lanes ? C - block * lanes : lanes};
}

static inline void sums_add(double sum[LANES], const float *from, size_t many)
{
    for (size_t l = 0; l < many; l++)
        sum[l] += (double)from[l];
}

static void cpu_avgpool_forward(struct backend *b, float *out, const float *in, int boxes, int channels,
                                const int dim[3])
{
    const size_t P = cpu_volume(dim), N = (size_t)boxes, C = (size_t)channels, lanes = (size_t)cpu_lanes(channels);
    const size_t row = N * (size_t)cpu_padded(channels), blocks = (size_t)cpu_blocks(channels);
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads) if (P * row > WORTH)
    for (size_t block = 0; block < blocks; block++)
        for (size_t n = 0; n < N; n++) {
            const struct cell c = cell_of(n, block, N, C, lanes);
            double sum[LANES] = {0};
            for (size_t p = 0; p < P; p++)
                if (c.many == LANES)
                    sums_add(sum, in + p * row + c.image, LANES);
                else
                    sums_add(sum, in + p * row + c.image, c.many);
            for (size_t l = 0; l < c.many; l++)
                out[c.rows + l] = (float)(sum[l] / (double)P);
        }
}

static void cpu_avgpool_backward(struct backend *b, float *din, const float *dout, int boxes, int channels,
                                 const int dim[3])
{
    const size_t P = cpu_volume(dim), N = (size_t)boxes, C = (size_t)channels, lanes = (size_t)cpu_lanes(channels);
    const size_t row = N * (size_t)cpu_padded(channels), blocks = (size_t)cpu_blocks(channels);
    const float share = 1 / (float)P;
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads) if (P * row > WORTH)
    for (size_t p = 0; p < P; p++)
        for (size_t block = 0; block < blocks; block++)
            for (size_t n = 0; n < N; n++) {
                const struct cell c = cell_of(n, block, N, C, lanes);
                for (size_t l = 0; l < c.many; l++)
                    din[p * row + c.image + l] += share * dout[c.rows + l];
            }
}

void cpu_add_pool(struct backend *b)
{
    b->maxpool_forward = cpu_maxpool_forward;
    b->maxpool_backward = cpu_maxpool_backward;
    b->avgpool_forward = cpu_avgpool_forward;
    b->avgpool_backward = cpu_avgpool_backward;
}
