/* SPDX-License-Identifier: Apache-2.0 */
/* ops_methods -- what the methods' losses are made of: cross entropy, squares, Sinkhorn, averages, rings, groups, overlaps.   tests/unit */
#include "tests/unit/ops.h"

/* ---- cross entropy: N C, temperature in hundredths, every how-manieth class takes no part (0: all do) ---- */

static void cross_entropy_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = (size_t)(n[0] * n[1]);
    *y = 1;
    *extra = 0;
}

static void cross_entropy_run(struct job *j)
{
    struct backend *b = j->b;
    size_t N = (size_t)j->n[0], C = (size_t)j->n[1], count = N * C;
    float *host = xalloc(count, sizeof *host);
    for (size_t n = 0; n < N; n++)
        for (size_t c = 0; c < C; c++) {
            bool out = j->n[3] && (n + c) % (size_t)j->n[3] == 0 && c != n % C;
            host[n * C + c] = out ? -1 : c == n % C ? 0.5f : (float)((n + 3 * c) % 5) * 0.1f;
        }
    float *logits = device_rows(b, j->x[0], count), *target = device_rows(b, host, count),
          *dlogits = device_rows(b, NULL, count), *loss = device_rows(b, NULL, 1);
    b->cross_entropy(b, dlogits, loss, logits, target, j->n[0], j->n[1], 0.01f * (float)j->n[2]);
    rows_done(b, j->y, loss, 1);
    rows_done(b, NULL, logits, count);
    rows_done(b, NULL, target, count);
    rows_done(b, j->dx[0], dlogits, count);
    free(host);
}

static const struct op cross_entropy_op = {.name = "cross_entropy",
                                           .tolerance = 1e-6,
                                           .sizes = cross_entropy_sizes,
                                           .run = cross_entropy_run,
                                           .differentiable = 1,
                                           .writes = true};
static const int cross_entropy_shapes[][NUMBERS] = {{1, 2, 100},     {33, 5, 50, 2}, {17, 300, 10, 3},
                                                    {64, 64, 50, 7}, {5, 1, 100},    {3, 4097, 7}};
static const int cross_entropy_small[][NUMBERS] = {{4, 6, 100}, {5, 7, 50, 3}};

/* ---- squares: count ---- */

static void squares_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = x[1] = (size_t)n[0];
    *y = 1;
    *extra = 0;
}

static void squares_run(struct job *j)
{
    struct backend *b = j->b;
    size_t count = (size_t)j->n[0];
    float *x = device_rows(b, j->x[0], count), *y = device_rows(b, j->x[1], count), *dx = device_rows(b, NULL, count),
          *loss = device_rows(b, NULL, 1);
    b->squares(b, dx, loss, x, y, count, 0.25f);
    rows_done(b, j->y, loss, 1);
    rows_done(b, NULL, x, count);
    rows_done(b, NULL, y, count);
    rows_done(b, j->dx[0], dx, count);
}

static const struct op squares_op = {
    .name = "squares", .tolerance = 1e-6, .sizes = squares_sizes, .run = squares_run, .differentiable = 1, .writes = true};
static const int squares_shapes[][NUMBERS] = {{1}, {33}, {4097}, {70001}};
static const int squares_small[][NUMBERS] = {{7}};

/* ---- sinkhorn: N K rounds; scores like cosines ---- */

static void sinkhorn_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    *y = x[0] = (size_t)(n[0] * n[1]);
    *extra = 0;
}

static void sinkhorn_inputs(struct job *j)
{
    for (int i = 0; i < j->n[0] * j->n[1]; i++)
        j->x[0][i] = tanhf(0.5f * j->x[0][i]);
}

static void sinkhorn_run(struct job *j)
{
    struct backend *b = j->b;
    size_t N = (size_t)j->n[0], K = (size_t)j->n[1], count = N * K;
    float *scores = device_rows(b, j->x[0], count), *q = device_rows(b, NULL, count);
    b->sinkhorn(b, q, scores, j->n[0], j->n[1], 0.05f, j->n[2]);
    rows_done(b, NULL, scores, count);
    rows_done(b, j->y, q, count);
    for (size_t n = 0; n < N; n++) {
        double sum = 0;
        for (size_t k = 0; k < K; k++)
            sum += (double)j->y[n * K + k];
        assert_true(fabs(sum - 1) < 1e-5);
    }
}

static const struct op sinkhorn_op = {.name = "sinkhorn",
                                      .tolerance = 1e-6,
                                      .sizes = sinkhorn_sizes,
                                      .run = sinkhorn_run,
                                      .no_slope = true,
                                      .shape_inputs = sinkhorn_inputs};
static const int sinkhorn_shapes[][NUMBERS] = {{1, 2, 1}, {16, 12, 3}, {33, 100, 3}, {128, 257, 5}};

/* ---- lerp: count; y follows ---- */

