/* SPDX-License-Identifier: Apache-2.0 */
/* meanpool -- mean of a window, over its voxels inside the image.   kernels/cpu
 *
 * Whole positions are added, all boxes and channels at once. Backward asks of every input position which windows hold
 * it, so that no two threads add to one number. */
#include "kernels/cpu/cpu.h"

#include <string.h>

enum { STRIP = 1024 /* numbers of a position at a time, so that a window stays in the first cache */ };

struct span {
    int from, past;
};
/* The voxels of output `at`. */
static struct span window(const struct pool_shape *s, int axis, int at)
{
    int from = at * s->stride - s->pad, past = from + s->kernel;
    return (struct span){from < 0 ? 0 : from, past > s->in[axis] ? s->in[axis] : past};
}

/* The outputs whose window holds input `at`. */
static struct span holders(const struct pool_shape *s, int axis, int at)
{
    int from = at + s->pad - s->kernel + 1, past = (at + s->pad) / s->stride + 1;
    return (struct span){from <= 0 ? 0 : (from + s->stride - 1) / s->stride, past > s->out[axis] ? s->out[axis] : past};
}

static void spans(struct span of[3], const struct pool_shape *s, size_t position, const int dim[3],
                  struct span (*one)(const struct pool_shape *, int, int))
{
    int p = (int)position;
    of[0] = one(s, 0, p / dim[2] / dim[1]);
    of[1] = one(s, 1, p / dim[2] % dim[1]);
    of[2] = one(s, 2, p % dim[2]);
}

static float share(const struct span w[3])
{
    return 1 / (float)((w[0].past - w[0].from) * (w[1].past - w[1].from) * (w[2].past - w[2].from));
}

static void add_strip(float *to, const float *from, float times, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += times * from[i];
}

#define WITHIN(w, z, y, x)                                                                                             \
    for (int z = w[0].from; z < w[0].past; z++)                                                                        \
        for (int y = w[1].from; y < w[1].past; y++)                                                                    \
            for (int x = w[2].from; x < w[2].past; x++)

static void cpu_meanpool_forward(struct backend *b, float *out, const float *in, const struct pool_shape *s)
{
    const size_t P = cpu_volume(s->out), row = (size_t)s->N * (size_t)cpu_padded(s->C),
                 strips = (row + STRIP - 1) / STRIP;
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t p = 0; p < P; p++)
        for (size_t strip = 0; strip < strips; strip++) {
            size_t from = strip * STRIP, count = row - from < STRIP ? row - from : STRIP;
            struct span w[3];
            spans(w, s, p, s->out, window);
            float *to = out + p * row + from;
            memset(to, 0, count * sizeof *to);
            WITHIN(w, z, y, x)
            add_strip(to, in + (size_t)((z * s->in[1] + y) * s->in[2] + x) * row + from, 1, count);
            for (size_t i = 0; i < count; i++)
                to[i] *= share(w);
        }
}

static void cpu_meanpool_backward(struct backend *b, float *din, const float *dout, const struct pool_shape *s)
{
    const size_t Q = cpu_volume(s->in), row = (size_t)s->N * (size_t)cpu_padded(s->C),
                 strips = (row + STRIP - 1) / STRIP;
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t q = 0; q < Q; q++)
        for (size_t strip = 0; strip < strips; strip++) {
            size_t from = strip * STRIP, count = row - from < STRIP ? row - from : STRIP;
            struct span h[3], w[3];
            spans(h, s, q, s->in, holders);
            WITHIN(h, z, y, x)
            {
                size_t p = (size_t)((z * s->out[1] + y) * s->out[2] + x);
                spans(w, s, p, s->out, window);
                add_strip(din + q * row + from, dout + p * row + from, share(w), count);
            }
        }
}

void cpu_add_meanpool(struct backend *b)
{
    b->meanpool_forward = cpu_meanpool_forward;
    b->meanpool_backward = cpu_meanpool_backward;
}
