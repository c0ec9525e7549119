/* SPDX-License-Identifier: Apache-2.0 */
/* pool -- largest of a window, mean of an image.   kernels/ref */
#include "kernels/ref/ref.h"

static size_t volume(const int dim[3])
{
    return (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
}

static int first_of(int at, const struct pool_shape *s)
{
    int x = at * s->stride - s->pad;
    return x < 0 ? 0 : x;
}

static int past_of(int at, const struct pool_shape *s, int axis)
{
    int x = at * s->stride - s->pad + s->kernel;
    return x > s->in[axis] ? s->in[axis] : x;
}

static void ref_maxpool_forward(struct backend *b, float *out, int32_t *where, const float *in,
                                const struct pool_shape *s)
{
    (void)b;
    size_t P = volume(s->out), Q = volume(s->in);
    for (size_t plane = 0; plane < (size_t)s->N * (size_t)s->C; plane++)
        for (size_t p = 0; p < P; p++) {
            int pz = (int)p / s->out[2] / s->out[1], py = (int)p / s->out[2] % s->out[1], px = (int)p % s->out[2];
            int32_t best = -1;
            for (int z = first_of(pz, s); z < past_of(pz, s, 0); z++)
                for (int y = first_of(py, s); y < past_of(py, s, 1); y++)
                    for (int x = first_of(px, s); x < past_of(px, s, 2); x++) {
                        int32_t q = (z * s->in[1] + y) * s->in[2] + x;
                        if (best < 0 || in[plane * Q + (size_t)q] > in[plane * Q + (size_t)best])
                            best = q;
                    }
            where[plane * P + p] = best;
            out[plane * P + p] = in[plane * Q + (size_t)best];
        }
}

static void ref_maxpool_backward(struct backend *b, float *din, const float *dout, const int32_t *where,
                                 const struct pool_shape *s)
{
    (void)b;
    size_t P = volume(s->out), Q = volume(s->in);
    for (size_t plane = 0; plane < (size_t)s->N * (size_t)s->C; plane++)
        for (size_t p = 0; p < P; p++)
            din[plane * Q + (size_t)where[plane * P + p]] += dout[plane * P + p];
}

static void ref_avgpool_forward(struct backend *b, float *out, const float *in, int N, int C, const int dim[3])
{
    (void)b;
    size_t P = volume(dim);
    for (size_t plane = 0; plane < (size_t)N * (size_t)C; plane++) {
        double sum = 0;
        for (size_t p = 0; p < P; p++)
            sum += (double)in[plane * P + p];
        out[plane] = (float)(sum / (double)P);
    }
}

static void ref_avgpool_backward(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3])
{
    (void)b;
    size_t P = volume(dim);
    for (size_t plane = 0; plane < (size_t)N * (size_t)C; plane++)
        for (size_t p = 0; p < P; p++)
            din[plane * P + p] += (float)((double)dout[plane] / (double)P);
}

void ref_add_pool(struct backend *b)
{
    b->maxpool_forward = ref_maxpool_forward;
    b->maxpool_backward = ref_maxpool_backward;
    b->avgpool_forward = ref_avgpool_forward;
    b->avgpool_backward = ref_avgpool_backward;
}
