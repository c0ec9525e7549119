/* inner_body -- the loops behind inner.h, for VEC_BYTES, ROWS, BLOCKS and ROWS_TOGETHER; included by inner_*.c and by nothing else.
 *
 * product is the convolution: a tile of ROWS x BLOCKS*16 sums stays in registers while the steps stream by. One row of
 * `in` is broadcast, one group of 16 weights is loaded, and every pair costs one multiply-add: no im2col, no packing. */
#include "kernels/cpu/inner.h"

#include <string.h>

enum { VECS = 64 / VEC_BYTES, WIDTH = VEC_BYTES / 4 };
typedef float vec __attribute__((vector_size(VEC_BYTES)));
typedef float loose __attribute__((vector_size(VEC_BYTES), aligned(4), may_alias)); /* at any address */
typedef int32_t mask __attribute__((vector_size(VEC_BYTES)));
typedef int32_t loose_int __attribute__((vector_size(VEC_BYTES), aligned(4), may_alias));
typedef float half __attribute__((vector_size(VEC_BYTES / 2), aligned(4), may_alias));
typedef double wide __attribute__((vector_size(VEC_BYTES))); /* half as many doubles */
#define ALWAYS static inline __attribute__((always_inline))

ALWAYS vec load(const float *from)
{
    return *(const loose *)from;
}

ALWAYS void store(float *to, vec v)
{
    *(loose *)to = v;
}

/* x where m, else 0 */
ALWAYS vec keep(mask m, vec x)
{
    return (vec)(m & (mask)x);
}

/* ---- the product ---- */

ALWAYS void tile(const struct product *p, int row, int block, const int R, const int B, const size_t in_row, const size_t in_k)
{
    vec sum[ROWS][BLOCKS][VECS];
    float *out = p->out + (size_t)row * p->out_row + (size_t)block * p->out_block;
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int b = 0; b < B; b++)
#pragma GCC unroll 4
            for (int v = 0; v < VECS; v++)
                sum[r][b][v] = p->add ? load(out + (size_t)r * p->out_row + (size_t)b * p->out_block + v * WIDTH) : (vec){0};

    const struct step *end = p->step + p->steps;
    for (const struct step *s = p->step; s < end; s++) {
        const float *in = p->in + s->in + (size_t)row * in_row, *weight = p->weight + s->weight + (size_t)block * p->weight_block;
        for (int i = 0; i < p->inner; i++, in += p->in_inner) {
            const float *x = in;
            for (int k = s->K; k > 0; k--, x += in_k, weight += LANES) {
                vec w[BLOCKS][VECS];
#pragma GCC unroll 2
                for (int b = 0; b < B; b++)
#pragma GCC unroll 4
                    for (int v = 0; v < VECS; v++)
                        w[b][v] = load(weight + (size_t)b * p->weight_block + v * WIDTH);
#pragma GCC unroll 16
                for (int r = 0; r < R; r++)
#pragma GCC unroll 2
                    for (int b = 0; b < B; b++)
#pragma GCC unroll 4
                        for (int v = 0; v < VECS; v++)
                            sum[r][b][v] += x[(size_t)r * in_row] * w[b][v];
            }
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int b = 0; b < B; b++)
#pragma GCC unroll 4
            for (int v = 0; v < VECS; v++)
                store(out + (size_t)r * p->out_row + (size_t)b * p->out_block + v * WIDTH, sum[r][b][v]);
}

/* The last rows need tiles of every lower height. */
ALWAYS void column(const struct product *p, int block, const int B, const size_t in_row, const size_t in_k)
{
    int row = 0;
    for (; row + ROWS <= p->rows; row += ROWS)
        tile(p, row, block, ROWS, B, in_row, in_k);
    switch (p->rows - row) {
#define LAST(R) case R: if ((R) < ROWS) tile(p, row, block, (R) < ROWS ? (R) : 1, B, in_row, in_k); break;
        LAST(1) LAST(2) LAST(3) LAST(4) LAST(5) LAST(6) LAST(7) LAST(8) LAST(9) LAST(10) LAST(11) LAST(12) LAST(13)
#undef LAST
    default: break;
    }
}

