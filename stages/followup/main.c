/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-followup -- what became of a patient's lesions between two scans.   classify ═> [followup] ═> table, page, export */
#include "common/file.h"
#include "common/log.h"
#include "common/opts.h"
#include "stages/followup/report.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *out;
    bool same_patient;
    double change;
};

static int patients_check(const struct settings *s, struct follow_up *f, struct error *e)
{
    f->other_patients = strcmp(f->earlier->patient, f->later->patient) != 0;
    if (f->other_patients && !s->same_patient)
        return fail(
            e,
            "'%s' is of patient '%.20s' and '%s' of '%.20s', as far as their files say: give --same-patient if they "
            "are one "
            "(a scan that names no patient goes by its file's name, and names are hashed with each user's own salt)",
            f->earlier->dir, f->earlier->patient, f->later->dir, f->later->patient);
    if (f->other_patients)
        log_warn("'%s' and '%s' go by two patients' names: that they are one is taken on your word", f->earlier->dir,
                 f->later->dir);
    if (strcmp(f->earlier->source_sha256, f->later->source_sha256) == 0)
        return fail(e, "'%s' and '%s' are one scan: nothing can have changed", f->earlier->dir, f->later->dir);
    return 0;
}

static void tell(const struct follow_up *f, const char *dir)
{
    const struct response *r = f->response;
    printf("%s", dir);
    for (int i = 0; i < CHANGES; i++)
        if (i < CHANGE_UNFOUND || r->counted[i])
            printf("\t%zu %s", r->counted[i], change_name[i]);
    printf("\tTMTV %.1f to %.1f ml\t%s: %s\n", f->earlier->tmtv_ml, f->later->tmtv_ml,
           *r->category ? r->category : "not evaluable", r->why);
    if (*r->told)
        log_note("%s: %.*s", dir, (int)strlen(r->told) - 2, r->told);
}

static int follow(const struct settings *s, const char *earlier_dir, const char *later_dir, struct error *e)
{
    struct findings earlier = {0}, later = {0};
    struct body_map from = {0}, to = {0};
    struct alignment alignment = {0};
    struct heat heat;
    struct matches matches = {0};
    struct response response = {0};
    struct follow_up f = {&earlier, &later, &alignment, &matches, &response, s->change, false};
    const char *out = s->out ? s->out : later_dir;
    int rc = findings_read(earlier_dir, &earlier, e);
    if (rc == 0)
        rc = findings_read_tracking(earlier_dir, &earlier, e); /* what one before it called its lesions */
    if (rc == 0)
        rc = findings_read(later_dir, &later, e);
    if (rc == 0)
        rc = patients_check(s, &f, e);
    if (rc == 0)
        rc = body_map_read(earlier_dir, &from, e);
    if (rc == 0)
        rc = body_map_read(later_dir, &to, e);
    if (rc == 0 && align_find(&from, &to, &alignment, e) < 0)
        rc = fail_in(e, "cannot follow '%s' in '%s'", earlier_dir, later_dir);
    if (rc == 0 && alignment.correlation < ALIGN_DOUBT)
        log_warn("'%s' and '%s' are less alike than two scans of a patient are (correlation %.2f): look whether they "
                 "are one's",
                 earlier_dir, later_dir, alignment.correlation);
    if (rc == 0)
        rc = heat_open(&heat, &from, &to, &alignment.rigid, e);
    if (rc == 0)
        rc = matches_make(&earlier, &later, &heat, s->change, &matches, e);
    if (rc == 0) {
        response_judge(&earlier, &later, &matches, &response);
        rc = dir_make(out, e);
    }
    if (rc == 0)
        rc = report_write(&f, out, e);
    if (rc == 0)
        tell(&f, out);
    matches_free(&matches);
    body_map_free(&from);
    body_map_free(&to);
    findings_free(&earlier);
    findings_free(&later);
    return rc;
}

int main(int argc, char **argv)
{
    struct settings s = {.change = 0.3};
    struct option table[] = {
        {"same-patient", OPT_FLAG, &s.same_patient, NULL, 0, 0,
         "two scans that go by two patients' names are one patient's", 0, NULL},
        {"change", OPT_REAL, &s.change, "SHARE", 0, 10,
         "a lesion has grown or shrunk where its total lesion glycolysis changed by more than this share", 0, NULL},
        {"out", OPT_STRING, &s.out, "DIR", 0, 0, "where followup.csv and followup.json go; else into LATER", 0, NULL},
    };
    struct opts o = {.program = "petrel-followup",
                     .usage = "EARLIER LATER [--same-patient]",
                     .purpose = "says what became of a patient's lesions between two scans",
                     .epilogue = "EARLIER, LATER: folders petrel-classify wrote for the two scans. Which is the "
                                 "earlier is taken on your word: "
                                 "results hold no dates.\n",
                     .table = table,
                     .count = COUNT_OF(table),
                     .common = {.seed = 1}};
    struct error e = {0};
    if (opts_parse(&o, argc, argv, &e) < 0)
        die_of(&e);
    if (o.rest_count != 2)
        die(EX_USAGE, "two results are wanted, the earlier first: petrel-followup EARLIER LATER");
    if (follow(&s, o.rest[0], o.rest[1], &e) < 0)
        die_of(&e);
    log_last("1 follow-up");
    return EX_OK;
}
