/* SPDX-License-Identifier: Apache-2.0 */
/* export_objects -- SEG and RTSTRUCT of made series, read back by petrel-load's own readers: every voxel where it was, whichever way the slices
 * lie and whatever order their files are in; whose they are; the same bytes again. */
#include "common/rng.h"
#include "stages/export/layout.h"
#include "tests/unit/load_enhanced_file.h"
#include "tests/unit/load_folder.h"
#include <math.h>

enum { SLICES = 7, VOXELS = SLICES * SLICE_ROWS * SLICE_COLUMNS, REGIONS = 4 };

/* ---- a series, and findings in it ---- */

struct lie {
    const char *what;
    double row[3], column[3], step[3]; /* unit vectors, LPS: along a row, down a column, from slice to slice */
};
static const struct lie lies[] = {
    {"axial", {1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
    {"axial, head first", {1, 0, 0}, {0, 1, 0}, {0, 0, -1}},
    {"axial, feet first and prone", {-1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
    {"coronal", {1, 0, 0}, {0, 0, -1}, {0, 1, 0}},
    {"coronal, from behind", {1, 0, 0}, {0, 0, -1}, {0, -1, 0}},
    {"sagittal", {0, 1, 0}, {0, 0, -1}, {1, 0, 0}},
    {"sagittal, other side first", {0, 1, 0}, {0, 0, -1}, {-1, 0, 0}},
    {"oblique", {0.8, 0.6, 0}, {-0.48, 0.64, 0.6}, {0.36, -0.48, 0.8}},
    {"doubly oblique, backwards", {0, 0.8, 0.6}, {0.6, -0.48, 0.64}, {-0.8, -0.36, 0.48}},
};

static void slice_make(struct dicom_slice *s, const struct lie *l, int k, char text[3][160])
{
    double at[3];
    for (int i = 0; i < 3; i++)
        at[i] = -14 + 7 * i + 3 * k * l->step[i];
    snprintf(text[0], 160, "%.9g\\%.9g\\%.9g", at[0], at[1], at[2]);
    snprintf(text[1], 160, "%g\\%g\\%g\\%g\\%g\\%g", l->row[0], l->row[1], l->row[2], l->column[0], l->column[1],
             l->column[2]);
    snprintf(text[2], 160, "1.2.3.4.5.%d", k + 1);
    s->position = text[0];
    s->orientation = text[1];
    if (!s->instance)
        s->instance = text[2];
    for (int i = 0; i < SLICE_ROWS * SLICE_COLUMNS; i++)
        s->stored[i] = (uint16_t)(1000 + 37 * i + 501 * k);
}

/* In a mixed order. */
static void series_write(const struct lie *l, const struct dicom_slice *like)
{
    for (int n = 0; n < SLICES; n++) {
        struct dicom_slice s = like ? *like : (struct dicom_slice){0};
        char text[3][160], *path = xprintf("%s/%02d.dcm", dir, n);
        slice_make(&s, l, n * 3 % SLICES, text);
        dicom_slice_write(path, &s);
        free(path);
    }
}

/* What classify would have found in it: regions anywhere, some of them in pieces and with holes. */
static void findings_make(struct findings *f)
{
    struct sources s;
    struct volume_message m;
    struct error e = {0};
    struct rng r = rng_make(3, RNG_TEST, 0);
    void *none = NULL;
    found_at("", &s);
    assert_int_equal(s.count, 1);
    if (read_one(&s, 0, &m, &e) < 0)
        fail_msg("%s", e.text);
    *f = (struct findings){.count = REGIONS, .threshold = 0.5};
    f->grid = m.volume.grid;
    volume_turn_back(&f->grid, &m.volume.turned, &none, 2); /* no voxels: the grid alone */
    format_into(f->source_sha256, sizeof f->source_sha256, "%s", m.facts.sha256);
    format_into(f->version, sizeof f->version, "1.0");
    format_into(f->model_sha256, sizeof f->model_sha256, "%064d", 7);
    volume_message_free(&m);
    sources_free(&s);
    f->label = xalloc(VOXELS, sizeof *f->label);
    f->finding = xalloc(REGIONS, sizeof *f->finding);
    for (int i = 0; i < REGIONS; i++) {
        struct finding *g = &f->finding[i];
        *g = (struct finding){.number = 2 * i + 1,
                              .tumour = i % 2,
                              .probability = 0.125 + 0.25 * i,
                              .suv_max = 5 + i,
                              .suv_mean = 3,
                              .suv_peak = 4,
                              .ml = 1,
                              .tlg_g = 3};
        format_into(g->tracking_id, sizeof g->tracking_id, "region %d", g->number);
        uid_derive(g->tracking_id, g->tracking_uid);
    }
    for (int i = 0; i < VOXELS; i++)
        if (rng_uniform(&r) < 0.6F) {
            struct finding *g = &f->finding[rng_below(&r, REGIONS)];
            f->label[i] = (uint16_t)g->number;
            g->voxels++;
        }
    bytes_sha256(f->label, VOXELS * sizeof *f->label, f->label_sha256);
}

struct made {
    struct findings findings;
    struct dicom_series *series;
    size_t count;
    struct dicom_object object;
};

static void made_open(struct made *m)
{
    struct error e = {0};
    char *path = dir, hex[65];
    findings_make(&m->findings);
    if (dicom_series_find(&path, 1, &m->series, &m->count, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(m->count, 1);
    assert_int_equal(files_sha256((const char *const *)m->series->file.name, m->series->file.count, hex, &e), 0);
    assert_string_equal(hex, m->findings.source_sha256);
    m->object = (struct dicom_object){.series = m->series, .findings = &m->findings};
    if (layout_make(&m->object, &e) < 0)
        fail_msg("%s", e.text);
}

static void made_close(struct made *m)
{
    layout_free(&m->object);
    dicom_series_free(m->series, m->count);
    findings_free(&m->findings);
}

/* ---- read back ---- */

/* The voxel of the label map that lies there, mm LPS; they lie on each other. */
static size_t voxel_at(const struct findings *f, const double lps[3])
{
    double const ras[3] = {-lps[0], -lps[1], lps[2]};
    double zyx[3];
    struct error e = {0};
    assert_int_equal(grid_from_mm(&f->grid, ras, zyx, &e), 0);
    for (int a = 0; a < 3; a++)
        assert_true(fabs(zyx[a] - round(zyx[a])) < 1e-3 && zyx[a] > -0.5 && zyx[a] < (double)f->grid.dim[a] - 0.5);
    return grid_at(&f->grid, llround(zyx[0]), llround(zyx[1]), llround(zyx[2]));
}

static void seg_is(const char *path, const struct made *m)
{
    struct dicom_segmentation s;
    struct error e = {0};
    uint16_t back[VOXELS] = {0};
    if (dicom_read_segmentation(path, true, &s, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(s.kind, SEG_BITS);
    assert_int_equal(s.segment_count, REGIONS);
    for (size_t f = 0; f < s.frame_count; f++)
        for (size_t p = 0; p < s.rows * s.columns; p++) {
            double lps[3];
            for (int i = 0; i < 3; i++)
                lps[i] = s.frame[f].position_mm[i] + (double)(p % s.columns) * s.pixel_spacing_mm[1] * s.orientation[i] +
                         (double)(p / s.columns) * s.pixel_spacing_mm[0] * s.orientation[3 + i];
            size_t const at = voxel_at(&m->findings, lps);
            if (dicom_segmentation_at(&s, f, p)) {
                assert_int_equal(back[at], 0);
                back[at] = (uint16_t)m->findings.finding[s.frame[f].segment - 1].number;
            }
        }
    assert_memory_equal(back, m->findings.label, sizeof back);
    assert_string_equal(s.segment[1].type, "TUMOUR");
    assert_true(dicom_refers_to(&s.refers, "1.2.3.4", NULL));
    assert_true(dicom_refers_to(&s.refers, "", "1.2.3.5"));
    dicom_segmentation_free(&s);
}

static void rtstruct_is(const char *path, const struct made *m)
{
    struct dicom_structures s;
    struct error e = {0};
    if (dicom_read_structures(path, &s, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(s.roi_count, REGIONS);
    const double *a = m->series->orientation, *b = a + 3;
    for (size_t p = 0; p < m->series->plane_count; p++)
        for (int r = 0; r < SLICE_ROWS; r++)
            for (int c = 0; c < SLICE_COLUMNS; c++) {
                double lps[3];
                int inside = 0;
                for (int i = 0; i < 3; i++)
                    lps[i] = m->series->plane[p].position_mm[i] + 2 * c * a[i] + 4 * r * b[i];
                for (size_t roi = 0; roi < s.roi_count; roi++)
                    for (size_t k = 0; k < s.roi[roi].contour_count; k++) {
                        const struct dicom_contour *line = &s.roi[roi].contour[k];
                        bool in = false;
                        double off = 0;
                        for (size_t i = 0; i < line->count; i++) { /* in the plane's own axes, its pixel in the middle */
                            const double *from = line->point_mm + 3 * i,
                                         *to = line->point_mm + 3 * ((i + 1) % line->count);
                            double u[2], v[2];
                            for (int n = 0; n < 2; n++) {
                                const double *point = n ? to : from;
                                u[n] = v[n] = 0;
                                for (int q = 0; q < 3; q++) {
                                    u[n] += (point[q] - lps[q]) * a[q];
                                    v[n] += (point[q] - lps[q]) * b[q];
                                }
                            }
                            double const n[3] = {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
                                                 a[0] * b[1] - a[1] * b[0]};
                            for (int q = 0; q < 3; q++)
                                off += (from[q] - lps[q]) * n[q] / (double)line->count;
                            if ((v[0] <= 0) != (v[1] <= 0) && u[0] + (u[1] - u[0]) * (0 - v[0]) / (v[1] - v[0]) > 0)
                                in = !in;
                        }
                        if (fabs(off) < 0.01 && in)
                            inside += m->findings.finding[roi].number;
                    }
                assert_int_equal(inside, m->findings.label[voxel_at(&m->findings, lps)]);
            }
    dicom_structures_free(&s);
}

static void objects_are_right(struct made *m)
{
    struct error e = {0};
    char *seg = path_join(dir, "seg"), *rt = path_join(dir, "rt"), *sr = path_join(dir, "sr");
    if (dicom_seg_write(seg, &m->object, OBJECT_SEGMENTS, &e) < 0 || dicom_rtstruct_write(rt, &m->object, &e) < 0 ||
        dicom_sr_write(sr, &m->object, &e) < 0)
        fail_msg("%s", e.text);
    seg_is(seg, m);
    rtstruct_is(rt, m);
    free(seg);
    free(rt);
    free(sr);
}

static void every_voxel_where_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        struct made m;
        print_message("# %s\n", lies[i].what);
        folder_empty();
        series_write(&lies[i], NULL);
        made_open(&m);
        objects_are_right(&m);
        made_close(&m);
    }
}

static void frames_of_one_file(void **state)
{
    (void)state;
    struct dicom_slice slice[SLICES] = {0};
    char text[SLICES][3][160];
    struct made m;
    folder_empty();
    for (int k = 0; k < SLICES; k++)
        slice_make(&slice[k], &lies[0], k * 3 % SLICES, text[k]);
    char *path = path_join(dir, "all.dcm");
    enhanced_write(path, &(struct enhanced){.slice = slice, .count = SLICES});
    free(path);
    made_open(&m);
    assert_int_equal(m.series->plane_count, SLICES);
    assert_int_equal(m.series->plane[2].frame, 3);
    objects_are_right(&m);
    made_close(&m);
}

/* ---- whose it is ---- */

static void holds_bytes(const char *name, const char *bytes, bool yes)
{
    struct buffer b;
    struct error e = {0};
    char *path = path_join(dir, name);
    assert_int_equal(file_read(path, 1 << 24, &b, &e), 0);
    if ((memmem(b.data, b.size, bytes, strlen(bytes)) != NULL) != yes)
        fail_msg("'%s' %s '%s'", name, yes ? "does not hold" : "holds", bytes);
    buffer_free(&b);
    free(path);
}

/* Names in another alphabet, longer than the standard allows: carried as they are, with the character set they are in. */
static void identity_is_the_source_s(void **state)
{
    (void)state;
    static const char name[] = "Yamada^Tarou=\033$B;3ED\033(B^\033$BB@O:\033(B=\033$B$d$^$@\033(B^\033$B$?$m$&\033(B";
    static const char long_name[] =
        "M\xfcller-L\xfc"
        "denscheidt-von und zu Hohenzollern-Sigmaringen-Schleswig-Holstein-Sonderburg^Anna Maria";
    static const struct {
        const char *charset, *name;
    } who[] = {{"\\ISO 2022 IR 87", name},
               {"ISO_IR 100", long_name},
               {"ISO_IR 192", "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd\xd0\xbe\xd0\xb2^\xd0\x98"}};
    for (size_t i = 0; i < COUNT_OF(who); i++) {
        struct made m;
        folder_empty();
        series_write(&lies[0],
                     &(struct dicom_slice){.charset = who[i].charset, .name = who[i].name, .patient = "ID 4711 / B"});
        made_open(&m);
        objects_are_right(&m);
        for (size_t k = 0; k < 3; k++) {
            const char *const file = (const char *[]){"seg", "rt", "sr"}[k];
            holds_bytes(file, who[i].charset, true);
            holds_bytes(file, who[i].name, true);
            holds_bytes(file, "ID 4711 / B", true);
            holds_bytes(file, "20200131", true); /* its day; ours is not in it */
        }
        made_close(&m);
    }
}

static void digest_of(const char *name, char hex[65])
{
    struct error e = {0};
    char *path = path_join(dir, name);
    assert_int_equal(file_sha256(path, hex, &e), 0);
    free(path);
}

static void again_the_same_bytes(void **state)
{
    (void)state;
    static const char *const file[] = {"seg", "rt", "sr"};
    struct made m;
    char before[3][65], after[65], uid[UID_SIZE], other[UID_SIZE];
    folder_empty();
    series_write(&lies[0], NULL);
    made_open(&m);
    objects_are_right(&m);
    for (int i = 0; i < 3; i++)
        digest_of(file[i], before[i]);
    dicom_uid(&m.object, OBJECT_SEGMENTS, "object", uid);
    objects_are_right(&m);
    for (int i = 0; i < 3; i++) {
        digest_of(file[i], after);
        assert_string_equal(before[i], after);
    }
    m.findings.finding[2].tumour ^= 1; /* another answer is another object */
    dicom_uid(&m.object, OBJECT_SEGMENTS, "object", other);
    assert_string_not_equal(uid, other);
    m.findings.finding[2].tumour ^= 1;
    format_into(m.findings.model_sha256, sizeof m.findings.model_sha256, "%064d", 8);
    dicom_uid(&m.object, OBJECT_SEGMENTS, "object", other);
    assert_string_not_equal(uid, other);
    dicom_uid(&m.object, OBJECT_REPORT, "object", other);
    assert_string_not_equal(uid, other);
    made_close(&m);
}

/* An archive whose slices all have one SOPInstanceUID: counted, and each slice still at its place. */
static void instances_that_repeat(void **state)
{
    (void)state;
    struct made m;
    folder_empty();
    series_write(&lies[0], &(struct dicom_slice){.instance = "1.2.3.4.5.9"});
    made_open(&m);
    assert_int_equal(m.series->repeated, SLICES - 1);
    objects_are_right(&m);
    made_close(&m);
}

static void copies_count_once(void **state)
{
    (void)state;
    struct made m;
    folder_empty();
    series_write(&lies[0], NULL);
    struct dicom_slice s = {0};
    char text[3][160], *path = path_join(dir, "zz.dcm");
    slice_make(&s, &lies[0], 0, text);
    dicom_slice_write(path, &s);
    free(path);
    made_open(&m);
    assert_int_equal(m.series->plane_count, SLICES);
    assert_int_equal(m.series->repeated, 0);
    made_close(&m);
}

/* ---- what is refused ---- */

static void another_series(void **state)
{
    (void)state;
    struct made m;
    struct error e = {0};
    folder_empty();
    series_write(&lies[0], NULL);
    made_open(&m);
    layout_free(&m.object);
    m.findings.grid.affine[1][3] += 2;
    assert_int_equal(layout_make(&m.object, &e), -1);
    assert_non_null(strstr(e.text, "do not lie on the label map"));
    layout_free(&m.object);
    m.findings.grid.affine[1][3] -= 2;
    m.findings.grid.dim[0]--;
    assert_int_equal(layout_make(&m.object, &e), -1);
    assert_non_null(strstr(e.text, "7 slices of 5 x 6 pixels"));
    made_close(&m);
}

static void uids_are_uuids(void **state)
{
    (void)state;
    char a[UID_SIZE], b[UID_SIZE];
    uid_derive("abc", a);
    /* SHA-256 of "abc" is ba7816bf 8f01cfea 414140de 5dae2223 ...: with version and variant ba7816bf-8f01-8fea-8141-40de5dae2223 */
    assert_string_equal(a, "2.25.247859944228867097191300499870369849891");
    uid_derive("abd", b);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_voxel_where_it_was), cmocka_unit_test(frames_of_one_file),
        cmocka_unit_test(identity_is_the_source_s), cmocka_unit_test(again_the_same_bytes),
        cmocka_unit_test(instances_that_repeat),    cmocka_unit_test(copies_count_once),
        cmocka_unit_test(another_series),           cmocka_unit_test(uids_are_uuids)};
    return cmocka_run_group_tests_name("export_objects", tests, folder_enter, folder_leave);
}
