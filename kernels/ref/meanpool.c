/* SPDX-License-Identifier: Apache-2.0 */
/* meanpool -- mean of a window, over its voxels inside the image.   kernels/ref */
#include "kernels/ref/ref.h"

struct window {
    int from[3], past[3];
    double voxels;
};

static struct window window_of(const struct pool_shape *s, int p)
{
    int at[3] = {p / s->out[2] / s->out[1], p / s->out[2] % s->out[1], p % s->out[2]};
    struct window w = {.voxels = 1};
    for (int a = 0; a < 3; a++) {
        int from = at[a] * s->stride - s->pad, past = from + s->kernel;
        w.from[a] = from < 0 ? 0 : from;
        w.past[a] = past > s->in[a] ? s->in[a] : past;
        w.voxels *= w.past[a] - w.from[a];
    }
    return w;
}

static size_t volume(const int dim[3])
{
    return (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
}

static void ref_meanpool_forward(struct backend *b, float *out, const float *in, const struct pool_shape *s)
{
    (void)b;
    size_t P = volume(s->out), Q = volume(s->in);
    for (size_t plane = 0; plane < (size_t)s->N * (size_t)s->C; plane++)
        for (size_t p = 0; p < P; p++) {
            struct window w = window_of(s, (int)p);
            double sum = 0;
            for (int z = w.from[0]; z < w.past[0]; z++)
                for (int y = w.from[1]; y < w.past[1]; y++)
                    for (int x = w.from[2]; x < w.past[2]; x++)
                        sum += (double)in[plane * Q + (size_t)((z * s->in[1] + y) * s->in[2] + x)];
            out[plane * P + p] = (float)(sum / w.voxels);
        }
}

static void ref_meanpool_backward(struct backend *b, float *din, const float *dout, const struct pool_shape *s)
{
    (void)b;
    size_t P = volume(s->out), Q = volume(s->in);
    for (size_t plane = 0; plane < (size_t)s->N * (size_t)s->C; plane++)
        for (size_t p = 0; p < P; p++) {
            struct window w = window_of(s, (int)p);
            for (int z = w.from[0]; z < w.past[0]; z++)
                for (int y = w.from[1]; y < w.past[1]; y++)
                    for (int x = w.from[2]; x < w.past[2]; x++)
                        din[plane * Q + (size_t)((z * s->in[1] + y) * s->in[2] + x)] +=
                            (float)((double)dout[plane * P + p] / w.voxels);
        }
}

void ref_add_meanpool(struct backend *b)
{
    b->meanpool_forward = ref_meanpool_forward;
    b->meanpool_backward = ref_meanpool_backward;
}
