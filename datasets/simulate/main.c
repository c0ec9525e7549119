/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-simulate -- a simulated cohort: bodies, physiological uptake, lesions, scanner.   [simulate] => files -> load
 *
 * Each patient is a pure function of (seed, number, options): the same bytes for any -j, stopped and resumed or not. */
#include "common/file.h"
#include "common/log.h"
#include "common/opts.h"
#include "datasets/simulate/check.h"
#include "datasets/simulate/follow.h"
#include "datasets/simulate/mimic.h"
#include "datasets/simulate/write.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct settings {
    const char *site, *scale, *anatomy_dir;
    int64_t patients, jobs, seed;
    struct output output;
    struct anatomy anatomy; /* count 0: none */
    bool follow_up;
};

/* Full: a clinical scanner's voxels. Quick: coarse, for demo and tests. Site A is like autoPET; B like another hospital: thicker slices,
 * another reconstruction (sharper, noisier: assumed), scans down to the knees. */
static const struct scale {
    const char *site, *name;
    double spacing_mm[3];
    struct scanner scanner;
    double low_up;
} scales[] = {
    {"A", "full", {3.0, 2.036, 2.036}, {5.0, 5.5, 0.10}, -500.0},
    {"A", "quick", {5.0, 4.072, 4.072}, {6.5, 7.0, 0.08}, -500.0},
    {"B", "full", {4.0, 2.04, 2.04}, {4.2, 4.5, 0.14}, -640.0},
    {"B", "quick", {6.0, 4.08, 4.08}, {5.8, 6.0, 0.11}, -640.0},
};

static const struct scale *scale_of(const struct settings *s)
{
    size_t i = 0;
    while (strcmp(scales[i].site, s->site) != 0 || strcmp(scales[i].name, s->scale) != 0)
        i++; /* both are choices of the table of options */
    return &scales[i];
}

/* Who patient `number` is; the study whose anatomy is used, or NULL. */
static const struct study *patient_of(const struct settings *s, int64_t number, struct patient *p)
{
    *p = patient_draw((uint64_t)s->seed, number);
    return s->anatomy.count > 0 ? anatomy_assign(&s->anatomy, p) : NULL;
}

/* The body and what is hot and no tumour. */
static void body_open(const struct settings *s, const struct scale *scale, const struct study *study, struct patient *p,
                      const struct patient *visit, struct phantom *ph, struct spots *tumour)
{
    struct error e = {0};
    struct spots background = {0};
    if (study == NULL)
        phantom_open(ph, scale->spacing_mm, scale->low_up, p->size, p->girth);
    else if (anatomy_load(&s->anatomy, study, scale->spacing_mm, p, ph, tumour, &background, &e) < 0)
        die_of(&e);
    body_paint(ph, p, study != NULL);
    mimics_paint(ph, visit, scale->scanner.psf_fwhm_mm, study ? &background : NULL);
}

/* What every visit ends with. */
static void scan_write(const struct settings *s, const struct scale *scale, const struct patient *p, struct phantom *ph,
                       const struct lesion *lesions, size_t count)
{
    struct error e = {0};
    body_note_organs(ph);
    scanner_run(&scale->scanner, p, ph);
    if (patient_write(&s->output, p, ph, lesions, count, &e) < 0)
        die_of(&e);
    phantom_close(ph);
}

static void simulate_follow_up(const struct settings *s, const struct scale *scale, const struct patient *first,
                               const struct lesion *earlier, size_t count)
{
    struct error e = {0};
    struct phantom ph;
    struct patient p = follow_patient(first), body = *first;
    struct follow_up *f = xalloc(1, sizeof *f);
    char *dir = patient_dir(s->output.dir, &p);
    body_open(s, scale, NULL, &body, &p, &ph, NULL);
    follow_paint(&ph, &p, scale->scanner.psf_fwhm_mm, earlier, count, f);
    follow_move(&ph, f, &p);
    if (dir_make(dir, &e) < 0 || follow_write(dir, f, earlier, &e) < 0)
        die_of(&e);
    scan_write(s, scale, &p, &ph, f->lesion, f->count);
    free(dir);
    free(f);
}

