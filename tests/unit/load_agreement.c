/* SPDX-License-Identifier: Apache-2.0 */
/* load_agreement -- what all slices of a series must share, and which series of a study are one, are left out, or are no PET. */
#include "tests/unit/load_folder.h"
#include <math.h>
#include <unistd.h>

/* ---- the table ---- */

static struct dicom_image whole(void)
{
    struct dicom_image image = {.modality = "PT",
                                .sop_class = "1.2.840.10008.5.1.4.1.1.128",
                                .patient_id = "P",
                                .units = "BQML",
                                .weight_kg = 71,
                                .height_m = 1.7,
                                .dose_bq = 3.5e8,
                                .half_life_s = 6586.2,
                                .rows = 6,
                                .columns = 5,
                                .orientation = {1, 0, 0, 0, 1, 0},
                                .pixel_spacing_mm = {4, 2},
                                .slope = 1,
                                .slices_said = NAN,
                                .time_index = NAN,
                                .injections = 1};
    return image;
}

/* Each attribute in turn, of the last of three. */
static void each_attribute(void **state)
{
    (void)state;
#define TEXT_OF(field, tag)                                                                                            \
    {                                                                                                                  \
        offsetof(struct dicom_image, field), true, tag                                                                 \
    }
#define REAL_OF(field, tag)                                                                                            \
    {                                                                                                                  \
        offsetof(struct dicom_image, field), false, tag                                                                \
    }
    static const struct {
        size_t offset;
        bool text;
        const char *tag; /* NULL: may differ */
    } attributes[] = {
        TEXT_OF(patient_id, "(0010,0020) PatientID"),
        TEXT_OF(study_uid, "(0020,000D) StudyInstanceUID"),
        TEXT_OF(series_uid, "(0020,000E) SeriesInstanceUID"),
        TEXT_OF(frame_uid, "(0020,0052) FrameOfReferenceUID"),
        TEXT_OF(sop_class, "(0008,0016) SOPClassUID"),
        TEXT_OF(image_type, "(0008,0008) ImageType"),
        TEXT_OF(series_type, "(0054,1000) SeriesType"),
        TEXT_OF(photometric, "(0028,0004) PhotometricInterpretation"),
        TEXT_OF(stack, "(0020,9056) StackID"),
        TEXT_OF(units, "(0054,1001) Units"),
        TEXT_OF(suv_type, "(0054,1006) SUVType"),
        TEXT_OF(decay_correction, "(0054,1102) DecayCorrection"),
        TEXT_OF(corrected, "(0028,0051) CorrectedImage"),
        TEXT_OF(vendor, "(0008,0070) Manufacturer"),
        TEXT_OF(model, "(0008,1090) ManufacturerModelName"),
        TEXT_OF(sex, "(0010,0040) PatientSex"),
        TEXT_OF(age, "(0010,1010) PatientAge"),
        TEXT_OF(tracer, "(0018,0031) Radiopharmaceutical"),
        TEXT_OF(injection_time, "(0018,1072) RadiopharmaceuticalStartTime"),
        TEXT_OF(injection_datetime, "(0018,1078) RadiopharmaceuticalStartDateTime"),
        TEXT_OF(study_date, "(0008,0020) StudyDate"),
        TEXT_OF(series_date, "(0008,0021) SeriesDate"),
        TEXT_OF(series_time, "(0008,0031) SeriesTime"),
        REAL_OF(time_index, "(0020,9128) TemporalPositionIndex"),
        REAL_OF(rows, "(0028,0010) Rows"),
        REAL_OF(columns, "(0028,0011) Columns"),
        REAL_OF(orientation[4], "(0020,0037) ImageOrientationPatient"),
        REAL_OF(pixel_spacing_mm[1], "(0028,0030) PixelSpacing"),
        REAL_OF(slice_thickness_mm, "(0018,0050) SliceThickness"),
        REAL_OF(slices_said, "(0054,0081) NumberOfSlices"),
        REAL_OF(weight_kg, "(0010,1030) PatientWeight"),
        REAL_OF(height_m, "(0010,1020) PatientSize"),
        REAL_OF(dose_bq, "(0018,1074) RadionuclideTotalDose"),
        REAL_OF(half_life_s, "(0018,1075) RadionuclideHalfLife"),
        REAL_OF(injections, "(0054,0016) RadiopharmaceuticalInformationSequence"),
        /* a slice's own */
        TEXT_OF(sop_instance, NULL),
        TEXT_OF(acquisition_time, NULL),
        TEXT_OF(acquisition_date, NULL),
        REAL_OF(slope, NULL),
        REAL_OF(intercept, NULL),
        REAL_OF(position_mm[2], NULL),
        REAL_OF(image_index, NULL),
        REAL_OF(frame_duration_ms, NULL),
        REAL_OF(frame_reference_ms, NULL),
        REAL_OF(bits_stored, NULL),
    };
    static const char *const path[] = {"a.dcm", "b.dcm", "c.dcm"};
    for (size_t i = 0; i < COUNT_OF(attributes); i++)
        for (int missing = 0; missing < 2; missing++) {
            struct dicom_image image[3] = {whole(), whole(), whole()};
            struct error e = {0};
            char *last = (char *)&image[2] + attributes[i].offset, *all[] = {(char *)&image[0], (char *)&image[1]};
            if (attributes[i].text) {
                for (size_t k = 0; k < 2; k++)
                    strcpy(all[k] + attributes[i].offset, "ONE");
                strcpy(last, missing ? "" : "OTHER");
            } else {
                for (size_t k = 0; k < 2; k++)
                    *(double *)(void *)(all[k] + attributes[i].offset) = 2;
                *(double *)(void *)last = missing ? (double)NAN : 3;
            }
            int const rc = series_agree(image, path, 3, &e);
            if (!attributes[i].tag && rc < 0)
                fail_msg("%s", e.text);
            if (attributes[i].tag &&
                (rc == 0 || !strstr(e.text, attributes[i].tag) || !strstr(e.text, "'a.dcm' and 'c.dcm'")))
                fail_msg("'%s' does not say '%s'", rc ? e.text : "agreed", attributes[i].tag);
            if (!attributes[i].tag)
                continue;
            scan_unmark(e.text);
            const char *values = missing ? (attributes[i].text ? "'ONE' and none" : "and ")
                                         : (attributes[i].text ? "'ONE' and 'OTHER'" : "3");
            if (!strstr(e.text, values))
                fail_msg("'%s' does not say '%s'", e.text, values);
            if (!missing)
                continue;
            /* two that both say nothing agree */
            memcpy(&image[0], &image[2], sizeof image[0]);
            memcpy(&image[1], &image[2], sizeof image[0]);
            assert_int_equal(series_agree(image, path, 3, &e), 0);
        }
}

