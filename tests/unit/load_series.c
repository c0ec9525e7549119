/* SPDX-License-Identifier: Apache-2.0 */
/* load_series -- DICOM series made slice by slice: order, place, facts, and every series that must be refused. */
#include "stages/load/load.h"
#include "stages/suv/suv.h"
#include "tests/unit/load_corpus.h"
#include "tests/unit/load_dicom_file.h"
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { SLICES = 7 };
static char dir[64];
static struct names slices;

static int dir_make_fresh(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/petrel-series.XXXXXX");
    slices = (struct names){xalloc(64, sizeof(char *)), 0};
    return mkdtemp(dir) ? 0 : -1;
}

static int dir_drop(void **state)
{
    (void)state;
    corpus_keep(dir, "load_series");
    for (size_t i = 0; i < slices.count; i++)
        unlink(slices.name[i]);
    names_free(&slices);
    return rmdir(dir);
}

static void add(const struct dicom_slice *s)
{
    char *path = xprintf("%s/%02zu.dcm", dir, slices.count);
    dicom_slice_write(path, s);
    slices.name[slices.count++] = path;
}

/* Slices whose values say where in the patient (mm LPS) each voxel lies: 5000 + x + 10 y + 20 z, stored under a slope of
 * each slice's own. row, column, step: unit vectors; columns 2 mm, rows 4 mm, slices 3 mm. Written in a mixed order. */
static void add_series(const double row[3], const double column[3], const double step[3], const struct dicom_slice *like)
{
    for (int n = 0; n < SLICES; n++) {
        int k = n * 3 % SLICES;
        struct dicom_slice s = like ? *like : (struct dicom_slice){0};
        double at[3], slope = 1.0 / (1 + k);
        char position[100], orientation[160];
        for (int i = 0; i < 3; i++)
            at[i] = -20 + 7 * i + 3 * k * step[i];
        snprintf(position, sizeof position, "%.6g\\%.6g\\%.6g", at[0], at[1], at[2]);
        snprintf(orientation, sizeof orientation, "%g\\%g\\%g\\%g\\%g\\%g", row[0], row[1], row[2], column[0],
                 column[1], column[2]);
        for (int y = 0; y < SLICE_ROWS; y++)
            for (int x = 0; x < SLICE_COLUMNS; x++) {
                double mm[3];
                for (int i = 0; i < 3; i++)
                    mm[i] = at[i] + 2 * x * row[i] + 4 * y * column[i];
                s.stored[y * SLICE_COLUMNS + x] = (uint16_t)lround((5000 + mm[0] + 10 * mm[1] + 20 * mm[2]) / slope);
            }
        s.position = position;
        s.orientation = orientation;
        s.slope = slope;
        add(&s);
    }
}

static void read_and_expect_places(bool axial)
{
    struct source from = {.kind = SOURCE_DICOM, .label = (char[]){"x"}, .path = dir, .slice = slices, .age_y = NAN};
    struct load_options o = {.units = "auto", .salt = "s", .memory_limit = 1 << 28};
    struct volume_message m;
    struct error e = {0};
    if (scan_read(&from, &o, &m, &e) < 0)
        fail_msg("%s", e.text);
    struct grid *g = &m.volume.grid;
    if (axial) {
        assert_int_equal(g->dim[0], SLICES);
        assert_int_equal(g->dim[1], SLICE_ROWS);
        assert_int_equal(g->dim[2], SLICE_COLUMNS);
    }
    assert_int_equal(grid_voxels(g), SLICES * SLICE_ROWS * SLICE_COLUMNS);
    /* LPS: x to the left, y to the back, z to the head, whatever the slices were */
    assert_true(g->affine[0][0] < 0 && g->affine[1][1] < 0 && g->affine[2][2] > 0);
    for (int64_t z = 0; z < g->dim[0]; z++)
        for (int64_t y = 0; y < g->dim[1]; y++)
            for (int64_t x = 0; x < g->dim[2]; x++) {
                double mm[3], zyx[3] = {(double)z, (double)y, (double)x};
                grid_to_mm(g, zyx, mm);
                double expected = 5000 - mm[0] - 10 * mm[1] + 20 * mm[2];
                if (!(fabs(m.volume.voxel[grid_at(g, z, y, x)] - expected) < 0.51))
                    fail_msg("[%d %d %d] is %g, not %g", (int)z, (int)y, (int)x, m.volume.voxel[grid_at(g, z, y, x)],
                             expected);
            }
    volume_message_free(&m);
}

