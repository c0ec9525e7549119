/* SPDX-License-Identifier: Apache-2.0 */
/* followup -- a known motion is found; regions are linked, merged, split, gone, new, outside; the category after PERCIST. */
#include "stages/followup/response.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- alignment ---- */

static void body_make(struct body_map *b, const struct rigid *moved, double from_z_mm)
{
    static const struct {
        double at[3], half[3], suv;
    } part[] = {{{0, 0, 0}, {140, 100, 300}, 0.8},   {{0, 0, 340}, {70, 90, 100}, 2.5},
                {{60, -20, -20}, {70, 60, 60}, 2.0}, {{-60, 0, 120}, {50, 60, 90}, -0.5},
                {{60, 0, 120}, {50, 60, 90}, -0.5},  {{-90, 40, 10}, {30, 25, 40}, 1.2}};
    const int64_t dim[3] = {100, 40, 56};
    const double spacing[3] = {8, 8, 8}, origin[3] = {220, 160, from_z_mm};
    *b = (struct body_map){0};
    grid_set(&b->grid, dim, spacing, origin);
    b->suv = xalloc(grid_voxels(&b->grid), sizeof *b->suv);
    for (int64_t z = 0, i = 0; z < dim[0]; z++)
        for (int64_t y = 0; y < dim[1]; y++)
            for (int64_t x = 0; x < dim[2]; x++, i++) {
                double at[3], home[3], suv = 0;
                grid_to_mm(&b->grid, (const double[3]){(double)z, (double)y, (double)x}, at);
                memcpy(home, at, sizeof home);
                for (int k = 0; moved && k < 3; k++) {
                    home[k] = moved->middle_mm[k];
                    for (int j = 0; j < 3; j++)
                        home[k] += moved->turn[j][k] * (at[j] - moved->middle_mm[j] - moved->shift_mm[j]);
                }
                for (size_t p = 0; p < COUNT_OF(part); p++) {
                    double d = 0;
                    for (int k = 0; k < 3; k++)
                        d += (home[k] - part[p].at[k]) * (home[k] - part[p].at[k]) / (part[p].half[k] * part[p].half[k]);
                    suv += part[p].suv / (1 + exp(8 * (sqrt(d) - 1)));
                }
                b->suv[i] = (float)fmin(fmax(suv, 0), ALIGN_SUV);
            }
}

static struct rigid motion(double shift_x, double shift_y, double shift_z, double turn_z, double turn_x)
{
    double const c = cos(turn_z), s = sin(turn_z), d = cos(turn_x), t = sin(turn_x);
    return (struct rigid){{{c, -s * d, s * t}, {s, c * d, -c * t}, {0, t, d}}, {shift_x, shift_y, shift_z}, {0, 0, 0}};
}

static void a_known_motion_is_found(void **state)
{
    (void)state;
    static const double tried[][5] = {
        {0, 0, 0, 0, 0}, {12, -9, 15, 0.04, -0.03}, {-20, 5, -180, -0.05, 0.05}, {3, 3, 160, 0.1, 0.02}};
    for (size_t i = 0; i < COUNT_OF(tried); i++) {
        struct rigid const put = motion(tried[i][0], tried[i][1], tried[i][2], tried[i][3], tried[i][4]);
        struct body_map earlier, later;
        struct alignment a;
        struct error e = {0};
        body_make(&earlier, NULL, -360);
        body_make(&later, &put, -360 + tried[i][2]); /* another bed, another origin */
        if (align_find(&earlier, &later, &a, &e) < 0)
            fail_msg("%s", e.text);
        assert_true(a.correlation > 0.99);
        static const double places[][3] = {{100, 50, 300}, {-120, -40, -250}, {0, 0, 0}};
        for (size_t p = 0; p < COUNT_OF(places); p++) {
            double want[3], got[3];
            rigid_apply(&put, places[p], want);
            rigid_apply(&a.rigid, places[p], got);
            for (int k = 0; k < 3; k++)
                if (fabs(want[k] - got[k]) > 1.0)
                    fail_msg("motion %zu: a place comes to %g, not %g mm", i, got[k], want[k]);
        }
        body_map_free(&earlier);
        body_map_free(&later);
    }
}

