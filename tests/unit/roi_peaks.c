/* SPDX-License-Identifier: Apache-2.0 */
/* roi_peaks -- what growing every peak promises, on made scenes; and one body at two voxel sizes.   tests/unit */
#include "common/rng.h"
#include "proto/organ.h"
#include "stages/roi/noise.h"
#include "stages/roi/organ.h"
#include "stages/roi/peaks.h"
#include "stages/roi/regions.h"
#include "stages/suv/suv.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Voxels of 3 mm. */
enum { D = 40, H = 40, W = 60, VOXELS = D * H * W };
static const int64_t dim[3] = {D, H, W};
static float suv[VOXELS];
static uint32_t label[VOXELS];
#define AT(z, y, x) (((z)*H + (y)) * W + (x))

static void scene(float background)
{
    memset(suv, 0, sizeof suv);
    memset(label, 0, sizeof label);
    for (int z = 1; z < D - 1; z++)
        for (int y = 1; y < H - 1; y++)
            for (int x = 1; x < W - 1; x++)
                suv[AT(z, y, x)] = background;
}

static void hot_spot(int cz, int cy, int cx, double peak, double sd)
{
    for (int z = 1; z < D - 1; z++)
        for (int y = 1; y < H - 1; y++)
            for (int x = 1; x < W - 1; x++) {
                double r2 = (z - cz) * (z - cz) + (y - cy) * (y - cy) + (x - cx) * (x - cx);
                suv[AT(z, y, x)] += (float)(peak * exp(-r2 / (2 * sd * sd)));
            }
}

static struct peaks_how usual(void)
{
    return (struct peaks_how){.connectivity = 26,
                              .spacing_mm = {3, 3, 3},
                              .floor_suv = 1,
                              .fraction = 0.4,
                              .small_fraction = 0.2,
                              .small_ml = 0.4,
                              .large_ml = 3,
                              .mean_share = 0.5,
                              .mean_ml = 50,
                              .around_mm = 8,
                              .contrast = 1.3,
                              .valley = 0.65,
                              .lobe_ml = 12,
                              .lobe_valley = 0.5,
                              .noise_per_suv = 0.01,
                              .noise_sds = 3,
                              .contrast_sds = 8,
                              .again_suv = 1000,
                              .again_mm = 8};
}

static int size_of(uint32_t region)
{
    int count = 0;
    for (int i = 0; i < VOXELS; i++)
        count += label[i] == region;
    return count;
}

/* In a liver of 2.4 a lesion of 8 ends between the two, not where 40 % of 8 is. */
static void surroundings_count(void **state)
{
    (void)state;
    struct peaks_how how = usual();
    float lowest = 100;
    scene(2.4F);
    hot_spot(20, 20, 30, 5.6, 3);
    assert_int_equal(peaks_find(suv, dim, &how, label), 1);
    for (int i = 0; i < VOXELS; i++)
        lowest = label[i] ? fminf(lowest, suv[i]) : lowest;
    assert_true(lowest > 4.2F && lowest < 5.5F); /* 40 % of the peak is 3.2 */
    assert_true(size_of(1) > 100);
}

/* A small one ends lower than a large one of the same peak. */
static float lowest_of(uint32_t region)
{
    float lowest = 100;
    for (int i = 0; i < VOXELS; i++)
        lowest = label[i] == region ? fminf(lowest, suv[i]) : lowest;
    return lowest;
}

static void small_lesions_keep_their_rim(void **state)
{
    (void)state;
    struct peaks_how how = usual();
    scene(0.5F);
    hot_spot(20, 20, 15, 8, 1); /* of two voxels across */
    hot_spot(20, 20, 42, 8, 4);
    assert_int_equal(peaks_find(suv, dim, &how, label), 2);
    assert_true(lowest_of(label[AT(20, 20, 15)]) < 3.5F); /* 5.35 where 40 % of the way up ended it */
    assert_true(lowest_of(label[AT(20, 20, 42)]) > 3.3F);
}

static void touching_lesions_stay_two(void **state)
{
    (void)state;
    struct peaks_how how = usual();
    scene(0.5F);
    hot_spot(20, 20, 26, 9, 1.5);
    hot_spot(20, 20, 31, 7, 1.5);
    assert_int_equal(peaks_find(suv, dim, &how, label), 2);
    assert_true(label[AT(20, 20, 26)] && label[AT(20, 20, 31)] && label[AT(20, 20, 26)] != label[AT(20, 20, 31)]);
    /* two that cannot be told apart are one */
    scene(0.5F);
    hot_spot(20, 20, 28, 9, 3);
    hot_spot(20, 20, 33, 9, 3);
    assert_int_equal(peaks_find(suv, dim, &how, label), 1);
}

/* The same two peaks and valley (0.6 of the lower one): masses of tens of ml are lobes of one, nodes are two. */
static void lobes_join(void **state)
{
    (void)state;
    struct peaks_how how = usual();
    scene(0.5F);
    hot_spot(20, 20, 20, 8, 5);
    hot_spot(20, 20, 36, 8, 5);
    assert_int_equal(peaks_find(suv, dim, &how, label), 1);
    assert_true(label[AT(20, 20, 20)] && label[AT(20, 20, 20)] == label[AT(20, 20, 36)]);
    how.lobe_ml = 1000;
    memset(label, 0, sizeof label);
    assert_int_equal(peaks_find(suv, dim, &how, label), 2);
}