static void axial(void **state)
{
    (void)state;
    add_series((double[]){1, 0, 0}, (double[]){0, 1, 0}, (double[]){0, 0, 1}, NULL);
    read_and_expect_places(true);
}
static void axial_feet_first(void **state) /* slices given from head to feet, rows from left to right */
{
    (void)state;
    add_series((double[]){-1, 0, 0}, (double[]){0, 1, 0}, (double[]){0, 0, -1}, NULL);
    read_and_expect_places(true);
}
static void coronal(void **state)
{
    (void)state;
    add_series((double[]){1, 0, 0}, (double[]){0, 0, -1}, (double[]){0, 1, 0}, NULL);
    read_and_expect_places(false);
}
static void sagittal(void **state)
{
    (void)state;
    add_series((double[]){0, 1, 0}, (double[]){0, 0, -1}, (double[]){-1, 0, 0}, NULL);
    read_and_expect_places(false);
}

static int read_facts(struct scan_facts *f, struct error *e)
{
    struct series s;
    char *patient, *study;
    scan_facts_init(f);
    int rc = series_read(&slices, NULL, 1 << 28, &s, f, &patient, &study, e);
    if (rc == 0)
        assert_string_equal(patient, "PATIENT 7");
    free(patient);
    free(study);
    free(s.voxel);
    return rc;
}

static void add_axial(const struct dicom_slice *like)
{
    add_series((double[]){1, 0, 0}, (double[]){0, 1, 0}, (double[]){0, 0, 1}, like);
}

static void facts_by_tag(void **state)
{
    (void)state;
    struct scan_facts f;
    struct error e = {0};
    add_axial(NULL);
    assert_int_equal(read_facts(&f, &e), 0);
    assert_true(f.weight_g == 71000 && f.dose_bq == 388777472 && f.half_life_s == 6588);
    assert_true(f.injection_s == 38100 && f.series_s == 40811 && f.acquisition_s == 40811 && f.frame_duration_s == 240);
    assert_true(f.age_y == 1.5);
    assert_string_equal(f.units, "BQML");
    assert_string_equal(f.corrected, "DECY\\ATTN");
    assert_string_equal(f.tracer, "FDG");
    assert_int_equal(suv_factor(&f, "bw", &e), 0);
    assert_true(fabs(f.suv_factor / 2.429029766148455e-4 - 1) < 1e-9);
}

/* Bed positions have their own times; the earliest counts, though its slice comes last. */
static void earliest_bed(void **state)
{
    (void)state;
    struct scan_facts f;
    struct error e = {0};
    add_axial(&(struct dicom_slice){.acquisition_time = "113000"});
    struct dicom_slice early = {.position = "-20\\-13\\15", .acquisition_time = "112500.5"};
    add(&early);
    assert_int_equal(read_facts(&f, &e), 0);
    assert_true(f.acquisition_s == 41100.5);
}

/* Philips: counts, and what one is worth, typed or not. */
static void philips_counts(void **state)
{
    (void)state;
    static const struct {
        const char *suv, *bqml, *units;
        double per_count; /* SUV, of weight 71 kg and an activity of 292.3 MBq at the start */
    } cases[] = {{"0.00055", "1.25", "CNTS SUV", 0.00055},
                 {"0", "1.25", "CNTS BQML", 1.25 * 2.429029766148455e-4},
                 {NULL, "1.25 ", "CNTS BQML", 1.25 * 2.429029766148455e-4}};
    for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
        struct scan_facts f;
        struct error e = {0};
        while (slices.count) {
            unlink(slices.name[--slices.count]);
            free(slices.name[slices.count]);
        }
        add_axial(&(struct dicom_slice){
            .units = "CNTS", .untyped = i % 2, .philips_suv = cases[i / 2].suv, .philips_bqml = cases[i / 2].bqml});
        if (read_facts(&f, &e) < 0)
            fail_msg("%s", e.text);
        assert_string_equal(f.units, cases[i / 2].units);
        if (suv_factor(&f, "bw", &e) < 0)
            fail_msg("%s", e.text);
        assert_true(fabs(f.suv_factor / cases[i / 2].per_count - 1) < 1e-9);
        assert_non_null(strstr(f.suv_formula, "SUVbw = counts * "));
    }
}

