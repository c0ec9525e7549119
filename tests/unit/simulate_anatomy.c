/* SPDX-License-Identifier: Apache-2.0 */
/* simulate_anatomy -- simulated patients on organ maps: who gets whose anatomy, and is it still theirs in the end? */
#include "common/file.h"
#include "common/nifti.h"
#include "datasets/simulate/lesion.h"
#include "datasets/simulate/mimic.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/petrel-anatomy.XXXXXX";
static const char header[] = "study\tpatient\tdiagnosis\tsex\tage_y\tvoxel_clicks_tumour\tvoxel_clicks_background\n";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}
static int teardown(void **state)
{
    (void)state;
    dir_remove(dir);
    return 0;
}

static int open_table(struct anatomy *a, const char *rows, struct error *e)
{
    char *path = path_join(dir, "studies.tsv"), *text = xprintf("%s%s", header, rows);
    assert_int_equal(publish_bytes(path, text, strlen(text), e), 0);
    free(text);
    free(path);
    return anatomy_open(a, dir, e);
}

static void test_table(void **state)
{
    (void)state;
    struct anatomy a;
    struct error e = {0};
    assert_int_equal(open_table(&a,
                                "s1\tp1\tMELANOMA\tF\t57\t1,2,3;4,5,6\t7,8,"
                                "9\ns3\tp2\tNEGATIVE\tM\t60\t\t\ns2\tp1\tMELANOMA\tF\t58\t1,2,3\t\n",
                                &e),
                     0);
    assert_int_equal(a.count, 3);
    assert_int_equal(a.patients, 2);
    assert_string_equal(a.study[1].name, "s2"); /* studies of one patient stand together */
    assert_int_equal(a.study[0].tumour.count, 2);
    assert_int_equal(a.study[0].tumour.xyz[1][2], 6);

    /* the first two patients differ; the third is one of them again, in another study */
    char id[3][32], study[3][64];
    for (int i = 0; i < 3; i++) {
        struct patient p = patient_draw(9, i + 1);
        const struct study *s = anatomy_assign(&a, &p);
        format_into(id[i], sizeof id[i], "%s", p.id);
        format_into(study[i], sizeof study[i], "%s", s->name);
        assert_int_equal(p.diseased, s->tumour.count > 0);
        assert_int_equal(p.male, s->sex[0] == 'M');
        assert_string_equal(p.study, i < 2 ? "SIMULATED_PETCT" : "SIMULATED_PETCT_2");
    }
    assert_string_not_equal(study[0], study[1]);
    assert_string_not_equal(id[0], id[1]);
    assert_string_equal(id[2], id[0]);
    if (strcmp(study[0], "s3") != 0)
        assert_string_not_equal(study[2], study[0]);
    anatomy_close(&a);
}