ALWAYS void all_columns(const struct product *p, const size_t in_row, const size_t in_k)
{
    int block = 0;
    for (; block + BLOCKS <= p->blocks; block += BLOCKS)
        column(p, block, BLOCKS, in_row, in_k);
    for (; block < p->blocks; block++)
        column(p, block, 1, in_row, in_k);
}

/* Known strides become part of the instructions' addresses. */
static void product_lanes_inner(const struct product *p) { all_columns(p, LANES, 1); }
static void product_lanes_rows(const struct product *p) { all_columns(p, 1, LANES); }
static void product_thin_rows(const struct product *p) { all_columns(p, 1, p->in_k); }
static void product_thin_inner(const struct product *p) { all_columns(p, p->in_row, 1); }

static void product(const struct product *p)
{
    if (p->in_row == LANES && p->in_k == 1)
        product_lanes_inner(p);
    else if (p->in_row == 1 && p->in_k == LANES)
        product_lanes_rows(p);
    else if (p->in_row == 1)
        product_thin_rows(p);
    else
        product_thin_inner(p);
}

/* ---- runs of rows: 16 lanes at once, or fewer through a padded copy ---- */

struct lanes { vec v[VECS]; };

ALWAYS struct lanes lanes_of(const float *from, const int count)
{
    struct lanes x;
    float padded[LANES] = {0};
    if (count < LANES) {
        memcpy(padded, from, (size_t)count * sizeof *from);
        from = padded;
    }
    for (int v = 0; v < VECS; v++)
        x.v[v] = load(from + v * WIDTH);
    return x;
}

ALWAYS void lanes_to(float *to, struct lanes x, const int count)
{
    float padded[LANES], *at = count < LANES ? padded : to;
    for (int v = 0; v < VECS; v++)
        store(at + v * WIDTH, x.v[v]);
    if (count < LANES)
        memcpy(to, padded, (size_t)count * sizeof *to);
}

enum { RUN = 256 }; /* rows summed in single precision before double takes over */

/* About the mean of up to RUN rows; then, while they are in the cache, the squares about it and what rounding left of the
 * mean. Chan's rule joins them to the rest. */
ALWAYS void moments_of(struct moments *m, const float *in, size_t stride, int rows, const int lanes)
{
    struct lanes sum = {0}, left = {0}, squares = {0};
    float about[LANES], more[LANES], spread[LANES];
    for (int r = 0; r < rows; r++) {
        struct lanes x = lanes_of(in + (size_t)r * stride, lanes);
        for (int v = 0; v < VECS; v++)
            sum.v[v] += x.v[v];
    }
    for (int v = 0; v < VECS; v++)
        sum.v[v] /= (float)rows;
    for (int r = 0; r < rows; r++) {
        struct lanes x = lanes_of(in + (size_t)r * stride, lanes);
        for (int v = 0; v < VECS; v++) {
            vec d = x.v[v] - sum.v[v];
            left.v[v] += d;
            squares.v[v] += d * d;
        }
    }
    lanes_to(about, sum, LANES);
    lanes_to(more, left, LANES);
    lanes_to(spread, squares, LANES);
    double n = (double)rows, all = m->count + n, part = n / all, between = m->count * part;
    for (int l = 0; l < LANES; l++) {
        double off = (double)more[l] / n, d = (double)about[l] + off - m->mean[l];
        m->mean[l] += d * part;
        m->squares[l] += (double)spread[l] - n * off * off + d * d * between;
    }
    m->count = all;
}

static void moments_add(struct moments *m, const float *in, struct run r)
{
    for (int row = 0; row < r.rows; row += RUN) {
        int rows = r.rows - row < RUN ? r.rows - row : RUN;
        if (r.lanes == LANES)
            moments_of(m, in + (size_t)row * r.stride, r.stride, rows, LANES);
        else
            moments_of(m, in + (size_t)row * r.stride, r.stride, rows, r.lanes);
    }
}

