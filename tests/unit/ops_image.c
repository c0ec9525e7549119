/* SPDX-License-Identifier: Apache-2.0 */
/* ops_image -- convolution, batch normalisation, pooling.   tests/unit */
#include "tests/unit/ops.h"

/* ---- conv: N C O, in 3, kernel 3, stride 3, pad 3, same? ---- */

static struct conv_shape conv_of(const int *n)
{
    struct conv_shape s = {.N = n[0], .C = n[1], .O = n[2]};
    for (int a = 0; a < 3; a++) {
        s.in[a] = n[3 + a];
        s.kernel[a] = n[6 + a];
        s.stride[a] = n[9 + a];
        s.pad[a] = n[12 + a];
    }
    (n[15] ? conv_same_dims : conv_out_dims)(&s);
    return s;
}

static size_t volume(const int dim[3])
{
    return (size_t)(dim[0] * dim[1] * dim[2]);
}

static void conv_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    struct conv_shape s = conv_of(n);
    x[0] = (size_t)(s.N * s.C) * volume(s.in);
    x[1] = (size_t)(s.O * s.C) * (size_t)conv_live_taps(&s, NULL);
    *y = (size_t)(s.N * s.O) * volume(s.out);
    *extra = 0;
}

static void conv_run(struct job *j)
{
    struct backend *b = j->b;
    struct conv_shape s = conv_of(j->n);
    struct image in = {s.N, s.C, {s.in[0], s.in[1], s.in[2]}, false},
                 out = {s.N, s.O, {s.out[0], s.out[1], s.out[2]}, false};
    struct image w = {s.O, s.C, {conv_live_taps(&s, NULL), 1, 1}, true};
    float *x = device_image(b, j->x[0], &in), *weight = device_image(b, j->x[1], &w), *y = device_image(b, NULL, &out);
    float *dx = device_image(b, j->dx[0], &in), *dweight = device_image(b, j->dx[1], &w),
          *dy = device_image(b, j->dy, &out);
    struct conv *c = b->conv_open(b, &s);
    b->conv_forward(b, y, x, weight, c);
    b->conv_backward_data(b, dx, dy, weight, c);
    b->conv_backward_weight(b, dweight, dy, x, c);
    b->conv_close(b, c);
    image_done(b, NULL, x, &in);
    image_done(b, NULL, weight, &w);
    image_done(b, NULL, dy, &out);
    image_done(b, j->y, y, &out);
    image_done(b, j->dx[0], dx, &in);
    image_done(b, j->dx[1], dweight, &w);
}

static const struct op conv_op = {
    .name = "conv", .tolerance = 2e-6, .sizes = conv_sizes, .run = conv_run, .differentiable = 2};

static const int conv_shapes[][NUMBERS] = {
    {5, 1, 64, 4, 8, 8, 7, 7, 7, 1, 2, 2, 3, 3, 3}, /* the stem, on a smaller box */
    {5, 2, 64, 4, 8, 8, 7, 7, 7, 1, 2, 2, 3, 3, 3}, /* the same of PET and CT */
    {33, 1, 16, 3, 4, 5, 3, 3, 3, 1, 1, 1, 1, 1, 1},
    {17, 2, 20, 5, 4, 3, 3, 2, 3, 2, 1, 2, 1, 0, 1}, /* two channels in, nothing cubic */
    {3, 1, 1, 4, 4, 4, 3, 3, 3, 1, 1, 1, 1, 1, 1},
    {4, 7, 5, 3, 3, 3, 3, 3, 3, 2, 2, 2, 1, 1, 1}, /* thin in, thin out */
    {6, 24, 3, 3, 2, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1},
    {1, 16, 16, 2, 2, 2, 3, 3, 3, 1, 1, 1, 1, 1, 1},
    {5, 17, 33, 4, 3, 2, 3, 3, 3, 1, 2, 1, 1, 1, 1}, /* one past a block, both ways */
    {33, 32, 48, 3, 3, 3, 3, 3, 3, 2, 2, 2, 1, 1, 1},
    {61, 48, 80, 2, 1, 1, 3, 3, 3, 2, 2, 2, 1, 1, 1},  /* mostly dead taps; past one cut of boxes */
    {130, 16, 32, 1, 1, 1, 3, 3, 3, 1, 1, 1, 1, 1, 1}, /* one tap lives; past 128 boxes */
    {13, 32, 16, 4, 4, 4, 1, 1, 1, 2, 2, 2, 0, 0, 0},  /* a shortcut */
    {2, 16, 16, 5, 5, 5, 2, 2, 2, 3, 3, 3, 0, 0, 0},   /* inputs no tap meets */
    {2, 3, 16, 2, 2, 2, 3, 3, 3, 1, 1, 1, 3, 3, 3},    /* outputs no tap meets */
    {4, 1, 32, 6, 5, 4, 3, 3, 3, 2, 2, 2, 0, 0, 0, 1}, /* "same": one voxel of padding, behind; EfficientNet's stem */
    {3, 16, 20, 4, 3, 2, 5, 5, 5, 2, 2, 2, 0, 0, 0, 1},
};
static void test_conv(void **state)
{
    (void)state;
    check_backends(&conv_op, conv_shapes, COUNT_OF(conv_shapes));
}
static void test_conv_slope(void **state)
{
    (void)state;
    check_slopes(&conv_op, conv_shapes, 10);
}