/* A lesion on the slope of a bladder ten times as hot is a region, and does not run round it. */
static void faint_beside_hot(void **state)
{
    (void)state;
    struct peaks_how how = usual();
    scene(0.5F);
    hot_spot(20, 20, 18, 60, 4);
    hot_spot(20, 20, 36, 6, 2);
    assert_int_equal(peaks_find(suv, dim, &how, label), 2);
    uint32_t lesion = label[AT(20, 20, 36)];
    assert_true(lesion && lesion != label[AT(20, 20, 18)]);
    for (int i = 0; i < VOXELS; i++)
        if (label[i] == lesion)
            assert_in_range(i % W, 30, 42);
}

/* Peaks that count, away from the scene's end, where surroundings are air. */
static int inner_regions(const struct peaks_how *how)
{
    int count = 0;
    static bool seen[VOXELS];
    memset(seen, 0, sizeof seen);
    peaks_find(suv, dim, how, label);
    for (int z = 10; z < D - 10; z++)
        for (int y = 10; y < H - 10; y++)
            for (int x = 10; x < W - 10; x++) {
                uint32_t region = label[AT(z, y, x)];
                count += region && !seen[region];
                seen[region] = true;
            }
    return count;
}

/* Peaks of noise are one body, and at most one region: by the scan's own noise. */
static void noise_is_no_region(void **state)
{
    (void)state;
    struct peaks_how how = usual();
    struct crop body = {.dim = {D, H, W}, .suv = suv};
    struct rng r = rng_make(3, RNG_TEST, 1);
    scene(2.2F);
    for (int i = 0; i < VOXELS; i++)
        suv[i] *= 1 + (suv[i] > 0 ? 0.1F * rng_normal(&r) : 0);
    how.floor_suv = 2.4;
    how.valley = 0.95; /* of the two rules that join peaks, noise alone is asked */
    how.noise_per_suv = noise_per_suv(&body, how.spacing_mm);
    assert_true(fabs(noise_sd(how.noise_per_suv, 2.2) - 0.22) < 0.02);
    assert_true(inner_regions(&how) <= 1);
    memset(label, 0, sizeof label);
    how.noise_per_suv = 0; /* the test can fail */
    assert_true(inner_regions(&how) > 100);
}

/* ---- one body, two scanners */

static const struct spot {
    double at[3], fwhm_mm, suv;
} spots[] = {
    {{120, 200, 150}, 9, 6},  {{160, 200, 260}, 12, 10}, {{200, 150, 200}, 16, 5}, {{240, 220, 160}, 20, 14},
    {{280, 180, 250}, 30, 8}, {{320, 200, 170}, 11, 12}, {{340, 230, 220}, 10, 9}, {{340, 230, 245}, 12, 7},
    {{60, 200, 200}, 45, 30}, {{400, 180, 180}, 60, 7},
};

static struct volume body_sampled(double dz, double dx)
{
    struct volume v = {0};
    const int64_t size[3] = {(int64_t)(440 / dz), (int64_t)(400 / dx), (int64_t)(400 / dx)};
    grid_set(&v.grid, size, (double[3]){dz, dx, dx}, (double[3]){0, 0, 0});
    v.voxel = xalloc(grid_voxels(&v.grid), sizeof *v.voxel);
    for (int64_t z = 0; z < size[0]; z++) {
        struct rng r = rng_make(5, RNG_TEST, (uint64_t)z);
        for (int64_t y = 0; y < size[1]; y++)
            for (int64_t x = 0; x < size[2]; x++) {
                double at[3] = {((double)z + 0.5) * dz, ((double)y + 0.5) * dx, ((double)x + 0.5) * dx};
                double value = pow((at[1] - 200) / 100, 2) + pow((at[2] - 200) / 140, 2) < 1 ? 0.7 : 0;
                for (size_t i = 0; i < COUNT_OF(spots) && value > 0; i++) {
                    double r2 = 0, sd = spots[i].fwhm_mm / 2.3548;
                    for (int a = 0; a < 3; a++)
                        r2 += pow(at[a] - spots[i].at[a], 2);
                    value += spots[i].suv * exp(-r2 / (2 * sd * sd));
                }
                v.voxel[grid_at(&v.grid, z, y, x)] = (float)(value * (1 + 0.04 * (double)rng_normal(&r)));
            }
    }
    return v;
}

static void regions_in(struct volume v, struct regions_message *m)
{
    struct recipe r;
    struct regions_summary s;
    struct error e = {0};
    recipe_defaults(&r);
    r.exclude = "none";
    if (regions_find(&v, &r, NULL, m, &s, &e))
        fail_msg("%s", e.text);
    volume_free(&v);
}

