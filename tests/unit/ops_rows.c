/* SPDX-License-Identifier: Apache-2.0 */
/* ops_rows -- operations on rows: linear, layer norm, L2 norm, scale, concat, activations, softmax.   tests/unit */
#include "tests/unit/ops.h"

/* ---- linear: N C O, bias?, no gradient of the input? ---- */

static void linear_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = (size_t)(n[0] * n[1]);
    x[1] = (size_t)(n[2] * n[1]);
    x[2] = (size_t)n[2];
    *y = (size_t)(n[0] * n[2]);
    *extra = 0;
}

static void linear_run(struct job *j)
{
    struct backend *b = j->b;
    int N = j->n[0], C = j->n[1], O = j->n[2], bias = j->n[3];
    size_t in = (size_t)(N * C), w = (size_t)(O * C), out = (size_t)(N * O);
    float *x = device_rows(b, j->x[0], in), *weight = device_rows(b, j->x[1], w),
          *add = device_rows(b, j->x[2], (size_t)O);
    float *dx = device_rows(b, j->dx[0], in), *dweight = device_rows(b, j->dx[1], w),
          *dadd = device_rows(b, j->dx[2], (size_t)O);
    float *y = device_rows(b, NULL, out), *dy = device_rows(b, j->dy, out);
    b->linear_forward(b, y, x, weight, bias ? add : NULL, N, C, O);
    b->linear_backward(b, j->n[4] ? NULL : dx, dweight, bias ? dadd : NULL, dy, x, weight, N, C, O);
    rows_done(b, NULL, x, in);
    rows_done(b, NULL, weight, w);
    rows_done(b, NULL, add, (size_t)O);
    rows_done(b, NULL, dy, out);
    rows_done(b, j->y, y, out);
    rows_done(b, j->dx[0], dx, in);
    rows_done(b, j->dx[1], dweight, w);
    rows_done(b, j->dx[2], dadd, (size_t)O);
}

static const int linear_shapes[][NUMBERS] = {
    {1, 9, 33, 1}, {5, 33, 7, 0}, {33, 130, 257, 1}, {300, 17, 20, 1}, {2, 1, 1, 1}};
static const int linear_blind_shapes[][NUMBERS] = {{6, 5, 4, 1, 1}}; /* its input has no gradient */

/* ---- rows to rows of the same size: N C ---- */

static void same_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    *y = x[0] = (size_t)(n[0] * n[1]);
    *extra = 0;
}

static void same_and_row_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    same_sizes(n, x, y, extra);
    *extra = (size_t)n[0];
}

typedef void forward_kept(struct backend *, float *, float *, const float *, int, int);
typedef void backward_kept(struct backend *, float *, const float *, const float *, const float *, int, int);
static void kept_run(struct job *j, forward_kept *forward, backward_kept *backward)
{
    struct backend *b = j->b;
    int N = j->n[0], C = j->n[1];
    size_t count = (size_t)(N * C);
    float *x = device_rows(b, j->x[0], count), *dx = device_rows(b, j->dx[0], count), *y = device_rows(b, NULL, count);
    float *dy = device_rows(b, j->dy, count), *kept = device_rows(b, NULL, (size_t)N);
    forward(b, y, kept, x, N, C);
    backward(b, dx, dy, y, kept, N, C);
    rows_done(b, NULL, x, count);
    rows_done(b, NULL, dy, count);
    rows_done(b, j->y, y, count);
    rows_done(b, j->dx[0], dx, count);
    rows_done(b, j->extra, kept, (size_t)N);
}

static void layernorm_run(struct job *j)
{
    kept_run(j, j->b->layernorm_forward, j->b->layernorm_backward);
}
static void l2norm_run(struct job *j)
{
    kept_run(j, j->b->l2norm_forward, j->b->l2norm_backward);
}
static void l2norm_inputs(struct job *j)
{
    if (j->n[2]) /* the first row is shorter than what l2norm divides by */
        for (int c = 0; c < j->n[1]; c++)
            j->x[0][c] *= 1e-15f;
}
static const int kept_shapes[][NUMBERS] = {{1, 5}, {7, 33}, {33, 512}, {3, 100}};
static const int l2norm_shapes[][NUMBERS] = {{1, 5}, {7, 33}, {33, 512}, {4, 9, 1}};

