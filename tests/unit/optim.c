/* SPDX-License-Identifier: Apache-2.0 */
/* optim -- schedule, clipping, and optimisers over all parameters: who is stepped and who is not. */
#include "common/rng.h"
#include "kernels/optim/adamw.h"
#include "kernels/optim/clip.h"
#include "kernels/optim/lars.h"
#include "kernels/optim/schedule.h"
#include <math.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void test_schedule(void **state)
{
    (void)state;
    /* paper: 60 warm-up epochs of 2000, down to 0.001 */
    assert_true(fabs(schedule_factor(0, 60, 2000, 0.001) - 1.0 / 60) < 1e-12);
    assert_true(fabs(schedule_factor(59, 60, 2000, 0.001) - 1) < 1e-12);
    assert_true(fabs(schedule_factor(60, 60, 2000, 0.001) - 1) < 1e-12);
    assert_true(fabs(schedule_factor(1999, 60, 2000, 0.001) - 0.001) < 1e-12);
    double middle = 60 + (2000 - 60 - 1) / 2.0;
    assert_true(fabs(schedule_factor(middle, 60, 2000, 0.001) - (1 + 0.001) / 2) < 1e-9);
    /* never up again */
    for (double t = 61; t < 4000; t++)
        assert_true(schedule_factor(t, 60, 2000, 0.001) <= schedule_factor(t - 1, 60, 2000, 0.001));
    assert_true(schedule_factor(1e9, 60, 2000, 0.001) == 0.001);
    /* no warm-up; a warm-up as long as everything; a length of one */
    assert_true(schedule_factor(0, 0, 10, 0.5) == 1);
    assert_true(schedule_factor(4, 5, 5, 0.5) == 1);
    assert_true(schedule_factor(5, 5, 5, 0.5) == 0.5);
    assert_true(schedule_factor(0, 0, 1, 0.25) == 0.25);
}

struct two {
    struct backend *b;
    struct params *params;
    struct tape *tape;
    struct param *weight, *bias, *low;
};

/* two linear layers, the lower frozen; gradients of 3 for the upper's weight (4 x 2) and 4 for its bias */
static struct two two_open(void)
{
    struct error e = {0};
    struct two t = {.b = backend_open("ref", 1, FLOAT32, &e)};
    assert_non_null(t.b);
    t.params = params_open(t.b);
    t.tape = tape_open(t.params, 1, 1);
    int x = tape_linear(t.tape, tape_rows(t.tape, 2), "low", 2, true);
    tape_linear(t.tape, x, "high", 4, true);
    params_freeze(t.params, "low");
    tape_seal(t.tape, true, NULL);
    params_init(t.params, 1);
    t.weight = params_find(t.params, "high.weight");
    t.bias = params_find(t.params, "high.bias");
    t.low = params_find(t.params, "low.weight");
    float three[8], four[4];
    for (int i = 0; i < 8; i++)
        three[i] = 3;
    for (int i = 0; i < 4; i++)
        four[i] = 4;
    param_put_to(t.params, t.weight, t.params->grads, three);
    param_put_to(t.params, t.bias, t.params->grads, four);
    return t;
}

static void two_close(struct two *t)
{
    tape_close(&t->tape);
    params_close(&t->params);
    backend_close(&t->b);
}

static void test_clip(void **state)
{
    (void)state;
    struct two t = two_open();
    double norm = sqrt(8 * 9 + 4 * 16), squares = 7; /* what lay there before does not count */
    float scale;
    clip_gradients(t.params, &scale, &squares, 1000);
    assert_true(scale == 1 && fabs(sqrt(squares) - norm) < 1e-6);
    clip_gradients(t.params, &scale, &squares, 2);
    assert_true(fabs((double)scale - 2 / norm) < 1e-6);
    two_close(&t);
}

