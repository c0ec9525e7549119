/* SPDX-License-Identifier: Apache-2.0 */
/* targets -- every parser of foreign files: how to write good files for it, how to read any.   tests/fuzz
 *
 * Shared by parsers (mutations by a seed, part of the tests) and libfuzzer (guided by coverage, make fuzz). */
#ifndef PETREL_TESTS_FUZZ_TARGETS_H
#define PETREL_TESTS_FUZZ_TARGETS_H
#include "common/gzip.h"
#include "common/utf8.h"
#include "proto/suv.h"
#include "stages/load/charset.h"
#include "stages/load/jpeg2000.h"
#include "stages/load/load.h"
#include "tests/golden/load/files.h"
#include "tests/unit/load_enhanced_file.h"
#include "tests/unit/load_jpeg2000_file.h"
#include "tests/unit/load_rt_file.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

enum { MAX_BYTES = 1 << 26 };

static void parse_image(const char *path)
{
    struct nifti image;
    char *second = NULL;
    struct error e = {0};
    if (image_read(path, MAX_BYTES, &image, &second, &e) == 0) {
        struct turn turned;
        void *voxel = image.voxel;
        volume_turn_lps(&image.grid, &turned, &voxel, sizeof(float));
        free(voxel);
        free(second);
    } else if (!*e.text) {
        abort(); /* refused without a sentence */
    }
}
static void parse_gzip(const char *path)
{
    struct buffer out;
    struct error e = {0};
    if (gzip_read(path, MAX_BYTES, &out, &e) == 0)
        buffer_free(&out);
}
static void parse_sidecar(const char *path)
{
    struct scan_facts f;
    char *patient, *study;
    struct error e = {0};
    scan_facts_init(&f);
    if (sidecar_read(path, &f, &patient, &study, &e) == 0) {
        if (sidecar_check("x.nii", path, &f, &e) < 0 && !*e.text)
            abort();
        free(patient);
        free(study);
    }
}
static void parse_list(const char *path)
{
    struct sources s = {0};
    struct error e = {0};
    if (list_find(&s, path, &e) < 0 && !*e.text)
        abort();
    sources_free(&s);
}
/* The table of --override, for two scans, and what is given by it as petrel-suv takes it. */
static void parse_override(const char *path)
{
    struct sources s = {0};
    struct error e = {0};
    for (int i = 0; i < 2; i++) {
        struct source *f = sources_add(&s, SOURCE_REFUSED);
        f->path = xstrdup(i ? "two/b.nii" : "two/a.nii");
        f->label = xstrdup(i ? "two/b.nii" : "two/a.nii");
    }
    char *words = xprintf("from=%s", path);
    struct opt_strings const given = {1, {words}};
    if (overrides_join(&s, &given, &e) < 0 && !*e.text)
        abort();
    for (size_t i = 0; i < s.count; i++) {
        struct scan_facts f;
        scan_facts_init(&f);
        if (s.item[i].override)
            format_into(f.overridden, sizeof f.overridden, "%s", s.item[i].override);
        if (suv_override(&f, &e) < 0 && !*e.text)
            abort();
    }
    free(words);
    sources_free(&s);
}
static void parse_table(const char *path)
{
    struct sources s = {0};
    struct error e = {0};
    struct source *f = sources_add(&s, SOURCE_REFUSED);
    f->path = xstrdup("x.nii");
    f->label = xstrdup("x.nii");
    f->patient = xstrdup("PETCT_a");
    f->study = xstrdup("05-06-2003-NA");
    if (metadata_join(&s, path, &e) < 0 && !*e.text)
        abort();
    sources_free(&s);
}
static void parse_dicom(const char *path)
{
    struct dicom_probe probe;
    struct dicom_image image;
    struct error e = {0};
    (void)!dicom_probe(path, &probe, &e);
    if (dicom_read_image(path, &image, &e) == 0) {
        struct scan_facts f;
        scan_facts_init(&f);
        (void)!series_facts(&image, 1, &f, &e);
        float *voxel = image.rows * image.columns < MAX_BYTES / 4
                           ? calloc((size_t)(image.rows * image.columns), sizeof *voxel)
                           : NULL;
        if (voxel && dicom_read_voxels(path, &image, voxel, &e) < 0 && !*e.text)
            abort();
        free(voxel);
        dicom_image_free(&image);
    }
}
enum { CODE_ROWS = 12, CODE_COLUMNS = 17 };
static void parse_jpeg2000(const char *path)
{
    struct buffer code;
    struct error e = {0};
    int32_t value[CODE_ROWS * CODE_COLUMNS];
    if (file_read(path, MAX_BYTES, &code, &e) < 0)
        return;
    if (jpeg2000_decode(code.data, code.size, CODE_ROWS, CODE_COLUMNS, code.size % 2, value, &e) < 0 && !*e.text)
        abort();
    buffer_free(&code);
}
static void parse_rtstruct(const char *path)
{
    struct dicom_structures d;
    struct dicom_references r;
    struct error e = {0};
    struct grid g;
    static uint8_t mask[1000];
    if (dicom_read_references(path, false, &r, &e) == 0)
        dicom_references_free(&r);
    grid_set(&g, (int64_t[]){10, 10, 10}, (double[]){3, 4, 2},
             (double[]){20, 13, -6}); /* load_seg_file.h's series is in it */
    if (dicom_read_structures(path, &d, &e) < 0)
        return;
    struct fill_counts counts = {0};
    for (size_t i = 0; i < d.roi_count; i++)
        (void)!contours_fill(&d.roi[i], &g, mask, &counts, &e);
    dicom_structures_free(&d);
}
static void parse_seg(const char *path)
{
    struct dicom_segmentation d;
    struct error e = {0};
    if (dicom_read_segmentation(path, true, &d, &e) < 0)
        return;
    size_t in = 0;
    for (size_t f = 0; f < d.frame_count; f++)
        for (size_t p = 0; p < d.rows * d.columns; p++)
            in += dicom_segmentation_at(&d, f, p) > 0;
    (void)in;
    dicom_segmentation_free(&d);
}

