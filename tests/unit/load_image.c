/* SPDX-License-Identifier: Apache-2.0 */
/* load_image -- MetaImage and NRRD files made byte by byte: the same volume each way, and everything refused by name. */
#include "common/gzip.h"
#include "stages/load/load.h"
#include "tests/unit/load_corpus.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

enum { W = 4, H = 3, D = 2, VOXELS = W * H * D };
static char dir[] = "/tmp/petrel-image.XXXXXX";
static const size_t MAX = 1 << 24;

static int enter(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}
static int leave(void **state)
{
    (void)state;
    corpus_keep(dir, "load_image");
    dir_remove(dir);
    return 0;
}

static char *in_dir(const char *name)
{
    return path_join(dir, name);
}

/* Values 0, 1, 2, ... as this type. packed: 0, 'z' zlib or 'g' gzip. */
static struct buffer ramp(const char *type, bool big, int packed)
{
    struct buffer b = {.data = xalloc(VOXELS, 8), .size = 0};
    for (int i = 0; i < VOXELS; i++) {
        uint8_t bytes[8];
        size_t width = 1;
#define AS(name, kind)                                                                                                 \
    if (strcmp(type, name) == 0) {                                                                                     \
        kind v = (kind)i;                                                                                              \
        memcpy(bytes, &v, width = sizeof v);                                                                           \
    }
        /* clang-format off */
        AS("uint8", uint8_t) AS("int8", int8_t) AS("int16", int16_t) AS("uint16", uint16_t) AS("int32", int32_t)
        AS("uint32", uint32_t) AS("int64", int64_t) AS("uint64", uint64_t) AS("float", float) AS("double", double)
            /* clang-format on */
            for (size_t k = 0; k < width; k++) b.data[b.size++] = bytes[big ? width - 1 - k : k];
    }
    if (packed) {
        z_stream z = {0};
        uint8_t *to = xalloc(1000, 1);
        deflateInit2(&z, 6, Z_DEFLATED, packed == 'g' ? 31 : 15, 8, Z_DEFAULT_STRATEGY);
        z.next_in = b.data, z.avail_in = (uInt)b.size, z.next_out = to, z.avail_out = 1000;
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        free(b.data);
        b = (struct buffer){.data = to, .size = z.total_out};
        deflateEnd(&z);
    }
    return b;
}

/* Writes header, then the voxels: behind it, or in `beside`. */
static char *save(const char *name, const char *header, struct buffer voxels, const char *beside)
{
    struct error e = {0};
    char *path = in_dir(name), *all = xalloc(strlen(header) + voxels.size, 1);
    memcpy(all, header, strlen(header));
    memcpy(all + strlen(header), voxels.data, voxels.size);
    assert_int_equal(publish_bytes(path, all, strlen(header) + (beside ? 0 : voxels.size), &e), 0);
    if (beside) {
        char *other = in_dir(beside);
        assert_int_equal(publish_bytes(other, voxels.data, voxels.size, &e), 0);
        free(other);
    }
    free(all);
    free(voxels.data);
    return path;
}

/* 2 x 3 x 5 mm; the first voxel at RAS -10, -20, 30; x to the left, y to the back. */
static void expect_volume(char *path, bool has_second_file)
{
    struct nifti n;
    struct error e = {0};
    char *second = NULL;
    if (image_read(path, MAX, &n, &second, &e) < 0)
        fail_msg("%s", e.text);
    assert_true(n.grid.dim[0] == D && n.grid.dim[1] == H && n.grid.dim[2] == W);
    double const affine[3][4] = {{-2, 0, 0, -10}, {0, -3, 0, -20}, {0, 0, 5, 30}};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            assert_true(fabs(n.grid.affine[i][j] - affine[i][j]) < 1e-9);
    assert_true(n.placed && n.grid.spacing_mm[0] == 5 && n.grid.spacing_mm[2] == 2);
    for (int i = 0; i < VOXELS; i++)
        assert_true(n.voxel[i] == (float)i);
    assert_int_equal(second != NULL, has_second_file);
    free(second);
    free(n.voxel);
    free(path);
}

