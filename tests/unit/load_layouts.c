/* SPDX-License-Identifier: Apache-2.0 */
/* load_layouts -- which files of a folder are scans, and whose the truth, the CT and the facts beside them are: nnU-Net, autoPET, names of
 * people's own; lists as spreadsheets save them; DICOM by content. */
#include "stages/load/load.h"
#include "tests/unit/load_corpus.h"
#include "tests/unit/load_dicom_file.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64], said[8000];
static const struct load_options plain = {.units = "auto", .salt = "s", .memory_limit = 1 << 28};

static int enter(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/petrel-layouts.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}
static int leave(void **state)
{
    (void)state;
    corpus_keep(dir, "load_layouts");
    dir_remove(dir);
    return 0;
}

static void touch_text(const char *name, const char *text, size_t size)
{
    struct error e = {0};
    char *path = path_join(dir, name), *parent = path_parent(path);
    if (dir_make(parent, &e) < 0 || publish_bytes(path, text, size, &e) < 0)
        fail_msg("%s", e.text);
    free(parent);
    free(path);
}
static void touch(const char *name)
{
    touch_text(name, "x", 1);
}
/* All names of a text, separated by spaces. */
static void touch_all(const char *names)
{
    char *copy = xstrdup(names), *rest = copy, *name;
    while ((name = strsep(&rest, " ")))
        if (*name)
            touch(name);
    free(copy);
}

/* Finds below dir/name; what is said on stderr comes into `said`. */
static int look(const char *name, struct sources *s, struct error *e)
{
    char *path = *name ? path_join(dir, name) : xstrdup(dir), *log = xprintf("%s.said", dir);
    int to = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), aside = dup(2);
    fflush(stderr);
    dup2(to, 2);
    int rc = sources_find(s, &path, 1, &plain, e);
    fflush(stderr);
    dup2(aside, 2);
    close(aside);
    ssize_t const got = pread(to, said, sizeof said - 1, 0);
    said[got > 0 ? got : 0] = '\0';
    close(to);
    unlink(log);
    free(log);
    free(path);
    return rc;
}

static const char *below(const char *path)
{
    return path && strncmp(path, dir, strlen(dir)) == 0 ? path + strlen(dir) + 1 : path ? path : "-";
}

/* What is found, a line a scan: path, mask, CT, patient, units; "!": refused. The files of `names` are made first. */
static void expect_found(const char *names, const char *name, const char *const *line)
{
    struct sources s;
    struct error e = {0};
    touch_all(names);
    if (look(name, &s, &e) < 0)
        fail_msg("%s", e.text);
    size_t count = 0;
    while (line[count])
        count++;
    for (size_t i = 0; i < s.count; i++) {
        const struct source *f = &s.item[i];
        char *found = xprintf("%s %s %s %s %s%s", below(f->path), below(f->mask), below(f->ct),
                              f->patient ? f->patient : "-", f->units ? f->units : "-", *f->refused.text ? " !" : "");
        if (i >= count || strcmp(found, line[i]) != 0)
            fail_msg("found '%s', not '%s'", found, i < count ? line[i] : "");
        free(found);
    }
    assert_int_equal(s.count, count);
    sources_free(&s);
}
#define FOUND(names, name, ...) expect_found(names, name, (const char *const[]){__VA_ARGS__, NULL})

static void expect_said(const char *text)
{
    if (!strstr(said, text))
        fail_msg("'%s' is not in what was said: %s", text, said);
}
static void expect_nothing_said(void)
{
    if (strstr(said, "level=warning"))
        fail_msg("said: %s", said);
}

/* ---- nnU-Net, autoPET III and IV ---- */

