/* SPDX-License-Identifier: Apache-2.0 */
/* nets_golden -- every backbone, narrow, against its library in float64 (tests/golden/nets/make.py): embedding, focal loss, every
 * gradient of a first step, and ten steps by LARS. What is kept of a tensor is its length and some products with known vectors. */
#include "kernels/nets/network.h"
#include "kernels/optim/lars.h"
#include "tests/unit/distance.h"
#include "tests/unit/emulated.h"
#include "tests/unit/golden.h"
#include "tests/unit/narrow.h"
#include "tests/unit/numbers.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    HIDDEN = 6,
    STEPS = 10,
    PRODUCTS = 6,
    SKETCH = 1 + PRODUCTS,
    APART = 1 << 24,
    SHOWN = 64,
    VOXELS = 16 * 16 * 16
};

/* narrow.py's words, and how far a back end in float32 may be; PyTorch's own float32 stands behind each (make.py prints it) */
static const struct narrow_net {
    const char *name;
    struct {
        const char *key, *value;
    } set[5];
    int boxes;
    double lr;
    bool on_ref, on_cuda; /* quick enough there */
    double gradient,
        way; /* way 0: steps so short, lest they be chaos, that weights do not move by what float32 keeps; by losses alone */
} NETS[] = {
    {"resnet10", {{"backbone_width", "2"}}, 12, 0.01, true, true, 1e-4, 3e-3},
    {"resnet18", {{"backbone_width", "2"}}, 12, 0.01, false, false, 2e-4, 5e-3},
    {"resnet34", {{"backbone_width", "2"}}, 12, 0.0005, false, false, 2e-3, 5e-2},
    {"resnet50", {{"backbone_width", "4"}}, 24, 0.000002, true, true, 2e-3, 0},
    {"seresnet50", {{"backbone_width", "4"}}, 24, 0.000002, true, true, 2e-3, 0},
    {"efficientnet_b0", {{"efficientnet_width", "0.25"}, {"efficientnet_drop", "0"}}, 12, 0.01, true, true, 3e-4, 5e-3},
    {"vit",
     {{"vit_width", "24"}, {"vit_layers", "2"}, {"vit_heads", "3"}, {"vit_mlp", "40"}},
     12,
     0.01,
     true,
     true,
     1e-5,
     2e-3},
    {"densenet",
     {{"densenet_blocks", "2,3,2"}, {"densenet_growth", "4"}, {"densenet_width", "8"}},
     12,
     0.01,
     true,
     true,
     3e-4,
     3e-3},
    {"cnn_var", {{NULL, NULL}}, 12, 0.01, false, false, 3e-5, 2e-3},
    {"cnn_var2", {{NULL, NULL}}, 12, 0.01, false, false, 3e-5, 2e-3},
    {"alexnet", {{NULL, NULL}}, 4, 0.01, false, false, 1e-5, 2e-3},
    {"r2plus1d_18", {{"backbone_width", "4"}}, 12, 0.0005, false, true, 2e-4, 3e-2},
};
static const double FORWARD = 1e-4, LATER = 2e-3; /* LATER: of losses after steps */

static const float *expected(const char *net, const char *what, size_t count)
{
    char name[64];
    format_into(name, sizeof name, "%s.%s", net, what);
    const struct tensor_entry *t = safetensors_find(&golden, name);
    if (!t || tensor_count(t) != count)
        fail_msg("golden tensor '%s' is %s", name, t ? "misshapen" : "missing");
    return t->data;
}

/* where a tensor's numbers begin: FNV-1a of its name */
static uint32_t place(const char *name)
{
    uint32_t h = 0x811c9dc5;
    for (const char *c = name; *c; c++)
        h = (h ^ (uint32_t)(unsigned char)*c) * 0x01000193;
    return h >> 1;
}

static bool ends_with(const char *name, const char *end)
{
    size_t a = strlen(name), b = strlen(end);
    return a >= b && !strcmp(name + a - b, end);
}

static void begin(struct params *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct param *q = &p->param[i];
        if (q->kind == PARAM_COUNTER)
            continue;
        float *x = numbers(place(q->name), q->count, 1);
        const bool weight = ends_with(q->name, "weight");
        for (size_t k = 0; k < q->count; k++)
            if (q->kind == PARAM_BUFFER)
                x[k] = ends_with(q->name, "running_var") ? 1 : 0;
            else if (weight && q->ndim > 1)
                x[k] = (float)((double)x[k] / sqrt((double)q->count / q->dim[0]));
            else
                x[k] = weight ? 0.5F + x[k] / 8 : x[k] / 8;
        param_put(p, q, x);
        free(x);
    }
}

