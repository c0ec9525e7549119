/* SPDX-License-Identifier: Apache-2.0 */
/* load_geometry -- where voxels lie, as nibabel and SimpleITK have it (tests/golden/load); shear, sizes, units, NaN; SEG of highdicom. */
#include "stages/load/load.h"
#include "tests/golden/load/files.h"
#include "tests/unit/load_corpus.h"
#include "tests/unit/load_seg_file.h"
#include <math.h>
#include <setjmp.h>
#include <unistd.h>
#include <cmocka.h>

enum { W = 5, H = 3, D = 4, VOXELS = W * H * D };
static const size_t MAX = 1 << 24;
static char dir[64];

static int enter(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/petrel-geometry.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}
static int leave(void **state)
{
    (void)state;
    corpus_keep(dir, "load_geometry");
    dir_remove(dir);
    return 0;
}

static char *save(const char *name, const void *data, size_t size)
{
    struct error e = {0};
    char *path = path_join(dir, name);
    if (publish_bytes(path, data, size, &e) < 0)
        fail_msg("%s", e.text);
    return path;
}

static char *save_golden(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (strcmp(files[i].name, name) == 0)
            return save(name, files[i].bytes, files[i].size);
    fail_msg("no golden file '%s'", name);
    return NULL;
}

/* ---- places ---- */

static void as_others_place_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct nifti n;
        struct error e = {0};
        char *path = save_golden(places[i].name);
        if (image_read(path, MAX, &n, NULL, &e) < 0)
            fail_msg("%s", e.text);
        assert_true(n.grid.dim[0] == D && n.grid.dim[1] == H && n.grid.dim[2] == W);
        for (int r = 0; r < 3; r++)
            for (int c = 0; c < 4; c++)
                if (!(fabs(n.grid.affine[r][c] - places[i].affine[r][c]) < 1e-5))
                    fail_msg("%s: affine[%d][%d] is %g, %s has %g", places[i].name, r, c, n.grid.affine[r][c],
                             places[i].by, places[i].affine[r][c]);
        for (int v = 0; v < VOXELS; v++)
            assert_true(n.voxel[v] == (float)v);
        bool const nowhere = strstr("unplaced.nii nowhere.mha spacings.nrrd", places[i].name) != NULL;
        assert_int_equal(n.placed, !nowhere);
        assert_true(n.sized && n.forms_apart <= 0 && n.nan == 0);
        free(n.voxel);
        free(path);
    }
}

/* ---- headers of ours ---- */

static char *save_text(const char *name, const char *header)
{
    uint8_t all[4000] = {0};
    size_t const length = strlen(header);
    memcpy(all, header, length);
    for (int v = 0; v < VOXELS; v++)
        all[length + (size_t)v] = (uint8_t)v;
    return save(name, all, length + VOXELS);
}

#define MHA(place)                                                                                                     \
    "ObjectType = Image\nNDims = 3\nDimSize = 5 3 4\n" place "ElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
#define NRRD(place)         "NRRD0005\ntype: uchar\ndimension: 3\nsizes: 5 3 4\nencoding: raw\n" place "\n"
#define NRRD_AT(directions) "space: LPS\nspace directions: " directions "\n"

static void read_text(const char *name, const char *header, struct nifti *n)
{
    struct error e = {0};
    char *path = save_text(name, header);
    if (image_read(path, MAX, n, NULL, &e) < 0)
        fail_msg("%s", e.text);
    free(n->voxel);
    n->voxel = NULL;
    free(path);
}

static void expect_refusal(const char *name, const char *header, const char *says)
{
    struct nifti n;
    struct error e = {0};
    char *path = save_text(name, header);
    assert_int_equal(image_read(path, MAX, &n, NULL, &e), -1);
    if (!strstr(e.text, says) || !strstr(e.text, path))
        fail_msg("'%s' does not say '%s' of '%s'", e.text, says, path);
    free(path);
}

