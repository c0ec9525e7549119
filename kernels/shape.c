/* SPDX-License-Identifier: Apache-2.0 */
/* shape -- sizes and live taps that follow from a shape alone: the program and every back end share them.   kernels */
#include "kernels/backend.h"

static int out_dim(int in, int kernel, int stride, int pad)
{
    return (in + 2 * pad - kernel) / stride + 1;
}

void conv_out_dims(struct conv_shape *s)
{
    for (int a = 0; a < 3; a++)
        s->out[a] = out_dim(s->in[a], s->kernel[a], s->stride[a], s->pad[a]);
}

void conv_same_dims(struct conv_shape *s)
{
    for (int a = 0; a < 3; a++) {
        s->out[a] = (s->in[a] + s->stride[a] - 1) / s->stride[a];
        int most = (s->out[a] - 1) * s->stride[a] + s->kernel[a] - s->in[a];
        s->pad[a] = most > 0 ? most / 2 : 0;
    }
}

/* Axes are apart from each other: a tap lives when its place on each of them meets the image somewhere. */
static bool lives(const struct conv_shape *s, int axis, int tap)
{
    for (int o = 0; o < s->out[axis]; o++) {
        int i = o * s->stride[axis] - s->pad[axis] + tap;
        if (i >= 0 && i < s->in[axis])
            return true;
    }
    return false;
}

int conv_live_taps(const struct conv_shape *s, int *taps)
{
    const int *K = s->kernel;
    int live = 0;
    for (int t = 0; t < conv_taps(s); t++)
        if (lives(s, 0, t / K[2] / K[1]) && lives(s, 1, t / K[2] % K[1]) && lives(s, 2, t % K[2])) {
            if (taps)
                taps[live] = t;
            live++;
        }
    return live;
}

void pool_out_dims(struct pool_shape *s)
{
    for (int a = 0; a < 3; a++) {
        s->out[a] = out_dim(s->in[a], s->kernel, s->stride, s->pad);
        s->out[a] += s->ceil && s->out[a] * s->stride < s->in[a] + s->pad &&
                     (s->out[a] - 1) * s->stride + s->kernel < s->in[a] + 2 * s->pad;
    }
}
