/* SPDX-License-Identifier: Apache-2.0 */
/* position_golden -- the PEB with some parts of the position vector, and PET with CT by early and late fusion, against PyTorch
 * (tests/golden/train/make_position.py). */
#include "kernels/nets/peb.h"
#include "tests/unit/distance.h"
#include "tests/unit/golden.h"
#include "tests/unit/narrow.h"
#include "tests/unit/numbers.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { N = 7, E = 8 };
static const char *const BACKENDS[] = {"ref", "cpu"};

static const float *expected(const char *tag, const char *name, size_t count)
{
    char full[160];
    format_into(full, sizeof full, "%s%s", tag, name);
    const struct tensor_entry *t = safetensors_find(&golden, full);
    if (!t || tensor_count(t) != count)
        fail_msg("golden tensor '%s' is %s", full, t ? "misshapen" : "missing");
    return t->data;
}

static void assert_within(const char *tag, const char *name, const float *got, size_t count, double tolerance)
{
    double d = distance(got, expected(tag, name, count), count);
    if (!(d <= tolerance)) /* NaN, too */
        fail_msg("%s%s differs by %.3g", tag, name, d);
}

static void assert_close(const char *tag, const char *name, const float *got, size_t count)
{
    assert_within(tag, name, got, count, 2e-6);
}

/* Before the PEB stands a layer with ones on its diagonal, which learns through it. */
static void check_parts(struct backend *b, unsigned parts, enum peb_norm norm)
{
    char tag[32], name[96];
    format_into(tag, sizeof tag, "%s.%u.", norm == PEB_L2 ? "l2" : "layer", parts);
    struct params *params = params_open(b);
    struct tape *t = tape_open(params, N, 1);
    int rows = tape_rows(t, E), position = tape_rows(t, NETWORK_POSITION);
    int y = tape_linear(t, rows, "features", E, false), out = peb_build(t, y, position, E, parts, norm);
    tape_seal(t, true, NULL);
    for (size_t i = 0; i < params->count; i++) {
        struct param *q = &params->param[i];
        if (strncmp(q->name, "peb.", 4)) {
            float diagonal[E * E] = {0};
            for (int k = 0; k < E; k++)
                diagonal[k * (E + 1)] = 1;
            param_put(params, q, diagonal);
        } else {
            param_put(params, q, expected(tag, q->name, q->count));
        }
    }
    float *features = numbers(0, N * E, 1), *where = numbers(N * E, N * NETWORK_POSITION, 4),
          *slope = numbers(N * (E + 9), N * E, 1), host[E * E * 2];
    tape_put(t, rows, features);
    tape_put(t, position, where);
    tape_forward(t);
    b->put(b, tape_grad(t, out), slope, N * E * sizeof *slope);
    params_zero_grad(params);
    tape_backward(t);
    tape_get(t, out, host);
    assert_close(tag, "out", host, N * E);
    for (size_t i = 0; i < params->count; i++) {
        struct param *q = &params->param[i];
        assert_true(q->count <= COUNT_OF(host));
        param_get_from(params, q, params->grads, host);
        format_into(name, sizeof name, "grad.%s", q->name);
        assert_close(tag, name, host, q->count);
    }
    free(features);
    free(where);
    free(slope);
    tape_close(&t);
    params_close(&params);
}

static void test_parts(void **state)
{
    (void)state;
    struct error e = {0};
    for (size_t i = 0; i < COUNT_OF(BACKENDS); i++) {
        struct backend *b = backend_open(BACKENDS[i], 1, FLOAT32, &e);
        assert_non_null(b);
        for (unsigned parts = 1; parts <= NETWORK_PARTS; parts++) {
            check_parts(b, parts, PEB_LAYER);
            check_parts(b, parts, PEB_L2);
        }
        backend_close(&b);
    }
}

/* ---- PET and CT ---- */

enum { PAIRS = 16, K = 12 };
static const double STEP_EMBEDDING = 2e-5, STEP_TERMS = 1e-5,
                    STEP_GRADIENT = 2e-4; /* PyTorch's own float32: gradients 3e-5 */

