/* SPDX-License-Identifier: Apache-2.0 */
/* load_jpeg2000 -- slices packed here by OpenJPEG's encoder and read by the product: bit for bit where the syntax is lossless, and
 * whatever is wrong with a codestream by name. */
#include "stages/load/load.h"
#include "tests/unit/load_dicom_file.h"
#include "tests/unit/load_jpeg2000_file.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { ROWS = 40, COLUMNS = 33, SLICES = 4 };
static char dir[] = "/tmp/petrel-jpeg2000.XXXXXX";

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

/* ---- reading back ---- */

static int32_t wanted(const struct jpeg2000_coding *c, int slice, int i)
{
    int32_t const all = (int32_t)1 << c->bits, v = (i * 2477 + slice * 311 + i * i) % all;
    return c->is_signed ? v - all / 2 : v;
}

/* One slice of these values at `path`. spoil: done to the codestream before it is put away. */
static void slice_write(const char *path, int slice, const struct jpeg2000_coding *c, const char *syntax,
                        size_t fragments, bool signed_header, void (*spoil)(struct buffer *code))
{
    int32_t value[ROWS * COLUMNS];
    char position[32];
    static const uint16_t none[ROWS * COLUMNS];
    for (int i = 0; i < (int)(c->rows * c->columns); i++)
        value[i] = wanted(c, slice, i);
    struct buffer code = jpeg2000_encode(dir, value, *c);
    if (spoil)
        spoil(&code);
    snprintf(position, sizeof position, "0\\0\\%d", 3 * slice);
    dicom_slice_write(path, &(struct dicom_slice){.position = position,
                                                  .rows = ROWS,
                                                  .columns = COLUMNS,
                                                  .pixels = none,
                                                  .syntax = syntax,
                                                  .code = code.data,
                                                  .code_size = code.size,
                                                  .fragments = fragments,
                                                  .slope = 1,
                                                  .is_signed = signed_header});
    buffer_free(&code);
}

static struct names folder_write(const struct jpeg2000_coding *c, const char *syntax, size_t fragments,
                                 bool signed_header, void (*spoil)(struct buffer *))
{
    struct names files = {xalloc(SLICES, sizeof(char *)), SLICES};
    for (int z = 0; z < SLICES; z++) {
        files.name[z] = xprintf("%s/%d.dcm", dir, z);
        slice_write(files.name[z], z, c, syntax, fragments, signed_header, spoil);
    }
    return files;
}

static int folder_read(const struct names *files, struct series *s, struct error *e)
{
    struct scan_facts f;
    char *patient, *study;
    scan_facts_init(&f);
    int rc = series_read(files, NULL, 1 << 26, s, &f, &patient, &study, e);
    free(patient);
    free(study);
    return rc;
}

