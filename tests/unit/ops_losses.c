/* SPDX-License-Identifier: Apache-2.0 */
/* ops_losses -- VICReg, focal loss, optimisers and the sums they need.   tests/unit */
#include "tests/unit/ops.h"

/* ---- vicreg: N K, literal? ---- */

static void vicreg_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = (size_t)(2 * n[0] * n[1]);
    *y = 1;
    *extra = 3;
}

/* Half of the columns spread less than 1, so that the hinge is open for some and shut for others; the views correlate. */
static void vicreg_inputs(struct job *j)
{
    size_t N = (size_t)j->n[0], K = (size_t)j->n[1];
    for (size_t i = 0; i < N * K; i++) {
        size_t column = i % K;
        j->x[0][i] = (j->x[0][i] + 0.5f * j->x[0][i / K * K]) * (column % 2 ? 0.3f : 2.0f) + 1;
        j->x[0][N * K + i] = 0.7f * j->x[0][i] + 0.5f * j->x[0][N * K + i];
    }
}

static const float vicreg_weight[3] = {25, 20, 1.5f};

static void vicreg_run(struct job *j)
{
    struct backend *b = j->b;
    size_t count = (size_t)(2 * j->n[0] * j->n[1]);
    float *z = device_rows(b, j->x[0], count), *dz = device_rows(b, NULL, count);
    float *terms = device_rows(b, NULL, 3);
    b->vicreg(b, dz, terms, z, j->n[0], j->n[1], vicreg_weight, j->n[2]);
    rows_done(b, j->extra, terms, 3);
    j->y[0] = 0;
    for (int k = 0; k < 3; k++)
        j->y[0] += vicreg_weight[k] * j->extra[k];
    rows_done(b, NULL, z, count);
    rows_done(b, j->dx[0], dz, count);
}

static const struct op vicreg_op = {.name = "vicreg",
                                    .tolerance = 1e-6,
                                    .sizes = vicreg_sizes,
                                    .run = vicreg_run,
                                    .differentiable = 1,
                                    .writes = true,
                                    .shape_inputs = vicreg_inputs};
/* N < K goes through the Gram matrix, N >= K through the covariance; ref always through the covariance. */
static const int vicreg_shapes[][NUMBERS] = {{4, 33},     {16, 100}, {33, 32},    {33, 33},
                                             {33, 34, 1}, {2, 5},    {130, 7, 1}, {24, 300}};
static const int vicreg_small[][NUMBERS] = {{4, 6}, {9, 5}, {5, 12, 1}};

/* ---- focal: N C, gamma, on softmax? ---- */

static void focal_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = (size_t)(n[0] * n[1]);
    *y = 1;
    *extra = 0;
}

static void focal_run(struct job *j)
{
    struct backend *b = j->b;
    size_t N = (size_t)j->n[0], C = (size_t)j->n[1];
    float *logits = device_rows(b, j->x[0], N * C), *dlogits = device_rows(b, NULL, N * C), alpha[8];
    int32_t label[64];
    for (size_t i = 0; i < N; i++)
        label[i] = (int32_t)(i * 7 % C);
    for (size_t c = 0; c < C; c++)
        alpha[c] = 0.45f + 0.1f * (float)c;
    int32_t *labels = b->alloc(b, N * sizeof *labels);
    b->put(b, labels, label, N * sizeof *labels);
    float *loss = device_rows(b, NULL, 1);
    b->focal(b, dlogits, loss, logits, labels, j->n[0], j->n[1], alpha, (float)j->n[2], j->n[3]);
    rows_done(b, j->y, loss, 1);
    b->release(b, labels);
    rows_done(b, NULL, logits, N * C);
    rows_done(b, j->dx[0], dlogits, N * C);
}

static const struct op focal_op = {
    .name = "focal", .tolerance = 1e-6, .sizes = focal_sizes, .run = focal_run, .differentiable = 1, .writes = true};
static const int focal_shapes[][NUMBERS] = {{1, 2, 2}, {33, 2, 2},    {17, 5, 2},  {9, 2, 0},
                                            {9, 3, 1}, {33, 2, 2, 1}, {7, 4, 3, 1}};

/* ---- optimisers: y is the new parameter ---- */

/* inputs: param, momentum, gradient; count, adapt?, which input is 0 (from 1), dead taps? */
static void step_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    *y = x[0] = x[1] = x[2] = (size_t)n[0];
    *extra = (size_t)n[0] + 2;
}

static void lars_inputs(struct job *j)
{
    if (j->n[2])
        memset(j->x[j->n[2] - 1], 0, (size_t)j->n[0] * sizeof(float));
}