/* Of a CT what its grid and its patient are; its dose is another thing. */
static void of_a_ct(void **state)
{
    (void)state;
    static const char *const path[] = {"a.dcm", "b.dcm"};
    struct dicom_image image[2] = {whole(), whole()};
    struct error e = {0};
    strcpy(image[0].modality, "CT");
    strcpy(image[1].modality, "CT");
    image[1].weight_kg = 80;
    strcpy(image[1].image_type, "ORIGINAL\\PRIMARY\\AXIAL");
    assert_int_equal(series_agree(image, path, 2, &e), 0);
    strcpy(image[1].patient_id, "Q");
    assert_int_equal(series_agree(image, path, 2, &e), -1);
}

/* Texts of who it is are shown here and hashed elsewhere. */
static void secrets(void **state)
{
    (void)state;
    struct sources s;
    struct error e = {0};
    struct volume_message m;
    series_at("x", &(struct dicom_slice){.patient = "SMITH 1"}, 3, 0);
    series_at("x/more", &(struct dicom_slice){.patient = "JONES 2", .instance = "2"}, 2, 9);
    found_at("x", &s);
    assert_int_equal(s.count, 1);
    assert_int_equal(read_one(&s, 0, &m, &e), -1);
    struct load_options const o = {.salt = "s"};
    char told[1000];
    strcpy(told, e.text);
    scan_scrub(&s.item[0], &o, &m.facts, told, sizeof told);
    scan_unmark(e.text);
    assert_non_null(strstr(e.text, "(0010,0020) PatientID differs: 'SMITH 1' and 'JONES 2'"));
    assert_null(strstr(told, "SMITH"));
    assert_null(strstr(told, "JONES"));
    assert_non_null(strstr(told, m.facts.patient)); /* the first one's hash */
    sources_free(&s);
    corpus_keep(dir, program_name());
}

