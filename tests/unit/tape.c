/* SPDX-License-Identifier: Apache-2.0 */
/* tape -- gradients against central differences, shared blocks, short batches, freezing, the same bytes for any thread
 * count. */
#include "kernels/nets/network.h"
#include "tests/unit/narrow.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct backend *open_backend(const char *name, int threads)
{
    struct error e = {0};
    struct backend *b = backend_open(name, threads, FLOAT32, &e);
    if (!b)
        fail_msg("%s", e.text);
    return b;
}

/* numbers that repeat only after long */
static float number(size_t i)
{
    return (float)sin(1.7 * (double)(i + 1)) * 0.8F;
}

static void fill(float *x, size_t count, size_t from)
{
    for (size_t i = 0; i < count; i++)
        x[i] = number(from + i);
}

/* every operation once: two inputs, a residual, both norms of rows, both activations. smooth: without those that have
 * corners, where differences say little (train_golden has them) */
struct small {
    struct params *params;
    struct tape *tape;
    int box, position, out;
};
enum { SMALL_N = 6, SMALL_C = 3 };
static const int SMALL_DIM[3] = {5, 4, 3};

static struct small small_open(struct backend *b, int N, int views, bool smooth, struct params *shared,
                               struct tape *within)
{
    const int k3[3] = {3, 3, 3}, k1[3] = {1, 1, 1}, one[3] = {1, 1, 1}, two[3] = {2, 1, 2}, none[3] = {0, 0, 0};
    struct small s = {.params = shared ? shared : params_open(b)};
    struct tape *t = s.tape = tape_open(s.params, N, views);
    s.box = tape_image(t, SMALL_C, SMALL_DIM);
    s.position = tape_rows(t, 4);
    int x = tape_norm(t, tape_conv(t, s.box, "a", 5, k3, one, one), "an", -1, !smooth);
    int y = tape_norm(t, tape_conv(t, x, "b", 5, k3, one, one), "bn", x, !smooth);
    y = smooth ? y : tape_maxpool(t, y, 3, 2, 1);
    y = tape_norm(t, tape_conv(t, y, "c", 7, k1, two, none), "cn", -1, false);
    y = tape_avgpool(t, y);
    int q = tape_linear(t, tape_scale(t, s.position, "w", 1), "p", 7, true);
    y = tape_concat(t, tape_layernorm(t, y), tape_l2norm(t, q));
    y = tape_gelu(t, tape_linear(t, y, "d", 6, true));
    y = tape_linear(t, y, "e", 6, false);
    y = smooth ? y : tape_relu(t, y);
    s.out = tape_linear(t, tape_norm(t, y, "en", -1, !smooth), "f", 3, true);
    tape_seal(t, true, within);
    return s;
}

/* what other networks have: depthwise and grouped convolutions, squeeze and excitation, mean windows, tokens,
 * attention, dropout; in the plane where flat */
static struct small more_open(struct backend *b, bool flat)
{
    const int k3[3] = {flat ? 1 : 3, 3, 3}, one[3] = {flat ? 0 : 1, 1, 1}, step[3] = {1, 1, 1};
    const int dim[3] = {flat ? 1 : SMALL_DIM[0], flat ? SMALL_DIM[0] * SMALL_DIM[1] : SMALL_DIM[1], SMALL_DIM[2]};
    struct small s = {.params = params_open(b)};
    struct tape *t = s.tape = tape_open(s.params, SMALL_N, 1);
    s.box = tape_image(t, SMALL_C, dim);
    s.position = tape_rows(t, 4);
    int x = tape_silu(t, tape_norm(t, tape_conv(t, s.box, "a", 20, k3, step, one), "an", -1, false));
    int y = tape_norm(t, tape_group_conv(t, x, "b", 20, k3, step, one, 20), "bn", -1, false);
    int s_e = tape_silu(t, tape_linear(t, tape_avgpool(t, y), "s", 5, true));
    y = tape_gate(t, y, tape_sigmoid(t, tape_linear(t, s_e, "e", 20, true)));
    y = tape_meanpool(t, tape_add(t, x, y), 3, 2, 1);
    y = tape_tokens(t, tape_norm(t, tape_group_conv(t, y, "c", 8, k3, step, one, 4), "cn", -1, false));
    int n = tape_layernorm(t, y);
    y = tape_add(t, y,
                 tape_attention(t, tape_linear(t, n, "q", 8, true), tape_linear(t, n, "k", 8, false),
                                tape_linear(t, n, "v", 8, true), 2));
    y = tape_dropout(t, tape_gelu(t, tape_linear(t, y, "d", 6, true)), 0.25F);
    y = tape_concat(t, tape_tokenmean(t, y), tape_softmax(t, tape_linear(t, s.position, "p", 4, true)));
    s.out = tape_linear(t, y, "f", 3, true);
    tape_seal(t, true, NULL);
    tape_draw(t, 9, 4);
    return s;
}

