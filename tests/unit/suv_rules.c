/* SPDX-License-Identifier: Apache-2.0 */
/* suv_rules -- moments that contradict each other, nuclides by name, facts of the user's own, and the gate a volume must pass. */
#include "proto/suv.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { HOUR = 3600 };
static struct scan_facts good_facts(void)
{
    struct scan_facts f;
    scan_facts_init(&f);
    strcpy(f.units, "BQML");
    strcpy(f.decay_correction, "START");
    strcpy(f.corrected, "NORM\\ATTN\\DECY");
    strcpy(f.tracer, "FDG");
    strcpy(f.vendor, "SIEMENS");
    f.weight_g = 70000;
    f.dose_bq = 350e6;
    f.half_life_s = 6586.2;
    f.injection_s = 9 * HOUR;
    f.series_s = f.acquisition_s = 10 * HOUR;
    f.frame_duration_s = 180;
    f.frame_reference_s = suv_average_delay(180, 6586.2);
    return f;
}

/* Where the decay is counted from, and what is said of it. delay NAN: refused. */
static void moments(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        double series_h, vendor_h, reference_s, outright_h, injection_h; /* reference_s is added to a frame's mean */
        int dated;
        double half_life_h, delay_h;
        const char *by, *told;
    } cases[] = {
        {"all agree", 10, NAN, 0, NAN, 9, 0, 1.8295, 1, "SeriesTime", NULL},
        {"made anew, the vendor's own", 12, 9.9, 0, NAN, 9, 0, 1.8295, 0.9, "vendor's own", NULL},
        {"made anew, the frames' clock", 12, NAN, 360, NAN, 9, 0, 1.8295, 0.9, "Tavg", NULL},
        {"made anew, the frames' clock after the acquisition", 12, NAN, -60, NAN, 9, 0, 1.8295, 1, "Tavg", NULL},
        {"a vendor's date not moved with the others", 12, 9.9 + 24 * 800, 0, NAN, 9, 0, 1.8295, 0.9, "vendor's own",
         "of another day"},
        {"a vendor's moment after the acquisition", 12, 11, 0, NAN, 9, 0, 1.8295, 1, "Tavg", NULL},
        {"the series opened early: one against one", 9.5, NAN, 0, NAN, 9, 0, 1.8295, 0.5, "SeriesTime",
         "two clocks disagree"},
        {"the series opened early: two against one", 9.5, 10, 0, NAN, 9, 0, 1.8295, 1, "vendor's own",
         "two clocks disagree"},
        {"the series before the injection", 8, NAN, 0, NAN, 9, 0, 1.8295, 1, "Tavg", NULL},
        {"said outright", 12, NAN, 0, 9.75, 9, 0, 1.8295, 0.75, "DecayCorrectionDateTime", NULL},
        {"over midnight, a short night", 0.5 + 24, NAN, 0, NAN, 23.5, 0, 1.8295, 1, NULL, NULL},
        {"injected after the scan", 10, NAN, 0, NAN, 10.5, 0, 1.8295, NAN, NULL, "one of the two times is wrong"},
        {"a clock of twelve hours", 10, NAN, 0, NAN, 21, 0, 1.8295, NAN, NULL, "one of the two times is wrong"},
        {"dated a day early", 10, NAN, 0, NAN, 9 - 24, 1, 1.8295, 1, "SeriesTime", "its time of day alone is used"},
        {"dated a day early, of days", 10, NAN, 0, NAN, 9 - 24, 1, 78.4, 25, "SeriesTime", NULL},
        {"of days, and undated", 10, NAN, 0, NAN, 9, 0, 78.4, NAN, NULL, "the day of (0018,1072)"},
        {"of days, and dated after", 10, NAN, 0, NAN, 9 + 24, 1, 78.4, NAN, NULL, "one of the two times is wrong"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct scan_facts f = good_facts();
        struct error e = {0};
        f.half_life_s = cases[i].half_life_h * HOUR;
        strcpy(f.tracer, cases[i].half_life_h > 2 ? "Zr-89 X" : "FDG");
        f.series_s = cases[i].series_h * HOUR;
        if (cases[i].series_h > 24) /* the scan is in that night, too */
            f.acquisition_s = f.series_s;
        f.scan_start_s = cases[i].vendor_h * HOUR;
        f.corrected_to_s = cases[i].outright_h * HOUR;
        f.injection_s = cases[i].injection_h * HOUR;
        f.injection_dated = cases[i].dated;
        f.frame_reference_s = suv_average_delay(f.frame_duration_s, f.half_life_s) + cases[i].reference_s;
        int const rc = suv_factor(&f, "bw", &e);
        if (isnan(cases[i].delay_h) ? rc == 0 : rc < 0 || !(fabs(f.delay_s - cases[i].delay_h * HOUR) < 1e-3))
            fail_msg("%s: %s, delay %g h", cases[i].what, rc < 0 ? e.text : "read", f.delay_s / HOUR);
        if (cases[i].by && !strstr(f.reference_by, cases[i].by))
            fail_msg("%s: by '%s'", cases[i].what, f.reference_by);
        if (cases[i].told && !strstr(rc < 0 ? e.text : f.told, cases[i].told))
            fail_msg("%s: '%s' does not say '%s'", cases[i].what, rc < 0 ? e.text : f.told, cases[i].told);
        if (!cases[i].told && cases[i].half_life_h < 2 && *f.told)
            fail_msg("%s: says '%s'", cases[i].what, f.told);
    }
}