/* What make_position.py begins a parameter as. */
static float *begin_of(const struct param *q)
{
    uint32_t sum = 0;
    for (const char *c = q->name; *c; c++)
        sum += (unsigned char)*c;
    float *x = numbers(sum << 16, q->count, 1);
    bool peb = !strcmp(q->name, "peb.weight"), bias = strstr(q->name, ".bias");
    double fan_in = q->ndim > 1 ? (double)q->count / q->dim[0] : 1;
    for (size_t i = 0; i < q->count; i++)
        x[i] = q->ndim > 1 && !peb ? x[i] * (float)exp2(floor(-log2(fan_in) / 2)) : (bias || peb ? 0 : 1) + x[i] / 8;
    return x;
}

static void check_fusion(struct backend *b, bool late, bool peb)
{
    static const float weight[3] = {25, 25, 1};
    struct error e = {0};
    struct network_settings s;
    char tag[32], name[128];
    float terms[3];
    format_into(tag, sizeof tag, "%s.%s.", late ? "late" : "early", peb ? "peb" : "none");
    network_defaults(&s);
    s.channels = 2;
    s.late_fusion = late;
    s.position = peb;
    s.projection_width = K;
    if (network_backbone(&s, "resnet10", &e))
        fail_msg("%s", e.text);
    narrow(&s, 2);
    struct params *params = params_open(b);
    struct tape *t = tape_open(params, 2 * PAIRS, 2);
    struct network_values v = network_build(t, &s, NETWORK_ENCODER | NETWORK_PROJECTION);
    tape_seal(t, true, NULL);
    for (size_t i = 0; i < params->count; i++) {
        struct param *q = &params->param[i];
        if (!param_trained(q))
            continue;
        float *begin = begin_of(q);
        param_put(params, q, begin);
        free(begin);
    }
    size_t boxes = 2 * PAIRS, rows = boxes * (size_t)network_embedding(&s);
    float *box = numbers(0, boxes * 2 * 4096, 1),
          *position = numbers((uint32_t)boxes * 2 * 4096, boxes * NETWORK_POSITION, 4),
          *host = xalloc(rows + boxes * K, sizeof *host);
    tape_put(t, v.box, box);
    if (v.position >= 0)
        tape_put(t, v.position, position);
    tape_forward(t);
    b->vicreg(b, tape_grad(t, v.z), terms, tape_value(t, v.z), PAIRS, K, weight, false);
    params_zero_grad(params);
    tape_backward(t);
    tape_get(t, v.embedding, host);
    assert_within(tag, "embedding", host, rows, STEP_EMBEDDING);
    tape_get(t, v.z, host);
    assert_within(tag, "z", host, boxes * K, STEP_EMBEDDING);
    assert_within(tag, "terms", terms, 3, STEP_TERMS);
    for (size_t i = 0; i < params->count; i++) {
        struct param *q = &params->param[i];
        if (!param_trained(q))
            continue;
        float *grad = xalloc(q->count, sizeof *grad);
        format_into(name, sizeof name, "grad.%s", q->name);
        double size = 0;
        for (size_t k = 0; k < q->count; k++)
            size += (double)(expected(tag, name, q->count)[k] * expected(tag, name, q->count)[k]);
        param_get_from(params, q, params->grads, grad);
        if (sqrt(size / (double)q->count) > 1e-9) /* a bias before a batch norm has no gradient but rounding's */
            assert_within(tag, name, grad, q->count, STEP_GRADIENT);
        free(grad);
    }
    free(box);
    free(position);
    free(host);
    tape_close(&t);
    params_close(&params);
}

static void test_fusion(void **state)
{
    (void)state;
    struct error e = {0};
    for (size_t i = 0; i < COUNT_OF(BACKENDS); i++) {
        struct backend *b = backend_open(BACKENDS[i], 1, FLOAT32, &e);
        assert_non_null(b);
        check_fusion(b, false, true);
        check_fusion(b, true, true);
        check_fusion(b, true, false);
        backend_close(&b);
    }
}

static int open_golden(void **state)
{
    (void)state;
    return golden_open("tests/golden/train/position.safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts), cmocka_unit_test(test_fusion)};
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