static void slices_drop(void)
{
    while (slices.count) {
        unlink(slices.name[--slices.count]);
        free(slices.name[slices.count]);
    }
}

/* A private element means what it means in its creator's block alone; where no creator is named, in that of the scanner's maker. */
static void private_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *vendor, *creator;
        unsigned block;
        bool known;
    } cases[] = {{"Philips", NULL, 0x10, true},
                 {"TESTWORKS", NULL, 0x11, true},
                 {"Philips", "SOMEONE", 0x10, false},
                 {"Philips Medical", "", 0x10, true},
                 {"TESTWORKS", "", 0x10, false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct scan_facts f;
        struct error e = {0};
        slices_drop();
        add_axial(&(struct dicom_slice){.units = "CNTS",
                                        .philips_suv = "0.00055",
                                        .vendor = cases[i].vendor,
                                        .creator = cases[i].creator,
                                        .block = cases[i].block});
        if (read_facts(&f, &e) < 0)
            fail_msg("%s", e.text);
        if ((suv_factor(&f, "bw", &e) == 0) != cases[i].known)
            fail_msg("case %zu: %s", i, cases[i].known ? e.text : "somebody else's number was taken");
    }
}

/* Bits beside the stored ones are no part of the value, and the sign is the highest stored bit. */
static void stored_bits(void **state)
{
    (void)state;
    static const struct {
        unsigned stored, high;
        bool is_signed;
        uint16_t word;
        float value;
    } cases[] = {{16, 15, false, 0xffff, 65535}, {16, 15, true, 0xffff, -1},    {12, 11, true, 0x0fff, -1},
                 {12, 11, true, 0xf7ff, 2047},   {12, 11, false, 0xf7ff, 2047}, {12, 15, true, 0xfff5, -1},
                 {8, 11, false, 0xabcd, 0xbc}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct series s;
        struct scan_facts f;
        struct error e = {0};
        char *patient, *study, position[32];
        slices_drop();
        for (int z = 0; z < 3; z++) {
            struct dicom_slice slice = {.bits_stored = cases[i].stored,
                                        .high_bit = cases[i].high,
                                        .is_signed = cases[i].is_signed,
                                        .position = position};
            snprintf(position, sizeof position, "0\\0\\%d", 3 * z);
            for (size_t k = 0; k < SLICE_ROWS * SLICE_COLUMNS; k++)
                slice.stored[k] = cases[i].word;
            add(&slice);
        }
        scan_facts_init(&f);
        if (series_read(&slices, NULL, 1 << 28, &s, &f, &patient, &study, &e) < 0)
            fail_msg("%s", e.text);
        if (s.voxel[0] != cases[i].value || s.voxel[50] != cases[i].value)
            fail_msg("case %zu: %g", i, (double)s.voxel[0]);
        free(s.voxel);
        free(patient);
        free(study);
    }
}