static void nuclides(void **state)
{
    (void)state;
    static const char *const texts[][2] = {{"F-18", "F-18"},
                                           {"18F", "F-18"},
                                           {"F18", "F-18"},
                                           {"^18^Fluorine", "F-18"},
                                           {"[18F]FDG", "F-18"},
                                           {"Ga68-PSMA", "Ga-68"},
                                           {"68-Ga X", "Ga-68"},
                                           {"^68^Gallium", "Ga-68"},
                                           {"177 Lutetium", "Lu-177"},
                                           {"Tc-99m", "Tc-99m"},
                                           {"89Zr-girentuximab", "Zr-89"},
                                           {"FDG", NULL},
                                           {"PSMA-1007", NULL},
                                           {"F-181", NULL},
                                           {"", NULL},
                                           {"Fluorodeoxyglucose", NULL}};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const struct nuclide *n = nuclide_of_text(texts[i][0]);
        if (texts[i][1] ? !n || strcmp(n->name, texts[i][1]) != 0 : n != NULL)
            fail_msg("'%s' is %s", texts[i][0], n ? n->name : "none");
    }
    assert_string_equal(nuclide_of_code("C-111A1")->name, "F-18");
    assert_string_equal(nuclide_of_code("35337001")->name, "Ga-68");
    assert_null(nuclide_of_code(""));
    assert_null(nuclide_of_code("C-1"));
    assert_string_equal(nuclide_of_half_life(6588)->name, "F-18");
    assert_null(nuclide_of_half_life(5000));
    assert_true(tracer_is_fdg("FDG -- fluorodeoxyglucose") && tracer_is_fdg("Fluorodeoxyglucose F^18^") &&
                !tracer_is_fdg("FLT"));
}

static void tracers(void **state)
{
    (void)state;
    static const struct {
        const char *tracer, *nuclide;
        double half_life_s;
        bool refused;
        const char *says;
    } cases[] = {{"FDG", "F-18", 6586.2, false, NULL},
                 {"", "F-18", 6586.2, false, NULL},
                 {"F18", "", 6586.2, false, NULL},
                 {"F-18 PSMA", "F-18", 6586.2, false, "the tracer is 'F-18 PSMA'"},
                 {"PSMA-11", "Ga-68", 4062.6, false, "with Ga-68, not FDG"},
                 {"", "Lu-177", 574300, true, "Lu-177, which emits no positrons"},
                 {"", "Ga-68", 6586.2, true, "Ga-68, which the file names, has 4062.6 s"},
                 {"", "", 5000, false, "of no nuclide known here"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct scan_facts f = good_facts();
        struct error e = {0};
        strcpy(f.tracer, cases[i].tracer);
        strcpy(f.nuclide, cases[i].nuclide);
        f.half_life_s = cases[i].half_life_s;
        f.frame_reference_s = suv_average_delay(180, f.half_life_s);
        int const rc = suv_factor(&f, "bw", &e);
        const char *said = rc < 0 ? e.text : f.told;
        if ((rc < 0) != cases[i].refused || (cases[i].says ? !strstr(said, cases[i].says) : *said))
            fail_msg("'%s' %s: '%s'", cases[i].tracer, cases[i].nuclide, said);
    }
}

static void overrides(void **state)
{
    (void)state;
    struct scan_facts f = good_facts();
    struct error e = {0};
    strcpy(f.overridden, "weight_g=80000;sex=F;injection_s=09:30:00;nuclide=F-18");
    assert_int_equal(suv_override(&f, &e), 0);
    assert_true(f.weight_g == 80000 && f.injection_s == 9.5 * HOUR && !f.injection_dated);
    assert_string_equal(f.sex, "F");
    assert_non_null(strstr(f.told, "weight_g=80000 was given by the user"));
    strcpy(f.overridden, "injection_s=-3600");
    assert_int_equal(suv_override(&f, &e), 0);
    assert_true(f.injection_s == -3600 && f.injection_dated);
    static const char *const bad[][2] = {{"suv_factor=1", "suv_factor"},       {"weight_g=", "nothing is given"},
                                         {"weight_g", "nothing is given"},     {"weight_g=70kg", "a number in g"},
                                         {"injection_s=25:00", "HH:MM:SS"},    {"patient=X", "no fact of that name"},
                                         {"sex=undetermined", "longer than 7"}};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        strcpy(f.overridden, bad[i][0]);
        assert_int_equal(suv_override(&f, &e), -1);
        if (!strstr(e.text, bad[i][1]))
            fail_msg("'%s' does not say '%s'", e.text, bad[i][1]);
    }
}

