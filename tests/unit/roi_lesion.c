/* SPDX-License-Identifier: Apache-2.0 */
/* roi_lesion -- lesions of a truth mask, and what regions hold of them.   tests/unit */
#include "proto/organ.h"
#include "stages/roi/lesion.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A scan of 6 x 6 x 20 voxels of 2 x 3 x 4 mm, its body all of it; the crop's margin lies outside. */
enum { D = 6, H = 6, W = 20 };

struct scene {
    struct volume v;
    struct crop body;
    struct labels labels;
    struct regions_message out;
};

static void bar(uint8_t *mask, int z, int y, int from, int to)
{
    memset(mask + (z * H + y) * W + from, 1, (size_t)(to - from));
}

static void label_bar(uint32_t *label, int z, int y, int from, int to, uint32_t value)
{
    for (int x = from; x < to; x++)
        label[((z + 1) * (H + 2) + y + 1) * (W + 2) + x + 1] = value;
}

/* Lesions: 1 a bar of ten whose second half is one row up (they touch at an edge), 2 a bar of four, 3 one of four under it by two
 * slices, 4 one voxel in the corner. Labels: 1 holds eight of lesion 1; 2 holds lesions 2 and 3 whole; 3 is an organ's. */
static void scene_make(struct scene *s, bool with_mask)
{
    memset(s, 0, sizeof *s);
    grid_set(&s->v.grid, (const int64_t[3]){D, H, W}, (const double[3]){2, 3, 4}, (const double[3]){0, 0, 0});
    s->v.voxel = xalloc((size_t)D * H * W, sizeof *s->v.voxel);
    for (size_t i = 0; i < (size_t)D * H * W; i++)
        s->v.voxel[i] = (float)(i % W);
    s->v.mask = with_mask ? xalloc((size_t)D * H * W, 1) : NULL;
    s->v.organ = xalloc((size_t)D * H * W, 1);
    for (int a = 0; a < 3; a++)
        s->body.low[a] = -1, s->body.dim[a] = s->v.grid.dim[a] + 2;
    uint32_t *label = xalloc((size_t)(D + 2) * (H + 2) * (W + 2), sizeof *label);
    if (with_mask) {
        bar(s->v.mask, 0, 0, 0, 5), bar(s->v.mask, 0, 1, 5, 10);
        bar(s->v.mask, 2, 3, 12, 16), bar(s->v.mask, 4, 3, 12, 16);
        bar(s->v.mask, 5, 5, 19, 20);
    }
    memset(s->v.organ + (5 * H + 5) * W + 18, ORGAN_LABEL_HEART, 2);
    label_bar(label, 0, 0, 2, 5, 1), label_bar(label, 0, 1, 5, 12, 1);
    for (int z = 2; z <= 4; z++)
        label_bar(label, z, 3, 10, 18, 2);
    label_bar(label, 5, 5, 17, 20, 3);
    labels_of(&s->labels, label, s->body.dim, 3);
    free(label);
    s->out.count = 2;
    s->out.region = xalloc(2, sizeof *s->out.region);
    s->out.region[0].label = 1;
    lesions_find(&s->v, &s->body, &s->labels, (const uint32_t[]){0, 1, 2, 0}, (const uint32_t[]){0, 0, 0, 1},
                 &(const struct liver){.by = LIVER_GIVEN, .centroid = {1, 1, 1}}, &s->out);
}

static void scene_free(struct scene *s)
{
    volume_free(&s->v);
    labels_free(&s->labels);
    regions_message_free(&s->out);
}

static void lesions_are_laid_over_regions(void **state)
{
    (void)state;
    struct scene s;
    scene_make(&s, true);
    const struct lesions *l = &s.out.lesions;
    assert_true(l->known == 1 && l->count == 4);
    const struct lesion *k = l->lesion;

    assert_true(k[0].id == 1 && k[0].voxels == 10 && k[0].region == 1 && k[0].sharing == 0);
    assert_float_equal(k[0].ml, 0.24F, 1e-6F);
    assert_float_equal(k[0].suv_max, 9, 1e-12);
    assert_float_equal(k[0].suv_mean, 4.5, 1e-12);
    assert_float_equal(k[0].covered, 0.8, 1e-12);
    assert_float_equal(k[0].in_tumours, 0.8, 1e-12);
    assert_float_equal(k[0].centroid[1], 0.5, 1e-12);
    assert_float_equal(k[0].from_liver_mm[0], 3.5 * 4, 1e-9); /* left */
    assert_float_equal(k[0].from_liver_mm[1], 0.5 * 3, 1e-9); /* front */
    assert_float_equal(k[0].from_liver_mm[2], -2, 1e-9);      /* up */

    for (int i = 1; i < 3; i++) { /* in one region, of which each shares half */
        assert_true(k[i].region == 2 && k[i].covered == 1 && k[i].sharing == 1);
        assert_true(lesion_found(&k[i]) && !lesion_found_alone(&k[i]));
        assert_true(k[i].in_regions == 1 && k[i].in_tumours == 0);
    }
    assert_true(k[3].region == 0 && k[3].in_regions == 0 && k[3].in_excluded == 1 && lesion_left_out(&k[3]));
    assert_int_equal(k[3].organ, ORGAN_LABEL_HEART);
    assert_int_equal(k[0].organ, ORGAN_LABEL_NONE);

    assert_int_equal(l->part_count, 3);
    assert_true(l->part[0].lesion == 1 && l->part[0].component == 1 && l->part[0].voxels == 8);
    assert_true(l->part[2].lesion == 3 && l->part[2].component == 2 && l->part[2].voxels == 4);
    scene_free(&s);
}

static void without_truth_nothing_is_known(void **state)
{
    (void)state;
    struct scene s;
    scene_make(&s, false);
    assert_true(s.out.lesions.known == 0 && s.out.lesions.count == 0);
    scene_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lesions_are_laid_over_regions),
                                       cmocka_unit_test(without_truth_nothing_is_known)};
    return cmocka_run_group_tests_name("roi_lesion", tests, NULL, NULL);
}