/* Decay was not corrected, and beds were acquired one after the other: each slice is brought back to the first. */
static void beds_not_corrected(void **state)
{
    (void)state;
    struct series s;
    struct scan_facts f;
    struct error e = {0};
    char *patient, *study, position[32];
    static const char *const times[] = {"112011", "112011", "112511", "112511"};
    for (int z = 0; z < 4; z++) {
        struct dicom_slice slice = {
            .decay_correction = "NONE", .corrected = "ATTN\\NORM", .position = position, .acquisition_time = times[z]};
        snprintf(position, sizeof position, "0\\0\\%d", 3 * z);
        slice.stored[0] = 1000;
        add(&slice);
    }
    scan_facts_init(&f);
    if (series_read(&slices, NULL, 1 << 28, &s, &f, &patient, &study, &e) < 0)
        fail_msg("%s", e.text);
    size_t const plane = SLICE_ROWS * SLICE_COLUMNS;
    assert_true(s.voxel[plane] == 1000 && fabs((double)s.voxel[2 * plane] / (1000 * exp2(300 / 6588.0)) - 1) < 1e-6);
    assert_int_equal(suv_factor(&f, "bw", &e), 0);
    assert_true(fabs(f.delay_s - (2711 + suv_average_delay(240, 6588))) < 1e-6);
    assert_non_null(strstr(f.told, "acquired up to 300 s later"));
    free(s.voxel);
    free(patient);
    free(study);
}

static void counts_of_nobody(void **state)
{
    (void)state;
    struct scan_facts f;
    struct error e = {0};
    add_axial(&(struct dicom_slice){.units = "CNTS"});
    assert_int_equal(read_facts(&f, &e), 0);
    assert_int_equal(suv_factor(&f, "bw", &e), -1);
    assert_non_null(strstr(e.text, "neither (7053,1000) nor (7053,1009)"));
}

