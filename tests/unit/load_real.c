/* SPDX-License-Identifier: Apache-2.0 */
/* load_real -- the real scans: a GE series against numbers made with pydicom, and against IBSI's own SUV of the same patient. */
#include "tests/unit/real_scans.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static size_t mask_count(const struct volume *v)
{
    size_t n = 0;
    for (size_t i = 0; v->mask && i < grid_voxels(&v->grid); i++)
        n += v->mask[i];
    return n;
}

static void sarcoma_as_pydicom_has_it(void **state)
{
    (void)state;
    /* EXPECTED.json of the data */
    static const struct {
        int z, y, x;
        double suv;
    } samples[] = {{227, 81, 65, 0.60393}, {194, 80, 69, 0.83791}, {179, 67, 82, 0.5862},  {68, 78, 97, 0.79855},
                   {112, 62, 92, 1.67963}, {141, 45, 86, 0.52424}, {192, 76, 64, 1.08167}, {108, 63, 53, 1.61729},
                   {20, 53, 36, 0.64905},  {120, 52, 62, 1.09323}, {69, 83, 67, 1.073},    {101, 55, 55, 0.5154}};
    struct volume_message m = sarcoma(NULL);
    struct grid *g = &m.volume.grid;
    assert_int_equal(g->dim[0], 267);
    assert_int_equal(g->dim[1], 128);
    assert_int_equal(g->dim[2], 128);
    assert_true(fabs(g->spacing_mm[0] - 3.27) < 1e-4 && g->spacing_mm[1] == 4.6875 && g->spacing_mm[2] == 4.6875);
    assert_true(fabs(m.facts.suv_factor / 2.429029766148455e-4 - 1) < 1e-9);
    assert_true(m.facts.delay_s == 2711);
    assert_true(m.facts.weight_g == 71000 && fabs(m.facts.age_y - 59) < 1e-9 && m.facts.half_life_s == 6588);
    assert_string_equal(m.facts.units, "BQML");
    assert_string_equal(m.facts.vendor, "GE MEDICAL SYSTEMS");
    assert_true(fabs(m.facts.suv_max - 66.52149963378906) < 1e-4);
    assert_true(fabs(m.volume.voxel[grid_at(g, 62, 70, 69)] - m.facts.suv_max) == 0);
    assert_true(fabs(m.facts.volume_mean - 0.14930319786071777) < 1e-6);
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        double suv = m.volume.voxel[grid_at(g, samples[i].z, samples[i].y, samples[i].x)];
        if (!(fabs(suv - samples[i].suv) < 1e-4))
            fail_msg("[%d,%d,%d] is %.5f, not %.5f", samples[i].z, samples[i].y, samples[i].x, suv, samples[i].suv);
    }
    size_t above_2_5 = 0, above_4 = 0;
    for (size_t i = 0; i < grid_voxels(g); i++) {
        above_2_5 += m.volume.voxel[i] > 2.5F;
        above_4 += m.volume.voxel[i] > 4;
    }
    assert_int_equal(above_2_5, 17784);
    assert_int_equal(above_4, 6226);
    /* a patient is shown by a hash */
    assert_string_not_equal(m.facts.patient, "STS_001");
    assert_int_equal(strlen(m.facts.patient), 12);
    assert_int_equal(strlen(m.facts.sha256), 64);
    assert_string_equal(m.facts.source, "d7a37a60e934/image"); /* and so is a folder */
    volume_message_free(&m);
}