static void must_be_exact(const struct op *op, const int *n, const char *what, const char *who, const float *a,
                          const float *b, size_t count)
{
    must_be_within(op, n, what, who, a, b, count, 3e-6);
}
static void must_be_rounded(const struct op *op, const int *n, const char *what, const char *who, const float *a,
                            const float *b, size_t count)
{
    must_be_within(op, n, what, who, a, b, count, 4e-3);
}

/* The cpu's bfloat16: where inputs are that already nothing is rounded, and only the order of sums sets it apart from ref;
 * otherwise every factor is off by up to 2^-9. */
static void test_conv_bfloat16(void **state)
{
    (void)state;
    struct error e = {0};
    struct backend *ref = open_ref(), *b[3] = {NULL};
    for (int k = 0; k < 3; k++)
        if (!(b[k] = backend_open("cpu", k + 1, BFLOAT16, &e))) {
            print_message("not run: %s\n", e.text);
            assert_int_equal(e.code, EX_UNAVAILABLE);
            backend_close(&ref);
            skip();
        }
    double furthest = 0;
    for (size_t i = 0; i < COUNT_OF(conv_shapes); i++)
        for (int given = FLOAT32; given <= BFLOAT16; given++) {
            const int *n = conv_shapes[i];
            struct held expected = job_run(&conv_op, n, ref, (enum precision)given),
                        one = job_run(&conv_op, n, b[0], (enum precision)given);
            each_result(&conv_op, n, b[0]->device, &one, &expected, given == BFLOAT16 ? must_be_exact : must_be_rounded);
            furthest = given == FLOAT32 ? fmax(furthest, distance(one.job.y, expected.job.y, one.y)) : furthest;
            for (int more = 1; more < 3; more++) {
                struct held h = job_run(&conv_op, n, b[more], (enum precision)given);
                each_result(&conv_op, n, "more threads", &one, &h, must_be_same);
                job_close(&h);
            }
            job_close(&expected);
            job_close(&one);
        }
    assert_true(furthest > 1e-4); /* it is not float32 after all */
    backend_close(&ref);
    for (int k = 0; k < 3; k++)
        backend_close(&b[k]);
}

/* a tap that lives has a weight, and its gradient is that of the same tap of a whole kernel */
/* Every way the cuda back end has (kernels/cuda/conv_form.h), not only the one it would choose. Runs round once for each run of a
 * position, so they are asked for what they are for: positions of one run, ResNet18's layers 3 and 4. */
