/* SPDX-License-Identifier: Apache-2.0 */
/* ops_more -- what other networks need: sigmoid, SiLU, dropout, gates, mean windows, groups, attention; 2-D. tests/unit
 */
#include "tests/unit/ops.h"

static size_t volume(const int dim[3])
{
    return (size_t)(dim[0] * dim[1] * dim[2]);
}

/* ---- flat: N C ---- */

static void flat_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    *y = x[0] = (size_t)(n[0] * n[1]);
    *extra = 0;
}

/* One input, one output of the same size. */
struct flat {
    size_t count;
    float *x, *dx, *y, *dy;
};
static struct flat flat_open(struct job *j)
{
    size_t count = (size_t)(j->n[0] * j->n[1]);
    struct backend *b = j->b;
    return (struct flat){count, device_rows(b, j->x[0], count), device_rows(b, j->dx[0], count),
                         device_rows(b, NULL, count), device_rows(b, j->dy, count)};
}

static void flat_done(struct job *j, struct flat *f)
{
    rows_done(j->b, NULL, f->x, f->count);
    rows_done(j->b, NULL, f->dy, f->count);
    rows_done(j->b, j->y, f->y, f->count);
    rows_done(j->b, j->dx[0], f->dx, f->count);
}

static void sigmoid_run(struct job *j)
{
    struct flat f = flat_open(j);
    j->b->sigmoid_forward(j->b, f.y, f.x, f.count);
    j->b->sigmoid_backward(j->b, f.dx, f.dy, f.y, f.count);
    flat_done(j, &f);
}

static void silu_run(struct job *j)
{
    struct flat f = flat_open(j);
    j->b->silu_forward(j->b, f.y, f.x, f.count, ROWS);
    j->b->silu_backward(j->b, f.dx, f.dy, f.x, f.count, ROWS);
    flat_done(j, &f);
}

static void softmax_run(struct job *j)
{
    struct flat f = flat_open(j);
    j->b->softmax(j->b, f.y, f.x, j->n[0], j->n[1]);
    j->b->softmax_backward(j->b, f.dx, f.dy, f.y, j->n[0], j->n[1]);
    flat_done(j, &f);
}

/* on the device, as recorded steps read it */
static struct dropout_draw *draw_put(struct backend *b, uint64_t seed, uint64_t step)
{
    const struct dropout_draw draw = {seed, step};
    struct dropout_draw *at = b->alloc(b, sizeof *at);
    b->put(b, at, &draw, sizeof draw);
    return at;
}

static void dropout_run(struct job *j)
{
    struct flat f = flat_open(j);
    struct dropout_draw *draw = draw_put(j->b, 5, 3);
    j->b->dropout_forward(j->b, f.y, f.x, j->n[0], j->n[1], 0.3f, draw, 77);
    j->b->dropout_backward(j->b, f.dx, f.dy, j->n[0], j->n[1], 0.3f, draw, 77);
    j->b->release(j->b, draw);
    flat_done(j, &f);
}

/* out may be one of the two: here it is the first */
static void add_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    flat_sizes(n, x, y, extra);
    x[1] = x[0];
}

static void add_run(struct job *j)
{
    struct backend *b = j->b;
    size_t count = (size_t)(j->n[0] * j->n[1]);
    float *y = device_rows(b, j->x[0], count), *x = device_rows(b, j->x[1], count);
    b->add(b, y, y, x, count, ROWS);
    rows_done(b, NULL, x, count);
    rows_done(b, j->y, y, count);
}

static void extremes(struct job *j)
{
    for (int i = 0; i < j->n[0] * j->n[1]; i++)
        j->x[0][i] *= j->n[2] ? 100 : 1; /* exp overflows unless it is asked with care */
}

static const int flat_shapes[][NUMBERS] = {{1, 1}, {7, 33}, {190, 301}};
static const int extreme_shapes[][NUMBERS] = {{7, 33, 1}};

/* ---- gate: N C, dim 3 ---- */

static void gate_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[1] = (size_t)(n[0] * n[1]);
    *y = x[0] = x[1] * volume(n + 2);
    *extra = 0;
}

