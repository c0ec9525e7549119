/* SPDX-License-Identifier: Apache-2.0 */
/* load_ct -- the CT of a scan: which one it is, its HU, and where they come to lie on the scan's grid. */
#include "stages/load/load.h"
#include "tests/unit/load_corpus.h"
#include "tests/unit/load_dicom_file.h"
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64];
static const struct load_options plain = {.units = "suv", .salt = "s", .memory_limit = 1 << 28},
                                 with_ct = {.units = "suv", .salt = "s", .memory_limit = 1 << 28, .want_ct = true};

static int enter(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/petrel-ct.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static int leave(void **state)
{
    (void)state;
    corpus_keep(dir, "load_ct");
    return nftw(dir, drop_one, 8, FTW_DEPTH | FTW_PHYS);
}

static char *place(const char *name)
{
    struct error e = {0};
    char *path = path_join(dir, name), *parent = path_parent(path);
    if (dir_make(parent, &e) < 0)
        fail_msg("%s", e.text);
    free(parent);
    return path;
}

/* ---- what the files hold: PET voxels of 4 x 2 mm, slices 3 mm apart; CT voxels of 1.5 x 1.25 mm, slices 2 mm apart, begun
 * further in and lower down ---- */

enum { PET_SLICES = 5, CT_SLICES = 7 };
static const double ct_origin[3] = {1.3, 2.7, -3.1}; /* mm LPS x y z */
static uint16_t ct_stored(int64_t z, int64_t y, int64_t x)
{
    return (uint16_t)((z * 317 + y * 191 + x * 473) % 3000);
}

static void pet_slices(const char *folder, const char *series)
{
    for (int z = 0; z < PET_SLICES; z++) {
        char *name = xprintf("%s/%d.dcm", folder, z), *path = place(name), at[32];
        snprintf(at, sizeof at, "0\\0\\%d", 3 * z);
        dicom_slice_write(path, &(struct dicom_slice){.series = series, .position = at});
        free(path);
        free(name);
    }
}

static void ct_slices(const char *folder, const struct dicom_slice *like)
{
    for (int z = 0; z < CT_SLICES; z++) {
        char *name = xprintf("%s/ct%d.dcm", folder, 9 - z), *path = place(name), at[64];
        struct dicom_slice s = *like;
        snprintf(at, sizeof at, "%g\\%g\\%g", ct_origin[0], ct_origin[1], ct_origin[2] + 2 * z);
        s.position = at;
        s.spacing = "1.5\\1.25";
        s.modality = "CT";
        s.slope = 2;
        s.intercept = -1024;
        for (int i = 0; i < SLICE_ROWS * SLICE_COLUMNS; i++)
            s.stored[i] = ct_stored(z, i / SLICE_COLUMNS, i % SLICE_COLUMNS);
        dicom_slice_write(path, &s);
        free(path);
        free(name);
    }
}

/* HU at a point in mm LPS, straight from the formula above: trilinear, the outermost value in the outer half voxel. */
static double hu_at(const double mm[3])
{
    static const double step[3] = {1.25, 1.5, 2};
    static const int64_t dim[3] = {SLICE_COLUMNS, SLICE_ROWS, CT_SLICES};
    double part[3], hu = 0;
    int64_t low[3];
    for (int a = 0; a < 3; a++) {
        double at = (mm[a] - ct_origin[a]) / step[a];
        if (at < -0.5 || at > (double)dim[a] - 0.5)
            return CT_OUTSIDE_HU;
        at = fmin(fmax(at, 0), (double)(dim[a] - 1));
        low[a] = (int64_t)fmin(floor(at), (double)(dim[a] - 2));
        part[a] = at - (double)low[a];
    }
    for (unsigned corner = 0; corner < 8; corner++) {
        double share = 1;
        int64_t at[3];
        for (unsigned a = 0; a < 3; a++) {
            at[a] = low[a] + (corner >> a & 1);
            share *= corner >> a & 1 ? part[a] : 1 - part[a];
        }
        hu += share * (2.0 * ct_stored(at[2], at[1], at[0]) - 1024);
    }
    return hu;
}

static struct sources find(const char *name, const struct load_options *o)
{
    struct sources s;
    struct error e = {0};
    char *path = path_join(dir, name);
    if (sources_find(&s, &path, 1, o, &e) < 0)
        fail_msg("%s", e.text);
    free(path);
    return s;
}

/* Reads the one scan; "" or why it is refused. *m: the caller's. */
static char why[1000];
static const char *read_one(const struct sources *s, const struct load_options *o, struct volume_message *m)
{
    struct error e = {0};
    assert_int_equal(s->count, 1);
    if (scan_read(&s->item[0], o, m, &e) == 0)
        return "";
    snprintf(why, sizeof why, "%s", e.text);
    return why;
}

static const char *read_of(const char *name, const struct load_options *o, struct volume_message *m)
{
    struct sources s = find(name, o);
    const char *said = read_one(&s, o, m);
    sources_free(&s);
    return said;
}

#define assert_says(text, part)                                                                                        \
    do {                                                                                                               \
        if (!strstr(text, part))                                                                                       \
            fail_msg("'%s' does not say '%s'", text, part);                                                            \
    } while (0)

static void agrees(const struct volume *v)
{
    size_t inside = 0;
    assert_non_null(v->ct);
    for (int64_t z = 0; z < v->grid.dim[0]; z++)
        for (int64_t y = 0; y < v->grid.dim[1]; y++)
            for (int64_t x = 0; x < v->grid.dim[2]; x++) {
                double ras[3], hu;
                grid_to_mm(&v->grid, (double[]){(double)z, (double)y, (double)x}, ras);
                hu = hu_at((double[]){-ras[0], -ras[1], ras[2]});
                inside += hu > CT_OUTSIDE_HU;
                if (!(fabs(v->ct[grid_at(&v->grid, z, y, x)] - hu) <= 0.501))
                    fail_msg("voxel %lld %lld %lld has %d HU, not %g", (long long)z, (long long)y, (long long)x,
                             v->ct[grid_at(&v->grid, z, y, x)], hu);
            }
    assert_in_range(inside, 5, grid_voxels(&v->grid) - 5);
}

/* ---- DICOM ---- */

static void a_series_lies_on_its_scan(void **state)
{
    (void)state;
    struct volume_message m;
    pet_slices("visit/pet", "1.2.3.4");
    ct_slices("visit/ct", &(struct dicom_slice){.series = "1.2.3.6"});
    assert_string_equal(read_of("visit", &with_ct, &m), "");
    agrees(&m.volume);
    assert_int_equal(strlen(m.facts.ct_sha256), 64);
    assert_string_equal(m.facts.modality, "PT");
    volume_message_free(&m);
    /* not asked for, it is not there */
    assert_string_equal(read_of("visit", &plain, &m), "");
    assert_null(m.volume.ct);
    assert_string_equal(m.facts.ct_sha256, "");
    volume_message_free(&m);
}

static void another_visit_is_no_company(void **state)
{
    (void)state;
    struct volume_message m;
    static const struct dicom_slice others[] = {
        {.series = "1.2.3.6", .study = "9.9"}, /* another study */
        {.series = "1.2.3.6", .frame = "9.9"}, /* the patient got up */
        {.series = "1.2.3.6", .image_type = "ORIGINAL\\PRIMARY\\LOCALIZER"},
    };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        char *folder = xprintf("company%zu", i), *pet = xprintf("company%zu/pet", i), *ct = xprintf("company%zu/ct", i);
        pet_slices(pet, "1.2.3.4");
        ct_slices(ct, &others[i]);
        assert_says(read_of(folder, &with_ct, &m), "has no CT that is known (channels = pet,ct)");
        assert_null(m.volume.voxel);
        assert_string_equal(read_of(folder, &plain, &m), "");
        volume_message_free(&m);
        ct_slices(pet, &(struct dicom_slice){.series = "1.2.3.7"}); /* beside it the right one */
        assert_string_equal(read_of(folder, &with_ct, &m), "");
        agrees(&m.volume);
        volume_message_free(&m);
        free(folder);
        free(pet);
        free(ct);
    }
}