static void test_conv_forms(void **state)
{
    (void)state;
    static const char *const every[] = {"direct", "unfold-w", "unfold-hw", "columns"};
    static const int run_shapes[][NUMBERS] = {
        {6, 16, 24, 4, 2, 2, 3, 3, 3, 2, 2, 2, 1, 1, 1}, {6, 24, 24, 2, 1, 1, 3, 3, 3, 1, 1, 1, 1, 1, 1},
        {6, 16, 24, 4, 2, 2, 1, 1, 1, 2, 2, 2, 0, 0, 0}, {5, 24, 40, 2, 1, 1, 3, 3, 3, 2, 2, 2, 1, 1, 1},
        {7, 40, 40, 1, 1, 1, 3, 3, 3, 1, 1, 1, 1, 1, 1}, {5, 24, 40, 2, 1, 1, 1, 1, 1, 2, 2, 2, 0, 0, 0},
        {4, 9, 7, 2, 3, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0},  /* all positions in one product */
        {2, 3, 16, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, /* 26 outputs of 27 that no tap meets */
    };
    for (size_t i = 0; i < COUNT_OF(every); i++) {
        setenv("PETREL_CUDA_CONV", every[i], 1);
        check_emulated(&conv_op, conv_shapes, COUNT_OF(conv_shapes));
        check_emulated(&conv_op, run_shapes, COUNT_OF(run_shapes));
    }
    setenv("PETREL_CUDA_CONV", "runs", 1);
    check_emulated(&conv_op, run_shapes, COUNT_OF(run_shapes));
    unsetenv("PETREL_CUDA_CONV");
    check_emulated(&conv_op, conv_shapes, COUNT_OF(conv_shapes));
    check_emulated(&conv_op, run_shapes, COUNT_OF(run_shapes));
}

static void test_conv_live_taps(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(conv_shapes); i++) {
        struct conv_shape s = conv_of(conv_shapes[i]);
        int tap[343], live = conv_live_taps(&s, tap), found = 0;
        assert_int_equal(live, conv_live_taps(&s, NULL));
        for (int t = 0; t < conv_taps(&s); t++) {
            bool meets = false;
            for (int p = 0; p < (int)volume(s.out) && !meets; p++) {
                const int at[3] = {p / s.out[2] / s.out[1], p / s.out[2] % s.out[1], p % s.out[2]};
                const int k[3] = {t / s.kernel[2] / s.kernel[1], t / s.kernel[2] % s.kernel[1], t % s.kernel[2]};
                meets = true;
                for (int a = 0; a < 3; a++) {
                    int x = at[a] * s.stride[a] + k[a] - s.pad[a];
                    meets = meets && x >= 0 && x < s.in[a];
                }
            }
            if (meets) {
                assert_true(found < live);
                assert_int_equal(tap[found++], t);
            }
        }
        assert_int_equal(found, live);
    }
    /* the four kinds of ResNet18 on a box of 16^3, and what they hold */
    struct conv_shape s = {
        .N = 1, .C = 1, .O = 1, .in = {2, 1, 1}, .kernel = {3, 3, 3}, .stride = {2, 2, 2}, .pad = {1, 1, 1}};
    conv_out_dims(&s);
    int tap[27];
    assert_int_equal(conv_live_taps(&s, tap), 2);
    assert_true(tap[0] == 13 && tap[1] == 22);
}

/* ---- norm: N C, dim 3, views, rows?, relu?, residual?, evaluation?, 1: eps and momentum of its own; 2: its parameters frozen ---- */

static struct norm_shape norm_of(const int *n)
{
    return (struct norm_shape){.layout = n[6] ? ROWS : IMAGE,
                               .N = n[0],
                               .C = n[1],
                               .dim = {n[2], n[3], n[4]},
                               .views = n[5],
                               .eps = n[10] == 1 ? 0.03 : 0,
                               .momentum = n[10] == 1 ? 0.4 : 0};
}

/* inputs: x, residual, gamma, beta, running mean, running variance */
static void norm_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    size_t C = (size_t)n[1];
    *y = x[0] = x[1] = (size_t)n[0] * C * volume(n + 2);
    x[2] = x[3] = x[4] = x[5] = C;
    *extra = n[9] ? 0 : 2 * (size_t)n[5] * C + 2 * C;
}

static void norm_inputs(struct job *j)
{
    size_t C = (size_t)j->n[1];
    for (size_t c = 0; c < C; c++)
        j->x[5][c] = fabsf(j->x[5][c]) + 0.1f;
    if (j->n[9]) /* nothing differentiates evaluation: leave the gradients as they are */
        return;
    for (size_t i = 0, P = volume(j->n + 2); i < (size_t)j->n[0] * C * P; i++)
        j->x[0][i] = 0.7f * j->x[0][i] + 3 * (float)(i / P % C); /* means far from 0 */
}

