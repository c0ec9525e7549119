/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-export -- what petrel-classify found, as objects that other software opens.   classify ═> [export] ═> SEG, SR, RTSTRUCT, BIDS */
#include "common/file.h"
#include "common/log.h"
#include "common/opts.h"
#include "stages/export/bids.h"
#include "stages/export/layout.h"
#include "stages/export/search.h"
#include <stdlib.h>
#include <string.h>

enum wanted { SEG = 1, PROBABILITY = 2, SR = 4, RTSTRUCT = 8 };
static const struct {
    const char *word;
    unsigned wants;
} words[] = {{"seg", SEG}, {"probability", PROBABILITY}, {"sr", SR | SEG}, {"rtstruct", RTSTRUCT}};

struct settings {
    const char *dicom, *bids, *which, *out;
    struct opt_strings from;
    unsigned wanted;
};

static int wanted_read(struct settings *s, struct error *e)
{
    for (const char *at = s->dicom; at != NULL && *at;) {
        size_t const length = strcspn(at, ",");
        size_t i = 0;
        while (i < COUNT_OF(words) && (strlen(words[i].word) != length || strncmp(words[i].word, at, length) != 0))
            i++;
        if (i == COUNT_OF(words))
            return fail_as(e, EX_USAGE, "--dicom: '%.*s' is none of seg, probability, sr, rtstruct", (int)length, at);
        s->wanted |= words[i].wants;
        at += length + (at[length] == ',');
    }
    if (s->wanted == 0 && s->bids == NULL)
        return fail_as(e, EX_USAGE, "nothing was asked for: say --dicom seg,sr,rtstruct,probability or --bids DIR");
    return 0;
}

/* ---- objects ---- */

static int object_write(const struct dicom_object *o, const char *path, enum wanted what, struct error *e)
{
    switch (what) {
    case SEG: return dicom_seg_write(path, o, OBJECT_SEGMENTS, e);
    case PROBABILITY: return dicom_seg_write(path, o, OBJECT_PROBABILITY, e);
    case SR: return dicom_sr_write(path, o, e);
    case RTSTRUCT: return dicom_rtstruct_write(path, o, e);
    }
    return 0;
}

static int objects_write(const struct dicom_object *o, const char *dir, unsigned wanted, struct error *e)
{
    static const struct {
        enum wanted what;
        const char *name;
    } files[] = {{SEG, "seg.dcm"}, {PROBABILITY, "probability.dcm"}, {RTSTRUCT, "rtstruct.dcm"}, {SR, "sr.dcm"}};
    size_t taken = 0;
    for (size_t i = 0; i < o->findings->count; i++)
        taken += dicom_takes(o, &o->findings->finding[i]);
    if (taken == 0)
        log_note("'%s' has no region%s: no SEG and no RTSTRUCT is written, for neither may be empty", o->findings->dir,
                 o->tumours_only ? " called tumour" : "");
    int rc = dir_make(dir, e);
    for (size_t i = 0; i < COUNT_OF(files) && rc == 0; i++) {
        char *path = path_join(dir, files[i].name);
        if (wanted & files[i].what && (taken > 0 || files[i].what == SR)) {
            rc = object_write(o, path, files[i].what, e);
            if (rc == 0)
                printf("%s\n", path);
        }
        free(path);
    }
    return rc;
}

/* Its series, read again and laid out: these very files are the result's. */
static int series_take(struct dicom_object *o, const struct searched *found, struct dicom_series **series,
                       size_t *count, struct error *e)
{
    if (*found->why.text) {
        *e = found->why;
        return -1;
    }
    if (dicom_series_find(found->file.name, found->file.count, series, count, e) < 0)
        return -1;
    if (*count != 1)
        return fail(e, "the files of '%s' changed while they were read", o->findings->dir);
    o->series = *series;
    return layout_make(o, e);
}

static int export_one(const struct settings *s, const char *dir, const struct searched *found, struct error *e)
{
    struct findings f;
    struct dicom_series *series = NULL;
    size_t count = 0;
    if (findings_read(dir, &f, e) < 0)
        return -1;
    int rc = findings_read_tracking(dir, &f, e);
    struct dicom_object o = {.findings = &f, .tumours_only = strcmp(s->which, "tumour") == 0};
    if (rc == 0 && s->bids)
        rc = bids_write(s->bids, &f, e);
    if (rc == 0 && s->wanted)
        rc = series_take(&o, found, &series, &count, e);
    if (rc == 0 && s->wanted) {
        if (o.series->repeated)
            log_warn("'%s': %zu files of its series share their SOPInstanceUID with another: who follows the objects' "
                     "references may "
                     "come to the wrong slice",
                     dir, o.series->repeated);
        char *to = s->out ? path_join(s->out, path_base(dir)) : xstrdup(dir);
        rc = objects_write(&o, to, s->wanted, e);
        free(to);
    }
    layout_free(&o);
    dicom_series_free(series, count);
    findings_free(&f);
    return rc;
}