typedef void forward_flat(struct backend *, float *, const float *, size_t, enum layout);
typedef void backward_flat(struct backend *, float *, const float *, const float *, size_t, enum layout);
static void flat_run(struct job *j, forward_flat *forward, backward_flat *backward, bool from_out)
{
    struct backend *b = j->b;
    size_t count = (size_t)(j->n[0] * j->n[1]);
    float *x = device_rows(b, j->x[0], count), *dx = device_rows(b, j->dx[0], count), *y = device_rows(b, NULL, count);
    float *dy = device_rows(b, j->dy, count);
    forward(b, y, x, count, ROWS);
    backward(b, dx, dy, from_out ? y : x, count, ROWS);
    rows_done(b, NULL, x, count);
    rows_done(b, NULL, dy, count);
    rows_done(b, j->y, y, count);
    rows_done(b, j->dx[0], dx, count);
}

/* Where ReLU bends it has no slope: inputs stay further from it than a difference reaches. */
static void off_the_bend(struct job *j)
{
    size_t x[INPUTS] = {0}, y, extra;
    same_sizes(j->n, x, &y, &extra);
    for (size_t i = 0; i < x[0]; i++)
        j->x[0][i] += copysignf(0.05F, j->x[0][i]);
}
static void relu_run(struct job *j)
{
    flat_run(j, j->b->relu_forward, j->b->relu_backward, true);
}
static void gelu_run(struct job *j)
{
    flat_run(j, j->b->gelu_forward, j->b->gelu_backward, false);
}
static const int flat_shapes[][NUMBERS] = {{1, 1}, {7, 33}, {90, 101}};

static void softmax_run(struct job *j)
{
    struct backend *b = j->b;
    size_t count = (size_t)(j->n[0] * j->n[1]);
    float *x = device_rows(b, j->x[0], count), *y = device_rows(b, NULL, count);
    b->softmax(b, y, x, j->n[0], j->n[1]);
    rows_done(b, NULL, x, count);
    rows_done(b, j->y, y, count);
}
static void softmax_inputs(struct job *j)
{
    for (int i = 0; i < j->n[0] * j->n[1]; i++)
        j->x[0][i] *= 60; /* exp would overflow without its care */
}
static const int softmax_shapes[][NUMBERS] = {{1, 2}, {33, 2}, {5, 17}};

/* ---- scale: N C ---- */

static void scale_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    same_sizes(n, x, y, extra);
    x[1] = (size_t)n[1];
}

static void scale_run(struct job *j)
{
    struct backend *b = j->b;
    int N = j->n[0], C = j->n[1];
    size_t count = (size_t)(N * C);
    float *x = device_rows(b, j->x[0], count), *scale = device_rows(b, j->x[1], (size_t)C),
          *y = device_rows(b, NULL, count);
    float *dx = device_rows(b, j->dx[0], count), *dscale = device_rows(b, j->dx[1], (size_t)C),
          *dy = device_rows(b, j->dy, count);
    b->scale_forward(b, y, x, scale, N, C);
    b->scale_backward(b, dx, dscale, dy, x, scale, N, C);
    rows_done(b, NULL, x, count);
    rows_done(b, NULL, scale, (size_t)C);
    rows_done(b, NULL, dy, count);
    rows_done(b, j->y, y, count);
    rows_done(b, j->dx[0], dx, count);
    rows_done(b, j->dx[1], dscale, (size_t)C);
}

/* ---- concat: N A B ---- */

static void concat_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = (size_t)(n[0] * n[1]);
    x[1] = (size_t)(n[0] * n[2]);
    *y = x[0] + x[1];
    *extra = 0;
}

static void concat_run(struct job *j)
{
    struct backend *b = j->b;
    int N = j->n[0], A = j->n[1], B = j->n[2];
    size_t a = (size_t)(N * A), c = (size_t)(N * B);
    float *xa = device_rows(b, j->x[0], a), *xb = device_rows(b, j->x[1], c), *y = device_rows(b, NULL, a + c);
    float *da = device_rows(b, j->dx[0], a), *db = device_rows(b, j->dx[1], c), *dy = device_rows(b, j->dy, a + c);
    b->concat_forward(b, y, xa, xb, N, A, B);
    b->concat_backward(b, da, db, dy, N, A, B);
    rows_done(b, NULL, xa, a);
    rows_done(b, NULL, xb, c);
    rows_done(b, NULL, dy, a + c);
    rows_done(b, j->y, y, a + c);
    rows_done(b, j->dx[0], da, a);
    rows_done(b, j->dx[1], db, c);
}
static const int concat_shapes[][NUMBERS] = {{1, 3, 5}, {7, 33, 17}, {4, 512, 512}};

