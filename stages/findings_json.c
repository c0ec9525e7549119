/* SPDX-License-Identifier: Apache-2.0 */
/* findings_json -- regions.json: whose scan it is, what it was made by, its regions.   classify ═> [findings_json] -> findings */
#include "common/file.h"
#include "proto/organ.h"
#include "stages/findings.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void text_take(const json_t *from, const char *key, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(from, key));
    snprintf(to, size, "%s", text ? text : "");
}

/* NAN: not there, or not known. */
static double number_of(const json_t *from, const char *key)
{
    const json_t *value = json_object_get(from, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static int32_t organ_of(const char *word)
{
    for (int32_t i = 1; word && i < ORGAN_LABELS; i++)
        if (strcmp(word, organ_label_name(i)) == 0)
            return i;
    return ORGAN_LABEL_NONE;
}

static int finding_read(const json_t *from, struct finding *g, struct error *e)
{
    static const char *const axis[3] = {"x_ras_mm", "y_ras_mm", "z_ras_mm"};
    double const number = number_of(from, "region"), voxels = number_of(from, "voxels");
    if (!(number >= 1 && number <= UINT16_MAX) || !(voxels >= 0))
        return fail(e, "a region of it has no number, or not how many voxels it is made of");
    *g = (struct finding){.number = (int32_t)number,
                          .voxels = (int64_t)voxels,
                          .tumour = number_of(from, "tumour") > 0,
                          .organ = organ_of(json_string_value(json_object_get(from, "organ"))),
                          .probability = number_of(from, "probability"),
                          .suv_max = number_of(from, "suv_max"),
                          .suv_mean = number_of(from, "suv_mean"),
                          .suv_peak = number_of(from, "suv_peak"),
                          .sul_peak = number_of(from, "sul_peak"),
                          .ml = number_of(from, "ml"),
                          .tlg_g = number_of(from, "tlg_g")};
    for (int a = 0; a < 3; a++)
        g->centroid_mm[a] = number_of(from, axis[a]);
    if (isnan(g->tlg_g)) /* of a scan whose voxels were not at hand */
        g->tlg_g = g->ml * g->suv_mean;
    return 0;
}

static int by_number(const void *left, const void *right)
{
    const struct finding *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static int regions_read(const json_t *regions, struct findings *f, struct error *e)
{
    if (!json_is_array(regions))
        return fail(e, "it has no list \"regions\"");
    f->count = 0;
    f->finding = xalloc(json_array_size(regions) + 1, sizeof *f->finding);
    for (size_t i = 0; i < json_array_size(regions); i++)
        if (finding_read(json_array_get(regions, i), &f->finding[f->count++], e) < 0)
            return -1;
    qsort(f->finding, f->count, sizeof *f->finding, by_number);
    for (size_t i = 1; i < f->count; i++)
        if (f->finding[i].number == f->finding[i - 1].number)
            return fail(e, "region %d is in it twice", f->finding[i].number);
    return 0;
}

/* What every rule of the result's list says of the scan: "tmtv_ml_RULE". */
static void rules_read(const json_t *rules, const json_t *scan, struct findings *f)
{
    const char *name;
    json_t *how;
    json_object_foreach((json_t *)(uintptr_t)rules, name, how)
    {
        if (f->rule_count == FINDINGS_RULES)
            break;
        struct findings_rule *rule = &f->rule[f->rule_count++];
        char *tmtv = xprintf("tmtv_ml_%s", name), *tlg = xprintf("tlg_g_%s", name);
        snprintf(rule->name, sizeof rule->name, "%s", name);
        rule->tmtv_ml = number_of(scan, tmtv);
        rule->tlg_g = number_of(scan, tlg);
        free(tlg);
        free(tmtv);
    }
}

int findings_read_table(const char *dir, struct findings *f, struct error *e)
{
    char *path = path_join(dir, "regions.json"), threshold[40], simulated[8];
    json_error_t why;
    json_t *all = json_load_file(path, 0, &why);
    const json_t *origin = json_object_get(all, "origin"), *scan = json_object_get(all, "scan");
    int rc = !all      ? fail(e, "%s", why.text)
             : !origin ? fail(e, "it does not say what it was made from (\"origin\")")
                       : 0;
    text_take(origin, "patient", f->patient, sizeof f->patient);
    text_take(origin, "study", f->study, sizeof f->study);
    text_take(origin, "scan", f->scan, sizeof f->scan);
    text_take(origin, "program", f->program, sizeof f->program);
    text_take(origin, "model_sha256", f->model_sha256, sizeof f->model_sha256);
    text_take(origin, "model_cohort", f->cohort, sizeof f->cohort);
    text_take(origin, "sha256", f->source_sha256, sizeof f->source_sha256);
    text_take(origin, "settings", f->settings, sizeof f->settings);
    text_take(origin, "threshold", threshold, sizeof threshold);
    text_take(origin, "simulated", simulated, sizeof simulated);
    text_take(json_object_get(all, "given"), "format", f->given_format, sizeof f->given_format);
    text_take(json_object_get(all, "given"), "sha256", f->given_sha256, sizeof f->given_sha256);
    f->simulated = strcmp(simulated, "1") == 0;
    f->threshold = *threshold ? strtod(threshold, NULL) : (double)NAN;
    f->liver_mean = number_of(scan, "liver_mean");
    f->liver_sd = number_of(scan, "liver_sd");
    rules_read(json_object_get(all, "rules"), scan, f);
    const char *blank = strchr(f->program, ' ');
    snprintf(f->version, sizeof f->version, "%.63s", blank ? blank + 1 : f->program);
    if (rc == 0)
        rc = regions_read(json_object_get(all, "regions"), f, e);
    json_decref(all);
    if (rc < 0)
        fail_in(e, "cannot use '%s'", path);
    free(path);
    return rc;
}

int findings_read_tracking(const char *dir, struct findings *f, struct error *e)
{
    char *path = path_join(dir, "followup.json");
    json_error_t why;
    json_t *all = file_exists(path) ? json_load_file(path, 0, &why) : json_object(), *row;
    int rc = all ? 0 : fail(e, "cannot use '%s': %s", path, why.text);
    size_t i;
    json_array_foreach(json_object_get(all, "tracking"), i, row) for (size_t k = 0; k < f->count; k++)
    {
        struct finding *g = &f->finding[k];
        if (number_of(row, "region") != (double)g->number)
            continue;
        text_take(row, "tracking_uid", g->tracking_uid, sizeof g->tracking_uid);
        text_take(row, "tracking_id", g->tracking_id, sizeof g->tracking_id);
    }
    json_decref(all);
    free(path);
    return rc;
}