static void gate_run(struct job *j)
{
    struct backend *b = j->b;
    const int *n = j->n, N = n[0], C = n[1];
    struct image m = {N, C, {n[2], n[3], n[4]}, false};
    size_t rows = (size_t)(N * C);
    float *x = device_image(b, j->x[0], &m), *dx = device_image(b, j->dx[0], &m), *y = device_image(b, NULL, &m),
          *dy = device_image(b, j->dy, &m);
    float *scale = device_rows(b, j->x[1], rows), *dscale = device_rows(b, j->dx[1], rows);
    b->gate_forward(b, y, x, scale, N, C, n + 2);
    b->gate_backward(b, dx, dscale, dy, x, scale, N, C, n + 2);
    b->gate_backward(b, NULL, NULL, dy, x, scale, N, C, n + 2); /* nobody asks: nothing happens */
    image_done(b, NULL, x, &m);
    image_done(b, NULL, dy, &m);
    image_done(b, j->y, y, &m);
    image_done(b, j->dx[0], dx, &m);
    rows_done(b, NULL, scale, rows);
    rows_done(b, j->dx[1], dscale, rows);
}
static const int gate_shapes[][NUMBERS] = {{3, 16, 2, 3, 1}, {5, 33, 2, 2, 3}, {4, 3, 3, 2, 2}, {2, 20, 1, 1, 1}};

/* ---- slice: N C, dim 3, first, count; image 1 or rows 0 ---- */

static void slice_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = (size_t)(n[0] * n[1]) * volume(n + 2);
    *y = (size_t)(n[0] * n[6]) * volume(n + 2);
    *extra = 0;
}

static void slice_run(struct job *j)
{
    struct backend *b = j->b;
    const int *n = j->n;
    enum layout layout = n[7] ? IMAGE : ROWS;
    struct image in = {n[0], n[1], {n[2], n[3], n[4]}, false}, out = in;
    out.C = n[6];
    size_t from = (size_t)(n[0] * n[1]), to = (size_t)(n[0] * n[6]);
    float *x = n[7] ? device_image(b, j->x[0], &in) : device_rows(b, j->x[0], from),
          *dx = n[7] ? device_image(b, j->dx[0], &in) : device_rows(b, j->dx[0], from),
          *y = n[7] ? device_image(b, NULL, &out) : device_rows(b, NULL, to),
          *dy = n[7] ? device_image(b, j->dy, &out) : device_rows(b, j->dy, to);
    b->channels_put(b, y, n[6], 0, x, n[1], n[5], n[6], n[0], n + 2, layout, false);
    b->channels_put(b, dx, n[1], n[5], dy, n[6], 0, n[6], n[0], n + 2, layout, true);
    if (n[7]) {
        image_done(b, NULL, x, &in);
        image_done(b, NULL, dy, &out);
        image_done(b, j->y, y, &out);
        image_done(b, j->dx[0], dx, &in);
    } else {
        rows_done(b, NULL, x, from);
        rows_done(b, NULL, dy, to);
        rows_done(b, j->y, y, to);
        rows_done(b, j->dx[0], dx, from);
    }
}
static const int slice_shapes[][NUMBERS] = {
    {5, 9, 1, 1, 1, 3, 6, 0}, {190, 301, 1, 1, 1, 17, 200, 0}, {3, 2, 3, 2, 4, 1, 1, 1},
    {2, 2, 5, 3, 1, 0, 1, 1}, {3, 40, 2, 2, 3, 7, 20, 1},      {2, 33, 2, 1, 3, 16, 17, 1},
};

/* ---- tokens: N C, dim 3 ---- */

static void tokens_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    *y = x[0] = (size_t)(n[0] * n[1]) * volume(n + 2);
    *extra = 0;
}

static void tokens_run(struct job *j)
{
    struct backend *b = j->b;
    const int *n = j->n;
    struct image m = {n[0], n[1], {n[2], n[3], n[4]}, false};
    size_t count = (size_t)(n[0] * n[1]) * volume(n + 2);
    float *x = device_image(b, j->x[0], &m), *dx = device_image(b, j->dx[0], &m), *y = device_rows(b, NULL, count),
          *dy = device_rows(b, j->dy, count);
    b->tokens_forward(b, y, x, n[0], n[1], n + 2);
    b->tokens_backward(b, dx, dy, n[0], n[1], n + 2);
    image_done(b, NULL, x, &m);
    image_done(b, j->dx[0], dx, &m);
    rows_done(b, j->y, y, count);
    rows_done(b, NULL, dy, count);
}

/* ---- mean over tokens: N T C ---- */

static void tokenmean_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    x[0] = (size_t)(n[0] * n[1] * n[2]);
    *y = (size_t)(n[0] * n[2]);
    *extra = 0;
}