static const char *const types[][3] = {{"uint8", "MET_UCHAR", "unsigned char"},
                                       {"int8", "MET_CHAR", "signed char"},
                                       {"int16", "MET_SHORT", "short"},
                                       {"uint16", "MET_USHORT", "unsigned short"},
                                       {"int32", "MET_INT", "int"},
                                       {"uint32", "MET_UINT", "uint32"},
                                       {"int64", "MET_LONG_LONG", "int64"},
                                       {"uint64", "MET_ULONG_LONG", "uint64_t"},
                                       {"float", "MET_FLOAT", "float"},
                                       {"double", "MET_DOUBLE", "double"}};
#define MHA_PLACE                                                                                                      \
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 10 20 30\n"       \
    "CenterOfRotation = 0 0 0\nAnatomicalOrientation = RAI\nElementSpacing = 2 3 5\nDimSize = 4 3 2\n"
#define NRRD_PLACE                                                                                                     \
    "# made by hand\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n"                                     \
    "space directions: (2,0,0) (0,3,0) (0,0,5)\nkinds: domain domain domain\nspace origin: (10,20,30)\nkey:=value\n"

static void every_type(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(types); t++)
        for (int big = 0; big < 2; big++)
            for (int packed = 0; packed < 2; packed++) {
                char header[800];
                snprintf(header, sizeof header,
                         MHA_PLACE "BinaryDataByteOrderMSB = %s\nCompressedData = %s\nElementType = %s\n"
                                   "ElementDataFile = LOCAL\n",
                         big ? "True" : "False", packed ? "True" : "False", types[t][1]);
                expect_volume(save("a.mha", header, ramp(types[t][0], big, packed ? 'z' : 0), NULL), false);
                snprintf(header, sizeof header, "NRRD0005\r\n" NRRD_PLACE "type: %s\nencoding: %s\nendian: %s\n\n",
                         types[t][2], packed ? "gzip" : "raw", big ? "big" : "little");
                expect_volume(save("a.nrrd", header, ramp(types[t][0], big, packed ? 'g' : 0), NULL), false);
            }
}

static void second_files(void **state)
{
    (void)state;
    expect_volume(
        save("b.mhd", MHA_PLACE "ElementType = MET_SHORT\nElementDataFile = b.raw\n", ramp("int16", false, 0), "b.raw"),
        true);
    expect_volume(save("c.mhd", MHA_PLACE "ElementType = MET_FLOAT\nCompressedData = True\nElementDataFile = c.zraw\n",
                       ramp("float", false, 'z'), "c.zraw"),
                  true);
    expect_volume(save("d.nhdr", "NRRD0004\n" NRRD_PLACE "type: float\nencoding: raw\nendian: little\ndata file: d.raw\n",
                       ramp("float", false, 0), "d.raw"),
                  true);
    /* 7 bytes before the voxels, counted from either end */
    struct buffer late = ramp("int16", false, 0);
    memmove(late.data + 7, late.data, late.size);
    late.size += 7;
    struct buffer again = {.data = xalloc(late.size, 1), .size = late.size};
    memcpy(again.data, late.data, late.size);
    expect_volume(
        save("e.mhd", MHA_PLACE "HeaderSize = 7\nElementType = MET_SHORT\nElementDataFile = e.raw\n", late, "e.raw"),
        true);
    expect_volume(
        save("e.mhd", MHA_PLACE "HeaderSize = -1\nElementType = MET_SHORT\nElementDataFile = e.raw\n", again, "e.raw"),
        true);
}

/* RAS and LAS spaces are the same place under other signs; without a space it is not said where it lies. */
static void spaces(void **state)
{
    (void)state;
#define NRRD_REST "type: short\nencoding: raw\nendian: little\ndimension: 3\nsizes: 4 3 2\n"
    expect_volume(save("f.nrrd",
                       "NRRD0004\n" NRRD_REST
                       "space: right-anterior-superior\nspace directions: (-2,0,0) (0,-3,0) (0,0,5)\n"
                       "space origin: (-10,-20,30)\n\n",
                       ramp("int16", false, 0), NULL),
                  false);
    expect_volume(save("f.nrrd",
                       "NRRD0004\n" NRRD_REST "space: LAS\nspace directions: (2,0,0) (0,-3,0) (0,0,5)\n"
                       "space origin: (10,-20,30)\n\n",
                       ramp("int16", false, 0), NULL),
                  false);
    struct nifti n;
    struct error e = {0};
    char *path = save("g.nrrd", "NRRD0004\n" NRRD_REST "spacings: 2 3 5\n\n", ramp("int16", false, 0), NULL);
    assert_int_equal(image_read(path, MAX, &n, NULL, &e), 0);
    assert_true(!n.placed && n.grid.spacing_mm[0] == 5);
    free(n.voxel);
    free(path);
    /* turned: the first axis of the file runs to the head */
    path =
        save("h.mha",
             "NDims = 3\nTransformMatrix = 0 0 1 1 0 0 0 1 0\nOffset = 1 2 3\nElementSpacing = 2 3 5\nDimSize = 4 3 2\n"
             "ElementType = MET_SHORT\nElementDataFile = LOCAL\n",
             ramp("int16", false, 0), NULL);
    assert_int_equal(image_read(path, MAX, &n, NULL, &e), 0);
    assert_true(n.grid.affine[2][0] == 2 && n.grid.affine[0][1] == -3 && n.grid.affine[1][2] == -5 &&
                n.grid.affine[0][3] == -1);
    free(n.voxel);
    free(path);
}

