/* SPDX-License-Identifier: Apache-2.0 */
/* suv_pipeline -- petrel-load and two petrel-suv as programs, and this test at the end of their stream: good scans arrive as
 * SUV, each bad one arrives as a sentence that names file and field, and the exit codes say so. */
#include "common/file.h"
#include "proto/cache.h"
#include "proto/channel.h"
#include "proto/message.h"
#include "tests/unit/load_dicom_file.h"
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/petrel-pipe.XXXXXX";

static char *in_dir(const char *name)
{
    return path_join(dir, name);
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
    return nftw(dir, drop_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- a cohort: two good scans and four bad ones ---- */

static void make_dicom(const char *name, const char *weight)
{
    struct error e = {0};
    char *folder = in_dir(name);
    assert_int_equal(dir_make(folder, &e), 0);
    for (int z = 0; z < 4; z++) {
        char *path = xprintf("%s/%d.dcm", folder, z), position[32];
        struct dicom_slice s = {
            .weight = weight, .series = weight ? "1.2.3.9" : "1.2.3.4", .slope = 100 * (z + 1), .position = position};
        snprintf(position, sizeof position, "0\\0\\%d", 3 * z);
        for (int i = 0; i < SLICE_ROWS * SLICE_COLUMNS; i++)
            s.stored[i] = (uint16_t)(i + z);
        dicom_slice_write(path, &s);
        free(path);
    }
    free(folder);
}

static void make_nifti(const char *name, int64_t slices, int type, const void *voxel)
{
    struct grid g;
    struct error e = {0};
    char *path = in_dir(name);
    grid_set(&g, (int64_t[]){slices, 5, 4}, (double[]){3, 2, 2}, (double[]){0, 0, 0});
    if (nifti_write(path, &g, type, voxel, "test", &e) < 0)
        fail_msg("%s", e.text);
    free(path);
}

static int make_cohort(void **state)
{
    (void)state;
    struct error e = {0};
    float voxel[120];
    uint8_t mask[120] = {0};
    if (!mkdtemp(dir))
        return -1;
    char *cohort = in_dir("cohort"), *path;
    assert_int_equal(dir_make(cohort, &e), 0);
    free(cohort);
    for (int i = 0; i < 120; i++) {
        voxel[i] = (float)i / 10;
        mask[i] = i > 100;
    }
    make_dicom("cohort/1_dicom", NULL);
    make_dicom("cohort/2_no_weight", "");
    make_nifti("cohort/3_SUV.nii.gz", 6, 16, voxel);
    make_nifti("cohort/3_SUV_mask.nii.gz", 6, 2, mask);
    make_nifti("cohort/4_cut_SUV.nii.gz", 6, 16, voxel);
    make_nifti("cohort/5_narrow_SUV.nii.gz", 6, 16, voxel);
    make_nifti("cohort/5_narrow_SUV_mask.nii.gz", 5, 2, mask);
    make_nifti("cohort/6_units.nii.gz", 6, 16, voxel);
    struct stat status;
    path = in_dir("cohort/4_cut_SUV.nii.gz");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(truncate(path, status.st_size / 2), 0);
    free(path);
    return 0;
}

/* ---- programs ---- */

static pid_t start(const char *program, char *const *arguments)
{
    const char *bin = getenv("PETREL_BIN");
    char *path = path_join(bin && *bin ? bin : "build/bin", program);
    pid_t child = fork();
    if (child == 0) {
        execv(path, arguments);
        _exit(127);
    }
    free(path);
    return child;
}

static int leaves_with(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

enum { SCANS = 6 };
struct arrived_item {
    struct item_key key;
    struct volume_message volume;
    struct refusal_message refusal;
    int type;
};

/* Run the programs over the cohort; items come back by index. Returns how many arrived. */
static size_t run(const char *run_name, const char *cache, struct arrived_item got[SCANS], int codes[3])
{
    struct error e = {0};
    char *run_dir = in_dir(run_name), *cohort = in_dir("cohort");
    assert_int_equal(dir_make(run_dir, &e), 0);
    char *load[] = {(char[]){"petrel-load"},
                    (char[]){"--quiet"},
                    (char[]){"--run"},
                    run_dir,
                    (char[]){"--salt"},
                    (char[]){"s"},
                    cohort,
                    cache ? (char[]){"--skip-cache"} : NULL,
                    (char *)cache,
                    NULL};
    char *suv[] = {(char[]){"petrel-suv"}, (char[]){"--quiet"}, (char[]){"--run"}, run_dir, NULL};
    pid_t children[3] = {start("petrel-load", load), start("petrel-suv", suv), start("petrel-suv", suv)};
    struct channel_options o;
    struct taker *taker;
    channel_defaults(&o);
    o.run_dir = run_dir;
    o.name = "suv";
    if (taker_open(&taker, &o, &e) < 0)
        fail_msg("%s", e.text);
    size_t count = 0;
    struct taken item;
    int rc;
    memset(got, 0, SCANS * sizeof *got);
    while ((rc = taker_take(taker, &item, 30, &e)) == 1) {
        assert_true(item.key.index < SCANS);
        struct arrived_item *at = &got[item.key.index];
        assert_int_equal(at->type, 0); /* nothing twice */
        at->key = item.key;
        at->type = message_type_of(&item.bytes, &e);
        rc = at->type == MESSAGE_VOLUME ? volume_message_decode(&item.bytes, &at->volume, &e)
                                        : refusal_message_decode(&item.bytes, &at->refusal, &e);
        assert_int_equal(rc, 0);
        buffer_free(&item.bytes);
        taker_acknowledge(taker, item.lease);
        count++;
    }
    if (rc != TAKER_END)
        fail_msg("the stream did not end: %s", rc == 0 ? "nothing for 30 s" : e.text);
    taker_close(&taker);
    for (int i = 0; i < 3; i++)
        codes[i] = leaves_with(children[i]);
    free(run_dir);
    free(cohort);
    return count;
}

static void drop(struct arrived_item got[SCANS])
{
    for (size_t i = 0; i < SCANS; i++)
        if (got[i].type == MESSAGE_VOLUME)
            volume_message_free(&got[i].volume);
}

static void good_and_bad(void **state)
{
    (void)state;
    struct arrived_item got[SCANS], again[SCANS];
    int codes[3];
    static const struct {
        const char *stage, *says;
    } refused[SCANS] = {[1] = {"suv", "(0010,1030) PatientWeight is missing"},
                        [3] = {"load", ".nii.gz': gzip data ends early"},
                        [4] = {"load", ".nii.gz': it has 4 x 5 x 5 voxels, its scan 4 x 5 x 6"},
                        [5] = {"load", "give --units suv or --units bqml"}};
    assert_int_equal(run("first", NULL, got, codes), SCANS);
    assert_int_equal(codes[0], EX_DATAERR);
    assert_true((codes[1] == EX_DATAERR) != (codes[2] == EX_DATAERR)); /* one of the two had the one without weight */
    for (size_t i = 0; i < SCANS; i++) {
        if (!refused[i].says) {
            assert_int_equal(got[i].type, MESSAGE_VOLUME);
            continue;
        }
        assert_int_equal(got[i].type, MESSAGE_REFUSAL);
        assert_string_equal(got[i].refusal.stage, refused[i].stage);
        assert_int_equal(got[i].refusal.code, EX_DATAERR);
        if (!strstr(got[i].refusal.sentence, refused[i].says))
            fail_msg("'%s' does not say '%s'", got[i].refusal.sentence, refused[i].says);
        /* ids stay here: what a file is called may be one */
        assert_null(strstr(got[i].refusal.sentence, "5_narrow"));
        assert_null(strstr(got[i].refusal.scan, "5_narrow"));
    }
    const struct volume_message *dicom = &got[0].volume, *nifti = &got[2].volume;
    assert_true(fabs(dicom->facts.suv_factor / 2.429029766148455e-4 - 1) < 1e-9);
    assert_true(fabs(dicom->facts.suv_max - 400 * 32 * dicom->facts.suv_factor) < 1e-5);
    for (int z = 0; z < 4; z++)
        for (int i = 0; i < 30; i++)
            assert_true(fabs(dicom->volume.voxel[30 * z + i] - 100 * (z + 1) * (i + z) * dicom->facts.suv_factor) < 1e-5);
    assert_null(dicom->volume.mask);
    assert_int_equal(strlen(dicom->facts.patient), 12); /* "PATIENT 7" is not told */
    assert_true(nifti->facts.suv_factor == 1 && fabs(nifti->facts.suv_max - 11.9) < 1e-6);
    assert_true(fabs(nifti->facts.volume_mean - 5.95) < 1e-6 && fabs(nifti->facts.volume_sd - 3.47850542618522) < 1e-6);
    assert_int_equal(nifti->volume.mask[100], 0);
    assert_int_equal(nifti->volume.mask[101], 1);

    /* what a cache of this run holds is not read again, and the rest has the same keys; what was refused is tried again */
    struct cache cache = {0};
    struct error e = {0};
    char *cached = in_dir("cache");
    struct regions_message empty = {
        .facts = dicom->facts, .grid = dicom->volume.grid, .turned = dicom->volume.turned, .channels = 1};
    uint32_t nothing[120] = {0};
    labels_encode(nothing, 120, &empty.label_runs);
    assert_int_equal(cache_writer_open(&cache, cached, &e), 0);
    if (cache_add(&cache, got[0].key, &empty, &e) < 0 || cache_refuse(&cache, got[3].key, &got[3].refusal, &e) < 0)
        fail_msg("%s", e.text);
    cache_close(&cache);
    buffer_free(&empty.label_runs);
    assert_int_equal(run("second", cached, again, codes), SCANS - 1);
    assert_int_equal(again[0].type, 0);
    assert_int_equal(again[3].type, MESSAGE_REFUSAL);
    assert_int_equal(again[2].type, MESSAGE_VOLUME);
    assert_true(again[2].key.run == got[2].key.run);
    assert_memory_equal(again[2].volume.volume.voxel, got[2].volume.volume.voxel, 120 * sizeof(float));
    free(cached);
    drop(got);
    drop(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_and_bad)};
    return cmocka_run_group_tests_name("suv_pipeline", tests, make_cohort, leave);
}