static void what_is_no_body_is_refused(void **state)
{
    (void)state;
    struct body_map earlier, later;
    struct alignment a;
    struct error e = {0};
    body_make(&earlier, NULL, -360);
    body_make(&later, NULL, -360);
    for (size_t i = 0; i < grid_voxels(&later.grid); i++)
        later.suv[i] = (float)(i * 2654435761U % 1000) / 500.0F;
    assert_int_equal(align_find(&earlier, &later, &a, &e), -1);
    assert_non_null(strstr(e.text, "cannot be laid on each other"));
    memset(later.suv, 0, grid_voxels(&later.grid) * sizeof *later.suv);
    assert_int_equal(align_find(&earlier, &later, &a, &e), -1);
    assert_non_null(strstr(e.text, "no body"));
    body_map_free(&earlier);
    body_map_free(&later);
}

/* ---- matching ---- */

enum { SIDE = 40, VOXELS = SIDE * SIDE * SIDE, REGIONS_MOST = 16 };
static const struct rigid still = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {0, 0, 0}, {0, 0, 0}};

/* No body maps: by regions alone. */
static const struct heat *heat_unknown(const struct rigid *motion)
{
    static struct heat h;
    struct error e = {0};
    assert_int_equal(heat_open(&h, NULL, NULL, motion, &e), 0);
    return &h;
}

static void scan_open(struct findings *f, const double origin[3])
{
    const int64_t dim[3] = {SIDE, SIDE, SIDE};
    const double spacing[3] = {4, 4, 4};
    *f = (struct findings){.threshold = 0.5, .liver_mean = 2, .liver_sd = 0.2};
    grid_set(&f->grid, dim, spacing, origin);
    f->label = xalloc(VOXELS, sizeof *f->label);
    f->finding = xalloc(REGIONS_MOST, sizeof *f->finding);
}

/* A box of voxels from (x, y, z), of peak `suv`. */
static void region_add(struct findings *f, int x, int y, int z, int wide, int high, double suv)
{
    struct finding *g = &f->finding[f->count++];
    *g = (struct finding){.number = (int32_t)f->count,
                          .tumour = true,
                          .probability = 0.9,
                          .suv_max = suv,
                          .suv_peak = suv,
                          .sul_peak = 0.8 * suv,
                          .suv_mean = suv / 2};
    for (int k = z; k < z + high; k++)
        for (int j = y; j < y + wide; j++)
            for (int i = x; i < x + wide; i++) {
                double ras[3];
                f->label[grid_at(&f->grid, k, j, i)] = (uint16_t)g->number;
                grid_to_mm(&f->grid, (const double[3]){k, j, i}, ras);
                for (int a = 0; a < 3; a++)
                    g->centroid_mm[a] += ras[a] / (double)(wide * wide * high);
                g->voxels++;
            }
    g->ml = (double)g->voxels * grid_voxel_ml(&f->grid);
    g->tlg_g = g->ml * g->suv_mean;
    f->tumours++;
    f->tmtv_ml += g->ml;
    f->tlg_g += g->tlg_g;
    format_into(g->tracking_id, sizeof g->tracking_id, "region %d", g->number);
    format_into(g->tracking_uid, sizeof g->tracking_uid, "2.25.%p%d", (void *)f, g->number);
}

static const struct lesion_pair *of(const struct matches *m, const struct findings *earlier,
                                    const struct findings *later, int a, int b)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct lesion_pair *l = &m->pair[i];
        for (size_t k = 0; k < l->earlier.count; k++)
            if (earlier->finding[l->earlier.index[k]].number == a)
                return l;
        for (size_t k = 0; k < l->later.count; k++)
            if (later->finding[l->later.index[k]].number == b)
                return l;
    }
    fail_msg("region %d or %d is in no lesion", a, b);
    return NULL;
}

