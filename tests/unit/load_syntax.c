/* SPDX-License-Identifier: Apache-2.0 */
/* load_syntax -- copies of a DICOM series in every transfer syntax DCMTK writes, in folders as people keep them, and with tags
 * changed as vendors have them: the same voxels, the right factor, or the right refusal. Of a made series, and of a real one
 * where PETREL_DATA has it. */
#include "proto/suv.h"
#include "stages/load/load.h"
#include "tests/unit/load_dicom_file.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/petrel-syntax.XXXXXX";
static const double GE_FACTOR =
    2.429029766148455e-4; /* of both: the made series has the real one's dose, weight and times */

static int shell(const char *format, ...) PRINTF_LIKE(1, 2);
static int shell(const char *format, ...)
{
    char command[4000];
    va_list list;
    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    return system(command);
}

static int enter(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    char *made = path_join(dir, "made");
    struct error e = {0};
    assert_int_equal(dir_make(made, &e), 0);
    for (int z = 0; z < 5; z++) {
        char *path = xprintf("%s/%d.dcm", made, z), position[32];
        struct dicom_slice s = {.position = position, .slope = 0.5 + z};
        snprintf(position, sizeof position, "0\\0\\%d", 3 * z);
        for (int i = 0; i < SLICE_ROWS * SLICE_COLUMNS; i++)
            s.stored[i] = (uint16_t)((i * 2477 + z * 311) % 32768);
        dicom_slice_write(path, &s);
        free(path);
    }
    free(made);
    const char *data = getenv("PETREL_DATA");
    /* the dictionary of DCMTK's tools does not know the vendors' elements */
    return shell("cd %s && printf '(7053,\"Philips PET Private Group\",1000)\\tDS\\tA\\t1\\tPrivateTag\\n"
                 "(7053,\"Philips PET Private "
                 "Group\",1009)\\tDS\\tB\\t1\\tPrivateTag\\n(0009,\"GEMS_PETD_01\",100d)\\tDT\\tC\\t1\\tPrivateTag\\n"
                 "(0071,\"SIEMENS MED PT\",1022)\\tDT\\tD\\t1\\tPrivateTag\\n' >vendors.dic && "
                 "if [ -d '%s/ge_sarcoma_dicom/image' ]; then mkdir real && cp "
                 "'%s'/ge_sarcoma_dicom/image/1-10[0-4].dcm real && chmod u+w real/* && "
                 /* which are 5 of 267, as they say themselves */
                 "{ ! command -v dcmodify >/dev/null || dcmodify -nb -e '(0054,0081)' -e '(0054,1330)' real/*; }; fi",
                 dir, data ? data : "", data ? data : "");
}
static int leave(void **state)
{
    (void)state;
    dir_remove(dir);
    return 0;
}

/* Everything below is done to each base there is. */
static const char *const bases[] = {"made", "real"};
static bool base_there(const char *base)
{
    char *path = path_join(dir, base);
    bool there = dir_exists(path);
    free(path);
    if (!there)
        print_message("# no real series at hand (PETREL_DATA): the made one alone\n");
    return there;
}

static int read_folder(const char *name, size_t scans, size_t which, struct volume_message *m, struct error *e)
{
    struct sources s;
    struct load_options o = {.units = "auto", .salt = "s", .memory_limit = (size_t)1 << 30};
    char *path = path_join(dir, name);
    *m = (struct volume_message){0};
    int rc = sources_find(&s, &path, 1, &o, e);
    if (rc == 0 && s.count != scans)
        fail_msg("%s: %zu scans, %zu expected", name, s.count, scans);
    if (rc == 0)
        rc = scan_read(&s.item[which], &o, m, e);
    if (rc == 0 && (rc = suv_factor(&m->facts, "bw", e)) < 0)
        volume_message_free(m);
    sources_free(&s);
    free(path);
    return rc;
}

