/* SPDX-License-Identifier: Apache-2.0 */
/* load_compressed -- what compressed pixels say of themselves is held against what they are before DCMTK unpacks them: whole ones are
 * read, damaged ones refused by file and field. */
#include "common/file.h"
#include "stages/load/compressed.h"
#include "stages/load/dicom.h"
#include "tests/unit/load_dicom_file.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { PIXELS = SLICE_ROWS * SLICE_COLUMNS, HEADER = 64, ROOM = 400 };
#define RLE     "1.2.840.10008.1.2.5"
#define JPEG_LS "1.2.840.10008.1.2.4.80"
static const struct frame_shape shape = {SLICE_ROWS, SLICE_COLUMNS, 2};
static char dir[] = "/tmp/petrel-compressed.XXXXXX";

static int enter(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}
static int leave(void **state)
{
    (void)state;
    dir_remove(dir);
    return 0;
}

/* ---- RLE ---- */

static void put_u32(uint8_t *at, size_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* Two segments: high bytes as one run of 3 and literals, low bytes as runs of 15. */
static uint16_t wanted(size_t pixel)
{
    return (uint16_t)((pixel < 3 ? 9 : pixel) << 8 | (pixel < 15 ? 0xaa : 0x80));
}
static size_t rle_make(uint8_t code[ROOM])
{
    size_t n = HEADER;
    memset(code, 0, ROOM);
    put_u32(code, 2);
    put_u32(code + 4, n);
    code[n++] = 257 - 3;
    code[n++] = 9;
    code[n++] = PIXELS - 3 - 1;
    for (size_t i = 3; i < PIXELS; i++)
        code[n++] = (uint8_t)i;
    put_u32(code + 8, n);
    for (int i = 0; i < 2; i++) {
        code[n++] = 257 - 15;
        code[n++] = i ? 0x80 : 0xaa;
    }
    return n;
}

static struct error rle_says(const uint8_t *code, size_t size)
{
    struct error e = {0};
    uint8_t *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    memcpy(exact, code, size);
    int const rc = rle_check(exact, size, &shape, &e);
    assert_int_equal(rc, *e.text ? -1 : 0);
    free(exact);
    return e;
}
static void expect(const char *what, struct error e, const char *says)
{
    if (!strstr(e.text, says))
        fail_msg("%s: '%s' does not say '%s'", what, e.text, says);
}

static void rle_segments(void **state)
{
    (void)state;
    uint8_t whole[ROOM], code[ROOM];
    size_t const size = rle_make(whole), second = size - 4;
    assert_string_equal(rle_says(whole, size).text, "");
    assert_string_equal(rle_says(whole, size + 1).text, ""); /* padding to an even length */
    expect("short", rle_says(whole, HEADER - 1), "its RLE header has 63 bytes of 64");
    static const struct {
        size_t at;
        uint32_t value;
        const char *says;
    } offsets[] = {
        {0, 1, "has 1 segments, 2 bytes a pixel need as many"},
        {0, 0xffffffff, "has 4294967295 segments"},
        {4, 0, "segment 1 of its RLE header lies from 0"},
        {4, 0x7fffffff, "segment 1 of its RLE header lies from 2147483647"},
        {8, 0xfffffff0, "segment 1 of its RLE header lies from 64 to 4294967280"}, /* DCMTK read on to there */
        {8, HEADER - 1, "segment 1 of its RLE header lies from 64 to 63"},
        {8, HEADER + 4, "segment 1 of its RLE header ends within a run at pixel 3 of 30"},
        {8, HEADER + 2, "segment 1 of its RLE header has 3 pixels of 30"}, /* DCMTK went on with the last value */
    };
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        memcpy(code, whole, ROOM);
        put_u32(code + offsets[i].at, offsets[i].value);
        expect("an offset", rle_says(code, size), offsets[i].says);
    }
    static const struct {
        size_t behind;
        uint8_t value;
        const char *says;
    } runs[] = {{0, 257 - 20, "segment 2 of its RLE header has a run beyond its 30 pixels"},
                {2, 257 - 14, "segment 2 of its RLE header has 29 pixels of 30"},
                {0, 128, "a run of no length at pixel 0"},
                {0, 127, "segment 2 of its RLE header ends within a run"}};
    for (size_t i = 0; i < COUNT_OF(runs); i++) {
        memcpy(code, whole, ROOM);
        code[second + runs[i].behind] = runs[i].value;
        expect("a run", rle_says(code, size), runs[i].says);
    }
    for (size_t cut = HEADER; cut < size; cut++)
        assert_true(*rle_says(whole, cut).text);
}

