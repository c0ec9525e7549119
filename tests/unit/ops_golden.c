/* SPDX-License-Identifier: Apache-2.0 */
/* ops_golden -- single operations and their gradients against PyTorch (tests/golden/ops/make.py), on ref and cpu.   tests/unit */
#include "tests/unit/ops.h"

#include "tests/unit/golden.h"

static const struct tensor_entry *entry(const char *name, const char *part)
{
    char full[100];
    format_into(full, sizeof full, "%s.%s", name, part);
    const struct tensor_entry *t = safetensors_find(&golden, full);
    if (!t)
        fail_msg("golden tensor '%s' is missing", full);
    return t;
}

static void must_be(const char *name, const char *part, const float *got)
{
    const struct tensor_entry *t = entry(name, part);
    double d = distance(got, t->data, tensor_count(t));
    if (!(d <= 3e-6)) /* every operation */
        fail_msg("%s.%s is %.2g from PyTorch's", name, part, d);
}

/* A tensor of N C [D H W] as the device holds it: an image where it has five dimensions, rows where it has two or one. */
struct held_tensor {
    const struct tensor_entry *t;
    struct image m;
    bool image;
    float *at;
};

static struct held_tensor hold(struct backend *b, const char *name, const char *part, char what)
{
    struct held_tensor h = {.t = entry(name, part)};
    h.image = h.t->ndim == 5;
    float *start =
        what == 'x' ? NULL : xalloc(tensor_count(h.t), sizeof *start); /* 'y': to be written; 'd': starts at 0 */
    const float *host = what == 'x' ? h.t->data : what == 'd' ? start : NULL;
    if (h.image)
        h.m = (struct image){(int)h.t->dim[0],
                             (int)h.t->dim[1],
                             {(int)h.t->dim[2], (int)h.t->dim[3], (int)h.t->dim[4]},
                             part[strlen(part) - 1] == 'w'};
    h.at = h.image ? device_image(b, host, &h.m) : device_rows(b, host, tensor_count(h.t));
    free(start);
    return h;
}

/* filters (O, C, live taps) from the golden (O, C, kernel), or of nought */
static struct held_tensor hold_filters(struct backend *b, const char *name, const char *part,
                                       const struct conv_shape *s, bool values)
{
    int tap[343], live = conv_live_taps(s, tap), taps = conv_taps(s);
    struct held_tensor h = {.t = entry(name, part), .image = true, .m = {s->O, s->C, {live, 1, 1}, true}};
    const float *whole = h.t->data;
    float *host = xalloc((size_t)(s->O * s->C * live), sizeof *host);
    for (int f = 0; values && f < s->O * s->C; f++)
        for (int k = 0; k < live; k++)
            host[f * live + k] = whole[f * taps + tap[k]];
    h.at = device_image(b, host, &h.m);
    free(host);
    return h;
}

/* the whole again, nought where no tap lives: PyTorch says so too */
static void check_filters(struct backend *b, struct held_tensor h, const char *name, const char *part,
                          const struct conv_shape *s)
{
    int tap[343], live = conv_live_taps(s, tap), taps = conv_taps(s);
    float *host = xalloc((size_t)(s->O * s->C * live), sizeof *host), *whole = xalloc(tensor_count(h.t), sizeof *whole);
    image_done(b, host, h.at, &h.m);
    for (int f = 0; f < s->O * s->C; f++)
        for (int k = 0; k < live; k++)
            whole[f * taps + tap[k]] = host[f * live + k];
    must_be(name, part, whole);
    free(host);
    free(whole);
}

static void check(struct backend *b, struct held_tensor h, const char *name, const char *part)
{
    float *host = xalloc(tensor_count(h.t), sizeof *host);
    if (h.image)
        image_done(b, host, h.at, &h.m);
    else
        rows_done(b, host, h.at, tensor_count(h.t));
    if (part)
        must_be(name, part, host);
    free(host);
}

static void conv(struct backend *b, const char *name, const int stride[3], int pad)
{
    struct held_tensor x = hold(b, name, "x", 'x'), dy = hold(b, name, "dy", 'x'), y = hold(b, name, "y", 'y'),
                       dx = hold(b, name, "dx", 'd');
    const struct tensor_entry *kernel = entry(name, "w");
    struct conv_shape s = {.N = x.m.N, .C = x.m.C, .O = (int)kernel->dim[0]};
    for (int a = 0; a < 3; a++) {
        s.in[a] = x.m.dim[a];
        s.kernel[a] = (int)kernel->dim[2 + a];
        s.stride[a] = stride[a];
        s.pad[a] = pad;
    }
    conv_out_dims(&s);
    struct held_tensor w = hold_filters(b, name, "w", &s, true), dw = hold_filters(b, name, "dw", &s, false);
    struct conv *c = b->conv_open(b, &s);
    b->conv_forward(b, y.at, x.at, w.at, c);
    b->conv_backward_data(b, dx.at, dy.at, w.at, c);
    b->conv_backward_weight(b, dw.at, dy.at, x.at, c);
    b->conv_close(b, c);
    check(b, y, name, "y");
    check(b, dx, name, "dx");
    check_filters(b, dw, name, "dw", &s);
    image_done(b, NULL, w.at, &w.m);
    check(b, x, name, NULL);
    check(b, dy, name, NULL);
}