static void small_inputs(struct small *s)
{
    size_t N = (size_t)tape_boxes(s->tape), boxes = N * SMALL_C * 60;
    float *x = xalloc(boxes, sizeof *x);
    fill(x, boxes, 0);
    tape_put(s->tape, s->box, x);
    fill(x, N * 4, 900);
    tape_put(s->tape, s->position, x);
    free(x);
}

/* a loss whose gradient is known: sum of out * number */
static double small_loss(struct small *s)
{
    size_t count = (size_t)tape_boxes(s->tape) * 3;
    float *out = xalloc(count, sizeof *out);
    double loss = 0;
    tape_forward(s->tape);
    tape_count(s->tape);
    tape_get(s->tape, s->out, out);
    for (size_t i = 0; i < count; i++)
        loss += (double)out[i] * (double)number(i + 50);
    free(out);
    return loss;
}

static void small_backward(struct small *s)
{
    size_t count = (size_t)tape_boxes(s->tape) * 3;
    float *dout = xalloc(count, sizeof *dout);
    fill(dout, count, 50);
    s->params->backend->put(s->params->backend, tape_grad(s->tape, s->out), dout, count * sizeof *dout);
    free(dout);
    tape_backward(s->tape);
}

static void small_close(struct small *s, bool params)
{
    tape_close(&s->tape);
    if (params)
        params_close(&s->params);
}

static void check_gradients(struct small s)
{
    params_init(s.params, 3);
    small_inputs(&s);
    small_loss(&s);
    params_zero_grad(s.params);
    small_backward(&s);
    for (size_t i = 0; i < s.params->count; i++) {
        struct param *q = &s.params->param[i];
        if (!param_trained(q))
            continue;
        float *value = xalloc(3 * q->count, sizeof *value), *moved = value + q->count, *grad = moved + q->count;
        param_get(s.params, q, value);
        param_get_from(s.params, q, s.params->grads, grad);
        /* along one random direction a tensor: float32 differences of one element are mostly rounding */
        double slope = 0, h = 2e-3;
        for (size_t k = 0; k < q->count; k++)
            slope += (double)grad[k] * (double)number(k + 7);
        double side[2];
        for (int sign = 0; sign < 2; sign++) {
            for (size_t k = 0; k < q->count; k++)
                moved[k] = value[k] + (float)(sign ? -h : h) * number(k + 7);
            param_put(s.params, q, moved);
            side[sign] = small_loss(&s);
        }
        param_put(s.params, q, value);
        double measured = (side[0] - side[1]) / (2 * h);
        if (!(fabs(measured - slope) <= 0.02 * (fabs(slope) + 0.05)))
            fail_msg("%s: slope %g, but measured %g", q->name, slope, measured);
        free(value);
    }
    small_close(&s, true);
}

static void test_gradients(void **state)
{
    (void)state;
    struct backend *b = open_backend("ref", 1);
    check_gradients(small_open(b, SMALL_N, 2, true, NULL, NULL));
    check_gradients(more_open(b, false));
    check_gradients(more_open(b, true));
    backend_close(&b);
}

static void take_grads(struct params *p, float *to)
{
    for (size_t i = 0; i < p->count; i++)
        if (param_trained(&p->param[i])) {
            param_get_from(p, &p->param[i], p->grads, to);
            to += p->param[i].count;
        }
}

static float *one_pass(struct small *s, size_t *count)
{
    *count = params_elements(s->params, "");
    float *grads = xalloc(*count, sizeof *grads);
    small_inputs(s);
    tape_forward(s->tape);
    tape_count(s->tape);
    params_zero_grad(s->params);
    small_backward(s);
    take_grads(s->params, grads);
    return grads;
}

