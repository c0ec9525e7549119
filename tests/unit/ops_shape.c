/* SPDX-License-Identifier: Apache-2.0 */
/* ops_shape -- biases and scales, whole boxes dropped, channels moved, flat images, a parameter for every box.   tests/unit */
#include "tests/unit/ops.h"

static size_t volume(const int dim[3])
{
    return (size_t)(dim[0] * dim[1] * dim[2]);
}

/* an array of either layout; ROWS: N rows of C */
struct array {
    struct image m;
    bool rows;
};
static struct array array_of(int N, int C, const int dim[3], bool rows)
{
    return (struct array){{N, C, {dim[0], dim[1], dim[2]}, false}, rows};
}
static size_t count_of(const struct array *a)
{
    return (size_t)(a->m.N * a->m.C) * volume(a->m.dim);
}
static float *array_put(struct backend *b, const float *host, const struct array *a)
{
    return a->rows ? device_rows(b, host, count_of(a)) : device_image(b, host, &a->m);
}
static void array_done(struct backend *b, float *host, float *at, const struct array *a)
{
    if (a->rows)
        rows_done(b, host, at, count_of(a));
    else
        image_done(b, host, at, &a->m);
}

/* ---- affine: N C, dim 3, rows?, gamma?, relu?, frozen? ---- */

static void affine_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    *y = x[0] = (size_t)(n[0] * n[1]) * volume(n + 2);
    x[1] = x[2] = (size_t)n[1];
    *extra = 0;
}

static void affine_run(struct job *j)
{
    struct backend *b = j->b;
    const int *n = j->n, N = n[0], C = n[1];
    const enum layout layout = n[5] ? ROWS : IMAGE;
    const struct array a = array_of(N, C, n + 2, n[5]);
    float *x = array_put(b, j->x[0], &a), *dx = array_put(b, j->dx[0], &a), *y = array_put(b, NULL, &a),
          *dy = array_put(b, j->dy, &a);
    float *gamma = device_rows(b, j->x[1], (size_t)C), *beta = device_rows(b, j->x[2], (size_t)C),
          *dgamma = device_rows(b, j->dx[1], (size_t)C), *dbeta = device_rows(b, j->dx[2], (size_t)C);
    b->affine_forward(b, y, x, n[6] ? gamma : NULL, beta, N, C, n + 2, layout, n[7]);
    b->affine_backward(b, dx, n[6] && !n[8] ? dgamma : NULL, n[8] ? NULL : dbeta, dy, y, x, n[6] ? gamma : NULL, N, C,
                       n + 2, layout, n[7]);
    b->affine_backward(b, NULL, NULL, NULL, dy, y, x, n[6] ? gamma : NULL, N, C, n + 2, layout, n[7]);
    array_done(b, NULL, x, &a);
    array_done(b, NULL, dy, &a);
    array_done(b, j->y, y, &a);
    array_done(b, j->dx[0], dx, &a);
    rows_done(b, NULL, gamma, (size_t)C);
    rows_done(b, NULL, beta, (size_t)C);
    rows_done(b, j->dx[1], dgamma, (size_t)C);
    rows_done(b, j->dx[2], dbeta, (size_t)C);
}
static const int affine_shapes[][NUMBERS] = {
    {3, 16, 2, 3, 1, 0, 1, 0}, {5, 33, 2, 2, 3, 0, 0, 1}, {4, 3, 3, 2, 2, 0, 1, 1},     {70, 20, 3, 4, 3, 0, 0, 0},
    {7, 33, 1, 1, 1, 1, 1, 0}, {5, 9, 1, 1, 1, 1, 0, 1},  {2100, 17, 1, 1, 1, 1, 1, 1}, {5, 18, 2, 1, 2, 0, 1, 1, 1}};
static const int affine_smooth[][NUMBERS] = {{3, 16, 2, 3, 1, 0, 1, 0}, {7, 33, 1, 1, 1, 1, 1, 0}};

/* ---- boxes dropped: N C, dim 3, rows? ---- */

static void droppath_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    *y = x[0] = (size_t)(n[0] * n[1]) * volume(n + 2);
    *extra = 0;
}

static struct dropout_draw *draw_put(struct backend *b, uint64_t seed, uint64_t step)
{
    const struct dropout_draw draw = {seed, step};
    struct dropout_draw *at = b->alloc(b, sizeof *at);
    b->put(b, at, &draw, sizeof draw);
    return at;
}

