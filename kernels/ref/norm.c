/* SPDX-License-Identifier: Apache-2.0 */
/* norm -- batch normalisation with its residual and ReLU.   kernels/ref
 *
 * One channel of one view is m = P * N / views numbers; x^ = (x - mean) * rstd.
 *     din += gamma rstd (g - mean(g) - x^ mean(g x^)),   g = dout where out > 0 */
#include "kernels/ref/ref.h"

#include <assert.h>
#include <math.h>

/* Of ROWS and IMAGE alike: a channel's numbers of box n are P in a row. */
struct plan {
    size_t C, P, rows;
};

static struct plan plan_of(const struct norm_shape *s)
{
    assert(s->views > 0 && s->N % s->views == 0);
    size_t P = s->layout == ROWS ? 1 : (size_t)s->dim[0] * (size_t)s->dim[1] * (size_t)s->dim[2];
    return (struct plan){(size_t)s->C, P, (size_t)(s->N / s->views)};
}

static void statistics(double *mean, double *variance, const float *in, struct plan l, size_t view, size_t c)
{
    double sum = 0, squares = 0, count = (double)(l.rows * l.P);
    for (size_t n = view * l.rows; n < (view + 1) * l.rows; n++)
        for (size_t p = 0; p < l.P; p++)
            sum += (double)in[(n * l.C + c) * l.P + p];
    *mean = sum / count;
    for (size_t n = view * l.rows; n < (view + 1) * l.rows; n++)
        for (size_t p = 0; p < l.P; p++) {
            double d = (double)in[(n * l.C + c) * l.P + p] - *mean;
            squares += d * d;
        }
    *variance = squares / count;
}

static void ref_norm_forward(struct backend *b, float *out, float *mean, float *rstd, float *running_mean,
                             float *running_var, const float *in, const float *residual, const float *gamma,
                             const float *beta, const struct norm_shape *s, bool relu, bool training)
{
    (void)b;
    struct plan l = plan_of(s);
    const double eps = norm_eps(s), momentum = norm_momentum(s);
    for (size_t view = 0; view < (size_t)s->views; view++)
        for (size_t c = 0; c < l.C; c++) {
            double centre = (double)running_mean[c], variance = (double)running_var[c];
            if (training) {
                statistics(&centre, &variance, in, l, view, c);
                double m = (double)(l.rows * l.P), unbiased = m > 1 ? variance * m / (m - 1) : variance;
                running_mean[c] = (float)((1 - momentum) * (double)running_mean[c] + momentum * centre);
                running_var[c] = (float)((1 - momentum) * (double)running_var[c] + momentum * unbiased);
                mean[view * l.C + c] = (float)centre;
                rstd[view * l.C + c] = (float)(1 / sqrt(variance + eps));
            }
            double scale = (double)gamma[c] / sqrt(variance + eps);
            for (size_t n = view * l.rows; n < (view + 1) * l.rows; n++)
                for (size_t p = 0; p < l.P; p++) {
                    size_t i = (n * l.C + c) * l.P + p;
                    double y = ((double)in[i] - centre) * scale + (double)beta[c] + (residual ? (double)residual[i] : 0);
                    out[i] = (float)(relu && y < 0 ? 0 : y);
                }
        }
}

static void ref_norm_backward(struct backend *b, float *din, float *dresidual, float *dgamma, float *dbeta, float *dout,
                              const float *out, const float *in, const float *mean, const float *rstd,
                              const float *gamma, const struct norm_shape *s, bool relu)
{
    (void)b;
    struct plan l = plan_of(s);
    for (size_t view = 0; view < (size_t)s->views; view++)
        for (size_t c = 0; c < l.C; c++) {
            double centre = (double)mean[view * l.C + c], r = (double)rstd[view * l.C + c], m = (double)(l.rows * l.P);
            double sum = 0, sum_x = 0; /* of g and of g x^ */
            for (size_t n = view * l.rows; n < (view + 1) * l.rows; n++)
                for (size_t p = 0; p < l.P; p++) {
                    size_t i = (n * l.C + c) * l.P + p;
                    double g = relu && !(out[i] > 0) ? 0 : (double)dout[i];
                    sum += g;
                    sum_x += g * ((double)in[i] - centre) * r;
                }
            if (dgamma) {
                dbeta[c] += (float)sum;
                dgamma[c] += (float)sum_x;
            }
            for (size_t n = view * l.rows; n < (view + 1) * l.rows; n++)
                for (size_t p = 0; p < l.P; p++) {
                    size_t i = (n * l.C + c) * l.P + p;
                    double g = relu && !(out[i] > 0) ? 0 : (double)dout[i], x = ((double)in[i] - centre) * r;
                    din[i] += (float)((double)gamma[c] * r * (g - sum / m - x * sum_x / m));
                    if (dresidual)
                        dresidual[i] += (float)g;
                }
        }
}

void ref_add_norm(struct backend *b)
{
    b->norm_forward = ref_norm_forward;
    b->norm_backward = ref_norm_backward;
}
