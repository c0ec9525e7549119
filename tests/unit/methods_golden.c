/* SPDX-License-Identifier: Apache-2.0 */
/* methods_golden -- every method's first step in every gradient, and ten steps, against PyTorch and Lightly
 * (tests/golden/methods/make.py); VICReg's are in train_golden. */
#include "common/safetensors.h"
#include "stages/train/method_settings.h"
#include "tests/unit/distance.h"
#include "tests/unit/narrow.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/emulated.h"

#include <unistd.h>

enum { PAIRS = 16, WIDTH = 2, K = 24, STEPS = 10 };
static const double LR = 0.005;
static struct safetensors golden, network;

/* Relative to the length of each tensor; beside it what PyTorch's own float32 is from the golden float64, by make.py. */
static const double TERMS = 1e-5, /* 9e-7, at every one of ten steps */
    GRADIENT = 5e-4,              /* 2e-4 of supcon, 5e-5 of the others: every tensor */
    TEN_WAY = 1e-2,               /* 1e-3: the way they went in ten steps */
    TEACHER = 1e-5, QUEUE = 1e-5;

static const float *in_file(const struct safetensors *s, const char *method, const char *prefix, const char *name,
                            size_t count)
{
    char full[200];
    format_into(full, sizeof full, "%s%s%s%s", method, *method ? "." : "", prefix, name);
    const struct tensor_entry *t = safetensors_find(s, full);
    if (t && tensor_count(t) != count)
        fail_msg("golden tensor '%s' is misshapen", full);
    return t ? t->data : NULL;
}

static const float *expected(const char *method, const char *prefix, const char *name, size_t count)
{
    const float *x = in_file(&golden, method, prefix, name, count);
    if (!x)
        fail_msg("golden tensor '%s%s' of %s is missing", prefix, name, method);
    return x;
}

static void assert_close(const char *method, const char *what, const char *name, const float *got, const float *want,
                         size_t count, double tolerance)
{
    double d = distance(got, want, count);
    if (!(d <= tolerance))
        fail_msg("%s: %s%s differs by %.3g (at most %.3g)", method, what, name, d, tolerance);
}

/* make.py's boxes and positions: numbers begin, begin + 1 ... of tests/golden/train/network.py */
static float *numbers(uint32_t begin, size_t count, float scale)
{
    float *x = xalloc(count, sizeof *x);
    for (size_t i = 0; i < count; i++) {
        uint32_t k = begin + 1 + (uint32_t)i;
        k = (k ^ k >> 16) * 0x7feb352dU;
        k = (k ^ k >> 15) * 0x846ca68bU;
        x[i] = scale * ((float)((k ^ k >> 16) & 0xffff) / 16384 - 2);
    }
    return x;
}

static const float *begins(const char *method, const struct param *q)
{
    const float *own = in_file(&golden, method, "begin.", q->name, q->count);
    return own ? own : in_file(&network, "", "begin.", q->name, q->count);
}

static void learner_make(struct learner *l, const char *method, struct backend *b)
{
    struct error e = {0};
    struct learner_settings s;
    struct train t = {.backend = b, .world = {.size = 1}, .seed = 1};
    recipe_defaults(&t.recipe);
    t.recipe.method = method;
    t.recipe.batch = PAIRS;
    t.recipe.byol_hidden = 2 * K;
    t.recipe.moco_queue = 96;
    t.recipe.swav_prototypes = 12;
    network_defaults(&t.network);
    narrow(&t.network, WIDTH);
    t.network.projection_width = K;
    if (method_settings_make(&t, &s, &e) || learner_open(l, b, &s, &e))
        fail_msg("%s", e.text);
    free((void *)(uintptr_t)s.own);
    params_keep_dead_weights(l->params);
    for (size_t i = 0; i < l->params->count; i++) {
        struct param *q = &l->params->param[i];
        if (q->kind != PARAM_COUNTER && begins(method, q))
            param_put(l->params, q, begins(method, q));
        else if (q->kind == PARAM_PLAIN || q->kind == PARAM_CONV)
            fail_msg("'%s' has no first values", q->name);
        else if (q->init == INIT_ONE) { /* running variances of a head of its own */
            float one[1024];
            for (size_t k = 0; k < q->count; k++)
                one[k] = 1;
            param_put(l->params, q, one);
        }
    }
    learner_begin(l);
    for (size_t i = 0; i < l->states; i++)
        if (!strcmp(l->state[i].name, "queue"))
            b->put(b, l->state[i].data, expected(method, "begin.", "queue", 96 * K), 96 * K * sizeof(float));
}

