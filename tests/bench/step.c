/* SPDX-License-Identifier: Apache-2.0 */
/* step -- one pretraining step of the paper's network, or of another backbone's, and inference, with the time each operation took.   tests/bench
 *
 *     step [--backend cpu] [--backbone resnet18] [--precision float32|bfloat16] [--threads 0] [--pairs 128] [--repeat 5] [--brief 0|1]
 *          [--record 0|1] [--steps 1] [--put 1|0]
 * Forward and backward of 2 x pairs boxes, VICReg, LARS; then inference, which is the encoder alone. Boxes are noise: the time
 * does not depend on what is in them. The best of several; the load average tells whether something else was running.
 * --record 1: a step is recorded and replayed where the back end can, nothing inside it is timed; --steps: so many between two looks at
 * the clock, which a GPU is not kept waiting for; --put 0: the boxes lie on the device already.
 * Ends with one line of figures, which is all with --brief 1. OMP_WAIT_POLICY=passive where it was: waiting threads then leave their core to others. */
#include "common/rng.h"
#include "kernels/nets/network.h"
#include "kernels/optim/lars.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every slot of the table that a step uses is put behind a stopwatch. */
#define TIMED(X)                                                                                                        \
    X(zero, (struct backend * b, void *p, size_t n), (b, p, n))                                                         \
    X(image_put, (struct backend * b, float *i, const float *h, int N, int C, const int d[3]), (b, i, h, N, C, d))      \
    X(conv_forward, (struct backend * b, float *o, const float *i, const float *w, struct conv *c), (b, o, i, w, c))    \
    X(conv_backward_data, (struct backend * b, float *o, const float *i, const float *w, struct conv *c),               \
      (b, o, i, w, c))                                                                                                  \
    X(conv_backward_weight, (struct backend * b, float *o, const float *i, const float *w, struct conv *c),             \
      (b, o, i, w, c))                                                                                                  \
    X(norm_forward,                                                                                                     \
      (struct backend * b, float *o, float *m, float *r, float *rm, float *rv, const float *i, const float *a,          \
       const float *g, const float *e, const struct norm_shape *s, bool relu, bool t),                                  \
      (b, o, m, r, rm, rv, i, a, g, e, s, relu, t))                                                                     \
    X(norm_backward,                                                                                                    \
      (struct backend * b, float *di, float *da, float *dg, float *db, float *dy, const float *o, const float *i,       \
       const float *m, const float *r, const float *g, const struct norm_shape *s, bool relu),                          \
      (b, di, da, dg, db, dy, o, i, m, r, g, s, relu))                                                                  \
    X(maxpool_forward, (struct backend * b, float *o, int32_t *w, const float *i, const struct pool_shape *s),          \
      (b, o, w, i, s))                                                                                                  \
    X(maxpool_backward, (struct backend * b, float *d, const float *o, const int32_t *w, const struct pool_shape *s),   \
      (b, d, o, w, s))                                                                                                  \
    X(avgpool_forward, (struct backend * b, float *o, const float *i, int N, int C, const int d[3]),                    \
      (b, o, i, N, C, d))                                                                                               \
    X(avgpool_backward, (struct backend * b, float *o, const float *i, int N, int C, const int d[3]),                   \
      (b, o, i, N, C, d))                                                                                               \
    X(linear_forward,                                                                                                   \
      (struct backend * b, float *o, const float *i, const float *w, const float *a, int N, int C, int O),              \
      (b, o, i, w, a, N, C, O))                                                                                         \
    X(linear_backward,                                                                                                  \
      (struct backend * b, float *di, float *dw, float *db, const float *dy, const float *i, const float *w, int N,     \
       int C, int O),                                                                                                   \
      (b, di, dw, db, dy, i, w, N, C, O))                                                                               \
    X(layernorm_forward, (struct backend * b, float *o, float *r, const float *i, int N, int C), (b, o, r, i, N, C))    \
    X(layernorm_backward,                                                                                               \
      (struct backend * b, float *d, const float *dy, const float *o, const float *r, int N, int C),                    \
      (b, d, dy, o, r, N, C))                                                                                           \
    X(group_forward, (struct backend * b, float *o, const float *i, const float *w, const struct conv_shape *s, int g), \
      (b, o, i, w, s, g))                                                                                               \
    X(group_backward_data,                                                                                              \
      (struct backend * b, float *o, const float *i, const float *w, const struct conv_shape *s, int g),                \
      (b, o, i, w, s, g))                                                                                               \
    X(group_backward_weight,                                                                                            \
      (struct backend * b, float *o, const float *i, const float *w, const struct conv_shape *s, int g),                \
      (b, o, i, w, s, g))                                                                                               \
    X(meanpool_forward, (struct backend * b, float *o, const float *i, const struct pool_shape *s), (b, o, i, s))       \
    X(meanpool_backward, (struct backend * b, float *o, const float *i, const struct pool_shape *s), (b, o, i, s))      \
    X(gate_forward, (struct backend * b, float *o, const float *i, const float *s, int N, int C, const int d[3]),       \
      (b, o, i, s, N, C, d))                                                                                            \
    X(gate_backward,                                                                                                    \
      (struct backend * b, float *di, float *ds, const float *dy, const float *i, const float *s, int N, int C,         \
       const int d[3]),                                                                                                 \
      (b, di, ds, dy, i, s, N, C, d))                                                                                   \
    X(silu_forward, (struct backend * b, float *o, const float *i, size_t n, enum layout l), (b, o, i, n, l))           \
    X(silu_backward, (struct backend * b, float *d, const float *y, const float *i, size_t n, enum layout l),           \
      (b, d, y, i, n, l))                                                                                               \
    X(gelu_forward, (struct backend * b, float *o, const float *i, size_t n, enum layout l), (b, o, i, n, l))           \
    X(gelu_backward, (struct backend * b, float *d, const float *y, const float *i, size_t n, enum layout l),           \
      (b, d, y, i, n, l))                                                                                               \
    X(relu_forward, (struct backend * b, float *o, const float *i, size_t n, enum layout l), (b, o, i, n, l))           \
    X(relu_backward, (struct backend * b, float *d, const float *y, const float *i, size_t n, enum layout l),           \
      (b, d, y, i, n, l))                                                                                               \
    X(add, (struct backend * b, float *o, const float *x, const float *y, size_t n, enum layout l), (b, o, x, y, n, l)) \
    X(affine_forward,                                                                                                   \
      (struct backend * b, float *o, const float *i, const float *g, const float *a, int N, int C, const int d[3],      \
       enum layout l, bool r),                                                                                          \
      (b, o, i, g, a, N, C, d, l, r))                                                                                   \
    X(affine_backward,                                                                                                  \
      (struct backend * b, float *di, float *dg, float *da, const float *dy, const float *o, const float *i,            \
       const float *g, int N, int C, const int d[3], enum layout l, bool r),                                            \
      (b, di, dg, da, dy, o, i, g, N, C, d, l, r))                                                                      \
    X(channels_put,                                                                                                     \
      (struct backend * b, float *t, int C, int a, const float *f, int fC, int fa, int n, int N, const int d[3],        \
       enum layout l, bool add),                                                                                        \
      (b, t, C, a, f, fC, fa, n, N, d, l, add))                                                                         \
    X(attention_forward,                                                                                                \
      (struct backend * b, float *o, float *p, const float *q, const float *k, const float *v, int s, int N, int T,     \
       int C, int H),                                                                                                   \
      (b, o, p, q, k, v, s, N, T, C, H))                                                                                \
    X(attention_backward,                                                                                               \
      (struct backend * b, float *dq, float *dk, float *dv, const float *y, const float *p, const float *q,             \
       const float *k, const float *v, int s, int N, int T, int C, int H),                                              \
      (b, dq, dk, dv, y, p, q, k, v, s, N, T, C, H))                                                                    \
    X(vicreg, (struct backend * b, float *d, float t[3], const float *z, int N, int K, const float w[3], bool l),       \
      (b, d, t, z, N, K, w, l))                                                                                         \
    X(lars,                                                                                                             \
      (struct backend * b, float *p, float *m, const float *g, size_t n, struct dead_state *x, bool a, const float *r,  \
       float f, float d, float t),                                                                                      \
      (b, p, m, g, n, x, a, r, f, d, t))

