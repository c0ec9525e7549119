/* SPDX-License-Identifier: Apache-2.0 */
/* load_nifti -- NIfTI files made byte by byte: every type and order, and everything that must be refused by name. */
#include "common/gzip.h"
#include "stages/load/load.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { W = 4, H = 3, D = 2, VOXELS = W * H * D, ROOM = 4096 };
static char dir[] = "/tmp/petrel-nifti.XXXXXX";
static const size_t MAX = 1 << 24;

static void put(uint8_t *at, const void *value, size_t width, bool swap)
{
    for (size_t i = 0; i < width; i++)
        at[i] = ((const uint8_t *)value)[swap ? width - 1 - i : i];
}
static void put_i16(uint8_t *at, int v, bool swap)
{
    int16_t n = (int16_t)v;
    put(at, &n, 2, swap);
}
static void put_f32(uint8_t *at, double v, bool swap)
{
    float n = (float)v;
    put(at, &n, 4, swap);
}

/* A NIfTI-1 header for W x H x D, 2 x 3 x 5 mm, sform RAS with its origin at 10, 20, 30. */
static void header1(uint8_t *h, int type, int bits, bool swap)
{
    int32_t size = 348;
    memset(h, 0, 352);
    put(h, &size, 4, swap);
    int const dim[] = {3, W, H, D, 1, 1, 1, 1};
    for (int i = 0; i < 8; i++)
        put_i16(h + 40 + 2 * i, dim[i], swap);
    put_i16(h + 70, type, swap);
    put_i16(h + 72, bits, swap);
    double const pixdim[] = {1, 2, 3, 5};
    for (int i = 0; i < 4; i++)
        put_f32(h + 76 + 4 * i, pixdim[i], swap);
    put_f32(h + 108, 352, swap);
    h[123] = 2;
    put_i16(h + 254, 1, swap);
    double const srow[] = {2, 0, 0, 10, 0, 3, 0, 20, 0, 0, 5, 30};
    for (int i = 0; i < 12; i++)
        put_f32(h + 280 + 4 * i, srow[i], swap);
    memcpy(h + 344, "n+1", 4);
}

static char *save(const char *name, const uint8_t *bytes, size_t size)
{
    struct error e = {0};
    char *path = path_join(dir, name);
    int rc = ends_with(name, ".gz") ? gzip_write(path, bytes, size, 1, &e) : publish_bytes(path, bytes, size, &e);
    if (rc < 0)
        fail_msg("%s", e.text);
    return path;
}

