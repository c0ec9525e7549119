/* SPDX-License-Identifier: Apache-2.0 */
/* load_enhanced -- Enhanced PET and legacy converted Enhanced PET: the same scan as its slices one by one, in every transfer syntax DCMTK
 * writes, and every file that must be refused. */
#include "proto/suv.h"
#include "stages/load/load.h"
#include "tests/unit/load_corpus.h"
#include "tests/unit/load_enhanced_file.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { SLICES = 7 };
static char dir[64];
static struct dicom_slice slices[SLICES];
static char position[SLICES][48];

static int enter(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/petrel-enhanced.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    /* out of order, each with a slope and an intercept of its own, two beds */
    for (int i = 0; i < SLICES; i++) {
        int const z = i * 3 % SLICES;
        snprintf(position[i], sizeof position[i], "-20\\-13\\%d", 3 * z);
        slices[i] = (struct dicom_slice){.position = position[i],
                                         .slope = 0.5 + 0.25 * z,
                                         .intercept = z,
                                         .acquisition_time = z < 4 ? "112411.00" : "112011.00"};
        for (int k = 0; k < SLICE_ROWS * SLICE_COLUMNS; k++)
            slices[i].stored[k] = (uint16_t)((k * 2477 + z * 311) % 65536);
    }
    return 0;
}

static int leave(void **state)
{
    (void)state;
    dir_remove(dir);
    return 0;
}

static void enhanced_at(const char *name, const struct enhanced *like)
{
    struct enhanced e = *like;
    char *path = path_join(dir, name), *folder = path_parent(path);
    struct error why = {0};
    if (!e.slice)
        e.slice = slices;
    if (!e.count)
        e.count = SLICES;
    assert_int_equal(dir_make(folder, &why), 0);
    enhanced_write(path, &e);
    free(folder);
    free(path);
}

static void slices_at(const char *folder)
{
    char *path = path_join(dir, folder);
    struct error why = {0};
    assert_int_equal(dir_make(path, &why), 0);
    for (int i = 0; i < SLICES; i++) {
        char *file = xprintf("%s/%d.dcm", path, i);
        dicom_slice_write(file, &slices[i]);
        free(file);
    }
    free(path);
}

static int read_at(const char *name, struct volume_message *m, struct error *e)
{
    struct sources s;
    struct load_options const o = {.units = "auto", .salt = "s", .memory_limit = (size_t)1 << 28};
    char *path = path_join(dir, name);
    *m = (struct volume_message){0};
    int rc = sources_find(&s, &path, 1, &o, e);
    if (rc == 0)
        assert_int_equal(s.count, 1);
    if (rc == 0)
        rc = scan_read(&s.item[0], &o, m, e);
    if (rc == 0 && (rc = suv_factor(&m->facts, "bw", e)) < 0)
        volume_message_free(m);
    sources_free(&s);
    free(path);
    return rc;
}

static void expect_same(const char *name)
{
    struct volume_message wanted, got;
    struct error e = {0};
    if (read_at("slices", &wanted, &e) < 0 || read_at(name, &got, &e) < 0)
        fail_msg("%s: %s", name, e.text);
    assert_true(grid_same_shape(&wanted.volume.grid, &got.volume.grid));
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 4; k++)
            assert_true(fabs(wanted.volume.grid.affine[i][k] - got.volume.grid.affine[i][k]) < 1e-9);
    for (size_t i = 0; i < grid_voxels(&got.volume.grid); i++)
        if (wanted.volume.voxel[i] != got.volume.voxel[i])
            fail_msg("%s: voxel %zu is %g, not %g", name, i, got.volume.voxel[i], wanted.volume.voxel[i]);
    if (!(fabs(got.facts.suv_factor / wanted.facts.suv_factor - 1) < 1e-9))
        fail_msg("%s: factor %.12g, not %.12g", name, got.facts.suv_factor, wanted.facts.suv_factor);
    assert_string_equal(got.facts.patient, wanted.facts.patient);
    assert_string_equal(got.facts.units, wanted.facts.units);
    volume_message_free(&wanted);
    volume_message_free(&got);
}

static void as_slices(void **state)
{
    (void)state;
    slices_at("slices");
    for (int legacy = 0; legacy < 2; legacy++)
        for (int each = 0; each < 2; each++) {
            enhanced_at("one/x.dcm", &(struct enhanced){.legacy = legacy, .each = each});
            expect_same("one");
            expect_same("one/x.dcm"); /* one file is a whole series */
        }
    /* the dose in Bq, though MBq is what the standard wants */
    enhanced_at("one/x.dcm", &(struct enhanced){.dose = "388777472"});
    expect_same("one");
    /* kBq */
    for (int i = 0; i < SLICES; i++)
        slices[i].slope /= 1000, slices[i].intercept /= 1000;
    enhanced_at("one/x.dcm", &(struct enhanced){.unit = "kBq/ml"});
    for (int i = 0; i < SLICES; i++)
        slices[i].slope *= 1000, slices[i].intercept *= 1000;
    struct volume_message m;
    struct error e = {0};
    assert_int_equal(read_at("one", &m, &e), 0);
    assert_string_equal(m.facts.units, "BQML");
    assert_true(fabs(m.facts.suv_factor / 2.429029766148455e-4 - 1) < 1e-9);
    volume_message_free(&m);
    /* signed */
    for (int i = 0; i < SLICES; i++)
        slices[i].is_signed = true;
    slices_at("slices");
    enhanced_at("one/x.dcm", &(struct enhanced){0});
    expect_same("one");
    corpus_keep(dir, "enhanced");
}

