/* SPDX-License-Identifier: Apache-2.0 */
/* roi_organ -- the liver found, and organs' regions told from others, on a made body; by an organ map; by a place given.   tests/unit */
#include "common/rng.h"
#include "proto/organ.h"
#include "stages/roi/liver.h"
#include "stages/roi/organ.h"
#include "stages/roi/regions.h"
#include "stages/roi/smooth.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* 6 mm voxels, 1020 mm tall; places in mm from the liver's middle: left, front, up. */
enum { D = 170, H = 60, W = 90 };
#define MM       6.0
#define LIVER_Z  75
#define LIVER_Y  28
#define MIDDLE_X 44.5

struct organ {
    int label;
    double left, front, up, radius_left, radius_front, radius_up, suv;
};
static const struct organ organs[] = {
    {ORGAN_LABEL_LUNGS, -10, 0, 120, 55, 65, 75, 0.4}, {ORGAN_LABEL_LUNGS, 145, 0, 120, 55, 65, 75, 0.4},
    {ORGAN_LABEL_LIVER, 0, 0, 0, 75, 65, 65, 2.2},     {ORGAN_LABEL_SPLEEN, 160, -48, 10, 30, 30, 45, 1.9},
    {ORGAN_LABEL_BRAIN, 67, 20, 420, 60, 65, 60, 8},   {ORGAN_LABEL_BLADDER, 67, -20, -299, 40, 35, 30, 40},
    {ORGAN_LABEL_KIDNEYS, 1, -45, -95, 25, 25, 30, 6}, {ORGAN_LABEL_KIDNEYS, 140, -45, -75, 25, 25, 40, 7},
    {ORGAN_LABEL_HEART, 95, 35, 85, 35, 35, 35, 6},    {ORGAN_LABEL_NONE, 40, -70, 250, 12, 12, 12, 9}, /* lesions */
    {ORGAN_LABEL_NONE, 150, 40, -220, 14, 14, 14, 12}, {ORGAN_LABEL_NONE, 20, 20, -180, 14, 14, 14, 7},
};
enum { LESIONS = 3, KIDNEY_AND_OTHER_ORGANS = 5 };

/* mirrored: the heart on the right, and everything else with it. airless: no lungs. */
static struct volume make_body(bool with_map, bool mirrored, bool airless)
{
    struct volume v = {0};
    grid_set(&v.grid, (int64_t[]){D, H, W}, (double[]){MM, MM, MM}, (double[]){267, 180, -450});
    v.voxel = xalloc(grid_voxels(&v.grid), sizeof *v.voxel);
    v.mask = xalloc(grid_voxels(&v.grid), 1);
    v.organ = with_map ? xalloc(grid_voxels(&v.grid), 1) : NULL;
    uint32_t random = 3;
    for (int64_t z = 0; z < D; z++)
        for (int64_t y = 0; y < H; y++)
            for (int64_t x = 0; x < W; x++) {
                size_t at = grid_at(&v.grid, z, y, mirrored ? W - 1 - x : x);
                double up = (double)(z - LIVER_Z) * MM, front = (LIVER_Y - (double)y) * MM,
                       left = ((double)x - MIDDLE_X) * MM + 67;
                double wide = up > 330 ? 90 : up > 290 ? 60 : 190, deep = up > 290 ? 100 : 120;
                double suv = pow((left - 67) / wide, 2) + pow((front + 10) / deep, 2) <= 1 ? 0.7 : 0.02;
                for (size_t i = 0; i < COUNT_OF(organs); i++) {
                    const struct organ *o = &organs[i];
                    if (pow((left - o->left) / o->radius_left, 2) + pow((front - o->front) / o->radius_front, 2) +
                                pow((up - o->up) / o->radius_up, 2) >
                            1 ||
                        (airless && o->label == ORGAN_LABEL_LUNGS))
                        continue;
                    suv = o->suv;
                    v.mask[at] = o->label == ORGAN_LABEL_NONE;
                    if (with_map)
                        v.organ[at] = (uint8_t)o->label;
                }
                random = random * 1664525u + 1013904223u;
                v.voxel[at] = (float)(suv * (0.9 + 0.2 * (random >> 8) / 16777216.0));
            }
    return v;
}

static struct liver look(const struct volume *v)
{
    struct crop body;
    struct error e = {0};
    struct liver l;
    assert_int_equal(body_crop(v, 0.1, 0.02, &body, &e), 0);
    liver_find(v, &body, 30, &l);
    crop_free(&body);
    return l;
}