/* Reads it and expects values 0, 1, 2, ... each times slope plus inter. */
static void expect_ramp(char *path, double slope, double inter)
{
    struct nifti n;
    struct error e = {0};
    if (nifti_read(path, MAX, &n, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(n.grid.dim[0], D);
    assert_int_equal(n.grid.dim[1], H);
    assert_int_equal(n.grid.dim[2], W);
    for (int i = 0; i < VOXELS; i++)
        assert_true(fabs(n.voxel[i] - (i * slope + inter)) < 1e-6);
    free(n.voxel);
    free(path);
}

static void every_type(void **state)
{
    (void)state;
    uint8_t file[ROOM];
    for (int swap = 0; swap < 2; swap++) {
        for (int i = 0; i < VOXELS; i++) {
            put_i16(file + 352 + 2 * i, i, swap);
        }
        header1(file, 4, 16, swap);
        expect_ramp(save("i16.nii", file, 352 + 2 * VOXELS), 1, 0);
        header1(file, 512, 16, swap);
        put_f32(file + 112, 0.25, swap);
        put_f32(file + 116, -3, swap);
        expect_ramp(save("u16.nii.gz", file, 352 + 2 * VOXELS), 0.25, -3);
        header1(file, 16, 32, swap);
        for (int i = 0; i < VOXELS; i++)
            put_f32(file + 352 + 4 * i, i, swap);
        expect_ramp(save("f32.nii.gz", file, 352 + 4 * VOXELS), 1, 0);
        header1(file, 64, 64, swap);
        for (int i = 0; i < VOXELS; i++)
            put(file + 352 + 8 * i, &(double){i}, 8, swap);
        expect_ramp(save("f64.nii", file, 352 + 8 * VOXELS), 1, 0);
        header1(file, 8, 32, swap);
        for (int i = 0; i < VOXELS; i++)
            put(file + 352 + 4 * i, &(int32_t){i}, 4, swap);
        expect_ramp(save("i32.nii", file, 352 + 4 * VOXELS), 1, 0);
    }
    header1(file, 2, 8, false);
    for (int i = 0; i < VOXELS; i++)
        file[352 + i] = (uint8_t)i;
    expect_ramp(save("u8.nii", file, 352 + VOXELS), 1, 0);
}

/* The same as NIfTI-2 has it. */
static void header2(uint8_t *file, int type)
{
    put(file, &(int32_t){540}, 4, false);
    memcpy(file + 4, "n+2\0\r\n\032\n", 8);
    put_i16(file + 12, type, false);
    int64_t const dim[] = {3, W, H, D, 1, 1, 1, 1};
    memcpy(file + 16, dim, sizeof dim);
    double const pixdim[] = {1, 2, 3, 5};
    memcpy(file + 104, pixdim, sizeof pixdim);
    put(file + 168, &(int64_t){544}, 8, false);
    put(file + 348, &(int32_t){1}, 4, false);
    double const srow[] = {2, 0, 0, 10, 0, 3, 0, 20, 0, 0, 5, 30};
    memcpy(file + 400, srow, sizeof srow);
}

static void version_2(void **state)
{
    (void)state;
    uint8_t file[ROOM] = {0};
    header2(file, 2);
    for (int i = 0; i < VOXELS; i++)
        file[544 + i] = (uint8_t)i;
    expect_ramp(save("two.nii.gz", file, 544 + VOXELS), 1, 0);
}

/* sform and qform of the same place give the same affine; the half turn that most DICOM converters write included. */
static void places(void **state)
{
    (void)state;
    uint8_t file[ROOM] = {0};
    struct nifti n;
    struct error e = {0};
    static const struct {
        double b, c, d, handed;
        double diagonal[3];
    } turns[] = {
        {0, 0, 1, 1, {-2, -3, 5}}, {0, 0, 0, -1, {2, 3, -5}}, {1, 0, 0, 1, {2, -3, -5}}, {0, 1, 0, -1, {-2, 3, 5}}};
    for (size_t t = 0; t < COUNT_OF(turns); t++) {
        header1(file, 2, 8, false);
        put_i16(file + 254, 0, false);
        put_i16(file + 252, 1, false);
        put_f32(file + 76, turns[t].handed, false);
        double const quatern[] = {turns[t].b, turns[t].c, turns[t].d, 10, 20, 30};
        for (int i = 0; i < 6; i++)
            put_f32(file + 256 + 4 * i, quatern[i], false);
        char *path = save("turned.nii", file, 352 + VOXELS);
        if (nifti_read(path, MAX, &n, &e) < 0)
            fail_msg("%s", e.text);
        assert_true(n.placed);
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++)
                assert_true(fabs(n.grid.affine[i][j] - (i == j ? turns[t].diagonal[i] : 0)) < 1e-5);
            assert_true(fabs(n.grid.affine[i][3] - 10 * (i + 1)) < 1e-5);
        }
        free(n.voxel);
        free(path);
    }
    header1(file, 2, 8, false);
    put_i16(file + 254, 0, false);
    char *path = save("nowhere.nii", file, 352 + VOXELS);
    assert_int_equal(nifti_read(path, MAX, &n, &e), 0);
    assert_false(n.placed);
    assert_true(n.grid.spacing_mm[0] == 5 && n.grid.spacing_mm[1] == 3 && n.grid.spacing_mm[2] == 2);
    free(n.voxel);
    free(path);
}

/* Header and voxels in two files, either packed; the second is found by the first's name, and is part of the scan's digest. */
static void pairs(void **state)
{
    (void)state;
    static const struct {
        const char *header, *voxels;
        bool two, swap;
        int offset;
    } cases[] = {{"a.hdr", "a.img", false, false, 0},
                 {"b.hdr", "b.img.gz", false, true, 0},
                 {"c.hdr.gz", "c.img.gz", false, false, 7},
                 {"d.hdr", "d.img", true, false, 5},
                 {"e.hdr.gz", "e.img", true, false, 0}};
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        uint8_t header[ROOM] = {0}, voxels[8 + 2 * VOXELS] = {0};
        if (cases[c].two) {
            header2(header, 4);
            memcpy(header + 4, "ni2", 4);
            put(header + 168, &(int64_t){cases[c].offset}, 8, false);
        } else {
            header1(header, 4, 16, cases[c].swap);
            memcpy(header + 344, "ni1", 4);
            put_f32(header + 108, cases[c].offset, cases[c].swap);
        }
        for (int i = 0; i < VOXELS; i++)
            put_i16(voxels + cases[c].offset + 2 * i, i, cases[c].swap);
        char *second = save(cases[c].voxels, voxels, (size_t)cases[c].offset + 2 * VOXELS),
             *path = save(cases[c].header, header, cases[c].two ? 540 : 348);
        char *told = NULL;
        struct nifti n;
        struct error e = {0};
        if (image_read(path, MAX, &n, &told, &e) < 0)
            fail_msg("%s", e.text);
        assert_string_equal(told, second);
        assert_true(n.placed && n.grid.affine[2][3] == 30);
        free(told);
        told = NULL;
        free(n.voxel);
        expect_ramp(xstrdup(path), 1, 0);
        /* cut short; gone */
        free(save(cases[c].voxels, voxels, (size_t)cases[c].offset + 2 * VOXELS - 1));
        assert_int_equal(image_read(path, MAX, &n, &told, &e), -1);
        if (told || n.voxel || !strstr(e.text, cases[c].voxels) || !strstr(e.text, "cut short"))
            fail_msg("%s: %s", cases[c].header, e.text);
        unlink(second);
        assert_int_equal(image_read(path, MAX, &n, &told, &e), -1);
        assert_non_null(strstr(e.text, "which is not there"));
        free(second);
        free(path);
    }
}

