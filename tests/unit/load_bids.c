/* SPDX-License-Identifier: Apache-2.0 */
/* load_bids -- a BIDS-PET volume with its _pet.json: names, times counted from TimeZero, the SUV factor they make. */
#include "proto/suv.h"
#include "stages/load/load.h"
#include "tests/unit/load_corpus.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/petrel-bids.XXXXXX";

static int enter(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}
static int leave(void **state)
{
    (void)state;
    corpus_keep(dir, "load_bids");
    dir_remove(dir);
    return 0;
}

#define COMMON                                                                                                         \
    "{\"Units\": \"Bq/mL\", \"TimeZero\": \"10:00:00\", \"InjectionStart\": -600, \"ScanStart\": 3000, "               \
    "\"BodyWeight\": 70,\n"                                                                                            \
    "\"InjectedRadioactivity\": 300, \"InjectedRadioactivityUnits\": \"MBq\", \"TracerRadionuclide\": \"F18\", "       \
    "\"FrameDuration\": [1200],\n"                                                                                     \
    "\"FrameTimesStart\": [0], \"AttenuationCorrection\": \"10-min transmission scan\""

static int read_json(const char *json, struct scan_facts *f, struct error *e)
{
    char *path = path_join(dir, "sub-01_ses-b_trc-fdg_pet.json"), *patient = NULL, *study = NULL;
    assert_int_equal(publish_bytes(path, json, strlen(json), e), 0);
    scan_facts_init(f);
    int rc = sidecar_read(path, f, &patient, &study, e);
    if (rc == 0) {
        free(patient);
        free(study);
        rc = sidecar_check("sub-01_ses-b_trc-fdg_pet.nii.gz", path, f, e);
    }
    free(path);
    return rc == 0 ? suv_factor(f, "bw", e) : rc;
}

static void factors(void **state)
{
    (void)state;
    double const half_s = 6586.2, k = 0.69314718055994531 / half_s;
    /* to the scan's start, an hour after injection; to injection; not at all: to the frame's mean */
    struct {
        const char *json;
        double factor;
    } cases[] = {
        {COMMON ", \"ImageDecayCorrected\": true, \"ImageDecayCorrectionTime\": 3000}", 70000 / (3e8 * exp(-k * 3600))},
        {COMMON ", \"ImageDecayCorrected\": true, \"ImageDecayCorrectionTime\": 0}", 70000 / (3e8 * exp(-k * 600))},
        {COMMON ", \"ImageDecayCorrected\": true, \"ImageDecayCorrectionTime\": 4000}", 70000 / (3e8 * exp(-k * 4600))},
        {COMMON ", \"ImageDecayCorrected\": true, \"ImageDecayCorrectionTime\": -600}", 70000 / 3e8},
        {COMMON ", \"ImageDecayCorrected\": false}", 70000 / (3e8 * exp(-k * 3600) * (1 - exp(-k * 1200)) / (k * 1200))},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct scan_facts f;
        struct error e = {0};
        if (read_json(cases[i].json, &f, &e) < 0)
            fail_msg("case %zu: %s", i, e.text);
        if (!(fabs(f.suv_factor / cases[i].factor - 1) < 1e-9))
            fail_msg("case %zu: factor %.12g, not %.12g", i, f.suv_factor, cases[i].factor);
    }
}

static void refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {COMMON ", \"ImageDecayCorrected\": true}", "\"ImageDecayCorrectionTime\" is missing"},
        {COMMON ", \"ImageDecayCorrected\": \"yes\"}", "\"ImageDecayCorrected\" is neither"},
        {COMMON "}", "has no \"DecayCorrection\""},
        {"{\"Units\": \"Bq/mL\", \"TimeZero\": 10}", "\"TimeZero\" is not a time"},
        {"{\"Units\": \"Bq/mL\", \"TimeZero\": \"10:00:00\", \"ScanStart\": \"soon\"}",
         "\"ScanStart\" is not a number"},
        {"{\"FrameDuration\": [60, 60]}", "\"FrameDuration\" is not a number"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct scan_facts f;
        struct error e = {0};
        assert_int_equal(read_json(cases[i][0], &f, &e), -1);
        if (!strstr(e.text, cases[i][1]))
            fail_msg("'%s' does not say '%s'", e.text, cases[i][1]);
    }
}

/* Of a BIDS folder the _pet files are scans, and nothing else. */
static void names(void **state)
{
    (void)state;
    static const char *const files[] = {"sub-01_ses-b_trc-fdg_pet.nii.gz", "sub-01_ses-b_T1w.nii.gz",
                                        "sub-01_ses-b_ct.nii.gz"};
    struct error e = {0};
    struct sources s;
    struct load_options o = {.units = "auto"};
    char *at = dir;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char *path = path_join(dir, files[i]);
        assert_int_equal(publish_bytes(path, "", 0, &e), 0);
        free(path);
    }
    assert_int_equal(sources_find(&s, &at, 1, &o, &e), 0);
    assert_int_equal(s.count, 1);
    assert_string_equal(s.item[0].patient, "sub-01");
    assert_string_equal(s.item[0].study, "ses-b");
    assert_non_null(s.item[0].sidecar);
    sources_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(factors), cmocka_unit_test(refused), cmocka_unit_test(names)};
    return cmocka_run_group_tests_name("load_bids", tests, enter, leave);
}