static float *norm_put(struct backend *b, const struct norm_shape *s, const float *host, size_t count)
{
    struct image m = {s->N, s->C, {s->dim[0], s->dim[1], s->dim[2]}, false};
    return s->layout == ROWS ? device_rows(b, host, count) : device_image(b, host, &m);
}

static void norm_done(struct backend *b, const struct norm_shape *s, float *host, float *at, size_t count)
{
    struct image m = {s->N, s->C, {s->dim[0], s->dim[1], s->dim[2]}, false};
    if (s->layout == ROWS)
        rows_done(b, host, at, count);
    else
        image_done(b, host, at, &m);
}

static void norm_run(struct job *j)
{
    struct backend *b = j->b;
    struct norm_shape s = norm_of(j->n);
    bool relu = j->n[7], residual = j->n[8], training = !j->n[9];
    size_t C = (size_t)s.C, count = (size_t)s.N * C * volume(s.dim), V = (size_t)s.views;
    float *x = norm_put(b, &s, j->x[0], count), *y = norm_put(b, &s, NULL, count),
          *add = residual ? norm_put(b, &s, j->x[1], count) : NULL;
    float *gamma = device_rows(b, j->x[2], C), *beta = device_rows(b, j->x[3], C);
    float *mean = device_rows(b, NULL, V * C), *rstd = device_rows(b, NULL, V * C);
    float *running_mean = device_rows(b, j->x[4], C), *running_var = device_rows(b, j->x[5], C);
    b->norm_forward(b, y, mean, rstd, running_mean, running_var, x, add, gamma, beta, &s, relu, training);
    if (training) {
        float *dx = norm_put(b, &s, j->dx[0], count), *dadd = residual ? norm_put(b, &s, j->dx[1], count) : NULL;
        float *dgamma = device_rows(b, j->dx[2], C), *dbeta = device_rows(b, j->dx[3], C),
              *dy = norm_put(b, &s, j->dy, count);
        b->norm_backward(b, dx, dadd, j->n[10] == 2 ? NULL : dgamma, j->n[10] == 2 ? NULL : dbeta, dy, y, x, mean, rstd,
                         gamma, &s, relu);
        norm_done(b, &s, j->dx[0], dx, count);
        if (dadd)
            norm_done(b, &s, j->dx[1], dadd, count);
        rows_done(b, j->dx[2], dgamma, C);
        rows_done(b, j->dx[3], dbeta, C);
        norm_done(b, &s, NULL, dy, count);
    }
    norm_done(b, &s, j->y, y, count);
    norm_done(b, &s, NULL, x, count);
    if (add)
        norm_done(b, &s, NULL, add, count);
    rows_done(b, NULL, gamma, C);
    rows_done(b, NULL, beta, C);
    rows_done(b, training ? j->extra : NULL, mean, V * C);
    rows_done(b, training ? j->extra + V * C : NULL, rstd, V * C);
    rows_done(b, training ? j->extra + 2 * V * C : NULL, running_mean, C);
    rows_done(b, training ? j->extra + 2 * V * C + C : NULL, running_var, C);
}

static const struct op norm_op = {.name = "norm",
                                  .sizes = norm_sizes,
                                  .run = norm_run,
                                  .differentiable = 4,
                                  .tolerance = 5e-6,
                                  .shape_inputs = norm_inputs};