static void expect_refusal(char *path, const char *says)
{
    struct nifti n;
    struct error e = {0};
    assert_int_equal(nifti_read(path, MAX, &n, &e), -1);
    assert_null(n.voxel);
    if (!strstr(e.text, says) || !strstr(e.text, path))
        fail_msg("'%s' does not say '%s' of '%s'", e.text, says, path);
    assert_int_equal(e.code, EX_DATAERR);
    free(path);
}

static void refused_by_name(void **state)
{
    (void)state;
    uint8_t file[ROOM];
#define GOOD (header1(file, 2, 8, false), memset(file + 352, 1, VOXELS))
    GOOD;
    put_i16(file + 40, 200, false); /* the file that smashes libnifti's stack */
    expect_refusal(save("stack.nii", file, 800), "header says 200 dimensions (at most 7)");
    expect_refusal(save("stack.nii.gz", file, 800), "header says 200 dimensions (at most 7)");
    GOOD;
    put_i16(file + 40, -1, false);
    expect_refusal(save("a.nii", file, 800), "header says -1 dimensions");
    GOOD;
    put_i16(file + 40, 2, false);
    expect_refusal(save("b.nii", file, 800), "a scan has 3");
    GOOD;
    put_i16(file + 40, 4, false);
    put_i16(file + 48, 9, false);
    expect_refusal(save("c.nii", file, 800), "dim[4] is 9: it holds several volumes");
    GOOD;
    put_i16(file + 44, 0, false);
    expect_refusal(save("d.nii", file, 800), "dim[2] is 0");
    GOOD;
    for (int i = 1; i <= 3; i++)
        put_i16(file + 40 + 2 * i, 32767, false); /* 35 terabytes in 800 bytes */
    expect_refusal(save("e.nii", file, 800), "are more than the 800 bytes there are");
    GOOD;
    expect_refusal(save("f.nii", file, 352 + VOXELS - 1), "cut short");
    expect_refusal(save("g.nii", file, 347), "347 bytes are no NIfTI file");
    GOOD;
    put_i16(file + 70, 128, false);
    expect_refusal(save("h.nii", file, 800), "datatype 128");
    GOOD;
    put_f32(file + 108, -8, false);
    expect_refusal(save("i.nii", file, 800), "vox_offset is -8");
    put_f32(file + 108, 1e30, false);
    expect_refusal(save("j.nii", file, 800), "cut short");
    GOOD;
    put_f32(file + 280, NAN, false);
    expect_refusal(save("k.nii", file, 800), "sform holds something that is no number");
    GOOD;
    memset(file + 280, 0, 48);
    expect_refusal(save("l.nii", file, 800), "voxels are 0 mm along axis 1");
    GOOD;
    put_f32(file + 280, 0, false);
    put_f32(file + 296, 2, false); /* x runs along y, too */
    expect_refusal(save("m.nii", file, 800), "two of its axes run the same way");
    GOOD;
    memset(file + 344, 0, 4);
    expect_refusal(save("n.nii", file, 800), "no magic");
    GOOD;
    memcpy(file + 344, "ni1", 4);
    expect_refusal(save("o.nii", file, 800), "second file of the same name (.img or .img.gz), which is not there");
    memset(file, 7, sizeof file);
    expect_refusal(save("p.nii", file, 800), "not NIfTI");
    header1(file, 16, 32, false);
    memset(file + 352, 0, 4 * VOXELS);
    put_f32(file + 352 + 4 * 5, NAN, false);
    expect_refusal(save("q.nii", file, 352 + 4 * VOXELS), "voxel number 5 is no number");
    /* a truncated .gz */
    GOOD;
    char *whole = save("whole.nii.gz", file, 352 + VOXELS);
    struct buffer packed = {0};
    struct error e = {0};
    assert_int_equal(file_read(whole, MAX, &packed, &e), 0);
    char *cut = path_join(dir, "cut.nii.gz");
    assert_int_equal(publish_bytes(cut, packed.data, packed.size - 12, &e), 0);
    expect_refusal(cut, "cut.nii.gz");
    buffer_free(&packed);
    free(whole);
    /* bytes that fit, but not as floats */
    struct nifti n;
    uint8_t *large = xalloc(352 + 32 * 32 * 32, 1);
    header1(large, 2, 8, false);
    for (int i = 1; i <= 3; i++)
        put_i16(large + 40 + 2 * i, 32, false);
    char *path = save("large.nii", large, 352 + 32 * 32 * 32);
    assert_int_equal(nifti_read(path, 200000, &n, &e), -1);
    assert_non_null(strstr(e.text, "--memory-limit"));
    assert_int_equal(nifti_read(path, 300000, &n, &e), 0);
    free(n.voxel);
    free(large);
    free(path);
}