static void lerp_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    *y = x[0] = x[1] = (size_t)n[0];
    *extra = 0;
}

static void lerp_run(struct job *j)
{
    struct backend *b = j->b;
    size_t count = (size_t)j->n[0];
    static const float by = 0.004f;
    float *to = device_rows(b, j->x[0], count), *from = device_rows(b, j->x[1], count), *rate = device_rows(b, &by, 1);
    for (int step = 0; step < 3; step++)
        b->lerp(b, to, from, count, rate);
    rows_done(b, NULL, rate, 1);
    rows_done(b, NULL, from, count);
    rows_done(b, j->y, to, count);
}

static const struct op lerp_op = {
    .name = "lerp", .tolerance = 1e-7, .sizes = lerp_sizes, .run = lerp_run, .no_slope = true};
static const int lerp_shapes[][NUMBERS] = {{1}, {33}, {40001}};

/* ---- enqueue: N C capacity; twice, so that it goes round ---- */

static void enqueue_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = (size_t)(n[0] * n[1]);
    *y = x[1] = (size_t)(n[2] * n[1]);
    *extra = 1;
}

static void enqueue_run(struct job *j)
{
    struct backend *b = j->b;
    size_t rows = (size_t)(j->n[0] * j->n[1]), all = (size_t)(j->n[2] * j->n[1]), C = (size_t)j->n[1];
    float last = (float)(j->n[2] - 1);
    float *ring = device_rows(b, j->x[1], all), *from = device_rows(b, j->x[0], rows), *at = device_rows(b, &last, 1);
    b->enqueue(b, ring, at, from, j->n[0], j->n[1], j->n[2]);
    b->enqueue(b, ring, at, from, j->n[0], j->n[1], j->n[2]);
    rows_done(b, j->extra, at, 1);
    rows_done(b, NULL, from, rows);
    rows_done(b, j->y, ring, all);
    assert_true((int)j->extra[0] == (j->n[2] - 1 + 2 * j->n[0]) % j->n[2]);
    for (int n = 0; n < j->n[0]; n++) /* the second time's rows */
        assert_memory_equal(j->y + (size_t)((j->n[2] - 1 + j->n[0] + n) % j->n[2]) * C, j->x[0] + (size_t)n * C,
                            C * sizeof(float));
}

static const struct op enqueue_op = {
    .name = "enqueue", .tolerance = 0, .sizes = enqueue_sizes, .run = enqueue_run, .no_slope = true};
static const int enqueue_shapes[][NUMBERS] = {{1, 1, 1}, {3, 5, 4}, {4, 33, 4}, {7, 16, 100}};

/* ---- regroup: N K C, 1: groups of which some have no rows, and equal scores ---- */

static void regroup_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = *extra = (size_t)(n[0] * n[1]);
    x[1] = (size_t)(n[0] * n[2]);
    *y = x[2] = (size_t)(n[1] * n[2]);
}

static void regroup_inputs(struct job *j)
{
    for (int i = 0; i < j->n[0] * j->n[1]; i++)
        if (j->n[3] && i % j->n[1] % 2 == 0)
            j->x[0][i] = i / j->n[1] % 2 ? -9 : 3; /* even groups are equally near to even rows, and far from odd ones */
}

static void regroup_run(struct job *j)
{
    struct backend *b = j->b;
    size_t N = (size_t)j->n[0], K = (size_t)j->n[1], C = (size_t)j->n[2];
    float *scores = device_rows(b, j->x[0], N * K), *rows = device_rows(b, j->x[1], N * C),
          *from = device_rows(b, j->x[2], K * C), *to = device_rows(b, NULL, K * C),
          *share = device_rows(b, NULL, N * K), *onehot = device_rows(b, NULL, N * K),
          *alone = device_rows(b, NULL, N * K);
    float *first = xalloc(2 * N * K, sizeof *first), *second = first + N * K;
    b->regroup(b, to, share, onehot, scores, rows, from, j->n[0], j->n[1], j->n[2], 0.25f);
    b->regroup(b, NULL, NULL, alone, scores, NULL, NULL, j->n[0], j->n[1], j->n[2], 0.25f);
    rows_done(b, j->y, to, K * C);
    rows_done(b, j->extra, share, N * K);
    rows_done(b, first, onehot, N * K);
    rows_done(b, second, alone, N * K);
    assert_memory_equal(first, second, N * K * sizeof *first);
    for (size_t n = 0; n < N; n++) { /* one a row, the first of the largest; shares of a group are a quarter in all */
        size_t best = 0;
        for (size_t k = 1; k < K; k++)
            best = j->x[0][n * K + k] > j->x[0][n * K + best] ? k : best;
        for (size_t k = 0; k < K; k++)
            assert_true(first[n * K + k] == (k == best ? 1.0f : 0.0f));
    }
    for (size_t k = 0; k < K; k++) {
        double sum = 0, count = 0;
        for (size_t n = 0; n < N; n++) {
            sum += (double)j->extra[n * K + k];
            count += (double)first[n * K + k];
        }
        assert_true(fabs(sum - (count > 0 ? 0.25 : 0)) < 1e-6);
        assert_true(count > 0 || !memcmp(j->y + k * C, j->x[2] + k * C, C * sizeof(float)));
    }
    free(first);
    rows_done(b, NULL, scores, N * K);
    rows_done(b, NULL, rows, N * C);
    rows_done(b, NULL, from, K * C);
}

