/* SPDX-License-Identifier: Apache-2.0 */
/* load_complete -- no slice missing in silence, none counted twice, nothing passed over: files by two roads, copies, links that lead nowhere
 * or in circles, files that cannot be read, deep folders; and slices that do not lie over each other. */
#include "tests/unit/load_folder.h"
#include <sys/stat.h>
#include <unistd.h>

static const struct dicom_slice plain = {0};

static void link_at(const char *to, const char *name)
{
    char *path = path_join(dir, name);
    assert_int_equal(symlink(to, path), 0);
    free(path);
}

static char *at(const char *name)
{
    static char path[4][200];
    static size_t next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", dir, name);
    return path[next];
}

/* The one scan of `name` has this many slices. */
static void expect_slices(const char *name, int64_t count)
{
    struct sources s;
    struct volume_message m;
    struct error e = {0};
    found_at(name, &s);
    if (s.count != 1)
        fail_msg("%s: %zu sources", name, s.count);
    if (read_one(&s, 0, &m, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(m.volume.grid.dim[0], count);
    volume_message_free(&m);
    sources_free(&s);
    corpus_keep(dir, program_name());
}

static void two_roads(void **state)
{
    (void)state;
    series_at("x", &plain, 5, 0);
    link_at(dir, "x/circle");
    link_at(".", "x/self");
    expect_slices("x", 5);
    expect_slices("", 5);
    /* each slice by a link, and by its inode's other name */
    folder_empty();
    series_at("data", &plain, 5, 0);
    assert_int_equal(mkdir(at("view"), 0700), 0);
    for (int i = 0; i < 5; i++) {
        char name[40];
        snprintf(name, sizeof name, "data/0%d.dcm", i);
        if (i % 2)
            assert_int_equal(link(at(name), at(i == 1 ? "view/a" : "view/b")), 0);
        else
            assert_int_equal(symlink(at(name), at(i == 0 ? "view/c" : i == 2 ? "view/d" : "view/e")), 0);
    }
    expect_slices("", 5);
    expect_slices("view", 5); /* alone they are the series */
}

static void copies(void **state)
{
    (void)state;
    series_at("a", &plain, 5, 0);
    series_at("backup/of/a", &plain, 5, 0);
    expect_slices("", 5);
    /* the digest of its files is that of the series alone: a copy beside it makes no other scan */
    struct sources s;
    struct volume_message m[2];
    struct error e = {0};
    found_at("", &s);
    assert_int_equal(read_one(&s, 0, &m[0], &e), 0);
    sources_free(&s);
    dir_remove(at("backup"));
    found_at("", &s);
    assert_int_equal(read_one(&s, 0, &m[1], &e), 0);
    sources_free(&s);
    assert_string_equal(m[0].facts.sha256, m[1].facts.sha256);
    volume_message_free(&m[0]);
    volume_message_free(&m[1]);
    /* one that says otherwise of the same: other bytes for the same values; another slope */
    folder_empty();
    series_at("a", &plain, 5, 0);
    series_at("b", &(struct dicom_slice){.private_bytes = 100}, 5, 0);
    expect_slices("", 5);
    folder_empty();
    series_at("a", &plain, 5, 0);
    series_at("b", &(struct dicom_slice){.intercept = 1}, 5, 0);
    EXPECT("", "are the same (0008,0018) SOPInstanceUID, but do not hold the same");
}

static void ends(void **state)
{
    (void)state;
    series_at("x", &(struct dicom_slice){.slices_said = 6}, 5, 0);
    EXPECT("x", "slices are missing: (0054,0081) NumberOfSlices is 6, and 5 are there");
    folder_empty();
    series_at("x", &(struct dicom_slice){.slices_said = 5}, 5, 0);
    expect_slices("x", 5);
    /* a scanner that says one bed's number */
    folder_empty();
    series_at("x", &(struct dicom_slice){.slices_said = 3}, 5, 0);
    expect_slices("x", 5);
    /* copies do not fill a gap */
    folder_empty();
    series_at("x", &(struct dicom_slice){.slices_said = 6}, 5, 0);
    series_at("y", &(struct dicom_slice){.slices_said = 6}, 2, 0);
    EXPECT("", "NumberOfSlices is 6, and 5 are there");
    /* in the middle */
    folder_empty();
    series_at("x", &plain, 5, 0);
    unlink(at("x/02.dcm"));
    EXPECT("x", "slices are missing between");
}

/* ImageIndex: of slices `first` to `first` + 4, in either direction. */
static void indices(void **state)
{
    (void)state;
    static const struct {
        int first, way;
        const char *says;
    } cases[] = {{1, 1, NULL},
                 {5, -1, NULL},
                 {3, 1, "(0054,1330) ImageIndex goes from 3 to 7, and 5 slices are there"},
                 {9, -1, "(0054,1330) ImageIndex goes from 5 to 9, and 5 slices are there"},
                 {7, 0, NULL}}; /* all the same: it counts something else */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        folder_empty();
        for (int z = 0; z < 5; z++) {
            char name[8], instance[8];
            snprintf(name, sizeof name, "x/%d", z);
            snprintf(instance, sizeof instance, "%d", z);
            series_at(name,
                      &(struct dicom_slice){.index = (unsigned)(cases[i].first + cases[i].way * z), .instance = instance},
                      1, 3 * z);
        }
        EXPECT("x", cases[i].says);
    }
}

static void unreadable(void **state)
{
    (void)state;
    static const char damaged[200] = {
        [128] = 'D', [129] = 'I', [130] = 'C', [131] = 'M', [132] = 8, [134] = 5, [136] = 'U'};
    struct error e = {0};
    /* a link that leads nowhere, one in a circle, a file that begins as DICOM and goes on otherwise, an empty one, a pipe */
    for (int kind = 0; kind < 5; kind++)
        for (int said = 0; said < 2; said++) {
            static const char *const says[] = {"which is not there", "which leads in a circle", "not readable as DICOM",
                                               "it is empty", "is a pipe, a socket or a device"};
            folder_empty();
            series_at("x", &(struct dicom_slice){.slices_said = said ? 5 : 0}, 5, 0);
            if (kind == 0)
                link_at("nowhere", "x/y.dcm");
            else if (kind == 1)
                link_at("y.dcm", "x/y.dcm");
            else if (kind == 4)
                assert_int_equal(mkfifo(at("x/y.dcm"), 0600), 0);
            else
                assert_int_equal(publish_bytes(at("x/y.dcm"), damaged, kind == 2 ? sizeof damaged : 0, &e), 0);
            /* told, and the series with it, unless its own number says that it is whole; a pipe is no slice of it */
            EXPECT("x", said || kind == 4 ? NULL : "slices may be missing", says[kind]);
        }
    /* in another folder it is no doubt of this one */
    folder_empty();
    series_at("x", &plain, 5, 0);
    series_at("y", &(struct dicom_slice){.series = "1.77"}, 5, 300);
    link_at("nowhere", "y/z.dcm");
    EXPECT("", NULL, "slices may be missing", "which is not there");
}

static void deep(void **state)
{
    (void)state;
    char name[300] = "x";
    for (int i = 0; i < 40; i++)
        strcat(name, "/d");
    series_at(name, &plain, 5, 0);
    expect_slices("", 5);
    strcat(name, "/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/"
                 "d/d/d/d/d/d"
                 "/d/d/d/d/d");
    series_at(name, &(struct dicom_slice){.series = "1.77"}, 5, 300);
    EXPECT("", NULL, "lies more than 100 folders deep");
}

/* Those in the middle lie elsewhere: by whole pixels, by half of one, and by as much as positions are rounded. */
static void over_each_other(void **state)
{
    (void)state;
    static const struct {
        double x, y;
        const char *says;
    } cases[] = {{8, 0, "do not lie over each other"}, {0, 2, "do not lie over each other"}, {0.1, 0.1, NULL}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        folder_empty();
        series_at("x", &plain, 7, 0);
        for (int z = 2; z < 5; z++) {
            char name[16], position[48], instance[16];
            snprintf(name, sizeof name, "x/0%d.dcm", z);
            snprintf(position, sizeof position, "%g\\%g\\%d", -20 + cases[i].x, -13 + cases[i].y, 3 * z);
            snprintf(instance, sizeof instance, "1.7.%d", z);
            dicom_slice_write(at(name), &(struct dicom_slice){.position = position, .instance = instance});
        }
        EXPECT("x", cases[i].says);
    }
}

/* What is there where no scan is. */
static void nothing_of_use(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t size;
        const char *says;
    } files[] = {{"a.zip", "PK\003\004....", 8, "a ZIP archive"},
                 {"a.pdf", "%PDF-1.4", 8, "a PDF"},
                 {"a.rar", "Rar!....", 8, "a RAR archive"},
                 {"a.tgz", "\037\213......", 8, "a gzip file"},
                 {"a.png", "\211PNG....", 8, "a PNG picture"},
                 {"a.tif", "II*.....", 8, "a TIFF picture"},
                 {"a.v", "MATRIX72", 8, "an ECAT file"},
                 {"notes", "of a kind", 9, "a file that is none of these"},
                 {"empty", "", 0, "an empty file"}};
    struct load_options const o = {.units = "auto", .salt = "s", .memory_limit = (size_t)1 << 28};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct sources s;
        struct error e = {0};
        folder_empty();
        assert_int_equal(publish_bytes(at(files[i].name), files[i].bytes, files[i].size, &e), 0);
        char *both[] = {dir, at(files[i].name)};
        for (size_t k = 0; k < (i < 7 ? 2 : 1); k++) {
            assert_int_equal(sources_find(&s, both + k, 1, &o, &e), -1);
            assert_int_equal(e.code, EX_NOINPUT);
            if (!strstr(e.text, files[i].says))
                fail_msg("'%s' does not say '%s'", e.text, files[i].says);
            sources_free(&s);
        }
        corpus_keep(dir, program_name());
    }
    /* a CT and nothing else; all of it together */
    struct sources s;
    struct error e = {0};
    char *path = dir;
    series_at("ct", &(struct dicom_slice){.modality = "CT"}, 3, 0);
    for (size_t i = 0; i < COUNT_OF(files); i++)
        assert_int_equal(publish_bytes(at(files[i].name), files[i].bytes, files[i].size, &e), 0);
    assert_int_equal(publish_bytes(at("b.zip"), files[0].bytes, files[0].size, &e), 0);
    assert_int_equal(sources_find(&s, &path, 1, &o, &e), -1);
    assert_non_null(strstr(e.text, "3 DICOM files, none of modality PT ((0008,0060)): 3 CT, 2 ZIP archives, a PDF, "));
    sources_free(&s);
    corpus_keep(dir, program_name());
}

int main(void)
{
    program_name_set("load_complete");
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, folder_enter, folder_leave)
    const struct CMUnitTest tests[] = {IN_DIR(two_roads),       IN_DIR(copies),        IN_DIR(ends),
                                       IN_DIR(indices),         IN_DIR(unreadable),    IN_DIR(deep),
                                       IN_DIR(over_each_other), IN_DIR(nothing_of_use)};
    return cmocka_run_group_tests_name("load_complete", tests, NULL, NULL);
}