static struct learner_tape *batch_put(struct learner *l)
{
    struct learner_tape *s = learner_tape(l, PAIRS);
    float *box = numbers(0, 2 * PAIRS * 4096, 1), *position = numbers(2 * PAIRS * 4096, 2 * PAIRS * 9, 4);
    int32_t label[2 * PAIRS];
    for (int i = 0; i < 2 * PAIRS; i++)
        label[i] = i % PAIRS % 3 % 2;
    learner_put(l, s, box, &(struct batch_facts){.pairs = PAIRS, .views = 2, .label = label, .position = position});
    free(box);
    free(position);
    return s;
}

static void check_gradients(struct learner *l, const char *method)
{
    double longest = 0;
    for (size_t i = 0; i < l->params->count; i++) {
        struct param *q = &l->params->param[i];
        if (!param_trained(q))
            continue;
        const float *want = expected(method, "grad.", q->name, q->count);
        for (size_t k = 0; k < q->count; k++)
            longest = fmax(longest, fabs((double)want[k]));
    }
    for (size_t i = 0; i < l->params->count; i++) {
        struct param *q = &l->params->param[i];
        if (!param_trained(q))
            continue;
        const float *want = expected(method, "grad.", q->name, q->count);
        float *got = xalloc(q->count, sizeof *got);
        double most = 0, off = 0;
        param_get_from(l->params, q, l->params->grads, got);
        for (size_t k = 0; k < q->count; k++) {
            most = fmax(most, fabs((double)want[k]));
            off = fmax(off, fabs((double)got[k]));
        }
        if (most > 1e-9 * longest)
            assert_close(method, "gradient of ", q->name, got, want, q->count, GRADIENT);
        else if (!(off <= 1e-5 * longest)) /* a bias before a batch norm has none but rounding's */
            fail_msg("%s: gradient of %s is %.3g where there is none", method, q->name, off);
        free(got);
    }
}

/* from where they began */
static void check_way(struct learner *l, const char *method)
{
    for (size_t i = 0; i < l->params->count; i++) {
        struct param *q = &l->params->param[i];
        if (!param_trained(q))
            continue;
        const float *want = expected(method, "tenth.", q->name, q->count), *first = begins(method, q);
        float *got = xalloc(2 * q->count, sizeof *got), *way = got + q->count;
        double moved = 0;
        param_get(l->params, q, got);
        for (size_t k = 0; k < q->count; k++) {
            got[k] -= first[k];
            way[k] = want[k] - first[k];
            moved += (double)way[k] * (double)way[k];
        }
        if (sqrt(moved) > 1e-6) /* float32 holds less of it */
            assert_close(method, "the way of ", q->name, got, way, q->count, TEN_WAY);
        free(got);
    }
}

static void check_teacher(struct learner *l, const char *method)
{
    size_t compared = 0;
    for (size_t i = 0; i < l->teacher->count; i++) {
        struct param *q = &l->teacher->param[i];
        const float *want = q->kind == PARAM_COUNTER ? NULL : in_file(&golden, method, "teacher.", q->name, q->count);
        if (!want)
            continue;
        float *got = xalloc(q->count, sizeof *got);
        param_get(l->teacher, q, got);
        assert_close(method, "the teacher's ", q->name, got, want, q->count, TEACHER);
        free(got);
        compared++;
    }
    assert_true(compared >= 10);
}

static void check_method(const char *method, struct backend *b, int steps)
{
    struct learner l;
    assert_non_null(b);
    learner_make(&l, method, b);
    struct learner_tape *s = batch_put(&l);
    for (int step = 0; step < steps; step++) {
        char name[16];
        double terms[1 + METHOD_TERMS];
        float part[METHOD_TERMS];
        int count = 0;
        learner_rates(&l, LR, &(struct training_time){.step = step, .steps = STEPS, .epochs = 1});
        learner_step(&l, s);
        learner_terms(&l, terms);
        for (; count < METHOD_TERMS && l.method->term[count]; count++)
            part[count] = (float)terms[count + 1];
        format_into(name, sizeof name, "%d", step);
        assert_close(method, "terms of step ", name, part, expected(method, "terms.", name, (size_t)count),
                     (size_t)count, TERMS);
        if (step == 0)
            check_gradients(&l, method);
    }
    if (steps == STEPS)
        check_way(&l, method);
    if (l.teacher && steps == STEPS)
        check_teacher(&l, method);
    for (size_t i = 0; i < l.states && steps == STEPS; i++)
        if (!strcmp(l.state[i].name, "queue")) {
            float *queue = xalloc(96 * K, sizeof *queue);
            b->get(b, queue, l.state[i].data, 96 * K * sizeof *queue);
            assert_close(method, "the queue", "", queue, expected(method, "tenth.", "queue", 96 * K), 96 * K, QUEUE);
            free(queue);
        }
    learner_close(&l);
    backend_close(&b);
}

