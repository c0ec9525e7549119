/* SPDX-License-Identifier: Apache-2.0 */
/* load_find -- what each argument is: folders, lists, layouts, masks beside scans; and the run id. */
#include "stages/load/load.h"
#include "tests/unit/load_corpus.h"
#include "tests/unit/load_dicom_file.h"
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64];
static const struct load_options plain = {.units = "auto", .salt = "s", .memory_limit = 1 << 28};

static int enter(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/petrel-find.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static int leave(void **state)
{
    (void)state;
    corpus_keep(dir, "load_find");
    return nftw(dir, drop_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A file of that text, its folders made. */
static void touch(const char *name, const char *text)
{
    struct error e = {0};
    char *path = path_join(dir, name), *parent = path_parent(path);
    if (dir_make(parent, &e) < 0 || publish_bytes(path, text, strlen(text), &e) < 0)
        fail_msg("%s", e.text);
    free(parent);
    free(path);
}

static void slice(const char *name, const char *series, int z, const char *modality)
{
    touch(name, "");
    char *path = path_join(dir, name), position[32];
    snprintf(position, sizeof position, "0\\0\\%d", z);
    dicom_slice_write(path, &(struct dicom_slice){.series = series, .position = position, .modality = modality});
    free(path);
}

static struct sources find(const char *name)
{
    struct sources s;
    struct error e = {0};
    char *path = *name ? path_join(dir, name) : xstrdup(dir);
    if (sources_find(&s, &path, 1, &plain, &e) < 0)
        fail_msg("%s", e.text);
    free(path);
    return s;
}

/* Label of scan i without the temporary folder's own name. */
static const char *label(const struct sources *s, size_t i)
{
    const char *name = path_base(dir);
    assert_true(strncmp(s->item[i].label, name, strlen(name)) == 0);
    return s->item[i].label + strlen(name) + 1;
}

static void autopet(void **state)
{
    (void)state;
    touch("FDG/PETCT_b/2001/SUV.nii.gz", "x");
    touch("FDG/PETCT_b/2001/PET.nii.gz", "x");
    touch("FDG/PETCT_b/2001/SEG.nii.gz", "x");
    touch("FDG/PETCT_b/2001/CT.nii.gz", "x");
    touch("FDG/PETCT_b/2001/CTres.nii.gz", "x");
    touch("FDG/PETCT_a/2002/PET.nii.gz", "x");
    touch("FDG/PETCT_a/2002/PET.json", "{}");
    touch("FDG/PETCT_a/2003/SUV.nii.gz", "x");
    touch("FDG/notes.txt", "x");
    touch("FDG/.hidden.nii.gz", "x");
    struct sources s = find("");
    assert_int_equal(s.count, 3);
    assert_string_equal(label(&s, 0), "FDG/PETCT_a/2002/PET.nii.gz");
    assert_string_equal(label(&s, 1), "FDG/PETCT_a/2003/SUV.nii.gz");
    assert_string_equal(label(&s, 2), "FDG/PETCT_b/2001/SUV.nii.gz");
    assert_string_equal(s.item[0].patient, "PETCT_a");
    assert_string_equal(s.item[0].study, "2002");
    assert_null(s.item[0].units);
    assert_true(ends_with(s.item[0].sidecar, "PET.json"));
    assert_null(s.item[0].mask);
    assert_string_equal(s.item[2].units, "SUV");
    assert_true(ends_with(s.item[2].mask, "SEG.nii.gz"));
    sources_free(&s);
}

static void autopet_flat_names(void **state)
{
    (void)state;
    touch("imagesTr/fdg_77ab_x-1_0000.nii.gz", "x");
    touch("imagesTr/fdg_77ab_x-1_0001.nii.gz", "x");
    touch("labelsTr/fdg_77ab_x-1.nii.gz", "x");
    struct sources s = find("imagesTr");
    assert_int_equal(s.count, 1);
    assert_string_equal(s.item[0].patient, "77ab");
    assert_string_equal(s.item[0].units, "SUV");
    assert_true(ends_with(s.item[0].mask, "labelsTr/fdg_77ab_x-1.nii.gz"));
    sources_free(&s);
}

static void masks_beside(void **state)
{
    (void)state;
    touch("P1_PET_image.nii.gz", "x");
    touch("P1_PET_mask.nii.gz", "x");
    touch("P2.nii", "x");
    touch("P2_mask.nii.gz", "x");
    touch("P3.nii.gz", "x");
    touch("P3_CT.nii.gz", "x");
    struct sources s = find("");
    assert_int_equal(s.count, 3);
    assert_true(ends_with(s.item[0].mask, "/P1_PET_mask.nii.gz"));
    assert_string_equal(s.item[0].patient, "P1");
    assert_true(ends_with(s.item[1].mask, "/P2_mask.nii.gz"));
    assert_null(s.item[2].mask);
    sources_free(&s);
    /* --mask: of one scan */
    struct load_options o = plain;
    struct error e = {0};
    char *one = path_join(dir, "P3.nii.gz"), *mask = path_join(dir, "P2_mask.nii.gz"), *all[] = {one, dir};
    o.mask = mask;
    o.organs = mask;
    assert_int_equal(sources_find(&s, all, 1, &o, &e), 0);
    assert_string_equal(s.item[0].mask, mask);
    assert_string_equal(s.item[0].organs, mask);
    o.organs = NULL;
    sources_free(&s);
    assert_int_equal(sources_find(&s, all, 2, &o, &e), -1); /* P3 is in the folder, too: it counts once */
    assert_non_null(strstr(e.text, "but 3 are given"));
    assert_int_equal(e.code, EX_USAGE);
    sources_free(&s);
    free(one);
    free(mask);
}

static void dicom_series(void **state)
{
    (void)state;
    slice("A/one.dcm", "1.9.1", 0, NULL);
    slice("A/two", "1.9.1", 3, NULL); /* no ending: known by its bytes */
    slice("A/other.dcm", "1.9.0", 0, NULL);
    slice("A/ct.dcm", "1.9.5", 0, "CT");
    slice("B/deep/er/x.dcm", "1.9.2", 0, NULL);
    touch("A/readme.txt", "DICM is not at byte 128 here");
    struct sources s = find("");
    assert_int_equal(s.count, 3);
    assert_string_equal(label(&s, 0), "A");
    assert_string_equal(s.item[0].series_uid, "1.9.0");
    assert_string_equal(label(&s, 1), "A#2");
    assert_int_equal(s.item[1].slice.count, 2);
    assert_string_equal(label(&s, 2), "B/deep/er");
    sources_free(&s);
    slice("C/ct.dcm", "1.9.5", 0, "CT");
    struct error e = {0};
    char *path = path_join(dir, "C");
    assert_int_equal(sources_find(&s, &path, 1, &plain, &e), -1);
    assert_non_null(strstr(e.text, "none of modality PT"));
    assert_int_equal(e.code, EX_NOINPUT);
    sources_free(&s);
    free(path);
}

static void nothing_there(void **state)
{
    (void)state;
    struct sources s;
    struct error e = {0};
    touch("empty/notes.txt", "x");
    touch("good.nii.gz", "x");
    char *const bad[] = {path_join(dir, "empty"), path_join(dir, "absent"), path_join(dir, "empty/notes.txt"),
                         path_join(dir, "good.nii.gz")};
    static const char *const says[] = {"no DICOM series and no .nii", "no such file or folder", "is no scan"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(sources_find(&s, bad + i, 1, &plain, &e), -1);
        assert_int_equal(e.code, EX_NOINPUT);
        if (!strstr(e.text, says[i]) || !strstr(e.text, bad[i]))
            fail_msg("'%s' does not say '%s' of '%s'", e.text, says[i], bad[i]);
        sources_free(&s);
    }
    /* beside something that can be read they are news, not the end */
    assert_int_equal(sources_find(&s, bad, 4, &plain, &e), 0);
    assert_int_equal(s.count, 4);
    size_t refused = 0;
    for (size_t i = 0; i < s.count; i++)
        refused += s.item[i].kind == SOURCE_REFUSED && *s.item[i].refused.text;
    assert_int_equal(refused, 3);
    sources_free(&s);
    for (size_t i = 0; i < 4; i++)
        free(bad[i]);
}

static void lists(void **state)
{
    (void)state;
    touch("scans/a/PET.nii.gz", "x");
    touch("scans/a/SEG.nii.gz", "x");
    touch("scans/b.nii.gz", "x");
    touch("scans/truth.nii.gz", "x");
    touch("scans/two/x.nii.gz", "x");
    touch("scans/two/y.nii.gz", "x");
    touch("scans/a/ORGANS.nii.gz", "x");
    touch("scans/map.nii.gz", "x");
    touch("scans/list.tsv", "# a cohort\r\n"
                            "study\tscan\tmask\tpatient\tunits\tage_y\torgans\r\n"
                            "S1\ta/PET.nii.gz\t-\tP1\t\t61\t\r\n"
                            "S2\tb.nii.gz\ttruth.nii.gz\tP2\tSUV\t\tmap.nii.gz\n"
                            "\tb2.nii.gz\t\tP3\t\t\t\n"
                            "\ttwo\t\tP4\t\t\t\n"
                            "\ta\t\t\tfurlongs\t\t\n");
    struct sources s = find("scans/list.tsv");
    assert_int_equal(s.count, 5);
    /* sorted by label, which is what the list says */
    assert_string_equal(s.item[0].label, "a");
    assert_non_null(strstr(s.item[0].refused.text, "units 'furlongs' are neither SUV nor Bq/mL"));
    assert_non_null(strstr(s.item[0].refused.text, "list.tsv' line 7"));
    assert_string_equal(s.item[1].label, "a/PET.nii.gz");
    assert_string_equal(s.item[1].patient, "P1");
    assert_true(s.item[1].listed && s.item[1].age_y == 61);
    assert_null(s.item[1].mask); /* "-", though SEG.nii.gz lies beside it */
    assert_string_equal(s.item[2].label, "b.nii.gz");
    assert_string_equal(s.item[2].units, "SUV");
    assert_true(ends_with(s.item[2].mask, "/truth.nii.gz"));
    assert_true(ends_with(s.item[1].organs, "a/ORGANS.nii.gz")); /* found beside it */
    assert_true(ends_with(s.item[2].organs, "/map.nii.gz"));
    assert_non_null(strstr(s.item[3].refused.text, "no such file or folder"));
    assert_non_null(strstr(s.item[4].refused.text, "holds 2 scans: a line names one"));
    sources_free(&s);

    struct error e = {0};
    char *path = path_join(dir, "scans/bad.tsv");
    touch("scans/bad.tsv", "patient\tpath\nP1\ta\n");
    assert_int_equal(sources_find(&s, &path, 1, &plain, &e), -1);
    assert_non_null(strstr(e.text, "names no column 'scan'"));
    sources_free(&s);
    free(path);
}

/* The same run id for the same scans anywhere; another for other scans, sizes or options. */
static void run_id(void **state)
{
    (void)state;
    touch("here/cohort/a.nii.gz", "x");
    touch("here/cohort/b.nii.gz", "xy");
    touch("there/and/cohort/a.nii.gz", "x");
    touch("there/and/cohort/b.nii.gz", "xy");
    struct sources here = find("here/cohort"), there = find("there/and/cohort");
    uint64_t run = sources_run(&here, &plain);
    assert_true(sources_run(&there, &plain) == run);
    struct load_options other = plain;
    other.units = "suv";
    assert_true(sources_run(&here, &other) != run);
    other = plain;
    other.roi = (struct opt_strings){1, {"GTV"}};
    assert_true(sources_run(&here, &other) != run);
    touch("there/and/cohort/b.nii.gz", "xyz");
    assert_true(sources_run(&there, &plain) != run);
    sources_free(&there);
    touch("here/cohort/c.nii.gz", "x");
    there = find("here/cohort");
    assert_true(sources_run(&there, &plain) != run);
    sources_free(&here);
    sources_free(&there);
}

static void hashes(void **state)
{
    (void)state;
    char a[13], b[13], salt[65], again[65];
    struct error e = {0};
    /* sha256("pepperSTS_001") */
    hash_name("pepper", "STS_001", a);
    char hex[65];
    bytes_sha256("pepperSTS_001", 13, hex);
    assert_memory_equal(a, hex, 12);
    assert_int_equal(strlen(a), 12);
    hash_name("salt", "STS_001", b);
    assert_string_not_equal(a, b);
    setenv("XDG_CONFIG_HOME", dir, 1);
    assert_int_equal(hash_salt(salt, &e), 0);
    assert_int_equal(hash_salt(again, &e), 0);
    assert_string_equal(salt, again);
    assert_int_equal(strlen(salt), 64);
    char *path = path_join(dir, "petrel/salt");
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    free(path);
    touch("petrel/salt", "short");
    assert_int_equal(hash_salt(salt, &e), -1);
    assert_non_null(strstr(e.text, "bad salt"));
}

static void sidecars(void **state)
{
    (void)state;
    struct scan_facts f;
    struct error e = {0};
    char *patient, *study, *path = path_join(dir, "PET.json");
    touch("PET.json",
          "{\"Units\": \"Bq/mL\", \"InjectedRadioactivity\": 388.777472, \"InjectedRadioactivityUnits\": \"MBq\","
          "\"BodyWeight\": 71, \"RadionuclideHalfLife\": 6588, \"InjectionTime\": \"10:35:00\", \"SeriesTime\": "
          "\"11:20:11\","
          "\"AcquisitionTime\": \"11:20:11\", \"DecayCorrection\": \"START\", \"CorrectedImage\": [\"ATTN\", \"DECY\"],"
          "\"PatientID\": \"SIMULATED_0001\", \"StudyID\": \"S\", \"Simulated\": true, \"PatientAge\": 60, \"Other\": "
          "{}}");
    scan_facts_init(&f);
    if (sidecar_read(path, &f, &patient, &study, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(sidecar_check("PET.nii.gz", path, &f, &e), 0);
    assert_string_equal(f.units, "BQML");
    assert_true(fabs(f.dose_bq - 388777472) < 1e-3 && f.weight_g == 71000 && f.injection_s == 38100 &&
                f.series_s == 40811);
    assert_string_equal(f.corrected, "ATTN\\DECY");
    assert_string_equal(patient, "SIMULATED_0001");
    assert_int_equal(f.simulated, 1);
    free(patient);
    free(study);
    static const struct {
        const char *json, *says;
    } bad[] = {
        {"{\"BodyWeight\": \"71\"}", "\"BodyWeight\" is not a number (kg)"},
        {"{\"InjectionTime\": \"half past ten\"}", "\"InjectionTime\" is 'half past ten', not a time"},
        {"{\"Units\": \"counts\"}", "\"Units\" is 'counts'"},
        {"{\"InjectedRadioactivityUnits\": \"mCi\"}", "\"InjectedRadioactivityUnits\" is 'mCi'"},
        {"{\"CorrectedImage\": [1]}", "\"CorrectedImage\""},
        {"{\"PatientID\": 7}", "\"PatientID\" is not a text"},
        {"{\"Units\": \"SUV\"", "line 1"},
        {"[]", "no JSON object"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        touch("PET.json", bad[i].json);
        scan_facts_init(&f);
        assert_int_equal(sidecar_read(path, &f, &patient, &study, &e), -1);
        if (!strstr(e.text, bad[i].says) || !strstr(e.text, path))
            fail_msg("'%s' does not say '%s' of '%s'", e.text, bad[i].says, path);
    }
    /* what SUV needs and the file does not have */
    touch("PET.json", "{\"Units\": \"Bq/mL\", \"DecayCorrection\": \"START\"}");
    scan_facts_init(&f);
    assert_int_equal(sidecar_read(path, &f, &patient, &study, &e), 0);
    assert_int_equal(sidecar_check("PET.nii.gz", path, &f, &e), -1);
    assert_non_null(strstr(e.text, "has no \"BodyWeight\" (kg)"));
    assert_int_equal(sidecar_check("PET.nii.gz", NULL, &f, &e), -1);
    assert_non_null(strstr(e.text, "no JSON of the same name"));
    free(path);
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {
        IN_DIR(autopet),       IN_DIR(autopet_flat_names),
        IN_DIR(masks_beside),  IN_DIR(dicom_series),
        IN_DIR(nothing_there), IN_DIR(lists),
        IN_DIR(run_id),        IN_DIR(hashes),
        IN_DIR(sidecars),
    };
    return cmocka_run_group_tests_name("load_find", tests, NULL, NULL);
}
