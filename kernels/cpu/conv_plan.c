/* SPDX-License-Identifier: Apache-2.0 */
/* conv_plan -- lists of live taps, made once for a shape.   kernels/cpu */
#include "kernels/cpu/conv_internal.h"

#include <stdlib.h>

static void dims_of(int at[3], int position, const int dim[3])
{
    at[0] = position / dim[2] / dim[1];
    at[1] = position / dim[2] % dim[1];
    at[2] = position % dim[2];
}

int conv_meets(const struct conv_shape *s, int p, int t)
{
    int at[3], tap[3], q = 0;
    dims_of(at, p, s->out);
    dims_of(tap, t, s->kernel);
    for (int a = 0; a < 3; a++) {
        int x = at[a] * s->stride[a] + tap[a] - s->pad[a];
        if (x < 0 || x >= s->in[a])
            return -1;
        q = q * s->in[a] + x;
    }
    return q;
}

static int key_out(const struct pair *pair)
{
    return pair->p;
}
static int key_tap(const struct pair *pair)
{
    return pair->t;
}
static int key_in(const struct pair *pair)
{
    return pair->q;
}

/* The pairs in the order of a key, otherwise as they were; those of key k from (*first)[k] to (*first)[k+1]. */
static struct pair *sorted(int **first, const struct pair *pair, int pairs, int (*key)(const struct pair *), int keys)
{
    int *start = *first = xalloc((size_t)keys + 1, sizeof *start), *at = xalloc((size_t)keys + 1, sizeof *at);
    for (int i = 0; i < pairs; i++)
        start[key(&pair[i]) + 1]++;
    for (int k = 0; k < keys; k++)
        at[k + 1] = start[k + 1] += start[k];
    struct pair *out = xalloc((size_t)pairs + 1, sizeof *out);
    for (int i = 0; i < pairs; i++)
        out[at[key(&pair[i])]++] = pair[i];
    free(at);
    return out;
}

static void list_steps(struct conv *c, const struct pair *by_in)
{
    size_t N = (size_t)c->s.N, per = (size_t)c->per, turned_tap = (size_t)c->out_blocks * LANES * LANES / per;
    const int lanes = LANES / c->per;
    c->backward = xalloc((size_t)c->pairs + 1, sizeof *c->backward);
    for (int i = 0; i < c->pairs; i++)
        c->backward[i] = (struct step){(size_t)by_in[i].p * (size_t)c->out_blocks * LANES / per * N,
                                       (size_t)by_in[i].t * turned_tap, lanes};

    size_t padded = (size_t)cpu_padded(c->s.C);
    c->forward = xalloc(2 * (size_t)c->pairs + 1, sizeof *c->forward);
    c->first_forward = xalloc((size_t)c->P + 1, sizeof *c->first_forward);
    int steps = 0;
    for (int p = 0; p < c->P; p++) {
        for (int i = c->first_of_out[p], many; i < c->first_of_out[p + 1]; i += many) {
            struct pair at = c->by_out[i];
            size_t in_row = (size_t)at.q * padded, row = (size_t)at.t * padded;
            many = c->thin_in ? conv_pairs_in_a_row(c, i) : 1;
            int K = many * c->s.C;
            if (!c->thin_in)
                c->forward[steps++] = (struct step){in_row / per * N, row * LANES / per, lanes};
            else if (!c->bf16)
                c->forward[steps++] = (struct step){in_row * N, row * LANES, K};
            else { /* pairs, and an odd one alone */
                if (K > 1)
                    c->forward[steps++] = (struct step){in_row * N, conv_tap_at(c, row) * LANES, K / 2};
                if (K % 2)
                    c->forward[steps++] =
                        (struct step){(in_row + (size_t)K - 1) * N, conv_tap_alone(c, row + (size_t)K - 1) * LANES, 1};
            }
        }
        c->first_forward[p + 1] = steps;
    }
}

int conv_pairs_in_a_row(const struct conv *c, int i)
{
    struct pair at = c->by_out[i];
    int many = 1;
    while (i + many < c->first_of_out[at.p + 1] && c->by_out[i + many].t == at.t + many &&
           c->by_out[i + many].q == at.q + many)
        many++;
    return many;
}

size_t conv_wide_in(const struct conv *c)
{
    return c->thin_in ? (size_t)c->Q * (size_t)c->s.N * LANES : 0;
}
size_t conv_wide_out(const struct conv *c)
{
    return c->thin_out ? (size_t)c->P * (size_t)c->s.N * LANES : 0;
}
size_t conv_turned(const struct conv *c)
{
    return (size_t)(c->in_blocks * c->T * c->out_blocks) * LANES * LANES;
}

size_t conv_partials(const struct conv *c)
{
    return c->thin_in ? (size_t)PARTS * (size_t)(c->out_blocks * c->T * c->s.C) * LANES : 0;
}

struct conv *cpu_conv_open(struct backend *b, const struct conv_shape *s)
{
    struct conv *c = xalloc(1, sizeof *c);
    c->s = *s;
    c->bf16 = cpu_of(b)->bf16;
    c->per = c->bf16 ? 2 : 1;
    c->P = (int)cpu_volume(s->out);
    c->Q = (int)cpu_volume(s->in);
    int *live = xalloc((size_t)conv_taps(s), sizeof *live);
    c->T = conv_live_taps(s, live);
    c->thin_in = cpu_lanes(s->C) == 1;
    c->thin_out = cpu_lanes(s->O) == 1;
    c->in_blocks = (s->C + LANES - 1) / LANES;
    c->out_blocks = (s->O + LANES - 1) / LANES;

    struct pair *pair = xalloc((size_t)c->P * (size_t)c->T + 1, sizeof *pair);
    for (int p = 0; p < c->P; p++)
        for (int t = 0; t < c->T; t++) {
            int q = conv_meets(s, p, live[t]);
            if (q >= 0)
                pair[c->pairs++] = (struct pair){p, t, q};
        }
    c->by_out = sorted(&c->first_of_out, pair, c->pairs, key_out, c->P);
    c->by_tap = sorted(&c->first_of_tap, pair, c->pairs, key_tap, c->T);
    free(live);
    struct pair *by_in = sorted(&c->first_backward, pair, c->pairs, key_in, c->Q);
    list_steps(c, by_in);
    free(by_in);
    free(pair);

    /* asked for now, so that a step allocates nothing; the gradient of a thin image, which nobody trains on, asks when it comes */
    size_t forward = conv_wide_out(c) + conv_pack_in_floats(c) + conv_pack_weight_floats(c);
    size_t data =
        conv_wide_out(c) + conv_pack_out_floats(c) + (c->thin_in ? 0 : conv_turned(c) + conv_pack_weight_floats(c));
    size_t weight = conv_wide_out(c) + conv_partials(c) + conv_pack_in_floats(c) + conv_pack_out_floats(c);
    size_t most = forward > data ? forward : data;
    (void)!cpu_scratch(b, (most > weight ? most : weight) * sizeof(float));
    return c;
}

void cpu_conv_close(struct backend *b, struct conv *c)
{
    (void)b;
    if (!c)
        return;
    free(c->by_out);
    free(c->by_tap);
    free(c->first_of_out);
    free(c->first_of_tap);
    free(c->first_forward);
    free(c->first_backward);
    free(c->forward);
    free(c->backward);
    free(c);
}
