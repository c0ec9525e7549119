/* SPDX-License-Identifier: Apache-2.0 */
/* nets -- the network's shapes, names and counts, which the method fixes exactly; settings it refuses. */
#include "kernels/nets/network.h"
#include "tests/unit/narrow.h"
#include <math.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

struct built {
    struct params *params;
    struct tape *tape;
};

static struct built build(const struct network_settings *s, unsigned parts)
{
    struct built b = {.params = params_open(NULL)};
    b.tape = tape_open(b.params, 1, 1);
    (void)network_build(b.tape, s, parts);
    return b;
}

static void unbuild(struct built *b)
{
    tape_close(&b->tape);
    params_close(&b->params);
}

static void test_counts(void **state)
{
    (void)state;
    struct network_settings s;
    network_defaults(&s);
    struct built b = build(&s, NETWORK_ENCODER | NETWORK_PROJECTION);
    assert_int_equal(params_elements(b.params, ""), 38938953);
    assert_int_equal(params_elements(b.params, "backbone"), 33160000);
    assert_int_equal(params_elements(b.params, "peb"), 529929);
    assert_int_equal(params_elements(b.params, "projection"), 5249024);
    unbuild(&b);
    s.position = false;
    b = build(&s, NETWORK_ENCODER | NETWORK_PROJECTION);
    assert_int_equal(params_elements(b.params, ""), 38409024);
    assert_null(params_find(b.params, "peb.weight"));
    unbuild(&b);
}

static void test_work(void **state)
{
    (void)state;
    struct network_settings s;
    network_defaults(&s);
    struct built b = build(&s, NETWORK_ENCODER);
    double dense = 0, live = 0, layer3 = 0;
    struct tape_row row;
    for (size_t i = 0; tape_describe(b.tape, i, &row); i++)
        if (!strncmp(row.name, "backbone", 8)) {
            dense += row.mmacs;
            live += row.live_mmacs;
            if (strstr(row.name, "layer3"))
                layer3 += row.live_mmacs;
            if (!strcmp(row.name, "backbone.layer3.0.conv1"))
                assert_int_equal(row.live_params, 256 * 128 * 12);
            if (!strcmp(row.name, "backbone.layer4.0.conv1"))
                assert_int_equal(row.live_params, 512 * 256 * 2);
            if (!strcmp(row.name, "backbone.layer4.1.conv2"))
                assert_int_equal(row.live_params, 512 * 512);
        }
    assert_true(fabs(dense - 141.4) < 0.05);
    assert_true(fabs(live - 65.0) < 0.05);
    assert_true(fabs(layer3 - 1.5) < 0.05);
    unbuild(&b);
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int ndim, dim[5];
    } expected[] = {
        {"backbone.conv1.weight", 5, {64, 1, 7, 7, 7}},
        {"backbone.bn1.weight", 1, {64}},
        {"backbone.bn1.running_var", 1, {64}},
        {"backbone.bn1.num_batches_tracked", 0, {0}},
        {"backbone.layer1.0.conv1.weight", 5, {64, 64, 3, 3, 3}},
        {"backbone.layer2.0.downsample.0.weight", 5, {128, 64, 1, 1, 1}},
        {"backbone.layer2.0.downsample.1.running_mean", 1, {128}},
        {"backbone.layer4.1.bn2.bias", 1, {512}},
        {"peb.weight", 2, {1, 9}},
        {"peb.position.weight", 2, {512, 9}},
        {"peb.mix.weight", 2, {512, 1024}},
        {"peb.mix.bias", 1, {512}},
        {"projection.0.weight", 2, {2048, 512}},
        {"projection.1.running_mean", 1, {2048}},
        {"projection.3.bias", 1, {2048}},
        {"classifier.0.weight", 2, {128, 512}},
        {"classifier.2.bias", 1, {2}},
    };
    struct network_settings s;
    network_defaults(&s);
    struct built b = build(&s, NETWORK_ENCODER | NETWORK_PROJECTION | NETWORK_CLASSIFIER);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        const struct param *q = params_find(b.params, expected[i].name);
        if (!q)
            fail_msg("no parameter '%s'", expected[i].name);
        assert_int_equal(q->ndim, expected[i].ndim);
        assert_memory_equal(q->dim, expected[i].dim, sizeof q->dim);
    }
    assert_null(params_find(b.params, "projection.0.bias"));
    assert_null(params_find(b.params, "backbone.layer1.0.downsample.0.weight"));
    assert_int_equal(b.params->count, 20 /* convolutions */ + 20 * 5 /* norms */ + 5 + 8 + 4);
    unbuild(&b);
}

static void test_other_backbones(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t elements;
    } nets[] = {
#include "tests/golden/nets/counts.h"
    };
    assert_null(backbone_at(COUNT_OF(nets))); /* every one is there */
    for (size_t i = 0; i < COUNT_OF(nets); i++) {
        struct network_settings s;
        network_defaults(&s);
        struct error e = {0};
        assert_int_equal(network_backbone(&s, nets[i].name, &e), 0);
        struct built b = build(&s, NETWORK_ENCODER);
        assert_int_equal(params_elements(b.params, "backbone"), nets[i].elements);
        unbuild(&b);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    struct error e = {0};
    struct network_settings s;
    network_defaults(&s);
    assert_int_equal(network_check(&s, &e), 0);
    assert_int_equal(network_backbone(&s, "vgg", &e), -1);
    assert_non_null(strstr(e.text, "'vgg'"));
    assert_non_null(strstr(e.text, "choose one of resnet10, resnet18"));
    assert_int_equal(network_set(&s, "vgg_depth", "16", &e), -1);
    assert_non_null(strstr(e.text, "vgg_depth is no setting of the backbone resnet18"));
    backbone_put(&s, "stem_stride", "1,9,2");
    assert_int_equal(network_check(&s, &e), -1);
    backbone_put(&s, "stem_stride", "1,2");
    assert_int_equal(network_check(&s, &e), -1);
    network_defaults(&s);
    s.projection_width = 0;
    assert_int_equal(network_check(&s, &e), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts), cmocka_unit_test(test_work),
                                       cmocka_unit_test(test_names), cmocka_unit_test(test_other_backbones),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