/* A trunk of 70 kg: a cylinder of SUV `body` in air, 700 mm tall, and a hot spot. */
static struct volume trunk(double mm, double body, double hot)
{
    enum { D = 70, H = 40, W = 40 };
    struct volume v = {0};
    grid_set(&v.grid, (int64_t[]){D, H, W}, (double[]){mm, 10, 10}, (double[]){0, 0, 0});
    v.voxel = xalloc(grid_voxels(&v.grid), sizeof(float));
    v.organ = xalloc(grid_voxels(&v.grid), 1);
    for (int64_t z = 0; z < D; z++)
        for (int64_t y = 0; y < H; y++)
            for (int64_t x = 0; x < W; x++) {
                bool const inside = (y - H / 2) * (y - H / 2) + (x - W / 2) * (x - W / 2) < 15 * 15;
                v.voxel[grid_at(&v.grid, z, y, x)] = inside ? (float)body : 0;
                v.organ[grid_at(&v.grid, z, y, x)] = inside && z < 10 ? 3 : 0;
            }
    v.voxel[grid_at(&v.grid, 35, H / 2, W / 2)] = (float)hot;
    return v;
}

static void gate(void **state)
{
    (void)state;
    static const struct {
        double mm, body, hot;
        const char *says;
    } cases[] = {
        {10, 1, 12, NULL},
        {10, 0.6, 6000, "SUVmax is 6e+03"},
        {10, 0.01, 0.02, "SUVmax is 0.02"},
        {10, 0.1, 12, "the mean SUV of the body is 0.1"},
        {5, 0.25, 12, NULL}, /* 350 mm of legs */
        {5, 0.1, 12, "the mean SUV of the liver is 0.1"},
        {5, 4, 12, "the share of the dose in it is 1."}, /* four times what there was */
        {10, 0, 0, "SUVmax comes out as 0"},
        {10, -1, 0, "SUVmax comes out as"},
        {10, NAN, 1, "comes out as"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct scan_facts f = good_facts();
        struct error e = {0};
        assert_int_equal(suv_factor(&f, "bw", &e), 0);
        struct volume v = trunk(cases[i].mm, cases[i].body, cases[i].hot);
        suv_statistics(&v, &f);
        int const rc = suv_gate(&v, &f, false, &e);
        if ((rc < 0) != (cases[i].says != NULL) || (rc < 0 && !strstr(e.text, cases[i].says)))
            fail_msg("body %g, hottest %g: '%s'", cases[i].body, cases[i].hot, rc < 0 ? e.text : "passed");
        if (i == 0) {
            assert_true(fabs(f.body_mean - 1) < 0.01);
            assert_true(fabs(f.dose_share - f.volume_mean * 70 * 40 * 40 / 70000) < 1e-9); /* voxels of 1 ml, 70 kg */
        }
        if (rc < 0 && strstr(e.text, "no patient's")) {
            e = (struct error){0};
            assert_int_equal(suv_gate(&v, &f, true, &e), 0);
            assert_non_null(strstr(f.told, "implausible, and accepted"));
        }
        volume_free(&v);
    }
}

/* SUL and SUVbsa are judged as the SUVbw they stand for. */
static void gate_of_other_formulas(void **state)
{
    (void)state;
    static const char *const formulas[] = {"james", "janmahasatian", "bsa"};
    double share = NAN;
    for (size_t i = 0; i < COUNT_OF(formulas); i++) {
        struct scan_facts f = good_facts();
        struct error e = {0};
        strcpy(f.sex, "F");
        f.height_m = 1.7;
        assert_int_equal(suv_factor(&f, formulas[i], &e), 0);
        struct volume v = trunk(10, 0.9 / 2.92126998e-4, 12 / 2.92126998e-4); /* in Bq/mL */
        suv_apply(&v, &f);
        suv_statistics(&v, &f);
        if (suv_gate(&v, &f, false, &e) < 0)
            fail_msg("%s: %s", formulas[i], e.text);
        assert_true(i == 0 || fabs(f.dose_share / share - 1) < 1e-6);
        share = f.dose_share;
        volume_free(&v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(moments), cmocka_unit_test(nuclides),
                                       cmocka_unit_test(tracers), cmocka_unit_test(overrides),
                                       cmocka_unit_test(gate),    cmocka_unit_test(gate_of_other_formulas)};
    return cmocka_run_group_tests_name("suv_rules", tests, NULL, NULL);
}
