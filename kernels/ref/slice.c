/* SPDX-License-Identifier: Apache-2.0 */
/* slice -- some channels that lie side by side, of rows or of an image.   kernels/ref */
#include "kernels/ref/ref.h"

static size_t volume(const int dim[3])
{
    return (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
}

static void ref_slice_forward(struct backend *b, float *out, const float *in, int N, int C, int first, int count,
                              const int dim[3], enum layout layout)
{
    size_t P = layout == IMAGE ? volume(dim) : 1;
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t i = 0; i < (size_t)count * P; i++)
            *out++ = in[(n * (size_t)C + (size_t)first) * P + i];
}

static void ref_slice_backward(struct backend *b, float *din, const float *dout, int N, int C, int first, int count,
                               const int dim[3], enum layout layout)
{
    size_t P = layout == IMAGE ? volume(dim) : 1;
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t i = 0; i < (size_t)count * P; i++)
            din[(n * (size_t)C + (size_t)first) * P + i] += *dout++;
}

void ref_add_slice(struct backend *b)
{
    b->slice_forward = ref_slice_forward;
    b->slice_backward = ref_slice_backward;
}