static void masks(void **state)
{
    (void)state;
    uint8_t file[ROOM];
    struct nifti n;
    struct error e = {0};
    struct turn turned;
    uint8_t *mask;
    header1(file, 2, 8, false);
    for (int i = 0; i < VOXELS; i++)
        file[352 + i] = i == 5;
    char *scan = save("scan.nii", file, 352 + VOXELS), *same = save("same.nii.gz", file, 352 + VOXELS);
    assert_int_equal(nifti_read(scan, MAX, &n, &e), 0);
    struct grid lps = n.grid;
    void *voxel = n.voxel;
    volume_turn_lps(&lps, &turned, &voxel, sizeof(float));
    /* stored RAS: x and y are turned, so voxel 5 (x 1, y 1) of 4 x 3 becomes x 2, y 1 */
    assert_int_equal(mask_read(same, MAX, &n.grid, true, &lps, &mask, &e), 0);
    for (int i = 0; i < VOXELS; i++)
        assert_int_equal(mask[i], i == W + 2);
    free(mask);
    /* the same mask stored from left to right says so and is turned */
    put_f32(file + 280, -2, false);
    put_f32(file + 292, 10 + 2 * (W - 1), false);
    memset(file + 352, 0, VOXELS);
    file[352 + W + 2] = 1;
    char *mirrored = save("mirrored.nii", file, 352 + VOXELS);
    assert_int_equal(mask_read(mirrored, MAX, &n.grid, true, &lps, &mask, &e), 0);
    for (int i = 0; i < VOXELS; i++)
        assert_int_equal(mask[i], i == W + 2);
    free(mask);
    /* a mask that does not say where it lies is stored as its scan is */
    header1(file, 2, 8, false);
    put_i16(file + 254, 0, false);
    file[352 + W + 2] = 0;
    file[352 + 5] = 1;
    char *nowhere = save("nowhere.nii", file, 352 + VOXELS);
    assert_int_equal(mask_read(nowhere, MAX, &n.grid, true, &lps, &mask, &e), 0);
    assert_int_equal(mask[W + 2], 1);
    free(mask);
    /* another shape, another place */
    header1(file, 2, 8, false);
    put_i16(file + 42, W - 1, false);
    char *narrow = save("narrow.nii", file, 352 + VOXELS);
    assert_int_equal(mask_read(narrow, MAX, &n.grid, true, &lps, &mask, &e), -1);
    assert_non_null(strstr(e.text, "it has 3 x 3 x 2 voxels, its scan 4 x 3 x 2"));
    assert_non_null(strstr(e.text, narrow));
    header1(file, 2, 8, false);
    put_f32(file + 292, 11.5, false);
    char *beside = save("beside.nii", file, 352 + VOXELS);
    assert_int_equal(mask_read(beside, MAX, &n.grid, true, &lps, &mask, &e), -1);
    assert_non_null(strstr(e.text, "its corners lie 0.8 voxels from its scan's"));
    char *const paths[] = {scan, same, mirrored, nowhere, narrow, beside};
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        free(paths[i]);
    free(voxel);
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    (void)state;
    struct names in = {0};
    if (dir_list(dir, &in, NULL) < 0)
        return -1;
    for (size_t i = 0; i < in.count; i++) {
        char *path = path_join(dir, in.name[i]);
        unlink(path);
        free(path);
    }
    names_free(&in);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),      cmocka_unit_test(version_2), cmocka_unit_test(places),
        cmocka_unit_test(refused_by_name), cmocka_unit_test(masks),     cmocka_unit_test(pairs),
    };
    return cmocka_run_group_tests_name("load_nifti", tests, make_dir, drop_dir);
}
