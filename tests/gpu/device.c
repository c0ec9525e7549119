/* SPDX-License-Identifier: Apache-2.0 */
/* device -- the cuda back end as a whole: a step against the cpu's, the same bytes twice, a recorded step, every way of convolving.
 *                                                                                                             tests/gpu
 *     device            TAP; the back end is the one petrel-train would open (PETREL_CUDA names another: the emulated one)
 *     device memory     takes memory until there is none: must end with a sentence and code 71
 *     device step       steps and nothing else, for compute-sanitizer
 * PETREL_GPU_WIDTH (64), PETREL_GPU_PAIRS (32): smaller for an emulated GPU. Exit 77 where there is no GPU. */
#include "common/rng.h"
#include "kernels/cuda/conv_form.h"
#include "kernels/nets/network.h"
#include "kernels/optim/lars.h"
#include "tests/gpu/layers.h"
#include "tests/unit/distance.h"
#include "tests/unit/narrow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Normalised distances: what float32 may differ in, and bfloat16, whose numbers have 8 bits. Of noise, at first, all embeddings are
 * alike: norms over boxes and VICReg look at their small differences. PyTorch's own bfloat16 (autocast, 2.15 on a CPU, width 16,
 * 32 pairs of noise) is 0.054 from its float32 in z and 0.46 in all gradients. What single operations may differ in is ops.h's. */
static const double near_z[] = {[FLOAT32] = 1e-4, [BFLOAT16] = 0.1};
static const double near_gradient[] = {[FLOAT32] = 1e-3, [BFLOAT16] = 0.7};
static const double near_conv[] = {[FLOAT32] = 2e-5, [BFLOAT16] = 1e-2};
static const char *const precision_name[] = {"float32", "bfloat16"};

static int setting(const char *name, int usual)
{
    const char *s = getenv(name);
    return s && *s ? (int)strtol(s, NULL, 10) : usual;
}
static int pairs(void)
{
    return setting("PETREL_GPU_PAIRS", 32);
}

