/* SPDX-License-Identifier: Apache-2.0 */
/* train_golden -- the whole network, its losses and optimisers against PyTorch (tests/golden/train/make.py). */
#include "kernels/nets/network.h"
#include "kernels/optim/adamw.h"
#include "kernels/optim/lars.h"
#include "kernels/optim/schedule.h"
#include "tests/unit/distance.h"
#include "tests/unit/golden.h"
#include "tests/unit/narrow.h"
#include "tests/unit/numbers.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { PAIRS = 16, WIDTH = 2, E = 8 * WIDTH, K = 24, H = 6, STEPS = 10 };
static const double LR = 0.005;
static const char *const BACKENDS[] = {"ref", "cpu"};

static const float *expected(const char *prefix, const char *name, size_t count)
{
    char full[160];
    format_into(full, sizeof full, "%s%s", prefix, name);
    const struct tensor_entry *t = safetensors_find(&golden, full);
    if (!t || tensor_count(t) != count)
        fail_msg("golden tensor '%s' is %s", full, t ? "misshapen" : "missing");
    return t->data;
}

/* What is asked of both back ends, relative to the length of each tensor; beside it what PyTorch's own float32 is from
 * the golden float64, by make.py; cpu and ref are as near. */
static const double TERMS = 1e-5, /* 3e-7 */
    EMBEDDING = 1e-5,             /* 4e-6: embedding and projection */
    GRADIENT = 1e-4,              /* 2e-5: every tensor */
    RUNNING = 1e-5,               /* the running statistics, moved by each view */
    TEN_TERMS = 1e-5,             /* 1e-6: at every one of ten steps */
    TEN_WAY = 1e-2,     /* 8e-4: the way they went in ten steps, 5e-5 of themselves, of which float32 holds 6e-8 */
    TEN_RUNNING = 1e-5, /* 1e-6 */
    LARS_ALONE = 1e-6,  /* ten steps with the same gradients */
    FOCAL = 1e-5, FOCAL_GRADIENT = 1e-5, ADAMW = 1e-5; /* ten steps of AdamW */

static void assert_close(const char *what, const char *name, const float *got, const float *want, size_t count,
                         double tolerance)
{
    double d = distance(got, want, count);
    if (!(d <= tolerance))
        fail_msg("%s%s differs by %.3g (at most %.3g)", what, name, d, tolerance);
}

struct net {
    struct backend *b;
    struct params *params;
    struct tape *tape;
    struct network_values v;
};

static void net_open(struct net *n, const char *backend)
{
    struct error e = {0};
    struct network_settings s;
    network_defaults(&s);
    narrow(&s, WIDTH);
    s.projection_width = K;
    s.classifier_hidden = H;
    n->b = backend_open(backend, 1, FLOAT32, &e);
    assert_non_null(n->b);
    n->params = params_open(n->b);
    n->tape = tape_open(n->params, 2 * PAIRS, 2);
    n->v = network_build(n->tape, &s, NETWORK_ENCODER | NETWORK_PROJECTION);
    tape_seal(n->tape, true, NULL);
    params_keep_dead_weights(n->params);
    for (size_t i = 0; i < n->params->count; i++) {
        struct param *q = &n->params->param[i];
        if (q->kind != PARAM_COUNTER)
            param_put(n->params, q, expected("begin.", q->name, q->count));
    }
    float *box = numbers(0, 2 * PAIRS * 4096, 1), *position = numbers(2 * PAIRS * 4096, 2 * PAIRS * 9, 4);
    tape_put(n->tape, n->v.box, box);
    tape_put(n->tape, n->v.position, position);
    free(box);
    free(position);
}

static void net_close(struct net *n)
{
    tape_close(&n->tape);
    params_close(&n->params);
    backend_close(&n->b);
}

static void compare_value(struct net *n, int value, const char *name, size_t count, double tolerance)
{
    float *host = xalloc(count, sizeof *host);
    tape_get(n->tape, value, host);
    assert_close("", name, host, expected("", name, count), count, tolerance);
    free(host);
}

