/* SPDX-License-Identifier: Apache-2.0 */
/* eval_lesions -- end-to-end sensitivity and volume of lesions that regions hold whole, in parts, or not.   tests/unit */
#include "stages/eval/lesions.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* Four lesions of 10 ml: in region 1; in regions 2 and 3, 40 % each; in region 4, 30 %; in none (an organ's). */
static struct lesion lesion[] = {
    {.id = 1, .voxels = 100, .ml = 10, .region = 1, .covered = 0.9, .in_regions = 0.9},
    {.id = 2, .voxels = 100, .ml = 10, .region = 2, .covered = 0.4, .in_regions = 0.8},
    {.id = 3, .voxels = 100, .ml = 10, .region = 4, .covered = 0.3, .in_regions = 0.3},
    {.id = 4, .voxels = 100, .ml = 10, .in_excluded = 1},
};
static struct lesion_part part[] = {{1, 1, 90}, {2, 2, 40}, {2, 3, 40}, {3, 4, 30}};
static const struct lesions lesions = {1, COUNT_OF(lesion), COUNT_OF(part), lesion, part};
static const struct region region[] = {{.ml = 9}, {.ml = 8}, {.ml = 4}, {.ml = 20}, {.ml = 7}};

static struct end_to_end with(const bool called[COUNT_OF(region)])
{
    struct end_to_end t = {0};
    end_to_end_add(&t, &lesions, region, COUNT_OF(region), called);
    return t;
}

static void all_called(void **state)
{
    (void)state;
    struct end_to_end t = with((const bool[]){true, true, true, true, true});
    assert_true(t.scans == 1 && t.lesions == 4 && t.found == 2 && t.left_out == 1);
    assert_int_equal(t.missed_by_regions, 3); /* no single region holds half of the second */
    assert_float_equal(end_to_end_sensitivity(&t), 0.5, 1e-12);
    assert_float_equal(end_to_end_volume(&t), 20.0 / 40, 1e-12);
    assert_float_equal(t.held_ml, 20, 1e-12);
    assert_float_equal(t.called_ml, 48, 1e-12);
}

static void some_called(void **state)
{
    (void)state;
    struct end_to_end t = with((const bool[]){true, true, false, false, true});
    assert_int_equal(t.found, 1); /* 40 % of the second are too few */
    assert_float_equal(t.found_ml, 13, 1e-12);
    assert_float_equal(t.called_ml, 24, 1e-12);
}

static void unknown_is_not_none(void **state)
{
    (void)state;
    struct end_to_end t = {0};
    struct lesions none = {0};
    end_to_end_add(&t, &none, region, COUNT_OF(region), (const bool[COUNT_OF(region)]){true});
    assert_true(t.scans == 0 && isnan(end_to_end_sensitivity(&t)) && isnan(end_to_end_volume(&t)));
    none.known = 1; /* a healthy patient: nothing to find, and what is called is false */
    end_to_end_add(&t, &none, region, COUNT_OF(region), (const bool[COUNT_OF(region)]){true});
    assert_true(t.scans == 1 && t.called_ml == 9 && isnan(end_to_end_sensitivity(&t)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_called), cmocka_unit_test(some_called),
                                       cmocka_unit_test(unknown_is_not_none)};
    return cmocka_run_group_tests_name("eval_lesions", tests, NULL, NULL);
}
