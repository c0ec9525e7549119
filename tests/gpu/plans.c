/* SPDX-License-Identifier: Apache-2.0 */
/* plans -- cuDNN has a plan for every layer and pass of the paper's network on GPUs that are not here.   tests/gpu
 *
 * From device properties (tests/gpu/devices): a plan is finalised, never run. bfloat16: on tensor cores, repeating bit for bit,
 * within the workspace that the back end allows. What products do instead of cuDNN is checked for the alignment tensor cores want. */
#include "common/base.h"
#include "kernels/cuda/conv_form.h"
#include "kernels/cuda/cudnn_version.h"
#include "kernels/cuda/plan.h"
#include "kernels/cuda/tuned.h"
#include "tests/gpu/layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BOXES = 256 };
static const size_t workspace_most = (size_t)256 << 20; /* open.cu's */

static int find_layers(void **state)
{
    (void)state;
    return layers_find(BOXES);
}

/* ---- a GPU that is not here ---- */

static struct planner *described(const char *device, enum precision precision)
{
    char path[300], text[8192];
    format_into(path, sizeof path, "tests/gpu/devices/%s.json", device);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("cannot open '%s': run from the top of the tree", path);
    size_t length = fread(text, 1, sizeof text - 1, f);
    text[length] = '\0';
    fclose(f);
    struct error e = {0};
    struct planner *p = planner_open_described(text, precision, workspace_most, &e);
    if (!p && e.code == EX_UNAVAILABLE) {
        print_message("# skipped: %s\n", e.text);
        skip();
    }
    if (!p)
        fail_msg("%s: %s", path, e.text);
    return p;
}

static void must_plan(struct planner *p, const struct conv_shape *s, enum pass pass, bool accumulate,
                      bool wants_tensor_cores)
{
    struct error e = {0};
    char name[80];
    layer_name(name, sizeof name, s);
    struct plan *plan = plan_open(p, s, pass, accumulate, &e);
    if (!plan)
        fail_msg("%s: %s", name, e.text);
    const struct plan_about *about = plan_about(plan);
    print_message("# %-24s %-8s %2d offered, engine %.40s%s, workspace %zu KiB\n", name, pass_name[pass], about->offered,
                  about->engine, about->tensor_cores ? ", tensor cores" : "", (about->workspace + 1023) >> 10);
    if (wants_tensor_cores && !about->tensor_cores)
        fail_msg("%s: the first plan for the %s pass (engine %s) uses no tensor cores", name, pass_name[pass],
                 about->engine);
    plan_close(&plan);
}

/* R(2+1)D's middle widths (230, 460, 921) follow from its parameter count and are torchvision's: its products of odd width go without tensor
 * cores, which is said. No other network may have such. */
static bool odd_widths;
static void must_align(const struct conv_shape *s)
{
    char name[80];
    layer_name(name, sizeof name, s);
    int count;
    struct conv_run *run = conv_runs(s, &count);
    print_message("# %-24s %d product%s, of", name, count, count == 1 ? "" : "s");
    for (int i = 0; i < count; i++)
        print_message(" %dx%dx%d", s->N, s->O, run[i].many * s->C);
    print_message("\n");
    free(run);
    if ((s->C % 8 || s->O % 8) && odd_widths)
        print_message("# %-24s without tensor cores: %d to %d channels\n", name, s->C, s->O);
    else if (s->C % 8 || s->O % 8)
        fail_msg("%s: a product of %d to %d channels is not aligned to the 16 bytes that tensor cores want", name, s->C,
                 s->O);
}

static void every_layer(const char *device, enum precision precision)
{
    struct planner *p = described(device, precision);
    for (int i = 0; i < layers; i++) {
        const struct conv_form *form = conv_form_usual(&layer[i]);
        struct conv_shape inner = conv_form_inner(form, &layer[i]);
        if (form->gemm) {
            must_align(&inner);
            continue;
        }
        bool narrow = precision == BFLOAT16, unfolds = form->unfold[2];
        must_plan(p, &inner, PASS_FORWARD, false, narrow);
        must_plan(p, &inner, PASS_DATA, !unfolds, narrow);
        must_plan(p, &inner, PASS_WEIGHT, !narrow && !unfolds, narrow);
    }
    planner_close(&p);
}

static void test_h200_bfloat16(void **state)
{
    (void)state;
    every_layer("h200", BFLOAT16);
}
static void test_h200_float32(void **state)
{
    (void)state;
    every_layer("h200", FLOAT32);
}
static void test_rtx3060_bfloat16(void **state)
{
    (void)state;
    every_layer("rtx3060", BFLOAT16);
}
static void test_rtx3060_float32(void **state)
{
    (void)state;
    every_layer("rtx3060", FLOAT32);
}

/* Each backbone, with the precision either GPU is good at. */
static void test_backbones(void **state)
{
    (void)state;
    for (size_t i = 0; backbone_at(i); i++) {
        layers_of(backbone_at(i), BOXES);
        print_message("# %s: %d different convolutions\n", backbone_at(i)->name, layers);
        odd_widths = strcmp(backbone_at(i)->name, "r2plus1d_18") == 0;
        every_layer("h200", BFLOAT16);
        every_layer("rtx3060", FLOAT32);
    }
    odd_widths = false;
    assert_int_equal(layers_find(BOXES), 0);
}