static const int norm_shapes[][NUMBERS] = {
    {6, 16, 2, 3, 2, 2, 0, 0, 0, 0},    {6, 16, 2, 3, 2, 2, 0, 1, 0, 0},
    {6, 33, 3, 3, 4, 2, 0, 1, 1, 0}, /* past one chunk of positions, one channel past a block */
    {5, 20, 1, 1, 1, 1, 0, 1, 1, 0},    {6, 3, 2, 2, 3, 3, 0, 1, 1, 0},    /* thin */
    {7, 1, 3, 1, 2, 1, 0, 0, 0, 0},     {600, 17, 1, 1, 1, 2, 0, 1, 0, 0}, /* past one run of rows */
    {10, 70, 1, 1, 1, 2, 1, 1, 0, 0},                                      /* ROWS */
    {8, 5, 1, 1, 1, 2, 1, 0, 1, 0},     {540, 16, 1, 1, 1, 2, 1, 0, 0, 0},
    {1, 19, 2, 2, 2, 1, 0, 1, 1, 1}, /* evaluation */
    {6, 33, 3, 3, 4, 2, 0, 1, 1, 0, 1}, {10, 7, 1, 1, 1, 2, 1, 0, 0, 0, 1},
    {3, 21, 2, 2, 1, 1, 0, 1, 0, 1, 1}, {6, 16, 2, 3, 2, 2, 0, 1, 0, 0, 2},
    {10, 7, 1, 1, 1, 2, 1, 0, 0, 0, 2}, {3, 2, 2, 2, 2, 1, 0, 0, 0, 1},
    {3, 21, 1, 1, 1, 1, 1, 1, 0, 1},
};
static void test_norm(void **state)
{
    (void)state;
    check_backends(&norm_op, norm_shapes, COUNT_OF(norm_shapes));
}

static const int norm_smooth[][NUMBERS] = {
    {6, 4, 2, 3, 2, 2, 0, 0, 0, 0},
    {6, 3, 3, 2, 2, 2, 0, 0, 1, 0},
    {10, 7, 1, 1, 1, 2, 1, 0, 0, 0},
    {12, 3, 3, 2, 2, 3, 0, 1, 1, 0},
};
static void test_norm_slope(void **state)
{
    (void)state;
    check_slopes(&norm_op, norm_smooth, COUNT_OF(norm_smooth));
}

/* Two views in one call are two calls: the same outputs and statistics, running statistics moved twice. */
static void test_norm_views(void **state)
{
    (void)state;
    enum { N = 6, C = 18 };
    struct backend *b = open_cpu(NULL, 2);
    float x[N * C], gamma[C], beta[C], both[N * C], apart[N * C], mean[2 * C], rstd[2 * C], mean_apart[2 * C],
        rstd_apart[2 * C];
    float running[2][C] = {{0}}, variance[2][C];
    fill(x, N * C, 1);
    fill(gamma, C, 2);
    fill(beta, C, 3);
    for (int c = 0; c < C; c++)
        variance[0][c] = variance[1][c] = 1;
    struct norm_shape s = {.layout = ROWS, .N = N, .C = C, .dim = {1, 1, 1}, .views = 2}, half = s;
    half.N = N / 2;
    half.views = 1;
    b->norm_forward(b, both, mean, rstd, running[0], variance[0], x, NULL, gamma, beta, &s, true, true);
    for (int v = 0; v < 2; v++)
        b->norm_forward(b, apart + v * N / 2 * C, mean_apart + v * C, rstd_apart + v * C, running[1], variance[1],
                        x + v * N / 2 * C, NULL, gamma, beta, &half, true, true);
    assert_memory_equal(both, apart, sizeof both);
    assert_memory_equal(mean, mean_apart, sizeof mean);
    assert_memory_equal(rstd, rstd_apart, sizeof rstd);
    assert_memory_equal(running[0], running[1], sizeof running[0]);
    assert_memory_equal(variance[0], variance[1], sizeof variance[0]);
    backend_close(&b);
}

/* ---- pooling: N C, in 3, kernel, stride, pad, ties?, ceil? ---- */

static struct pool_shape pool_of(const int *n)
{
    struct pool_shape s = {
        .N = n[0], .C = n[1], .in = {n[2], n[3], n[4]}, .kernel = n[5], .stride = n[6], .pad = n[7], .ceil = n[9]};
    pool_out_dims(&s);
    return s;
}

static void pool_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    struct pool_shape s = pool_of(n);
    x[0] = (size_t)(s.N * s.C) * volume(s.in);
    *y = (size_t)(s.N * s.C) * volume(s.out);
    *extra = 0;
}

/* Few different values: ties abound, and the first in image order must win in every back end. */
static void pool_inputs(struct job *j)
{
    struct pool_shape s = pool_of(j->n);
    if (j->n[8])
        for (size_t i = 0; i < (size_t)(s.N * s.C) * volume(s.in); i++)
            j->x[0][i] = roundf(j->x[0][i]) - 2;
}

