/* SPDX-License-Identifier: Apache-2.0 */
/* roi_grow -- what growing from local maxima promises, on made scenes and on noise.   tests/unit */
#include "stages/roi/component.h"
#include "stages/roi/grow.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { D = 20, H = 22, W = 40, VOXELS = D * H * W };
static const int64_t dim[3] = {D, H, W};
static float suv[VOXELS];
static uint32_t label[VOXELS];
#define AT(z, y, x) (((z)*H + (y)) * W + (x))

/* Air outside, `background` inside, with Gaussian hot spots on it. */
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

static struct growing usual(double floor_suv)
{
    return (struct growing){
        .connectivity = 26, .fraction = 0.41, .floor_suv = floor_suv, .valley = 0.6, .prominence = 0.05};
}

static int size_of(uint32_t region)
{
    int count = 0;
    for (int i = 0; i < VOXELS; i++)
        count += label[i] == region;
    return count;
}

static void test_one_spot_is_its_threshold(void **state)
{
    (void)state;
    struct growing how = usual(2);
    scene(0.5f);
    hot_spot(10, 10, 20, 9.5, 2.5);
    assert_int_equal(grow_regions(suv, dim, &how, label), 1);
    for (int i = 0; i < VOXELS; i++)
        assert_int_equal(label[i], suv[i] >= 0.41 * (double)suv[AT(10, 10, 20)]);

    how.floor_suv = 6; /* above 41 % of the peak: the floor counts */
    memset(label, 0, sizeof label);
    assert_int_equal(grow_regions(suv, dim, &how, label), 1);
    for (int i = 0; i < VOXELS; i++)
        assert_int_equal(label[i], (double)suv[i] >= 6);
}

/* A lesion of SUV 5 on the slope of a bladder of SUV 60 is a region of its own that does not run round the bladder. */
static void test_faint_beside_hot(void **state)
{
    (void)state;
    struct growing how = usual(2);
    scene(0.5f);
    hot_spot(10, 11, 13, 60, 3);
    hot_spot(10, 11, 26, 6, 1.5);
    assert_int_equal(grow_regions(suv, dim, &how, label), 2);
    uint32_t bladder = label[AT(10, 11, 13)], lesion = label[AT(10, 11, 26)];
    assert_true(bladder && lesion && bladder != lesion);
    for (int i = 0; i < VOXELS; i++)
        if (label[i] == lesion && i % W < 19)
            fail_msg("the lesion's region reaches column %d, on the bladder's slope", i % W);
    assert_int_equal(label[AT(10, 11, 6)], 0); /* the bladder's far slope is nobody's */
    assert_true((double)suv[AT(10, 11, 6)] > 0.41 * 6);
    assert_true(size_of(lesion) > 30);
}

static void test_two_peaks_of_one_organ(void **state)
{
    (void)state;
    struct growing how = usual(2);
    scene(0.5f);
    hot_spot(10, 11, 15, 8, 3);
    hot_spot(10, 11, 22, 7, 3); /* the saddle is above 41 % of 8: growing from either swallows the other */
    assert_int_equal(grow_regions(suv, dim, &how, label), 1);
    assert_int_equal(label[AT(10, 11, 15)], label[AT(10, 11, 22)]);

    scene(0.5f);
    hot_spot(10, 11, 10, 8, 2.5);
    hot_spot(10, 11, 28, 7, 2.5);
    assert_int_equal(grow_regions(suv, dim, &how, label), 2);

    /* above 41 % of the higher peak, but in a valley under 60 % of the lower: two, that touch */
    scene(0.5f);
    hot_spot(10, 11, 12, 8, 3);
    hot_spot(10, 11, 22, 7.5, 3);
    double saddle = (double)suv[AT(10, 11, 17)], higher = (double)suv[AT(10, 11, 12)],
           lower = (double)suv[AT(10, 11, 22)];
    assert_true(saddle > 0.41 * higher && saddle < 0.6 * lower);
    assert_int_equal(grow_regions(suv, dim, &how, label), 2);
    assert_true(label[AT(10, 11, 12)] != label[AT(10, 11, 22)]);
}

/* On a long slope below the hot region's threshold, a bump of 3 % is noise and one of 20 % a region. */
static void test_noise_on_a_slope(void **state)
{
    (void)state;
    static const struct {
        float bump;
        uint32_t regions;
    } cases[] = {{1.03f, 1}, {1.2f, 2}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct growing how = usual(2);
        scene(0);
        for (int z = 1; z < D - 1; z++)
            for (int y = 1; y < H - 1; y++)
                for (int x = 1; x < W - 1; x++)
                    suv[AT(z, y, x)] = x < 4 ? 60 : 20 * powf(0.98f, (float)(x - 4));
        suv[AT(10, 11, 20)] = cases[i].bump * suv[AT(10, 11, 19)];
        assert_int_equal(grow_regions(suv, dim, &how, label), cases[i].regions);
        assert_int_equal(label[AT(10, 11, 20)] != 0, cases[i].regions == 2);
    }
}

