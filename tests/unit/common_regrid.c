/* SPDX-License-Identifier: Apache-2.0 */
/* common_regrid -- a volume on another grid: against SimpleITK's numbers, and what must hold whatever the numbers. */
#include "common/volume.h"
#include "tests/golden/volume/regrid.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* make.py's numbers, and guards behind them */
enum { GUARDS = 16, GUARD = 31000 };
static int16_t *old_voxels(const struct grid *g)
{
    int16_t *v = xalloc(grid_voxels(g), sizeof *v), *at = v;
    for (int64_t z = 0; z < g->dim[0]; z++)
        for (int64_t y = 0; y < g->dim[1]; y++)
            for (int64_t x = 0; x < g->dim[2]; x++)
                *at++ = (int16_t)((z * 37 + y * 101 + x * 211 + z * y * 7 + y * x * 13) % 1009 - 500);
    return v;
}

static int16_t *poisoned(size_t count)
{
    int16_t *v = xalloc(count + GUARDS, sizeof *v);
    for (size_t i = 0; i < count + GUARDS; i++)
        v[i] = GUARD;
    return v;
}

static void agrees_with_simpleitk(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT_OF(regrid_cases); c++) {
        const struct regrid_case *k = &regrid_cases[c];
        struct error e = {0};
        size_t count = grid_voxels(&k->to), inside = 0;
        int16_t *from = old_voxels(&k->from), *to = poisoned(count);
        int64_t seen = volume_regrid(&k->from, from, &k->to, CT_OUTSIDE_HU, to, &e);
        for (size_t i = 0; i < count; i++) {
            inside += k->value[i] > -1000;
            if (!(fabs(to[i] - k->value[i]) <= 0.501)) /* ours are whole numbers */
                fail_msg("%s: voxel %zu is %d, SimpleITK has %g", k->name, i, to[i], k->value[i]);
        }
        assert_int_equal(seen, inside);
        for (size_t i = count; i < count + GUARDS; i++)
            assert_int_equal(to[i], GUARD);
        free(from);
        free(to);
    }
}

/* The same grid gives the same numbers, and so does one whose file runs the other way. */
static void the_same_grid_changes_nothing(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT_OF(regrid_cases); c++) {
        struct grid from = regrid_cases[c].from, turned = from;
        struct turn turn;
        struct error e = {0};
        int16_t *v = old_voxels(&from), *to = poisoned(grid_voxels(&from));
        void *lps = old_voxels(&from);
        assert_int_equal(volume_regrid(&from, v, &from, 7, to, &e), grid_voxels(&from));
        assert_memory_equal(to, v, grid_voxels(&from) * sizeof *v);
        volume_turn_lps(&turned, &turn, &lps, sizeof *v);
        assert_int_equal(volume_regrid(&from, v, &turned, 7, to, &e), grid_voxels(&from));
        assert_memory_equal(to, lps, grid_voxels(&from) * sizeof *v);
        free(lps);
        free(to);
        free(v);
    }
}

static void a_flat_grid_is_refused(void **state)
{
    (void)state;
    struct grid to, from;
    struct error e = {0};
    int16_t v[8] = {0}, out[8];
    grid_set(&to, (int64_t[]){2, 2, 2}, (double[]){1, 1, 1}, (double[]){0, 0, 0});
    from = to;
    memcpy(from.affine[1], from.affine[0], sizeof from.affine[1]);
    assert_int_equal(volume_regrid(&from, v, &to, 0, out, &e), -1);
    assert_non_null(strstr(e.text, "flat"));
    from.affine[0][0] = (double)NAN;
    assert_int_equal(volume_regrid(&from, v, &to, 0, out, &e), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_simpleitk),
        cmocka_unit_test(the_same_grid_changes_nothing),
        cmocka_unit_test(a_flat_grid_is_refused),
    };
    return cmocka_run_group_tests_name("common_regrid", tests, NULL, NULL);
}