/* The other ways to do the stem have plans too: run.sh on a GPU can time them all. */
static void test_stem_forms(void **state)
{
    (void)state;
    struct planner *p = described("h200", BFLOAT16);
    static const int stem[] = {FORM_UNFOLD_W, FORM_UNFOLD_HW};
    for (int C = 1; C <= 2; C++)
        for (size_t i = 0; i < COUNT_OF(stem); i++) {
            struct conv_shape s = layer[0];
            s.C = C;
            struct conv_shape inner = conv_form_inner(&conv_forms[stem[i]], &s);
            assert_int_equal(inner.C % 8, 0);
            must_plan(p, &inner, PASS_FORWARD, false, true);
            must_plan(p, &inner, PASS_WEIGHT, false, true);
        }
    planner_close(&p);
}

static void test_no_tensor_cores_in_float32(void **state)
{
    (void)state;
    struct planner *p = described("h200", FLOAT32);
    for (int i = 1; i < layers; i++) {
        struct plan *plan = plan_open(p, &layer[i], PASS_FORWARD, false, NULL);
        assert_non_null(plan);
        assert_false(plan_about(plan)->tensor_cores); /* they would be TF32 */
        plan_close(&plan);
    }
    planner_close(&p);
}

static void test_workspace_is_a_limit(void **state)
{
    (void)state;
    char text[8192] = "";
    FILE *f = fopen("tests/gpu/devices/h200.json", "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    struct planner *p = planner_open_described(text, BFLOAT16, 0, NULL);
    if (!p)
        skip();
    for (int i = 0; i < layers; i++) { /* none at all, or one that needs none */
        struct plan *plan = plan_open(p, &layer[i], PASS_WEIGHT, false, NULL);
        assert_true(!plan || plan_about(plan)->workspace == 0);
        plan_close(&plan);
    }
    planner_close(&p);
}

static void test_bad_properties(void **state)
{
    (void)state;
    struct error e = {0};
    assert_null(planner_open_described("{\"deviceName\": ", BFLOAT16, workspace_most, &e));
    assert_non_null(strstr(e.text, "device"));
}

static void test_versions_refused(void **state)
{
    (void)state;
    static const struct {
        size_t version;
        bool bfloat16, float32;
    } known[] = {
        {8907, false, false}, {90701, true, true},  {90800, false, true}, {91002, false, true},
        {91400, false, true}, {91499, false, true}, {91500, true, true},  {91900, true, true},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        struct error e = {0};
        assert_int_equal(cudnn_version_check(known[i].version, BFLOAT16, &e) == 0, known[i].bfloat16);
        assert_true(known[i].bfloat16 || (e.code == EX_UNAVAILABLE && strstr(e.text, "cuDNN")));
        assert_int_equal(cudnn_version_check(known[i].version, FLOAT32, NULL) == 0, known[i].float32);
    }
}

/* ---- what was measured is kept ---- */

static void only_file_in(const char *folder, char path[600])
{
    char command[600];
    format_into(command, sizeof command, "ls -d '%s'/*", folder);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(path, 600, f));
    path[strcspn(path, "\n")] = '\0';
    char more[600];
    assert_null(fgets(more, sizeof more, f)); /* nothing half-written beside it */
    pclose(f);
}

static void test_tuned(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    char folder[500], value[TUNED_MOST], path[600];
    format_into(folder, sizeof folder, "%s/petrel-tuned.%ld/a/b", tmp ? tmp : "/tmp", (long)getpid());
    setenv("PETREL_TUNED", folder, 1);
    assert_false(tuned_get("a key", value));
    tuned_put("a key", "0.000012 62: 1=3");
    assert_true(tuned_get("a key", value));
    assert_string_equal(value, "0.000012 62: 1=3");
    assert_false(tuned_get("another key", value));
    tuned_put("a key", "0.000011 67:");
    assert_true(tuned_get("a key", value));
    assert_string_equal(value, "0.000011 67:");
    only_file_in(folder, path);

    char good[400];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t length = fread(good, 1, sizeof good, f);
    fclose(f);
    for (size_t damage = 0; damage < length; damage++) { /* cut short, and every byte changed: never believed */
        for (int cut = 0; cut < 2; cut++) {
            f = fopen(path, "w");
            assert_non_null(f);
            char bad[400];
            memcpy(bad, good, length);
            bad[damage] = (char)(bad[damage] ^ 1);
            fwrite(bad, 1, cut ? damage : length, f);
            fclose(f);
            FILE *quiet = freopen("/dev/null", "w", stderr); /* it says so each time */
            assert_non_null(quiet);
            if (!(cut && damage == length - 1)) /* all but the last line's end */
                assert_false(tuned_get("a key", value));
        }
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    setenv("PETREL_TUNED", "/proc/nowhere", 1); /* cannot be written: a warning, no more */
    tuned_put("a key", "a value");
    assert_false(tuned_get("a key", value));
    unsetenv("PETREL_TUNED");
}

/* plans describe: the properties of the GPU that is here, to be kept in tests/gpu/devices */
static int describe(void)
{
    struct error e = {0};
    char *text = planner_describe_device(&e);
    if (!text)
        die_of(&e);
    puts(text);
    free(text);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "describe"))
        return describe();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h200_bfloat16),
        cmocka_unit_test(test_h200_float32),
        cmocka_unit_test(test_rtx3060_bfloat16),
        cmocka_unit_test(test_rtx3060_float32),
        cmocka_unit_test(test_stem_forms),
        cmocka_unit_test(test_backbones),
        cmocka_unit_test(test_no_tensor_cores_in_float32),
        cmocka_unit_test(test_workspace_is_a_limit),
        cmocka_unit_test(test_bad_properties),
        cmocka_unit_test(test_versions_refused),
        cmocka_unit_test(test_tuned),
    };
    return cmocka_run_group_tests(tests, find_layers, NULL);
}