static void autopet_nnunet(void **state)
{
    (void)state;
    FOUND("imagesTr/fdg_77ab_x-1_0000.nii.gz imagesTr/fdg_77ab_x-1_0001.nii.gz labelsTr/fdg_77ab_x-1.nii.gz "
          "imagesTr/psma_95b8_2018-04-23_0000.nii.gz imagesTr/psma_95b8_2018-04-23_0001.nii.gz "
          "labelsTr/psma_95b8_2018-04-23.nii.gz imagesTs/psma_11_2019_0000.nii.gz imagesTs/psma_11_2019_0001.nii.gz",
          "",
          "imagesTr/fdg_77ab_x-1_0001.nii.gz labelsTr/fdg_77ab_x-1.nii.gz imagesTr/fdg_77ab_x-1_0000.nii.gz 77ab SUV",
          "imagesTr/psma_95b8_2018-04-23_0001.nii.gz labelsTr/psma_95b8_2018-04-23.nii.gz "
          "imagesTr/psma_95b8_2018-04-23_0000.nii.gz 95b8 SUV",
          "imagesTs/psma_11_2019_0001.nii.gz - imagesTs/psma_11_2019_0000.nii.gz 11 SUV");
    expect_nothing_said();
    /* the scan alone, named; and a truth that nobody's scan has */
    FOUND("labelsTr/fdg_88_y.nii.gz", "imagesTr/fdg_77ab_x-1_0001.nii.gz",
          "imagesTr/fdg_77ab_x-1_0001.nii.gz labelsTr/fdg_77ab_x-1.nii.gz imagesTr/fdg_77ab_x-1_0000.nii.gz 77ab SUV");
    struct sources s;
    struct error e = {0};
    assert_int_equal(look("", &s, &e), 0);
    expect_said("1 image of truth belongs to no scan that is read: '");
    expect_said("labelsTr/fdg_88_y.nii.gz'");
    sources_free(&s);
    /* no truth where there are others */
    FOUND("imagesTr/fdg_99_z_0001.nii.gz", "imagesTr/fdg_99_z_0001.nii.gz", "imagesTr/fdg_99_z_0001.nii.gz - - 99 SUV");
    expect_said("has no truth in '");
    /* labels are no scans */
    assert_int_equal(look("labelsTr", &s, &e), -1);
    assert_non_null(strstr(e.text, "no scan in"));
    sources_free(&s);
}

static void nnunet(void **state)
{
    (void)state;
    static const char v2[] = "{\"channel_names\": {\"0\": \"PET\", \"1\": \"CT\"}, \"file_ending\": \".nrrd\"}";
    static const char v1[] = "{\"modality\": {\"0\": \"CT\", \"1\": \"SUV\"}}";
    static const char ct[] = "{\"channel_names\": {\"0\": \"CT\"}}";
    touch_text("A/dataset.json", v2, sizeof v2 - 1);
    touch_text("B/dataset.json", v1, sizeof v1 - 1);
    touch_text("D/dataset.json", ct, sizeof ct - 1);
    FOUND("A/imagesTr/case_001_0000.nrrd A/imagesTr/case_001_0001.nrrd A/labelsTr/case_001.nrrd", "A",
          "A/imagesTr/case_001_0000.nrrd A/labelsTr/case_001.nrrd - case_001 -");
    expect_nothing_said();
    FOUND("B/imagesTr/p1_0000.nii.gz B/imagesTr/p1_0001.nii.gz B/labelsTr/p1.nii.gz", "B",
          "B/imagesTr/p1_0001.nii.gz B/labelsTr/p1.nii.gz B/imagesTr/p1_0000.nii.gz p1 SUV");
    expect_nothing_said();
    /* nothing says which: as autoPET has it, aloud */
    FOUND("C/imagesTr/p1_0000.nii.gz C/imagesTr/p1_0001.nii.gz C/labelsTr/p1.nii.gz", "C",
          "C/imagesTr/p1_0001.nii.gz C/labelsTr/p1.nii.gz C/imagesTr/p1_0000.nii.gz p1 -");
    expect_said("_0000 is taken for the CT and _0001 for the PET");
    /* CT alone is no PET; one channel that nobody names is */
    struct sources s;
    struct error e = {0};
    touch_all("D/imagesTr/p1_0000.nii.gz D/labelsTr/p1.nii.gz");
    assert_int_equal(look("D", &s, &e), -1);
    sources_free(&s);
    FOUND("E/imagesTs/p1_0000.nii.gz E/imagesTs/p2_0000.nii.gz", "E", "E/imagesTs/p1_0000.nii.gz - - p1 -",
          "E/imagesTs/p2_0000.nii.gz - - p2 -");
    /* patients with four digits are no channels */
    FOUND("F/images/pat_0000.nii.gz F/images/pat_0001.nii.gz F/images/pat_0002.nii.gz F/labels/pat_0001.nii.gz "
          "F/labels/pat_0000.nii.gz F/labels/pat_0002.nii.gz",
          "F", "F/images/pat_0000.nii.gz F/labels/pat_0000.nii.gz - pat_0000 -",
          "F/images/pat_0001.nii.gz F/labels/pat_0001.nii.gz - pat_0001 -",
          "F/images/pat_0002.nii.gz F/labels/pat_0002.nii.gz - pat_0002 -");
    FOUND("G/images/pat_0000.nii.gz G/images/pat_0001.nii.gz", "G", "G/images/pat_0000.nii.gz - - pat_0000 -",
          "G/images/pat_0001.nii.gz - - pat_0001 -");
    /* HECKTOR's names */
    FOUND("H/imagesTr/CHUM-001__CT.nii.gz H/imagesTr/CHUM-001__PT.nii.gz H/labelsTr/CHUM-001.nii.gz", "H",
          "H/imagesTr/CHUM-001__PT.nii.gz H/labelsTr/CHUM-001.nii.gz H/imagesTr/CHUM-001__CT.nii.gz CHUM-001 -");
    expect_nothing_said();
}