static void sizes_and_units(void **state)
{
    (void)state;
    struct nifti n;
    read_text("a.mha", MHA("ElementSpacing = 0.2 0.3 0.4\nOffset = 1 2 3\nDistanceUnits = cm\n"), &n);
    assert_true(fabs(n.grid.spacing_mm[0] - 4) < 1e-12 && fabs(n.grid.affine[2][3] - 30) < 1e-12 && n.sized);
    read_text("b.mha", MHA("Offset = 1 2 3\n"), &n);
    assert_true(!n.sized && !n.placed);
    expect_refusal("c.mha", MHA("ElementSpacing = 2 3 4\nDistanceUnits = furlong\n"), "DistanceUnits is 'furlong'");
    expect_refusal("d.mha", MHA("ElementSpacing = 2 3 4\nElementToIntensityFunctionOffset = 5\n"),
                   "FunctionOffset is '5'");
    read_text("a.nrrd", NRRD(NRRD_AT("(0.2,0,0) (0,0.3,0) (0,0,0.4)") "space units: \"cm\" \"cm\" \"cm\"\n"), &n);
    assert_true(fabs(n.grid.spacing_mm[0] - 4) < 1e-12);
    read_text("b.nrrd", NRRD(NRRD_AT("(2,0,0) (0,3,0) (0,0,4)") "space units: \"mm\" \"mm\" \"mm\"\n"), &n);
    assert_true(n.grid.spacing_mm[0] == 4 && n.placed);
    read_text("c.nrrd", NRRD("spacings: 0.002 0.003 0.004\nunits: \"m\" \"m\" \"m\"\n"), &n);
    assert_true(fabs(n.grid.spacing_mm[0] - 4) < 1e-12 && !n.placed);
    read_text("d.nrrd", NRRD(""), &n);
    assert_false(n.sized);
    expect_refusal("e.nrrd", NRRD(NRRD_AT("(2,0,0) (0,3,0) (0,0,4)") "space units: \"mm\" \"cm\" \"mm\"\n"),
                   "one unit for all");
    expect_refusal("f.nrrd", NRRD(NRRD_AT("(2,0,0) (0,3,0) (0,0,4)") "space units: \"parsec\" \"parsec\" \"parsec\"\n"),
                   "mm, cm, m or um wanted");
    expect_refusal("g.nhdr", NRRD(NRRD_AT("(2,0,0) (0,3,0) (0,0,4)") "data file: LIST\na.raw\nb.raw\n"),
                   "list of files");
}

static void four_dimensions(void **state)
{
    (void)state;
#define MHA4(size, rest)   "NDims = 4\nDimSize = " size "\n" rest "ElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
#define NRRD4(sizes, rest) "NRRD0005\ntype: uchar\ndimension: 4\nsizes: " sizes "\nencoding: raw\n" rest "\n"
    struct nifti n;
    read_text("a.mha", MHA4("5 3 4 1", "ElementSpacing = 2 3 4 1\n"), &n);
    assert_true(n.grid.dim[2] == W && n.grid.spacing_mm[0] == 4);
    expect_refusal("b.mha", MHA4("5 3 2 2", "ElementSpacing = 2 3 4 1\n"), "it holds several volumes");
    expect_refusal("c.mha", MHA4("5 3 4", ""), "DimSize is '5 3 4', not 4 numbers");
    read_text("a.nrrd", NRRD4("5 3 4 1", "spacings: 2 3 4 nan\n"), &n);
    assert_true(n.grid.dim[0] == D && n.grid.spacing_mm[1] == 3);
    read_text("b.nrrd", NRRD4("5 3 1 4", "space: RAS\nspace directions: (2,0,0) (0,3,0) none (0,0,4)\n"), &n);
    assert_true(n.grid.dim[0] == D && n.grid.affine[2][2] == 4 && n.placed);
    expect_refusal("c.nrrd", NRRD4("2 5 3 2", "space: RAS\nspace directions: none (2,0,0) (0,3,0) (0,0,4)\n"),
                   "it holds several volumes");
    expect_refusal("d.nrrd", NRRD4("5 3 2 2", "spacings: 2 3 4 1\n"), "it holds several volumes");
    expect_refusal("e.nrrd", NRRD("dimension: 5\n"), "dimension is '5'");
}