static void lars_run(struct job *j)
{
    struct backend *b = j->b;
    size_t count = (size_t)j->n[0];
    float *p = device_rows(b, j->x[0], count), *m = device_rows(b, j->x[1], count), *g = device_rows(b, j->x[2], count);
    static const float at[RATES] = {[RATE_LR] = 0.5f, [RATE_GRAD_SCALE] = 0.25f};
    float *rates = device_rows(b, at, RATES);
    struct dead_state now = {.scale = 0.8, .momentum = 0.3, .squares = 2.5 * (double)j->n[0]},
                      *dead = b->alloc(b, sizeof now);
    b->put(b, dead, &now, sizeof now);
    for (int step = 0; step < 3; step++)
        b->lars(b, p, m, g, count, j->n[3] ? dead : NULL, j->n[1], rates, 0.9f, 1e-2f, 1e-2f);
    b->get(b, &now, dead, sizeof now);
    b->release(b, dead);
    j->extra[count] = (float)now.scale;
    j->extra[count + 1] = (float)now.momentum;
    assert_true(now.squares == 2.5 * (double)j->n[0]);
    rows_done(b, NULL, rates, RATES);
    rows_done(b, j->y, p, count);
    rows_done(b, j->extra, m, count);
    rows_done(b, NULL, g, count);
}

/* the same inputs; count, dead taps? */
static void sgd_run(struct job *j)
{
    struct backend *b = j->b;
    size_t count = (size_t)j->n[0];
    float *p = device_rows(b, j->x[0], count), *m = device_rows(b, j->x[1], count), *g = device_rows(b, j->x[2], count);
    static const float at[RATES] = {[RATE_LR] = 0.5f, [RATE_GRAD_SCALE] = 0.25f};
    float *rates = device_rows(b, at, RATES);
    struct dead_state now = {.scale = 0.8, .momentum = 0.3, .squares = 2.5}, *dead = b->alloc(b, sizeof now);
    b->put(b, dead, &now, sizeof now);
    for (int step = 0; step < 3; step++)
        b->sgd(b, p, m, g, count, j->n[1] ? dead : NULL, rates, 0.9f, 1e-2f);
    b->get(b, &now, dead, sizeof now);
    b->release(b, dead);
    j->extra[count] = (float)now.scale;
    j->extra[count + 1] = (float)now.momentum;
    assert_true(now.squares == 2.5 && (now.scale != 0.8) == (j->n[1] != 0));
    rows_done(b, NULL, rates, RATES);
    rows_done(b, j->y, p, count);
    rows_done(b, j->extra, m, count);
    rows_done(b, NULL, g, count);
}

static const int sgd_shapes[][NUMBERS] = {{1}, {33}, {9001}, {33, 1}, {9001, 1}};

static const int lars_shapes[][NUMBERS] = {{1, 1},     {33, 1},       {9001, 1},       {4096, 0},     {50, 1, 1},
                                           {50, 1, 3}, {33, 1, 0, 1}, {9001, 1, 0, 1}, {50, 1, 1, 1}, {33, 0, 0, 1}};

/* inputs: param, m, v, gradient; count, coupled? */
static void adamw_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    *y = x[0] = x[1] = x[2] = x[3] = (size_t)n[0];
    *extra = 2 * (size_t)n[0];
}

static void adamw_inputs(struct job *j)
{
    for (int i = 0; i < j->n[0]; i++)
        j->x[2][i] = fabsf(j->x[2][i]);
}

static void adamw_run(struct job *j)
{
    struct backend *b = j->b;
    size_t count = (size_t)j->n[0];
    float *p = device_rows(b, j->x[0], count), *m = device_rows(b, j->x[1], count), *v = device_rows(b, j->x[2], count);
    float *g = device_rows(b, j->x[3], count);
    for (int step = 1; step <= 3; step++) {
        const float at[RATES] = {1e-2f, 0.5f, (float)(1 - pow(0.9, step)), (float)(1 - pow(0.999, step))};
        float *rates = device_rows(b, at, RATES);
        b->adamw(b, p, m, v, g, count, rates, 0.9f, 0.999f, 1e-8f, 0.1f, j->n[1]);
        rows_done(b, NULL, rates, RATES);
    }
    rows_done(b, j->y, p, count);
    rows_done(b, j->extra, m, count);
    rows_done(b, j->extra + count, v, count);
    rows_done(b, NULL, g, count);
}

static const int adamw_shapes[][NUMBERS] = {{1}, {33}, {33, 1}, {5000}};

/* The device's double. */
static double squares_of(struct backend *b, const float *x, size_t count, double *at)
{
    double sum;
    b->sum_of_squares(b, at, x, count);
    b->get(b, &sum, at, sizeof sum);
    return sum;
}

/* sum_of_squares, twice over, and clip: count; y is the factor under half the norm and under one far above it */
static void sums_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = (size_t)n[0];
    *y = 2;
    *extra = 2;
}

static void sums_run(struct job *j)
{
    struct backend *b = j->b;
    size_t count = (size_t)j->n[0];
    float *x = device_rows(b, j->x[0], count);
    float *scale = device_rows(b, NULL, 2);
    double *sum = b->alloc(b, sizeof *sum);
    j->extra[0] = (float)squares_of(b, x, count, sum);
    j->extra[1] = (float)squares_of(b, x, count, sum);
    b->clip(b, scale, sum, 0.5f * sqrtf(j->extra[1]));
    b->clip(b, scale + 1, sum, 1e9f);
    b->release(b, sum);
    rows_done(b, j->y, scale, 2);
    rows_done(b, NULL, x, count);
}

