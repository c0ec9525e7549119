/* SPDX-License-Identifier: Apache-2.0 */
/* roi_real -- the regions of a real scan, as it is and resampled: the sarcoma, the liver, the organs that are left out.   tests/unit */
#include "proto/organ.h"
#include "stages/roi/regions.h"
#include "tests/unit/real_scans.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Voxels of spacing_mm, or NULL: the scan's own. */
static struct regions_message regions_in(const double *spacing_mm, struct regions_summary *s)
{
    struct volume_message v = sarcoma("GTV_Mass");
    struct regions_message m;
    struct recipe r;
    struct error e = {0};
    recipe_defaults(&r);
    if ((spacing_mm && volume_resample(&v.volume, spacing_mm, &e) < 0) ||
        regions_find(&v.volume, &r, NULL, &m, s, &e) < 0)
        fail_msg("%s", e.text);
    volume_message_free(&v);
    return m;
}

/* The tumours' region of most ml, and how many of 3 ml and more there are. */
static const struct region *mass_of(const struct regions_message *m, int *count)
{
    const struct region *mass = NULL;
    *count = 0;
    for (size_t i = 0; i < m->count; i++)
        if (m->region[i].label == 1) {
            *count += m->region[i].ml >= 3;
            mass = !mass || m->region[i].ml > mass->ml ? &m->region[i] : mass;
        }
    return mass;
}

static double apart_mm(const struct region *a, const struct region *b)
{
    double mm2 = 0;
    for (int i = 0; i < 3; i++)
        mm2 += pow(a->centroid_mm[i] - b->centroid_mm[i], 2);
    return sqrt(mm2);
}

/* The sarcoma is one region; liver and kidneys are apart, and the kidneys left out. */
static void check_scan(const struct regions_message *m, const struct regions_summary *s)
{
    int masses;
    const struct region *mass = mass_of(m, &masses);
    assert_int_equal(masses, 1);
    assert_true(mass->ml > 200 && mass->ml < 400);
    assert_int_equal(s->excluded_tumours, 0);
    assert_true(s->excluded[ORGAN_LABEL_KIDNEYS] >= 4 && s->excluded[ORGAN_LABEL_BLADDER] >= 1 &&
                s->excluded[ORGAN_LABEL_BRAIN] >= 1 && s->excluded[ORGAN_LABEL_HEART] == 1);
    const struct region *liver = &m->region[0];
    for (size_t i = 0; i < m->count; i++)
        liver = m->region[i].ml > liver->ml ? &m->region[i] : liver;
    assert_true(liver->ml > 1000 && liver->suv_max < 4.5); /* 5.8 with the upper right kidney */
    double right_ml = 0, left_ml = 0;
    for (size_t i = 0; i < m->excluded_count; i++)
        if (m->excluded[i].organ == ORGAN_LABEL_KIDNEYS)
            *(m->excluded[i].centroid_mm[0] > -20 ? &right_ml : &left_ml) += m->excluded[i].ml;
    assert_true(right_ml > 35 && right_ml < 150 && left_ml > 20 && left_ml < 150);
}

static void as_it_is(void **state)
{
    (void)state;
    struct regions_summary s;
    struct regions_message m = regions_in(NULL, &s);
    check_scan(&m, &s);
    regions_message_free(&m);
}

/* Linear interpolation takes height from small peaks, so some of these are lost; what is large stays. */
static void resampled(void **state)
{
    (void)state;
    struct regions_summary s, coarse_s;
    struct regions_message m = regions_in(NULL, &s), coarse = regions_in((const double[]){4, 4, 4}, &coarse_s);
    int masses;
    double most = 0, found = 0;
    const struct region *a = mass_of(&m, &masses), *b = mass_of(&coarse, &masses);
    assert_int_equal(masses, 1);
    assert_true(apart_mm(a, b) < 8 && b->ml > 0.7 * a->ml && b->ml < 1.4 * a->ml);
    for (size_t i = 0; i < m.count; i++) {
        const struct region *own = &m.region[i];
        bool again = false;
        if (own->suv_max < 4 || own->ml < 3)
            continue;
        for (size_t k = 0; k < coarse.count && !again; k++)
            again = apart_mm(own, &coarse.region[k]) < 8 && coarse.region[k].ml > 0.5 * own->ml &&
                    coarse.region[k].ml < 2 * own->ml;
        most++, found += again;
    }
    printf("%g of %g regions of 3 ml and more, SUVmax 4 and more, are found again at 4 mm\n", found, most);
    assert_true(found >= 0.5 * most);
    regions_message_free(&m);
    regions_message_free(&coarse);
}

int main(void)
{
    const char *dir = getenv("PETREL_DATA");
    if (!dir || !*dir) {
        puts("skipped: no real scans, PETREL_DATA is not set");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_it_is), cmocka_unit_test(resampled)};
    return cmocka_run_group_tests_name("roi_real", tests, NULL, NULL);
}