/* every back end the same network, through what is dropped too; another step drops others; evaluation drops nothing */
static void test_more(void **state)
{
    (void)state;
    struct backend *b[2] = {open_backend("ref", 1), open_backend("cpu", 2)};
    float *grads[2], out[4][SMALL_N * 3];
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(b); i++) {
        struct small s = more_open(b[i], false);
        params_init(s.params, 5);
        grads[i] = one_pass(&s, &count);
        tape_get(s.tape, s.out, out[i]);
        if (i == 1) {
            tape_draw(s.tape, 9, 5);
            tape_forward(s.tape);
            tape_get(s.tape, s.out, out[2]);
            tape_draw(s.tape, 9, 4);
            tape_forward(s.tape);
            tape_get(s.tape, s.out, out[3]);
            assert_memory_equal(out[3], out[1], sizeof out[1]);
            tape_evaluate(s.tape);
            tape_get(s.tape, s.out, out[3]);
            tape_draw(s.tape, 9, 6);
            tape_evaluate(s.tape);
            tape_get(s.tape, s.out, out[1]);
            assert_memory_equal(out[3], out[1], sizeof out[1]);
        }
        small_close(&s, true);
    }
    double off = 0, length = 0, moved = 0;
    for (size_t i = 0; i < count; i++) {
        off += pow((double)grads[0][i] - (double)grads[1][i], 2);
        length += pow((double)grads[0][i], 2);
    }
    assert_true(sqrt(off / length) < 1e-5);
    for (int i = 0; i < SMALL_N * 3; i++)
        moved = fmax(moved, fabs((double)out[2][i] - (double)out[0][i]));
    assert_true(moved > 1e-4);
    free(grads[0]), free(grads[1]);
    backend_close(&b[0]);
    backend_close(&b[1]);
}

/* a tape within another's blocks gives what it gives alone, and leaves the other as good as before */
static void test_within(void **state)
{
    (void)state;
    static const char *const names[] = {"ref", "cpu"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct backend *b = open_backend(names[i], 1);
        struct small full = small_open(b, SMALL_N, 2, false, NULL, NULL);
        struct small inner = small_open(b, 4, 2, false, full.params, full.tape);
        struct small alone = small_open(b, 4, 2, false, full.params, NULL);
        params_init(full.params, 5);
        assert_true(tape_bytes(inner.tape) < tape_bytes(alone.tape));
        size_t count;
        float *first = one_pass(&full, &count), *in = one_pass(&inner, &count), *own = one_pass(&alone, &count);
        float *again = one_pass(&full, &count);
        assert_memory_equal(in, own, count * sizeof *in);
        assert_memory_equal(first, again, count * sizeof *in);
        assert_int_equal(params_find(full.params, "an.num_batches_tracked")->counter, 8);
        free(first), free(in), free(own), free(again);
        small_close(&inner, false);
        small_close(&alone, false);
        small_close(&full, true);
        backend_close(&b);
    }
}

/* where values share places the gradients are those of a back end that has room for all, and the block is smaller */
static void test_places(void **state)
{
    (void)state;
    static const char *const names[] = {"ref", "cpu"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        float *grads[2];
        size_t count, bytes[2];
        for (int roomy = 0; roomy < 2; roomy++) {
            struct backend *b = open_backend(names[i], 1);
            struct network_settings settings;
            const float weight[3] = {25, 25, 1};
            float terms[3];
            b->roomy = roomy;
            network_defaults(&settings);
            narrow(&settings, 16); /* whole blocks of channels in cpu's layout too */
            settings.projection_width = 32;
            struct params *p = params_open(b);
            struct tape *t = tape_open(p, 4, 2);
            struct network_values v = network_build(t, &settings, NETWORK_ENCODER | NETWORK_PROJECTION);
            tape_seal(t, true, NULL);
            params_init(p, 4);
            count = params_elements(p, "");
            grads[roomy] = xalloc(2 * count, sizeof(float));
            bytes[roomy] = tape_bytes(t);
            float *box = xalloc(4 * 4096, sizeof *box);
            fill(box, 4 * 4096, 0);
            tape_put(t, v.box, box);
            tape_put(t, v.position, box + 99);
            for (int pass = 0; pass < 2; pass++) { /* what one pass leaves behind does not matter to the next */
                tape_forward(t);
                b->vicreg(b, tape_grad(t, v.z), terms, tape_value(t, v.z), 2, 32, weight, false);
                params_zero_grad(p);
                tape_backward(t);
                take_grads(p, grads[roomy] + (pass ? count : 0));
            }
            assert_memory_equal(grads[roomy], grads[roomy] + count, count * sizeof(float));
            free(box);
            tape_close(&t);
            params_close(&p);
            backend_close(&b);
        }
        assert_memory_equal(grads[0], grads[1], count * sizeof(float));
        assert_true(3 * bytes[0] < 2 * bytes[1]);
        free(grads[0]), free(grads[1]);
    }
}