static void every_kind(void **state)
{
    (void)state;
    static const struct {
        struct jpeg2000_coding coding;
        const char *syntax;
        size_t fragments;
        bool signed_header;
        double within;
    } cases[] = {
        {{ROWS, COLUMNS, 1, 16, false, false, false}, LOSSLESS, 1, false, 0},
        {{ROWS, COLUMNS, 1, 16, true, false, false}, LOSSLESS, 3, true, 0},
        {{ROWS, COLUMNS, 1, 12, false, true, false}, LOSSLESS, 2, false, 0},
        {{ROWS, COLUMNS, 1, 16, false, false, false}, LOSSY, 1, false, 0},
        {{ROWS, COLUMNS, 1, 16, true, true, false}, LOSSY, 1, true, 0},
        {{ROWS, COLUMNS, 1, 12, false, false, true}, LOSSY, 5, false, 400},
        {{ROWS, COLUMNS, 1, 8, false, false, false}, LOSSLESS, 1, false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct jpeg2000_coding *c = &cases[i].coding;
        struct series s;
        struct error e = {0};
        struct names files = folder_write(c, cases[i].syntax, cases[i].fragments, cases[i].signed_header, NULL);
        if (folder_read(&files, &s, &e) < 0)
            fail_msg("case %zu: %s", i, e.text);
        double off = 0, apart = 0;
        for (int z = 0; z < SLICES; z++)
            for (int v = 0; v < ROWS * COLUMNS; v++) {
                double here = fabs(s.voxel[z * ROWS * COLUMNS + v] - (double)wanted(c, z, v));
                off = fmax(off, here);
                apart += here;
            }
        if (!(off <= cases[i].within) || (cases[i].within > 0 && apart == 0))
            fail_msg("case %zu: off by %g, %g in all", i, off, apart);
        free(s.voxel);
        names_free(&files);
    }
}

/* The same bits are what the header's sign makes of them, whatever the codestream calls them. */
static void sign_of_the_header(void **state)
{
    (void)state;
    struct jpeg2000_coding c = {ROWS, COLUMNS, 1, 16, false, false, false};
    struct series s;
    struct error e = {0};
    struct names files = folder_write(&c, LOSSLESS, 1, true, NULL);
    assert_int_equal(folder_read(&files, &s, &e), 0);
    for (int v = 0; v < ROWS * COLUMNS; v++)
        assert_true(s.voxel[v] == (float)(int16_t)(uint16_t)wanted(&c, 0, v));
    free(s.voxel);
    names_free(&files);
}

/* Slices of the real series, packed again, are the same volume. */
static void a_real_series(void **state)
{
    (void)state;
    const char *data = getenv("PETREL_DATA");
    if (!data || !*data) {
        print_message("# skipped: no real series at hand (PETREL_DATA)\n");
        skip();
    }
    struct error e = {0};
    for (int z = 0; z < 3; z++) {
        char *path = xprintf("%s/ge_sarcoma_dicom/image/1-%03d.dcm", data, 100 + z),
             *packed = xprintf("%s/real.dcm", dir);
        struct dicom_image image, again;
        assert_int_equal(dicom_read_image(path, &image, &e), 0);
        size_t const count = (size_t)(image.rows * image.columns);
        float *here = xalloc(count, sizeof *here), *there = xalloc(count, sizeof *there);
        int32_t *stored = xalloc(count, sizeof *stored);
        image.slope = 1;
        image.intercept = 0;
        assert_int_equal(dicom_read_voxels(path, &image, here, &e), 0);
        for (size_t i = 0; i < count; i++)
            stored[i] = (int32_t)here[i];
        struct buffer code = jpeg2000_encode(dir, stored,
                                             (struct jpeg2000_coding){(unsigned)image.rows, (unsigned)image.columns, 1,
                                                                      16, image.is_signed == 1, false, false});
        dicom_slice_write(packed, &(struct dicom_slice){.position = "0\\0\\0",
                                                        .rows = (unsigned)image.rows,
                                                        .columns = (unsigned)image.columns,
                                                        .pixels = (const uint16_t *)stored,
                                                        .syntax = LOSSLESS,
                                                        .code = code.data,
                                                        .code_size = code.size,
                                                        .slope = 1,
                                                        .is_signed = image.is_signed == 1});
        if (dicom_read_image(packed, &again, &e) < 0 || dicom_read_voxels(packed, &again, there, &e) < 0)
            fail_msg("%s", e.text);
        assert_memory_equal(here, there, count * sizeof *here);
        dicom_image_free(&image);
        dicom_image_free(&again);
        buffer_free(&code);
        free(stored);
        free(there);
        free(here);
        free(packed);
        free(path);
    }
}

static void cut_half(struct buffer *code)
{
    code->size /= 2;
}
static void cut_head(struct buffer *code)
{
    code->size = 30;
}
static void make_rubbish(struct buffer *code)
{
    memset(code->data, 'x', code->size);
}
static void make_empty(struct buffer *code)
{
    code->size = 0;
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        struct jpeg2000_coding coding;
        void (*spoil)(struct buffer *code);
        const char *says;
    } cases[] = {
        {{ROWS, COLUMNS, 1, 16, false, false, false}, cut_half, "damaged or cut short"},
        {{ROWS, COLUMNS, 1, 16, false, false, false}, cut_head, "damaged at its head"},
        {{ROWS, COLUMNS, 1, 16, false, true, false}, cut_head, "damaged at its head"},
        {{ROWS, COLUMNS, 1, 16, false, false, false}, make_rubbish, "damaged at its head"},
        {{ROWS, COLUMNS, 1, 16, false, false, false}, make_empty, "damaged at its head"},
        {{ROWS - 1, COLUMNS, 1, 16, false, false, false},
         NULL,
         "its codestream has 39 rows of 33 columns, its header 40 of 33"},
        {{ROWS, COLUMNS - 9, 1, 16, false, false, false}, NULL, "its codestream has 40 rows of 24 columns"},
        {{ROWS, COLUMNS, 3, 8, false, false, false}, NULL, "3 components"},
        {{ROWS, COLUMNS, 1, 20, false, false, false}, NULL, "20 bits a pixel"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct series s;
        struct error e = {0};
        struct names files = folder_write(&cases[i].coding, LOSSLESS, 1, false, cases[i].spoil);
        assert_int_equal(folder_read(&files, &s, &e), -1);
        assert_null(s.voxel);
        if (!strstr(e.text, cases[i].says) || !strstr(e.text, ".dcm"))
            fail_msg("case %zu: '%s' does not say '%s'", i, e.text, cases[i].says);
        names_free(&files);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_kind), cmocka_unit_test(sign_of_the_header),
                                       cmocka_unit_test(a_real_series), cmocka_unit_test(refused)};
    return cmocka_run_group_tests_name("load_jpeg2000", tests, enter, leave);
}