static void test_lars(void **state)
{
    (void)state;
    struct two t = two_open();
    float weight[8], bias[4], low[4], after[8], bias_after[4], low_after[4];
    struct lars lars;
    const double half = 0.5 * (sqrt(8 * 9 + 4 * 16) + 1e-6); /* of the gradients' norm: they are clipped to it */
    lars_open(&lars, t.params, 0.9, 0.1, 0.001);
    param_get(t.params, t.weight, weight);
    param_get(t.params, t.bias, bias);
    param_get(t.params, t.low, low);
    lars_rate(&lars, 0.5);
    lars_step(&lars, half);
    param_get(t.params, t.weight, after);
    param_get(t.params, t.bias, bias_after);
    param_get(t.params, t.low, low_after);
    double p = 0, g = 0;
    for (int i = 0; i < 8; i++) {
        double gi = 1.5 + 0.1 * (double)weight[i];
        p += (double)(weight[i] * weight[i]);
        g += gi * gi;
    }
    for (int i = 0; i < 8; i++) /* decayed and scaled by the trust ratio */
        assert_true(fabs((double)after[i] -
                         ((double)weight[i] - 0.5 * 0.001 * sqrt(p / g) * (1.5 + 0.1 * (double)weight[i]))) < 1e-6);
    for (int i = 0; i < 4; i++) /* one dimension: neither */
        assert_true(fabs((double)bias_after[i] - ((double)bias[i] - 0.5 * 2)) < 1e-6);
    assert_memory_equal(low, low_after, sizeof low); /* frozen */
    lars_rate(&lars, 0.5);
    lars_step(&lars, half);
    param_get(t.params, t.bias, bias_after);
    assert_true(fabs((double)bias_after[0] - ((double)bias[0] - 0.5 * 2 - 0.5 * (0.9 * 2 + 2))) < 1e-5);
    lars_close(&lars);
    two_close(&t);
}

static void test_adamw(void **state)
{
    (void)state;
    for (int coupled = 0; coupled < 2; coupled++) {
        struct two t = two_open();
        float bias[4], after[4], low[4], low_after[4];
        struct adamw adam;
        adamw_open(&adam, t.params, 0.1, coupled);
        param_get(t.params, t.bias, bias);
        param_get(t.params, t.low, low);
        adamw_rate(&adam, 0.01);
        adamw_step(&adam);
        assert_int_equal(adam.step, 1);
        param_get(t.params, t.bias, after);
        param_get(t.params, t.low, low_after);
        /* the first step is lr * sign(g); decoupled decay shrinks the parameter besides */
        for (int i = 0; i < 4; i++)
            assert_true(fabs((double)after[i] - ((double)bias[i] * (coupled ? 1 : 1 - 0.01 * 0.1) - 0.01)) < 1e-6);
        assert_memory_equal(low, low_after, sizeof low);
        adamw_close(&adam);
        two_close(&t);
    }
}

/* a convolution of which 2 of 27 taps live, one of which 9 do, and one that has none to spare */
struct filters {
    struct backend *b;
    struct params *params;
    struct tape *tape;
};

static struct filters filters_open(const char *backend)
{
    struct error e = {0};
    struct filters f = {.b = backend_open(backend, 1, FLOAT32, &e)};
    static const int three[3] = {3, 3, 3}, one[3] = {1, 1, 1}, two[3] = {2, 2, 2}, box[3] = {4, 4, 1};
    assert_non_null(f.b);
    f.params = params_open(f.b);
    f.tape = tape_open(f.params, 2, 1);
    int x = tape_image(f.tape, 5, box);
    x = tape_conv(f.tape, x, "nine", 7, three, two, one);
    x = tape_conv(f.tape, x, "eight", 6, three, two, one); /* 2.2.1 -> 1.1.1 */
    tape_conv(f.tape, x, "all", 4, one, one, (const int[3]){0, 0, 0});
    tape_seal(f.tape, true, NULL);
    params_keep_dead_weights(f.params);
    params_init(f.params, 3);
    return f;
}

static void filters_close(struct filters *f)
{
    tape_close(&f->tape);
    params_close(&f->params);
    backend_close(&f->b);
}

/* LARS of one whole tensor in double, gradient and all */
static void dense_lars(double *w, double *m, const float *g, size_t count, double lr, double factor, double decay,
                       double trust)
{
    double p2 = 0, g2 = 0;
    for (size_t i = 0; i < count; i++) {
        double step = (double)g[i] + decay * w[i];
        p2 += w[i] * w[i];
        g2 += step * step;
    }
    double ratio = p2 > 0 && g2 > 0 ? trust * sqrt(p2 / g2) : 1;
    for (size_t i = 0; i < count; i++) {
        m[i] = factor * m[i] + ratio * ((double)g[i] + decay * w[i]);
        w[i] -= lr * m[i];
    }
}

enum { MOST = 7 * 6 * 27, STEPS = 300 };

/* 300 steps with random gradients of the live taps, against the whole tensor in double. What lives is float32: its rounding
 * (6e-8 a step, random) is all that sets the two apart; two numbers in double carry the dead. */