static void check_liver(const struct volume *v, enum liver_by by)
{
    struct liver l = look(v);
    assert_int_equal(l.by, by);
    assert_true(fabs(l.middle - MIDDLE_X) < 3);
    double x = l.place[2] - MIDDLE_X + 67 / MM, y = l.place[1] - LIVER_Y, z = l.place[0] - LIVER_Z;
    assert_true(sqrt(pow(x * MM / 75, 2) + pow(y * MM / 65, 2) + pow(z * MM / 65, 2)) <
                0.85);                                                    /* 15 mm below its rim and more */
    assert_true(x <= 2);                                                  /* the right part */
    assert_true(fabs(l.mean - 2.2) < 0.05 && l.sd > 0.08 && l.sd < 0.16); /* of a noise of 0.127 */
}

static void test_liver(void **state)
{
    (void)state;
    struct volume v = make_body(false, false, false);
    check_liver(&v, LIVER_BY_RULE);
    volume_free(&v);
    v = make_body(true, false, false);
    check_liver(&v, LIVER_BY_MAP);
    volume_free(&v);
    v = make_body(false, true, false); /* on the left nothing is taken for a liver */
    assert_int_equal(look(&v).by, LIVER_UNKNOWN);
    volume_free(&v);
    v = make_body(false, false, true); /* nor without lungs above */
    assert_int_equal(look(&v).by, LIVER_UNKNOWN);
    volume_free(&v);
}

static struct regions_message find(const struct volume *v, const struct recipe *r, struct regions_summary *s)
{
    struct regions_message m;
    struct error e = {0};
    if (regions_find(v, r, NULL, &m, s, &e) < 0)
        fail_msg("%s", e.text);
    return m;
}

static void test_excluded(void **state)
{
    (void)state;
    for (int with_map = 0; with_map < 2; with_map++) {
        struct volume v = make_body(with_map, false, false);
        struct recipe r;
        struct regions_summary s;
        recipe_defaults(&r);
        struct regions_message m = find(&v, &r, &s);
        assert_int_equal(m.excluded_count, KIDNEY_AND_OTHER_ORGANS);
        assert_int_equal(s.excluded[ORGAN_LABEL_KIDNEYS], 2);
        assert_true(s.excluded[ORGAN_LABEL_BRAIN] == 1 && s.excluded[ORGAN_LABEL_HEART] == 1 &&
                    s.excluded[ORGAN_LABEL_BLADDER] == 1);
        assert_int_equal(s.tumours, LESIONS);
        assert_int_equal(s.excluded_tumours, 0);
        for (size_t i = 0; i < m.excluded_count; i++) {
            assert_int_equal(m.excluded[i].organ_by, with_map ? ORGAN_BY_MAP : ORGAN_BY_RULE);
            assert_int_equal(m.excluded[i].component, 0);
            assert_int_equal(m.excluded[i].label, 0);
        }
        assert_string_equal(s.left_out, with_map ? "kidneys 2, bladder 1, brain 1, heart 1; by organ map"
                                                 : "kidneys 2, bladder 1, brain 1, heart 1; by rule");
        size_t kept = m.count;
        regions_message_free(&m);

        r.exclude = "bladder"; /* and no other */
        m = find(&v, &r, &s);
        assert_int_equal(m.excluded_count, 1);
        assert_int_equal(m.count, kept + KIDNEY_AND_OTHER_ORGANS - 1);
        regions_message_free(&m);

        r.exclude = "spleen";
        r.roi_method = "fixed";
        r.fixed_suv = 1.5;
        m = find(&v, &r, &s);
        assert_string_equal(s.left_out, with_map ? "spleen 1; by organ map"
                                                 : "spleen not looked for; no liver was found to look from");
        regions_message_free(&m);

        r.exclude = "none";
        m = find(&v, &r, &s);
        assert_int_equal(m.excluded_count, 0);
        assert_string_equal(s.left_out, "");
        regions_message_free(&m);
        volume_free(&v);
    }
}

static void test_percist(void **state)
{
    (void)state;
    struct volume v = make_body(false, false, false);
    struct recipe r;
    struct regions_summary s;
    struct regions_message m, given;
    struct error e = {0};
    double threshold, mean, sd;
    recipe_defaults(&r);
    r.roi_method = "percist";
    r.exclude = "none";
    m = find(&v, &r, &s);
    assert_int_equal(sscanf(s.liver, "mean %lf sd %lf SUV at", &mean, &sd), 2);
    assert_int_equal(sscanf(s.how, "floor_suv=%lf", &threshold), 1);
    assert_true(fabs(threshold - (1.5 * mean + 2 * sd)) < 5e-3 && threshold > 3.4 && threshold < 3.7);
    size_t hot = 0;
    int64_t voxels = 0;
    for (size_t i = 0; i < grid_voxels(&v.grid); i++)
        hot += (double)v.voxel[i] >= threshold;
    for (size_t i = 0; i < m.count; i++)
        voxels += m.region[i].voxels;
    assert_int_equal(voxels, hot);
    assert_int_equal(m.count, LESIONS + KIDNEY_AND_OTHER_ORGANS);
    regions_message_free(&m);

    /* the place given: the liver's middle in mm RAS; and one in the air */
    double middle[3];
    grid_to_mm(&v.grid, (double[]){LIVER_Z, LIVER_Y, MIDDLE_X - 67 / MM}, middle);
    assert_int_equal(regions_find(&v, &r, middle, &given, &s, &e), 0);
    assert_non_null(strstr(s.liver, "as given"));
    regions_message_free(&given);
    assert_int_equal(regions_find(&v, &r, (double[]){260, 170, 0}, &given, &s, &e), -1);
    assert_non_null(strstr(e.text, "is not wholly in the body"));
    volume_free(&v);

    v = make_body(false, false, true);
    assert_int_equal(regions_find(&v, &r, NULL, &given, &s, &e), -1);
    assert_int_equal(e.code, EX_DATAERR);
    assert_non_null(strstr(e.text, "no liver was found"));
    assert_non_null(strstr(e.text, "--liver X,Y,Z (mm), or an organ map (--organs)"));
    volume_free(&v);
}