static void droppath_run(struct job *j)
{
    struct backend *b = j->b;
    const int *n = j->n;
    const struct array a = array_of(n[0], n[1], n + 2, n[5]);
    struct dropout_draw *draw = draw_put(b, 5, 3);
    float *x = array_put(b, j->x[0], &a), *dx = array_put(b, j->dx[0], &a), *y = array_put(b, NULL, &a),
          *dy = array_put(b, j->dy, &a);
    b->droppath_forward(b, y, x, n[0], n[1], n + 2, n[5] ? ROWS : IMAGE, 0.4F, draw, 3 << 24);
    b->droppath_backward(b, dx, dy, n[0], n[1], n + 2, n[5] ? ROWS : IMAGE, 0.4F, draw, 3 << 24);
    b->release(b, draw);
    array_done(b, NULL, x, &a);
    array_done(b, NULL, dy, &a);
    array_done(b, j->y, y, &a);
    array_done(b, j->dx[0], dx, &a);
}
static const int droppath_shapes[][NUMBERS] = {
    {30, 16, 2, 3, 1, 0}, {9, 33, 2, 2, 3, 0}, {12, 3, 3, 1, 2, 0}, {20, 7, 5, 1, 1, 1}};

/* ---- channels moved: N, dim 3, rows?; to C, at; from C, at; count; add? ---- */

static void channels_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    const size_t P = volume(n + 1);
    x[0] = (size_t)(n[0] * n[7]) * P;
    *y = x[1] = (size_t)(n[0] * n[5]) * P;
    *extra = 0;
}

/* what is there before, then the channels */
static void channels_run(struct job *j)
{
    struct backend *b = j->b;
    const int *n = j->n;
    const enum layout layout = n[4] ? ROWS : IMAGE;
    const struct array to = array_of(n[0], n[5], n + 1, n[4]), from = array_of(n[0], n[7], n + 1, n[4]);
    float *x = array_put(b, j->x[0], &from), *before = array_put(b, j->x[1], &to), *y = array_put(b, NULL, &to);
    b->channels_put(b, y, n[5], 0, before, n[5], 0, n[5], n[0], n + 1, layout, false);
    b->channels_put(b, y, n[5], n[6], x, n[7], n[8], n[9], n[0], n + 1, layout, n[10]);
    array_done(b, NULL, x, &from);
    array_done(b, NULL, before, &to);
    array_done(b, j->y, y, &to);
}
static const int channels_shapes[][NUMBERS] = {
    {3, 2, 3, 1, 0, 48, 16, 32, 0, 32, 0}, /* whole blocks */
    {3, 2, 3, 1, 0, 40, 16, 24, 0, 24, 0}, /* to the end, past a whole block */
    {5, 2, 2, 3, 0, 37, 5, 33, 2, 20, 0},  {5, 2, 2, 3, 0, 37, 5, 33, 2, 20, 1}, {2, 2, 1, 3, 0, 6, 1, 20, 7, 5, 0},
    {4, 1, 2, 2, 0, 20, 3, 3, 0, 3, 1},    {9, 1, 1, 1, 1, 19, 4, 11, 3, 8, 0},  {9, 1, 1, 1, 1, 19, 4, 11, 3, 8, 1}};

/* ---- flat images: N C, dim 3 ---- */

static void flatten_run(struct job *j)
{
    struct backend *b = j->b;
    const int *n = j->n;
    const struct array a = array_of(n[0], n[1], n + 2, false);
    const size_t count = count_of(&a);
    float *x = array_put(b, j->x[0], &a), *dx = array_put(b, j->dx[0], &a), *y = device_rows(b, NULL, count),
          *dy = device_rows(b, j->dy, count);
    b->flatten_forward(b, y, x, n[0], n[1], n + 2);
    b->flatten_backward(b, dx, dy, n[0], n[1], n + 2);
    array_done(b, NULL, x, &a);
    array_done(b, j->dx[0], dx, &a);
    rows_done(b, j->y, y, count);
    rows_done(b, NULL, dy, count);
}
static const int flatten_shapes[][NUMBERS] = {{3, 16, 2, 3, 1}, {5, 33, 2, 2, 3}, {4, 3, 3, 2, 2}, {2, 20, 1, 1, 1}};

/* ---- one row for all boxes: N, count ---- */

static void repeat_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = (size_t)n[1];
    *y = (size_t)(n[0] * n[1]);
    *extra = 0;
}

static void repeat_run(struct job *j)
{
    struct backend *b = j->b;
    const size_t count = (size_t)j->n[1], all = count * (size_t)j->n[0];
    float *x = device_rows(b, j->x[0], count), *dx = device_rows(b, j->dx[0], count), *y = device_rows(b, NULL, all),
          *dy = device_rows(b, j->dy, all);
    b->repeat_forward(b, y, x, j->n[0], count);
    b->repeat_backward(b, dx, dy, j->n[0], count);
    rows_done(b, NULL, x, count);
    rows_done(b, NULL, dy, all);
    rows_done(b, j->y, y, all);
    rows_done(b, j->dx[0], dx, count);
}
static const int repeat_shapes[][NUMBERS] = {{1, 5}, {7, 33}, {190, 301}};

/* ---- attention on one array of q, k and v side by side: N T C heads ---- */

static void qkv_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    *y = (size_t)(n[0] * n[1] * n[2]);
    x[0] = 3 * *y;
    *extra = 0;
}