/* every parameter (want "tenth."), or gradient ("first.grad."), or running statistic ("first.") */
static void compare_params(struct net *n, const char *prefix, bool gradients, bool buffers, double tolerance)
{
    for (size_t i = 0; i < n->params->count; i++) {
        struct param *q = &n->params->param[i];
        if (q->kind == PARAM_COUNTER || (q->kind == PARAM_BUFFER) != buffers)
            continue;
        float *host = xalloc(q->count, sizeof *host);
        if (gradients)
            param_get_from(n->params, q, n->params->grads, host);
        else
            param_get(n->params, q, host);
        const float *want = expected(prefix, q->name, q->count);
        double size = 0;
        for (size_t k = 0; k < q->count; k++)
            size += (double)(want[k] * want[k]);
        /* a bias before a batch norm has no gradient but rounding's */
        if (!gradients || sqrt(size / (double)q->count) > 1e-9)
            assert_close(prefix, q->name, host, want, q->count, tolerance);
        free(host);
    }
}

static void loss_of(struct net *n, float terms[3])
{
    const float weight[3] = {25, 25, 1};
    n->b->vicreg(n->b, tape_grad(n->tape, n->v.z), terms, tape_value(n->tape, n->v.z), PAIRS, K, weight, false);
}

/* Parameters after some steps, relative to the way they went: LARS moves weights by a small share of themselves. */
static void compare_way(struct net *n, const char *prefix, double tolerance)
{
    for (size_t i = 0; i < n->params->count; i++) {
        struct param *q = &n->params->param[i];
        if (!param_trained(q))
            continue;
        const float *want = expected(prefix, q->name, q->count), *begin = expected("begin.", q->name, q->count);
        float *host = xalloc(2 * q->count, sizeof *host), *way = host + q->count;
        param_get(n->params, q, host);
        double size = 0;
        for (size_t k = 0; k < q->count; k++) {
            host[k] -= begin[k];
            way[k] = want[k] - begin[k];
            size += (double)way[k] * (double)way[k];
        }
        if (sqrt(size / (double)q->count) > 1e-9) /* as above */
            assert_close(prefix, q->name, host, way, q->count, tolerance);
        free(host);
    }
}

static void one_step(struct net *n, float terms[3])
{
    tape_forward(n->tape);
    tape_count(n->tape);
    loss_of(n, terms);
    params_zero_grad(n->params);
    tape_backward(n->tape);
}

static void check_pretraining(const char *backend)
{
    struct net n;
    struct lars lars;
    float terms[3];
    net_open(&n, backend);
    lars_open(&lars, n.params, 0.9, 1e-6, 0.001);

    tape_evaluate(n.tape);
    loss_of(&n, terms);
    compare_value(&n, n.v.embedding, "eval.embedding", 2 * PAIRS * E, EMBEDDING);
    assert_close("eval.terms", "", terms, expected("eval.terms", "", 3), 3, TERMS);
    assert_int_equal(params_find(n.params, "backbone.bn1.num_batches_tracked")->counter, 0);

    for (int step = 0; step < STEPS; step++) {
        char name[16];
        format_into(name, sizeof name, "terms.%d", step);
        one_step(&n, terms);
        assert_close(name, "", terms, expected(name, "", 3), 3, step == 0 ? TERMS : TEN_TERMS);
        if (step == 0) {
            compare_value(&n, n.v.embedding, "first.embedding", 2 * PAIRS * E, EMBEDDING);
            compare_value(&n, n.v.z, "first.z", 2 * PAIRS * K, EMBEDDING);
            compare_params(&n, "first.grad.", true, false, GRADIENT);
            compare_params(&n, "first.", false, true, RUNNING);
            assert_int_equal(params_find(n.params, "backbone.bn1.num_batches_tracked")->counter, 2);
        }
        lars_rate(&lars, LR);
        lars_step(&lars, 0);
    }
    compare_way(&n, "tenth.", TEN_WAY);
    compare_params(&n, "tenth.", false, true, TEN_RUNNING);
    lars_close(&lars);
    net_close(&n);
}