static void test_organ_lists(void **state)
{
    (void)state;
    unsigned set;
    struct error e = {0};
    assert_int_equal(organ_list_read("exclude", "brain,heart", &set, &e), 0);
    assert_int_equal(set, 1 << ORGAN_LABEL_BRAIN | 1 << ORGAN_LABEL_HEART);
    assert_int_equal(organ_list_read("exclude", "none", &set, &e), 0);
    assert_int_equal(set, 0);
    static const char *const bad[] = {"", "brain,", "toe", "brain,brain", "none,brain"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(organ_list_read("exclude", bad[i], &set, &e), -1);
        assert_int_equal(e.code, EX_CONFIG);
    }
}

/* One more ellipsoid in a made body. mask: it is a lesion. */
static void paint(struct volume *v, const struct organ *o, bool mask)
{
    for (int64_t z = 0; z < D; z++)
        for (int64_t y = 0; y < H; y++)
            for (int64_t x = 0; x < W; x++) {
                double up = (double)(z - LIVER_Z) * MM, front = (LIVER_Y - (double)y) * MM,
                       left = ((double)x - MIDDLE_X) * MM + 67;
                if (pow((left - o->left) / o->radius_left, 2) + pow((front - o->front) / o->radius_front, 2) +
                        pow((up - o->up) / o->radius_up, 2) >
                    1)
                    continue;
                size_t at = grid_at(&v->grid, z, y, x);
                v->voxel[at] = (float)o->suv;
                v->mask[at] = mask;
                if (v->organ)
                    v->organ[at] = (uint8_t)o->label;
            }
}

/* A scanner's point spread, and its noise: sd as a share. */
static void scan_blur(struct volume *v, double noise)
{
    float *sharp = xalloc(grid_voxels(&v->grid), sizeof *sharp);
    for (size_t i = 0; i < grid_voxels(&v->grid); i++) {
        struct rng r = rng_make(8, RNG_TEST, i);
        sharp[i] = v->voxel[i] * (1 + (float)noise * rng_normal(&r));
    }
    gaussian_smooth(sharp, v->voxel, v->grid.dim, H * W, W, (const double[]){0.5, 0.5, 0.5});
    free(sharp);
}

static const struct region *region_at(const struct region *r, size_t count, double left, double front, double up)
{
    const double at[3] = {LIVER_Z + up / MM, LIVER_Y - front / MM, MIDDLE_X + (left - 67) / MM};
    for (size_t i = 0; i < count; i++) {
        bool inside = true;
        for (int a = 0; a < 3; a++)
            inside &= fabs(r[i].centroid[a] - at[a]) * MM < 15;
        if (inside)
            return &r[i];
    }
    return NULL;
}

/* Of a mottled liver, parts are hot enough to be lobes of the kidney that lies against it, by their peaks alone. */
static void test_kidney_against_liver(void **state)
{
    (void)state;
    static const struct organ elsewhere = {ORGAN_LABEL_NONE, 1, -45, -95, 26, 26, 31, 0.7},
                              kidney = {ORGAN_LABEL_KIDNEYS, 1, -60, -52, 28, 20, 36, 3.8};
    struct volume v = make_body(false, false, false);
    struct recipe r;
    struct regions_summary s;
    recipe_defaults(&r);
    paint(&v, &elsewhere, false);
    paint(&v, &kidney, false);
    scan_blur(&v, 0.35);
    struct regions_message m = find(&v, &r, &s);
    double largest = 0;
    for (size_t i = 0; i < m.count; i++)
        if (m.region[i].ml > largest) {
            largest = m.region[i].ml;
            assert_true(largest < 500 || m.region[i].suv_max < 4.2); /* the kidney's is 5.4 */
        }
    assert_true(largest > 900); /* the liver, of 1,300 ml with its rim */
    assert_int_equal(s.excluded[ORGAN_LABEL_KIDNEYS], 2);
    for (size_t i = 0; i < m.excluded_count; i++)
        assert_true(m.excluded[i].organ != ORGAN_LABEL_KIDNEYS || m.excluded[i].ml < 300);
    regions_message_free(&m);
    volume_free(&v);
}