static void check_both(const char *method)
{
    struct error e = {0};
    check_method(method, backend_open("ref", 1, FLOAT32, &e), STEPS);
    check_method(method, backend_open("cpu", 1, FLOAT32, &e), STEPS);
    check_method(method, open_emulated(FLOAT32), 2);
}
static void test_simclr(void **state)
{
    (void)state;
    check_both("simclr");
}
static void test_supcon(void **state)
{
    (void)state;
    check_both("supcon");
}
static void test_moco(void **state)
{
    (void)state;
    check_both("moco");
}
static void test_byol(void **state)
{
    (void)state;
    check_both("byol");
}
static void test_swav(void **state)
{
    (void)state;
    check_both("swav");
}

/* Validation moves nothing: neither parameters nor statistics, teacher or queue. */
static void test_evaluation_moves_nothing(void **state)
{
    (void)state;
    struct error e = {0};
    struct backend *b = backend_open("cpu", 1, FLOAT32, &e);
    struct learner l;
    double first[1 + METHOD_TERMS], again[1 + METHOD_TERMS];
    learner_make(&l, "moco", b);
    struct learner_tape *s = batch_put(&l);
    learner_evaluate(&l, s);
    learner_terms(&l, first);
    learner_evaluate(&l, s);
    learner_terms(&l, again);
    assert_true(first[0] == again[0] && first[0] > 0);
    assert_true(learner_spread(&l, s) > 0.01);
    learner_close(&l);
    backend_close(&b);
}

/* A back end without the operations, a bank smaller than a batch, a batch of one: a sentence, not a crash. */
static void test_refused(void **state)
{
    (void)state;
    struct error e = {0};
    struct backend *b = backend_open("cpu", 1, FLOAT32, &e);
    struct train t = {.backend = b, .world = {.size = 1}};
    struct learner_settings s;
    struct learner l;
    recipe_defaults(&t.recipe);
    network_defaults(&t.network);
    narrow(&t.network, 1);
    t.recipe.batch = 8;
    t.recipe.method = "moco";
    t.recipe.moco_queue = 15;
    assert_int_equal(method_settings_make(&t, &s, &e), 0);
    assert_int_equal(learner_open(&l, b, &s, &e), -1);
    assert_non_null(strstr(e.text, "moco_queue 15"));
    learner_close(&l);
    free((void *)(uintptr_t)s.own);

    b->cross_entropy = NULL;
    t.recipe.method = "simclr";
    assert_int_equal(method_settings_make(&t, &s, &e), 0);
    assert_int_equal(learner_open(&l, b, &s, &e), -1);
    assert_non_null(strstr(e.text, "the cpu back end lacks operations of the method simclr"));
    learner_close(&l);
    free((void *)(uintptr_t)s.own);

    t.recipe.method = "sinclair";
    assert_int_equal(method_settings_make(&t, &s, &e), -1);
    assert_non_null(strstr(e.text, "no method is called 'sinclair': choose one of vicreg, simclr"));
    backend_close(&b);
}

static int open_files(void **state)
{
    (void)state;
    struct error e = {0};
    if (safetensors_read(&golden, "tests/golden/methods/methods.safetensors", &e) ||
        safetensors_read(&network, "tests/golden/train/step.safetensors", &e)) {
        fprintf(stderr, "%s\n", e.text);
        return -1;
    }
    return 0;
}

static int close_files(void **state)
{
    (void)state;
    safetensors_free(&golden);
    safetensors_free(&network);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_simclr), cmocka_unit_test(test_supcon),
                                       cmocka_unit_test(test_moco),   cmocka_unit_test(test_byol),
                                       cmocka_unit_test(test_swav),   cmocka_unit_test(test_evaluation_moves_nothing),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, open_files, close_files);
}