static void check_lars(const char *backend)
{
    struct net n;
    struct lars lars;
    net_open(&n, backend);
    lars_open(&lars, n.params, 0.9, 1e-6, 0.001);
    params_zero_grad(n.params);
    for (size_t i = 0; i < n.params->count; i++) {
        struct param *q = &n.params->param[i];
        if (param_trained(q))
            param_put_to(n.params, q, n.params->grads, expected("first.grad.", q->name, q->count));
    }
    lars_rate(&lars, 0.3);
    for (int step = 0; step < STEPS; step++)
        lars_step(&lars, 0);
    compare_params(&n, "lars.", false, false, LARS_ALONE);
    lars_close(&lars);
    net_close(&n);
}

static void check_classifier(const char *backend)
{
    struct error e = {0};
    struct network_settings s;
    network_defaults(&s);
    narrow(&s, WIDTH);
    s.classifier_hidden = H;
    struct net n = {.b = backend_open(backend, 1, FLOAT32, &e)};
    assert_non_null(n.b);
    n.params = params_open(n.b);
    n.tape = tape_open(n.params, 2 * PAIRS, 1);
    n.v = network_build(n.tape, &s, NETWORK_CLASSIFIER);
    tape_seal(n.tape, true, NULL);
    for (size_t i = 0; i < n.params->count; i++)
        param_put(n.params, &n.params->param[i], expected("begin.", n.params->param[i].name, n.params->param[i].count));
    tape_put(n.tape, n.v.embedding, expected("eval.embedding", "", 2 * PAIRS * E));
    int32_t host[2 * PAIRS], *label = n.b->alloc(n.b, sizeof host);
    for (int i = 0; i < 2 * PAIRS; i++)
        host[i] = i % 3 % 2;
    n.b->put(n.b, label, host, sizeof host);

    const float alpha[2] = {0.55F, 0.55F};
    for (int on_softmax = 0; on_softmax < 2; on_softmax++) {
        const char *tag = on_softmax ? "softmax.grad." : "focal.grad.";
        float loss;
        tape_forward(n.tape);
        n.b->focal(n.b, tape_grad(n.tape, n.v.logits), &loss, tape_value(n.tape, n.v.logits), label, 2 * PAIRS, 2,
                   alpha, 2, on_softmax);
        assert_close("loss", "", &loss, expected(on_softmax ? "softmax.loss" : "focal.loss", "", 1), 1, FOCAL);
        params_zero_grad(n.params);
        tape_backward(n.tape);
        compare_params(&n, tag, true, false, FOCAL_GRADIENT);
    }
    compare_value(&n, n.v.logits, "eval.logits", 2 * PAIRS * 2, FOCAL);
    struct adamw adam;
    adamw_open(&adam, n.params, 0.01, false);
    for (int step = 0; step < STEPS; step++) {
        float loss;
        tape_forward(n.tape);
        n.b->focal(n.b, tape_grad(n.tape, n.v.logits), &loss, tape_value(n.tape, n.v.logits), label, 2 * PAIRS, 2,
                   alpha, 2, false);
        params_zero_grad(n.params);
        tape_backward(n.tape);
        adamw_rate(&adam, 1e-2);
        adamw_step(&adam);
    }
    compare_params(&n, "adamw.", false, false, ADAMW);
    n.b->release(n.b, label);
    adamw_close(&adam);
    net_close(&n);
}

static void test_pretraining(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(BACKENDS); i++)
        check_pretraining(BACKENDS[i]);
}

static void test_lars(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(BACKENDS); i++)
        check_lars(BACKENDS[i]);
}

static void test_classifier(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(BACKENDS); i++)
        check_classifier(BACKENDS[i]);
}

static void test_schedule(void **state)
{
    (void)state;
    const float *want = expected("schedule", "", 20);
    for (int t = 0; t < 20; t++)
        assert_true(fabs(schedule_factor(t, 3, 12.5, 0.001) - (double)want[t]) < 1e-7);
}

static int open_golden(void **state)
{
    (void)state;
    return golden_open("tests/golden/train/step.safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pretraining), cmocka_unit_test(test_lars),
                                       cmocka_unit_test(test_classifier), cmocka_unit_test(test_schedule)};
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
