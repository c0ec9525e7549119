/* SPDX-License-Identifier: Apache-2.0 */
/* methods_golden -- every method's first step in every gradient, and ten steps, against PyTorch and Lightly
 * (tests/golden/methods/make.py); VICReg's are in train_golden. */
#include "common/rng.h"
#include "common/safetensors.h"
#include "kernels/methods/kmeans.h"
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
#include "tests/unit/numbers.h" /* make.py's boxes and positions */

#include <unistd.h>

enum { WIDTH = 2, K = 24, STEPS = 10 };
static const double LR = 0.005;
static struct safetensors golden, network;

/* Relative to the length of each tensor; beside it what PyTorch's own float32 is from the golden float64, by make.py. */
static const double TERMS = 1e-5, /* 9e-7, at every one of ten steps */
    GRADIENT = 5e-4,              /* 2e-4 of supcon, 5e-5 of the others: every tensor */
    TEN_WAY = 1e-2,               /* 1e-3: the way they went in ten steps */
    TEACHER = 1e-5, STATE = 1e-4; /* 6e-6 of swav_crops' terms at the tenth step */

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

static const float *begins(const char *method, const struct param *q)
{
    const float *own = in_file(&golden, method, "begin.", q->name, q->count);
    return own ? own : in_file(&network, "", "begin.", q->name, q->count);
}

/* A run of make.py: its name there, the method, its views and pairs, and what is not the recipe's default. */
struct run {
    const char *name, *method;
    int views, pairs;
    void (*tweak)(struct recipe *r);
    const char *state[2]; /* begin there, and are compared after ten steps */
    int gradients;        /* of which step: the first where nothing is frozen */
};
static void small_byol(struct recipe *r)
{
    r->byol_hidden = 2 * K;
}
static void small_moco(struct recipe *r)
{
    r->moco_queue = 96;
}
static void small_swav(struct recipe *r)
{
    r->swav_prototypes = 12;
}
static void crops_swav(struct recipe *r)
{
    r->swav_prototypes = 12;
    r->swav_queue = 32;
    r->swav_queue_epochs = 2;
}
static void small_smog(struct recipe *r)
{
    r->smog_groups = 12;
    r->smog_hidden = 2 * K;
    r->smog_beta = 0.9;
    r->smog_bank = 64;
    r->smog_reset = 1000;
}
static void small_dino(struct recipe *r)
{
    r->dino_outputs = 20;
    r->dino_warmup_temperature = 0.07;
    r->dino_warmup_epochs = 5;
    r->dino_frozen_epochs = 2;
}
static void small_wsp(struct recipe *r)
{
    r->wsp_sigma = 3;
}
static void together_barlow(struct recipe *r)
{
    r->barlow_together = true;
}
static const struct run RUNS[] = {
    {"simclr", "simclr", 2, 16, NULL, {NULL}, 0},
    {"supcon", "supcon", 2, 16, NULL, {NULL}, 0},
    {"moco", "moco", 2, 16, small_moco, {"queue"}, 0},
    {"byol", "byol", 2, 16, small_byol, {NULL}, 0},
    {"swav", "swav", 2, 16, small_swav, {NULL}, 0},
    {"swav_crops", "swav", 4, 8, crops_swav, {"queue1", "queue2"}, 0},
    {"smog", "smog", 2, 16, small_smog, {"groups"}, 0},
    {"dino", "dino", 4, 8, small_dino, {"centre"}, 2},
    {"voco", "voco", 9, 4, NULL, {NULL}, 0},
    {"voco_supervised", "voco_supervised", 10, 4, NULL, {NULL}, 0},
    {"wsp", "wsp", 2, 16, small_wsp, {NULL}, 0},
    {"barlow", "barlow", 2, 16, NULL, {NULL}, 0},
    {"barlow_together", "barlow", 2, 16, together_barlow, {NULL}, 0},
};
static const struct run *run_named(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(RUNS); i++)
        if (!strcmp(RUNS[i].name, name))
            return &RUNS[i];
    fail_msg("no run '%s'", name);
    return NULL;
}

static struct learner_state *state_named(struct learner *l, const char *name)
{
    for (size_t i = 0; i < l->states; i++)
        if (!strcmp(l->state[i].name, name))
            return &l->state[i];
    fail_msg("%s has no state '%s'", l->method->name, name);
    return NULL;
}

