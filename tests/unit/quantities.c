/* SPDX-License-Identifier: Apache-2.0 */
/* quantities -- what is measured of a region against MIRP and PyRadiomics (tests/golden/quantities/make.py), the IBSI's own values of its
 * digital phantom, and shapes whose measures are known; rules' outlines on a scene drawn for them. */
#include "common/ball.h"
#include "common/file.h"
#include "common/nifti.h"
#include "stages/classify/quantities/mesh.h"
#include "stages/classify/quantities/outlines.h"
#include "stages/classify/quantities/region.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct quantity *quantity_named(const char *name)
{
    for (size_t q = 0; q < region_quantity_count; q++)
        if (strcmp(region_quantity_table[q].name, name) == 0)
            return &region_quantity_table[q];
    fail_msg("no quantity '%s'", name);
    return NULL;
}

/* A sphere of SUVpeak reaches out of the image: MIRP takes what is not there for 0, we leave it out, and the IBSI does not say. */
static bool at_edge;

static bool reaches_out(const struct grid *g, const struct ball *b, const size_t *index, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t const at[3] = {(int64_t)index[i] / g->dim[2] / g->dim[1], (int64_t)index[i] / g->dim[2] % g->dim[1],
                               (int64_t)index[i] % g->dim[2]};
        for (int a = 0; a < 3; a++)
            if (at[a] < b->reach[a] || at[a] + b->reach[a] >= g->dim[a])
                return true;
    }
    return false;
}

/* The region of an image and its mask, measured. false: no such files. */
static bool files_measure(const char *image, const char *mask, struct region_quantities *q)
{
    struct nifti of, in;
    struct error e = {0};
    if (!file_exists(image))
        return false;
    if (nifti_read(image, 1 << 30, &of, &e) < 0 || nifti_read(mask, 1 << 30, &in, &e) < 0)
        fail_msg("%s", e.text);
    size_t const voxels = grid_voxels(&of.grid);
    size_t *index = xalloc(voxels, sizeof *index), n = 0;
    for (size_t i = 0; i < voxels; i++)
        if (in.voxel[i] > 0.5F)
            index[n++] = i;
    struct volume v = {.grid = of.grid, .voxel = of.voxel};
    struct ball ball;
    ball_make(&ball, v.grid.spacing_mm);
    memset(q, 0, sizeof *q);
    region_shape(&v.grid, index, n, q);
    region_uptake(&v, &ball, index, n, q);
    at_edge = reaches_out(&v.grid, &ball, index, n);
    ball_free(&ball);
    free(index);
    free(in.voxel);
    free(of.voxel);
    return true;
}

static bool region_files(const char *region, struct region_quantities *q)
{
    const char *data = getenv("PETREL_DATA");
    char image[512], mask[512];
    if (strcmp(region, "blob") == 0)
        return files_measure("tests/golden/quantities/blob_image.nii", "tests/golden/quantities/blob_mask.nii", q);
    if (!data || !*data)
        return false;
    if (strcmp(region, "phantom") == 0) {
        format_into(image, sizeof image, "%s/ibsi_digital_phantom/nifti_image_phantom.nii.gz", data);
        format_into(mask, sizeof mask, "%s/ibsi_digital_phantom/nifti_mask_mask.nii.gz", data);
    } else {
        format_into(image, sizeof image, "%s/ibsi_suv_nifti/%s_PET_image.nii.gz", data, region);
        format_into(mask, sizeof mask, "%s/ibsi_suv_nifti/%s_PET_mask.nii.gz", data, region);
    }
    return files_measure(image, mask, q);
}

/* Meshes differ in how a cube's corners are joined where that is open (docs/reading.md); of the lump, from which voxels were taken at random,
 * the two peers' own differ by 3 %. */
static double allowed(const char *region, const char *name)
{
    static const char *const of_mesh[] = {"surface_mm2", "sphericity", "mesh_ml"};
    for (size_t i = 0; i < COUNT_OF(of_mesh); i++)
        if (strcmp(name, of_mesh[i]) == 0)
            return strcmp(region, "blob") == 0 ? 0.02 : 0.012;
    return 2e-6;
}

static void as_mirp_and_pyradiomics_have_it(void **state)
{
    (void)state;
    FILE *in = fopen("tests/golden/quantities/values.tsv", "r");
    assert_non_null(in);
    char line[200], region[64], name[64], at[64] = "";
    double wanted, farthest[2][32] = {{0}};
    struct region_quantities q;
    bool there = false;
    size_t compared = 0;
    while (fgets(line, sizeof line, in)) {
        if (sscanf(line, "%63[^\t]\t%63[^\t]\t%lf", region, name, &wanted) != 3)
            continue;
        char *peer = strchr(region, '/');
        if (peer)
            *peer = '\0';
        if (strcmp(region, at) != 0) {
            format_into(at, sizeof at, "%s", region);
            there = region_files(region, &q);
        }
        if (!there || (at_edge && strncmp(name, "suv_peak", 8) == 0))
            continue;
        bool const variance = strcmp(name, "suv_variance") == 0;
        const struct quantity *row = quantity_named(variance ? "suv_sd" : name);
        double const have = variance ? q.suv_sd * q.suv_sd : quantity_number(row, 0, &q);
        double const off = fabs(have - wanted) / fabs(wanted);
        size_t const which = (size_t)(row - region_quantity_table);
        if (strcmp(region, "blob") != 0)
            farthest[peer != NULL][which] = fmax(farthest[peer != NULL][which], off);
        if (!(off <= allowed(region, name)))
            fail_msg("%s of %s is %.9g, %s has %.9g", name, region, have, peer ? "PyRadiomics" : "MIRP", wanted);
        compared++;
    }
    fclose(in);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < 32; i++)
            if (farthest[k][i] > 0)
                print_message("# %s: %s off by %.2g of itself at most\n", k ? "pyradiomics" : "mirp",
                              region_quantity_table[i].name, farthest[k][i]);
    print_message("# %zu values compared\n", compared);
    assert_true(compared >= 18); /* of the lump alone, without the real scans */
}