/* SUVType goes with the unit. */
static void suv_types(void **state)
{
    (void)state;
    static const struct {
        const char *units, *type, *carried;
    } cases[] = {{"GML", NULL, "GML"},      {"GML", "BW", "GML"},      {"GML", "LBMJAMES128", "GML LBMJAMES128"},
                 {"GML", "IBW", "GML IBW"}, {"CM2ML", "BSA", "CM2ML"}, {"CM2ML", "BW", "CM2ML BW"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct dicom_image image = {0};
        struct scan_facts f;
        struct error e = {0};
        scan_facts_init(&f);
        strcpy(image.units, cases[i].units);
        strcpy(image.suv_type, cases[i].type ? cases[i].type : "");
        assert_int_equal(series_facts(&image, 1, &f, &e), 0);
        assert_string_equal(f.units, cases[i].carried);
    }
}

static void missing_weight_is_named(void **state)
{
    (void)state;
    struct scan_facts f;
    struct error e = {0};
    add_axial(&(struct dicom_slice){.weight = ""});
    assert_int_equal(read_facts(&f, &e), 0); /* the volume can be read: it is SUV that cannot be made */
    assert_int_equal(suv_factor(&f, "bw", &e), -1);
    assert_non_null(strstr(e.text, "(0010,1030) PatientWeight is missing"));
}

static void expect_refusal(const char *says)
{
    struct scan_facts f;
    struct error e = {0};
    assert_int_equal(read_facts(&f, &e), -1);
    if (!strstr(e.text, says))
        fail_msg("'%s' does not say '%s'", e.text, says);
    if (!strstr(e.text, dir))
        fail_msg("'%s' names no file", e.text);
}

static void missing_slice(void **state)
{
    (void)state;
    add_axial(NULL);
    char *last = slices.name[SLICES - 1]; /* k = 4 of 0..6: in the middle */
    slices.count--;
    expect_refusal("slices are missing between");
    slices.name[slices.count++] = last;
}
static void repeated_slice(void **state)
{
    (void)state;
    add_axial(NULL);
    add(&(struct dicom_slice){.position = "-20\\-13\\-6"});
    expect_refusal("both lie at the same place");
}
static void uneven_slice(void **state)
{
    (void)state;
    add_axial(NULL);
    add(&(struct dicom_slice){.position = "-20\\-13\\16"});
    expect_refusal("unevenly spaced");
}
static void sheared(void **state)
{
    (void)state;
    add_series((double[]){1, 0, 0}, (double[]){0, 1, 0}, (double[]){0, 0.6, 0.8}, NULL);
    expect_refusal("slices are sheared");
}
static void other_direction(void **state)
{
    (void)state;
    add_axial(NULL);
    add(&(struct dicom_slice){.position = "-20\\-13\\15", .orientation = "1\\0\\0\\0\\0\\1"});
    expect_refusal("(0020,0037) ImageOrientationPatient differs");
}
static void other_spacing(void **state)
{
    (void)state;
    add_axial(NULL);
    add(&(struct dicom_slice){.position = "-20\\-13\\15", .spacing = "4\\2.5"});
    expect_refusal("(0028,0030) PixelSpacing differs");
}
static void no_position(void **state)
{
    (void)state;
    add_axial(NULL);
    add(&(struct dicom_slice){.position = ""});
    expect_refusal("(0020,0032) ImagePositionPatient is missing");
}
static void cut_short(void **state)
{
    (void)state;
    struct stat status;
    add_axial(NULL);
    assert_int_equal(stat(slices.name[3], &status), 0);
    /* in its pixels, in its last header fields, in the sequence of the injection, at its very start */
    for (off_t size = status.st_size - 2; size > 0; size = size > 40 ? size - 40 : 0) {
        assert_int_equal(truncate(slices.name[3], size), 0);
        expect_refusal("03.dcm");
    }
}
/* The file is read a page at a time: wherever in a page elements begin and end, what follows them is found. */
static void long_headers(void **state)
{
    (void)state;
    static const size_t sizes[] = {5000, 6500, 6800, 8192, 20000, 100000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t shift = 0; shift < 60; shift += 2) {
            struct dicom_slice s = {.position = "0\\0\\0", .slope = 0.25, .private_bytes = sizes[i] + shift};
            struct dicom_image image;
            struct error e = {0};
            float voxel[SLICE_ROWS * SLICE_COLUMNS];
            char *path = xprintf("%s/long.dcm", dir);
            for (unsigned k = 0; k < COUNT_OF(voxel); k++)
                s.stored[k] = (uint16_t)(65535 - 311 * k);
            dicom_slice_write(path, &s);
            if (dicom_read_image(path, &image, &e) < 0 || dicom_read_voxels(path, &image, voxel, &e) < 0)
                fail_msg("%zu: %s", s.private_bytes, e.text);
            assert_string_equal(image.units, "BQML");
            assert_true(image.dose_bq == 388777472);
            for (unsigned k = 0; k < COUNT_OF(voxel); k++)
                assert_true(voxel[k] == 0.25F * (float)(65535 - 311 * k));
            dicom_image_free(&image);
            unlink(path);
            free(path);
        }
}

/* Between its header and its voxels. */
static void changed_slice(void **state)
{
    (void)state;
    enum { WIDE = 200 };
    static uint16_t pixels[WIDE * WIDE];
    static float voxel[WIDE * WIDE];
    struct dicom_slice s = {.position = "0\\0\\0", .rows = WIDE, .columns = WIDE, .pixels = pixels};
    char *path = xprintf("%s/changed.dcm", dir);
    for (int how = 0; how < 3; how++) {
        struct dicom_image image;
        struct error e = {0};
        dicom_slice_write(path, &s);
        assert_int_equal(dicom_read_image(path, &image, &e), 0);
        if (how == 0)
            assert_int_equal(truncate(path, 30000), 0);
        else if (how == 1)
            assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){{1, 0}, {1, 0}}, 0), 0);
        else
            unlink(path);
        assert_int_equal(dicom_read_voxels(path, &image, voxel, &e), -1);
        if (!strstr(e.text, "it changed while it was read"))
            fail_msg("%d: %s", how, e.text);
        dicom_image_free(&image);
    }
    free(path);
}

static void one_slice(void **state)
{
    (void)state;
    add(&(struct dicom_slice){.position = "0\\0\\0"});
    expect_refusal("one slice is no volume");
}

/* ---- contours ---- */

/* A 10 x 10 x 3 grid of 2 mm voxels, LPS, whose voxel (0,0,0) lies at 0. */
static struct grid plain_grid(void)
{
    struct grid g;
    grid_set(&g, (int64_t[]){3, 10, 10}, (double[]){2, 2, 2}, (double[]){0, 0, 0});
    return g;
}