static const int sums_shapes[][NUMBERS] = {{1}, {31}, {4096}, {4097}, {70001}};

static const struct {
    struct op op;
    const int (*shape)[NUMBERS];
    size_t shapes;
} table[] = {
    {{.name = "lars", .tolerance = 2e-6, .sizes = step_sizes, .run = lars_run, .shape_inputs = lars_inputs},
     lars_shapes,
     COUNT_OF(lars_shapes)},
    {{.name = "sgd", .tolerance = 5e-7, .sizes = step_sizes, .run = sgd_run}, sgd_shapes, COUNT_OF(sgd_shapes)},
    {{.name = "adamw", .tolerance = 5e-7, .sizes = adamw_sizes, .run = adamw_run, .shape_inputs = adamw_inputs},
     adamw_shapes,
     COUNT_OF(adamw_shapes)},
    {{.name = "sums", .tolerance = 2e-7, .sizes = sums_sizes, .run = sums_run}, sums_shapes, COUNT_OF(sums_shapes)},
};

static void test_vicreg(void **state)
{
    (void)state;
    check_backends(&vicreg_op, vicreg_shapes, COUNT_OF(vicreg_shapes));
}
static void test_vicreg_slope(void **state)
{
    (void)state;
    check_slopes(&vicreg_op, vicreg_small, COUNT_OF(vicreg_small));
}
static void test_focal(void **state)
{
    (void)state;
    check_backends(&focal_op, focal_shapes, COUNT_OF(focal_shapes));
}
static void test_focal_slope(void **state)
{
    (void)state;
    check_slopes(&focal_op, focal_shapes, COUNT_OF(focal_shapes));
}

static void test_optimisers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++)
        check_backends(&table[i].op, table[i].shape, table[i].shapes);
}

/* A sum of many equal squares must not drift: in single precision it would stop growing. */
static void test_long_sum(void **state)
{
    (void)state;
    enum { COUNT = 3000000 };
    float *x = xalloc(COUNT, sizeof *x);
    for (size_t i = 0; i < COUNT; i++)
        x[i] = 0.1f;
    struct backend *b = open_cpu(NULL, 2);
    double square = (double)0.1f * (double)0.1f;
    double *sum = b->alloc(b, sizeof *sum);
    assert_true(fabs(squares_of(b, x, COUNT, sum) / (COUNT * square) - 1) < 1e-12);
    b->release(b, sum);
    backend_close(&b);
    free(x);
}

/* A certain row: probability 1 in single precision gives loss 0 and gradient 0, not NaN; a lost one stays finite. */
static void test_focal_extremes(void **state)
{
    (void)state;
    static const char *const names[] = {"ref", "cpu"};
    static const float logits[4] = {200, -200, 200, -200}, alpha[2] = {1, 1};
    static const int32_t label[2] = {0, 1};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct error e = {0};
        struct backend *b = backend_open(names[i], 1, FLOAT32, &e);
        float g[4], loss;
        assert_non_null(b);
        b->focal(b, g, &loss, logits, label, 2, 2, alpha, 2, false);
        assert_true(fabsf(loss - 200) < 1e-3f); /* 400 for the lost one, halved by the mean */
        assert_true(g[0] == 0 && g[1] == 0 && fabsf(g[2] - 0.5f) < 1e-6f && fabsf(g[3] + 0.5f) < 1e-6f);
        backend_close(&b);
    }
}

static void test_back_ends_by_name(void **state)
{
    (void)state;
    struct error e = {0};
    assert_null(backend_open("gpu", 0, FLOAT32, &e));
    assert_int_equal(e.code, EX_USAGE);
    assert_non_null(strstr(e.text, "'gpu'"));

    struct backend *b = backend_open("cpu", 3, FLOAT32, &e);
    assert_non_null(strstr(b->device, "3 threads"));
    backend_close(&b);
    assert_null(b);

    setenv("PETREL_CPU", "abacus", 1);
    assert_null(backend_open("cpu", 1, FLOAT32, &e));
    unsetenv("PETREL_CPU");
    assert_non_null(strstr(e.text, "'abacus'"));

    setenv("PETREL_CUDA", "/nowhere/petrel-cuda.so", 1);
    b = backend_open("cuda", 0, FLOAT32, &e);
    unsetenv("PETREL_CUDA");
    assert_null(b);
    assert_int_equal(e.code, EX_UNAVAILABLE);
    assert_true(strstr(e.text, "libcuda.so.1") || strstr(e.text, "/nowhere/petrel-cuda.so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emulated_is_built), cmocka_unit_test(test_vicreg),
        cmocka_unit_test(test_vicreg_slope),      cmocka_unit_test(test_focal),
        cmocka_unit_test(test_focal_slope),       cmocka_unit_test(test_focal_extremes),
        cmocka_unit_test(test_optimisers),        cmocka_unit_test(test_long_sum),
        cmocka_unit_test(test_back_ends_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