static void of_two_one_must_be_named(void **state)
{
    (void)state;
    struct volume_message m;
    struct error e = {0};
    pet_slices("two/pet", "1.2.3.4");
    ct_slices("two/soft", &(struct dicom_slice){.series = "1.2.3.6"});
    ct_slices("two/lung", &(struct dicom_slice){.series = "1.2.3.7"});
    const char *said = read_of("two", &with_ct, &m);
    assert_says(said, "two CT series");
    assert_says(said, "two/soft/ct");
    assert_says(said, "two/lung/ct");
    struct load_options named = with_ct;
    named.ct = path_join(dir, "two/soft");
    assert_string_equal(read_of("two", &named, &m), "");
    agrees(&m.volume);
    volume_message_free(&m);
    free((char *)named.ct);

    static const struct {
        const char *name, *says;
    } bad[] = {{"two/pet", "no CT in"}, {"two/nowhere", "no such file or folder"}, {"two/pet/0.dcm", "is no CT"}};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct sources s;
        char *path = path_join(dir, "two");
        named.ct = path_join(dir, bad[i].name);
        assert_int_equal(sources_find(&s, &path, 1, &named, &e), -1);
        assert_says(e.text, bad[i].says);
        sources_free(&s);
        free((char *)named.ct);
        free(path);
    }
}