static void expect_same(const char *base, const char *name, size_t scans, size_t which)
{
    struct volume_message wanted, got;
    struct error e = {0};
    if (read_folder(base, 1, 0, &wanted, &e) < 0 || read_folder(name, scans, which, &got, &e) < 0)
        fail_msg("%s: %s", name, e.text);
    assert_true(grid_same_shape(&wanted.volume.grid, &got.volume.grid));
    for (size_t i = 0; i < grid_voxels(&got.volume.grid); i++)
        if (wanted.volume.voxel[i] != got.volume.voxel[i])
            fail_msg("%s of %s: voxel %zu is %g, not %g", name, base, i, got.volume.voxel[i], wanted.volume.voxel[i]);
    assert_true(fabs(got.facts.suv_factor / GE_FACTOR - 1) < 1e-9);
    assert_string_equal(wanted.facts.patient, got.facts.patient);
    volume_message_free(&wanted);
    volume_message_free(&got);
}

static void need_tools(void)
{
    if (system("command -v dcmcrle dcmcjpls dcmcjpeg dcmconv dcmodify >/dev/null") != 0) {
        print_message("# skipped: DCMTK's tools (package dcmtk) are not installed\n");
        skip();
    }
}

static void transfer_syntaxes(void **state)
{
    (void)state;
    static const char *const ways[] = {"dcmconv +te", "dcmconv +ti",  "dcmconv +tb",  "dcmconv +td",
                                       "dcmcrle",     "dcmcjpls +el", "dcmcjpeg +e1", "dcmcjpeg +el"};
    need_tools();
    for (size_t b = 0; b < COUNT_OF(bases) && base_there(bases[b]); b++)
        for (size_t w = 0; w < COUNT_OF(ways); w++) {
            if (shell("cd %s && rm -rf coded && mkdir coded && for f in %s/*; do %s \"$f\" coded/${f##*/} || exit 1; "
                      "done",
                      dir, bases[b], ways[w]))
                fail_msg("%s does not work", ways[w]);
            expect_same(bases[b], "coded", 1, 0);
        }
}

/* JPEG-LS files that call themselves JPEG 2000 of several components (1.2.840.10008.1.2.4.92): nothing here unpacks that; it is said, not guessed. */
static void unknown_syntax(void **state)
{
    (void)state;
    struct volume_message m;
    struct error e = {0};
    need_tools();
    assert_int_equal(shell("cd %s && rm -rf coded && mkdir coded && for f in made/*; do dcmcjpls +el $f coded/${f##*/} "
                           "|| exit 1; done && "
                           "sed -i 's/1\\.2\\.840\\.10008\\.1\\.2\\.4\\.80/1.2.840.10008.1.2.4.92/' coded/*",
                           dir),
                     0);
    assert_int_equal(read_folder("coded", 1, 0, &m, &e), -1);
    if (!strstr(e.text, "its transfer syntax JPEG 2000 Part 2"))
        fail_msg("%s", e.text);
}