/* Axes that are not perpendicular: refused in every format, by as much as their slices lie beside each other. */
static void shear(void **state)
{
    (void)state;
    struct nifti n;
    struct error e = {0};
    expect_refusal("a.mha", MHA("ElementSpacing = 2 3 4\nTransformMatrix = 1 0 0 0.5 0.866 0 0 0 1\n"),
                   "it is sheared: axes 1 and 2");
    expect_refusal("a.nrrd", NRRD(NRRD_AT("(2,0,0) (0,3,0) (0,1,4)")), "it is sheared: axes 2 and 3");
    struct grid g;
    uint8_t voxel[VOXELS] = {0};
    grid_set(&g, (int64_t[]){D, H, W}, (double[]){4, 3, 2}, (double[]){0, 0, 0});
    g.affine[0][2] = 0.6; /* a tilted gantry */
    char *path = path_join(dir, "tilted.nii");
    assert_int_equal(nifti_write(path, &g, 2, voxel, "tilted", &e), 0);
    assert_int_equal(image_read(path, MAX, &n, NULL, &e), -1);
    assert_non_null(strstr(e.text, "axes 1 and 3"));
    /* rounding is no shear; half a voxel over the whole of a long axis is */
    g.affine[0][2] = 0.03;
    assert_int_equal(nifti_write(path, &g, 2, voxel, "rounded", &e), 0);
    assert_int_equal(image_read(path, MAX, &n, NULL, &e), 0);
    free(n.voxel);
    g.dim[0] = 400;
    assert_int_equal(grid_measure(&g, &e), -1);
    g.dim[0] = 30;
    assert_int_equal(grid_measure(&g, &e), 0);
    free(path);
}

/* ---- what a header leaves open ---- */

static void set16(uint8_t *bytes, size_t at, int value)
{
    bytes[at] = (uint8_t)value;
    bytes[at + 1] = (uint8_t)(value >> 8);
}

static void two_places(void **state)
{
    (void)state;
    struct nifti n;
    struct error e = {0};
    struct buffer file;
    char *path = save_golden("oblique.nii");
    assert_int_equal(file_read(path, MAX, &file, &e), 0);
    set16(file.data, 252, 1); /* qform_code: its quaternion is none of sform's */
    memset(file.data + 256, 0, 24);
    char *other = save("two_places.nii", file.data, file.size);
    assert_int_equal(image_read(other, MAX, &n, NULL, &e), 0);
    assert_true(n.placed && n.forms_apart > 1 && fabs(n.grid.affine[0][3] + 30) < 1e-5);
    free(n.voxel);
    buffer_free(&file);
    free(other);
    free(path);
}

static struct nifti with_nan(const size_t *at, size_t count)
{
    struct nifti n = {.nan = count};
    grid_set(&n.grid, (int64_t[]){5, 5, 5}, (double[]){1, 1, 1}, (double[]){0, 0, 0});
    n.voxel = xalloc(125, sizeof *n.voxel);
    for (size_t i = 0; i < 125; i++)
        n.voxel[i] = (float)i;
    for (size_t i = 0; i < count; i++)
        n.voxel[at[i]] = NAN;
    return n;
}

