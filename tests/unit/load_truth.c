/* SPDX-License-Identifier: Apache-2.0 */
/* load_truth -- RTSTRUCT and SEG of every kind as truth of a small series: what is drawn, what is left out aloud, what is refused. */
#include "stages/load/load.h"
#include "tests/unit/load_corpus.h"
#include "tests/unit/load_rt_file.h"
#include <fcntl.h>
#include <setjmp.h>
#include <unistd.h>
#include <cmocka.h>

enum { SLICES = 7, PLANE = SEG_PLANE };
static char dir[64], said[8000];

static char *at(const char *name)
{
    return path_join(dir, name);
}

static void slices_write(const char *folder, const char *series)
{
    struct error e = {0};
    char *in = at(folder);
    assert_int_equal(dir_make(in, &e), 0);
    for (int k = 0; k < SLICES; k++) {
        char position[64], *path = xprintf("%s/%d.dcm", in, k);
        snprintf(position, sizeof position, "-20\\-13\\%d", -6 + 3 * k);
        dicom_slice_write(path, &(struct dicom_slice){.position = position, .series = series});
        free(path);
    }
    free(in);
}

static int enter(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/petrel-truth.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    slices_write("PT", NULL);
    return 0;
}
static int leave(void **state)
{
    (void)state;
    dir_remove(dir);
    return 0;
}

/* ---- what is said on stderr ---- */

static int aside = -1;
static void listen(void)
{
    char *path = at("said");
    int to = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fflush(stderr);
    aside = dup(2);
    dup2(to, 2);
    close(to);
    free(path);
}
static void heard(void)
{
    char *path = at("said");
    fflush(stderr);
    dup2(aside, 2);
    close(aside);
    FILE *from = fopen(path, "r");
    said[fread(said, 1, sizeof said - 1, from)] = '\0';
    fclose(from);
    unlink(path);
    free(path);
}
static void expect_said(const char *text)
{
    if (!strstr(said, text))
        fail_msg("'%s' is not in what was said: %s", text, said);
}

/* The folder, as a whole: the first scan of it. */
static int read_folder(const struct load_options *o, struct volume_message *m, struct error *e)
{
    struct sources found;
    char *folder = dir;
    listen();
    int rc = sources_find(&found, &folder, 1, o, e);
    size_t first = 0;
    while (rc == 0 && first + 1 < found.count && found.item[first].kind == SOURCE_REFUSED)
        first++;
    if (rc == 0)
        rc = scan_read(&found.item[first], o, m, e);
    heard();
    sources_free(&found);
    corpus_keep(dir, "load_truth");
    return rc;
}

#define PLAIN .units = "auto", .salt = "s", .memory_limit = 1 << 28

static size_t truth_count(const struct rt *s, struct load_options o, uint8_t *mask)
{
    struct volume_message m;
    struct error e = {0};
    char *path = at("rs.dcm");
    rt_write(path, s);
    if (read_folder(&o, &m, &e) < 0)
        fail_msg("%s", e.text);
    size_t count = 0;
    for (size_t v = 0; v < SLICES * PLANE; v++)
        count += m.volume.mask[v];
    if (mask)
        memcpy(mask, m.volume.mask, SLICES * PLANE);
    volume_message_free(&m);
    free(path);
    return count;
}

static void expect_refused(const struct rt *s, struct load_options o, const char *says)
{
    struct volume_message m;
    struct error e = {0};
    char *path = at("rs.dcm");
    rt_write(path, s);
    assert_int_equal(read_folder(&o, &m, &e), -1);
    if (!strstr(e.text, says))
        fail_msg("'%s' does not say '%s'", e.text, says);
    free(path);
}

#define ALL         ((struct load_options){PLAIN})
#define ONLY(name_) ((struct load_options){PLAIN, .roi = {1, {name_}}})
#define GTV(...)                                                                                                       \
    (&(struct rt){.named = {{"1", "GTV", NULL, NULL}},                                                                 \
                  .named_count = 1,                                                                                    \
                  .drawn = {{"1", {__VA_ARGS__}, (int)COUNT_OF(((struct rt_contour[]){__VA_ARGS__}))}},                \
                  .drawn_count = 1})