/* ---- what is kept of a tensor ---- */

static void sketch(float to[SKETCH], const char *name, const float *x, size_t count)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (double)x[i] * (double)x[i];
    to[0] = (float)sqrt(squares);
    for (int k = 0; k < PRODUCTS; k++) {
        float *with = numbers(place(name) + (uint32_t)(k + 1) * APART, count, 1);
        double sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += (double)x[i] * (double)with[i];
        to[1 + k] = (float)sum;
        free(with);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct param *const *p = a, *const *q = b;
    return strcmp((*p)->name, (*q)->name);
}

/* where a parameter begins, of all_values */
static size_t place_in_all(const struct params *p, const struct param *q)
{
    size_t at = 0;
    for (const struct param *before = p->param; before < q; before++)
        at += before->count;
    return at;
}

/* Every trained parameter's sketch, in order of names, against the golden one's: off by so much of its length (a product with a vector
 * of numbers of 4/3 square on average is as large as 1.15 lengths). Tensors a thousandth as long as the longest count as that long. */
static double sketches_off(const struct narrow_net *net, const char *what, struct params *p, const float *block,
                           const float *before)
{
    const struct param **order = xalloc(p->count, sizeof(struct param *));
    size_t n = 0;
    double worst = 0, longest = 0;
    for (size_t i = 0; i < p->count; i++)
        if (param_trained(&p->param[i]))
            order[n++] = &p->param[i];
    qsort(order, n, sizeof *order, by_name);
    const float *want = expected(net->name, what, n * SKETCH);
    for (size_t i = 0; i < n; i++)
        longest = fmax(longest, (double)want[i * SKETCH]);
    for (size_t i = 0; i < n; i++) {
        const struct param *q = order[i];
        float *x = xalloc(q->count, sizeof *x), got[SKETCH];
        if (block)
            param_get_from(p, q, block, x);
        else
            param_get(p, q, x);
        for (size_t k = 0, at = place_in_all(p, q); before && k < q->count; k++)
            x[k] -= before[at + k];
        sketch(got, q->name, x, q->count);
        const float *there = want + i * SKETCH;
        const double length = fmax((double)there[0], 1e-3 * longest);
        for (int k = 0; k < SKETCH; k++) {
            double off = fabs((double)got[k] - (double)there[k]) / length;
            if (!(off <= worst))
                worst = off;
        }
        free(x);
    }
    free(order);
    return worst;
}

/* ---- a network ---- */

struct net {
    struct backend *b;
    struct params *params;
    struct tape *tape;
    struct network_values v;
    int boxes;
    int32_t *label;
    float *loss; /* on the device */
};

static void net_open(struct net *n, struct backend *b, const struct narrow_net *from)
{
    struct error e = {0};
    struct network_settings s;
    *n = (struct net){.b = b, .boxes = from->boxes};
    network_defaults(&s);
    if (network_backbone(&s, from->name, &e))
        fail_msg("%s", e.text);
    for (size_t i = 0; i < COUNT_OF(from->set) && from->set[i].key; i++)
        backbone_put(&s, from->set[i].key, from->set[i].value);
    s.position = false;
    s.classifier_hidden = HIDDEN;
    if (network_check(&s, &e))
        fail_msg("%s", e.text);
    n->params = params_open(b);
    n->tape = tape_open(n->params, n->boxes, 1);
    n->v = network_build(n->tape, &s, NETWORK_ENCODER | NETWORK_CLASSIFIER);
    tape_seal(n->tape, true, NULL);
    params_keep_dead_weights(n->params);
    begin(n->params);
    float *box = numbers(0, (size_t)n->boxes * VOXELS, 1);
    tape_put(n->tape, n->v.box, box);
    free(box);
    int32_t label[24];
    for (int i = 0; i < n->boxes; i++)
        label[i] = i % 3 % 2;
    n->label = b->alloc(b, sizeof label);
    b->put(b, n->label, label, (size_t)n->boxes * sizeof *label);
    n->loss = b->alloc(b, sizeof *n->loss);
}

static void net_close(struct net *n)
{
    n->b->release(n->b, n->label);
    n->b->release(n->b, n->loss);
    tape_close(&n->tape);
    params_close(&n->params);
}

static float step(struct net *n)
{
    const float alpha[2] = {0.55F, 0.55F};
    float loss;
    tape_forward(n->tape);
    n->b->focal(n->b, tape_grad(n->tape, n->v.logits), n->loss, tape_value(n->tape, n->v.logits), n->label, n->boxes, 2,
                alpha, 2, false);
    params_zero_grad(n->params);
    tape_backward(n->tape);
    n->b->get(n->b, &loss, n->loss, sizeof loss);
    return loss;
}

