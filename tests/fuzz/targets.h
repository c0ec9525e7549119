/* SPDX-License-Identifier: Apache-2.0 */
/* targets -- every parser of foreign files: how to write good files for it, how to read any.   tests/fuzz
 *
 * Shared by parsers (mutations by a seed, part of the tests) and libfuzzer (guided by coverage, make fuzz). */
#ifndef PETREL_TESTS_FUZZ_TARGETS_H
#define PETREL_TESTS_FUZZ_TARGETS_H
#include "common/gzip.h"
#include "stages/load/jpeg2000.h"
#include "stages/load/load.h"
#include "tests/unit/load_jpeg2000_file.h"
#include "tests/unit/load_seg_file.h"
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
    struct error e = {0};
    struct grid g;
    static uint8_t mask[1000];
    grid_set(&g, (int64_t[]){10, 10, 10}, (double[]){2, 2, 2}, (double[]){0, 0, 0});
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
                                        "HeaderSize = -1\nBinaryDataByteOrderMSB = True\nElementType = MET_SHORT\n"};
    char header[900];
    if (n >= 3)
        return false;
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
                                        "encoding: raw\nendian: big\nbyte skip: -1\n"};
    char header[900];
    if (n >= 3)
        return false;
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
static bool seed_list(const char *path, int n)
{
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
    if (n < 2)
        seg_write(path, &(struct seg){.fraction = n == 1});
    return n < 2;
}
static void fill_contour(FILE *to, int i, const void *about)
{
    (void)about;
    dicom_text(to, 0x3006, 0x0042, "CS", "CLOSED_PLANAR");
    dicom_text(to, 0x3006, 0x0050, "DS",
               i ? "3\\3\\2\\15\\3\\2\\15\\15\\2\\3\\15\\2" : "-9\\-9\\4\\40\\-9\\4\\-9\\40\\4");
}
static void fill_drawn(FILE *to, int i, const void *about)
{
    sequence_put(to, 0x3006, 0x0040, 2, fill_contour, about);
    dicom_text(to, 0x3006, 0x0084, "IS", i ? "2" : "1");
}
static void fill_named(FILE *to, int i, const void *about)
{
    (void)about;
    dicom_text(to, 0x3006, 0x0022, "IS", i ? "2" : "1");
    dicom_text(to, 0x3006, 0x0026, "LO", i ? "mass" : "edema");
}
static bool seed_rtstruct(const char *path, int n)
{
    char preamble[128] = {0};
    FILE *to = n == 0 ? fopen(path, "wb") : NULL;
    if (!to)
        return false;
    fwrite(preamble, 1, sizeof preamble, to);
    fwrite("DICM", 1, 4, to);
    dicom_put(to, 0x0002, 0x0000, "UL", (uint8_t[]){28, 0, 0, 0}, 4);
    dicom_put(to, 0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1", 19);
    dicom_text(to, 0x0008, 0x0060, "CS", "RTSTRUCT");
    sequence_put(to, 0x3006, 0x0020, 2, fill_named, NULL);
    sequence_put(to, 0x3006, 0x0039, 2, fill_drawn, NULL);
    fclose(to);
    return true;
}

static const struct target {
    const char *name, *file;
    bool (*seed)(const char *path, int n);
    void (*parse)(const char *path);
    bool paths; /* its text names files: slashes and dots stay out of it */
} targets[] = {
    {"nifti", "f.nii", seed_nifti, parse_image, false},    {"niftigz", "f.nii.gz", seed_nifti, parse_image, false},
    {"mha", "f.mha", seed_mha, parse_image, true},         {"nrrd", "f.nrrd", seed_nrrd, parse_image, true},
    {"gzip", "f.gz", seed_gzip, parse_gzip, false},        {"sidecar", "f.json", seed_sidecar, parse_sidecar, false},
    {"list", "f.tsv", seed_list, parse_list, true},        {"table", "f.csv", seed_table, parse_table, false},
    {"dicom", "f.dcm", seed_dicom, parse_dicom, false},    {"jpeg2000", "f.j2k", seed_jpeg2000, parse_jpeg2000, false},
    {"niftipair", "p.hdr", seed_pair, parse_image, false}, {"rtstruct", "r.dcm", seed_rtstruct, parse_rtstruct, false},
    {"seg", "s.dcm", seed_seg, parse_seg, false},
};
#endif