/* ---- results ---- */

static bool is_result(const char *dir)
{
    char *table = path_join(dir, "regions.json");
    bool const is = file_exists(table);
    free(table);
    return is;
}

/* The folder itself, or those in it. */
static int results_add(struct names *all, const char *dir, struct error *e)
{
    struct names in = {0};
    if (is_result(dir)) {
        all->name = xresize(all->name, all->count + 1, sizeof *all->name);
        all->name[all->count++] = xstrdup(dir);
        return 0;
    }
    if (dir_list(dir, &in, e) < 0)
        return -1;
    size_t const before = all->count;
    for (size_t i = 0; i < in.count; i++) {
        char *one = path_join(dir, in.name[i]);
        if (is_result(one)) {
            all->name = xresize(all->name, all->count + 1, sizeof *all->name);
            all->name[all->count++] = one;
        } else {
            free(one);
        }
    }
    names_free(&in);
    return all->count > before
               ? 0
               : fail_as(e, EX_NOINPUT, "'%s' holds no result of petrel-classify (a folder with regions.json)", dir);
}

int main(int argc, char **argv)
{
    exit_plainly();
    struct settings s = {.which = "all"};
    struct option table[] = {
        {"dicom", OPT_STRING, &s.dicom, "seg,sr,rtstruct,probability", 0, 0,
         "objects that join the patient's study, with the patient's identity: a segment a region; measurements, with "
         "the segmentation they refer to; contours; the probability of tumour as a fractional segmentation",
         0, NULL},
        {"from", OPT_STRINGS, &s.from, "PATH", 0, 0, "where the scans' DICOM series lie: files or folders", 0, NULL},
        {"bids", OPT_STRING, &s.bids, "DIR", 0, 0, "a BIDS derivative to add to (made)", 0, NULL},
        {"which", OPT_CHOICE, &s.which, "all|tumour", 0, 0, "which regions go into DICOM objects", 0, NULL},
        {"out", OPT_STRING, &s.out, "DIR", 0, 0, "where DICOM objects go, a folder a scan; else into the results' own",
         0, NULL},
    };
    struct opts o = {.program = "petrel-export",
                     .usage = "RESULT... --dicom seg,sr --from DICOM [--bids DIR]",
                     .purpose =
                         "writes what petrel-classify found as DICOM SEG, SR and RTSTRUCT, or as a BIDS derivative",
                     .epilogue = "RESULT: a folder petrel-classify wrote for a scan, or one that holds several.\n"
                                 "DICOM objects carry the patient's name and id, as the source does, or no archive "
                                 "would file them. Only the series "
                                 "that was read, byte for byte, is taken.\n",
                     .table = table,
                     .count = COUNT_OF(table),
                     .common = {.seed = 1}};
    struct error e = {0};
    struct names result = {0};
    size_t refused = 0;
    if (opts_parse(&o, argc, argv, &e) < 0 || wanted_read(&s, &e) < 0)
        die_of(&e);
    if (o.rest_count == 0)
        die(EX_USAGE, "no result was named: petrel-export RESULT... --dicom seg --from DICOM");
    if (s.wanted && s.from.count == 0)
        die(EX_USAGE, "--from is missing: name where the scan's DICOM series lies");
    for (size_t i = 0; i < o.rest_count; i++)
        if (results_add(&result, o.rest[i], &e) < 0)
            die_of(&e);
    struct searched *found = xalloc(result.count + 1, sizeof *found);
    if (s.wanted && search_series((char *const *)(uintptr_t)s.from.value, s.from.count, &result, found, &e) < 0)
        die_of(&e);
    for (size_t i = 0; i < result.count; i++) {
        struct error one = {0};
        int const rc = export_one(&s, result.name[i], &found[i], &one);
        searched_free(&found[i]);
        if (rc == 0)
            continue;
        if (one.code != EX_DATAERR)
            die_of(&one);
        refused++;
        log_refused(result.name[i], one.text);
    }
    free(found);
    log_last("%zu results, %zu refused", result.count, refused);
    names_free(&result);
    return refused ? EX_DATAERR : EX_OK;
}
