/* SPDX-License-Identifier: Apache-2.0 */
/* layout -- images and weights lie as they do outside.   kernels/ref */
#include "kernels/ref/ref.h"

#include <string.h>

static size_t ref_image_size(struct backend *b, int N, int C, const int dim[3])
{
    (void)b;
    return (size_t)N * (size_t)C * (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
}

static void ref_image_copy(struct backend *b, float *to, const float *from, int N, int C, const int dim[3])
{
    memcpy(to, from, ref_image_size(b, N, C, dim) * sizeof *to);
}

static size_t ref_weight_size(struct backend *b, int O, int C, int taps)
{
    (void)b;
    return (size_t)O * (size_t)C * (size_t)taps;
}

static void ref_weight_copy(struct backend *b, float *to, const float *from, int O, int C, int taps)
{
    memcpy(to, from, ref_weight_size(b, O, C, taps) * sizeof *to);
}

void ref_add_layout(struct backend *b)
{
    b->image_size = ref_image_size;
    b->image_put = b->image_get = ref_image_copy;
    b->weight_size = ref_weight_size;
    b->weight_put = b->weight_get = ref_weight_copy;
}