static void refused(void **state)
{
    (void)state;
#define MHA_END "ElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    static const struct {
        const char *name, *header, *says;
    } cases[] = {
        {"x.mha", "", "no MetaImage"},
        {"x.mha", "rubbish\n", "is no 'Name = value'"},
        {"x.mha", "NDims = 4\nDimSize = 4 3 2 9\n" MHA_END, "NDims is '4'"},
        {"x.mha", "NDims = 3\nDimSize = 4 3\n" MHA_END, "DimSize is '4 3'"},
        {"x.mha", "NDims = 3\nDimSize = 4 3 -2\n" MHA_END, "DimSize has -2"},
        {"x.mha", "NDims = 3\nDimSize = 4 3 2.5\n" MHA_END, "DimSize has 2.5"},
        {"x.mha", "NDims = 3\nDimSize = 30000 30000 30000\n" MHA_END, "more memory than --memory-limit"},
        {"x.mha", "NDims = 3\nDimSize = 100 100 100\n" MHA_END, "cut short"},
        {"x.mha", "NDims = 3\nDimSize = 120 100 100\nCompressedData = True\n" MHA_END, "can unpack to"},
        {"x.mha", "NDims = 3\nDimSize = 4 3 2\nCompressedData = True\n" MHA_END, "damaged"},
        {"x.mha", "NDims = 3\nDimSize = 4 3 2\nElementSpacing = 0 1 1\n" MHA_END, "voxels are 0 mm"},
        {"x.mha", "NDims = 3\nDimSize = 4 3 2\nElementSpacing = nan 1 1\n" MHA_END, "ElementSpacing"},
        {"x.mha", "NDims = 3\nDimSize = 4 3 2\nTransformMatrix = 1 0 0 1 0 0 0 0 1\n" MHA_END, "run the same way"},
        {"x.mha", "NDims = 3\nDimSize = 4 3 2\nElementNumberOfChannels = 3\n" MHA_END, "ElementNumberOfChannels is 3"},
        {"x.mha", "NDims = 3\nDimSize = 4 3 2\nElementToIntensityFunctionSlope = 2\n" MHA_END, "FunctionSlope"},
        {"x.mha", "NDims = 3\nDimSize = 4 3 2\nBinaryData = False\n" MHA_END, "written as text"},
        {"x.mha", "NDims = 3\nDimSize = 4 3 2\nElementType = MET_STRING\nElementDataFile = LOCAL\n",
         "ElementType 'MET_STRING'"},
        {"x.mhd", "NDims = 3\nDimSize = 4 3 2\nElementType = MET_SHORT\nElementDataFile = no.raw\n", "no.raw"},
        {"x.mhd", "NDims = 3\nDimSize = 4 3 2\nElementType = MET_SHORT\nElementDataFile = s%03d.raw\n", "list of files"},
        {"x.nrrd", "NRRE0004\n\n", "not NRRD"},
        {"x.nrrd", "NRRD0004\ntype: short\n", "dimension is ''"},
        {"x.nrrd", "NRRD0004\n" NRRD_REST "encoding: bzip2\n\n", "encoding 'bzip2' is not read"},
        {"x.nrrd", "NRRD0004\n" NRRD_REST "space: scanner-xyz\nspace directions: (1,0,0) (0,1,0) (0,0,1)\n\n",
         "space 'scanner-xyz'"},
        {"x.nrrd", "NRRD0004\n" NRRD_REST "space: LPS\nspace directions: none (0,1,0) (0,0,1)\n\n",
         "not three times three"},
        {"x.nrrd", "NRRD0004\n" NRRD_REST "dimension: 4\n\n", "not 4 numbers"},
        {"x.nrrd", "NRRD0004\n" NRRD_REST "endian: middle\n\n", "endian is 'middle'"},
        {"x.nrrd", "NRRD0004\n" NRRD_REST "byte skip: 1e300\n\n", "byte skip is '1e300'"},
        {"x.nrrd", "NRRD0004\n" NRRD_REST "sizes: 400 300 2\n\n", "cut short"},
        {"x.raw", "", "its ending is none of"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct nifti n;
        struct error e = {0};
        char *path = save(cases[i].name, cases[i].header, ramp("int16", false, 0), NULL), *second = NULL;
        assert_int_equal(image_read(path, MAX, &n, &second, &e), -1);
        assert_true(second == NULL && n.voxel == NULL);
        if (!strstr(e.text, cases[i].says) || !strstr(e.text, path))
            fail_msg("case %zu: '%s' does not say '%s'", i, e.text, cases[i].says);
        free(path);
    }
}