static void tokenmean_run(struct job *j)
{
    struct backend *b = j->b;
    const int *n = j->n;
    size_t in = (size_t)(n[0] * n[1] * n[2]), out = (size_t)(n[0] * n[2]);
    float *x = device_rows(b, j->x[0], in), *dx = device_rows(b, j->dx[0], in), *y = device_rows(b, NULL, out),
          *dy = device_rows(b, j->dy, out);
    b->tokenmean_forward(b, y, x, n[0], n[1], n[2]);
    b->tokenmean_backward(b, dx, dy, n[0], n[1], n[2]);
    rows_done(b, NULL, x, in);
    rows_done(b, NULL, dy, out);
    rows_done(b, j->y, y, out);
    rows_done(b, j->dx[0], dx, in);
}
static const int tokenmean_shapes[][NUMBERS] = {{1, 1, 5}, {3, 7, 9}, {20, 64, 48}};

/* ---- mean windows: N C, in 3, kernel, stride, pad ---- */

static struct pool_shape pool_of(const int *n)
{
    struct pool_shape s = {.N = n[0], .C = n[1], .in = {n[2], n[3], n[4]}, .kernel = n[5], .stride = n[6], .pad = n[7]};
    pool_out_dims(&s);
    return s;
}

static void meanpool_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    struct pool_shape s = pool_of(n);
    x[0] = (size_t)(s.N * s.C) * volume(s.in);
    *y = (size_t)(s.N * s.C) * volume(s.out);
    *extra = 0;
}

static void meanpool_run(struct job *j)
{
    struct backend *b = j->b;
    struct pool_shape s = pool_of(j->n);
    struct image in = {s.N, s.C, {s.in[0], s.in[1], s.in[2]}, false},
                 out = {s.N, s.C, {s.out[0], s.out[1], s.out[2]}, false};
    float *x = device_image(b, j->x[0], &in), *y = device_image(b, NULL, &out);
    float *dx = device_image(b, j->dx[0], &in), *dy = device_image(b, j->dy, &out);
    b->meanpool_forward(b, y, x, &s);
    b->meanpool_backward(b, dx, dy, &s);
    image_done(b, NULL, x, &in);
    image_done(b, NULL, dy, &out);
    image_done(b, j->y, y, &out);
    image_done(b, j->dx[0], dx, &in);
}
static const int meanpool_shapes[][NUMBERS] = {
    {3, 16, 4, 4, 4, 2, 2, 0}, {3, 17, 4, 5, 6, 3, 2, 1}, {2, 3, 5, 4, 3, 3, 1, 1}, {70, 33, 3, 3, 3, 2, 1, 0},
    {2, 20, 4, 4, 4, 2, 3, 0}, {3, 18, 1, 6, 4, 3, 2, 1}, /* 2-D: a window is clipped to the one plane */
};

/* ---- groups: N C O, in 3, kernel 3, stride 3, pad 3, groups ---- */

static struct conv_shape group_of(const int *n)
{
    struct conv_shape s = {.N = n[0], .C = n[1], .O = n[2]};
    for (int a = 0; a < 3; a++) {
        s.in[a] = n[3 + a];
        s.kernel[a] = n[6 + a];
        s.stride[a] = n[9 + a];
        s.pad[a] = n[12 + a];
    }
    conv_out_dims(&s);
    return s;
}

static void group_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    struct conv_shape s = group_of(n);
    x[0] = (size_t)(s.N * s.C) * volume(s.in);
    x[1] = (size_t)(s.O * (s.C / n[15])) * volume(s.kernel);
    *y = (size_t)(s.N * s.O) * volume(s.out);
    *extra = 0;
}