/* evaluation neither moves running statistics nor mixes boxes */
static void test_evaluate(void **state)
{
    (void)state;
    struct backend *b = open_backend("cpu", 1);
    struct small s = small_open(b, SMALL_N, 2, false, NULL, NULL);
    params_init(s.params, 3);
    small_inputs(&s);
    for (int i = 0; i < 3; i++)
        tape_forward(s.tape), tape_count(s.tape);
    float mean[5], after[5], out[2][SMALL_N * 3], box[SMALL_N * SMALL_C * 60] = {0};
    param_get(s.params, params_find(s.params, "an.running_mean"), mean);
    tape_evaluate(s.tape);
    tape_get(s.tape, s.out, out[0]);
    fill(box, SMALL_C * 60, 0); /* the first box as before, the others zero */
    tape_put(s.tape, s.box, box);
    tape_evaluate(s.tape);
    tape_get(s.tape, s.out, out[1]);
    param_get(s.params, params_find(s.params, "an.running_mean"), after);
    assert_memory_equal(mean, after, sizeof mean);
    assert_int_equal(params_find(s.params, "an.num_batches_tracked")->counter, 6);
    for (int i = 0; i < 3; i++)
        assert_true(fabsf(out[0][i] - out[1][i]) < 1e-5F);
    assert_true(fabsf(out[0][3] - out[1][3]) > 1e-4F);
    small_close(&s, true);
    backend_close(&b);
}

static void test_frozen(void **state)
{
    (void)state;
    struct backend *b = open_backend("ref", 1);
    struct params *p = params_open(b);
    struct tape *t = tape_open(p, 2, 1);
    int x = tape_rows(t, 3), y = tape_linear(t, x, "low.0", 4, true);
    int z = tape_linear(t, tape_relu(t, y), "high.0", 2, true);
    params_freeze(p, "low");
    tape_seal(t, true, NULL);
    params_init(p, 1);
    assert_null(params_find(p, "low.0.weight")->grad);
    assert_null(tape_grad(t, y));
    assert_int_equal(p->trained, 16 + 16); /* 8 and 2 floats, each on a line of its own */
    float in[6] = {1, 2, 3, 4, 5, 6}, d[4] = {1, 0, 0, 1}, bias[2];
    tape_put(t, x, in);
    tape_forward(t);
    b->put(b, tape_grad(t, z), d, sizeof d);
    tape_backward(t);
    param_get_from(p, params_find(p, "high.0.bias"), p->grads, bias);
    assert_true(bias[0] == 1 && bias[1] == 1);
    tape_close(&t);
    params_close(&p);
    backend_close(&b);
}