static void lesions_are_told_apart(void **state)
{
    (void)state;
    struct findings earlier, later;
    struct matches m;
    struct error e = {0};
    const double origin[3] = {0, 0, 0}, lower[3] = {0, 0, -40};
    scan_open(&earlier, origin);
    scan_open(&later, lower);                      /* sees 40 mm further down, and less at the top */
    int const up = 10;                             /* voxels of the later grid below the earlier one's first slice */
    region_add(&earlier, 2, 2, 2, 4, 4, 10);       /* 1: stays */
    region_add(&later, 2, 2, 2 + up, 4, 4, 10);    /* 1 */
    region_add(&earlier, 12, 2, 2, 3, 3, 10);      /* 2: grows */
    region_add(&later, 11, 2, 2 + up, 5, 4, 10);   /* 2 */
    region_add(&earlier, 22, 2, 2, 8, 2, 10);      /* 3: splits */
    region_add(&later, 22, 2, 2 + up, 3, 2, 10);   /* 3 */
    region_add(&later, 26, 6, 2 + up, 4, 2, 10);   /* 4: the larger part */
    region_add(&earlier, 2, 20, 2, 3, 3, 10);      /* 4, 5: merge */
    region_add(&earlier, 2, 24, 2, 2, 3, 10);      /* 5 */
    region_add(&later, 2, 20, 2 + up, 6, 3, 10);   /* 5 */
    region_add(&earlier, 30, 30, 10, 3, 3, 10);    /* 6: goes */
    region_add(&later, 20, 30, 10 + up, 3, 3, 10); /* 6: comes */
    region_add(&earlier, 12, 20, 10, 2, 2, 10);    /* 7: slips by three voxels, touching no voxel of its own */
    region_add(&later, 14, 20, 10 + up, 2, 2, 10); /* 7 */
    region_add(&later, 14, 30, 1, 3, 3, 10);       /* 8: below the earlier scan */
    region_add(&earlier, 30, 12, 36, 3, 3, 10);    /* 8: above the later scan */
    assert_int_equal(matches_make(&earlier, &later, heat_unknown(&still), 0.3, &m, &e), 0);
    static const struct {
        int a, b;
        enum change change;
        size_t from, to;
        bool overlap;
    } want[] = {
        {1, 0, CHANGE_STABLE, 1, 1, true},  {2, 0, CHANGE_GROWN, 1, 1, true},    {3, 0, CHANGE_SHRUNK, 1, 2, true},
        {4, 0, CHANGE_GROWN, 2, 1, true},   {6, 0, CHANGE_GONE, 1, 0, false},    {0, 6, CHANGE_NEW, 0, 1, false},
        {7, 0, CHANGE_STABLE, 1, 1, false}, {0, 8, CHANGE_OUTSIDE, 0, 1, false}, {8, 0, CHANGE_OUTSIDE, 1, 0, false}};
    assert_int_equal(m.count, COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        const struct lesion_pair *l = of(&m, &earlier, &later, want[i].a, want[i].b);
        print_message("# %d %d %s\n", want[i].a, want[i].b, change_name[l->change]);
        assert_string_equal(change_name[l->change], change_name[want[i].change]);
        assert_int_equal(l->earlier.count, want[i].from);
        assert_int_equal(l->later.count, want[i].to);
        assert_int_equal(l->by_overlap, want[i].overlap);
    }
    const struct lesion_pair *split = of(&m, &earlier, &later, 3, 0), *merged = of(&m, &earlier, &later, 5, 0);
    assert_int_equal(later.finding[split->later.index[0]].number, 4); /* the largest goes on under the lesion's name */
    assert_string_equal(split->tracking_uid, earlier.finding[2].tracking_uid);
    assert_string_equal(merged->tracking_uid, earlier.finding[3].tracking_uid);
    assert_true(of(&m, &earlier, &later, 1, 0)->dice > 0.999);
    assert_true(fabs(of(&m, &earlier, &later, 7, 0)->moved_mm - 8) < 1e-6);
    matches_free(&m);
    findings_free(&earlier);
    findings_free(&later);
}

/* A body map of the scan: 1 everywhere, and in each region (its box, two voxels a cell) the SUV given. */
static void body_of(const struct findings *f, const double *suv, struct body_map *b)
{
    const int64_t dim[3] = {SIDE, SIDE, SIDE};
    const double spacing[3] = {4, 4, 4};
    *b = (struct body_map){.suv = xalloc(VOXELS, sizeof *b->suv)};
    grid_set(&b->grid, dim, spacing, (const double[3]){0, 0, 0});
    for (size_t i = 0; i < VOXELS; i++)
        b->suv[i] = f->label[i] ? (float)suv[f->label[i] - 1] : 1;
}