static void must_be_within(double off, double limit, const char *what, const struct narrow_net *net, const struct net *n)
{
    if (getenv("PETREL_TELL"))
        print_message("%s on %s: %s off by %.2g\n", net->name, n->b->name, what, off);
    if (!(off <= limit)) /* NaN, too */
        fail_msg("%s on %s: %s off by %.2g (at most %.2g)", net->name, n->b->name, what, off, limit);
}

static float *all_values(struct params *p)
{
    size_t count = 0, at = 0;
    for (size_t i = 0; i < p->count; i++)
        count += p->param[i].count;
    float *x = xalloc(count, sizeof *x);
    for (size_t i = 0; i < p->count; at += p->param[i++].count)
        if (p->param[i].kind != PARAM_COUNTER)
            param_get(p, &p->param[i], x + at);
    return x;
}

static void check(struct backend *b, const struct narrow_net *net, int steps)
{
    struct net n;
    struct lars lars;
    enum layout layout;
    int E, dim[3];
    net_open(&n, b, net);
    lars_open(&lars, n.params, 0.9, 1e-6, 1e-3);
    lars_rate(&lars, net->lr);
    float *before = all_values(n.params);
    for (int i = 0; i < steps; i++) {
        float loss = step(&n);
        must_be_within(distance(&loss, expected(net->name, "loss", STEPS) + i, 1), i ? LATER : FORWARD, "loss", net, &n);
        if (i == 0) {
            tape_value_shape(n.tape, n.v.embedding, &layout, &E, dim);
            const size_t shown = E < SHOWN ? (size_t)E : SHOWN, rows = (size_t)n.boxes;
            float *all = xalloc(rows * (size_t)E, sizeof *all), *few = xalloc(rows * shown, sizeof *few);
            tape_get(n.tape, n.v.embedding, all);
            for (size_t r = 0; r < rows; r++)
                memcpy(few + r * shown, all + r * (size_t)E, shown * sizeof *few);
            must_be_within(distance(few, expected(net->name, "embedding", rows * shown), rows * shown), FORWARD,
                           "embedding", net, &n);
            must_be_within(sketches_off(net, "gradient", n.params, n.params->grads, NULL), net->gradient, "a gradient",
                           net, &n);
            free(all);
            free(few);
        }
        lars_step(&lars, 0);
    }
    if (steps == STEPS && net->way > 0)
        must_be_within(sketches_off(net, "way", n.params, NULL, before), net->way, "the way of a parameter", net, &n);
    free(before);
    lars_close(&lars);
    net_close(&n);
}

static void test_cpu(void **state)
{
    (void)state;
    struct error e = {0};
    struct backend *b = backend_open("cpu", 2, FLOAT32, &e);
    assert_non_null(b);
    for (size_t i = 0; i < COUNT_OF(NETS); i++)
        check(b, &NETS[i], STEPS);
    backend_close(&b);
}

static void test_ref(void **state)
{
    (void)state;
    struct error e = {0};
    struct backend *b = backend_open("ref", 1, FLOAT32, &e);
    assert_non_null(b);
    for (size_t i = 0; i < COUNT_OF(NETS); i++)
        if (NETS[i].on_ref)
            check(b, &NETS[i], 1);
    backend_close(&b);
}

static void test_emulated(void **state)
{
    (void)state;
    if (!emulated_is_built()) {
        print_message("skipped: %s\n", EMULATED_MISSING);
        skip();
    }
    struct backend *b = open_emulated(FLOAT32);
    for (size_t i = 0; i < COUNT_OF(NETS); i++)
        if (NETS[i].on_cuda)
            check(b, &NETS[i], 1);
    backend_close(&b);
}

/* every backbone is here */
static void test_all(void **state)
{
    (void)state;
    for (size_t i = 0; backbone_at(i); i++) {
        bool found = false;
        for (size_t k = 0; k < COUNT_OF(NETS); k++)
            found = found || !strcmp(NETS[k].name, backbone_at(i)->name);
        if (!found)
            fail_msg("the backbone %s has no golden numbers", backbone_at(i)->name);
    }
}

static int open_golden(void **state)
{
    (void)state;
    return golden_open("tests/golden/nets/nets.safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all), cmocka_unit_test(test_cpu),
                                       cmocka_unit_test(test_ref), cmocka_unit_test(test_emulated)};
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