static void norm(struct backend *b, const char *name)
{
    struct held_tensor x = hold(b, name, "x", 'x'), gamma = hold(b, name, "gamma", 'x'),
                       beta = hold(b, name, "beta", 'x');
    struct held_tensor add = hold(b, name, "residual", 'x'), dy = hold(b, name, "dy", 'x'), y = hold(b, name, "y", 'y');
    struct held_tensor dx = hold(b, name, "dx", 'd'), dadd = hold(b, name, "dresidual", 'd'),
                       dgamma = hold(b, name, "dgamma", 'd');
    struct held_tensor dbeta = hold(b, name, "dbeta", 'd'), running_mean = hold(b, name, "running_mean", 'd');
    struct norm_shape s = {
        .layout = x.image ? IMAGE : ROWS, .N = (int)x.t->dim[0], .C = (int)x.t->dim[1], .dim = {1, 1, 1}, .views = 1};
    if (x.image)
        memcpy(s.dim, x.m.dim, sizeof s.dim);
    float *mean = device_rows(b, NULL, (size_t)s.C), *rstd = device_rows(b, NULL, (size_t)s.C), ones[64];
    for (size_t i = 0; i < COUNT_OF(ones); i++)
        ones[i] = 1;
    float *variance = device_rows(b, ones, (size_t)s.C);
    b->norm_forward(b, y.at, mean, rstd, running_mean.at, variance, x.at, add.at, gamma.at, beta.at, &s, true, true);
    b->norm_backward(b, dx.at, dadd.at, dgamma.at, dbeta.at, dy.at, y.at, x.at, mean, rstd, gamma.at, &s, true);
    rows_done(b, NULL, mean, (size_t)s.C);
    rows_done(b, NULL, rstd, (size_t)s.C);
    rows_done(b, ones, variance, (size_t)s.C);
    must_be(name, "running_var", ones);
    check(b, y, name, "y");
    check(b, dx, name, "dx");
    check(b, dadd, name, "dresidual");
    check(b, dgamma, name, "dgamma");
    check(b, dbeta, name, "dbeta");
    check(b, running_mean, name, "running_mean");
    check(b, x, name, NULL);
    check(b, add, name, NULL);
    check(b, gamma, name, NULL);
    check(b, beta, name, NULL);
    check(b, dy, name, NULL);
}

static void maxpool(struct backend *b)
{
    const char *name = "maxpool";
    struct held_tensor x = hold(b, name, "x", 'x'), y = hold(b, name, "y", 'y'), dy = hold(b, name, "dy", 'x'),
                       dx = hold(b, name, "dx", 'd');
    struct held_tensor where = hold(b, name, "y", 'y');
    struct pool_shape s = {
        .N = x.m.N, .C = x.m.C, .in = {x.m.dim[0], x.m.dim[1], x.m.dim[2]}, .kernel = 3, .stride = 2, .pad = 1};
    pool_out_dims(&s);
    b->maxpool_forward(b, y.at, (int32_t *)(void *)where.at, x.at, &s);
    b->maxpool_backward(b, dx.at, dy.at, (const int32_t *)(const void *)where.at, &s);
    rows_done(b, NULL, where.at, image_floats(b, &where.m));
    check(b, y, name, "y");
    check(b, dx, name, "dx");
    check(b, x, name, NULL);
    check(b, dy, name, NULL);
}

