/* SPDX-License-Identifier: Apache-2.0 */
/* depthwise -- each channel's convolution with its own weights: which taps meet what, and pieces of work.   kernels/cpu
 *
 * Sixteen channels of all boxes at one position are a run that meets, tap by tap, sixteen weights. Taps that fall on padding are in no
 * list. The weights' gradient of a block of channels is cut into parts of positions where blocks are few, and the parts' sums are
 * joined in order. */
#include "kernels/cpu/depthwise.h"

#include <string.h>

enum {
    GROUP = 4 /* blocks in a piece of work */,
    PIECES = 16 /* of the weights' gradient, at least, where positions suffice */
};

bool depthwise_is(const struct conv_shape *s, int groups)
{
    return groups == s->C && s->C == s->O && cpu_lanes(s->C) == LANES;
}

int depthwise_met_by(const struct conv_shape *s, int q, int t)
{
    const int at[3] = {q / s->in[2] / s->in[1], q / s->in[2] % s->in[1], q % s->in[2]};
    const int tap[3] = {t / s->kernel[2] / s->kernel[1], t / s->kernel[2] % s->kernel[1], t % s->kernel[2]};
    int p = 0;
    for (int a = 0; a < 3; a++) {
        int x = at[a] + s->pad[a] - tap[a];
        if (x < 0 || x % s->stride[a] || x / s->stride[a] >= s->out[a])
            return -1;
        p = p * s->out[a] + x / s->stride[a];
    }
    return p;
}

/* What each position meets: steps from first[position] on, T places for each; first's own list says how many there are. */
struct lists {
    struct step *step;
    int *count, T;
};

static size_t lists_bytes(int positions, int T)
{
    return (size_t)positions * ((size_t)T * sizeof(struct step) + sizeof(int)) + 64;
}

/* floats from a position to the next */
static size_t row_of(const struct conv_shape *s)
{
    return (size_t)s->N * (size_t)cpu_padded(s->C);
}

static struct lists lists_make(struct backend *b, void *room, const struct conv_shape *s, int positions,
                               int (*meets)(const struct conv_shape *s, int position, int t))
{
    const int T = conv_taps(s);
    struct lists l = {.step = room, .T = T};
    l.count = (int *)(l.step + (size_t)positions * (size_t)T);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads)
    for (int p = 0; p < positions; p++) {
        struct step *to = l.step + (size_t)p * (size_t)T;
        int count = 0;
        for (int t = 0; t < T; t++) {
            int q = meets(s, p, t);
            if (q >= 0)
                to[count++] = (struct step){.in = (size_t)q * row_of(s), .weight = (size_t)t * LANES};
        }
        l.count[p] = count;
    }
    return l;
}

static void depthwise_pass(struct backend *b, float *out, const float *in, const float *weight,
                           const struct conv_shape *s, int positions,
                           int (*meets)(const struct conv_shape *s, int position, int t), bool add)
{
    const struct cpu *own = cpu_of(b);
    const int blocks = cpu_blocks(s->C), T = conv_taps(s);
    const size_t run = (size_t)s->N * LANES;
    const struct lists l = lists_make(b, cpu_scratch(b, lists_bytes(positions, T)), s, positions, meets);
#pragma omp parallel for collapse(2) schedule(dynamic, 1) num_threads(own->threads)
    for (int p = 0; p < positions; p++)
        for (int first = 0; first < blocks; first += GROUP)
            for (int block = first; block < blocks && block < first + GROUP; block++)
                own->microkernels->depthwise(&(struct depthwise){.out = out + (size_t)p * row_of(s) + (size_t)block * run,
                                                                 .in = in + (size_t)block * run,
                                                                 .weight = weight + (size_t)(block * T) * LANES,
                                                                 .step = l.step + (size_t)p * (size_t)T,
                                                                 .steps = l.count[p],
                                                                 .rows = (size_t)s->N,
                                                                 .add = add});
}

void depthwise_forward(struct backend *b, float *out, const float *in, const float *weight, const struct conv_shape *s)
{
    depthwise_pass(b, out, in, weight, s, (int)cpu_volume(s->out), conv_meets, false);
}

void depthwise_backward_data(struct backend *b, float *din, const float *dout, const float *weight,
                             const struct conv_shape *s)
{
    depthwise_pass(b, din, dout, weight, s, (int)cpu_volume(s->in), depthwise_met_by, true);
}

void depthwise_backward_weight(struct backend *b, float *dweight, const float *dout, const float *in,
                               const struct conv_shape *s)
{
    const struct cpu *own = cpu_of(b);
    const int P = (int)cpu_volume(s->out), T = conv_taps(s), blocks = cpu_blocks(s->C);
    const int wanted = (PIECES + blocks - 1) / blocks, parts = wanted < P ? wanted : P;
    const size_t run = (size_t)s->N * LANES, pieces = (size_t)(parts * blocks), lists = lists_bytes(P, T) / 64 * 64 + 64;
    char *room = cpu_scratch(b, lists + pieces * (size_t)T * (sizeof(double[LANES]) + sizeof(float[LANES])));
    double(*sum)[LANES] = (void *)(room + lists);
    float(*some)[LANES] = (void *)(sum + pieces * (size_t)T);
    const struct lists l = lists_make(b, room, s, P, conv_meets);
#pragma omp parallel for collapse(2) schedule(dynamic, 1) num_threads(own->threads)
    for (int block = 0; block < blocks; block++)
        for (int part = 0; part < parts; part++) {
            const size_t piece = (size_t)(block * parts + part) * (size_t)T;
            memset(sum + piece, 0, (size_t)T * sizeof *sum);
            for (int p = part * P / parts; p < (part + 1) * P / parts; p++)
                own->microkernels->depthwise_weight(sum + piece, some + piece,
                                                    dout + (size_t)p * row_of(s) + (size_t)block * run,
                                                    &(struct depthwise){.in = in + (size_t)block * run,
                                                                        .step = l.step + (size_t)p * (size_t)T,
                                                                        .steps = l.count[p],
                                                                        .rows = (size_t)s->N});
        }
    for (int block = 0; block < blocks; block++)
        for (int t = 0; t < T; t++)
            for (int lane = 0; lane < LANES && block * LANES + lane < s->C; lane++) {
                double all = 0;
                for (int part = 0; part < parts; part++)
                    all += sum[(size_t)(block * parts + part) * (size_t)T + (size_t)t][lane];
                dweight[(size_t)(block * T + t) * LANES + (size_t)lane] += (float)all;
            }
}
