/* SPDX-License-Identifier: Apache-2.0 */
/* load_seg -- a DICOM segmentation with several segments, its bits packed across frames, as truth of a small series. */
#include "stages/load/load.h"
#include "tests/unit/load_corpus.h"
#include "tests/unit/load_seg_file.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { SLICES = 7, PLANE = SEG_PLANE };
static char dir[] = "/tmp/petrel-seg.XXXXXX";

static int enter(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    for (int k = 0; k < SLICES; k++) {
        char position[64], *path = xprintf("%s/%d.dcm", dir, k);
        struct dicom_slice s = {.position = position};
        snprintf(position, sizeof position, "-20\\-13\\%d", -6 + 3 * k);
        dicom_slice_write(path, &s);
        free(path);
    }
    return 0;
}
static int leave(void **state)
{
    (void)state;
    corpus_keep(dir, "load_seg");
    dir_remove(dir);
    return 0;
}

/* Reads the folder: 0, or -1 and e. */
static int read_with(const struct seg *s, const char *segment, struct volume_message *m, struct error *e)
{
    char *path = xprintf("%s/seg.dcm", dir), *at = dir;
    struct load_options o = {.units = "auto", .salt = "s", .memory_limit = 1 << 28};
    struct sources found;
    if (segment)
        o.roi = (struct opt_strings){1, {segment}};
    seg_write(path, s);
    if (s->series)
        o.mask = path; /* named: it does not refer to the series itself */
    assert_int_equal(sources_find(&found, &at, 1, &o, e), 0);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.item[0].mask, path);
    int rc = scan_read(&found.item[0], &o, m, e);
    sources_free(&found);
    free(path);
    return rc;
}

static void expect_mask(const struct seg *s, const char *segment, unsigned first, unsigned last)
{
    struct volume_message m;
    struct error e = {0};
    if (read_with(s, segment, &m, &e) < 0)
        fail_msg("%s", e.text);
    for (int z = 0; z < SLICES; z++)
        for (int p = 0; p < PLANE; p++) {
            bool in = false;
            for (unsigned k = first; k <= last; k++)
                in |= inside(k, z, p);
            assert_int_equal(m.volume.mask[z * PLANE + p], in);
        }
    volume_message_free(&m);
}

static void segments(void **state)
{
    (void)state;
    expect_mask(&(struct seg){0}, NULL, 1, 1); /* a bladder is no tumour, unless it is named */
    expect_mask(&(struct seg){0}, "Tumour", 1, 1);
    expect_mask(&(struct seg){0}, "bladder", 2, 2);
    expect_mask(&(struct seg){.fraction = true}, NULL, 1, 1); /* more than half of 200 */
    expect_mask(&(struct seg){.shift_mm = 0.3}, NULL, 1, 1);
    expect_mask(&(struct seg){.series = "1.9"}, NULL, 1,
                1); /* drawn on the CT of the same frame of reference, on this grid */
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        struct seg seg;
        const char *segment, *says;
    } cases[] = {
        {{0},
         "liver",
         "no ROI or segment 'liver': (3006,0026) ROIName or (0062,0005) SegmentLabel has 'tumour', 'bladder'"},
        {{.series = "1.9", .frame_uid = "1.8"}, NULL, "drawn on another series"},
        {{.shift_mm = 1.2}, NULL, "lies between slices"},
        {{.shift_mm = 300}, NULL, "lies outside the slices"},
        {{.spacing = "4\\4"}, NULL, "run otherwise than its series'"},
        {{.orientation = "0\\1\\0\\1\\0\\0"}, NULL, "run otherwise than its series'"},
        {{.stray = true}, NULL, "frame 3 is of segment 9"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct volume_message m;
        struct error e = {0};
        assert_int_equal(read_with(&cases[i].seg, cases[i].segment, &m, &e), -1);
        if (!strstr(e.text, cases[i].says))
            fail_msg("'%s' does not say '%s'", e.text, cases[i].says);
    }
}

/* Damaged ones give no truth, or are refused where they were named; never more. */
static void damaged(void **state)
{
    (void)state;
    char *path = xprintf("%s/seg.dcm", dir);
    struct dicom_segmentation s;
    struct error e = {0};
    seg_write(path, &(struct seg){.frames_said = 900});
    assert_int_equal(dicom_read_segmentation(path, true, &s, &e), -1);
    assert_non_null(strstr(e.text, "NumberOfFrames is 900, but (5200,9230) has 4 items"));
    seg_write(path, &(struct seg){0});
    for (off_t size = 1700; size > 200; size -= 60)
        if (truncate(path, size) == 0 && dicom_read_segmentation(path, true, &s, &e) == 0)
            dicom_segmentation_free(&s);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(segments), cmocka_unit_test(refused), cmocka_unit_test(damaged)};
    return cmocka_run_group_tests_name("load_seg", tests, enter, leave);
}
