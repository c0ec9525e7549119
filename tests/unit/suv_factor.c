/* SPDX-License-Identifier: Apache-2.0 */
/* suv_factor -- SUV factors against golden numbers, what is refused and by which tag, statistics, other grids. */
#include "common/file.h"
#include "stages/suv/suv.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct scan_facts good_facts(void)
{
    struct scan_facts f;
    scan_facts_init(&f);
    strcpy(f.units, "BQML");
    strcpy(f.decay_correction, "START");
    strcpy(f.tracer, "FDG");
    strcpy(f.corrected, "NORM\\ATTN\\DECY");
    f.weight_g = 71000;
    f.dose_bq = 388.777472e6;
    f.half_life_s = 6588;
    f.injection_s = 38100;
    f.series_s = f.acquisition_s = 40811;
    return f;
}

static void golden_factors(void **state)
{
    (void)state;
    struct buffer file = {0};
    struct error e = {0};
    assert_int_equal(file_read("tests/golden/suv/cases.tsv", 1 << 20, &file, &e), 0);
    char *rest = (char *)file.data, *line;
    int cases = 0;
    strsep(&rest, "\n");
    while ((line = strsep(&rest, "\n")) && *line) {
        struct scan_facts f;
        scan_facts_init(&f);
        const char *name = strsep(&line, "\t");
        strcpy(f.units, strsep(&line, "\t"));
        strcpy(f.decay_correction, strsep(&line, "\t"));
        strcpy(f.vendor, strsep(&line, "\t"));
        const char *formula = strsep(&line, "\t");
        strcpy(f.sex, strsep(&line, "\t"));
        strcpy(f.corrected, strcmp(f.decay_correction, "NONE") == 0 ? "ATTN" : "ATTN\\DECY");
        double delay, factor;
        double *const number[] = {
            &f.weight_g,   &f.height_m,      &f.dose_bq,      &f.half_life_s,       &f.injection_s,
            &f.series_s,   &f.acquisition_s, &f.scan_start_s, &f.frame_reference_s, &f.frame_duration_s,
            &f.suv_factor, &delay,           &factor};
        for (size_t i = 0; i < COUNT_OF(number); i++)
            *number[i] = strtod(strsep(&line, "\t"), NULL);
        f.weight_g *= 1000;
        if (suv_factor(&f, formula, &e) < 0)
            fail_msg("%s: %s", name, e.text);
        if (!(fabs(f.suv_factor / factor - 1) < 1e-9))
            fail_msg("%s: factor %.12g, expected %.12g", name, f.suv_factor, factor);
        if (isnan(delay) ? !isnan(f.delay_s) : !(fabs(f.delay_s - delay) < 1e-3))
            fail_msg("%s: delay %.6f s, expected %.6f s", name, f.delay_s, delay);
        /* the formula's name and the figures it took stand in the output */
        const char *named = suv_body_find(formula)->name;
        if (strncmp(f.suv_formula, named, strlen(named)) != 0 || strlen(f.suv_formula) + 1 >= sizeof f.suv_formula)
            fail_msg("%s: formula '%s'", name, f.suv_formula);
        cases++;
    }
    assert_int_equal(cases, 53);
    buffer_free(&file);
}