static struct backend plain;
enum slot {
#define NAME(slot, parameters, arguments) SLOT_##slot,
    TIMED(NAME)
#undef NAME
        SLOTS
};
static const char *const slot_name[] = {
#define NAME(slot, parameters, arguments) #slot,
    TIMED(NAME)
#undef NAME
};
static double spent[SLOTS];
#define WATCH(slot, parameters, arguments)                                                                             \
    static void timed_##slot parameters                                                                                \
    {                                                                                                                  \
        double start = now_s();                                                                                        \
        plain.slot arguments;                                                                                          \
        plain.sync(b);                                                                                                 \
        spent[SLOT_##slot] += now_s() - start;                                                                         \
    }
TIMED(WATCH)
#undef WATCH

static void watch(struct backend *b)
{
    plain = *b;
#define PUT(slot, parameters, arguments) b->slot = timed_##slot;
    TIMED(PUT)
#undef PUT
}

struct setup {
    struct backend *b;
    struct params *params;
    struct tape *tape, *encoder;
    struct network_values v, ev;
    struct lars lars;
    float *box, *position, *terms; /* terms: on the device */
    void *step, *evaluation;       /* recorded */
    int N, steps, record, put;
    bool brief;
};

static void step(void *context)
{
    static const float weight[3] = {25, 25, 1};
    struct setup *s = context;
    params_zero_grad(s->params);
    tape_forward(s->tape);
    s->b->vicreg(s->b, tape_grad(s->tape, s->v.z), s->terms, tape_value(s->tape, s->v.z), s->N / 2, 2048, weight, false);
    tape_backward(s->tape);
    lars_step(&s->lars, 0);
}

static void evaluate(void *context)
{
    struct setup *s = context;
    tape_evaluate(s->encoder);
}

static void once(struct setup *s, struct tape *t, const struct network_values *v, void **record,
                 void (*body)(void *context))
{
    if (s->put) {
        tape_put(t, v->box, s->box);
        tape_put(t, v->position, s->position);
    }
    if (s->record)
        s->b->step(s->b, record, body, s);
    else
        body(s);
}
static void train_once(struct setup *s)
{
    once(s, s->tape, &s->v, &s->step, step);
}
static void evaluate_once(struct setup *s)
{
    once(s, s->encoder, &s->ev, &s->evaluation, evaluate);
}

/* The best time, and the table of the fastest run. */
static double report(struct setup *s, const char *what, void (*run)(struct setup *), int repeat)
{
    double best = 1e9, table[SLOTS] = {0};
    for (int i = 0; i <= repeat; i++) { /* the first one warms up */
        memset(spent, 0, sizeof spent);
        double start = now_s();
        for (int k = 0; k < s->steps; k++)
            run(s);
        s->b->sync(s->b);
        double took = (now_s() - start) / s->steps;
        if (i > 0 && took < best) {
            best = took;
            memcpy(table, spent, sizeof table);
        }
    }
    if (s->brief)
        return best;
    printf("%s of %d boxes: %.1f ms, %.0f boxes/s\n", what, s->N, best * 1e3, s->N / best);
    for (int k = 0; k < SLOTS; k++)
        if (table[k] > 0)
            printf("    %-22s %8.2f ms\n", slot_name[k], table[k] * 1e3 / s->steps);
    return best;
}

/* Live work of one forward pass, GFLOP; with backward the products are done thrice, but for those that read an input, whose
 * gradient nobody wants. VICReg, LARS and norms are not counted. */
static double live_gflop(const struct tape *t, int N, bool backward)
{
    double sum = 0;
    struct tape_row row;
    for (size_t i = 0; tape_describe(t, i, &row); i++) {
        bool reads_input = row.C == 1 || row.C == NETWORK_POSITION;
        sum += row.live_mmacs * (backward ? reads_input ? 2 : 3 : 1);
    }
    return 2e-3 * sum * N;
}

static float *noise(size_t count)
{
    struct rng r = rng_make(1, RNG_TEST, 0);
    float *x = xalloc(count, sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = rng_normal(&r);
    return x;
}

int main(int argc, char **argv)
{
    const char *name = "cpu", *precision = "float32", *backbone = "resnet18";
    int threads = 0, pairs = 128, repeat = 5, brief = 0, record = 0, steps = 1, put = 1;
    const struct {
        const char *option;
        int *value;
    } options[] = {{"--threads", &threads}, {"--pairs", &pairs}, {"--repeat", &repeat}, {"--brief", &brief},
                   {"--record", &record},   {"--steps", &steps}, {"--put", &put}};
    for (int i = 1; i < argc; i += 2) {
        bool known = i + 1 < argc && strcmp(argv[i], "--backend") == 0;
        if (known)
            name = argv[i + 1];
        if (i + 1 < argc && strcmp(argv[i], "--backbone") == 0) {
            backbone = argv[i + 1];
            known = true;
        }
        if (i + 1 < argc && strcmp(argv[i], "--precision") == 0 &&
            (!strcmp(argv[i + 1], "float32") || !strcmp(argv[i + 1], "bfloat16"))) {
            precision = argv[i + 1];
            known = true;
        }
        for (size_t k = 0; i + 1 < argc && k < COUNT_OF(options); k++)
            if (strcmp(argv[i], options[k].option) == 0) {
                *options[k].value = (int)strtol(argv[i + 1], NULL, 10);
                known = true;
            }
        if (!known)
            die(EX_USAGE,
                "'%s' is no option; usage: step [--backend cpu] [--precision float32|bfloat16] [--threads 0] [--pairs "
                "128] "
                "[--backbone resnet18] [--repeat 5] [--brief 0|1] [--record 0|1] [--steps 1] [--put 1|0]",
                argv[i]);
    }
    struct error e = {0};
    struct backend *b = backend_open(name, threads, strcmp(precision, "float32") ? BFLOAT16 : FLOAT32, &e);
    if (!b)
        die_of(&e);
    if (!record)
        watch(b);
    double load[1] = {-1};
    (void)!getloadavg(load, 1);
    if (!brief)
        printf("%s: %s; load average before: %.2f\n", b->name, b->device, load[0]);

    struct network_settings settings;
    network_defaults(&settings);
    if (network_backbone(&settings, backbone, &e))
        die_of(&e);
    struct setup s = {.b = b,
                      .params = params_open(b),
                      .N = 2 * pairs,
                      .steps = steps > 0 ? steps : 1,
                      .record = record,
                      .brief = brief,
                      .put = 1};
    s.tape = tape_open(s.params, s.N, 2);
    s.v = network_build(s.tape, &settings, NETWORK_ENCODER | NETWORK_PROJECTION);
    tape_seal(s.tape, true, NULL);
    s.encoder = tape_open(s.params, s.N, 1);
    s.ev = network_build(s.encoder, &settings, NETWORK_ENCODER);
    tape_seal(s.encoder, false, s.tape);
    params_init(s.params, 1);
    lars_open(&s.lars, s.params, 0.9, 1e-6, 1e-3);
    lars_rate(&s.lars, 0.05);
    s.box = noise((size_t)s.N * 4096);
    s.position = noise((size_t)s.N * NETWORK_POSITION);
    s.terms = b->alloc(b, 3 * sizeof *s.terms);
    train_once(&s);
    evaluate_once(&s);
    s.put = put;
    double step_s = report(&s, "pretraining step", train_once, repeat),
           infer_s = report(&s, "inference", evaluate_once, repeat);
    double step_gflop = live_gflop(s.tape, s.N, true), infer_gflop = live_gflop(s.encoder, s.N, false);
    printf("petrel pairs=%d precision=%s step_s=%.6f infer_s=%.6f boxes_per_s=%.0f peak_gib=%.2f "
           "step_live_gflop_per_s=%.1f infer_live_gflop_per_s=%.1f "
           "device=\"%s\"\n",
           pairs, precision, step_s, infer_s, s.N / infer_s, (double)peak_memory_bytes() / (1 << 30),
           step_gflop / step_s, infer_gflop / infer_s, b->device);

    free(s.box);
    free(s.position);
    b->step_forget(b, &s.step);
    b->step_forget(b, &s.evaluation);
    b->release(b, s.terms);
    lars_close(&s.lars);
    tape_close(&s.encoder);
    tape_close(&s.tape);
    params_close(&s.params);
    backend_close(&b);
    return 0;
}