static void test_lars_dead(void **state)
{
    (void)state;
    static const char *const backends[] = {"ref", "cpu"}, *const names[] = {"nine.weight", "eight.weight", "all.weight"};
    static const int live[] = {9, 4, 1};
    for (size_t k = 0; k < COUNT_OF(backends); k++)
        for (size_t n = 0; n < COUNT_OF(names); n++) {
            struct filters f = filters_open(backends[k]);
            struct param *q = params_find(f.params, names[n]);
            struct lars lars;
            struct rng r = rng_make(5, RNG_TEST, n);
            static float whole[MOST], grad[MOST];
            static double w[MOST], m[MOST];
            assert_true(q->live_taps == live[n] && q->count <= MOST && q->live + q->dead == q->count);
            assert_int_equal(q->live, q->count / (size_t)q->taps * (size_t)live[n]);
            lars_open(&lars, f.params, 0.9, 0.02, 0.01);
            param_get(f.params, q, whole);
            for (size_t i = 0; i < q->count; i++) {
                w[i] = (double)whole[i];
                m[i] = 0;
            }
            for (int step = 0; step < STEPS; step++) {
                double lr = 0.5 + 0.5 * cos(step / 50.0);
                memset(grad, 0, sizeof grad);
                for (size_t i = 0; i < q->count; i++)
                    for (int t = 0; t < q->live_taps; t++)
                        if (q->tap[t] == (int)(i % (size_t)q->taps))
                            grad[i] = rng_normal(&r) + 0.3F;
                params_zero_grad(f.params);
                param_put_to(f.params, q, f.params->grads, grad);
                lars_rate(&lars, lr);
                lars_step(&lars, 0);
                dense_lars(w, m, grad, q->count, (double)(float)lr, (double)0.9F, (double)0.02F, (double)0.01F);
            }
            param_get(f.params, q, whole);
            double far = 0, dead_far = 0, length = 0, dead_length = 0;
            for (size_t i = 0; i < q->count; i++) {
                bool lives = false;
                for (int t = 0; t < q->live_taps; t++)
                    lives = lives || q->tap[t] == (int)(i % (size_t)q->taps);
                double d = ((double)whole[i] - w[i]) * ((double)whole[i] - w[i]);
                *(lives ? &far : &dead_far) += d;
                *(lives ? &length : &dead_length) += w[i] * w[i];
            }
            if (!(sqrt(far / length) < 2e-6 && (!q->dead || sqrt(dead_far / dead_length) < 2e-7)))
                fail_msg("%s, %s: %.2g from the whole tensor, dead taps %.2g", backends[k], names[n],
                         sqrt(far / length), sqrt(dead_far / dead_length));
            lars_close(&lars);
            filters_close(&f);
        }
}

/* AdamW's and Adam's dead taps, asked for after the steps, against the dense tensor taken through b->adamw */
static void test_adamw_dead(void **state)
{
    (void)state;
    static const char *const backends[] = {"ref", "cpu"};
    for (size_t k = 0; k < COUNT_OF(backends); k++)
        for (int coupled = 0; coupled < 2; coupled++) {
            struct filters f = filters_open(backends[k]);
            struct param *q = params_find(f.params, "eight.weight");
            struct adamw adam;
            static float dense[4][MOST], whole[MOST];
            adamw_open(&adam, f.params, 0.05, coupled);
            memset(dense, 0, sizeof dense);
            param_get(f.params, q, dense[0]);
            double before = fabs((double)dense[0][0]);
            float *at = f.b->alloc(f.b, sizeof dense), *m = at + MOST, *v = m + MOST, *zero = v + MOST;
            f.b->put(f.b, at, dense, sizeof dense);
            for (int step = 0; step < STEPS; step++) {
                params_zero_grad(f.params);
                adamw_rate(&adam, 1e-4);
                adamw_step(&adam);
                f.b->adamw(f.b, at, m, v, zero, q->count, adam.rates, 0.9F, 0.999F, 1e-8F, 0.05F, coupled);
            }
            f.b->get(f.b, dense, at, sizeof dense);
            adamw_age(&adam, q, 1e-4, STEPS);
            param_get(f.params, q, whole);
            if (coupled) /* the same operation on the same numbers, live or dead */
                assert_memory_equal(whole, dense[0], q->count * sizeof *whole);
            else /* the dense one rounds at each of 300 steps, and the cpu's factor is 1 - 5e-6 in float32 */
                for (size_t i = 0; i < q->count; i++)
                    assert_true(fabs((double)whole[i] - (double)dense[0][i]) <= 3e-5 * fabs((double)dense[0][i]));
            assert_true(fabs((double)whole[0]) < before); /* and it did decay */
            f.b->release(f.b, at);
            adamw_close(&adam);
            filters_close(&f);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedule),  cmocka_unit_test(test_clip),
                                       cmocka_unit_test(test_lars),      cmocka_unit_test(test_adamw),
                                       cmocka_unit_test(test_lars_dead), cmocka_unit_test(test_adamw_dead)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