static const struct op regroup_op = {.name = "regroup",
                                     .tolerance = 1e-6,
                                     .sizes = regroup_sizes,
                                     .run = regroup_run,
                                     .no_slope = true,
                                     .shape_inputs = regroup_inputs};
static const int regroup_shapes[][NUMBERS] = {{1, 1, 1}, {7, 3, 5, 1}, {33, 12, 24}, {64, 300, 128, 1}, {256, 40, 33}};

/* ---- overlap: N C, 1: some pairs are held apart; cosines ---- */

static void overlap_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = (size_t)(n[0] * n[1]);
    *y = n[2] ? 2 : 1;
    *extra = 0;
}

static void overlap_run(struct job *j)
{
    struct backend *b = j->b;
    static const float scale[2] = {0.125f, 0.5f};
    size_t count = (size_t)(j->n[0] * j->n[1]);
    float *host = xalloc(count, sizeof *host), terms[2];
    for (size_t i = 0; i < count; i++)
        host[i] = i % 7 == 3 ? -1 : j->n[2] && i % 3 == 1 ? -2 : (float)(i % 5) * 0.25f;
    float *cosine = device_rows(b, j->x[0], count), *target = device_rows(b, host, count),
          *g = device_rows(b, NULL, count), *loss = device_rows(b, NULL, 2);
    b->overlap(b, g, loss, cosine, target, j->n[0], j->n[1], scale);
    rows_done(b, terms, loss, 2);
    rows_done(b, NULL, cosine, count);
    rows_done(b, NULL, target, count);
    rows_done(b, j->dx[0], g, count);
    assert_true(j->n[2] ? terms[1] >= 0 : terms[1] == 0);
    memcpy(j->y, terms, (j->n[2] ? 2 : 1) * sizeof *terms);
    for (size_t i = 0; i < count; i++)
        assert_true(host[i] != -1 || j->dx[0][i] == 0);
    free(host);
}

static const struct op overlap_op = {.name = "overlap",
                                     .tolerance = 1e-6,
                                     .sizes = overlap_sizes,
                                     .run = overlap_run,
                                     .differentiable = 1,
                                     .writes = true,
                                     .shape_inputs = sinkhorn_inputs};
static const int overlap_shapes[][NUMBERS] = {{1, 1, 0}, {5, 7, 1}, {33, 64, 1}, {100, 411, 1}};
static const int overlap_small[][NUMBERS] = {{4, 6, 0}, {5, 7, 0}};

static void test_cross_entropy(void **state)
{
    (void)state;
    check_backends(&cross_entropy_op, cross_entropy_shapes, COUNT_OF(cross_entropy_shapes));
    check_slopes(&cross_entropy_op, cross_entropy_small, COUNT_OF(cross_entropy_small));
}
static void test_squares(void **state)
{
    (void)state;
    check_backends(&squares_op, squares_shapes, COUNT_OF(squares_shapes));
    check_slopes(&squares_op, squares_small, COUNT_OF(squares_small));
}
static void test_sinkhorn(void **state)
{
    (void)state;
    check_backends(&sinkhorn_op, sinkhorn_shapes, COUNT_OF(sinkhorn_shapes));
}
static void test_lerp(void **state)
{
    (void)state;
    check_backends(&lerp_op, lerp_shapes, COUNT_OF(lerp_shapes));
}
static void test_enqueue(void **state)
{
    (void)state;
    check_backends(&enqueue_op, enqueue_shapes, COUNT_OF(enqueue_shapes));
}

static void test_regroup(void **state)
{
    (void)state;
    check_backends(&regroup_op, regroup_shapes, COUNT_OF(regroup_shapes));
}
static void test_overlap(void **state)
{
    (void)state;
    check_backends(&overlap_op, overlap_shapes, COUNT_OF(overlap_shapes));
    check_slopes(&overlap_op, overlap_small, COUNT_OF(overlap_small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emulated_is_built), cmocka_unit_test(test_cross_entropy), cmocka_unit_test(test_squares),
        cmocka_unit_test(test_sinkhorn),          cmocka_unit_test(test_lerp),          cmocka_unit_test(test_enqueue),
        cmocka_unit_test(test_regroup),           cmocka_unit_test(test_overlap)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