static float *noise(size_t count, uint64_t which)
{
    struct rng r = rng_make(3, RNG_TEST, which);
    float *x = xalloc(count, sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = rng_normal(&r);
    return x;
}

/* ---- a network on a back end ---- */

struct net {
    struct backend *b;
    struct params *params;
    struct tape *tape;
    struct network_values v;
    struct lars lars;
    float *terms; /* on the device */
    int K;
};

static struct backend *open_or_skip(const char *name, enum precision precision)
{
    struct error e = {0};
    struct backend *b = backend_open(name, 0, precision, &e);
    if (!b && e.code == EX_UNAVAILABLE) {
        printf("skipped: %s\n", e.text);
        exit(77);
    }
    if (!b)
        die_of(&e);
    return b;
}

static struct net net_open(const char *backend, enum precision precision)
{
    struct net n = {.b = open_or_skip(backend, precision)};
    struct network_settings s;
    network_defaults(&s);
    narrow(&s, setting("PETREL_GPU_WIDTH", 64));
    n.K = s.projection_width = 4 * network_embedding(&s);
    n.params = params_open(n.b);
    n.tape = tape_open(n.params, 2 * pairs(), 2);
    n.v = network_build(n.tape, &s, NETWORK_ENCODER | NETWORK_PROJECTION);
    tape_seal(n.tape, true, NULL);
    params_init(n.params, 1);
    lars_open(&n.lars, n.params, 0.9, 1e-6, 1e-3);
    lars_rate(&n.lars, 0.05);
    n.terms = n.b->alloc(n.b, 3 * sizeof(float));
    float *box = noise((size_t)pairs() * 2 * 4096, 0), *position = noise((size_t)pairs() * 2 * NETWORK_POSITION, 1);
    tape_put(n.tape, n.v.box, box);
    tape_put(n.tape, n.v.position, position);
    free(box);
    free(position);
    return n;
}

static void net_close(struct net *n)
{
    n->b->release(n->b, n->terms);
    lars_close(&n->lars);
    tape_close(&n->tape);
    params_close(&n->params);
    backend_close(&n->b);
}

static void gradients(struct net *n)
{
    static const float weight[3] = {25, 25, 1};
    params_zero_grad(n->params);
    tape_forward(n->tape);
    n->b->vicreg(n->b, tape_grad(n->tape, n->v.z), n->terms, tape_value(n->tape, n->v.z), pairs(), n->K, weight, false);
    tape_backward(n->tape);
}

static void whole_step(void *context)
{
    struct net *n = context;
    gradients(n);
    lars_step(&n->lars, 0);
}

/* Every parameter and running statistic, one after the other. */
static float *all_of(struct net *n, bool gradient, size_t *count)
{
    size_t at = 0, room = 0;
    for (size_t i = 0; i < n->params->count; i++)
        room += n->params->param[i].count;
    float *x = xalloc(room, sizeof *x);
    for (size_t i = 0; i < n->params->count; i++) {
        struct param *q = &n->params->param[i];
        if (q->kind == PARAM_COUNTER || (gradient && !q->grad))
            continue;
        if (gradient)
            param_get_from(n->params, q, n->params->grads, x + at);
        else
            param_get(n->params, q, x + at);
        at += q->count;
    }
    *count = at;
    return x;
}

/* ---- tests ---- */

static void compare_step(enum precision precision)
{
    struct net cpu = net_open("cpu", FLOAT32), cuda = net_open("cuda", precision);
    size_t count, also, size = (size_t)pairs() * 2 * (size_t)cpu.K;
    gradients(&cpu);
    gradients(&cuda);
    float *z[2] = {xalloc(size, sizeof **z), xalloc(size, sizeof **z)}, terms[2][3];
    tape_get(cpu.tape, cpu.v.z, z[0]);
    tape_get(cuda.tape, cuda.v.z, z[1]);
    cpu.b->get(cpu.b, terms[0], cpu.terms, sizeof terms[0]);
    cuda.b->get(cuda.b, terms[1], cuda.terms, sizeof terms[1]);
    float *g[2] = {all_of(&cpu, true, &count), all_of(&cuda, true, &also)};
    assert_int_equal(count, also);
    double of_z = distance(z[1], z[0], size), of_terms = distance(terms[1], terms[0], 3),
           of_gradient = distance(g[1], g[0], count);
    print_message("# %s, %s: from the cpu's float32 step: z %.2g, loss terms %.2g, all gradients %.2g\n",
                  cuda.b->device, precision_name[precision], of_z, of_terms, of_gradient);
    double worst = 0;
    size_t at = 0;
    const char *who = "";
    for (size_t i = 0; i < cpu.params->count; i++) {
        struct param *q = &cpu.params->param[i];
        if (q->kind == PARAM_COUNTER || !q->grad)
            continue;
        double length = 0, d = distance(g[1] + at, g[0] + at, q->count);
        for (size_t k = 0; k < q->count; k++)
            length += pow((double)g[0][at + k], 2);
        if (sqrt(length / (double)q->count) > 1e-7 && d > worst) /* a bias before a norm has rounding's alone */
            worst = d, who = q->name;
        at += q->count;
    }
    print_message("# worst: the gradient of %s, %.2g\n", who, worst);
    assert_true(of_z <= near_z[precision]); /* NaN fails */
    assert_true(of_terms <= near_z[precision]);
    assert_true(of_gradient <= near_gradient[precision]);
    for (int i = 0; i < 2; i++) {
        free(z[i]);
        free(g[i]);
    }
    net_close(&cpu);
    net_close(&cuda);
}
static void test_step_float32(void **state)
{
    (void)state;
    compare_step(FLOAT32);
}
static void test_step_bfloat16(void **state)
{
    (void)state;
    compare_step(BFLOAT16);
}

enum { STEPS = 4 };
enum how { PLAIN, RECORDED };
static float *after_steps(enum precision precision, enum how how, size_t *count)
{
    struct net n = net_open("cuda", precision);
    void *record = NULL;
    for (int i = 0; i < STEPS; i++) {
        lars_rate(&n.lars, 0.05 / (i + 1)); /* what changes is on the device */
        if (how == RECORDED)
            n.b->step(n.b, &record, whole_step, &n);
        else
            whole_step(&n);
    }
    float *x = all_of(&n, false, count);
    n.b->step_forget(n.b, &record);
    net_close(&n);
    return x;
}

static void same_bytes(enum how first, enum how second)
{
    for (int precision = FLOAT32; precision <= BFLOAT16; precision++) {
        size_t count, also;
        float *a = after_steps((enum precision)precision, first, &count),
              *b = after_steps((enum precision)precision, second, &also);
        assert_int_equal(count, also);
        for (size_t i = 0; i < count; i++)
            if (!isfinite(a[i]))
                fail_msg("%s: number %zu is %g after %d steps", precision_name[precision], i, (double)a[i], STEPS);
        if (memcmp(a, b, count * sizeof *a))
            fail_msg("%s: %d steps left other bytes the second time (normalised distance %.2g)",
                     precision_name[precision], STEPS, distance(b, a, count));
        free(a);
        free(b);
    }
}
static void test_same_bytes_twice(void **state)
{
    (void)state;
    same_bytes(PLAIN, PLAIN);
}
static void test_recorded_is_plain(void **state)
{
    (void)state;
    same_bytes(RECORDED, PLAIN);
}

/* ---- every way of convolving, on the network's own shapes ---- */

struct passes {
    float *out, *din, *dweight;
    size_t size[3];
};

static struct passes convolve(struct backend *b, const struct conv_shape *s, const char *form)
{
    size_t P = (size_t)(s->out[0] * s->out[1] * s->out[2]), Q = (size_t)(s->in[0] * s->in[1] * s->in[2]),
           N = (size_t)s->N;
    int taps = conv_live_taps(s, NULL);
    struct passes r = {.size = {N * P * (size_t)s->O, N * Q * (size_t)s->C, (size_t)(s->O * s->C * taps)}};
    float *host[3] = {noise(r.size[1], 2), noise(r.size[2], 3), noise(r.size[0], 4)};
    float *in = b->alloc(b, b->image_size(b, s->N, s->C, s->in) * sizeof *in),
          *din = b->alloc(b, b->image_size(b, s->N, s->C, s->in) * sizeof *din);
    float *out = b->alloc(b, b->image_size(b, s->N, s->O, s->out) * sizeof *out),
          *dout = b->alloc(b, b->image_size(b, s->N, s->O, s->out) * sizeof *dout);
    float *weight = b->alloc(b, b->weight_size(b, s->O, s->C, taps) * sizeof *weight),
          *dweight = b->alloc(b, b->weight_size(b, s->O, s->C, taps) * sizeof *dweight);
    b->image_put(b, in, host[0], s->N, s->C, s->in);
    b->weight_put(b, weight, host[1], s->O, s->C, taps);
    b->image_put(b, dout, host[2], s->N, s->O, s->out);
    b->image_put(b, din, host[0], s->N, s->C, s->in); /* accumulated into */
    setenv("PETREL_CUDA_CONV", form, 1);
    struct conv *c = b->conv_open(b, s);
    unsetenv("PETREL_CUDA_CONV");
    b->conv_forward(b, out, in, weight, c);
    b->conv_backward_data(b, din, dout, weight, c);
    b->conv_backward_weight(b, dweight, dout, in, c);
    b->conv_close(b, c);
    r.out = xalloc(r.size[0], sizeof *r.out);
    r.din = xalloc(r.size[1], sizeof *r.din);
    r.dweight = xalloc(r.size[2], sizeof *r.dweight);
    b->image_get(b, r.out, out, s->N, s->O, s->out);
    b->image_get(b, r.din, din, s->N, s->C, s->in);
    b->weight_get(b, r.dweight, dweight, s->O, s->C, taps);
    for (int i = 0; i < 3; i++)
        free(host[i]);
    float *device[] = {in, din, out, dout, weight, dweight};
    for (size_t i = 0; i < COUNT_OF(device); i++)
        b->release(b, device[i]);
    return r;
}

static void passes_free(struct passes *p)
{
    free(p->out);
    free(p->din);
    free(p->dweight);
}

/* cuDNN's plans, for the very shapes that are trained, against one product of everything unfolded: another library. */
static void test_forms_agree(void **state)
{
    (void)state;
    assert_int_equal(layers_find(2 * pairs()), 0);
    int narrower = 64 / setting("PETREL_GPU_WIDTH", 64);
    for (int precision = FLOAT32; precision <= BFLOAT16; precision++) {
        struct backend *b = open_or_skip("cuda", (enum precision)precision);
        for (int i = 0; i < layers; i++) {
            struct conv_shape s = layer[i];
            char name[80];
            layer_name(name, sizeof name, &s);
            s.C = s.C > narrower ? s.C / narrower : s.C;
            s.O /= narrower;
            struct passes expected = convolve(b, &s, "columns");
            for (int f = 0; f < CONV_FORMS; f++) {
                if (!conv_form_worth(&conv_forms[f], &s))
                    continue;
                struct passes got = convolve(b, &s, conv_forms[f].name);
                double d[3] = {distance(got.out, expected.out, got.size[0]),
                               distance(got.din, expected.din, got.size[1]),
                               distance(got.dweight, expected.dweight, got.size[2])};
                print_message("# %s %s by %s: forward %.1g, data %.1g, weight %.1g\n", name, precision_name[precision],
                              conv_forms[f].name, d[0], d[1], d[2]);
                for (int k = 0; k < 3; k++)
                    if (!(d[k] <= near_conv[precision]))
                        fail_msg("%s %s: '%s' is %.2g from 'columns' in pass %d", name, precision_name[precision],
                                 conv_forms[f].name, d[k], k);
                passes_free(&got);
            }
            passes_free(&expected);
        }
        backend_close(&b);
    }
}

/* ---- for run.sh ---- */

static void take_memory(void)
{
    struct backend *b = open_or_skip("cuda", FLOAT32);
    for (;;)
        (void)!b->alloc(b, (size_t)1 << 30);
}

static int only_steps(void)
{
    for (int precision = FLOAT32; precision <= BFLOAT16; precision++) {
        struct net n = net_open("cuda", (enum precision)precision);
        void *record = NULL;
        for (int i = 0; i < STEPS; i++)
            n.b->step(n.b, &record, whole_step, &n);
        float terms[3];
        n.b->get(n.b, terms, n.terms, sizeof terms);
        printf("%s: %d steps, loss terms %g %g %g\n", precision_name[precision], STEPS, (double)terms[0],
               (double)terms[1], (double)terms[2]);
        n.b->step_forget(n.b, &record);
        net_close(&n);
    }
    return 0;
}

int main(int argc, char **argv)
{
    program_name_set("device");
    if (argc > 1 && !strcmp(argv[1], "memory"))
        take_memory();
    if (argc > 1 && !strcmp(argv[1], "step"))
        return only_steps();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_float32),     cmocka_unit_test(test_step_bfloat16),
        cmocka_unit_test(test_same_bytes_twice), cmocka_unit_test(test_recorded_is_plain),
        cmocka_unit_test(test_forms_agree),
    };
    struct backend *b = open_or_skip("cuda", FLOAT32); /* leaves with 77 before a line of TAP */
    backend_close(&b);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