/* What overlaps is not one lesion where it was not hot; what does not is no other where it was as hot. */
static void heat_tells_them_apart(void **state)
{
    (void)state;
    struct findings earlier, later;
    struct matches m;
    struct error e = {0};
    struct body_map before, now;
    struct heat heat;
    const double origin[3] = {0, 0, 0};
    scan_open(&earlier, origin);
    scan_open(&later, origin);
    region_add(&earlier, 2, 2, 2, 14, 14, 3);  /* 1: large and faint, and stays */
    region_add(&later, 2, 2, 2, 14, 11, 3);    /* 1: its lower part */
    region_add(&later, 4, 4, 14, 2, 2, 9);     /* 2: hot, where the upper part was: new */
    region_add(&later, 11, 11, 14, 2, 2, 3);   /* 3: as faint as before: split off */
    region_add(&earlier, 20, 2, 2, 5, 4, 9);   /* 2: a lesion */
    region_add(&later, 20, 2, 2, 4, 4, 9);     /* 4: is smaller */
    region_add(&later, 24, 2, 2, 3, 4, 20);    /* 5: another in its margin, not an eighth of it: new */
    region_add(&earlier, 22, 22, 2, 2, 2, 9);  /* 3: hot, and then within a large faint one: gone */
    region_add(&later, 20, 20, 2, 9, 9, 3);    /* 6: that one: new */
    region_add(&earlier, 4, 22, 20, 3, 2, 9);  /* 4: a lesion that was cut in two */
    region_add(&later, 4, 22, 20, 3, 2, 9);    /* 7 */
    region_add(&earlier, 4, 22, 22, 2, 2, 9);  /* 5: the other half, of which nothing is left but the uptake */
    region_add(&earlier, 32, 32, 30, 2, 2, 5); /* 6: the later scan is as hot, and has no region there */
    assert_int_equal(matches_make(&earlier, &later, heat_unknown(&still), 0.3, &m, &e), 0);
    assert_int_equal(of(&m, &earlier, &later, 0, 2)->change,
                     CHANGE_STABLE); /* by overlap alone they are parts of others */
    assert_int_equal(of(&m, &earlier, &later, 0, 5)->change, of(&m, &earlier, &later, 0, 4)->change);
    assert_int_equal(of(&m, &earlier, &later, 6, 0)->change, CHANGE_GONE);
    matches_free(&m);
    body_of(&earlier, (const double[]){3, 6, 6, 6, 6, 5}, &before);
    body_of(&later, (const double[]){3, 6, 3, 6, 12, 2, 6}, &now);
    for (int z = 20; z < 26; z++)
        for (int y = 22; y < 25; y++)
            for (int x = 4; x < 7; x++)
                before.suv[grid_at(&before.grid, z, y, x)] = now.suv[grid_at(&now.grid, z, y, x)] = 6;
    for (int z = 29; z < 33; z++)
        for (int y = 31; y < 35; y++)
            for (int x = 31; x < 35; x++)
                before.suv[grid_at(&before.grid, z, y, x)] = now.suv[grid_at(&now.grid, z, y, x)] = 5;
    assert_int_equal(heat_open(&heat, &before, &now, &still, &e), 0);
    assert_int_equal(matches_make(&earlier, &later, &heat, 0.3, &m, &e), 0);
    static const struct {
        int a, b;
        enum change change;
        size_t from, to;
    } want[] = {{1, 0, CHANGE_STABLE, 1, 2}, {0, 2, CHANGE_NEW, 0, 1},    {2, 0, CHANGE_SHRUNK, 1, 1},
                {0, 5, CHANGE_NEW, 0, 1},    {3, 0, CHANGE_GONE, 1, 0},   {0, 6, CHANGE_NEW, 0, 1},
                {4, 0, CHANGE_SHRUNK, 2, 1}, {0, 7, CHANGE_SHRUNK, 2, 1}, {6, 0, CHANGE_UNFOUND, 1, 0}};
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        const struct lesion_pair *l = of(&m, &earlier, &later, want[i].a, want[i].b);
        print_message("# %d %d %s, %zu and %zu\n", want[i].a, want[i].b, change_name[l->change], l->earlier.count,
                      l->later.count);
        assert_string_equal(change_name[l->change], change_name[want[i].change]);
        assert_int_equal(l->earlier.count, want[i].from);
        assert_int_equal(l->later.count, want[i].to);
    }
    matches_free(&m);
    body_map_free(&now);
    body_map_free(&before);
    findings_free(&earlier);
    findings_free(&later);
}

