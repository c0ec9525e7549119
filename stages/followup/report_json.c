/* SPDX-License-Identifier: Apache-2.0 */
/* report_json -- a follow-up as JSON: for the patient's page, petrel-export and the next follow-up.   match, response -> [report] */
#include "common/file.h"
#include "stages/followup/report.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double v)
{
    char text[40];
    if (!isfinite(v))
        return json_null();
    snprintf(text, sizeof text, "%.6g", v); /* as the table prints it */
    return json_real(strtod(text, NULL));
}

static json_t *scan_json(const struct findings *f)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "patient", f->patient, "study", f->study, "scan", f->scan,
                     "folder", path_base(f->dir), "sha256", f->source_sha256, "simulated", f->simulated);
}

static json_t *alignment_json(const struct alignment *a)
{
    json_t *turn = json_array();
    for (int i = 0; i < 3; i++)
        json_array_append_new(turn,
                              json_pack("[f, f, f]", a->rigid.turn[i][0], a->rigid.turn[i][1], a->rigid.turn[i][2]));
    return json_pack("{s:s, s:o, s:o, s:o, s:[o, o, o], s:[o, o, o]}", "what",
                     "later = middle + shift + turn (earlier - middle), mm RAS: rigid, of the scans in coarse cells",
                     "correlation", number(a->correlation), "shared", number(a->shared), "turn", turn, "shift_mm",
                     number(a->rigid.shift_mm[0]), number(a->rigid.shift_mm[1]), number(a->rigid.shift_mm[2]),
                     "middle_mm", number(a->rigid.middle_mm[0]), number(a->rigid.middle_mm[1]),
                     number(a->rigid.middle_mm[2]));
}

static json_t *burden_row(const char *rule, double tmtv[2], double tlg[2])
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "rule", rule, "earlier_tmtv_ml", number(tmtv[0]),
                     "later_tmtv_ml", number(tmtv[1]), "tmtv_change_percent", number(100 * (tmtv[1] / tmtv[0] - 1)),
                     "earlier_tlg_g", number(tlg[0]), "later_tlg_g", number(tlg[1]), "tlg_change_percent",
                     number(100 * (tlg[1] / tlg[0] - 1)));
}

/* By every rule both scans know; "own": by the regions as they are. */
static json_t *burden_json(const struct follow_up *f)
{
    json_t *all = json_array();
    for (size_t i = 0; i < f->earlier->rule_count; i++)
        for (size_t k = 0; k < f->later->rule_count; k++) {
            const struct findings_rule *a = &f->earlier->rule[i], *b = &f->later->rule[k];
            if (strcmp(a->name, b->name) == 0)
                json_array_append_new(
                    all, burden_row(a->name, (double[2]){a->tmtv_ml, b->tmtv_ml}, (double[2]){a->tlg_g, b->tlg_g}));
        }
    return all;
}

static json_t *response_json(const struct response *r)
{
    json_t *counted = json_object();
    for (int i = 0; i < CHANGES; i++)
        json_object_set_new(counted, change_name[i], json_integer((json_int_t)r->counted[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "rule",
                     "PERCIST 1.0 (Wahl et al. 2009), of regions called tumour by the model", "category", r->category,
                     "why", r->why, "told", r->told, "peak", r->by_sul ? "SULpeak" : "SUVpeak", "earlier_peak",
                     number(r->earlier_peak), "later_peak", number(r->later_peak), "lesions", counted);
}

static json_t *side_json(const struct side *s, const struct findings *f)
{
    json_t *all = json_array();
    for (size_t i = 0; i < s->count; i++)
        json_array_append_new(all, json_integer(f->finding[s->index[i]].number));
    return all;
}

static json_t *lesion_json(const struct follow_up *f, const struct lesion_pair *l)
{
    json_t *made =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "tracking_id", l->tracking_id, "tracking_uid", l->tracking_uid,
                  "change", change_name[l->change], "earlier_regions", side_json(&l->earlier, f->earlier),
                  "later_regions", side_json(&l->later, f->later), "linked_by",
                  isnan(l->dice)  ? ""
                  : l->by_overlap ? "overlap"
                                  : "nearness");
    for (size_t c = 0; c < follow_count; c++)
        if (follow_table[c].number)
            json_object_set_new(made, follow_table[c].name, number(follow_table[c].number(l)));
    return made;
}

static json_t *lesions_json(const struct follow_up *f)
{
    json_t *all = json_array();
    for (size_t i = 0; i < f->matches->count; i++)
        if (lesion_counts(&f->matches->pair[i]))
            json_array_append_new(all, lesion_json(f, &f->matches->pair[i]));
    return all;
}

/* Of every lesion that both scans have the largest later region goes by the lesion's name; what split off has a name of its own. */
static json_t *tracking_json(const struct follow_up *f)
{
    json_t *all = json_array();
    for (size_t i = 0; i < f->matches->count; i++) {
        const struct lesion_pair *l = &f->matches->pair[i];
        if (l->earlier.count && l->later.count)
            json_array_append_new(all,
                                  json_pack("{s:i, s:s, s:s}", "region", f->later->finding[l->later.index[0]].number,
                                            "tracking_uid", l->tracking_uid, "tracking_id", l->tracking_id));
    }
    return all;
}

static json_t *columns_json(void)
{
    json_t *all = json_object();
    for (size_t c = 0; c < follow_count; c++)
        json_object_set_new(all, follow_table[c].name,
                            json_pack("{s:s, s:s}", "unit", follow_table[c].unit, "meaning", follow_table[c].meaning));
    return all;
}

int report_json_write(const struct follow_up *f, const char *dir, struct error *e)
{
    json_t *whole =
        json_pack("{s:s, s:o, s:o, s:b, s:o, s:f, s:o, s:o, s:o, s:o, s:o}", "use",
                  "research use only, no medical device", "earlier", scan_json(f->earlier), "later",
                  scan_json(f->later), "patients_differ", f->other_patients, "alignment", alignment_json(f->alignment),
                  "change_least", f->change_least, "burden", burden_json(f), "response", response_json(f->response),
                  "lesions", lesions_json(f), "tracking", tracking_json(f), "columns", columns_json());
    char *text = whole ? json_dumps(whole, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(whole);
    if (!text)
        return fail_as(e, EX_SOFTWARE, "cannot write the follow-up in '%s' as JSON", dir);
    char *path = path_join(dir, "followup.json");
    int rc = publish_bytes(path, text, strlen(text), e);
    free(path);
    free(text);
    return rc;
}