static void gaps_and_frames_are_refused(void **state)
{
    (void)state;
    struct volume_message m;
    pet_slices("gap/pet", "1.2.3.4");
    ct_slices("gap/ct", &(struct dicom_slice){.series = "1.2.3.6"});
    char *one = path_join(dir, "gap/ct/ct6.dcm");
    assert_int_equal(unlink(one), 0);
    free(one);
    const char *said = read_of("gap", &with_ct, &m);
    assert_says(said, "cannot use the CT '");
    assert_says(said, "slices are missing between");
    assert_string_equal(read_of("gap", &plain, &m), ""); /* its own business */
    volume_message_free(&m);
}

/* ---- images ---- */

enum { SIDE = 6 };
static struct grid cube(double x_mm)
{
    struct grid g;
    grid_set(&g, (int64_t[]){SIDE, SIDE, SIDE}, (double[]){3, 2, 2}, (double[]){x_mm, 5, -7});
    return g;
}

/* An image whose every voxel has one value. */
static void image_of(const char *name, const struct grid *g, float value)
{
    struct error e = {0};
    char *path = place(name);
    float *v = xalloc(grid_voxels(g), sizeof *v);
    for (size_t i = 0; i < grid_voxels(g); i++)
        v[i] = value;
    if (nifti_write(path, g, 16, v, "", &e) < 0)
        fail_msg("%s", e.text);
    free(v);
    free(path);
}

static void the_one_beside_is_taken(void **state)
{
    (void)state;
    struct grid g = cube(0);
    static const struct {
        const char *pet, *ct, *worse;
    } beside[] = {
        {"a/P1/D1/SUV.nii.gz", "a/P1/D1/CTres.nii.gz", "a/P1/D1/CT.nii.gz"},
        {"b/P1/D1/PET.nii.gz", "b/P1/D1/CT.nii", NULL},
        {"c/STS_001_PET.nii.gz", "c/STS_001_CT.nii.gz", "c/CT.nii.gz"},
        {"d/any.nii.gz", "d/any_CTres.nii.gz", "d/any_CT.nii.gz"},
        {"e/imagesTr/fdg_0a1b_2c_0001.nii.gz", "e/imagesTr/fdg_0a1b_2c_0000.nii.gz", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(beside); i++) {
        struct volume_message m;
        char top[2] = {beside[i].pet[0], 0};
        image_of(beside[i].pet, &g, 1);
        assert_says(read_of(top, &with_ct, &m), "has no CT that is known");
        if (beside[i].worse)
            image_of(beside[i].worse, &g, 7);
        image_of(beside[i].ct, &g, -71.4F);
        assert_string_equal(read_of(top, &with_ct, &m), "");
        for (size_t v = 0; v < grid_voxels(&g); v++)
            assert_int_equal(m.volume.ct[v], -71);
        volume_message_free(&m);
    }
}

/* What is more than sixteen bits hold does not become another number by chance. */
static void odd_values_stay_in_bounds(void **state)
{
    (void)state;
    struct grid g = cube(0);
    static const struct {
        float value;
        int hu;
    } odd[] = {{1e9F, 32767}, {-1e9F, -32768}, {3071.5F, 3072}, {-0.4F, 0}};
    image_of("odd/PET.nii.gz", &g, 1);
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        struct volume_message m;
        image_of("odd/CT.nii.gz", &g, odd[i].value);
        assert_string_equal(read_of("odd/PET.nii.gz", &with_ct, &m), "");
        assert_int_equal(m.volume.ct[17], odd[i].hu);
        volume_message_free(&m);
    }
}