static void group_run(struct job *j)
{
    struct backend *b = j->b;
    struct conv_shape s = group_of(j->n);
    int groups = j->n[15];
    struct image in = {s.N, s.C, {s.in[0], s.in[1], s.in[2]}, false},
                 out = {s.N, s.O, {s.out[0], s.out[1], s.out[2]}, false};
    struct image w = {s.O, s.C / groups, {s.kernel[0], s.kernel[1], s.kernel[2]}, true};
    float *x = device_image(b, j->x[0], &in), *weight = device_image(b, j->x[1], &w), *y = device_image(b, NULL, &out);
    float *dx = device_image(b, j->dx[0], &in), *dweight = device_image(b, j->dx[1], &w),
          *dy = device_image(b, j->dy, &out);
    b->group_forward(b, y, x, weight, &s, groups);
    b->group_backward_data(b, dx, dy, weight, &s, groups);
    b->group_backward_weight(b, dweight, dy, x, &s, groups);
    image_done(b, NULL, x, &in);
    image_done(b, NULL, weight, &w);
    image_done(b, NULL, dy, &out);
    image_done(b, j->y, y, &out);
    image_done(b, j->dx[0], dx, &in);
    image_done(b, j->dx[1], dweight, &w);
}
static const int group_shapes[][NUMBERS] = {
    {3, 16, 16, 3, 4, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 16}, /* depthwise */
    {5, 33, 33, 4, 3, 2, 3, 3, 3, 1, 2, 1, 1, 1, 1, 33}, /* one channel past two blocks */
    {2, 20, 20, 1, 6, 5, 1, 5, 5, 1, 2, 2, 0, 2, 2, 20}, /* in 2-D, as EfficientNet's */
    {3, 5, 5, 3, 3, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 5},    /* thin */
    {2, 8, 24, 3, 3, 2, 3, 3, 3, 2, 1, 1, 1, 1, 1, 8},   /* three of each */
    {3, 24, 36, 3, 3, 2, 3, 2, 3, 1, 1, 2, 1, 0, 1, 2},  /* two groups */
    {2, 6, 9, 2, 3, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 3},
    {2, 17, 18, 2, 2, 2, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* one group: an ordinary convolution */
};

/* One group is what conv does: the same numbers to rounding. */
static void test_one_group(void **state)
{
    (void)state;
    struct backend *b = open_cpu(NULL, 2);
    const int *n = group_shapes[COUNT_OF(group_shapes) - 1];
    struct conv_shape s = group_of(n);
    struct image in = {s.N, s.C, {s.in[0], s.in[1], s.in[2]}, false},
                 out = {s.N, s.O, {s.out[0], s.out[1], s.out[2]}, false};
    struct image w = {s.O, s.C, {s.kernel[0], s.kernel[1], s.kernel[2]}, true};
    struct held h = {0};
    group_sizes(n, h.x, &h.y, &h.extra);
    float *x = xalloc(h.x[0] + h.x[1] + 2 * h.y, sizeof *x), *weight = x + h.x[0], *a = weight + h.x[1], *c = a + h.y;
    fill(x, h.x[0], 1);
    fill(weight, h.x[1], 2);
    float *dx = device_image(b, x, &in), *dw = device_image(b, weight, &w), *da = device_image(b, NULL, &out),
          *dc = device_image(b, NULL, &out);
    struct conv *conv = b->conv_open(b, &s);
    b->group_forward(b, da, dx, dw, &s, 1);
    b->conv_forward(b, dc, dx, dw, conv);
    b->conv_close(b, conv);
    image_done(b, NULL, dx, &in);
    image_done(b, NULL, dw, &w);
    image_done(b, a, da, &out);
    image_done(b, c, dc, &out);
    assert_true(distance(a, c, h.y) < 1e-6);
    free(x);
    backend_close(&b);
}

/* ---- attention: N T C heads ---- */

static void attention_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    *y = x[0] = x[1] = x[2] = (size_t)(n[0] * n[1] * n[2]);
    *extra = (size_t)(n[0] * n[3] * n[1] * n[1]);
}

static void attention_run(struct job *j)
{
    struct backend *b = j->b;
    const int *n = j->n;
    size_t count = (size_t)(n[0] * n[1] * n[2]), kept = (size_t)(n[0] * n[3] * n[1] * n[1]);
    float *in[3], *din[3], *y = device_rows(b, NULL, count), *dy = device_rows(b, j->dy, count),
                           *prob = device_rows(b, NULL, kept);
    for (int i = 0; i < 3; i++) {
        in[i] = device_rows(b, j->x[i], count);
        din[i] = device_rows(b, j->dx[i], count);
    }
    b->attention_forward(b, y, prob, in[0], in[1], in[2], n[2], n[0], n[1], n[2], n[3]);
    b->attention_backward(b, din[0], din[1], din[2], dy, prob, in[0], in[1], in[2], n[2], n[0], n[1], n[2], n[3]);
    for (int i = 0; i < 3; i++) {
        rows_done(b, NULL, in[i], count);
        rows_done(b, j->dx[i], din[i], count);
    }
    rows_done(b, j->y, y, count);
    rows_done(b, NULL, dy, count);
    rows_done(b, j->extra, prob, kept);
}
static const int attention_shapes[][NUMBERS] = {
    {1, 1, 3, 1}, {2, 5, 12, 3}, {3, 17, 32, 4}, {2, 9, 7, 1}, {1, 64, 48, 2}};

