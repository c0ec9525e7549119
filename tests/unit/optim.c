/* optim -- schedule, clipping, and optimisers over all parameters: who is stepped and who is not. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedule), cmocka_unit_test(test_clip),
                                       cmocka_unit_test(test_lars), cmocka_unit_test(test_adamw)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