static void learner_make(struct learner *l, const struct run *run, struct backend *b)
{
    struct error e = {0};
    struct learner_settings s;
    struct train t = {.backend = b, .world = {.size = 1}, .seed = 1};
    recipe_defaults(&t.recipe);
    t.recipe.method = run->method;
    t.recipe.batch = run->pairs;
    t.recipe.views = run->views;
    if (run->tweak)
        run->tweak(&t.recipe);
    network_defaults(&t.network);
    narrow(&t.network, WIDTH);
    t.network.projection_width = K;
    if (method_settings_make(&t, &s, &e) || learner_open(l, b, &s, &e))
        fail_msg("%s", e.text);
    free((void *)(uintptr_t)s.own);
    params_keep_dead_weights(l->params);
    for (size_t i = 0; i < l->params->count; i++) {
        struct param *q = &l->params->param[i];
        if (q->kind != PARAM_COUNTER && begins(run->name, q))
            param_put(l->params, q, begins(run->name, q));
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
    for (size_t i = 0; i < COUNT_OF(run->state) && run->state[i]; i++) {
        struct learner_state *state = state_named(l, run->state[i]);
        size_t count = (size_t)state->rows * (size_t)state->columns;
        const float *first = in_file(&golden, run->name, "begin.", state->name, count);
        if (first)
            b->put(b, state->data, first, count * sizeof *first);
    }
}

/* Labels of pairs; of voco_supervised some unknown. Windows of random crops: make.py's. */
static struct learner_tape *batch_put(struct learner *l, const struct run *run)
{
    struct learner_tape *s = learner_tape(l, run->pairs);
    size_t rows = (size_t)(run->views * run->pairs);
    float *box = numbers(0, rows * 4096, 1), *position = numbers((uint32_t)rows * 4096, rows * 9, 4);
    int32_t *label = xalloc(rows, sizeof *label), *window = xalloc(rows * 5, sizeof *window);
    for (size_t i = 0; i < rows; i++) {
        int n = (int)i % run->pairs, v = (int)i / run->pairs;
        label[i] = strcmp(run->name, "voco_supervised") ? n % 3 % 2 : n % 3 - 1;
        for (int a = 0; a < 3; a++)
            window[i * 5 + (size_t)a] = (3 * n + 5 * v + 2 * a) % 9;
        window[i * 5 + 4] = -1;
    }
    learner_put(l, s, box,
                &(struct batch_facts){
                    .pairs = run->pairs, .views = run->views, .label = label, .position = position, .window = window});
    free(box);
    free(position);
    free(label);
    free(window);
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

static void check_states(struct learner *l, const struct run *run)
{
    for (size_t i = 0; i < COUNT_OF(run->state) && run->state[i]; i++) {
        struct learner_state *state = state_named(l, run->state[i]);
        size_t count = (size_t)state->rows * (size_t)state->columns;
        float *got = xalloc(count, sizeof *got);
        l->b->get(l->b, got, state->data, count * sizeof *got);
        assert_close(run->name, "the state ", state->name, got, expected(run->name, "tenth.", state->name, count),
                     count, STATE);
        free(got);
    }
}

static void check_method(const struct run *run, struct backend *b, int steps)
{
    struct learner l;
    const char *name = run->name;
    assert_non_null(b);
    learner_make(&l, run, b);
    struct learner_tape *s = batch_put(&l, run);
    for (int step = 0; step < steps; step++) {
        char number[16];
        double terms[1 + METHOD_TERMS];
        float part[METHOD_TERMS];
        int count = 0;
        learner_rates(&l, LR, &(struct training_time){step, STEPS, step, STEPS});
        learner_step(&l, s);
        learner_terms(&l, terms);
        for (; count < METHOD_TERMS && l.method->term[count]; count++)
            part[count] = (float)terms[count + 1];
        format_into(number, sizeof number, "%d", step);
        assert_close(name, "terms of step ", number, part, expected(name, "terms.", number, (size_t)count),
                     (size_t)count, TERMS);
        if (step == run->gradients)
            check_gradients(&l, name);
    }
    if (steps == STEPS) {
        check_way(&l, name);
        check_states(&l, run);
    }
    if (l.teacher && steps == STEPS)
        check_teacher(&l, name);
    learner_close(&l);
    backend_close(&b);
}

static void test_run(void **state)
{
    struct error e = {0};
    const struct run *run = *state;
    check_method(run, backend_open("ref", 1, FLOAT32, &e), STEPS);
    check_method(run, backend_open("cpu", 1, FLOAT32, &e), STEPS);
    check_method(run, open_emulated(FLOAT32), 2 + run->gradients / 2);
}

/* Validation moves nothing: neither parameters nor statistics, teacher or queue. */
static void test_evaluation_moves_nothing(void **state)
{
    (void)state;
    struct error e = {0};
    struct backend *b = backend_open("cpu", 1, FLOAT32, &e);
    struct learner l;
    double first[1 + METHOD_TERMS], again[1 + METHOD_TERMS];
    learner_make(&l, run_named("moco"), b);
    struct learner_tape *s = batch_put(&l, run_named("moco"));
    learner_evaluate(&l, s);
    learner_terms(&l, first);
    learner_evaluate(&l, s);
    learner_terms(&l, again);
    assert_true(first[0] == again[0] && first[0] > 0);
    assert_true(learner_spread(&l, s) > 0.01);
    learner_close(&l);
    backend_close(&b);
}

/* Spherical k-means: every group ends at the mean direction of the rows nearest to it, whoever computes; twice the same; an unfilled
 * bank moves nothing. */
static void test_kmeans(void **state)
{
    (void)state;
    enum { ROWS_IN = 40, BANK = 50, G = 6, C = 7 };
    struct error e = {0};
    float groups[2][G * C], row[BANK * C] = {0};
    struct rng r = rng_make(3, RNG_TEST, 0);
    for (int i = 0; i < ROWS_IN * C; i++)
        row[i] = rng_normal(&r);
    for (int k = 0; k < 2; k++) {
        struct backend *b = backend_open(k ? "cpu" : "ref", 1, FLOAT32, &e);
        struct learner l = {.b = b, .seed = 5};
        struct learner_state g = {"groups", G, C, b->alloc(b, G * C * sizeof(float))},
                             bank = {"bank", BANK, C, b->alloc(b, BANK * C * sizeof(float))};
        kmeans_groups(&l, &g, &bank, 1);
        b->get(b, groups[k], g.data, sizeof groups[k]);
        for (int i = 0; i < G * C; i++)
            assert_true(groups[k][i] == 0);
        b->put(b, bank.data, row, sizeof row);
        kmeans_groups(&l, &g, &bank, 1);
        b->get(b, groups[k], g.data, sizeof groups[k]);
        b->release(b, g.data);
        b->release(b, bank.data);
        backend_close(&b);
    }
    assert_true(distance(groups[0], groups[1], G * C) < 1e-5);
    double before = 0, after = 0; /* of the rows' likeness to their groups, and to their groups' means */
    for (int g = 0; g < G; g++) {
        double mean[C] = {0}, length = 0;
        for (int n = 0; n < ROWS_IN; n++) {
            int best = 0;
            double most = -2, own = 0;
            for (int c = 0; c < C; c++)
                own += (double)row[n * C + c] * (double)row[n * C + c];
            for (int h = 0; h < G; h++) {
                double dot = 0;
                for (int c = 0; c < C; c++)
                    dot += (double)row[n * C + c] * (double)groups[1][h * C + c];
                if (dot > most)
                    best = h, most = dot;
            }
            before += best == g ? most / sqrt(own) : 0;
            for (int c = 0; c < C && best == g; c++)
                mean[c] += (double)row[n * C + c] / sqrt(own);
        }
        for (int c = 0; c < C; c++)
            length += mean[c] * mean[c];
        assert_true(length > 0);
        after += sqrt(length);
    }
    assert_true(after > before - 1e-4 && after < 1.02 * before); /* another round would gain nothing to speak of */
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

    static const struct { /* what a method cannot be */
        const char *method, *says;
        int64_t views, queue, bank;
    } bad[] = {
        {"simclr", "simclr takes 2 to 2 views, and views is 3", 3, 0, 10000},
        {"voco", "voco takes 9 to 32 views, and views is 2", 2, 0, 10000},
        {"dino", "dino takes 2 to 32 views, and views is 1", 1, 0, 10000},
        {"swav", "swav_queue 7 holds not even one batch's 8 pairs", 0, 7, 10000},
        {"smog", "smog_bank 200", 0, 0, 200},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        t.recipe.method = bad[i].method;
        t.recipe.views = bad[i].views;
        t.recipe.swav_queue = bad[i].queue;
        t.recipe.smog_bank = bad[i].bank;
        e = (struct error){0};
        assert_int_equal(method_settings_make(&t, &s, &e), 0);
        assert_int_equal(learner_open(&l, b, &s, &e), -1);
        if (!strstr(e.text, bad[i].says))
            fail_msg("'%s' does not say '%s'", e.text, bad[i].says);
        assert_int_equal(e.code, EX_CONFIG);
        learner_close(&l);
        free((void *)(uintptr_t)s.own);
    }
    t.recipe.views = 0;
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
    struct CMUnitTest tests[COUNT_OF(RUNS) + 3] = {cmocka_unit_test(test_evaluation_moves_nothing),
                                                   cmocka_unit_test(test_kmeans), cmocka_unit_test(test_refused)};
    for (size_t i = 0; i < COUNT_OF(RUNS); i++)
        tests[3 + i] = (struct CMUnitTest){
            .name = RUNS[i].name, .test_func = test_run, .initial_state = (void *)(uintptr_t)&RUNS[i]};
    return cmocka_run_group_tests(tests, open_files, close_files);
}
