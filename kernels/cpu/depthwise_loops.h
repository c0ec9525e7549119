/* SPDX-License-Identifier: Apache-2.0 */
/* depthwise_loops -- a channel's convolution with its own weights, 16 channels at a time; included by inner_loops.h.
 *
 * A tile of boxes stays in registers while the taps stream by: a number of the image is read once a tap, and nothing else is. */
enum { FEWER = 4 /* rows of a tile where too few are left for ROWS */ };

ALWAYS void depthwise_tile(const struct depthwise *p, size_t row, const int R)
{
    vec sum[ROWS][VECS];
    float *out = p->out + row * LANES;
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int v = 0; v < VECS; v++)
            sum[r][v] = p->add ? load(out + r * LANES + v * WIDTH) : (vec){0};
    for (const struct step *s = p->step, *end = s + p->steps; s < end; s++) {
        const float *in = p->in + s->in + row * LANES, *weight = p->weight + s->weight;
#pragma GCC unroll 4
        for (int v = 0; v < VECS; v++) {
            const vec w = load(weight + v * WIDTH);
#pragma GCC unroll 16
            for (int r = 0; r < R; r++)
                sum[r][v] += load(in + r * LANES + v * WIDTH) * w;
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int v = 0; v < VECS; v++)
            store(out + r * LANES + v * WIDTH, sum[r][v]);
}

static void depthwise(const struct depthwise *p)
{
    size_t row = 0;
    for (; row + ROWS <= p->rows; row += ROWS)
        depthwise_tile(p, row, ROWS);
    for (; ROWS > FEWER && row + FEWER <= p->rows; row += FEWER)
        depthwise_tile(p, row, ROWS > FEWER ? FEWER : 1);
    for (; row < p->rows; row++)
        depthwise_tile(p, row, 1);
}

/* The products of a tile of dout's boxes, which stay in registers, with every tap's. */
ALWAYS void depthwise_weight_tile(float (*some)[LANES], const float *dout, const struct depthwise *p, size_t row,
                                  const int R)
{
#pragma GCC unroll 4
    for (int v = 0; v < VECS; v++) {
        vec d[ROWS];
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
            d[r] = load(dout + (row + (size_t)r) * LANES + v * WIDTH);
        for (int s = 0; s < p->steps; s++) {
            const float *in = p->in + p->step[s].in + row * LANES + v * WIDTH;
            vec sum = load(some[s] + v * WIDTH);
#pragma GCC unroll 16
            for (int r = 0; r < R; r++)
                sum += d[r] * load(in + r * LANES);
            store(some[s] + v * WIDTH, sum);
        }
    }
}

static void depthwise_weight(double (*sum)[LANES], float (*some)[LANES], const float *dout, const struct depthwise *p)
{
    size_t row = 0;
    memset(some, 0, (size_t)p->steps * sizeof *some);
    for (; row + ROWS <= p->rows; row += ROWS)
        depthwise_weight_tile(some, dout, p, row, ROWS);
    for (; row < p->rows; row++)
        depthwise_weight_tile(some, dout, p, row, 1);
    for (int s = 0; s < p->steps; s++)
        for (int l = 0; l < LANES; l++)
            sum[p->step[s].weight / LANES][l] += (double)some[s][l];
}