/* An id is a word of its own; where it is an ordinary one, it is hidden in quotes alone, where sentences have what they speak of. */
static void words(void **state)
{
    (void)state;
    static const struct {
        const char *patient, *said, *told;
    } cases[] = {
        {"scan", "cannot open '/a/scan.nii': a scan is one", "cannot open '/a/#.nii': a scan is one"},
        {"volume", "'/x/a.nii' holds several volumes; a volume", "'/x/a.nii' holds several volumes; a volume"},
        {"STS_001", "'STS_001_PET.nii', 'STS_0015.nii', 'XSTS_001'", "'#_PET.nii', 'STS_0015.nii', 'XSTS_001'"},
        {"P 7", "P 7 and 'P 71' and 'P 7/b'", "# and 'P 71' and '#/b'"},
        {"müller", "'/müller/x' and 'müllers'", "'/#/x' and 'müllers'"},
        {"O'Brien", "'/data/O'Brien/x': O'Brien", "'/data/#/x': #"},
        {"smith", "Philips' smith and 'x/smith'", "Philips' smith and 'x/#'"},
        {"ab", "'ab' is too short", "'ab' is too short"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[200], patient[40];
        struct load_options const o = {.salt = "s"};
        struct scan_facts f = {.patient = "#"};
        strcpy(text, cases[i].said);
        strcpy(patient, cases[i].patient);
        scan_scrub(&(struct source){.patient = patient}, &o, &f, text, sizeof text);
        assert_string_equal(text, cases[i].told);
    }
}

/* ---- series of a study ---- */

static void uncorrected(void **state)
{
    (void)state;
    struct sources s;
    struct dicom_slice const nac = {.series = "1.8", .corrected = "DECY\\SCAT"}, ac = {.series = "1.9"};
    /* a series each */
    series_at("x", &nac, 4, 0);
    series_at("x", &ac, 4, 0);
    found_at("x", &s);
    assert_int_equal(s.count, 1);
    assert_string_equal(s.item[0].series_uid, "1.9");
    sources_free(&s);
    EXPECT("x", NULL);
    /* alone: it is a scan, and for suv to refuse */
    folder_empty();
    series_at("x", &nac, 4, 0);
    EXPECT("x", NULL);
    /* both under one UID */
    folder_empty();
    series_at("x/nac", &(struct dicom_slice){.series = "1.9", .corrected = "NONE", .instance = "2"}, 4, 0);
    series_at("x/ac", &ac, 4, 0);
    found_at("x", &s);
    assert_int_equal(s.count, 1);
    assert_true(ends_with(s.item[0].slice.name[0], "x/ac/001.9.dcm"));
    assert_int_equal(s.item[0].slice.count, 4);
    sources_free(&s);
    EXPECT("x", NULL);
    /* of another study it stands for nothing */
    folder_empty();
    series_at("x", &nac, 4, 0);
    series_at("y", &(struct dicom_slice){.series = "1.9", .study = "1.77"}, 4, 0);
    EXPECT("", NULL, NULL);
}

static void derived(void **state)
{
    (void)state;
    struct sources s;
    static const char *const types[] = {"DERIVED\\SECONDARY\\MPR", "DERIVED\\PRIMARY", "ORIGINAL\\SECONDARY",
                                        "ORIGINAL\\PRIMARY\\REFORMATTED"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        folder_empty();
        series_at("x", &(struct dicom_slice){.series = "1.5", .image_type = types[i]}, 4, 0);
        EXPECT("x", NULL); /* alone, it is what there is */
        series_at("x", &(struct dicom_slice){.series = "1.6", .image_type = "ORIGINAL\\PRIMARY"}, 4, 0);
        found_at("x", &s);
        assert_int_equal(s.count, 1);
        assert_string_equal(s.item[0].series_uid, "1.6");
        sources_free(&s);
        EXPECT("x", NULL);
    }
    /* one of them among the others' slices */
    folder_empty();
    series_at("x", &(struct dicom_slice){.image_type = "ORIGINAL\\PRIMARY"}, 4, 0);
    series_at("x/y", &(struct dicom_slice){.image_type = "DERIVED\\SECONDARY\\MPR", .instance = "2"}, 4, 12);
    EXPECT("x", "(0008,0008) ImageType differs: 'ORIGINAL\\PRIMARY' and 'DERIVED\\SECONDARY\\MPR'");
}

static void beds(void **state)
{
    (void)state;
    series_at("x", &(struct dicom_slice){.series = "1.5"}, 6, 0);
    series_at("x", &(struct dicom_slice){.series = "1.6"}, 6, 18);
    EXPECT("x", "are beds of one body", "are beds of one body");
    /* they overlap by two slices, and there are three */
    folder_empty();
    series_at("a", &(struct dicom_slice){.series = "1.5"}, 6, 0);
    series_at("b", &(struct dicom_slice){.series = "1.6"}, 6, 12);
    series_at("c", &(struct dicom_slice){.series = "1.7"}, 6, 24);
    EXPECT("", "are beds of one body", "are beds of one body", "are beds of one body");
    /* the same place at another time; another frame of reference; another study; far away */
    folder_empty();
    series_at("a", &(struct dicom_slice){.series = "1.5"}, 6, 0);
    series_at("b", &(struct dicom_slice){.series = "1.6", .acquisition_time = "130000"}, 6, 0);
    series_at("c", &(struct dicom_slice){.series = "1.7", .frame = "1.55"}, 6, 18);
    series_at("d", &(struct dicom_slice){.series = "1.8", .study = "1.55"}, 6, 18);
    series_at("e", &(struct dicom_slice){.series = "1.9"}, 6, 180);
    EXPECT("", NULL, NULL, NULL, NULL, NULL);
    /* body and legs: longer than a bed, and said alone */
    folder_empty();
    series_at("a", &(struct dicom_slice){.series = "1.5"}, 120, 0);
    series_at("b", &(struct dicom_slice){.series = "1.6"}, 20, 360);
    EXPECT("", NULL, NULL);
}

static void no_series(void **state)
{
    (void)state;
    series_at("a", &(struct dicom_slice){.series = ""}, 4, 0);
    series_at("b", &(struct dicom_slice){.series = ""}, 4, 0);
    EXPECT("", "(0020,000E) SeriesInstanceUID is missing in", "and 3 more files of its folder");
}

/* ---- what is stored as PT and is none ---- */

static void kinds(void **state)
{
    (void)state;
    static const struct {
        struct dicom_slice like;
        const char *says;
    } cases[] = {
        {{.sop_class = "1.2.840.10008.5.1.4.1.1.20"}, "NuclearMedicineImageStorage: an image of a gamma camera"},
        {{.sop_class = "1.2.840.10008.5.1.4.1.1.66"}, "raw data, no image"},
        {{.sop_class = "1.2.840.10008.5.1.4.1.1.104.1"}, "a PDF, no image"},
        {{.sop_class = "1.2.840.10008.5.1.4.1.1.88.67"}, "a report, no image"},
        {{.sop_class = "1.2.840.10008.5.1.4.1.1.7", .orientation = ""}, "a picture of a screen or a page"},
        {{.sop_class = "1.2.840.10008.5.1.4.1.1.7"}, NULL}, /* lies where slices do: written over them */
        {{.photometric = "RGB"}, "a picture in colours"},
        {{.photometric = "PALETTE COLOR"}, "a picture in colours"},
        {{.series_type = "STATIC\\REPROJECTION"}, "a projection through the body"},
        {{.image_type = "DERIVED\\SECONDARY\\MIP"}, "no slice of PET"},
        {{.frames = "6"}, "(0028,0008) NumberOfFrames is 6, of (0008,0016) SOPClassUID PositronEmissionTomography"},
        {{.frames = "1"}, NULL},
        {{.injections = 2}, "(0054,0016) RadiopharmaceuticalInformationSequence has 2 items"},
        {{.injections = 2, .units = "GML"}, NULL}, /* the scanner knew */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        folder_empty();
        series_at("x", &cases[i].like, 4, 0);
        EXPECT("x", cases[i].says);
    }
}

/* One place twice, and what it is. */
static void times(void **state)
{
    (void)state;
    static const struct {
        struct dicom_slice first, second;
        const char *says;
    } cases[] = {
        {{.series_type = "DYNAMIC\\IMAGE"}, {.series_type = "DYNAMIC\\IMAGE", .instance = "2"}, "give one time alone"},
        {{.series_type = "GATED\\IMAGE"}, {.series_type = "GATED\\IMAGE", .instance = "2"}, "give one gate alone"},
        {{0}, {.acquisition_time = "130000", .instance = "2"}, "a dynamic series: their (0008,0032) AcquisitionTime"},
        {{0}, {.instance = "2"}, "a repeated slice, or a dynamic series"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        folder_empty();
        series_at("x/a", &cases[i].first, 4, 0);
        series_at("x/b", &cases[i].second, 4, 0);
        EXPECT("x", cases[i].says);
    }
}

int main(void)
{
    program_name_set("load_agreement");
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, folder_enter, folder_leave)
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_attribute),
                                       cmocka_unit_test(of_a_ct),
                                       IN_DIR(secrets),
                                       cmocka_unit_test(words),
                                       IN_DIR(uncorrected),
                                       IN_DIR(derived),
                                       IN_DIR(beds),
                                       IN_DIR(no_series),
                                       IN_DIR(kinds),
                                       IN_DIR(times)};
    return cmocka_run_group_tests_name("load_agreement", tests, NULL, NULL);
}