#define SHAPES(list) list, COUNT_OF(list)
/* The table: a row an operation. smooth: the slope is measured on the first so many shapes. */
static const struct {
    struct op op;
    const int (*shape)[NUMBERS];
    size_t shapes, smooth;
} table[] = {
    {{.name = "sigmoid",
      .tolerance = 5e-7,
      .sizes = flat_sizes,
      .run = sigmoid_run,
      .differentiable = 1,
      .shape_inputs = extremes},
     SHAPES(flat_shapes),
     3},
    {{.name = "sigmoid",
      .tolerance = 5e-7,
      .sizes = flat_sizes,
      .run = sigmoid_run,
      .differentiable = 1,
      .shape_inputs = extremes},
     SHAPES(extreme_shapes),
     0},
    {{.name = "silu", .tolerance = 5e-7, .sizes = flat_sizes, .run = silu_run, .differentiable = 1, .shape_inputs = extremes},
     SHAPES(flat_shapes),
     3},
    {{.name = "silu", .tolerance = 5e-7, .sizes = flat_sizes, .run = silu_run, .differentiable = 1, .shape_inputs = extremes},
     SHAPES(extreme_shapes),
     0},
    {{.name = "softmax", .tolerance = 1e-6, .sizes = flat_sizes, .run = softmax_run, .differentiable = 1},
     SHAPES(flat_shapes),
     2},
    {{.name = "dropout", .sizes = flat_sizes, .run = dropout_run, .differentiable = 1}, SHAPES(flat_shapes), 3},
    {{.name = "add", .sizes = add_sizes, .run = add_run}, SHAPES(flat_shapes), 0},
    {{.name = "gate", .tolerance = 2e-7, .sizes = gate_sizes, .run = gate_run, .differentiable = 2},
     SHAPES(gate_shapes),
     COUNT_OF(gate_shapes)},
    {{.name = "slice", .sizes = slice_sizes, .run = slice_run, .differentiable = 1},
     SHAPES(slice_shapes),
     COUNT_OF(slice_shapes)},
    {{.name = "tokens", .sizes = tokens_sizes, .run = tokens_run, .differentiable = 1},
     SHAPES(gate_shapes),
     COUNT_OF(gate_shapes)},
    {{.name = "tokenmean", .tolerance = 2e-7, .sizes = tokenmean_sizes, .run = tokenmean_run, .differentiable = 1},
     SHAPES(tokenmean_shapes),
     COUNT_OF(tokenmean_shapes)},
    {{.name = "meanpool", .tolerance = 5e-7, .sizes = meanpool_sizes, .run = meanpool_run, .differentiable = 1},
     SHAPES(meanpool_shapes),
     3},
    {{.name = "group", .tolerance = 1e-6, .sizes = group_sizes, .run = group_run, .differentiable = 2},
     SHAPES(group_shapes),
     COUNT_OF(group_shapes)},
    {{.name = "attention", .tolerance = 1e-6, .sizes = attention_sizes, .run = attention_run, .differentiable = 3},
     SHAPES(attention_shapes),
     COUNT_OF(attention_shapes)},
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

/* The share that is dropped, that rows do not repeat each other, and that the same index repeats. */
static void test_dropout(void **state)
{
    (void)state;
    enum { N = 40, C = 500 };
    struct backend *b = open_ref();
    static float x[N * C], y[N * C], again[N * C], other[N * C];
    for (int i = 0; i < N * C; i++)
        x[i] = 1;
    struct dropout_draw *draw = draw_put(b, 3, 7), *later = draw_put(b, 3, 8);
    b->dropout_forward(b, y, x, N, C, 0.25f, draw, 1000);
    b->dropout_forward(b, again, x, N, C, 0.25f, draw, 1000);
    b->dropout_forward(b, other, x, N, C, 0.25f, draw, 1000 + N);
    assert_memory_equal(y, again, sizeof y);
    double mean = 0;
    int dropped = 0;
    for (int i = 0; i < N * C; i++) {
        assert_true(y[i] == 0 || y[i] == 1 / 0.75f);
        dropped += y[i] == 0;
        mean += (double)y[i] / (N * C);
    }
    assert_true(abs(dropped - N * C / 4) < 250); /* four standard deviations */
    assert_true(fabs(mean - 1) < 0.02);
    assert_memory_not_equal(y, other, sizeof y);
    assert_memory_not_equal(y, y + C, C * sizeof *y);
    b->dropout_forward(b, other, x, N, C, 0.25f, later, 1000);
    assert_memory_not_equal(y, other, sizeof y);
    b->dropout_forward(b, y, x, N, C, 0, draw, 1000);
    assert_memory_equal(y, x, sizeof y);
    b->release(b, draw);
    b->release(b, later);
    backend_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_emulated_is_built), cmocka_unit_test(test_backends),
                                       cmocka_unit_test(test_slopes), cmocka_unit_test(test_one_group),
                                       cmocka_unit_test(test_dropout)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