static void parse_enhanced(const char *path)
{
    struct dicom_image *image;
    struct error e = {0};
    size_t count;
    int rc = dicom_read_images(path, &image, &count, &e);
    if (rc < 0 && !*e.text)
        abort();
    const char **name = xalloc(count + 1, sizeof *name);
    for (size_t i = 0; i < count; i++) {
        name[i] = path;
        (void)!series_kind(&image[i], path, &e);
        size_t const plane = image[i].rows * image[i].columns < 1e6 ? (size_t)(image[i].rows * image[i].columns) : 0;
        float *voxel = plane && i < 8 ? calloc(plane, sizeof *voxel) : NULL;
        if (voxel && dicom_read_voxels(path, &image[i], voxel, &e) < 0 && !*e.text)
            abort();
        free(voxel);
    }
    struct grid g;
    size_t kept = count;
    struct scan_facts f;
    scan_facts_init(&f);
    if (rc == 0 && series_arrange(image, name, &kept, &g, &e) == 0 && series_complete(image, name, kept, NULL, &e) == 0)
        (void)!series_facts(image, kept, &f, &e);
    for (size_t i = 0; i < kept; i++)
        dicom_image_free(&image[i]);
    free(name);
    free(image);
}
/* The first line is the character set. */
static void parse_charset(const char *path)
{
    struct buffer text;
    struct error e = {0};
    char out[300];
    if (file_read(path, 1 << 16, &text, &e) < 0)
        return;
    char *bytes = (char *)text.data, *charset = strsep(&bytes, "\n");
    for (size_t size = 1; size < sizeof out; size = 2 * size + 1) {
        charset_text(charset, bytes ? bytes : "", out, size);
        if (!utf8_valid(out) || strlen(out) >= size)
            abort();
    }
    buffer_free(&text);
}

static inline void write_or_die(const char *path, const void *data, size_t size)
{
    FILE *to = fopen(path, "wb");
    if (!to || fwrite(data, 1, size, to) != size || fclose(to) != 0)
        exit(EX_IOERR);
}