/* Each region of one scan has its own in the other: the same place, and volume within a factor 2. Takes the second. */
static void regions_agree(struct volume second)
{
    struct regions_message fine, coarse;
    regions_in(body_sampled(3, 2.036), &fine);
    regions_in(second, &coarse);
    assert_int_equal(fine.count, COUNT_OF(spots));
    assert_int_equal(coarse.count, COUNT_OF(spots));
    for (size_t i = 0; i < fine.count; i++) {
        const struct region *a = &fine.region[i], *b = NULL;
        for (size_t k = 0; k < coarse.count; k++) {
            double mm2 = 0;
            for (int x = 0; x < 3; x++)
                mm2 += pow((a->centroid[x] + 0.5) * fine.grid.spacing_mm[x] -
                               (coarse.region[k].centroid[x] + 0.5) * coarse.grid.spacing_mm[x],
                           2);
            b = mm2 < 16 ? &coarse.region[k] : b;
        }
        if (!b || b->ml < 0.5 * a->ml || b->ml > 2 * a->ml)
            fail_msg("region %zu of %.2f ml has %.2f ml on the coarse grid", i, a->ml, b ? b->ml : 0.0);
    }
    regions_message_free(&fine);
    regions_message_free(&coarse);
}

static void two_voxel_sizes_agree(void **state)
{
    (void)state;
    regions_agree(body_sampled(5, 4.07));
}

/* The same scan, resampled as petrel-suv does it. */
static void resampled_scans_agree(void **state)
{
    (void)state;
    static const double spacing_mm[][3] = {{3, 3, 3}, {4, 4, 4}, {5, 4.07, 4.07}};
    for (size_t i = 0; i < COUNT_OF(spacing_mm); i++) {
        struct volume v = body_sampled(3, 2.036);
        struct error e = {0};
        if (volume_resample(&v, spacing_mm[i], &e))
            fail_msg("%s", e.text);
        regions_agree(v);
    }
}

/* A lesion against a bladder five times as hot has no peak of its own: the second look alone finds it. */
static void shoulders_are_looked_at_again(void **state)
{
    (void)state;
    struct peaks_how how = usual();
    scene(0.5F);
    for (int z = 1; z < D - 1; z++)
        for (int y = 1; y < H - 1; y++)
            for (int x = 1; x < W - 1; x++) {
                double mm = 3 * sqrt((z - 20) * (z - 20) + (y - 20) * (y - 20) + (x - 18) * (x - 18)) - 24;
                suv[AT(z, y, x)] +=
                    (float)(20 * erfc(mm / 3.6)); /* a ball of 24 mm with the rim of a point spread of 6 mm */
            }
    for (int x = 26; x < 32; x++) /* a cone that falls away from it */
        for (int z = 17; z < 24; z++)
            for (int y = 17; y < 24; y++)
                suv[AT(z, y, x)] = fmaxf(suv[AT(z, y, x)], 8 - 0.5F * (float)(x - 26));
    assert_int_equal(peaks_find(suv, dim, &how, label), 1);
    assert_int_equal(label[AT(20, 20, 30)], 0);
    how.again_suv = 20;
    memset(label, 0, sizeof label);
    assert_int_equal(peaks_find(suv, dim, &how, label), 2);
    assert_int_equal(label[AT(20, 20, 30)], 2);
    assert_int_equal(label[AT(20, 20, 18)], 1);
    assert_true(size_of(2) > 100 && size_of(2) < 700); /* and not the ball's rim all round */
}

/* A lesion that a valley of noise alone parts from the kidney is the kidney's, unless the organ map knows better. */
static void organs_are_not_joined(void **state)
{
    (void)state;
    struct peaks_how how = usual();
    struct volume v = {0};
    struct organ_look organs = {.scan = &v, .dim = {D, H, W}, .which = 1U << ORGAN_LABEL_KIDNEYS};
    grid_set(&v.grid, dim, how.spacing_mm, (double[3]){0, 0, 0});
    v.organ = xalloc(VOXELS, 1);
    for (int z = 14; z < 27; z++)
        for (int y = 14; y < 27; y++)
            for (int x = 14; x < 26; x++)
                v.organ[AT(z, y, x)] = ORGAN_LABEL_KIDNEYS;
    scene(0.5F);
    hot_spot(20, 20, 20, 8, 2.5);
    hot_spot(20, 20, 27, 8, 2.5);
    assert_int_equal(peaks_find(suv, dim, &how, label), 1);
    how.organs = &organs;
    memset(label, 0, sizeof label);
    assert_int_equal(peaks_find(suv, dim, &how, label), 2);
    free(v.organ);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(surroundings_count),
        cmocka_unit_test(small_lesions_keep_their_rim),
        cmocka_unit_test(touching_lesions_stay_two),
        cmocka_unit_test(lobes_join),
        cmocka_unit_test(faint_beside_hot),
        cmocka_unit_test(noise_is_no_region),
        cmocka_unit_test(two_voxel_sizes_agree),
        cmocka_unit_test(resampled_scans_agree),
        cmocka_unit_test(shoulders_are_looked_at_again),
        cmocka_unit_test(organs_are_not_joined),
    };
    return cmocka_run_group_tests_name("roi_peaks", tests, NULL, NULL);
}