static void qkv_run(struct job *j)
{
    struct backend *b = j->b;
    const int *n = j->n, C = n[2];
    const size_t out = (size_t)(n[0] * n[1] * C), kept = (size_t)(n[0] * n[3] * n[1] * n[1]);
    float *x = device_rows(b, j->x[0], 3 * out), *dx = device_rows(b, j->dx[0], 3 * out),
          *y = device_rows(b, NULL, out), *dy = device_rows(b, j->dy, out), *prob = device_rows(b, NULL, kept);
    b->attention_forward(b, y, prob, x, x + C, x + 2 * C, 3 * C, n[0], n[1], C, n[3]);
    b->attention_backward(b, dx, dx + C, dx + 2 * C, dy, prob, x, x + C, x + 2 * C, 3 * C, n[0], n[1], C, n[3]);
    rows_done(b, NULL, x, 3 * out);
    rows_done(b, j->dx[0], dx, 3 * out);
    rows_done(b, j->y, y, out);
    rows_done(b, NULL, dy, out);
    rows_done(b, NULL, prob, kept);
}
static const int qkv_shapes[][NUMBERS] = {{2, 5, 12, 3}, {3, 17, 32, 4}, {5, 9, 48, 2}};

#define SHAPES(list) list, COUNT_OF(list)
/* The table: a row an operation; the slope is measured on the shapes of `smooth`. */
static const struct {
    struct op op;
    const int (*shape)[NUMBERS];
    size_t shapes;
    const int (*smooth)[NUMBERS];
    size_t smooths;
} table[] = {
    {{.name = "affine", .tolerance = 5e-7, .sizes = affine_sizes, .run = affine_run, .differentiable = 3},
     SHAPES(affine_shapes),
     SHAPES(affine_smooth)},
    {{.name = "droppath", .sizes = droppath_sizes, .run = droppath_run, .differentiable = 1},
     SHAPES(droppath_shapes),
     SHAPES(droppath_shapes)},
    {{.name = "channels", .sizes = channels_sizes, .run = channels_run}, SHAPES(channels_shapes), SHAPES(channels_shapes)},
    {{.name = "flatten", .sizes = droppath_sizes, .run = flatten_run, .differentiable = 1},
     SHAPES(flatten_shapes),
     SHAPES(flatten_shapes)},
    {{.name = "repeat", .tolerance = 2e-7, .sizes = repeat_sizes, .run = repeat_run, .differentiable = 1},
     SHAPES(repeat_shapes),
     SHAPES(repeat_shapes)},
    {{.name = "attention of three side by side", .tolerance = 1e-6, .sizes = qkv_sizes, .run = qkv_run, .differentiable = 1},
     SHAPES(qkv_shapes),
     SHAPES(qkv_shapes)},
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
        check_slopes(&table[i].op, table[i].smooth, table[i].smooths);
}

/* Boxes go whole, as often as they should, and others at the next step. */
static void test_droppath(void **state)
{
    (void)state;
    enum { N = 1000, C = 3 };
    static const int one[3] = {1, 1, 1};
    struct backend *b = open_ref();
    static float x[N * C], y[N * C], later[N * C];
    for (int i = 0; i < N * C; i++)
        x[i] = 1;
    for (int step = 0; step < 2; step++) {
        struct dropout_draw *draw = draw_put(b, 3, (uint64_t)step);
        b->droppath_forward(b, step ? later : y, x, N, C, one, ROWS, 0.25F, draw, 0);
        b->release(b, draw);
    }
    int dropped = 0;
    for (int n = 0; n < N; n++) {
        assert_true(y[n * C] == 0 || y[n * C] == 1 / 0.75F);
        assert_true(y[n * C] == y[n * C + 1] && y[n * C] == y[n * C + 2]);
        dropped += y[n * C] == 0;
    }
    assert_true(abs(dropped - N / 4) < 55); /* four standard deviations */
    assert_memory_not_equal(y, later, sizeof y);
    backend_close(&b);
}

/* What "same" and ceil come to, as TensorFlow and PyTorch say. */
static void test_dims(void **state)
{
    (void)state;
    struct conv_shape s = {.in = {16, 8, 1}, .kernel = {3, 5, 5}, .stride = {2, 2, 2}};
    conv_same_dims(&s);
    assert_true(s.out[0] == 8 && s.out[1] == 4 && s.out[2] == 1);
    assert_true(s.pad[0] == 0 && s.pad[1] == 1 && s.pad[2] == 2);
    struct pool_shape p = {.in = {8, 7, 9}, .kernel = 3, .stride = 2, .ceil = true};
    pool_out_dims(&p);
    assert_true(p.out[0] == 4 && p.out[1] == 3 && p.out[2] == 4);
    p = (struct pool_shape){.in = {3, 3, 3}, .kernel = 2, .stride = 2, .pad = 1, .ceil = true};
    pool_out_dims(&p); /* a window that would begin behind the image is none */
    assert_int_equal(p.out[0], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_emulated_is_built), cmocka_unit_test(test_backends),
                                       cmocka_unit_test(test_slopes), cmocka_unit_test(test_droppath),
                                       cmocka_unit_test(test_dims)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