static void rows(struct backend *b, const char *name)
{
    struct held_tensor x = hold(b, name, "x", 'x'), y = hold(b, name, "y", 'y'), dy = hold(b, name, "dy", 'x'),
                       dx = hold(b, name, "dx", 'd');
    int N = (int)x.t->dim[0], C = (int)x.t->dim[1];
    float *kept = device_rows(b, NULL, (size_t)N);
    if (strcmp(name, "layernorm") == 0) {
        b->layernorm_forward(b, y.at, kept, x.at, N, C);
        b->layernorm_backward(b, dx.at, dy.at, y.at, kept, N, C);
    } else if (strcmp(name, "l2norm") == 0) {
        b->l2norm_forward(b, y.at, kept, x.at, N, C);
        b->l2norm_backward(b, dx.at, dy.at, y.at, kept, N, C);
    } else if (strcmp(name, "sigmoid") == 0) {
        b->sigmoid_forward(b, y.at, x.at, (size_t)(N * C));
        b->sigmoid_backward(b, dx.at, dy.at, y.at, (size_t)(N * C));
    } else if (strcmp(name, "silu") == 0) {
        b->silu_forward(b, y.at, x.at, (size_t)(N * C), ROWS);
        b->silu_backward(b, dx.at, dy.at, x.at, (size_t)(N * C), ROWS);
    } else if (strcmp(name, "softmax") == 0) {
        b->softmax(b, y.at, x.at, N, C);
        b->softmax_backward(b, dx.at, dy.at, y.at, N, C);
    } else {
        b->gelu_forward(b, y.at, x.at, (size_t)(N * C), ROWS);
        b->gelu_backward(b, dx.at, dy.at, x.at, (size_t)(N * C), ROWS);
    }
    rows_done(b, NULL, kept, (size_t)N);
    check(b, y, name, "y");
    check(b, dx, name, "dx");
    check(b, x, name, NULL);
    check(b, dy, name, NULL);
}

static void group(struct backend *b, const char *name, int groups)
{
    struct held_tensor x = hold(b, name, "x", 'x'), w = hold(b, name, "w", 'x'), dy = hold(b, name, "dy", 'x'),
                       y = hold(b, name, "y", 'y');
    struct held_tensor dx = hold(b, name, "dx", 'd'), dw = hold(b, name, "dw", 'd');
    struct conv_shape s = {
        .N = x.m.N, .C = x.m.C, .O = w.m.N, .kernel = {3, 3, 3}, .stride = {1, 2, 2}, .pad = {1, 1, 1}};
    memcpy(s.in, x.m.dim, sizeof s.in);
    conv_out_dims(&s);
    b->group_forward(b, y.at, x.at, w.at, &s, groups);
    b->group_backward_data(b, dx.at, dy.at, w.at, &s, groups);
    b->group_backward_weight(b, dw.at, dy.at, x.at, &s, groups);
    check(b, y, name, "y");
    check(b, dx, name, "dx");
    check(b, dw, name, "dw");
    check(b, x, name, NULL);
    check(b, w, name, NULL);
    check(b, dy, name, NULL);
}

static void meanpool(struct backend *b)
{
    const char *name = "meanpool";
    struct held_tensor x = hold(b, name, "x", 'x'), y = hold(b, name, "y", 'y'), dy = hold(b, name, "dy", 'x'),
                       dx = hold(b, name, "dx", 'd');
    struct pool_shape s = {
        .N = x.m.N, .C = x.m.C, .in = {x.m.dim[0], x.m.dim[1], x.m.dim[2]}, .kernel = 3, .stride = 2, .pad = 1};
    pool_out_dims(&s);
    b->meanpool_forward(b, y.at, x.at, &s);
    b->meanpool_backward(b, dx.at, dy.at, &s);
    check(b, y, name, "y");
    check(b, dx, name, "dx");
    check(b, x, name, NULL);
    check(b, dy, name, NULL);
}

static void gate(struct backend *b)
{
    const char *name = "gate";
    struct held_tensor x = hold(b, name, "x", 'x'), y = hold(b, name, "y", 'y'), dy = hold(b, name, "dy", 'x'),
                       dx = hold(b, name, "dx", 'd');
    struct held_tensor scale = hold(b, name, "scale", 'x'), dscale = hold(b, name, "dscale", 'd');
    b->gate_forward(b, y.at, x.at, scale.at, x.m.N, x.m.C, x.m.dim);
    b->gate_backward(b, dx.at, dscale.at, dy.at, x.at, scale.at, x.m.N, x.m.C, x.m.dim);
    check(b, y, name, "y");
    check(b, dx, name, "dx");
    check(b, dscale, name, "dscale");
    check(b, x, name, NULL);
    check(b, scale, name, NULL);
    check(b, dy, name, NULL);
}