static void folders(void **state)
{
    (void)state;
    struct volume_message m;
    struct error e = {0};
    need_tools();
    for (size_t b = 0; b < COUNT_OF(bases) && base_there(bases[b]); b++) {
        /* shuffled names, in folders within folders, without endings */
        assert_int_equal(
            shell("cd %s && rm -rf kept && mkdir -p kept/a/b kept/c && i=0 && for f in %s/*; do i=$((i*7%%31+3)); "
                  "cp $f kept/$([ $((i%%2)) = 0 ] && echo a/b || echo c)/$(basename $f | md5sum | cut -c1-8); done",
                  dir, bases[b]),
            0);
        expect_same(bases[b], "kept", 1, 0);
        /* stray files of every kind beside it, among them a CT of the same study and a file cut short at its start */
        assert_int_equal(shell("cd %s && rm -rf kept && mkdir kept && cp %s/* kept && echo notes >kept/README.txt && "
                               "head -c 40 /dev/urandom >kept/x.bin && "
                               "f=$(ls %s | head -1) && cp %s/$f kept/ct.dcm && dcmodify -nb -m '(0008,0060)=CT' -m "
                               "'(0020,000e)=1.7.7' kept/ct.dcm",
                               dir, bases[b], bases[b], bases[b]),
                         0);
        expect_same(bases[b], "kept", 1, 0);
        /* two series in one folder, apart by their UID */
        assert_int_equal(shell("cd %s && rm -rf kept && mkdir kept && cp %s/* kept && for f in %s/*; do cp $f "
                               "kept/2_${f##*/}; done && "
                               "dcmodify -nb -m '(0020,000e)=9.9.9' kept/2_*",
                               dir, bases[b], bases[b]),
                         0);
        expect_same(bases[b], "kept", 2, 0);
        expect_same(bases[b], "kept", 2, 1);
        /* a slice missing, and one there twice */
        assert_int_equal(shell("cd %s && rm -rf kept && mkdir kept && cp %s/* kept && rm kept/$(ls kept | sed -n 4p)",
                               dir, bases[b]),
                         0);
        assert_int_equal(read_folder("kept", 1, 0, &m, &e), -1);
        assert_non_null(strstr(e.text, "slices are missing between"));
        assert_int_equal(
            shell("cd %s && rm -rf kept && mkdir kept && cp %s/* kept && cp kept/$(ls kept | sed -n 4p) kept/again.dcm",
                  dir, bases[b]),
            0);
        expect_same(bases[b], "kept", 1, 0);
    }
}