/* ---- JPEG, JPEG-LS: as far as the frame header ---- */

static void jpeg_frames(void **state)
{
    (void)state;
    static const uint8_t good[] = {
        0xff, 0xd8, 0xff, 0xff, 0xe0, 0,   4,          1, 2, /* a fill byte, a segment of an application */
        0xff, 0xf7, 0,    11,   16,   0,   SLICE_ROWS, 0, SLICE_COLUMNS,
        1,    1,    0x11, 0,    0xff, 0xda};
    enum { FRAME = 13 };
    static const struct {
        size_t at;
        uint8_t value;
        const char *says;
    } cases[] = {{1, 0xd9, "does not begin as one"},
                 {5, 0xff, "a marker segment e0 of 65284 bytes where"},
                 {6, 1, "a marker segment e0 of 1 bytes"},
                 {10, 0xda, "its JPEG stream has no frame header"},
                 {12, 5, "its JPEG frame header is cut short"},
                 {FRAME, 17, "its JPEG frame header has 17 bits a pixel, its DICOM header 16"},
                 {FRAME + 2, 7, "its JPEG frame header has 7 rows of 5 columns, its DICOM header 6 of 5"},
                 {FRAME + 3, 1, "6 rows of 261 columns"},
                 {FRAME + 5, 3, "its JPEG frame header has 3 components"}};
    uint8_t code[sizeof good];
    struct error e = {0};
    assert_int_equal(jpeg_check(good, sizeof good, &shape, &e), 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        memcpy(code, good, sizeof good);
        code[cases[i].at] = cases[i].value;
        e = (struct error){0};
        assert_int_equal(jpeg_check(code, sizeof code, &shape, &e), -1);
        expect("a marker", e, cases[i].says);
    }
    for (size_t cut = 0; cut < FRAME + 6; cut++) {
        uint8_t *exact = malloc(cut + 1);
        memcpy(exact, good, cut);
        assert_int_equal(jpeg_check(exact, cut, &shape, &e), -1);
        free(exact);
    }
}

/* ---- files ---- */

static int slice_read(const uint8_t *code, size_t size, const char *syntax, size_t fragments, float voxel[PIXELS],
                      struct error *e)
{
    struct dicom_image image;
    char *path = path_join(dir, "f.dcm");
    dicom_slice_write(path, &(struct dicom_slice){.position = "0\\0\\0",
                                                  .slope = 1,
                                                  .syntax = syntax,
                                                  .code = code,
                                                  .code_size = size,
                                                  .fragments = fragments});
    int rc = dicom_read_image(path, &image, e);
    if (rc == 0) {
        rc = dicom_read_voxels(path, &image, voxel, e);
        dicom_image_free(&image);
    }
    free(path);
    return rc;
}

static void files(void **state)
{
    (void)state;
    uint8_t code[ROOM];
    float voxel[PIXELS];
    size_t const size = rle_make(code);
    struct error e = {0};
    if (slice_read(code, size, RLE, 1, voxel, &e) < 0)
        fail_msg("%s", e.text);
    for (size_t i = 0; i < PIXELS; i++)
        assert_true(voxel[i] == wanted(i));
    assert_int_equal(slice_read(code, size, RLE, 2, voxel, &e), -1);
    expect("two fragments", e, "f.dcm': (7FE0,0010) PixelData has 2 fragments for 1 frames: RLE has one each");
    put_u32(code + 8, 0xfffffff0);
    assert_int_equal(slice_read(code, size, RLE, 1, voxel, &e), -1);
    expect("an offset", e, "f.dcm': (7FE0,0010) PixelData: segment 1 of its RLE header lies from 64 to");
    assert_int_equal(slice_read(code, size, JPEG_LS, 1, voxel, &e), -1);
    expect("no JPEG", e, "f.dcm': (7FE0,0010) PixelData: its JPEG stream does not begin as one");
    assert_int_equal(slice_read(code, 0, JPEG_LS, 1, voxel, &e), -1);
    expect("nothing", e, "f.dcm': (7FE0,0010) PixelData: its JPEG stream does not begin as one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rle_segments), cmocka_unit_test(jpeg_frames),
                                       cmocka_unit_test(files)};
    return cmocka_run_group_tests_name("load_compressed", tests, enter, leave);
}
