/* SPDX-License-Identifier: Apache-2.0 */
/* suv_grid -- a volume on another grid, against the definition voxel by voxel; cut at the thighs; clipped.   tests/unit */
#include "stages/suv/suv.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct volume volume_of(const int64_t dim[3], const double spacing[3])
{
    struct volume v = {0};
    grid_set(&v.grid, dim, spacing, (double[]){120, 80, -400});
    size_t n = grid_voxels(&v.grid);
    v.voxel = xalloc(n, sizeof *v.voxel);
    v.mask = xalloc(n, 1);
    v.organ = xalloc(n, 1);
    return v;
}

static void fill_random(struct volume *v)
{
    uint32_t random = 5;
    for (size_t i = 0; i < grid_voxels(&v->grid); i++) {
        random = random * 1664525u + 1013904223u;
        v->voxel[i] = (float)(random >> 8) / 1e6F;
        v->mask[i] = (uint8_t)(random >> 31);
        v->organ[i] = (uint8_t)(random >> 28);
    }
}

/* Where a new voxel's centre lies among the old ones, by millimetres. */
static double place_in(double new_mm, double old_mm, int64_t i, int64_t old)
{
    return fmin(fmax(((double)i + 0.5) * new_mm / old_mm - 0.5, 0), (double)(old - 1));
}

static void check_resampled(const int64_t dim[3], const double old_mm[3], const double new_mm[3])
{
    struct volume v = volume_of(dim, old_mm), was = volume_of(dim, old_mm);
    struct error e = {0};
    fill_random(&v);
    fill_random(&was);
    assert_int_equal(volume_resample(&v, new_mm, &e), 0);
    for (int64_t z = 0; z < v.grid.dim[0]; z++)
        for (int64_t y = 0; y < v.grid.dim[1]; y++)
            for (int64_t x = 0; x < v.grid.dim[2]; x++) {
                int64_t const to[3] = {z, y, x};
                int64_t low[3], near[3];
                double part[3], sum = 0;
                for (int a = 0; a < 3; a++) {
                    double at = place_in(new_mm[a], old_mm[a], to[a], dim[a]);
                    low[a] = (int64_t)at, part[a] = at - (double)low[a], near[a] = (int64_t)floor(at + 0.5);
                }
                for (unsigned corner = 0; corner < 8; corner++) {
                    double weight = 1;
                    int64_t p[3];
                    for (unsigned a = 0; a < 3; a++) {
                        bool up = corner >> a & 1;
                        weight *= up ? part[a] : 1 - part[a];
                        p[a] = low[a] + up < dim[a] ? low[a] + up : low[a];
                    }
                    sum += weight * (double)was.voxel[grid_at(&was.grid, p[0], p[1], p[2])];
                }
                size_t at = grid_at(&v.grid, z, y, x), from = grid_at(&was.grid, near[0], near[1], near[2]);
                if (!(fabs((double)v.voxel[at] - sum) <= 2e-6 * (1 + sum)))
                    fail_msg("voxel %ld %ld %ld is %g, not %g", (long)z, (long)y, (long)x, (double)v.voxel[at], sum);
                assert_int_equal(v.mask[at], was.mask[from]);
                assert_int_equal(v.organ[at], was.organ[from]);
            }
    volume_free(&v);
    volume_free(&was);
}

static void resampled_is_defined(void **state)
{
    (void)state;
    check_resampled((int64_t[]){7, 19, 23}, (double[]){3, 2.036, 2.036}, (double[]){3, 3, 3});
    check_resampled((int64_t[]){7, 9, 11}, (double[]){3.27, 4.69, 4.69}, (double[]){2, 2.036, 3});
    check_resampled((int64_t[]){1, 1, 5}, (double[]){3, 3, 3}, (double[]){1.7, 5, 1});
}