static void attention(struct backend *b)
{
    enum { BOXES = 2, TOKENS = 5, CHANNELS = 12, HEADS = 3 };
    static const char *const name = "attention", *const in_name[3] = {"q", "k", "v"},
                             *const din_name[3] = {"dq", "dk", "dv"};
    struct held_tensor in[3], din[3], y = hold(b, name, "y", 'y'), dy = hold(b, name, "dy", 'x');
    for (int i = 0; i < 3; i++) {
        in[i] = hold(b, name, in_name[i], 'x');
        din[i] = hold(b, name, din_name[i], 'd');
    }
    float *prob = device_rows(b, NULL, BOXES * HEADS * TOKENS * TOKENS);
    b->attention_forward(b, y.at, prob, in[0].at, in[1].at, in[2].at, CHANNELS, BOXES, TOKENS, CHANNELS, HEADS);
    b->attention_backward(b, din[0].at, din[1].at, din[2].at, dy.at, prob, in[0].at, in[1].at, in[2].at, CHANNELS,
                          BOXES, TOKENS, CHANNELS, HEADS);
    rows_done(b, NULL, prob, BOXES * HEADS * TOKENS * TOKENS);
    for (int i = 0; i < 3; i++) {
        check(b, in[i], name, NULL);
        check(b, din[i], name, din_name[i]);
    }
    check(b, y, name, "y");
    check(b, dy, name, NULL);
}

static void vicreg(struct backend *b, const char *name, bool literal)
{
    static const float weight[3] = {25, 25, 1};
    float terms[3];
    struct held_tensor z = hold(b, name, "z", 'x'), dz = hold(b, name, "dz", 'y');
    float *at = device_rows(b, NULL, 3);
    b->vicreg(b, dz.at, at, z.at, (int)z.t->dim[0] / 2, (int)z.t->dim[1], weight, literal);
    rows_done(b, terms, at, 3);
    must_be(name, "terms", terms);
    check(b, dz, name, "dz");
    check(b, z, name, NULL);
}

static void focal(struct backend *b, const char *name, bool on_softmax)
{
    static const float alpha[3] = {0.55f, 0.25f, 0.75f};
    static const int32_t label[9] = {0, 1, 2, 0, 1, 2, 0, 1, 2};
    float loss;
    struct held_tensor logits = hold(b, name, "logits", 'x'), dlogits = hold(b, name, "dlogits", 'y');
    int32_t *labels = b->alloc(b, sizeof label);
    b->put(b, labels, label, sizeof label);
    float *at = device_rows(b, NULL, 1);
    b->focal(b, dlogits.at, at, logits.at, labels, 9, 3, alpha, 2, on_softmax);
    rows_done(b, &loss, at, 1);
    b->release(b, labels);
    must_be(name, "loss", &loss);
    check(b, dlogits, name, "dlogits");
    check(b, logits, name, NULL);
}

static void cross_entropy(struct backend *b)
{
    static const char name[] = "cross_entropy";
    float loss;
    struct held_tensor logits = hold(b, name, "logits", 'x'), target = hold(b, name, "target", 'x'),
                       dlogits = hold(b, name, "dlogits", 'y');
    float *at = device_rows(b, NULL, 1);
    b->cross_entropy(b, dlogits.at, at, logits.at, target.at, (int)target.t->dim[0], (int)target.t->dim[1], 0.3f);
    rows_done(b, &loss, at, 1);
    must_be(name, "loss", &loss);
    check(b, dlogits, name, "dlogits");
    check(b, logits, name, NULL);
    check(b, target, name, NULL);
}

static void sinkhorn(struct backend *b)
{
    struct held_tensor x = hold(b, "sinkhorn", "x", 'x'), y = hold(b, "sinkhorn", "y", 'y');
    b->sinkhorn(b, y.at, x.at, (int)x.t->dim[0], (int)x.t->dim[1], 0.05f, 3);
    check(b, y, "sinkhorn", "y");
    check(b, x, "sinkhorn", NULL);
}

static void test_back_end(void **state)
{
    struct error e = {0};
    struct backend *b = backend_open(*state, 2, FLOAT32, &e);
    if (!b)
        fail_msg("%s", e.text);
    conv(b, "conv_wide", (const int[]){1, 2, 2}, 1);
    conv(b, "conv_stem", (const int[]){1, 2, 2}, 2);
    norm(b, "norm_image");
    norm(b, "norm_rows");
    maxpool(b);
    rows(b, "layernorm");
    rows(b, "l2norm");
    rows(b, "gelu");
    rows(b, "sigmoid");
    rows(b, "silu");
    rows(b, "softmax");
    group(b, "depthwise", 18);
    group(b, "grouped", 3);
    meanpool(b);
    gate(b);
    attention(b);
    vicreg(b, "vicreg", false);
    vicreg(b, "vicreg_literal", true);
    focal(b, "focal", false);
    focal(b, "focal_on_softmax", true);
    cross_entropy(b);
    sinkhorn(b);
    backend_close(&b);
}

static int open_golden(void **state)
{
    (void)state;
    return golden_open("tests/golden/ops/ops.safetensors");
}

int main(void)
{
    static char ref[] = "ref", cpu[] = "cpu";
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(test_back_end, ref),
                                       cmocka_unit_test_prestate(test_back_end, cpu)};
    return cmocka_run_group_tests_name("ops_golden", tests, open_golden, close_golden);
}