static void background(void **state)
{
    (void)state;
    struct error e = {0};
    /* a way from the edge into the middle, by a corner of its own */
    struct nifti n = with_nan((size_t[]){2, 27, 52, 57, 62}, 5);
    assert_int_equal(image_air(&n, "x.nii", -7, &e), 0);
    assert_true(n.voxel[62] == -7 && n.voxel[2] == -7 && n.voxel[61] == 61);
    free(n.voxel);
    n = with_nan((size_t[]){2, 62}, 2); /* the middle alone: no background */
    assert_int_equal(image_air(&n, "x.nii", 0, &e), -1);
    assert_non_null(strstr(e.text, "voxel number 62"));
    free(n.voxel);
    n = with_nan(NULL, 0);
    for (size_t i = 0; i < 125; i++)
        n.voxel[i] = NAN;
    n.nan = 125;
    assert_int_equal(image_air(&n, "x.nii", 0, &e), -1);
    assert_non_null(strstr(e.text, "none of its voxels is a number"));
    n.voxel[7] = INFINITY;
    assert_int_equal(nifti_count_nan(&n, "x.nii", &e), -1);
    assert_non_null(strstr(e.text, "voxel number 7 is infinite"));
    free(n.voxel);
}

/* ---- segmentations as highdicom writes them ---- */

static int read_seg(const char *name, struct opt_strings roi, struct volume_message *m, struct error *e)
{
    char *folder = xprintf("%s/%s.d", dir, name), *golden = save_golden(name), *path = path_join(folder, name);
    struct load_options o = {.units = "auto", .salt = "s", .memory_limit = 1 << 28, .roi = roi};
    struct sources found;
    assert_int_equal(dir_make(folder, e), 0);
    assert_int_equal(rename(golden, path), 0);
    for (int k = 0; k < 7; k++) {
        char position[64], *slice = xprintf("%s/%d.dcm", folder, k), *instance = xprintf("1.2.3.4.%d", k + 1);
        snprintf(position, sizeof position, "-20\\-13\\%d", -6 + 3 * k);
        dicom_slice_write(slice, &(struct dicom_slice){.position = position});
        free(instance);
        free(slice);
    }
    assert_int_equal(sources_find(&found, &folder, 1, &o, e), 0);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.item[0].mask, path);
    int rc = scan_read(&found.item[0], &o, m, e);
    sources_free(&found);
    free(path);
    free(golden);
    dir_remove(folder);
    free(folder);
    return rc;
}

static void segmentations(void **state)
{
    (void)state;
    static const struct {
        const char *name, *roi;
        bool first, second;
    } cases[] = {{"labelmap.dcm", NULL, true, true},   {"labelmap.dcm", "two", false, true},
                 {"organ.dcm", NULL, true, false},     {"organ.dcm", "two", false, true},
                 {"binary.dcm", NULL, true, true},     {"binary.dcm", "one", true, false},
                 {"fractional.dcm", NULL, true, true}, {"fractional.dcm", "one", true, false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct volume_message m;
        struct error e = {0};
        struct opt_strings roi = {.count = cases[i].roi != NULL, .value = {cases[i].roi}};
        bool const exclusive = strncmp(cases[i].name, "binary", 6) != 0 && strncmp(cases[i].name, "frac", 4) != 0;
        if (read_seg(cases[i].name, roi, &m, &e) < 0)
            fail_msg("%s: %s", cases[i].name, e.text);
        for (int z = 0; z < 7; z++)
            for (int p = 0; p < SEG_PLANE; p++) {
                bool const one = inside(1, z, p), two = inside(2, z, p) && !(exclusive && one);
                bool const in = (cases[i].first && one) || (cases[i].second && two);
                if (m.volume.mask[z * SEG_PLANE + p] != in)
                    fail_msg("%s --roi %s: voxel %d of slice %d", cases[i].name, cases[i].roi, p, z);
            }
        volume_message_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_others_place_it), cmocka_unit_test(sizes_and_units),
        cmocka_unit_test(four_dimensions),    cmocka_unit_test(shear),
        cmocka_unit_test(two_places),         cmocka_unit_test(background),
        cmocka_unit_test(segmentations),
    };
    return cmocka_run_group_tests_name("load_geometry", tests, enter, leave);
}