/* IBSI's volume is the same patient's, cropped by others from their own SUV. */
static void sarcoma_as_ibsi_has_it(void **state)
{
    (void)state;
    struct volume_message whole = sarcoma("GTV_Mass");
    struct volume_message crop =
        read_scan("ibsi_suv_nifti/STS_001_PET_image.nii.gz", (struct load_options){.units = "suv"});
    struct grid *g = &crop.volume.grid;
    assert_int_equal(g->dim[0], 59);
    assert_int_equal(g->dim[1], 43);
    assert_int_equal(g->dim[2], 41);
    assert_int_equal(mask_count(&crop.volume), 5095);
    double worst = 0, mm[3], theirs_mm[3];
    size_t both = 0, ours = mask_count(&whole.volume), theirs = mask_count(&crop.volume);
    for (int64_t z = 0; z < g->dim[0]; z++)
        for (int64_t y = 0; y < g->dim[1]; y++)
            for (int64_t x = 0; x < g->dim[2]; x++) {
                size_t in_whole = grid_at(&whole.volume.grid, z, y + 45, x + 59), in_crop = grid_at(g, z, y, x);
                worst = fmax(worst, fabs((double)whole.volume.voxel[in_whole] - (double)crop.volume.voxel[in_crop]));
                both += whole.volume.mask[in_whole] && crop.volume.mask[in_crop];
            }
    grid_to_mm(&whole.volume.grid, (double[]){0, 45, 59}, mm);
    grid_to_mm(g, (double[]){0, 0, 0}, theirs_mm);
    for (int i = 0; i < 3; i++)
        assert_true(fabs(mm[i] - theirs_mm[i]) < 0.01); /* the affines agree too */
    double dice = 2 * (double)both / (double)(ours + theirs);
    print_message("# largest difference to IBSI's SUV %.6f; GTV_Mass: %zu voxels of ours, %zu of theirs, Dice %.5f\n",
                  worst, ours, theirs, dice);
    assert_true(worst < 1e-3);
    assert_true(dice >= 0.98);
    volume_message_free(&whole);
    volume_message_free(&crop);
}

static void structure_names(void **state)
{
    (void)state;
    struct volume_message mass = sarcoma("gtv_mass"), all = sarcoma(NULL);
    assert_true(mask_count(&all.volume) > mask_count(&mass.volume)); /* GTV_Edema is larger */
    for (size_t i = 0; i < grid_voxels(&all.volume.grid); i++)
        assert_true(!mass.volume.mask[i] || all.volume.mask[i]);
    volume_message_free(&mass);
    volume_message_free(&all);
    struct load_options o = {.units = "auto", .salt = "test", .memory_limit = (size_t)4 << 30, .roi = {1, {"liver"}}};
    struct sources s;
    struct volume_message m;
    struct error e = {0};
    char *at = data("ge_sarcoma_dicom");
    assert_int_equal(sources_find(&s, &at, 1, &o, &e), 0);
    assert_int_equal(scan_read(&s.item[0], &o, &m, &e), -1);
    assert_non_null(strstr(e.text, "no ROI or segment 'liver'"));
    assert_non_null(strstr(e.text, "'GTV_Mass'"));
    sources_free(&s);
    free(at);
}

/* The folder of the slices alone finds the structure set in the folder beside it. */
static void mask_beside_the_series(void **state)
{
    (void)state;
    struct volume_message m = read_scan("ge_sarcoma_dicom/image", (struct load_options){.roi = {1, {"GTV_Mass"}}});
    assert_true(mask_count(&m.volume) > 5000);
    volume_message_free(&m);
}

static void all_of_ibsi(void **state)
{
    (void)state;
    struct load_options o = {.units = "suv", .salt = "test", .memory_limit = (size_t)4 << 30};
    struct sources s;
    struct error e = {0};
    char *at = data("ibsi_suv_nifti");
    assert_int_equal(sources_find(&s, &at, 1, &o, &e), 0);
    assert_int_equal(s.count, 18);
    for (size_t i = 0; i < s.count; i++) {
        struct volume_message m;
        if (scan_read(&s.item[i], &o, &m, &e) < 0)
            fail_msg("%s: %s", s.item[i].label, e.text);
        assert_true(mask_count(&m.volume) > 100);
        assert_null(strstr(m.facts.source, "STS_0")); /* the id is in no name that leaves */
        assert_null(strstr(m.facts.scan, "STS_0"));
        volume_message_free(&m);
    }
    sources_free(&s);
    free(at);
}

int main(void)
{
    const char *dir = getenv("PETREL_DATA");
    if (!dir || !*dir) {
        puts("skipped: no real scans, PETREL_DATA is not set");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sarcoma_as_pydicom_has_it),
        cmocka_unit_test(sarcoma_as_ibsi_has_it),
        cmocka_unit_test(structure_names),
        cmocka_unit_test(mask_beside_the_series),
        cmocka_unit_test(all_of_ibsi),
    };
    return cmocka_run_group_tests_name("load_real", tests, NULL, NULL);
}
