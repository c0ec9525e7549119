/* SPDX-License-Identifier: Apache-2.0 */
/* barlow -- Barlow Twins: the cross-correlation of two views' features becomes the identity.   kernels/methods
 *
 * y = (z - mean) / sd by column, of each view (or, as Lightly has it, of both together); c(K,K) = y_a' y_b / N;
 *     loss = scale (sum_i (c_ii - 1)^2 + lambda sum_{i != j} c_ij^2)
 * The second term is had from the whole of lambda (c - 1)^2, less its diagonal; the diagonal is also had by itself, column by column. */
#include "kernels/methods/contrast.h"
#include <math.h>
#include <stdlib.h>

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/barlow.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, ...) SETTING_ROW(struct own, kind, key),
#include "kernels/methods/barlow.def"
#undef SETTING
    {0},
};

/* y and its gradient (2N,K); c, its gradient and the identity (K,K); by view and column: mean, 1 / sd; by column: running statistics
 * that nobody reads, 1 / sqrt(N) and zero (so y' y is c), the diagonal, its gradient, ones, and room; three numbers */
struct parts {
    float *y, *dy, *c, *dc, *identity, *mean, *rstd, *running, *share, *zero, *diagonal, *ddiagonal, *one, *room,
        *number;
};

static struct parts parts_of(const struct learner *l)
{
    struct parts p;
    size_t R = 2 * (size_t)l->most, K = (size_t)network_outputs(&l->network);
    p.y = l->work;
    p.dy = p.y + R * K;
    p.c = p.dy + R * K;
    p.dc = p.c + K * K;
    p.identity = p.dc + K * K;
    float **const column[] = {&p.mean,     &p.rstd,      &p.running, &p.share, &p.zero,
                              &p.diagonal, &p.ddiagonal, &p.one,     &p.room};
    float *at = p.identity + K * K;
    for (size_t i = 0; i < COUNT_OF(column); i++) {
        *column[i] = at;
        at += i < 3 ? 2 * K : K; /* the first three: of two views, or two statistics */
    }
    p.number = at;
    return p;
}

static int barlow_open(struct learner *l, struct error *e)
{
    size_t R = 2 * (size_t)l->most, K = (size_t)network_outputs(&l->network);
    learner_work(l, 2 * R * K + 3 * K * K + 12 * K + 3);
    return losses_there(l, e);
}

static void barlow_begin(struct learner *l)
{
    const struct parts p = parts_of(l);
    size_t K = (size_t)network_outputs(&l->network);
    float *host = xalloc(K * K, sizeof *host);
    for (size_t i = 0; i < K; i++)
        host[i] = 1;
    l->b->put(l->b, p.one, host, K * sizeof *host);
    for (size_t i = 0; i < K * K; i++)
        host[i] = i % (K + 1) == 0;
    l->b->put(l->b, p.identity, host, K * K * sizeof *host);
    free(host);
}

static void barlow_targets(struct learner *l, const struct batch_facts *f)
{
    size_t K = (size_t)network_outputs(&l->network);
    float *host = xalloc(K, sizeof *host);
    for (size_t i = 0; i < K; i++)
        host[i] = (float)(1 / sqrt((double)f->pairs));
    l->b->put(l->b, parts_of(l).share, host, K * sizeof *host);
    free(host);
}

static void barlow_loss(struct learner *l)
{
    const struct own *s = l->settings;
    const struct parts p = parts_of(l);
    struct backend *b = l->b;
    const int N = l->in.pairs, K = l->in.K;
    const size_t half = (size_t)N * (size_t)K, square = (size_t)K * (size_t)K, row = (size_t)K * sizeof(float);
    const float scale = (float)s->barlow_scale, lambda = (float)(s->barlow_scale * s->barlow_lambda);
    const struct norm_shape shape = {
        .layout = ROWS, .N = 2 * N, .C = K, .dim = {1, 1, 1}, .views = s->barlow_together ? 1 : 2};
    float *ya = p.y, *yb = p.y + half, *dya = p.dy, *dyb = p.dy + half;
    b->norm_forward(b, p.y, p.mean, p.rstd, p.running, p.running + K, l->in.z, NULL, p.share, p.zero, &shape, false,
                    true);
    b->zero(b, p.c, square * sizeof(float));
    b->linear_backward(b, NULL, p.c, NULL, ya, yb, p.identity, N, K, K);
    b->zero(b, p.diagonal, row);
    b->scale_backward(b, NULL, p.diagonal, ya, yb, p.one, N, K);

    b->squares(b, p.dc, p.number, p.c, p.identity, square, lambda);
    b->squares(b, p.room, l->terms, p.diagonal, p.one, (size_t)K, scale);
    b->squares(b, p.room, p.number + 1, p.diagonal, p.one, (size_t)K, -lambda);
    b->add(b, l->terms + 1, p.number, p.number + 1, 1, ROWS);
    b->squares(b, p.ddiagonal, p.number + 2, p.diagonal, p.one, (size_t)K, scale - lambda);

    b->linear_forward(b, dya, yb, p.dc, NULL, N, K, K);
    b->zero(b, dyb, half * sizeof(float));
    b->linear_backward(b, dyb, NULL, NULL, ya, yb, p.dc, N, K, K);
    b->scale_backward(b, dya, NULL, yb, ya, p.ddiagonal, N, K);
    b->scale_backward(b, dyb, NULL, ya, yb, p.ddiagonal, N, K);
    b->zero(b, l->in.dz, 2 * half * sizeof(float));
    b->norm_backward(b, l->in.dz, NULL, NULL, NULL, p.dy, p.y, l->in.z, p.mean, p.rstd, p.share, &shape, false);
}

const struct method method_barlow = {.name = "barlow",
                                     .source = "Zbontar et al., ICML 2021, equation 1 and algorithm 1",
                                     .help = "features of two views correlate each with itself and with no other",
                                     .term = {"invariance", "redundancy"},
                                     .word = {"inv", "red"},
                                     .settings = settings,
                                     .settings_size = sizeof(struct own),
                                     .open = barlow_open,
                                     .begin = barlow_begin,
                                     .targets = barlow_targets,
                                     .loss = barlow_loss};