/* Gradients given at two values, one of which the other is made from, are those given one by one, added. */
static void test_outputs(void **state)
{
    (void)state;
    float got[3][4 * 3], in[6] = {1, -2, 3, 4, 5, -6};
    static const float at_y[2 * 4] = {1, 0, 0.5F, 2, -1, 3, 0, 0}, at_z[4] = {1, 0.25F, -2, 1}, none[2 * 4] = {0};
    struct backend *b = open_backend("cpu", 1);
    struct params *p = params_open(b);
    struct tape *t = tape_open(p, 2, 1);
    int x = tape_rows(t, 3), y = tape_linear(t, x, "low.0", 4, true);
    int z = tape_linear(t, tape_relu(t, y), "high.0", 2, true);
    tape_output(t, y);
    tape_seal(t, true, NULL);
    params_init(p, 1);
    tape_put(t, x, in);
    for (int which = 0; which < 3; which++) {
        tape_forward(t);
        b->put(b, tape_grad(t, y), which == 1 ? none : at_y, sizeof at_y);
        b->put(b, tape_grad(t, z), which == 0 ? none : at_z, sizeof at_z);
        params_zero_grad(p);
        tape_backward(t);
        param_get_from(p, params_find(p, "low.0.weight"), p->grads, got[which]);
    }
    double both = 0;
    for (int i = 0; i < 12; i++) {
        assert_true(fabsf(got[0][i] + got[1][i] - got[2][i]) < 1e-5F);
        both += fabs((double)got[0][i] * (double)got[1][i]);
    }
    assert_true(both > 0.01); /* neither was nought */
    tape_close(&t);
    params_close(&p);
    backend_close(&b);
}

static void test_init(void **state)
{
    (void)state;
    struct backend *b = open_backend("ref", 1);
    struct network_settings s;
    network_defaults(&s);
    narrow(&s, 8);
    s.projection_width = 64;
    struct params *p = params_open(b);
    struct tape *t = tape_open(p, 2, 1);
    (void)network_build(t, &s, NETWORK_ENCODER | NETWORK_PROJECTION);
    tape_seal(t, false, NULL);
    params_keep_dead_weights(p);
    struct param *conv = params_find(p, "backbone.layer4.1.conv2.weight"),
                 *linear = params_find(p, "projection.3.bias");
    float *one = xalloc(3 * conv->count, sizeof *one), *two = one + conv->count, *three = two + conv->count, bias[64];
    params_init(p, 1);
    param_get(p, conv, one);
    param_get(p, linear, bias);
    params_init(p, 2);
    param_get(p, conv, two);
    params_init(p, 1);
    param_get(p, conv, three);
    assert_memory_equal(one, three, conv->count * sizeof *one);
    assert_memory_not_equal(one, two, conv->count * sizeof *one);
    double squares = 0, most = 0;
    for (size_t i = 0; i < conv->count; i++)
        squares += (double)(one[i] * one[i]);
    assert_true(fabs(sqrt(squares / (double)conv->count) / sqrt(2.0 / (9 * 64)) - 1) < 0.02);
    for (size_t i = 0; i < 64; i++)
        most = fmax(most, fabs((double)bias[i]));
    assert_true(most <= 1 / sqrt(64) && most > 0.8 / sqrt(64));
    free(one);
    tape_close(&t);
    params_close(&p);
    backend_close(&b);
}

/* one training pass of the real network, narrow: the same bytes with 1 and 2 threads */
static void test_threads(void **state)
{
    (void)state;
    float *grads[2];
    size_t count = 0;
    for (int threads = 1; threads <= 2; threads++) {
        struct backend *b = open_backend("cpu", threads);
        struct network_settings s;
        network_defaults(&s);
        narrow(&s, 16);
        s.projection_width = 96;
        struct params *p = params_open(b);
        struct tape *t = tape_open(p, 12, 2);
        struct network_values v = network_build(t, &s, NETWORK_ENCODER | NETWORK_PROJECTION);
        tape_seal(t, true, NULL);
        params_init(p, 9);
        float *x = xalloc(12 * 4096, sizeof *x), terms[3];
        const float weight[3] = {25, 25, 1};
        fill(x, 12 * 4096, 0);
        tape_put(t, v.box, x);
        tape_put(t, v.position, x);
        tape_forward(t);
        b->vicreg(b, tape_grad(t, v.z), terms, tape_value(t, v.z), 6, 96, weight, false);
        params_zero_grad(p);
        tape_backward(t);
        count = params_elements(p, "");
        grads[threads - 1] = xalloc(count, sizeof(float));
        take_grads(p, grads[threads - 1]);
        free(x);
        tape_close(&t);
        params_close(&p);
        backend_close(&b);
    }
    assert_memory_equal(grads[0], grads[1], count * sizeof(float));
    free(grads[0]);
    free(grads[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients), cmocka_unit_test(test_more),     cmocka_unit_test(test_within),
        cmocka_unit_test(test_places),    cmocka_unit_test(test_evaluate), cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_outputs),   cmocka_unit_test(test_init),     cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