static void simulate_one(const struct settings *s, const struct scale *scale, int64_t number)
{
    struct patient p, again;
    const struct study *study = patient_of(s, number, &p);
    struct phantom ph;
    struct lesion lesions[LESIONS_MOST];
    struct spots tumour = {0};
    again = follow_patient(&p);
    bool const follow = s->follow_up && !patient_written(s->output.dir, &again);
    if (patient_written(s->output.dir, &p) && !follow)
        return;
    body_open(s, scale, study, &p, &p, &ph, &tumour);
    double psf = scale->scanner.psf_fwhm_mm;
    size_t count = study ? lesions_paint_at(&ph, &p, psf, &tumour, lesions) : lesions_paint(&ph, &p, psf, lesions);
    if (patient_written(s->output.dir, &p))
        phantom_close(&ph);
    else
        scan_write(s, scale, &p, &ph, lesions, count);
    if (follow)
        simulate_follow_up(s, scale, &p, lesions, count);
}

/* What was asked for, in words. The caller's. */
static char *cohort_name(const struct settings *s)
{
    char anatomy[64] = "";
    if (s->anatomy.count > 0)
        format_into(anatomy, sizeof anatomy, ", anatomy %016llx", (unsigned long long)s->anatomy.digest);
    return xprintf("simulated cohort, seed %lld, scale %s%s%s%s%s%s%s\n", (long long)s->seed, s->scale,
                   strcmp(s->site, "B") == 0 ? ", site B" : "", anatomy, s->output.ct ? ", with CT" : "",
                   s->output.autopet ? ", all of autoPET's layout" : "", s->output.dicom ? ", DICOM" : "",
                   s->follow_up ? ", with follow-up" : "");
}

/* A folder holds one cohort: what was asked for is noted in it, and asking for another there is refused. */
static void claim_folder(const struct settings *s)
{
    struct error e = {0};
    struct buffer before = {0};
    const char *text = s->output.cohort;
    char *path = path_join(s->output.dir, "SIMULATED.txt");
    int rc = dir_make(s->output.dir, &e);
    if (rc == 0 && !file_exists(path))
        rc = publish_bytes(path, text, strlen(text), &e);
    else if (rc == 0 && (rc = file_read(path, 4096, &before, &e)) == 0 && strcmp((const char *)before.data, text) != 0)
        rc = fail_as(&e, EX_CANTCREAT,
                     "cannot simulate into '%s': it holds another cohort (%.*s); choose another folder", s->output.dir,
                     (int)strcspn((const char *)before.data, "\n"), (const char *)before.data);
    buffer_free(&before);
    free(path);
    if (rc < 0)
        die_of(&e);
}

/* One child in `jobs`: every jobs-th patient; a byte up the pipe for each. */
static pid_t start_child(const struct settings *s, const struct scale *scale, int64_t child, const int channel[2])
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    close(channel[0]);
    for (int64_t number = 1 + child; number <= s->patients; number += s->jobs) {
        simulate_one(s, scale, number);
        if (write(channel[1], "", 1) != 1)
            _exit(EX_IOERR);
    }
    _exit(EX_OK);
}

static void simulate_all(const struct settings *s, const struct scale *scale)
{
    int channel[2], worst = 0;
    if (pipe(channel) < 0)
        die(EX_OSERR, "cannot make a pipe: %s", strerror(errno));
    for (int64_t child = 0; child < s->jobs; child++)
        if (start_child(s, scale, child, channel) < 0)
            die(EX_OSERR, "cannot start a process: %s", strerror(errno));
    close(channel[1]);
    struct progress bar;
    uint64_t done = 0;
    char byte[64];
    progress_begin(&bar, "simulate", "patients", 0, (uint64_t)s->patients);
    for (ssize_t got; (got = read(channel[0], byte, sizeof byte)) != 0;) {
        if (got < 0 && errno != EINTR)
            break;
        done += got > 0 ? (uint64_t)got : 0;
        progress_update(&bar, done, "simulated cohort, seed %lld", (long long)s->seed);
    }
    progress_end(&bar);
    close(channel[0]);
    for (int status; wait(&status) > 0 || errno == EINTR;)
        if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)
            worst = WIFSIGNALED(status) ? EX_SOFTWARE : WEXITSTATUS(status);
    if (worst != 0 || done != (uint64_t)s->patients)
        die(worst != 0 ? worst : EX_SOFTWARE,
            "only %llu of %lld patients were written: run the same command again to go on", (unsigned long long)done,
            (long long)s->patients);
}