/* A scan in one format, its truth in another, its facts in a JSON; found by name. */
static void scan_and_mask(void **state)
{
    (void)state;
    struct error e = {0};
    char *scan = save("pat_PET.mhd", MHA_PLACE "ElementType = MET_SHORT\nElementDataFile = pat_PET.raw\n",
                      ramp("int16", false, 0), "pat_PET.raw");
    char *mask = save("pat_PET_mask.nrrd", "NRRD0004\n" NRRD_PLACE "type: uchar\nencoding: raw\n\n",
                      ramp("uint8", false, 0), NULL);
    struct sources s;
    struct load_options o = {.units = "suv", .salt = "s", .memory_limit = 1 << 28};
    struct volume_message m;
    assert_int_equal(sources_find(&s, &scan, 1, &o, &e), 0);
    assert_int_equal(s.count, 1);
    assert_string_equal(s.item[0].mask, mask);
    if (scan_read(&s.item[0], &o, &m, &e) < 0)
        fail_msg("%s", e.text);
    char first[65];
    memcpy(first, m.facts.sha256, 65);
    for (int i = 0; i < VOXELS; i++)
        assert_true(m.volume.voxel[i] == (float)i && m.volume.mask[i] == (i > 0));
    assert_null(m.volume.organ);
    volume_message_free(&m);
    /* an organ map keeps its numbers, which are whole ones */
    char *organs = save("pat_organs.nrrd", "NRRD0004\n" NRRD_PLACE "type: uchar\nencoding: raw\n\n",
                        ramp("uint8", false, 0), NULL);
    source_set_organs(&s.item[0], organs);
    if (scan_read(&s.item[0], &o, &m, &e) < 0)
        fail_msg("%s", e.text);
    for (int i = 0; i < VOXELS; i++)
        assert_int_equal(m.volume.organ[i], i);
    volume_message_free(&m);
    struct buffer half = ramp("float", false, 0);
    half.data[19] = 0x40, half.data[18] = 0x20; /* voxel 4: 2.5 */
    free(organs);
    organs =
        save("pat_organs.nrrd", "NRRD0004\n" NRRD_PLACE "type: float\nencoding: raw\nendian: little\n\n", half, NULL);
    assert_int_equal(scan_read(&s.item[0], &o, &m, &e), -1);
    if (!strstr(e.text, "cannot use organ map '") || !strstr(e.text, "it holds the value 2.5"))
        fail_msg("%s", e.text);
    source_set_organs(&s.item[0], NULL);
    free(organs);
    /* the voxels' file belongs to the scan's digest */
    struct buffer other = ramp("int16", false, 0);
    other.data[4] = 77;
    free(save("pat_PET.mhd", MHA_PLACE "ElementType = MET_SHORT\nElementDataFile = pat_PET.raw\n", other, "pat_PET.raw"));
    assert_int_equal(scan_read(&s.item[0], &o, &m, &e), 0);
    assert_string_not_equal(first, m.facts.sha256);
    volume_message_free(&m);
    sources_free(&s);
    free(scan);
    free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_type), cmocka_unit_test(second_files),
                                       cmocka_unit_test(spaces), cmocka_unit_test(refused),
                                       cmocka_unit_test(scan_and_mask)};
    return cmocka_run_group_tests_name("load_image", tests, enter, leave);
}
