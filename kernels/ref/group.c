/* SPDX-License-Identifier: Apache-2.0 */
/* group -- convolution whose channels keep to their groups; one channel a group is depthwise.   kernels/ref
 *
 *     out(n,o,p) = sum over taps t and c < C/groups of in(n, group(o) C/groups + c, p*stride + t - pad) weight(o,c,t)
 */
#include "kernels/ref/ref.h"

static size_t volume(const int dim[3])
{
    return (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
}

/* The input position that tap t of output position p meets, or -1 on padding. */
static int meets(const struct conv_shape *s, int p, int t)
{
    int at[3] = {p / s->out[2] / s->out[1], p / s->out[2] % s->out[1], p % s->out[2]}, q = 0;
    int tap[3] = {t / s->kernel[2] / s->kernel[1], t / s->kernel[2] % s->kernel[1], t % s->kernel[2]};
    for (int a = 0; a < 3; a++) {
        int x = at[a] * s->stride[a] + tap[a] - s->pad[a];
        if (x < 0 || x >= s->in[a])
            return -1;
        q = q * s->in[a] + x;
    }
    return q;
}

/* One (box, output channel, channel of its group): where its three planes begin. */
struct planes {
    size_t out, in, weight;
};
static struct planes planes_of(const struct conv_shape *s, int groups, size_t n, size_t o, size_t c)
{
    size_t C = (size_t)s->C, O = (size_t)s->O, each = C / (size_t)groups, group = o / (O / (size_t)groups);
    return (struct planes){(n * O + o) * volume(s->out), (n * C + group * each + c) * volume(s->in),
                           (o * each + c) * volume(s->kernel)};
}

#define EACH(n, o, c)                                                                                                  \
    for (size_t n = 0; n < (size_t)s->N; n++)                                                                          \
        for (size_t o = 0; o < (size_t)s->O; o++)                                                                      \
            for (size_t c = 0; c < (size_t)(s->C / groups); c++)

static void ref_group_forward(struct backend *b, float *out, const float *in, const float *weight,
                              const struct conv_shape *s, int groups)
{
    (void)b;
    const int P = (int)volume(s->out), T = (int)volume(s->kernel);
    for (size_t n = 0; n < (size_t)s->N; n++)
        for (size_t o = 0; o < (size_t)s->O; o++)
            for (int p = 0; p < P; p++) {
                double sum = 0;
                for (size_t c = 0; c < (size_t)(s->C / groups); c++) {
                    struct planes at = planes_of(s, groups, n, o, c);
                    for (int t = 0, q; t < T; t++)
                        if ((q = meets(s, p, t)) >= 0)
                            sum += (double)in[at.in + (size_t)q] * (double)weight[at.weight + (size_t)t];
                }
                out[(n * (size_t)s->O + o) * (size_t)P + (size_t)p] = (float)sum;
            }
}

static void ref_group_backward_data(struct backend *b, float *din, const float *dout, const float *weight,
                                    const struct conv_shape *s, int groups)
{
    (void)b;
    const int P = (int)volume(s->out), T = (int)volume(s->kernel);
    EACH(n, o, c)
    {
        struct planes at = planes_of(s, groups, n, o, c);
        for (int p = 0; p < P; p++)
            for (int t = 0, q; t < T; t++)
                if ((q = meets(s, p, t)) >= 0)
                    din[at.in + (size_t)q] += dout[at.out + (size_t)p] * weight[at.weight + (size_t)t];
    }
}

static void ref_group_backward_weight(struct backend *b, float *dweight, const float *dout, const float *in,
                                      const struct conv_shape *s, int groups)
{
    (void)b;
    const int P = (int)volume(s->out), T = (int)volume(s->kernel);
    EACH(n, o, c)
    {
        struct planes at = planes_of(s, groups, n, o, c);
        for (int t = 0; t < T; t++) {
            double sum = 0;
            for (int p = 0, q; p < P; p++)
                if ((q = meets(s, p, t)) >= 0)
                    sum += (double)dout[at.out + (size_t)p] * (double)in[at.in + (size_t)q];
            dweight[at.weight + (size_t)t] += (float)sum;
        }
    }
}

void ref_add_group(struct backend *b)
{
    b->group_forward = ref_group_forward;
    b->group_backward_data = ref_group_backward_data;
    b->group_backward_weight = ref_group_backward_weight;
}