static void test_start_chooses(void **state)
{
    (void)state;
    uint8_t *start = xalloc(VOXELS, 1);
    struct growing how = usual(2);
    scene(0.5f);
    hot_spot(10, 11, 8, 8, 2);
    hot_spot(10, 11, 30, 4, 2);
    start[AT(10, 11, 8)] = 1;
    how.start = start;
    assert_int_equal(grow_regions(suv, dim, &how, label), 1);
    assert_int_equal(label[AT(10, 11, 8)], 1);
    assert_int_equal(label[AT(10, 11, 30)], 0);
    free(start);
}

/* Neighbours by corner only are one region at 26 and two at 18. */
static void test_connectivity(void **state)
{
    (void)state;
    static const struct {
        int connectivity;
        uint32_t corner, edge;
    } cases[] = {{6, 2, 2}, {18, 2, 1}, {26, 1, 1}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct growing how = {
            .connectivity = cases[i].connectivity, .fraction = 0.41, .floor_suv = 1, .valley = 0.6, .prominence = 0.05};
        scene(0);
        suv[AT(5, 5, 5)] = 3, suv[AT(6, 6, 6)] = 2;
        assert_int_equal(grow_regions(suv, dim, &how, label), cases[i].corner);
        scene(0);
        suv[AT(5, 5, 5)] = 3, suv[AT(5, 6, 6)] = 2;
        assert_int_equal(grow_regions(suv, dim, &how, label), cases[i].edge);
    }
}

/* On noise: regions are connected, respect their own threshold, hold a local maximum, and the hottest voxel's
 * lies in what joins it above its threshold. Twice the same. */
static void test_promises_on_noise(void **state)
{
    (void)state;
    uint32_t *again = xalloc(VOXELS, sizeof *again), *component = xalloc(VOXELS, sizeof *component);
    for (unsigned trial = 0; trial < 20; trial++) {
        struct growing how = usual(1.5);
        uint32_t random = trial + 1, regions;
        scene(0.2f);
        for (int k = 0; k < 12; k++)
            hot_spot(2 + (k * 5 + (int)trial) % 16, 2 + (k * 7) % 18, 2 + (k * 11 + (int)trial) % 36, 2 + k * 1.5,
                     1 + k % 3);
        for (int i = 0; i < VOXELS; i++) {
            random = random * 1664525u + 1013904223u;
            suv[i] *= 0.8f + 0.4f * (float)(random >> 8) / 16777216.0f;
        }
        regions = grow_regions(suv, dim, &how, label);
        assert_true(regions > 3);
        for (uint32_t r = 1; r <= regions; r++) {
            uint8_t mask[VOXELS];
            struct runs runs;
            float peak = 0, least = INFINITY;
            for (int i = 0; i < VOXELS; i++) {
                mask[i] = label[i] == r;
                if (mask[i]) {
                    peak = fmaxf(peak, suv[i]);
                    least = fminf(least, suv[i]);
                }
            }
            runs_of(&runs, mask, dim);
            assert_int_equal(components_label(&runs, 26, component), 1);
            runs_free(&runs);
            assert_true((double)least >= fmax(0.41 * (double)peak, 1.5));
        }
        memset(again, 0, VOXELS * sizeof *again);
        assert_int_equal(grow_regions(suv, dim, &how, again), regions);
        assert_memory_equal(again, label, sizeof label);
        /* the hottest voxel's region lies in what is joined to it above its threshold */
        int hottest = 0;
        uint8_t above[VOXELS];
        struct runs runs;
        for (int i = 1; i < VOXELS; i++)
            hottest = suv[i] > suv[hottest] ? i : hottest;
        for (int i = 0; i < VOXELS; i++)
            above[i] = (double)suv[i] >= fmax(0.41 * (double)suv[hottest], 1.5);
        runs_of(&runs, above, dim);
        components_label(&runs, 26, component);
        uint32_t its = 0;
        for (size_t i = 0; i < runs.count; i++)
            if (runs.run[i].row == hottest / W && runs.run[i].begin <= hottest % W && hottest % W < runs.run[i].end)
                its = component[i];
        for (size_t i = 0; i < runs.count; i++)
            for (int32_t x = runs.run[i].begin; x < runs.run[i].end; x++)
                if (label[runs.run[i].row * W + x] == label[hottest])
                    assert_int_equal(component[i], its);
        runs_free(&runs);
    }
    free(again);
    free(component);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_spot_is_its_threshold),
        cmocka_unit_test(test_faint_beside_hot),
        cmocka_unit_test(test_two_peaks_of_one_organ),
        cmocka_unit_test(test_noise_on_a_slope),
        cmocka_unit_test(test_start_chooses),
        cmocka_unit_test(test_connectivity),
        cmocka_unit_test(test_promises_on_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
