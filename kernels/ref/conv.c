/* SPDX-License-Identifier: Apache-2.0 */
/* conv -- three-dimensional convolution (cross-correlation), no bias.   kernels/ref
 *
 *     out(n,o,p) = sum over c and taps t of in(n,c,p*stride + t - pad) weight(o,c,t)
 *
 * All three directions visit the same (p,t) pairs: those whose tap falls inside the image. Taps that fall inside it for no
 * output have no weight. */
#include "kernels/ref/ref.h"

#include <stdlib.h>

struct conv {
    struct conv_shape s;
    int (*live)[3]; /* output position, which of the live taps, input position; ordered by output position, then tap */
    size_t pairs, taps;
};

static int volume(const int dim[3])
{
    return dim[0] * dim[1] * dim[2];
}

static struct conv *ref_conv_open(struct backend *b, const struct conv_shape *s)
{
    (void)b;
    struct conv *c = xalloc(1, sizeof *c);
    c->s = *s;
    int positions = volume(s->out), *tap_of = xalloc((size_t)conv_taps(s), sizeof *tap_of),
        taps = conv_live_taps(s, tap_of);
    c->taps = (size_t)taps;
    c->live = xalloc((size_t)positions * (size_t)taps + 1, sizeof *c->live);
    for (int p = 0; p < positions; p++)
        for (int rank = 0; rank < taps; rank++) {
            int t = tap_of[rank], at[3] = {p / s->out[2] / s->out[1], p / s->out[2] % s->out[1], p % s->out[2]};
            int tap[3] = {t / s->kernel[2] / s->kernel[1], t / s->kernel[2] % s->kernel[1], t % s->kernel[2]};
            bool inside = true;
            int q = 0;
            for (int a = 0; a < 3; a++) {
                int x = at[a] * s->stride[a] + tap[a] - s->pad[a];
                inside = inside && x >= 0 && x < s->in[a];
                q = q * s->in[a] + x;
            }
            if (inside) {
                int *live = c->live[c->pairs++];
                live[0] = p, live[1] = rank, live[2] = q;
            }
        }
    free(tap_of);
    return c;
}

static void ref_conv_close(struct backend *b, struct conv *c)
{
    (void)b;
    if (c)
        free(c->live);
    free(c);
}

static void ref_conv_forward(struct backend *b, float *out, const float *in, const float *weight, struct conv *c)
{
    (void)b;
    const struct conv_shape *s = &c->s;
    size_t P = (size_t)volume(s->out), Q = (size_t)volume(s->in), T = c->taps, C = (size_t)s->C, O = (size_t)s->O;
    double *sum = xalloc(P, sizeof *sum);
    for (size_t n = 0; n < (size_t)s->N; n++)
        for (size_t o = 0; o < O; o++) {
            for (size_t p = 0; p < P; p++)
                sum[p] = 0;
            for (size_t i = 0; i < c->pairs; i++)
                for (size_t k = 0; k < C; k++)
                    sum[c->live[i][0]] += (double)in[(n * C + k) * Q + (size_t)c->live[i][2]] *
                                          (double)weight[(o * C + k) * T + (size_t)c->live[i][1]];
            for (size_t p = 0; p < P; p++)
                out[(n * O + o) * P + p] = (float)sum[p];
        }
    free(sum);
}

static void ref_conv_backward_data(struct backend *b, float *din, const float *dout, const float *weight, struct conv *c)
{
    (void)b;
    const struct conv_shape *s = &c->s;
    size_t P = (size_t)volume(s->out), Q = (size_t)volume(s->in), T = c->taps, C = (size_t)s->C, O = (size_t)s->O;
    double *sum = xalloc(Q, sizeof *sum);
    for (size_t n = 0; n < (size_t)s->N; n++)
        for (size_t k = 0; k < C; k++) {
            for (size_t q = 0; q < Q; q++)
                sum[q] = 0;
            for (size_t i = 0; i < c->pairs; i++)
                for (size_t o = 0; o < O; o++)
                    sum[c->live[i][2]] += (double)dout[(n * O + o) * P + (size_t)c->live[i][0]] *
                                          (double)weight[(o * C + k) * T + (size_t)c->live[i][1]];
            for (size_t q = 0; q < Q; q++)
                din[(n * C + k) * Q + q] += (float)sum[q];
        }
    free(sum);
}

static void ref_conv_backward_weight(struct backend *b, float *dweight, const float *dout, const float *in,
                                     struct conv *c)
{
    (void)b;
    const struct conv_shape *s = &c->s;
    size_t P = (size_t)volume(s->out), Q = (size_t)volume(s->in), T = c->taps, C = (size_t)s->C, O = (size_t)s->O;
    double *sum = xalloc(T, sizeof *sum);
    for (size_t o = 0; o < O; o++)
        for (size_t k = 0; k < C; k++) {
            for (size_t t = 0; t < T; t++)
                sum[t] = 0;
            for (size_t i = 0; i < c->pairs; i++)
                for (size_t n = 0; n < (size_t)s->N; n++)
                    sum[c->live[i][1]] += (double)dout[(n * O + o) * P + (size_t)c->live[i][0]] *
                                          (double)in[(n * C + k) * Q + (size_t)c->live[i][2]];
            for (size_t t = 0; t < T; t++)
                dweight[(o * C + k) * T + t] += (float)sum[t];
        }
    free(sum);
}

void ref_add_conv(struct backend *b)
{
    b->conv_open = ref_conv_open;
    b->conv_close = ref_conv_close;
    b->conv_forward = ref_conv_forward;
    b->conv_backward_data = ref_conv_backward_data;
    b->conv_backward_weight = ref_conv_backward_weight;
}