#define BOX(x0, x1, y0, y1, slice)                                                                                     \
    {                                                                                                                  \
        NULL, x0, x1, y0, y1, slice, NULL, NULL                                                                        \
    }
#define TYPED(type, x0, x1, y0, y1, slice)                                                                             \
    {                                                                                                                  \
        type, x0, x1, y0, y1, slice, NULL, NULL                                                                        \
    }

/* ---- contours ---- */

static void contours(void **state)
{
    (void)state;
    uint8_t mask[SLICES * PLANE];
    assert_int_equal(truth_count(GTV(BOX(1, 3, 1, 4, 2)), ALL, mask), 12);
    for (int z = 0; z < SLICES; z++)
        for (int p = 0; p < PLANE; p++) {
            int const x = p % SLICE_COLUMNS, y = p / SLICE_COLUMNS;
            assert_int_equal(mask[z * PLANE + p], z == 2 && x >= 1 && x <= 3 && y >= 1 && y <= 4);
        }
    assert_null(strstr(said, "warning"));
    /* a hole, and an island in it; in any order */
    assert_int_equal(truth_count(GTV(BOX(2, 2, 2, 2, 2), BOX(0, 4, 0, 5, 2), BOX(1, 3, 1, 4, 2)), ALL, NULL),
                     30 - 12 + 1);
    /* two that cross are one; CLOSEDPLANAR_XOR toggles */
    assert_int_equal(truth_count(GTV(BOX(0, 2, 0, 2, 2), BOX(2, 4, 2, 4, 2)), ALL, NULL), 9 + 9 - 1);
    assert_int_equal(
        truth_count(GTV(TYPED("CLOSEDPLANAR_XOR", 0, 2, 0, 2, 2), TYPED("CLOSEDPLANAR_XOR", 2, 4, 2, 4, 2)), ALL, NULL),
        9 + 9 - 2);
    /* one drawn twice does not undo itself */
    assert_int_equal(truth_count(GTV(BOX(0, 2, 0, 2, 2), BOX(0, 2, 0, 2, 2)), ALL, NULL), 9);
    expect_said("1 drawn twice");
}

static void left_out_aloud(void **state)
{
    (void)state;
#define WITH(bad) truth_count(GTV(BOX(0, 2, 0, 2, 2), bad), ALL, NULL)
#define AS(...)   {__VA_ARGS__}
    assert_int_equal(WITH(AS("POINT", 0, 0, 0, 0, 0, "-20\\-13\\0", NULL)), 9);
    expect_said("contours of ROI 'GTV' that are left out, wholly or in part: 1 of type POINT");
    assert_int_equal(WITH(TYPED("OPEN_PLANAR", 3, 4, 3, 4, 2)), 9);
    expect_said("1 of type OPEN_PLANAR or OPEN_NONPLANAR");
    assert_int_equal(WITH(TYPED("OPEN_NONPLANAR", 3, 4, 3, 4, 2)), 9);
    expect_said("1 of type OPEN_PLANAR or OPEN_NONPLANAR");
    assert_int_equal(WITH(TYPED("SPLINE", 3, 4, 3, 4, 2)), 9);
    expect_said("1 of no known type");
    assert_int_equal(WITH(TYPED("", 3, 4, 3, 4, 2)), 9);
    expect_said("1 of no known type");
    assert_int_equal(WITH(AS(NULL, 0, 0, 0, 0, 0, "-20\\-13\\0\\-18\\-13\\0", NULL)), 9);
    expect_said("1 of one or two points");
    assert_int_equal(WITH(AS(NULL, 0, 0, 0, 0, 0, "-19.5\\-12\\0\\-19\\-12\\0\\-19\\-11\\0", NULL)), 9);
    expect_said("1 that enclose no voxel's centre");
    assert_int_equal(WITH(BOX(3, 9, 3, 4, 2)), 9 + 4);
    expect_said("1 that reach beyond the images");
    expect_refused(GTV(BOX(30, 40, 0, 2, 2)), ALL, "lies beside the images");
    expect_refused(GTV(TYPED("POINT", 0, 1, 0, 1, 2)), ALL,
                   "no voxel is inside: name one with --roi, or give --allow-empty-truth");
    struct load_options allow = {PLAIN, .allow_empty_truth = true};
    expect_refused(&(struct rt){0}, ALL, "it names no structure");
    assert_int_equal(truth_count(&(struct rt){0}, allow, NULL), 0);
    assert_int_equal(truth_count(GTV(TYPED("POINT", 0, 1, 0, 1, 2)), allow, NULL), 0);
    expect_said("ROI 'GTV' holds no voxel");
}