/* Each way of spoiling good facts, and what the sentence must name. */
static void refused_by_name(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        double value;
        const char *says;
    } numbers[] = {
#define SPOIL(field, value, says) {offsetof(struct scan_facts, field), value, says}
        SPOIL(weight_g, NAN, "(0010,1030) PatientWeight is missing"),
        SPOIL(weight_g, 71, "(0010,1030) PatientWeight is 0.071 kg"),
        SPOIL(weight_g, 700e3, "(0010,1030) PatientWeight is 700 kg: between 0.5 and 500 wanted"),
        SPOIL(dose_bq, NAN, "(0018,1074) RadionuclideTotalDose is missing"),
        SPOIL(dose_bq, 10.5, "(0018,1074) RadionuclideTotalDose is 10.5: MBq or mCi"),
        SPOIL(dose_bq, -388.7e6, "(0018,1074) RadionuclideTotalDose is -3.887e+08 Bq"),
        SPOIL(dose_bq, 388e9, "(0018,1074) RadionuclideTotalDose is 3.88e+11 Bq"),
        SPOIL(dose_bq, 388777, "(0018,1074) RadionuclideTotalDose is 388777 Bq: written in kBq, it seems"),
        SPOIL(half_life_s, NAN, "(0018,1075) RadionuclideHalfLife is missing"),
        SPOIL(half_life_s, 4062, "RadionuclideHalfLife is 4062 s, and F-18, which the file names, has 6586.2 s"),
        SPOIL(injection_s, NAN, "(0018,1072) RadiopharmaceuticalStartTime is missing"),
        SPOIL(acquisition_s, NAN, "(0008,0032) AcquisitionTime is missing"),
        SPOIL(series_s, NAN, "(0008,0031) SeriesTime is missing"),
        SPOIL(series_s, 50000, "(0054,1300) FrameReferenceTime is missing"),
        SPOIL(injection_s, 40812, "one of the two times is wrong"), /* a day earlier is 24 hours */
    };
    struct error e;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct scan_facts f = good_facts();
        *(double *)((char *)&f + numbers[i].offset) = numbers[i].value;
        e = (struct error){0};
        assert_int_equal(suv_factor(&f, "bw", &e), -1);
        if (!strstr(e.text, numbers[i].says))
            fail_msg("'%s' does not say '%s'", e.text, numbers[i].says);
        assert_true(isnan(f.suv_factor));
    }
    static const struct {
        size_t offset;
        const char *value, *says;
    } texts[] = {
        SPOIL(units, "CNTS", "neither (7053,1000) nor (7053,1009)"),
        SPOIL(units, "CNTS SUV", "what a count is worth is not known"),
        SPOIL(units, "GML LEAN", "Units 'GML LEAN' are not handled"),
        SPOIL(units, "PROPCPS", "Units 'PROPCPS' are not handled"),
        SPOIL(units, "PROPCNTS", "Units 'PROPCNTS' are not handled"),
        SPOIL(units, "1CM", "Units '1CM' are not handled"),
        SPOIL(units, "CPS", "Units is CPS of an image that is not dose-calibrated"),
        SPOIL(units, "", "(0054,1001) Units is missing"),
        SPOIL(corrected, "DECY\\NORM", "without ATTN"),
        SPOIL(corrected, "XATTN\\DECY", "without ATTN"), /* another word that ends the same */
        SPOIL(corrected, "ATTN\\NORM", "without DECY"),
        SPOIL(corrected, "", "(0028,0051) CorrectedImage is missing"),
        SPOIL(decay_correction, "", "(0054,1102) DecayCorrection is missing"),
        SPOIL(decay_correction, "LATER", "DecayCorrection is 'LATER'"),
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct scan_facts f = good_facts();
        strcpy((char *)&f + texts[i].offset, texts[i].value);
        e = (struct error){0};
        assert_int_equal(suv_factor(&f, "bw", &e), -1);
        if (!strstr(e.text, texts[i].says))
            fail_msg("'%s' does not say '%s'", e.text, texts[i].says);
    }
}

/* Lean mass and surface ask for more of the patient. */
static void bodies_refused(void **state)
{
    (void)state;
    static const struct {
        const char *formula, *units, *sex;
        double height_m, weight_g;
        const char *says;
    } cases[] = {
        {"james", "BQML", "M", NAN, 71000, "(0010,1020) PatientSize is missing"},
        {"james", "BQML", "M", 17, 71000, "(0010,1020) PatientSize is 17 m: between 0.3 and 2.6 wanted"},
        {"bw", "BQML", "M", 71, 1720, "stand in each other's place"},
        {"bw", "BQML", "M", 0.72, 155000, "make 299.0 kg/m2, which nobody has"},
        {"janmahasatian", "BQML", "", 1.72, 71000, "(0010,0040) PatientSex is missing"},
        {"janmahasatian", "BQML", "X", 1.72, 71000, "(0010,0040) PatientSex is 'X'"},
        {"james", "BQML", "F", 1.5, 240000, "comes out as -"}, /* past the formula's turning point */
        {"bsa", "SUV", "", NAN, 71000, "it came as SUVbw, and SUVbsa is wanted: (0010,1020)"},
        {"bw", "GML LBMJAMES128", "M", NAN, 71000, "it came as SULjames, and SUVbw is wanted: (0010,1020)"},
        {"lbm", "BQML", "M", 1.72, 71000, "formula 'lbm' is none of bw|james"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct scan_facts f = good_facts();
        struct error e = {0};
        strcpy(f.units, cases[i].units);
        strcpy(f.sex, cases[i].sex);
        f.height_m = cases[i].height_m;
        f.weight_g = cases[i].weight_g;
        assert_int_equal(suv_factor(&f, cases[i].formula, &e), -1);
        if (!strstr(e.text, cases[i].says))
            fail_msg("'%s' does not say '%s'", e.text, cases[i].says);
    }
    struct scan_facts f = good_facts();
    struct error e = {0};
    strcpy(f.sex, "F");
    f.height_m = 1.72;
    assert_int_equal(suv_factor(&f, "james", &e), 0);
    assert_string_equal(f.suv_formula, "SULjames = Bq/mL * 50751.37 lean_g / (dose_bq * 2^(-delay_s/half_life_s))");
}

static struct volume ramp(int64_t d, int64_t h, int64_t w, double spacing, bool more)
{
    struct volume v = {0};
    grid_set(&v.grid, (int64_t[]){d, h, w}, (double[]){spacing, spacing, spacing}, (double[]){100, 80, -50});
    v.voxel = xalloc(grid_voxels(&v.grid), sizeof(float));
    v.mask = more ? xalloc(grid_voxels(&v.grid), 1) : NULL;
    v.ct = more ? xalloc(grid_voxels(&v.grid), sizeof *v.ct) : NULL;
    for (int64_t z = 0; z < d; z++)
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; x < w; x++) {
                v.voxel[grid_at(&v.grid, z, y, x)] = (float)(100 * z + 10 * y + x);
                if (more) {
                    v.mask[grid_at(&v.grid, z, y, x)] = z >= d / 2;
                    v.ct[grid_at(&v.grid, z, y, x)] = (int16_t)(300 - 100 * z - 10 * y - x);
                }
            }
    return v;
}

