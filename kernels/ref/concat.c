/* SPDX-License-Identifier: Apache-2.0 */
/* concat -- two row vectors side by side.   kernels/ref */
#include "kernels/ref/ref.h"

static void ref_concat_forward(struct backend *b, float *out, const float *in_a, const float *in_b, int N, int A, int B)
{
    (void)b;
    for (int n = 0; n < N; n++) {
        for (int c = 0; c < A; c++)
            *out++ = *in_a++;
        for (int c = 0; c < B; c++)
            *out++ = *in_b++;
    }
}

static void ref_concat_backward(struct backend *b, float *din_a, float *din_b, const float *dout, int N, int A, int B)
{
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++) {
        for (size_t c = 0; din_a && c < (size_t)A; c++)
            din_a[n * (size_t)A + c] += dout[n * (size_t)(A + B) + c];
        for (size_t c = 0; din_b && c < (size_t)B; c++)
            din_b[n * (size_t)B + c] += dout[n * (size_t)(A + B) + (size_t)A + c];
    }
}

void ref_add_concat(struct backend *b)
{
    b->concat_forward = ref_concat_forward;
    b->concat_backward = ref_concat_backward;
}