static void contours(void **state)
{
    (void)state;
    struct grid g = plain_grid();
    struct error e = {0};
    /* LPS mm: voxels 2..7 each way of slice 1, a hole of 4..5, and a triangle that touches the edge on slice 2 */
    double outer[] = {3, 3, 2, 15, 3, 2, 15, 15, 2, 3, 15, 2}, hole[] = {7, 7, 2, 11, 7, 2, 11, 11, 2, 7, 11, 2};
    double beyond[] = {-9, -9, 4.4, 40, -9, 4.4, -9, 40, 4.4};
    struct dicom_contour drawn[] = {{4, outer, false}, {4, hole, false}, {3, beyond, false}};
    struct dicom_roi roi = {.name = "mass", .contour_count = 3, .contour = drawn};
    struct fill_counts counts = {0};
    uint8_t mask[300] = {0};
    assert_int_equal(contours_fill(&roi, &g, mask, &counts, &e), 0);
    for (int y = 0; y < 10; y++)
        for (int x = 0; x < 10; x++) {
            bool in = x >= 2 && x <= 7 && y >= 2 && y <= 7 && !(x >= 4 && x <= 5 && y >= 4 && y <= 5);
            assert_int_equal(mask[y * 10 + x], 0);
            assert_int_equal(mask[100 + y * 10 + x], in);
            assert_int_equal(mask[200 + y * 10 + x], 2 * x + 2 * y < 31);
        }
    double off[] = {3, 3, 90, 15, 3, 90, 15, 15, 90}, across[] = {3, 3, 0, 15, 3, 1.4, 15, 15, 0};
    drawn[0] = (struct dicom_contour){3, off, false};
    assert_int_equal(contours_fill(&roi, &g, mask, &counts, &e), -1);
    assert_non_null(strstr(e.text, "ROI 'mass' lies outside the slices"));
    drawn[0] = (struct dicom_contour){3, across, false};
    assert_int_equal(contours_fill(&roi, &g, mask, &counts, &e), -1);
    assert_non_null(strstr(e.text, "lies between slices"));
}

static void clocks(void **state)
{
    (void)state;
    assert_true(clock_seconds("103500.00") == 38100);
    assert_true(clock_seconds("10:35:00") == 38100);
    assert_true(clock_seconds("000000") == 0 && fabs(clock_seconds("235959.250000") - 86399.25) < 1e-9);
    assert_true(clock_seconds("235959.25+0100") == 86399.25);
    static const char *const bad[] = {"",       "9",       "10:3500", "243500",  "106000",
                                      "1o3500", "103500x", "103500.", "10-35-00"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_true(isnan(clock_seconds(bad[i])));
    assert_true(clock_days("20200301") - clock_days("20200228") == 2); /* a leap year */
    assert_true(clock_days("21000301") - clock_days("21000228") == 1); /* none */
    assert_true(clock_days("20210101") - clock_days("20201231") == 1);
    assert_true(isnan(clock_days("20201301")) && isnan(clock_days("2020")) && isnan(clock_days("2020AB01")));
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, dir_make_fresh, dir_drop)
    const struct CMUnitTest tests[] = {
        IN_DIR(axial),
        IN_DIR(axial_feet_first),
        IN_DIR(coronal),
        IN_DIR(sagittal),
        IN_DIR(facts_by_tag),
        IN_DIR(earliest_bed),
        IN_DIR(missing_weight_is_named),
        IN_DIR(missing_slice),
        IN_DIR(repeated_slice),
        IN_DIR(uneven_slice),
        IN_DIR(sheared),
        IN_DIR(other_direction),
        IN_DIR(other_spacing),
        IN_DIR(no_position),
        IN_DIR(cut_short),
        IN_DIR(one_slice),
        IN_DIR(long_headers),
        IN_DIR(changed_slice),
        IN_DIR(philips_counts),
        IN_DIR(counts_of_nobody),
        IN_DIR(private_blocks),
        IN_DIR(stored_bits),
        IN_DIR(beds_not_corrected),
        cmocka_unit_test(suv_types),
        cmocka_unit_test(contours),
        cmocka_unit_test(clocks),
    };
    return cmocka_run_group_tests_name("load_series", tests, NULL, NULL);
}