/* ---- which regions ---- */

static void numbers(void **state)
{
    (void)state;
    /* its contours in two items; a number written otherwise */
    struct rt s = {.named = {{"1", "GTV", NULL, NULL}},
                   .named_count = 1,
                   .drawn = {{"1", {BOX(0, 2, 0, 2, 2)}, 1}, {"01", {BOX(0, 2, 0, 2, 3)}, 1}},
                   .drawn_count = 2};
    assert_int_equal(truth_count(&s, ALL, NULL), 18);
    assert_null(strstr(said, "warning"));
    /* of a number nobody has */
    s.drawn[1].number = "7";
    assert_int_equal(truth_count(&s, ALL, NULL), 9);
    expect_said("1 contours are left out: (3006,0020) StructureSetROISequence has no ROI of their number");
    /* two of one number: all or none */
    s.named[1] = (struct rt_named){"1", "node", NULL, NULL};
    s.named_count = 2;
    s.drawn[1].number = "1";
    assert_int_equal(truth_count(&s, ALL, NULL), 18);
    expect_refused(&s, ONLY("node"), "ROI 'GTV' and 'node' have one number, 1");
}

static void frames_of_reference(void **state)
{
    (void)state;
    struct rt s = {.named = {{"1", "GTV", "1.2.3.6", NULL}, {"2", "node", NULL, NULL}},
                   .named_count = 2,
                   .drawn = {{"1", {BOX(0, 2, 0, 2, 2)}, 1}, {"2", {BOX(4, 4, 5, 5, 3)}, 1}},
                   .drawn_count = 2};
    assert_int_equal(truth_count(&s, ALL, NULL), 1);
    expect_said("ROI 'GTV' is left out: it lies in another frame of reference");
    expect_refused(&s, ONLY("GTV"), "no voxel is inside");
}

static void no_tumour(void **state)
{
    (void)state;
    struct rt s = {.named = {{"1", "mass", NULL, NULL}, {"2", "x", NULL, NULL}},
                   .named_count = 2,
                   .drawn = {{"1", {BOX(0, 0, 0, 0, 2)}, 1}, {"2", {BOX(0, 4, 0, 5, 3)}, 1}},
                   .drawn_count = 2};
    static const struct {
        const char *name, *type;
        bool tumour;
    } cases[] = {{"x", "EXTERNAL", false},   {"x", "SUPPORT", false},       {"x", "PTV", false},
                 {"x", "GTV", true},         {"BODY", NULL, false},         {"External", NULL, false},
                 {"Skin", "", false},        {"Lung_L", NULL, false},       {"Lungs", "ORGAN", false},
                 {"liver", NULL, false},     {"liver met", NULL, true},     {"Tumor liver", "ORGAN", true},
                 {"GTV body", NULL, true},   {"CouchSurface", NULL, false}, {"Left Kidney", NULL, false},
                 {"nodal mass", NULL, true}, {"BODY", "GTV", true},         {"", NULL, true},
                 {"left", NULL, true},       {"Bladder", "ORGAN", false},   {"Lesion 1", "CONTROL", true}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        s.named[1].name = cases[i].name;
        s.named[1].type = cases[i].type;
        size_t const count = truth_count(&s, ALL, NULL);
        if (count != (cases[i].tumour ? 31 : 1))
            fail_msg("'%s' of type %s: %zu voxels", cases[i].name, cases[i].type, count);
        assert_int_equal(strstr(said, "left out, being no tumour") != NULL, !cases[i].tumour);
        if (*cases[i].name) /* asked for by name it is truth, whatever it is */
            assert_int_equal(truth_count(&s, ONLY(cases[i].name), NULL), 30);
    }
    /* nothing else: refused */
    s.named[0] = (struct rt_named){"1", "BODY", NULL, "EXTERNAL"};
    s.named[1] = (struct rt_named){"2", "liver", NULL, NULL};
    expect_refused(&s, ALL, "it names 2 structures ('BODY', 'liver'), and no voxel is inside");
}