/* A lesion that no valley parts from the kidney: the organ map alone does. */
static void test_lesion_against_kidney(void **state)
{
    (void)state;
    static const struct organ kidney = {ORGAN_LABEL_KIDNEYS, 140, -45, -75, 25, 25, 40, 7},
                              lesion = {ORGAN_LABEL_NONE, 140, -10, -75, 18, 18, 18, 7};
    for (int apart = 0; apart < 2; apart++) {
        struct volume v = make_body(true, false, false);
        struct recipe r;
        struct regions_summary s;
        recipe_defaults(&r);
        paint(&v, &lesion, true);
        paint(&v, &kidney, false);
        scan_blur(&v, 0.01);
        r.grow_cut_ml = apart ? r.grow_cut_ml : 1e6;
        struct regions_message m = find(&v, &r, &s);
        const struct region *own = region_at(m.region, m.count, lesion.left, lesion.front, lesion.up);
        assert_int_equal(own != NULL, apart);
        assert_true(!own || (own->label == 1 && own->organ == ORGAN_LABEL_NONE && own->ml > 8)); /* of 24 */
        assert_int_equal(s.excluded[ORGAN_LABEL_KIDNEYS], 2);
        regions_message_free(&m);
        volume_free(&v);
    }
}

/* A map of 1,000 voxels of one organ, and what was found there. */
static void check_foci(int organ, struct region *r, size_t count, const bool *expected)
{
    struct volume v = {0};
    bool focus[4] = {false};
    grid_set(&v.grid, (int64_t[]){12, 12, 12}, (double[]){4, 4, 4}, (double[]){0, 0, 0});
    v.organ = xalloc(grid_voxels(&v.grid), 1);
    for (int64_t i = 0; i < 1000; i++)
        v.organ[grid_at(&v.grid, 1 + i / 100, 1 + i / 10 % 10, 1 + i % 10)] = (uint8_t)organ;
    organ_foci(&v, r, count, focus);
    for (size_t i = 0; i < count; i++)
        if (focus[i] != expected[i])
            fail_msg("%s: region %zu is %s focus", organ_label_name(organ), i, focus[i] ? "a" : "no");
    free(v.organ);
}

static void test_foci(void **state)
{
    (void)state;
    static const int organs_with_foci[] = {ORGAN_LABEL_HEART, ORGAN_LABEL_BRAIN};
    for (size_t i = 0; i < COUNT_OF(organs_with_foci); i++) {
        int organ = organs_with_foci[i];
        /* the organ's own uptake; twice as hot, and not quite; what is no organ's */
        struct region r[] = {{.organ = organ, .voxels = 600, .suv_max = 8},
                             {.organ = organ, .voxels = 20, .suv_max = 16},
                             {.organ = organ, .voxels = 20, .suv_max = 15.9},
                             {.organ = ORGAN_LABEL_NONE, .voxels = 20, .suv_max = 50}};
        check_foci(organ, r, 4, (bool[]){false, true, false, false});
        /* an organ that does not take up: what lies in it is no part of it, up to a twentieth of it all together */
        r[0].voxels = 29, r[1].voxels = 20, r[1].suv_max = 8, r[2].organ = ORGAN_LABEL_NONE;
        check_foci(organ, r, 4, (bool[]){true, true, false, false});
        r[0].voxels = 30;
        check_foci(organ, r, 4, (bool[]){false, false, false, false});
    }
    /* urine may be anywhere in these */
    struct region urine[] = {{.organ = ORGAN_LABEL_KIDNEYS, .voxels = 20, .suv_max = 8},
                             {.organ = ORGAN_LABEL_KIDNEYS, .voxels = 10, .suv_max = 40}};
    check_foci(ORGAN_LABEL_KIDNEYS, urine, 2, (bool[]){false, false});
    urine[0].organ = urine[1].organ = ORGAN_LABEL_BLADDER;
    check_foci(ORGAN_LABEL_BLADDER, urine, 2, (bool[]){false, false});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_liver),
        cmocka_unit_test(test_excluded),
        cmocka_unit_test(test_percist),
        cmocka_unit_test(test_organ_lists),
        cmocka_unit_test(test_foci),
        cmocka_unit_test(test_kidney_against_liver),
        cmocka_unit_test(test_lesion_against_kidney),
    };
    return cmocka_run_group_tests_name("roi_organ", tests, NULL, NULL);
}