/* What vendors and archives do to tags. factor NAN: refused, and the sentence says so. */
static void vendors(void **state)
{
    (void)state;
#define INJECTED                     "(0054,0016)[0]."
#define SAME_TIMES(series, acquired) "-m '(0008,0031)=" series "' -m '(0008,0032)=" acquired "' -i '(0054,1300)=0' "
    static const struct {
        const char *changes;
        double factor;
        const char *says;
    } cases[] = {
        {"-e '(0010,1030)'", NAN, "(0010,1030) PatientWeight is missing"},
        {"-m '(0010,1030)=71000'", GE_FACTOR, NULL}, /* grams */
        {"-m '(0010,1030)=71,0'", GE_FACTOR, NULL},  /* a comma that can only be a decimal one */
        {"-m '(0010,1030)=155lb'", NAN, "(0010,1030) PatientWeight is '155lb', which cannot be read"},
        {"-m '(0010,1030)=71,000'", NAN, "(0010,1030) PatientWeight is '71,000', which cannot be read"},
        {"-i '(0010,1020)=71' -m '(0010,1030)=1.63'", NAN, "stand in each other's place"},
        {"-i '(0010,1020)=163'", GE_FACTOR, NULL},               /* centimetres, and not asked for */
        {"-m '" INJECTED "(0018,1075)=109.8'", GE_FACTOR, NULL}, /* minutes: 6588 s */
        {"-m '" INJECTED "(0018,1075)=1.83'", GE_FACTOR, NULL},  /* hours */
        {"-m '" INJECTED "(0018,1075)=4062.6'", NAN, "has 6586.2 s: one of them is wrong"},
        {"-m '(0010,1030)=0'", NAN, "(0010,1030) PatientWeight is 0 kg"},
        {"-e '" INJECTED "(0018,1075)'", NAN, "(0018,1075) RadionuclideHalfLife is missing"},
        {"-e '" INJECTED "(0018,1074)'", NAN, "(0018,1074) RadionuclideTotalDose is missing"},
        {"-m '" INJECTED "(0018,1074)=388.777472'", GE_FACTOR, NULL}, /* MBq */
        {"-m '" INJECTED "(0018,1074)=388777.472'", NAN, "written in kBq, it seems"},
        {"-m '" INJECTED "(0018,1074)=10.5'", NAN, "MBq or mCi, which of them is not known"},
        {"-m '" INJECTED "(0018,1074)=-388777472'", NAN, "(0018,1074) RadionuclideTotalDose is -3.88777e+08 Bq"},
        /* times as they may be written; 1120 is 11 s early, and so is the injection of 103449 */
        {SAME_TIMES("1120", "1120") "-m '" INJECTED "(0018,1072)=103449'", GE_FACTOR, NULL},
        {"-m '" INJECTED "(0018,1072)=90000'", NAN, "RadiopharmaceuticalStartTime is '90000', which cannot be read"},
        {"-e '" INJECTED "(0018,1072)' -i '" INJECTED "(0018,1078)=%s103500'", GE_FACTOR, NULL},
        {"-e '" INJECTED "(0018,1072)' -i '" INJECTED "(0018,1078)=%s093500+0000' -i '(0008,0201)=+0100'", GE_FACTOR,
         NULL},
        {"-e '" INJECTED "(0018,1072)' -i '" INJECTED "(0018,1078)=%s093500+0000'", NAN, "names a time zone"},
        {"-i '" INJECTED "(0018,1078)=%s093500'", NAN, "contradict each other"},
        {"-i '" INJECTED "(0018,1078)=19000101103500'", GE_FACTOR, NULL}, /* a date that cannot be: the time of day */
        {"-i '" INJECTED "(0018,1078)=%s103500' -m '" INJECTED "(0018,1075)=282240' -m '" INJECTED
         "(0018,0031)=Zr-89 X' "
         "-ea '" INJECTED "(0054,0300)'",
         71000 / (388777472.0 * 0.993364227695282), NULL},
        {"-m '" INJECTED "(0018,1075)=282240' -m '" INJECTED "(0018,0031)=Zr-89 X' -ea '" INJECTED "(0054,0300)'", NAN,
         "is not known; give petrel-load --override injection_s="},
        {"-e '(0008,0022)' -e '(0008,0032)' -i '(0008,002a)=%s112011'", GE_FACTOR, NULL},
        {"-m '(0008,0020)=19900101'", NAN, "dates were moved apart"},
        {"-i '(0018,9701)=%s112011' -m '(0008,0031)=132011'", GE_FACTOR, NULL}, /* the moment said outright */
        {"-e '(0018,1242)' -m '(0008,0070)=SIEMENS'", NAN, "(0018,1242) ActualFrameDuration is missing"},
        {"-i '(0054,1101)=NONE'", NAN, "not corrected for attenuation"},
        {"-i '(0054,0016)[1].(0018,1074)=1e8'", NAN, "has 2 items"},
        {"-m '(0054,1001)=CPS' -m '(0028,0051)=ATTN\\DECY'", NAN, "not dose-calibrated"},
        {"-m '(0054,1001)=GML' -m '(0028,0051)=DECY'", NAN, "without ATTN"},
        {"-m '(0028,0101)=20'", NAN, "do not fit into 16 bits"},
        {"-e '" INJECTED "(0018,1072)'", NAN, "(0018,1072) RadiopharmaceuticalStartTime is missing"},
        {"-e '(0054,0016)'", NAN, "(0018,1074) RadionuclideTotalDose is missing"},
        {"-e '(0054,1001)'", NAN, "(0054,1001) Units is missing"},
        {"-m '(0054,1001)=PROPCPS'", NAN, "Units 'PROPCPS' are not handled"},
        {"-m '(0028,0051)=DECY\\\\SCAT'", NAN, "without ATTN"},
        {"-m '(0028,0051)=ATTN\\\\SCAT'", NAN, "without DECY"},
        {"-m '(0054,1102)=LATER'", NAN, "(0054,1102) DecayCorrection is 'LATER'"},
        /* no decay between injection and scan; SUV already */
        {"-m '(0054,1102)=ADMIN'", 71000 / 388777472.0, NULL},
        {"-m '(0054,1001)=GML'", 1, NULL},
        /* injected ten minutes before midnight, scanned twenty after: half an hour */
        {SAME_TIMES("002000", "002000") "-m '" INJECTED "(0018,1072)=235000'",
         71000 / (388777472.0 * 0.8274683041861359), NULL},
        {SAME_TIMES("080000", "080000") "-m '" INJECTED "(0018,1072)=235000'", NAN, "one of the two times is wrong"},
        /* made anew two hours later: the vendor's own start of the scan, else the frame's times */
        {SAME_TIMES("132011",
                    "112511") "-m '(0008,0070)=SIEMENS' -i '(0071,0010)=SIEMENS MED PT' -i '(0071,1022)=%s112011.00'",
         GE_FACTOR, NULL},
        {SAME_TIMES(
             "132011",
             "112511") "-m '(0008,0070)=GE MEDICAL SYSTEMS' -i '(0009,0010)=GEMS_PETD_01' -i '(0009,100d)=%s112011.00'",
         GE_FACTOR, NULL},
        {SAME_TIMES("132011", "112511") "-m '(0008,0070)=GE MEDICAL SYSTEMS' -i '(0054,1300)=300000'", GE_FACTOR, NULL},
        /* Philips' counts: an SUV each; Bq/mL each; and nothing known */
        {"-m '(0054,1001)=CNTS' -i '(7053,0010)=Philips PET Private Group' -i '(7053,1000)=0.00042' -i "
         "'(7053,1009)=1.7'",
         0.00042, NULL},
        {"-m '(0054,1001)=CNTS' -i '(7053,0010)=Philips PET Private Group' -i '(7053,1000)=0' -i '(7053,1009)=1.7'",
         1.7 * GE_FACTOR, NULL},
        {"-m '(0054,1001)=CNTS'", NAN, "neither (7053,1000) nor (7053,1009)"},
        {"-m '(0008,0016)=1.2.840.10008.5.1.4.1.1.130'", NAN, "(5200,9230) PerFrameFunctionalGroupsSequence"},
    };
    need_tools();
    for (size_t b = 0; b < COUNT_OF(bases) && base_there(bases[b]); b++)
        for (size_t i = b; i < 2 * COUNT_OF(cases); i += 4 * b + 1) { /* of the real one, some */
            bool implicit = i % 2; /* where the file tells no types, private ones are bytes */
            char changes[600];
            struct volume_message m;
            struct error e = {0};
            snprintf(changes, sizeof changes, "%s", cases[i / 2].changes);
            char *day = strstr(changes, "%s");
            if (day) { /* the two series were not made on the same day */
                const char *date = b ? "20000907" : "20200131";
                memmove(day + 8, day + 2, strlen(day + 2) + 1);
                memcpy(day, date, 8);
            }
            if (shell("cd %s && rm -rf changed && mkdir changed && set -- $(ls %s | head -2) && for f; do cp %s/$f "
                      "changed; done && "
                      "DCMDICTPATH=${DCMDICTPATH:-$(ls /usr/share/libdcmtk*/dicom.dic | tail -1)}:vendors.dic && "
                      "export DCMDICTPATH && dcmodify -nb -imt %s changed/* && "
                      "for f in changed/*; do dcmconv %s $f $f.2 && mv $f.2 $f || exit 1; done",
                      dir, bases[b], bases[b], changes, implicit ? "+ti" : "+te"))
                fail_msg("dcmodify %s does not work", changes);
            int rc = read_folder("changed", 1, 0, &m, &e);
            if (cases[i / 2].says) {
                if (rc == 0 || !strstr(e.text, cases[i / 2].says))
                    fail_msg("%s %s: '%s' does not say '%s'", bases[b], changes, rc ? e.text : "read",
                             cases[i / 2].says);
                continue;
            }
            if (rc < 0 || !(fabs(m.facts.suv_factor / cases[i / 2].factor - 1) < 1e-9))
                fail_msg("%s %s: factor %.12g, not %.12g %s", bases[b], changes, m.facts.suv_factor,
                         cases[i / 2].factor, e.text);
            volume_message_free(&m);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(transfer_syntaxes), cmocka_unit_test(unknown_syntax),
                                       cmocka_unit_test(folders), cmocka_unit_test(vendors)};
    return cmocka_run_group_tests_name("load_syntax", tests, enter, leave);
}