static void clipped(void **state)
{
    (void)state;
    struct volume v = volume_of((int64_t[]){1, 1, 4}, (double[]){1, 1, 1});
    memcpy(v.voxel, (float[]){-1, 0.5F, 20, 66}, 4 * sizeof(float));
    suv_clip(&v, 0, 20);
    assert_true(v.voxel[0] == 0 && v.voxel[1] == 0.5F && v.voxel[2] == 20 && v.voxel[3] == 20);
    volume_free(&v);
}

/* A trunk with arms on two legs: feet at slice `feet`, legs part at slice `parting`. 4 mm voxels. */
enum { D = 120, H = 60, W = 130 };

static void paint(struct volume *v, int64_t z, double y, double x, double ry, double rx)
{
    for (int64_t j = 0; j < H; j++)
        for (int64_t i = 0; i < W; i++)
            if (pow(((double)j - y) / ry, 2) + pow(((double)i - x) / rx, 2) <= 1)
                v->voxel[grid_at(&v->grid, z, j, i)] = 0.6F;
}

static struct volume person(int64_t feet, int64_t parting, double thinner)
{
    struct volume v = volume_of((int64_t[]){D, H, W}, (double[]){4, 4, 4});
    for (int64_t z = feet; z < D; z++) {
        if (z <= parting) {
            paint(&v, z, 30, 44, 18 * thinner, 19 * thinner);
            paint(&v, z, 30, 83, 18, 19);
        } else {
            paint(&v, z, 30, 64, 24, 42);
        }
        paint(&v, z, 30, 12, 8, 8); /* arms */
        paint(&v, z, 30, 118, 8, 8);
        for (int64_t i = 0; i < H * W; i += 97) /* noise in the air */
            v.voxel[grid_at(&v.grid, z, 0, 0) + (size_t)i] += 0.05F;
    }
    return v;
}

static void crop_of(struct volume *v, const char *says, int64_t slices)
{
    char how[128];
    volume_crop_thighs(v, 76, how, sizeof how);
    if (!strstr(how, says))
        fail_msg("'%s' does not say '%s'", how, says);
    assert_int_equal(v->grid.dim[0], slices);
    volume_free(v);
}

static void cut_at_thighs(void **state)
{
    (void)state;
    struct volume v = person(5, 50, 1);
    int64_t slice;
    assert_true(legs_part(&v, &slice));
    assert_int_equal(slice, 50);
    float kept = v.voxel[grid_at(&v.grid, 31, 30, 44)];
    char how[128];
    volume_crop_thighs(&v, 76, how, sizeof how); /* 19 slices below slice 50 */
    assert_string_equal(how, "thighs: legs part at -200 mm, 31 slices below -276 mm cut off");
    assert_int_equal(v.grid.dim[0], D - 31);
    assert_true(v.voxel[grid_at(&v.grid, 0, 30, 44)] == kept && kept > 0);
    double mm[3];
    grid_to_mm(&v.grid, (double[]){0, 0, 0}, mm);
    assert_true(fabs(mm[2] + 276) < 1e-9);
    volume_free(&v);

    v = person(0, 50, 0.85); /* one leg thinner: still legs */
    crop_of(&v, "31 slices", D - 31);
    v = person(0, 12, 1);
    crop_of(&v, "left whole, legs part at -352 mm and the scan ends 48 mm below", D);
    v = person(0, -1, 1); /* ends above the thighs */
    crop_of(&v, "left whole, no place where legs part", D);
    v = person(0, D - 1, 1); /* nothing but legs */
    crop_of(&v, "left whole, no place where legs part", D);
    v = person(0, D - 20, 1); /* and hardly more */
    crop_of(&v, "left whole, no place where legs part", D);
    v = person(0, 50, 0.4); /* one leg is missing: the trunk and an arm must not be taken for two */
    crop_of(&v, "left whole, no place where legs part", D);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resampled_is_defined),
        cmocka_unit_test(clipped),
        cmocka_unit_test(cut_at_thighs),
    };
    return cmocka_run_group_tests_name("suv_grid", tests, NULL, NULL);
}