#define SHAPES(list) list, COUNT_OF(list)
/* The table: a row an operation. smooth: the slope is measured on the first so many shapes. */
static const struct {
    struct op op;
    const int (*shape)[NUMBERS];
    size_t shapes, smooth;
} table[] = {
    {{.name = "linear", .tolerance = 1e-6, .sizes = linear_sizes, .run = linear_run, .differentiable = 3},
     SHAPES(linear_shapes),
     COUNT_OF(linear_shapes)},
    {{.name = "linear", .tolerance = 1e-6, .sizes = linear_sizes, .run = linear_run, .differentiable = 3},
     SHAPES(linear_blind_shapes),
     0},
    {{.name = "layernorm", .tolerance = 1e-6, .sizes = same_and_row_sizes, .run = layernorm_run, .differentiable = 1},
     SHAPES(kept_shapes),
     COUNT_OF(kept_shapes)},
    {{.name = "l2norm",
      .tolerance = 1e-6,
      .sizes = same_and_row_sizes,
      .run = l2norm_run,
      .differentiable = 1,
      .shape_inputs = l2norm_inputs},
     SHAPES(l2norm_shapes),
     0},
    {{.name = "l2norm", .tolerance = 1e-6, .sizes = same_and_row_sizes, .run = l2norm_run, .differentiable = 1},
     SHAPES(kept_shapes),
     COUNT_OF(kept_shapes)},
    {{.name = "relu", .sizes = same_sizes, .run = relu_run, .differentiable = 1, .shape_inputs = off_the_bend},
     SHAPES(flat_shapes),
     2},
    {{.name = "gelu", .tolerance = 5e-7, .sizes = same_sizes, .run = gelu_run, .differentiable = 1},
     SHAPES(flat_shapes),
     COUNT_OF(flat_shapes)},
    {{.name = "softmax", .tolerance = 1e-6, .sizes = same_sizes, .run = softmax_run, .shape_inputs = softmax_inputs},
     SHAPES(softmax_shapes),
     0},
    {{.name = "scale", .tolerance = 2e-7, .sizes = scale_sizes, .run = scale_run, .differentiable = 2},
     SHAPES(kept_shapes),
     COUNT_OF(kept_shapes)},
    {{.name = "concat", .sizes = concat_sizes, .run = concat_run, .differentiable = 2},
     SHAPES(concat_shapes),
     COUNT_OF(concat_shapes)},
};

static void test_backends(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++)
        check_backends(&table[i].op, table[i].shape, table[i].shapes);
}

static void test_slopes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++)
        check_slopes(&table[i].op, table[i].shape, table[i].smooth);
}

/* An operation that loses a number that is not one hides a broken run: ReLU must hand it on. */
static void test_nan_stays(void **state)
{
    (void)state;
    static const char *const names[] = {"ref", "cpu"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct error e = {0};
        struct backend *b = backend_open(names[i], 1, FLOAT32, &e);
        assert_non_null(b);
        float x[40], y[40], gamma[20], beta[20] = {0}, mean[20] = {0}, variance[20];
        for (int k = 0; k < 40; k++)
            x[k] = k == 21 ? NAN : (float)k;
        for (int k = 0; k < 20; k++)
            gamma[k] = variance[k] = 1;
        b->relu_forward(b, y, x, 40, ROWS);
        assert_true(isnan(y[21]) && y[20] == 20);
        struct norm_shape s = {.layout = ROWS, .N = 2, .C = 20, .dim = {1, 1, 1}, .views = 1};
        b->norm_forward(b, y, NULL, NULL, mean, variance, x, NULL, gamma, beta, &s, true, false);
        assert_true(isnan(y[21]) && !isnan(y[1]));
        backend_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_emulated_is_built), cmocka_unit_test(test_backends),
                                       cmocka_unit_test(test_slopes), cmocka_unit_test(test_nan_stays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