/* The list file petrel-load takes, whose paths are relative to it, and a table like autoPET's. */
static void write_tables(const struct settings *s)
{
    struct error e = {0};
    struct publish list, metadata;
    char *path = path_join(s->output.dir, "scans.tsv");
    if (publish_open(&list, path, &e) < 0 || metadata_open(&metadata, s->output.dir, &e) < 0)
        die_of(&e);
    fprintf(list.to, "patient\tstudy\tscan\tmask\n");
    for (int64_t visit = 0; visit < s->patients * (s->follow_up ? 2 : 1); visit++) {
        struct patient p;
        patient_of(s, 1 + visit % s->patients, &p);
        if (visit >= s->patients)
            p = follow_patient(&p);
        fprintf(list.to, "%s\t%s\t%s/%s/%s\t%s/%s/%s\n", p.id, p.study, p.id, p.study,
                s->output.dicom ? "PET" : "PET.nii.gz", p.id, p.study, s->output.dicom ? "SEG/SEG.dcm" : "SEG.nii.gz");
        metadata_add(&metadata, &s->output, &p);
    }
    if (publish_commit(&metadata, &e) < 0 || publish_commit(&list, &e) < 0)
        die_of(&e);
    free(path);
}

int main(int argc, char **argv)
{
    exit_plainly();
    struct settings s = {.site = "A", .scale = "full", .patients = 10, .jobs = sysconf(_SC_NPROCESSORS_ONLN)};
    struct option table[] = {
        {"out", OPT_STRING, &s.output.dir, "DIR", 0, 0, "folder to write to (made)", 0, NULL},
        {"patients", OPT_INT, &s.patients, "N", 1, 9999, "how many", 0, NULL},
        {"scale", OPT_CHOICE, &s.scale, "full|quick", 0, 0, "full: 2.036x2.036x3 mm voxels; quick: 4.072x4.072x5 mm", 0,
         NULL},
        {"site", OPT_CHOICE, &s.site, "A|B", 0, 0,
         "A: as autoPET; B: another scanner, for external validation (4 mm slices, thighs)", 0, NULL},
        {"anatomy", OPT_STRING, &s.anatomy_dir, "DIR", 0, 0,
         "simulate on real organ maps: DIR/studies.tsv, DIR/organs/*.nii.gz", 0, NULL},
        {"ct", OPT_FLAG, &s.output.ct, NULL, 0, 0, "write the CT, too, on the PET's grid", 0, NULL},
        {"autopet", OPT_FLAG, &s.output.autopet, NULL, 0, 0, "write SUV and both CTs, too, as autoPET has them", 0, NULL},
        {"dicom", OPT_FLAG, &s.output.dicom, NULL, 0, 0, "write PET, CT and truth as DICOM series instead", 0, NULL},
        {"follow-up", OPT_FLAG, &s.follow_up, NULL, 0, 0,
         "a second visit of every patient, too: lesions changed by known factors (followup.tsv), the patient moved", 0,
         NULL},
        {"j", OPT_INT, &s.jobs, "N", 1, 1024, "processes side by side; the bytes do not depend on it", 0, NULL},
    };
    struct opts o = {.program = "petrel-simulate",
                     .usage = "--out DIR --patients N [--seed N] [--scale quick] [--site B] [--anatomy DIR] [-j N]",
                     .purpose =
                         "writes a simulated cohort of FDG-PET scans with their truth; every file says SIMULATED",
                     .epilogue = "petrel-simulate check COHORT CACHE   what a cohort comes to, beside published "
                                 "figures; CACHE: the regions found in it\n",
                     .table = table,
                     .count = COUNT_OF(table),
                     .common = {.seed = 1}};
    struct error e = {0};
    if (opts_parse(&o, argc, argv, &e) < 0)
        die_of(&e);
    if (o.rest_count == 3 && strcmp(o.rest[0], "check") == 0) {
        if (check_cohort(o.rest[1], o.rest[2], &e) < 0)
            die_of(&e);
        return EX_OK;
    }
    if (s.output.dir == NULL || o.rest_count > 0)
        die(EX_USAGE, s.output.dir == NULL ? "--out is missing: name the folder to write to" : "unexpected word '%s'",
            o.rest_count > 0 ? o.rest[0] : "");
    s.seed = o.common.seed;
    const struct scale *scale = scale_of(&s);
    if (s.anatomy_dir != NULL && anatomy_open(&s.anatomy, s.anatomy_dir, &e) < 0)
        die_of(&e);
    if (s.output.dicom && s.output.autopet)
        die(EX_USAGE, "--dicom and --autopet are two layouts: choose one");
    if (s.follow_up && s.anatomy_dir != NULL)
        die(EX_USAGE, "--follow-up repaints the lesions it drew, and with --anatomy they are a study's: choose one");
    char *cohort = cohort_name(&s);
    s.output.cohort = cohort;
    claim_folder(&s);
    simulate_all(&s, scale);
    write_tables(&s);
    anatomy_close(&s.anatomy);
    free(cohort);
    log_last("%lld simulated patients", (long long)s.patients);
    return EX_OK;
}