/* The same regions, the later ones moved by a motion, are one and the same by it. */
static void after_a_motion(void **state)
{
    (void)state;
    struct findings earlier, later;
    struct matches m;
    struct error e = {0};
    const double origin[3] = {0, 0, 0}, moved[3] = {32, -12, 20};
    struct rigid const put = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {32, -12, 20}, {5, 5, 5}};
    scan_open(&earlier, origin);
    scan_open(&later, moved);
    for (int i = 0; i < 5; i++) {
        region_add(&earlier, 4 + 6 * i, 30 - 5 * i, 3 + 7 * i, 3, 3, 10);
        region_add(&later, 4 + 6 * i, 30 - 5 * i, 3 + 7 * i, 3, 3, 10);
    }
    assert_int_equal(matches_make(&earlier, &later, heat_unknown(&put), 0.3, &m, &e), 0);
    assert_int_equal(m.count, 5);
    for (size_t i = 0; i < m.count; i++) {
        assert_int_equal(m.pair[i].change, CHANGE_STABLE);
        assert_true(m.pair[i].dice > 0.999 && m.pair[i].moved_mm < 1e-6);
    }
    matches_free(&m);
    findings_free(&earlier);
    findings_free(&later);
}

/* ---- the category ---- */

static void category_is(double before, double now, double wide_now, bool another, const char *category, const char *says)
{
    struct findings earlier, later;
    struct matches m;
    struct response r;
    struct error e = {0};
    const double origin[3] = {0, 0, 0};
    scan_open(&earlier, origin);
    scan_open(&later, origin);
    if (before > 0)
        region_add(&earlier, 5, 5, 5, 5, 5, before);
    if (now > 0)
        region_add(&later, 5, 5, 5, (int)wide_now, (int)wide_now, now);
    if (another)
        region_add(&later, 25, 25, 25, 3, 3, 3);
    assert_int_equal(matches_make(&earlier, &later, heat_unknown(&still), 0.3, &m, &e), 0);
    response_judge(&earlier, &later, &m, &r);
    print_message("# %g to %g: %s, %s\n", before, now, r.category, r.why);
    assert_string_equal(r.category, category);
    assert_non_null(strstr(r.why, says));
    matches_free(&m);
    findings_free(&earlier);
    findings_free(&later);
}

static void categories(void **state)
{
    (void)state;
    /* SULpeak is 0.8 of SUVpeak here; the liver is 2 with 0.2: measurable from 3.4 on */
    category_is(10, 6, 5, false, "PMR", "SULpeak went from 8.00 to 4.80 (-40 %)");
    category_is(10, 8, 5, false, "SMD", "-20 %");
    category_is(10, 14, 5, false, "PMD", "+40 %");
    category_is(10, 10, 7, false, "PMD", "total lesion glycolysis");
    category_is(10, 4, 5, true, "PMD", "1 new lesion");
    category_is(10, 0, 0, false, "CMR", "any more");
    category_is(3, 1, 5, false, "", "too faint");
    category_is(0, 0, 0, false, "", "nothing to follow");
    category_is(0, 5, 5, false, "PMD", "new ones");
    category_is(3.5, 2.55, 5, false, "SMD", "-27 %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_motion_is_found), cmocka_unit_test(what_is_no_body_is_refused),
        cmocka_unit_test(lesions_are_told_apart),  cmocka_unit_test(heat_tells_them_apart),
        cmocka_unit_test(after_a_motion),          cmocka_unit_test(categories)};
    return cmocka_run_group_tests_name("followup", tests, NULL, NULL);
}