/* Seed n of a kind at `path`; false: there are no more. */
static bool seed_nifti(const char *path, int n)
{
    struct grid g;
    uint8_t voxel[8 * 60] = {0};
    struct error e = {0};
    static const int types[] = {2, 4, 512, 16};
    if (n >= 4)
        return false;
    grid_set(&g, (int64_t[]){3, 4, 5}, (double[]){3, 2, 2}, (double[]){0, 0, 0});
    return nifti_write(path, &g, types[n], voxel, "seed", &e) == 0;
}
static void text_and_ramp(const char *path, const char *header, int packed)
{
    uint8_t voxel[120], out[500];
    char all[2000];
    for (int i = 0; i < 120; i++)
        voxel[i] = (uint8_t)(i / 3);
    z_stream z = {.next_in = voxel, .avail_in = 120, .next_out = out, .avail_out = sizeof out};
    deflateInit2(&z, 6, Z_DEFLATED, packed == 'g' ? 31 : 15, 8, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    size_t const length = strlen(header), size = packed ? z.total_out : 120;
    memcpy(all, header, length);
    memcpy(all + length, packed ? out : voxel, size);
    deflateEnd(&z);
    write_or_die(path, all, length + size);
}
static bool seed_mha(const char *path, int n)
{
    static const char *const kinds[] = {"BinaryData = True\nBinaryDataByteOrderMSB = False\nElementType = MET_SHORT\n",
                                        "CompressedData = True\nCompressedDataSize = 60\nElementType = MET_USHORT\n",
                                        "HeaderSize = -1\nBinaryDataByteOrderMSB = True\nElementType = MET_SHORT\n",
                                        "ElementType = MET_SHORT\nDistanceUnits = cm\n"};
    static const char four[] =
        "ObjectType = Image\nNDims = 4\nDimSize = 5 4 3 1\nElementSize = 2 2 3 1\nOffset = -10 20 30.5 0\n"
        "TransformMatrix = 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1\nElementType = MET_SHORT\n"
        "ElementDataFile = LOCAL\n";
    char header[900];
    if (n == 4)
        text_and_ramp(path, four, 0);
    if (n >= 4)
        return n == 4;
    snprintf(header, sizeof header,
             "ObjectType = Image\nNDims = 3\nDimSize = 5 4 3\nElementSpacing = 2 2 3\nOffset = -10 20 30.5\n"
             "TransformMatrix = 1 0 0 0 1 0 0 0 1\n%sElementDataFile = LOCAL\n",
             kinds[n]);
    text_and_ramp(path, header, n == 1 ? 'z' : 0);
    return true;
}
static bool seed_nrrd(const char *path, int n)
{
    static const char *const kinds[] = {"encoding: raw\nendian: little\n", "encoding: gzip\nendian: big\n",
                                        "encoding: raw\nendian: big\nbyte skip: -1\n",
                                        "encoding: raw\nendian: little\nspace units: \"cm\" \"cm\" \"cm\"\n"};
    static const char four[] = "NRRD0005\ntype: short\ndimension: 4\nspace: RAS\nsizes: 1 5 4 3\n"
                               "space directions: none (2,0,0) (0,2,0) (0,0,3)\nencoding: raw\nendian: little\n\n";
    static const char bare[] =
        "NRRD0005\ntype: short\ndimension: 3\nsizes: 5 4 3\nspacings: 2 2 3\nunits: \"mm\" \"mm\" \"mm\"\n"
        "encoding: raw\nendian: little\n\n";
    char header[900];
    if (n == 4 || n == 5)
        text_and_ramp(path, n == 4 ? four : bare, 0);
    if (n >= 4)
        return n <= 5;
    snprintf(
        header, sizeof header,
        "NRRD0005\n# seed\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 5 4 3\n"
        "space directions: (2,0,0) (0,2,0) (0,0,3)\nspace origin: (-10,20,30.5)\nkinds: domain domain domain\n%s\n",
        kinds[n]);
    text_and_ramp(path, header, n == 1 ? 'g' : 0);
    return true;
}
static bool seed_gzip(const char *path, int n)
{
    uint8_t text[3000];
    struct error e = {0};
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(n ? i * i * 2654435761u >> 13 : i / 100);
    return n < 2 && gzip_write(path, text, sizeof text, n ? 1 : 9, &e) == 0;
}
static bool seed_sidecar(const char *path, int n)
{
    static const char text[] =
        "{\"Units\": \"Bq/mL\", \"DecayCorrection\": \"START\", \"BodyWeight\": 71.5, \"BodyHeight\": 1.72,\n"
        " \"InjectedRadioactivity\": 388.7, \"InjectedRadioactivityUnits\": \"MBq\", \"RadionuclideHalfLife\": "
        "6586.2,\n"
        " \"InjectionTime\": \"10:35:00\", \"AcquisitionTime\": \"11:20:11\", \"SeriesTime\": \"11:20:11\", "
        "\"FrameDuration\": 240,\n"
        " \"CorrectedImage\": [\"ATTN\", \"DECY\"], \"PatientSex\": \"F\", \"PatientID\": \"P\\u00e9 1\", \"StudyID\": "
        "\"7\"}\n";
    static const char bids[] = "{\"Units\": \"Bq/mL\", \"TimeZero\": \"10:00:00\", \"InjectionStart\": -600, "
                               "\"ScanStart\": 3000, \"BodyWeight\": 70,\n"
                               " \"InjectedRadioactivity\": 3e8, \"TracerRadionuclide\": \"F18\", \"FrameDuration\": "
                               "[1200], \"FrameTimesStart\": [0],\n"
                               " \"ImageDecayCorrected\": true, \"ImageDecayCorrectionTime\": 3000, "
                               "\"AttenuationCorrection\": \"measured\"}\n";
    if (n < 2)
        write_or_die(path, n ? bids : text, n ? sizeof bids - 1 : sizeof text - 1);
    return n < 2;
}
static bool seed_table(const char *path, int n)
{
    static const char text[] = "Series UID,Subject ID,Study Date,Modality,File Location,diagnosis,age,sex\n"
                               "1,PETCT_a,5/6/2003,PT,\"./FDG/PETCT_a/05-06-2003-NA/8, PET "
                               "\"\"corr\"\"\",MELANOMA,071Y,M\r\n2,PETCT_b,20030506,PT,x,NEGATIVE,50,F\n";
    if (n == 0)
        write_or_die(path, text, sizeof text - 1);
    return n == 0;
}
static bool seed_override(const char *path, int n)
{
    static const char *const texts[] = {
        "# weights from the ward\nscan\tweight_g\tinjection_s\ntwo/a.nii\t61500\t\nelsewhere\t1\t\n",
        "\xef\xbb\xbfscan\tdose_bq\thalf_life_s\theight_m\tsex\r\nb.nii\t3.7e8\t6586.2\t1,75\tF\r\ntwo/"
        "a.nii\t\t\t1.6\tM\r\n"};
    if ((size_t)n < COUNT_OF(texts))
        write_or_die(path, texts[n], strlen(texts[n]));
    return (size_t)n < COUNT_OF(texts);
}
static bool seed_list(const char *path, int n)
{
    static const char other[] = "\xef\xbb\xbfPatient ID;\"Image\";Segmentation;Age;Colour\r\nP1;\"x.nii\";-;061Y;\"a "
                                "\"\"b\"\"\"\rP2;x.nii;;;\n";
    if (n == 1)
        write_or_die(path, other, sizeof other - 1);
    if (n == 1)
        return true;
    static const char text[] = "patient\tstudy\tscan\tmask\tunits\tdiagnosis\tsex\tage_y\n# a "
                               "comment\nP01\tA\tx.nii\t-\tSUV\tMELANOMA\tF\t61\r\n"
                               "P02\tB\tno.nii.gz\t\tBq/mL\tNEGATIVE\tM\t7.5\nP03\t\tx.nii\tx.nii\n";
    if (n == 0)
        write_or_die(path, text, sizeof text - 1);
    return n == 0;
}
/* A header whose voxels lie beside it, where the mutations do not reach. */
static bool seed_pair(const char *path, int n)
{
    struct error e = {0};
    struct buffer whole;
    char *dir = path_parent(path), *single = path_join(dir, "single.nii"), *voxels = path_join(dir, "p.img");
    bool more = seed_nifti(single, n) && file_read(single, 1 << 16, &whole, &e) == 0;
    if (more) {
        memcpy(whole.data + 344, "ni1", 4);
        memset(whole.data + 108, 0, 4);
        write_or_die(path, whole.data, 348);
        write_or_die(voxels, whole.data + 352, whole.size - 352);
        buffer_free(&whole);
        unlink(single);
    }
    free(voxels);
    free(single);
    free(dir);
    return more;
}
static struct buffer seed_codestream(const char *path, unsigned rows, unsigned columns, int n)
{
    int32_t value[1000];
    char *dir = path_parent(path);
    for (int i = 0; i < 1000; i++)
        value[i] = i * 911 % 4096;
    struct buffer code =
        jpeg2000_encode(dir, value, (struct jpeg2000_coding){rows, columns, 1, n ? 12 : 16, false, n == 1, n == 2});
    free(dir);
    return code;
}
static bool seed_jpeg2000(const char *path, int n)
{
    if (n >= 3)
        return false;
    struct buffer code = seed_codestream(path, CODE_ROWS, CODE_COLUMNS, n);
    write_or_die(path, code.data, code.size);
    buffer_free(&code);
    return true;
}
/* Plain, and packed by OpenJPEG and by every codec DCMTK's tools have, where they are installed. */
static bool seed_dicom(const char *path, int n)
{
    static const char *const ways[] = {"",           "dcmcrle", "dcmcjpls", "dcmcjpeg", "dcmconv +ti", "dcmconv +tb",
                                       "dcmconv +td"};
    struct dicom_slice s = {.position = "0\\0\\0", .units = "CNTS", .philips_suv = "0.0005", .suv_type = "BW"};
    char command[300];
    if ((size_t)n == COUNT_OF(ways)) {
        struct buffer code = seed_codestream(path, SLICE_ROWS, SLICE_COLUMNS, 0);
        s.syntax = LOSSLESS;
        s.code = code.data;
        s.code_size = code.size;
        dicom_slice_write(path, &s);
        buffer_free(&code);
        return true;
    }
    if ((size_t)n > COUNT_OF(ways))
        return false;
    for (size_t i = 0; i < COUNT_OF(s.stored); i++)
        s.stored[i] = (uint16_t)(i * 911);
    dicom_slice_write(path, &s);
    snprintf(command, sizeof command, "%s '%s' '%s.x' 2>/dev/null && mv '%s.x' '%s'", ways[n], path, path, path, path);
    if (n > 0 && system(command) != 0 && n == 1)
        fputs("# DCMTK's tools are not installed: packed DICOM is not in the corpus\n", stdout);
    return true;
}
static bool seed_seg(const char *path, int n)
{
    static const char *const golden[] = {"labelmap.dcm", "binary.dcm", "fractional.dcm"};
    if (n < 2)
        seg_write(path, &(struct seg){.fraction = n == 1});
    for (size_t i = 0; n >= 2 && n < 2 + (int)COUNT_OF(golden) && i < COUNT_OF(files); i++)
        if (strcmp(files[i].name, golden[n - 2]) == 0)
            write_or_die(path, files[i].bytes, files[i].size);
    return n < 2 + (int)COUNT_OF(golden);
}
/* Each kind of contour, in items of several regions. */
static bool seed_rtstruct(const char *path, int n)
{
    static const struct rt seeds[] = {{.named = {{"1", "mass", NULL, NULL}, {"2", "edema", "1.2.3.6", "GTV"}},
                                       .named_count = 2,
                                       .drawn = {{"1",
                                                  {{NULL, 0, 4, 0, 5, 2, NULL, NULL},
                                                   {NULL, 1, 2, 1, 2, 2, NULL, NULL},
                                                   {NULL, 0, 0, 0, 0, 0, "-9\\-9\\4\\40\\-9\\4\\-9\\40\\4", NULL}},
                                                  3},
                                                 {"2", {{NULL, 3, 4, 3, 4, 1, NULL, NULL}}, 1}},
                                       .drawn_count = 2},
                                      {.named = {{"1", "GTV", NULL, "GTV"}, {"1", "BODY", NULL, "EXTERNAL"}},
                                       .named_count = 2,
                                       .drawn = {{"1",
                                                  {{"CLOSEDPLANAR_XOR", 0, 2, 0, 2, 2, NULL, NULL},
                                                   {"CLOSEDPLANAR_XOR", 1, 3, 1, 3, 2, NULL, NULL},
                                                   {"POINT", 0, 0, 0, 0, 0, "1\\2\\3", NULL}},
                                                  3},
                                                 {"01",
                                                  {{"OPEN_PLANAR", 3, 4, 3, 4, 1, NULL, NULL},
                                                   {NULL, 0, 2, 0, 2, 2, NULL, NULL},
                                                   {NULL, 0, 2, 0, 2, 2, NULL, NULL}},
                                                  3}},
                                       .drawn_count = 2}};
    if (n < (int)COUNT_OF(seeds))
        rt_write(path, &seeds[n]);
    return n < (int)COUNT_OF(seeds);
}

/* Plain, converted, and as DCMTK's tools pack it, where they are installed. */
static bool seed_enhanced(const char *path, int n)
{
    static const char *const ways[] = {"", "", "dcmcrle", "dcmcjpls", "dcmcjpeg", "dcmconv +td", "dcmconv +tb"};
    static struct dicom_slice slice[3];
    static const char *const position[] = {"0\\0\\0", "0\\0\\6", "0\\0\\3"};
    char command[300];
    if ((size_t)n >= COUNT_OF(ways))
        return false;
    for (size_t i = 0; i < COUNT_OF(slice); i++) {
        slice[i] = (struct dicom_slice){.position = position[i], .slope = 0.5 + (double)i};
        for (size_t k = 0; k < COUNT_OF(slice[i].stored); k++)
            slice[i].stored[k] = (uint16_t)(k * 911 + i);
    }
    enhanced_write(path, &(struct enhanced){.slice = slice, .count = COUNT_OF(slice), .legacy = n == 1, .each = n == 2});
    snprintf(command, sizeof command, "%s '%s' '%s.x' 2>/dev/null && mv '%s.x' '%s'", ways[n], path, path, path, path);
    if (n > 1 && system(command) != 0 && n == 2)
        fputs("# DCMTK's tools are not installed: packed Enhanced PET is not in the corpus\n", stdout);
    return true;
}
static bool seed_charset(const char *path, int n)
{
    static const char *const texts[] = {"ISO_IR 100\nL\344sion gr\366\337e",
                                        "\\ISO 2022 IR 87\\ISO 2022 IR 159\n\033$B<pag\033$(D0!\033(B",
                                        "\\ISO 2022 IR 149\n\033$)C\301\276\276\347",
                                        "ISO 2022 IR 13\\ISO 2022 IR 87\n\324\317\300\336 \033$B;3ED\033(J x",
                                        "GB18030\n\326\327\301\366",
                                        "ISO_IR 192\n\350\202\277\347\230\244 \303\244"};
    if ((size_t)n < COUNT_OF(texts))
        write_or_die(path, texts[n], strlen(texts[n]));
    return (size_t)n < COUNT_OF(texts);
}

static const struct target {
    const char *name, *file;
    bool (*seed)(const char *path, int n);
    void (*parse)(const char *path);
    bool paths; /* its text names files: slashes and dots stay out of it */
} targets[] = {
    {"nifti", "f.nii", seed_nifti, parse_image, false},
    {"niftigz", "f.nii.gz", seed_nifti, parse_image, false},
    {"mha", "f.mha", seed_mha, parse_image, true},
    {"nrrd", "f.nrrd", seed_nrrd, parse_image, true},
    {"gzip", "f.gz", seed_gzip, parse_gzip, false},
    {"sidecar", "f.json", seed_sidecar, parse_sidecar, false},
    {"list", "f.tsv", seed_list, parse_list, true},
    {"table", "f.csv", seed_table, parse_table, false},
    {"override", "o.tsv", seed_override, parse_override, false},
    {"dicom", "f.dcm", seed_dicom, parse_dicom, false},
    {"jpeg2000", "f.j2k", seed_jpeg2000, parse_jpeg2000, false},
    {"niftipair", "p.hdr", seed_pair, parse_image, false},
    {"rtstruct", "r.dcm", seed_rtstruct, parse_rtstruct, false},
    {"seg", "s.dcm", seed_seg, parse_seg, false},
    {"enhanced", "e.dcm", seed_enhanced, parse_enhanced, false},
    {"charset", "c.txt", seed_charset, parse_charset, false},
};
#endif