ALWAYS void normalise_rows(float *out, const float *in, const float *residual, const struct norm_lanes *c, struct run r, const int lanes,
                           bool relu)
{
    struct lanes mean = lanes_of(c->mean, LANES), scale = lanes_of(c->scale, LANES), shift = lanes_of(c->shift, LANES);
    for (size_t at = 0, row = 0; row < (size_t)r.rows; row++, at += r.stride) {
        struct lanes x = lanes_of(in + at, lanes), add = {0};
        if (residual)
            add = lanes_of(residual + at, lanes);
        for (int v = 0; v < VECS; v++) {
            x.v[v] = (x.v[v] - mean.v[v]) * scale.v[v] + shift.v[v] + add.v[v];
            if (relu)
                x.v[v] = keep(~(x.v[v] < (vec){0}), x.v[v]); /* NaN stays NaN */
        }
        lanes_to(out + at, x, lanes);
    }
}

static void normalise(float *out, const float *in, const float *residual, const struct norm_lanes *c, struct run r, bool relu)
{
    if (r.lanes == LANES)
        normalise_rows(out, in, residual, c, r, LANES, relu);
    else
        normalise_rows(out, in, residual, c, r, r.lanes, relu);
}

/* dout where out > 0; all of it without ReLU (out NULL) */
ALWAYS struct lanes gated(const float *dout, const float *out, size_t at, const int lanes)
{
    struct lanes g = lanes_of(dout + at, lanes);
    if (out) {
        struct lanes y = lanes_of(out + at, lanes);
        for (int v = 0; v < VECS; v++)
            g.v[v] = keep(y.v[v] > (vec){0}, g.v[v]);
    }
    return g;
}

ALWAYS void slope_sums_of(double sum_g[LANES], double sum_gx[LANES], const float *dout, const float *out, const float *in,
                          const float mean[LANES], const float rstd[LANES], size_t stride, int rows, const int lanes)
{
    struct lanes m = lanes_of(mean, LANES), s = {0}, sx = {0};
    float part[LANES];
    for (size_t at = 0, row = 0; row < (size_t)rows; row++, at += stride) {
        struct lanes g = gated(dout, out, at, lanes), x = lanes_of(in + at, lanes);
        for (int v = 0; v < VECS; v++) {
            s.v[v] += g.v[v];
            sx.v[v] += g.v[v] * (x.v[v] - m.v[v]);
        }
    }
    lanes_to(part, s, LANES);
    for (int l = 0; l < LANES; l++)
        sum_g[l] += (double)part[l];
    lanes_to(part, sx, LANES);
    for (int l = 0; l < LANES; l++)
        sum_gx[l] += (double)part[l] * (double)rstd[l];
}

static void slope_sums(double sum_g[LANES], double sum_gx[LANES], const float *dout, const float *out, const float *in,
                       const float mean[LANES], const float rstd[LANES], struct run r)
{
    for (int row = 0; row < r.rows; row += RUN) {
        int rows = r.rows - row < RUN ? r.rows - row : RUN;
        size_t at = (size_t)row * r.stride;
        const float *y = out ? out + at : NULL;
        if (r.lanes == LANES)
            slope_sums_of(sum_g, sum_gx, dout + at, y, in + at, mean, rstd, r.stride, rows, LANES);
        else
            slope_sums_of(sum_g, sum_gx, dout + at, y, in + at, mean, rstd, r.stride, rows, r.lanes);
    }
}

