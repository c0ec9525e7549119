/* SPDX-License-Identifier: Apache-2.0 */
/* position_golden -- the PEB with some parts of the position vector against PyTorch (tests/golden/train/make_position.py). */
#include "common/safetensors.h"
#include "kernels/nets/peb.h"
#include "tests/unit/distance.h"
#include "tests/unit/numbers.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { N = 7, E = 8 };
static const char *const BACKENDS[] = {"ref", "cpu"};
static struct safetensors golden;

static const float *expected(const char *tag, const char *name, size_t count)
{
    char full[160];
    format_into(full, sizeof full, "%s%s", tag, name);
    const struct tensor_entry *t = safetensors_find(&golden, full);
    if (!t || tensor_count(t) != count)
        fail_msg("golden tensor '%s' is %s", full, t ? "misshapen" : "missing");
    return t->data;
}

static void assert_close(const char *tag, const char *name, const float *got, size_t count)
{
    double d = distance(got, expected(tag, name, count), count);
    if (!(d <= 2e-6)) /* NaN, too */
        fail_msg("%s%s differs by %.3g", tag, name, d);
}

/* Before the PEB stands a layer with ones on its diagonal, which learns through it. */
static void check_parts(struct backend *b, unsigned parts, enum peb_norm norm)
{
    char tag[32], name[96];
    format_into(tag, sizeof tag, "%s.%u.", norm == PEB_L2 ? "l2" : "layer", parts);
    struct params *params = params_open(b);
    struct tape *t = tape_open(params, N, 1);
    int rows = tape_rows(t, E), position = tape_rows(t, NETWORK_POSITION);
    int y = tape_linear(t, rows, "features", E, false), out = peb_build(t, y, position, parts, norm);
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

static int open_golden(void **state)
{
    (void)state;
    struct error e = {0};
    const char *paths[] = {"tests/golden/train/position.safetensors", "../tests/golden/train/position.safetensors"};
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        if (!safetensors_read(&golden, paths[i], &e))
            return 0;
    print_error("%s\n", e.text);
    return -1;
}

static int close_golden(void **state)
{
    (void)state;
    safetensors_free(&golden);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts)};
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