/* ---- which files ---- */

static void references(void **state)
{
    (void)state;
    struct rt s = *GTV(BOX(0, 2, 0, 2, 2));
    s.series[0] = "1.2.3.40";
    s.series[1] = "1.2.3.4"; /* the second one it names */
    assert_int_equal(truth_count(&s, ALL, NULL), 9);
    /* it names no series, but one of its images */
    s.series[0] = "";
    s.drawn[0].contour[0].image = "1.2.3.4.5";
    assert_int_equal(truth_count(&s, ALL, NULL), 9);
    s.drawn[0].contour[0].image = NULL;
    s.series[0] = "1.2.3.40";
    /* of no scan here */
    struct volume_message m;
    struct error e = {0};
    char *path = at("rs.dcm"), *copy = at("again.dcm");
    s.series[1] = NULL;
    rt_write(path, &s);
    assert_int_equal(read_folder(&ALL, &m, &e), 0);
    assert_null(m.volume.mask);
    volume_message_free(&m);
    expect_said("1 RTSTRUCT or SEG are truth of no scan");
    expect_said("series 1.2.3.40, and lies in the frame of reference of a scan that is read");
    /* named, it may be */
    struct load_options named = {PLAIN, .mask = path};
    assert_int_equal(read_folder(&named, &m, &e), 0);
    assert_non_null(m.volume.mask);
    volume_message_free(&m);
    /* a copy of it is no second one; another is */
    s.series[0] = NULL;
    rt_write(path, &s);
    rt_write(copy, &s);
    assert_int_equal(read_folder(&ALL, &m, &e), 0);
    volume_message_free(&m);
    s.instance = "1.2.3.88.2";
    rt_write(copy, &s);
    assert_int_equal(read_folder(&ALL, &m, &e), -1);
    assert_non_null(strstr(e.text, "are both drawn on this series: name one with --mask"));
    unlink(copy);
    /* one that cannot be read may be of any scan of its study */
    struct buffer file;
    assert_int_equal(file_read(path, 1 << 20, &file, &e), 0);
    assert_int_equal(publish_bytes(path, file.data, 330, &e), 0);
    buffer_free(&file);
    assert_int_equal(read_folder(&ALL, &m, &e), -1);
    if (!strstr(e.text, "cannot be read"))
        fail_msg("%s", e.text);
    free(copy);
    free(path);
}

static void joined(void **state)
{
    (void)state;
    struct volume_message m;
    struct error e = {0};
    char *one = at("seg1.dcm"), *two = at("seg2.dcm");
    seg_write(one, &(struct seg){0});
    seg_write(two, &(struct seg){.fraction = true});
    assert_int_equal(read_folder(&ONLY("bladder"), &m, &e), 0);
    expect_said("its 2 segmentations are joined");
    for (int z = 0; z < SLICES; z++)
        for (int p = 0; p < PLANE; p++)
            assert_int_equal(m.volume.mask[z * PLANE + p], inside(2, z, p));
    volume_message_free(&m);
    assert_int_equal(read_folder(&ONLY("spleen"), &m, &e), -1);
    assert_non_null(strstr(e.text, "no ROI or segment 'spleen'"));
    /* an RTSTRUCT beside them: which is it? */
    char *rs = at("rs.dcm");
    rt_write(rs, GTV(BOX(0, 2, 0, 2, 2)));
    assert_int_equal(read_folder(&ALL, &m, &e), -1);
    assert_non_null(strstr(e.text, "are both drawn on this series"));
    free(rs);
    free(two);
    free(one);
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {
        IN_DIR(contours),  IN_DIR(left_out_aloud), IN_DIR(numbers), IN_DIR(frames_of_reference),
        IN_DIR(no_tumour), IN_DIR(references),     IN_DIR(joined)};
    return cmocka_run_group_tests_name("load_truth", tests, NULL, NULL);
}