ALWAYS void slope_rows(float *din, float *dresidual, const float *dout, const float *out, const float *in, const struct norm_slope *c,
                       struct run r, const int lanes)
{
    struct lanes mean = lanes_of(c->mean, LANES), rstd = lanes_of(c->rstd, LANES), scale = lanes_of(c->scale, LANES);
    struct lanes mean_g = lanes_of(c->mean_g, LANES), mean_gx = lanes_of(c->mean_gx, LANES);
    for (size_t at = 0, row = 0; row < (size_t)r.rows; row++, at += r.stride) {
        struct lanes g = gated(dout, out, at, lanes), x = lanes_of(in + at, lanes), d = lanes_of(din + at, lanes);
        for (int v = 0; v < VECS; v++)
            d.v[v] += scale.v[v] * (g.v[v] - mean_g.v[v] - (x.v[v] - mean.v[v]) * rstd.v[v] * mean_gx.v[v]);
        lanes_to(din + at, d, lanes);
        if (dresidual) {
            d = lanes_of(dresidual + at, lanes);
            for (int v = 0; v < VECS; v++)
                d.v[v] += g.v[v];
            lanes_to(dresidual + at, d, lanes);
        }
    }
}

static void slope(float *din, float *dresidual, const float *dout, const float *out, const float *in, const struct norm_slope *c,
                  struct run r)
{
    if (r.lanes == LANES)
        slope_rows(din, dresidual, dout, out, in, c, r, LANES);
    else
        slope_rows(din, dresidual, dout, out, in, c, r, r.lanes);
}

/* ---- pooling ---- */

static void larger(float *out, int32_t *where, const float *in, int32_t q, size_t count)
{
    size_t i = 0;
    for (; i + WIDTH <= count; i += WIDTH) {
        vec x = load(in + i), best = load(out + i);
        mask m = x > best, here = *(loose_int *)(where + i);
        store(out + i, (vec)((m & (mask)x) | (~m & (mask)best)));
        *(loose_int *)(where + i) = (m & q) | (~m & here);
    }
    for (; i < count; i++)
        if (in[i] > out[i]) {
            out[i] = in[i];
            where[i] = q;
        }
}

static void give_back(float *din, const float *dout, const int32_t *where, int32_t q, size_t count)
{
    size_t i = 0;
    for (; i + WIDTH <= count; i += WIDTH)
        store(din + i, load(din + i) + keep(*(const loose_int *)(where + i) == q, load(dout + i)));
    for (; i < count; i++)
        if (where[i] == q)
            din[i] += dout[i];
}

/* ---- sums of squares ---- */

/* Four sums of `wide` doubles side by side; a fixed order whatever the vectors' width would cost speed, so it is fixed for each. */
ALWAYS wide widened(const float *from)
{
    return __builtin_convertvector(*(const half *)from, wide);
}

ALWAYS double total(const wide part[4])
{
    wide all = (part[0] + part[1]) + (part[2] + part[3]);
    double sum = 0;
    for (int i = 0; i < WIDTH / 2; i++)
        sum += all[i];
    return sum;
}

static double squares(const float *x, size_t count)
{
    wide part[4] = {{0}};
    size_t i = 0;
    for (; i + 2 * WIDTH <= count; i += 2 * WIDTH)
        for (size_t v = 0; v < 4; v++) {
            wide d = widened(x + i + v * (WIDTH / 2));
            part[v] += d * d;
        }
    double sum = total(part);
    for (; i < count; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

static void lars_squares(double *step, double *length, const float *param, const float *grad, float scale, float decay, size_t count)
{
    wide g2[4] = {{0}}, p2[4] = {{0}};
    double by = (double)scale, wd = (double)decay;
    size_t i = 0;
    for (; i + 2 * WIDTH <= count; i += 2 * WIDTH)
        for (size_t v = 0; v < 4; v++) {
            wide p = widened(param + i + v * (WIDTH / 2)), g = by * widened(grad + i + v * (WIDTH / 2)) + wd * p;
            p2[v] += p * p;
            g2[v] += g * g;
        }
    *step = total(g2);
    *length = total(p2);
    for (; i < count; i++) {
        double p = (double)param[i], g = by * (double)grad[i] + wd * p;
        *length += p * p;
        *step += g * g;
    }
}

#define INNER_TABLE(label) {label, ROWS_TOGETHER, product, moments_add, normalise, slope_sums, slope, larger, give_back, squares, lars_squares}