static void statistics(void **state)
{
    (void)state;
    struct volume v = ramp(2, 1, 2, 1, false); /* 0 1 100 101 */
    struct scan_facts f = good_facts();
    f.suv_factor = 2;
    suv_apply(&v, &f);
    suv_statistics(&v, &f);
    assert_true(f.suv_max == 202);
    assert_true(f.volume_mean == 101);
    /* 2 * sd of 0 1 100 101 with n-1: 2 * sqrt(10001 / 3) */
    assert_true(fabs(f.volume_sd - 2 * sqrt(10001.0 / 3)) < 1e-9);
    assert_true(isnan(f.ct_mean) && isnan(f.ct_sd));
    volume_free(&v);
}

/* Against sums in long double, on as many voxels as make a sum of squares forget its last digits. */
static void ct_statistics(void **state)
{
    (void)state;
    struct volume v = ramp(200, 150, 100, 1, true);
    struct scan_facts f = good_facts();
    size_t const count = grid_voxels(&v.grid);
    long double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        v.ct[i] = (int16_t)(30000 + i * 7919 % 11);
        sum += v.ct[i];
    }
    for (size_t i = 0; i < count; i++)
        squares += (v.ct[i] - sum / count) * (v.ct[i] - sum / count);
    suv_statistics(&v, &f);
    assert_true(fabs(f.ct_mean - (double)(sum / count)) < 1e-9);
    assert_true(fabs(f.ct_sd - (double)sqrtl(squares / (count - 1))) < 1e-9);
    volume_free(&v);
}

static void resample_keeps_place(void **state)
{
    (void)state;
    struct volume v = ramp(6, 5, 7, 3, true);
    struct grid old = v.grid;
    struct error e = {0};
    double spacing[3] = {1.5, 3, 3.5}; /* 12 x 5 x 6 */
    assert_int_equal(volume_resample(&v, spacing, &e), 0);
    assert_int_equal(v.grid.dim[0], 12);
    assert_int_equal(v.grid.dim[1], 5);
    assert_int_equal(v.grid.dim[2], 6);
    /* a volume linear in place stays the same function of mm */
    double zyx[3], mm[3], origin[3];
    grid_to_mm(&old, (double[]){0, 0, 0}, origin);
    for (int64_t z = 1; z < 11; z++)
        for (int64_t x = 1; x < 5; x++) {
            zyx[0] = (double)z, zyx[1] = 2, zyx[2] = (double)x;
            grid_to_mm(&v.grid, zyx, mm);
            double expected = 100 * (mm[2] - origin[2]) / 3 + 10 * (origin[1] - mm[1]) / 3 + (origin[0] - mm[0]) / 3;
            assert_true(fabs(v.voxel[grid_at(&v.grid, z, 2, x)] - expected) < 1e-3);
            assert_true(fabs(v.ct[grid_at(&v.grid, z, 2, x)] - (300 - expected)) < 0.501); /* whole HU */
        }
    for (int64_t z = 0; z < 12; z++)
        assert_int_equal(v.mask[grid_at(&v.grid, z, 4, 5)], z >= 6);
    assert_int_equal(volume_resample(&v, (double[]){1, 0, 1}, &e), -1);
    assert_int_equal(volume_resample(&v, (double[]){1e-3, 1e-3, 1e-3}, &e), -1);
    assert_int_equal(v.grid.dim[0], 12); /* as it was */
    volume_free(&v);
}

static void crop_keeps_place(void **state)
{
    (void)state;
    struct volume v = ramp(10, 3, 2, 4, true); /* slices at -50, -46, ... -14 mm */
    struct error e = {0};
    assert_int_equal(volume_crop(&v, 500, 600, &e), -1);
    assert_non_null(strstr(e.text, "no slice lies between 500 and 600 mm"));
    assert_int_equal(volume_crop(&v, -42, -30, &e), 0);
    assert_int_equal(v.grid.dim[0], 4);
    assert_true(v.voxel[0] == 200 && v.voxel[grid_at(&v.grid, 3, 2, 1)] == 521);
    assert_int_equal(v.mask[0], 0);
    assert_int_equal(v.mask[grid_at(&v.grid, 3, 0, 0)], 1);
    assert_true(v.ct[0] == 100 && v.ct[grid_at(&v.grid, 3, 2, 1)] == 300 - 521);
    double mm[3], origin[3] = {0};
    grid_to_mm(&v.grid, origin, mm);
    assert_true(fabs(mm[2] + 42) < 1e-12);
    volume_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_factors),   cmocka_unit_test(refused_by_name), cmocka_unit_test(bodies_refused),
        cmocka_unit_test(statistics),       cmocka_unit_test(ct_statistics),   cmocka_unit_test(resample_keeps_place),
        cmocka_unit_test(crop_keeps_place),
    };
    return cmocka_run_group_tests_name("suv_factor", tests, NULL, NULL);
}