static void pool_run(struct job *j)
{
    struct backend *b = j->b;
    struct pool_shape s = pool_of(j->n);
    struct image in = {s.N, s.C, {s.in[0], s.in[1], s.in[2]}, false},
                 out = {s.N, s.C, {s.out[0], s.out[1], s.out[2]}, false};
    float *x = device_image(b, j->x[0], &in), *y = device_image(b, NULL, &out), *where = device_image(b, NULL, &out);
    float *dx = device_image(b, j->dx[0], &in), *dy = device_image(b, j->dy, &out);
    b->maxpool_forward(b, y, (int32_t *)(void *)where, x, &s);
    b->maxpool_backward(b, dx, dy, (const int32_t *)(const void *)where, &s);
    image_done(b, NULL, x, &in);
    image_done(b, j->y, y, &out);
    image_done(b, NULL, dy, &out);
    image_done(b, j->dx[0], dx, &in);
    rows_done(b, NULL, where, image_floats(b, &out));
}

static const struct op pool_op = {
    .name = "maxpool", .sizes = pool_sizes, .run = pool_run, .differentiable = 1, .shape_inputs = pool_inputs};
static const int pool_shapes[][NUMBERS] = {
    {3, 16, 4, 5, 6, 3, 2, 1},       {3, 17, 4, 5, 6, 3, 2, 1, 1}, {2, 3, 5, 4, 3, 3, 2, 1, 1},
    {70, 33, 3, 3, 3, 2, 1, 0, 1},   {1, 20, 4, 4, 4, 2, 3, 1, 0}, {3, 17, 8, 7, 6, 3, 2, 0, 1, 1},
    {2, 16, 4, 4, 4, 2, 2, 0, 0, 1}, {5, 1, 6, 6, 6, 3, 2, 1, 1},
};
static void test_maxpool(void **state)
{
    (void)state;
    check_backends(&pool_op, pool_shapes, COUNT_OF(pool_shapes));
}

static void avgpool_sizes(const int *n, size_t x[INPUTS], size_t *y, size_t *extra)
{
    *y = (size_t)(n[0] * n[1]);
    x[0] = *y * volume(n + 2);
    *extra = 0;
}

static void avgpool_run(struct job *j)
{
    struct backend *b = j->b;
    const int *n = j->n;
    struct image in = {n[0], n[1], {n[2], n[3], n[4]}, false};
    size_t count = (size_t)(n[0] * n[1]);
    float *x = device_image(b, j->x[0], &in), *dx = device_image(b, j->dx[0], &in), *y = device_rows(b, NULL, count);
    float *dy = device_rows(b, j->dy, count);
    b->avgpool_forward(b, y, x, n[0], n[1], n + 2);
    b->avgpool_backward(b, dx, dy, n[0], n[1], n + 2);
    image_done(b, NULL, x, &in);
    image_done(b, j->dx[0], dx, &in);
    rows_done(b, j->y, y, count);
    rows_done(b, NULL, dy, count);
}

static const struct op avgpool_op = {
    .name = "avgpool", .tolerance = 2e-7, .sizes = avgpool_sizes, .run = avgpool_run, .differentiable = 1};
static const int avgpool_shapes[][NUMBERS] = {{5, 16, 1, 1, 1}, {3, 19, 2, 3, 1}, {4, 3, 2, 2, 3}};
static void test_avgpool(void **state)
{
    (void)state;
    check_backends(&avgpool_op, avgpool_shapes, COUNT_OF(avgpool_shapes));
}
static void test_avgpool_slope(void **state)
{
    (void)state;
    check_slopes(&avgpool_op, avgpool_shapes, COUNT_OF(avgpool_shapes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emulated_is_built),
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_conv_bfloat16),
        cmocka_unit_test(test_conv_slope),
        cmocka_unit_test(test_conv_forms),
        cmocka_unit_test(test_conv_live_taps),
        cmocka_unit_test(test_norm),
        cmocka_unit_test(test_norm_slope),
        cmocka_unit_test(test_norm_views),
        cmocka_unit_test(test_maxpool),
        cmocka_unit_test(test_avgpool),
        cmocka_unit_test(test_avgpool_slope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