/* ---- names ---- */

static void any_case(void **state)
{
    (void)state;
    FOUND("A/B.NII.GZ A/a.nii.gz A/c.Mha", "A", "A/B.NII.GZ - - B -", "A/a.nii.gz - - a -", "A/c.Mha - - c -");
    FOUND("P/S/pet.nii.gz P/S/suv.NII.gz P/S/ct.nii.gz P/S/Seg.nii.gz P/S/ctRES.nii.gz", "P",
          "P/S/suv.NII.gz P/S/Seg.nii.gz P/S/ctRES.nii.gz P SUV");
    FOUND("Q/x_pet.nii.gz Q/X_MASK.nii Q/x_ct.nii.gz", "Q", "Q/x_pet.nii.gz Q/X_MASK.nii Q/x_ct.nii.gz x -");
    expect_nothing_said();
}

static void truth_beside(void **state)
{
    (void)state;
    static const char *const tails[] = {"_mask", "_seg", "_SEG", "_label", "_labels", "_segmentation", ".seg"};
    for (size_t i = 0; i < COUNT_OF(tails); i++) {
        char *folder = xprintf("t%zu", i), *names = xprintf("t%zu/p.nii.gz t%zu/p%s.nrrd", i, i, tails[i]);
        char *line = xprintf("t%zu/p.nii.gz t%zu/p%s.nrrd - p -", i, i, tails[i]);
        FOUND(names, folder, line);
        free(line);
        free(names);
        free(folder);
    }
    FOUND("A/p_PET.nii.gz A/p_mask.nii.gz", "A", "A/p_PET.nii.gz A/p_mask.nii.gz - p -");
    FOUND("B/p.nii.gz B/mask.nii.gz", "B", "B/p.nii.gz B/mask.nii.gz - p -");
    FOUND("T/train_1/PSMA/PET.nii.gz T/train_1/PSMA/TTB.nii.gz T/train_1/PSMA/CT.nii.gz", "T",
          "T/train_1/PSMA/PET.nii.gz T/train_1/PSMA/TTB.nii.gz T/train_1/PSMA/CT.nii.gz train_1 -");
    expect_nothing_said();
    /* two that may be it; one of two scans; one of none */
    FOUND("C/p.nii.gz C/p_mask.nii.gz C/p_seg.nii.gz", "C", "C/p.nii.gz C/p_mask.nii.gz - p - !");
    FOUND("D/a.nii.gz D/b.nii.gz D/SEG.nii.gz", "D", "D/a.nii.gz D/SEG.nii.gz - a - !",
          "D/b.nii.gz D/SEG.nii.gz - b - !");
    FOUND("", "D/a.nii.gz", "D/a.nii.gz D/SEG.nii.gz - a - !"); /* named alone it is no surer */
    FOUND("E/a_PET.nii.gz E/a_SUV.nii.gz E/a_mask.nii.gz", "E", "E/a_PET.nii.gz E/a_mask.nii.gz - a - !",
          "E/a_SUV.nii.gz E/a_mask.nii.gz - a SUV !");
    FOUND("F/a.nii.gz F/other_mask.nii.gz F/more_seg.nii.gz", "F", "F/a.nii.gz - - a -");
    expect_said("2 images of truth belong to no scan that is read");
    /* a CT or an organ map of two */
    struct sources s;
    struct error e = {0};
    touch_all("G/a.nii.gz G/b.nii.gz G/CT.nii.gz G/ORGANS.nii.gz");
    assert_int_equal(look("G", &s, &e), 0);
    assert_true(s.count == 2 && !s.item[0].ct && !s.item[0].organs);
    assert_non_null(strstr(s.item[0].ct_refused.text, "may be its CT or that of"));
    expect_said("may be the organ map of 'a.nii.gz' or of 'b.nii.gz'");
    sources_free(&s);
    /* not passed over in silence */
    FOUND("H/P/S/SUV.nii.gz H/P/S/PET.nii.gz H/P/S/late.nii.gz", "H", "H/P/S/SUV.nii.gz - - P SUV");
    expect_said("late.nii.gz' is passed over: 'SUV.nii.gz' is the scan of its folder");
}

/* ---- lists ---- */

static void expect_list(const char *text, size_t size, const char *const *line)
{
    touch_text("list.tsv", text, size);
    expect_found("a.nii.gz b.nii.gz m.nii.gz sub/c.nii.gz", "list.tsv", line);
}
#define LIST(text, ...) expect_list(text, sizeof text - 1, (const char *const[]){__VA_ARGS__, NULL})

static void lists(void **state)
{
    (void)state;
    LIST("patient\tscan\tmask\nP1\ta.nii.gz\tm.nii.gz\n", "a.nii.gz m.nii.gz - P1 -");
    LIST("\xef\xbb\xbfpatient\tscan\r\nP1\ta.nii.gz\r\nP2\tb.nii.gz", "a.nii.gz - - P1 -", "b.nii.gz - - P2 -");
}

