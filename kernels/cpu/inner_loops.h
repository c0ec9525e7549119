/* SPDX-License-Identifier: Apache-2.0 */
/* inner_loops -- the loops behind microkernel.h, for VEC_BYTES, ROWS, BLOCKS and ROWS_TOGETHER; included by microkernel_*.c and by nothing else. */
#define ROW                               LANES
#define MULTIPLY_ADD(sum, number, vector) ((sum) += (number) * (vector))
#include "kernels/cpu/brgemm_loops.h"

#include <string.h>

typedef int32_t mask __attribute__((vector_size(VEC_BYTES)));
typedef int32_t loose_int __attribute__((vector_size(VEC_BYTES), aligned(4), may_alias));
typedef float half __attribute__((vector_size(VEC_BYTES / 2), aligned(4), may_alias));
typedef double wide __attribute__((vector_size(VEC_BYTES))); /* half as many doubles */

/* x where m, else 0 */
ALWAYS vec keep(mask m, vec x)
{
    return (vec)(m & (mask)x);
}

/* ---- runs of rows: 16 lanes at once, or fewer through a padded copy ---- */

struct lanes {
    vec v[VECS];
};

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
ALWAYS void norm_stats_of(struct norm_stats *m, const float *in, size_t stride, int rows, const int lanes)
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

static void norm_stats_add(struct norm_stats *m, const float *in, struct run r)
{
    for (int row = 0; row < r.rows; row += RUN) {
        int rows = r.rows - row < RUN ? r.rows - row : RUN;
        if (r.lanes == LANES)
            norm_stats_of(m, in + (size_t)row * r.stride, r.stride, rows, LANES);
        else
            norm_stats_of(m, in + (size_t)row * r.stride, r.stride, rows, r.lanes);
    }
}

ALWAYS void normalise_rows(float *out, const float *in, const float *residual, const struct norm_lanes *c, struct run r,
                           const int lanes, bool relu)
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

static void normalise(float *out, const float *in, const float *residual, const struct norm_lanes *c, struct run r,
                      bool relu)
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

ALWAYS void slope_sums_of(double sum_g[LANES], double sum_gx[LANES], const float *dout, const float *out,
                          const float *in, const float mean[LANES], const float rstd[LANES], size_t stride, int rows,
                          const int lanes)
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

ALWAYS void slope_rows(float *din, float *dresidual, const float *dout, const float *out, const float *in,
                       const struct norm_slope *c, struct run r, const int lanes)
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

static void slope(float *din, float *dresidual, const float *dout, const float *out, const float *in,
                  const struct norm_slope *c, struct run r)
{
    if (r.lanes == LANES)
        slope_rows(din, dresidual, dout, out, in, c, r, LANES);
    else
        slope_rows(din, dresidual, dout, out, in, c, r, r.lanes);
}

/* ---- pooling ---- */

static void maxpool_update(float *out, int32_t *where, const float *in, int32_t q, size_t count)
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

static void maxpool_scatter(float *din, const float *dout, const int32_t *where, int32_t q, size_t count)
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

static void lars_squares(double *step, double *length, const float *param, const float *grad, float scale, float decay,
                         size_t count)
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

#include "kernels/cpu/activation_loops.h"
#include "kernels/cpu/depthwise_loops.h"

#define MICROKERNELS_TABLE(label)                                                                                      \
    {                                                                                                                  \
        label, ROWS_TOGETHER, brgemm, norm_stats_add, normalise, slope_sums, slope, maxpool_update, maxpool_scatter,   \
            depthwise, depthwise_weight, silu_forward, silu_backward, gelu_forward, gelu_backward, squares,            \
            lars_squares                                                                                               \
    }
