/* SPDX-License-Identifier: Apache-2.0 */
/* channels -- some channels of one array become some of another; an image as one row; one row for all boxes.   kernels/ref */
#include "kernels/ref/ref.h"

static size_t volume(const int dim[3])
{
    return (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
}

static void ref_channels_put(struct backend *b, float *to, int to_C, int to_at, const float *from, int from_C,
                             int from_at, int count, int N, const int dim[3], enum layout layout, bool add)
{
    (void)b;
    const size_t P = layout == IMAGE ? volume(dim) : 1;
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t c = 0; c < (size_t)count; c++)
            for (size_t p = 0; p < P; p++) {
                float *x = &to[(n * (size_t)to_C + (size_t)to_at + c) * P + p],
                      y = from[(n * (size_t)from_C + (size_t)from_at + c) * P + p];
                *x = add ? *x + y : y;
            }
}

static void ref_flatten_forward(struct backend *b, float *out, const float *in, int N, int C, const int dim[3])
{
    (void)b;
    for (size_t i = 0; i < (size_t)N * (size_t)C * volume(dim); i++)
        out[i] = in[i];
}

static void ref_flatten_backward(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3])
{
    (void)b;
    for (size_t i = 0; i < (size_t)N * (size_t)C * volume(dim); i++)
        din[i] += dout[i];
}

static void ref_repeat_forward(struct backend *b, float *out, const float *in, int N, size_t count)
{
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t i = 0; i < count; i++)
            out[n * count + i] = in[i];
}

static void ref_repeat_backward(struct backend *b, float *din, const float *dout, int N, size_t count)
{
    (void)b;
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t n = 0; n < (size_t)N; n++)
            sum += (double)dout[n * count + i];
        din[i] += (float)sum;
    }
}

void ref_add_channels(struct backend *b)
{
    b->channels_put = ref_channels_put;
    b->flatten_forward = ref_flatten_forward;
    b->flatten_backward = ref_flatten_backward;
    b->repeat_forward = ref_repeat_forward;
    b->repeat_backward = ref_repeat_backward;
}