static void spellings(void **state)
{
    (void)state;
    LIST("Patient ID\tScan\nP1\ta.nii.gz\n", "a.nii.gz - - P1 -");
    LIST("PatientID,Image,Segmentation,Units\nP1,a.nii.gz,m.nii.gz,suv\n", "a.nii.gz m.nii.gz - P1 SUV");
    LIST("subject_id;PET;mask\n\"P;1\";\"a.nii.gz\";-\n", "a.nii.gz - - P;1 -");
    LIST("\"scan\"\t\"patient\"\r\n\"a.nii.gz\"\t\"the \"\"first\"\"\"\r\n", "a.nii.gz - - the \"first\" -");
    LIST("scan\tpatient\ra.nii.gz\tP1\rb.nii.gz\tP2\r", "a.nii.gz - - P1 -", "b.nii.gz - - P2 -");
    LIST(" scan \t patient\n a.nii.gz \tP1 \n", "a.nii.gz - - P1 -");
    LIST("scan\tpatient\nsub\\c.nii.gz\tP1\n", "sub/c.nii.gz - - P1 -");
    expect_nothing_said();
    LIST("scan\tpatient\tcolour\tBq\na.nii.gz\tP1\tred\t7\n", "a.nii.gz - - P1 -");
    expect_said("columns that are not known and are passed over: 'colour', 'Bq'");
    /* one truth of two scans, because the list says so */
    LIST("scan\tmask\na.nii.gz\tm.nii.gz\nb.nii.gz\tm.nii.gz\n", "a.nii.gz m.nii.gz - a -", "b.nii.gz m.nii.gz - b -");
    expect_said("m.nii.gz' is the truth of 2 scans");
}

static void lists_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *says;
    } cases[] = {
#define BAD(text, says) {text, sizeof text - 1, says}
        BAD("\xff\xfes\0c\0a\0n\0\n\0", "it is UTF-16: save it as UTF-8 text"),
        BAD("scan\na.nii.gz\0\n", "it is no text"),
        BAD("scan\timage\na.nii.gz\tb.nii.gz\n", "its columns 'scan' and 'image' are one: scan"),
        BAD("patient\tpath\nP1\ta\n", "names no column 'scan'"),
        BAD("scan\tpatient\na.nii.gz\tP1\tP2\n", "line 2: it has more fields than the first line has titles"),
        BAD("scan\tpatient\na.nii.gz\t\"P1\n", "line 2: its quotes do not end"),
        BAD("scan\tage_y\na.nii.gz\told\n", "age_y 'old' is no number"),
    };
    touch_all("a.nii.gz b.nii.gz");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sources s;
        struct error e = {0};
        touch_text("list.tsv", cases[i].text, cases[i].size);
        assert_int_equal(look("list.tsv", &s, &e), -1);
        if (!strstr(e.text, cases[i].says))
            fail_msg("'%s' does not say '%s'", e.text, cases[i].says);
        sources_free(&s);
    }
}

/* ---- DICOM by content ---- */

static void bare(const char *name, size_t skip, const char *position)
{
    char *path = path_join(dir, name);
    struct buffer file;
    struct error e = {0};
    touch(name);
    dicom_slice_write(path, &(struct dicom_slice){.position = position});
    assert_int_equal(file_read(path, 1 << 20, &file, &e), 0);
    assert_int_equal(publish_bytes(path, file.data + skip, file.size - skip, &e), 0);
    buffer_free(&file);
    free(path);
}

static void dicom_by_content(void **state)
{
    (void)state;
    struct sources s;
    struct error e = {0};
    bare("A/whole", 0, "0\\0\\0");
    bare("A/meta", 132, "0\\0\\3"); /* no preamble: begins with group 0002 */
    bare("A/x.IMA", 0, "0\\0\\6");
    bare("A/y.bin", 132, "0\\0\\9");
    touch_text("A/notes.txt", "\010\000notes", 7);
    touch_text("A/more", "\010\000\010\000\004\000\000\000abcd\011\000", 14);
    assert_int_equal(look("A", &s, &e), 0);
    assert_int_equal(s.count, 1);
    assert_true(s.item[0].kind == SOURCE_DICOM && s.item[0].slice.count == 4);
    sources_free(&s);
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {IN_DIR(autopet_nnunet), IN_DIR(nnunet),          IN_DIR(any_case),
                                       IN_DIR(truth_beside),   IN_DIR(lists),           IN_DIR(spellings),
                                       IN_DIR(lists_refused),  IN_DIR(dicom_by_content)};
    return cmocka_run_group_tests_name("load_layouts", tests, NULL, NULL);
}
