/* SPDX-License-Identifier: Apache-2.0 */
/* group -- convolution whose channels keep to their groups; one channel a group is depthwise (depthwise.c).   kernels/cpu
 *
 * Other groups go channel by channel, boxes innermost, and are merely correct. Taps that fall on padding are skipped. */
#include "kernels/cpu/depthwise.h"

/* Where channel c of an image of C channels begins at a position, and the stride from box to box. */
struct plane {
    size_t at, stride;
};
static struct plane plane_of(int C, int N, int position, int c)
{
    size_t lanes = (size_t)cpu_lanes(C), block = (size_t)c / lanes;
    return (struct plane){(((size_t)position * (size_t)cpu_blocks(C) + block) * (size_t)N) * lanes + (size_t)c % lanes,
                          lanes};
}

/* weight(o, c of the group, t) */
static size_t weight_at(const struct conv_shape *s, int groups, int o, int c, int t)
{
    size_t T = cpu_volume(s->kernel), padded = (size_t)cpu_padded(s->C / groups);
    return (((size_t)(o / LANES) * T + (size_t)t) * padded + (size_t)c) * LANES + (size_t)(o % LANES);
}

/* to(n) += from(n) weight */
static void plane_add(float *to, struct plane t, const float *from, struct plane f, float weight, size_t N)
{
    for (size_t n = 0; n < N; n++)
        to[t.at + n * t.stride] += from[f.at + n * f.stride] * weight;
}

static void group_zero(float *out, const struct conv_shape *s, int p)
{
    size_t row = (size_t)s->N * (size_t)cpu_padded(s->O);
    for (size_t i = 0; i < row; i++)
        out[(size_t)p * row + i] = 0;
}

static void cpu_group_forward(struct backend *b, float *out, const float *in, const float *weight,
                              const struct conv_shape *s, int groups)
{
    const int P = (int)cpu_volume(s->out), T = (int)cpu_volume(s->kernel), each = s->C / groups, outs = s->O / groups;
    const size_t N = (size_t)s->N;
    if (depthwise_is(s, groups)) {
        depthwise_forward(b, out, in, weight, s);
        return;
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads(cpu_of(b)->threads)
    for (int p = 0; p < P; p++) {
        group_zero(out, s, p);
        for (int t = 0; t < T; t++) {
            int q = conv_meets(s, p, t);
            if (q < 0)
                continue;
            for (int o = 0; o < s->O; o++)
                for (int c = 0; c < each; c++)
                    plane_add(out, plane_of(s->O, s->N, p, o), in, plane_of(s->C, s->N, q, o / outs * each + c),
                              weight[weight_at(s, groups, o, c, t)], N);
        }
    }
}

static void cpu_group_backward_data(struct backend *b, float *din, const float *dout, const float *weight,
                                    const struct conv_shape *s, int groups)
{
    const int Q = (int)cpu_volume(s->in), T = (int)cpu_volume(s->kernel), each = s->C / groups, outs = s->O / groups;
    const size_t N = (size_t)s->N;
    if (depthwise_is(s, groups)) {
        depthwise_backward_data(b, din, dout, weight, s);
        return;
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads(cpu_of(b)->threads)
    for (int q = 0; q < Q; q++)
        for (int t = 0; t < T; t++) {
            int p = depthwise_met_by(s, q, t);
            if (p < 0)
                continue;
            for (int o = 0; o < s->O; o++)
                for (int c = 0; c < each; c++)
                    plane_add(din, plane_of(s->C, s->N, q, o / outs * each + c), dout, plane_of(s->O, s->N, p, o),
                              weight[weight_at(s, groups, o, c, t)], N);
        }
}

static void cpu_group_backward_weight(struct backend *b, float *dweight, const float *dout, const float *in,
                                      const struct conv_shape *s, int groups)
{
    const int P = (int)cpu_volume(s->out), T = (int)cpu_volume(s->kernel), each = s->C / groups, outs = s->O / groups;
    if (depthwise_is(s, groups)) {
        depthwise_backward_weight(b, dweight, dout, in, s);
        return;
    }
#pragma omp parallel for collapse(2) schedule(dynamic, 4) num_threads(cpu_of(b)->threads)
    for (int o = 0; o < s->O; o++)
        for (int t = 0; t < T; t++)
            for (int c = 0; c < each; c++) {
                double sum = 0;
                for (int p = 0; p < P; p++) {
                    int q = conv_meets(s, p, t);
                    if (q < 0)
                        continue;
                    struct plane d = plane_of(s->O, s->N, p, o), x = plane_of(s->C, s->N, q, o / outs * each + c);
                    for (size_t n = 0; n < (size_t)s->N; n++)
                        sum += (double)dout[d.at + n * d.stride] * (double)in[x.at + n * x.stride];
                }
                dweight[weight_at(s, groups, o, c, t)] += (float)sum;
            }
}

void cpu_add_group(struct backend *b)
{
    b->group_forward = cpu_group_forward;
    b->group_backward_data = cpu_group_backward_data;
    b->group_backward_weight = cpu_group_backward_weight;
}