/* A concatenation: parts in files of their own, in any order; and a copy of one of them. */
static void parts(void **state)
{
    (void)state;
    struct volume_message m;
    struct error e = {0};
    slices_at("slices");
    enhanced_at("parts/b.dcm", &(struct enhanced){.count = 3, .part = 1, .parts = 2, .instance = "1.7.1"});
    enhanced_at("parts/a.dcm",
                &(struct enhanced){.slice = slices + 3, .count = SLICES - 3, .part = 2, .parts = 2, .instance = "1.7.2"});
    expect_same("parts");
    enhanced_at("parts/copy/b.dcm", &(struct enhanced){.count = 3, .part = 1, .parts = 2, .instance = "1.7.1"});
    expect_same("parts");
    corpus_keep(dir, "parts");
    char *copy = path_join(dir, "parts/copy");
    dir_remove(copy);
    free(copy);
    char *first = path_join(dir, "parts/b.dcm");
    unlink(first);
    free(first);
    assert_int_equal(read_at("parts", &m, &e), -1);
    if (!strstr(e.text, "parts of a concatenation of 2 files") || !strstr(e.text, "part 1 is not there"))
        fail_msg("%s", e.text);
    corpus_keep(dir, "parts");
}

/* What its flags and moments say of decay. */
static void decay(void **state)
{
    (void)state;
    static const struct {
        const char *decay, *moment;
        double delay_s;
    } cases[] = {{"YES", "20200131103500.00", 0}, {"YES", "20200131111500", 2400}, {"YES", "20200131112011.00", 2711}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct volume_message m;
        struct error e = {0};
        enhanced_at("one/x.dcm", &(struct enhanced){.decay = cases[i].decay, .decayed = cases[i].moment});
        if (read_at("one", &m, &e) < 0)
            fail_msg("%s", e.text);
        double const wanted = 71000 / (388777472.0 * exp2(-cases[i].delay_s / 6588));
        if (!(fabs(m.facts.suv_factor / wanted - 1) < 1e-9))
            fail_msg("%s: %.9g, not %.9g", cases[i].moment, m.facts.suv_factor, wanted);
        volume_message_free(&m);
    }
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        struct enhanced made;
        const char *says;
    } cases[] = {
        {{.second_stack = 4}, "(0020,9056) StackID differs: '1' and '2'"},
        {{.second_time = 4}, "(0020,9128) TemporalPositionIndex differs: 1 and 2"},
        {{.said = 6}, "(0028,0008) NumberOfFrames is 6, but (5200,9230) has 7 items"},
        {{.said = 100000}, "(0028,0008) NumberOfFrames is 100000, but (5200,9230) has 7 items"},
        {{.without_groups = 1}, "(5200,9230) PerFrameFunctionalGroupsSequence is missing"},
        {{.unplaced = 3}, "x.dcm, frame 3': (0020,0032) ImagePositionPatient is missing"},
        {{.unscaled = 2}, "frame 2': (0028,1053) RescaleSlope or (0028,1052) RescaleIntercept is missing"},
        {{.by_table = true},
         "(0040,9225) RealWorldValueSlope or (0040,9224) RealWorldValueIntercept of frame 1 is missing"},
        {{.cut = 2}, "7 frames of 6 rows of 5 columns need 420: the file is cut short"},
        {{.unit = "{propcounts}"}, "CNTS"}, /* of the two mappings counts are better: nobody says what one is worth */
        {{.unit = ""}, "(0054,1001) Units is missing"},
        {{.decayed = ""}, "(0054,1102) DecayCorrection"},
        {{.attenuation = "NO"}, "without ATTN"},
        {{.first = 3}, "(0054,1330) ImageIndex goes from 3 to 9, and 7 slices are there"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct volume_message m;
        struct error e = {0};
        enhanced_at("one/x.dcm", &cases[i].made);
        if (read_at("one", &m, &e) == 0)
            fail_msg("case %zu was read, it should say '%s'", i, cases[i].says);
        if (!strstr(e.text, cases[i].says))
            fail_msg("case %zu: '%s' does not say '%s'", i, e.text, cases[i].says);
        corpus_keep(dir, "enhanced_refused");
    }
    /* two frames at one place */
    slices[1].position = slices[0].position;
    struct volume_message m;
    struct error e = {0};
    enhanced_at("one/x.dcm", &(struct enhanced){0});
    assert_int_equal(read_at("one", &m, &e), -1);
    assert_non_null(strstr(e.text, "both lie at the same place"));
    corpus_keep(dir, "enhanced_refused");
}

static void transfer_syntaxes(void **state)
{
    (void)state;
    static const char *const ways[] = {"dcmconv +te", "dcmconv +ti",  "dcmconv +tb",  "dcmconv +td",
                                       "dcmcrle",     "dcmcjpls +el", "dcmcjpeg +e1", "dcmcjpeg +el"};
    if (system("command -v dcmcrle dcmcjpls dcmcjpeg dcmconv >/dev/null") != 0) {
        print_message("# skipped: DCMTK's tools (package dcmtk) are not installed\n");
        skip();
    }
    slices_at("slices");
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        enhanced_at("plain.dcm", &(struct enhanced){.legacy = i % 2});
        char *command = xprintf("cd %s && mkdir -p coded && %s plain.dcm coded/x.dcm", dir, ways[i]);
        if (system(command) != 0)
            fail_msg("%s does not work", ways[i]);
        free(command);
        expect_same("coded");
        corpus_keep(dir, "enhanced_coded");
    }
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {IN_DIR(as_slices), IN_DIR(parts), IN_DIR(decay), IN_DIR(refusals),
                                       IN_DIR(transfer_syntaxes)};
    return cmocka_run_group_tests_name("load_enhanced", tests, NULL, NULL);
}