static void test_bad_tables(void **state)
{
    (void)state;
    static const struct {
        const char *rows, *says;
    } bad[] = {
        {"", "names no study"},
        {"s1\tp1\tMELANOMA\n", "line 2 has 3 columns: 'sex' is missing"},
        {"s1\tp1\tMELANOMA\tF\t57\t1,2\t\n", "line 2: clicks '1,2' are no x,y,z voxels"},
        {"../../etc\tp1\tMELANOMA\tF\t57\t\t\n", "holds a '/'"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct anatomy a;
        struct error e = {0};
        assert_int_equal(open_table(&a, bad[i].rows, &e), -1);
        if (!strstr(e.text, bad[i].says))
            fail_msg("'%s' does not say '%s'", e.text, bad[i].says);
    }
}

/* Worst Dice of the organs of a map and of a phantom painted on it; in world coordinates, at the map's voxels in the phantom. */
static double worst_dice(const struct grid *from, const uint8_t *label, const struct phantom *ph)
{
    size_t both[ANATOMY_LABELS] = {0}, either[ANATOMY_LABELS] = {0};
    const struct grid *to = &ph->grid;
    for (int64_t z = 0; z < from->dim[0]; z++)
        for (int64_t y = 0; y < from->dim[1]; y++)
            for (int64_t x = 0; x < from->dim[2]; x++) {
                double mm[3];
                int64_t at[3];
                grid_to_mm(from, (const double[3]){(double)z, (double)y, (double)x}, mm);
                bool inside = true;
                for (int a = 0; a < 3; a++) { /* both grids run along the axes */
                    at[a] = llround((mm[2 - a] - to->affine[2 - a][3]) / to->affine[2 - a][2 - a]);
                    inside = inside && at[a] >= 0 && at[a] < to->dim[a];
                }
                uint8_t is = inside ? anatomy_label(ph->organ[grid_at(to, at[0], at[1], at[2])]) : 0;
                uint8_t was = label[grid_at(from, z, y, x)];
                both[was] += is == was;
                either[was]++;
                either[is]++;
            }
    double worst = 1.0;
    for (int o = 1; o < ANATOMY_LABELS; o++)
        if (either[o] > 0)
            worst = fmin(worst, 2.0 * (double)both[o] / (double)either[o]);
    return worst;
}

/* Simulates on the one study there is; the phantom is the caller's. */
static struct patient simulate_on(const struct anatomy *a, const struct study *s, const double spacing_mm[3],
                                  struct phantom *ph, struct lesion *list, size_t *count, struct spots *tumour)
{
    struct error e = {0};
    struct spots background;
    struct patient p = patient_draw(3, 1);
    if (anatomy_load(a, s, spacing_mm, &p, ph, tumour, &background, &e) < 0)
        fail_msg("%s", e.text);
    body_paint(ph, &p, true);
    mimics_paint(ph, &p, 6.0, &background);
    *count = lesions_paint_at(ph, &p, 6.0, tumour, list);
    return p;
}

/* A map made of an average body, stored as autoPET stores its own: rows from back to front. */
static void make_map(const double spacing_mm[3], struct grid *g, uint8_t **label)
{
    struct patient p = patient_draw(4, 2);
    struct phantom ph;
    struct error e = {0};
    phantom_open(&ph, spacing_mm, -500.0, p.size, p.girth);
    body_paint(&ph, &p, false);
    *g = ph.grid;
    *label = xalloc(grid_voxels(g), 1);
    for (int64_t z = 0; z < g->dim[0]; z++)
        for (int64_t y = 0; y < g->dim[1]; y++)
            for (int64_t x = 0; x < g->dim[2]; x++)
                (*label)[grid_at(g, z, g->dim[1] - 1 - y, x)] = anatomy_label(ph.organ[grid_at(g, z, y, x)]);
    for (int i = 0; i < 3; i++) {
        g->affine[i][3] += g->affine[i][1] * (double)(g->dim[1] - 1);
        g->affine[i][1] = -g->affine[i][1];
    }
    phantom_close(&ph);
    char *organs = path_join(dir, "organs"), *path = path_join(organs, "s1.nii.gz");
    assert_int_equal(dir_make(organs, &e), 0);
    assert_int_equal(nifti_write(path, g, 2, *label, "SIMULATED", &e), 0);
    free(path);
    free(organs);
}

static void test_made_map(void **state)
{
    (void)state;
    const double coarse_mm[3] = {5, 4.5, 4.5}, other_mm[3] = {5, 4.072, 4.072};
    struct grid g;
    uint8_t *label;
    make_map(coarse_mm, &g, &label);
    /* three clicks: two of one tumour in the chest's soft tissue, one in the middle of the liver */
    double sum[3] = {0}, n = 0;
    for (size_t i = 0; i < grid_voxels(&g); i++)
        if (label[i] == 3) {
            sum[0] += (double)((int64_t)i / (g.dim[1] * g.dim[2])), sum[1] += (double)((int64_t)i / g.dim[2] % g.dim[1]);
            sum[2] += (double)((int64_t)i % g.dim[2]), n++;
        }
    int liver[3] = {(int)(sum[0] / n), (int)(sum[1] / n), (int)(sum[2] / n)};
    char *rows = xprintf("s1\tp1\tMELANOMA\tF\t57\t%d,%d,%d;%d,%d,%d;%d,%d,%d\t%d,%d,%d\n", liver[2], liver[1],
                         liver[0], liver[2] + 4, liver[1] + 20, liver[0] + 30, liver[2] + 6, liver[1] + 20,
                         liver[0] + 30, liver[2] + 10, liver[1] + 10, liver[0] - 25);
    struct anatomy a;
    struct error e = {0};
    struct phantom ph;
    struct lesion list[LESIONS_MOST];
    struct spots tumour;
    size_t count;
    assert_int_equal(open_table(&a, rows, &e), 0);
    simulate_on(&a, &a.study[0], other_mm, &ph, list, &count, &tumour);
    double dice = worst_dice(&g, label, &ph);
    if (!(dice >= 0.90)) /* the grids differ: an organ of 5 ml loses more of its surface than a liver */
        fail_msg("worst Dice %g", dice);
    assert_int_equal(tumour.count, 3);
    assert_true(count >= 2);
    for (size_t i = 0; i < count; i++) /* company belongs to the site it keeps company */
        assert_int_equal(list[i].site_number, i < 2 ? i + 1 : list[i].site_number == 1 ? 1 : 2);
    assert_string_equal(list[0].site, "liver");
    assert_true(hypot(list[0].centre.left, list[0].centre.up) < 6.0); /* the liver's centroid is the origin */
    assert_true(fabs(list[1].centre.up - 150.0) < 6.0);               /* 30 slices of 5 mm higher */
    assert_true(fabs(list[1].centre.front - 90.0) < 6.0); /* 20 rows of 4.5 mm to the front, rows running that way */
    phantom_close(&ph);
    /* on its own grid: the very same voxels */
    simulate_on(&a, &a.study[0], coarse_mm, &ph, list, &count, &tumour);
    assert_true(worst_dice(&g, label, &ph) == 1.0);
    phantom_close(&ph);
    anatomy_close(&a);
    free(label);
    free(rows);
}

static void test_real_map(void **state)
{
    (void)state;
    const char *data = getenv("PETREL_DATA");
    char *at = data ? path_join(data, "anatomy") : NULL;
    if (!at || !dir_exists(at)) {
        print_message("no organ maps: PETREL_DATA is not set or has no anatomy/\n");
        free(at);
        skip();
    }
    struct anatomy a;
    struct error e = {0};
    struct phantom ph;
    struct lesion list[LESIONS_MOST];
    struct spots tumour;
    struct nifti map;
    size_t count;
    const double spacing_mm[3] = {3.0, 2.036, 2.036}; /* a real map has 2.0364: its own voxels are kept */
    assert_int_equal(anatomy_open(&a, at, &e), 0);
    const struct study *s = &a.study[0];
    while (s->tumour.count == 0)
        s++;
    simulate_on(&a, s, spacing_mm, &ph, list, &count, &tumour);
    assert_true(count >= 1);
    for (size_t i = 0; i < count; i++)
        assert_true(list[i].voxels > 0);
    char *path = xprintf("%s/organs/%s.nii.gz", at, s->name);
    assert_int_equal(nifti_read(path, (size_t)2 << 30, &map, &e), 0);
    size_t n = grid_voxels(&map.grid);
    uint8_t *label = xalloc(n, 1);
    for (size_t i = 0; i < n; i++)
        label[i] = (uint8_t)map.voxel[i];
    double dice = worst_dice(&map.grid, label, &ph);
    print_message("%s: worst Dice %.3f, %zu lesions\n", s->name, dice, count);
    assert_true(dice >= 0.95);
    free(label);
    free(map.voxel);
    free(path);
    phantom_close(&ph);
    anatomy_close(&a);
    free(at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_bad_tables),
                                       cmocka_unit_test(test_made_map), cmocka_unit_test(test_real_map)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