static void one_that_lies_elsewhere_is_refused(void **state)
{
    (void)state;
    struct volume_message m;
    struct grid g = cube(0), far = cube(1000);
    image_of("far/PET.nii.gz", &g, 1);
    image_of("far/CT.nii.gz", &far, 40);
    const char *said = read_of("far/PET.nii.gz", &with_ct, &m);
    assert_says(said, "cannot use the CT '");
    assert_says(said, "far/CT.nii.gz': it lies nowhere on its scan");
    assert_null(m.volume.voxel);
    assert_null(m.volume.ct);
}

static void lists_name_it(void **state)
{
    (void)state;
    struct volume_message m;
    struct grid g = cube(0);
    struct sources s;
    image_of("listed/p.nii.gz", &g, 1);
    image_of("listed/p_CT.nii.gz", &g, 1);
    image_of("listed/other.nii.gz", &g, 99);
    static const struct {
        const char *ct, *says;
        int hu;
    } lines[] = {{"other.nii.gz", "", 99},
                 {"", "", 1},
                 {"-", "its list says it has none", 0},
                 {"nowhere.nii.gz", "no such file or folder", 0}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct error e = {0};
        char *text = xprintf("scan\tct\np.nii.gz\t%s\n", lines[i].ct), *path = place("listed/list.tsv");
        assert_int_equal(publish_bytes(path, text, strlen(text), &e), 0);
        int rc = sources_find(&s, &path, 1, &with_ct, &e);
        const char *said = rc < 0 ? e.text : read_one(&s, &with_ct, &m);
        assert_says(said, lines[i].says);
        if (!*lines[i].says) {
            assert_int_equal(m.volume.ct[0], lines[i].hu);
            volume_message_free(&m);
        }
        sources_free(&s);
        free(path);
        free(text);
    }
}

/* The run is another with a CT, and with another CT; without one, the CT does not matter. */
static void the_run_knows_its_ct(void **state)
{
    (void)state;
    struct grid g = cube(0);
    image_of("run/PET.nii.gz", &g, 1);
    image_of("run/CT.nii", &g, 1);
    struct sources s = find("run/PET.nii.gz", &plain);
    uint64_t without = sources_run(&s, &plain), with = sources_run(&s, &with_ct);
    assert_true(without != with);
    sources_free(&s);
    struct grid longer = g;
    longer.dim[0]++;
    image_of("run/CT.nii", &longer, 1);
    s = find("run/PET.nii.gz", &plain);
    assert_true(sources_run(&s, &plain) == without);
    assert_true(sources_run(&s, &with_ct) != with);
    sources_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_lies_on_its_scan),
        cmocka_unit_test(another_visit_is_no_company),
        cmocka_unit_test(of_two_one_must_be_named),
        cmocka_unit_test(gaps_and_frames_are_refused),
        cmocka_unit_test(the_one_beside_is_taken),
        cmocka_unit_test(odd_values_stay_in_bounds),
        cmocka_unit_test(one_that_lies_elsewhere_is_refused),
        cmocka_unit_test(lists_name_it),
        cmocka_unit_test(the_run_knows_its_ct),
    };
    return cmocka_run_group_tests_name("load_ct", tests, enter, leave);
}