/* Of the IBSI's reference manual (values and tolerances of its digital phantom). */
static void as_the_ibsi_says_of_its_phantom(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double value, tolerance;
    } reference[] = {
        {"mesh_ml", 0.556, 0.004},  {"ml", 0.592, 0.004},       {"surface_mm2", 388, 3}, {"sphericity", 0.843, 0.005},
        {"diameter_mm", 13.1, 0.1}, {"suv_peak_local", 2.6, 0}, {"suv_peak", 3.1, 0},    {"suv_mean", 2.15, 0},
        {"suv_median", 1, 0},       {"suv_max", 6, 0}};
    struct region_quantities q;
    if (!region_files("phantom", &q)) {
        print_message("# skipped: no IBSI phantom where PETREL_DATA says\n");
        skip();
    }
    for (size_t i = 0; i < COUNT_OF(reference); i++) {
        double const have = quantity_number(quantity_named(reference[i].name), 0, &q);
        /* a tolerance of 0: to the three digits that are printed */
        double const tolerance = reference[i].tolerance > 0 ? reference[i].tolerance : 0.005 * reference[i].value;
        if (!(fabs(have - reference[i].value) <= tolerance))
            fail_msg("%s is %.6g, the IBSI has %g", reference[i].name, have, reference[i].value);
    }
    assert_true(fabs(q.suv_sd * q.suv_sd - 3.05) < 0.005);
}

/* A box of voxels has its edges and corners cut; a ball's mesh nears the ball. */
static void shapes_whose_measures_are_known(void **state)
{
    (void)state;
    int64_t const dim[3] = {3, 3, 3};
    uint8_t one[27] = {0};
    struct mesh_measure m;
    one[13] = 1;
    mesh_measure(one, dim, (const double[]){2, 2, 2}, &m); /* one voxel: an octahedron with half-axes of 1 mm */
    assert_true(fabs(m.volume_mm3 - 4.0 / 3) < 1e-12);
    assert_true(fabs(m.surface_mm2 - 8 * sqrt(3) / 2) < 1e-12);
    assert_true(fabs(m.diameter_mm - 2) < 1e-12 && fabs(m.diameter_axial_mm - 2) < 1e-12);

    enum { SIDE = 61 };
    uint8_t *ball = xalloc((size_t)SIDE * SIDE * SIDE, 1);
    for (int z = 0; z < SIDE; z++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                ball[(z * SIDE + y) * SIDE + x] =
                    (z - 30) * (z - 30) + (y - 30) * (y - 30) + (x - 30) * (x - 30) <= 25 * 25;
    mesh_measure(ball, (const int64_t[]){SIDE, SIDE, SIDE}, (const double[]){1, 1, 1}, &m);
    double const volume = 4.0 / 3 * acos(-1) * 25 * 25 * 25;
    assert_true(fabs(m.volume_mm3 / volume - 1) < 0.01);
    assert_true(fabs(m.diameter_mm - 51) < 0.2);
    free(ball);
}

/* Two lesions in a row of tissue at SUV 3, and an organ beside the second: nobody takes the organ, each keeps its half of the bridge. */
static void rules_share_what_they_reach(void **state)
{
    (void)state;
    enum { W = 40 };
    static float suv[W];
    for (int x = 0; x < W; x++)
        suv[x] = x < 4 ? 1 : x < 20 ? 3 : x < 24 ? 9 : x < 25 ? 2 : 20;
    suv[5] = 8;
    suv[15] = 6;
    struct volume v = {.voxel = suv};
    grid_set(&v.grid, (const int64_t[]){1, 1, W}, (const double[]){10, 10, 1}, (const double[]){0, 0, 0});
    size_t first[] = {0, 1, 2, 3}, index[] = {5, 15, 26};
    struct voxels const x = {.count = 3, .first = first, .index = index};
    struct outline o[2];
    outlines_measure(&v, &x, 2, (const double[]){2.5, 2.5, 2.5}, o);
    /* 4..10 and 11..23: the organ's, from 25 on, is parted by SUV 2 */
    assert_true(fabs(o[0].ml - 0.7) < 1e-9);
    assert_true(fabs(o[1].ml - 1.3) < 1e-9);
    assert_true(fabs(o[1].tlg_g - 0.1 * (8 * 3 + 6 + 4 * 9)) < 1e-5);
    outlines_measure(&v, &x, 2, (const double[]){0.41 * 8, 0.41 * 6, 8.2}, o); /* 41 % of each */
    assert_true(fabs(o[0].ml - 0.1) < 1e-9);
    assert_true(fabs(o[1].ml - 1.8) < 1e-9); /* 6..23, up to the first's own voxel */
    outlines_measure(&v, &x, 2, (const double[]){NAN, 7, 8.2}, o);
    assert_true(isnan(o[0].ml) && fabs(o[1].ml) < 1e-9); /* it has no voxel that reaches 7, and so no seed */
    outlines_measure(&v, &x, 2, (const double[]){10, 1.5, 50},
                     o); /* with the organ out of the way, no farther than 20 mm */
    assert_true(fabs(o[1].ml - 0.1 * (35 - 4 + 1)) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_mirp_and_pyradiomics_have_it),
        cmocka_unit_test(as_the_ibsi_says_of_its_phantom),
        cmocka_unit_test(shapes_whose_measures_are_known),
        cmocka_unit_test(rules_share_what_they_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
