/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_json -- metrics.json, for programs.   evaluation -> [metrics_json] */
#include "common/file.h"
#include "stages/eval/provenance.h"
#include "stages/eval/statistics/precision.h"
#include "stages/eval/statistics/roc.h"
#include "stages/eval/verdict.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* defined: in how many resamples the figure was; an interval is of those alone. */
static json_t *interval(double value, struct interval w, size_t defined)
{
    return json_pack("{s:o, s:o, s:o, s:I}", "value", number(value), "low", number(w.low), "high", number(w.high),
                     "resamples", (json_int_t)defined);
}

static json_t *counts(const struct confusion *c)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "tp", (json_int_t)c->tp, "fp", (json_int_t)c->fp, "tn", (json_int_t)c->tn,
                     "fn", (json_int_t)c->fn);
}

static json_t *operating(const struct operating *o)
{
    json_t *values = json_object();
    for (int k = 0; k < METRICS; k++)
        if (k != METRIC_AUC && k != METRIC_AP)
            json_object_set_new(values, metric_name[k], number(o->value[k]));
    return json_pack("{s:o, s:o, s:o}", "threshold", number(o->threshold), "confusion", counts(&o->confusion),
                     "metrics", values);
}

static json_t *calibration(const struct calibration *c)
{
    json_t *bins = json_array();
    for (size_t k = 0; k < BINS; k++)
        json_array_append_new(bins, json_pack("{s:I, s:o, s:o}", "regions", (json_int_t)c->bin[k].count, "predicted",
                                              number(c->bin[k].predicted), "observed", number(c->bin[k].observed)));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "brier", number(c->brier), "ece", number(c->ece),
                     "log_loss", number(c->log_loss), "slope", number(c->slope), "intercept", number(c->intercept),
                     "in_the_large", number(c->in_the_large), "bins", bins);
}

/* Everything of one list of probabilities. */
static json_t *figures(const struct figures *f)
{
    json_t *metrics = json_object(), *grid = json_array(), *matched = json_array(), *transferred = json_array(),
           *froc = json_array();
    for (int k = 0; k < METRICS; k++)
        json_object_set_new(metrics, metric_name[k],
                            interval(f->value[k], f->bootstrap.value[k], f->bootstrap.defined[k]));
    for (size_t k = 0; k < GRID_THRESHOLDS; k++)
        json_array_append_new(grid, operating(&f->grid[k]));
    for (size_t k = 0; k < MATCHED; k++)
        for (int of = 0; of < 2; of++)
            json_array_append_new(of == 0 ? matched : transferred,
                                  json_pack("{s:f, s:o}", "specificity", matched_specificity[k], "at",
                                            operating(of == 0 ? &f->matched[k] : &f->transferred[k])));
    for (size_t k = 0; k < FROC_RATES; k++)
        json_array_append_new(
            froc, json_pack("{s:f, s:o}", "false_positives_per_scan", froc_rate[k], "sensitivity", number(f->froc[k])));
    return json_pack("{s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "threshold", f->threshold, "metrics",
                     metrics, "confusion", counts(&f->confusion), "calibration", calibration(&f->calibration),
                     "temperature", number(f->temperature), "tempered",
                     isnan(f->temperature) ? json_null() : calibration(&f->tempered), "grid", grid,
                     "chosen_on_validation", operating(&f->chosen), "matched", matched, "matched_on_validation",
                     transferred, "froc", froc);
}

static json_t *end_to_end_json(const struct end_to_end *t)
{
    if (t->scans == 0)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:f, s:f, s:f, s:f, s:o}", "scans", (json_int_t)t->scans,
                     "lesions", (json_int_t)t->lesions, "missed_by_regions", (json_int_t)t->missed_by_regions,
                     "left_out", (json_int_t)t->left_out, "found", (json_int_t)t->found, "sensitivity",
                     number(end_to_end_sensitivity(t)), "truth_ml", t->truth_ml, "held_ml", t->held_ml, "found_ml",
                     t->found_ml, "called_ml", t->called_ml, "volume", number(end_to_end_volume(t)));
}

static json_t *model_json(const struct evaluation *v)
{
    json_t *roc = json_array(), *out = figures(&v->figures);
    struct roc_point *p;
    const struct scores *s = &v->splits.test;
    size_t count = roc_curve(s->probability, s->label, s->n, &p);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(roc,
                              json_pack("[f, f, o]", p[i].false_positive, p[i].true_positive, number(p[i].threshold)));
    free(p);
    char settings[65];
    settings_digest(&v->model, settings);
    json_t *facts =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:s, s:s, s:I, s:s}", "title", v->name, "sha256", v->digest,
                  "settings", v->model.settings, "settings_sha256", settings, "recipe", v->model.recipe_name,
                  "position", v->model.position, "roc", roc, "trained_on", v->model.cache_digest, "version",
                  v->model.version, "seed", (json_int_t)v->model.seed, "cohort", v->model.cohort);
    json_object_set_new(out, "patients_seen_before",
                        v->seen.known ? json_pack("{s:I, s:I, s:I}", "of", (json_int_t)v->seen.patients, "learned_from",
                                                  (json_int_t)v->seen.learned, "chosen_by", (json_int_t)v->seen.chosen)
                                      : json_null());
    json_object_set_new(out, "scans_under_two_names", json_integer((json_int_t)v->seen.twins));
    json_object_set_new(out, "auc_by_split",
                        json_pack("{s:o, s:o, s:o}", "train", number(v->auc_of[SPLIT_TRAIN]), "validation",
                                  number(v->auc_of[SPLIT_VALIDATION]), "test", number(v->auc_of[SPLIT_TEST])));
    json_object_set_new(
        out, "left_out_by_border",
        json_pack("{s:I, s:I}", "regions", (json_int_t)v->border, "tumours", (json_int_t)v->border_tumours));
    json_object_set_new(out, "end_to_end", end_to_end_json(&v->end_to_end));
    json_object_update(out, facts);
    json_decref(facts);
    return out;
}

static json_t *delong(const struct delong *d)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "auc_a", number(d->auc_a), "auc_b", number(d->auc_b), "se_a",
                     number(d->se_a), "se_b", number(d->se_b), "z", number(d->z), "p", number(d->p));
}

static json_t *comparison_json(const struct report *r, size_t i)
{
    const struct comparison *c = &r->against[i - 1];
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:{s:o, s:o, s:I}, s:{s:o, s:o, s:o, s:I}, s:{s:I, s:I, s:o, s:o}, s:{s:o, s:o}}", "a",
        r->model[0].name, "b", r->model[i].name, "delong_by_patient", delong(&c->clustered), "delong",
        delong(&c->plain), "permutation_by_patient", "difference", number(c->permutation.difference), "p",
        number(c->permutation.p), "patterns", (json_int_t)c->permutation.patterns, "wilcoxon", "statistic",
        number(c->wilcoxon.statistic), "p_normal", number(c->wilcoxon.p_normal), "p_exact", number(c->wilcoxon.p_exact),
        "pairs", (json_int_t)c->wilcoxon.used, "mcnemar", "only_a_right", (json_int_t)c->mcnemar.only_a, "only_b_right",
        (json_int_t)c->mcnemar.only_b, "p_exact", number(c->mcnemar.p_exact), "p_mid", number(c->mcnemar.p_mid), "holm",
        "delong_by_patient", number(c->p_auc), "wilcoxon", number(c->p_error));
}

static json_t *baselines_json(const struct report *r)
{
    const struct baselines *b = &r->baselines;
    json_t *list = json_array();
    for (size_t k = 0; k < b->count; k++) {
        json_t *one = figures(&b->one[k].figures);
        json_object_set_new(one, "name", json_string(b->one[k].name));
        json_object_set_new(one, "of_the_representation", json_boolean(k >= BASELINE_PROBE));
        json_object_set_new(one, "against", delong(&b->one[k].against));
        json_object_set_new(one, "p_holm", number(b->one[k].p_holm));
        json_object_set_new(one, "p_permutation_by_patient", number(b->one[k].permutation.p));
        json_array_append_new(list, one);
    }
    char *verdict = verdict_sentence(b, r->model[0].name);
    json_t *out =
        json_pack("{s:s, s:b, s:o}", "verdict", verdict, "beaten", verdict_of(b) == VERDICT_BETTER, "list", list);
    free(verdict);
    return out;
}

static json_t *strata_json(const struct strata *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->count; i++) {
        const struct stratum *one = &s->one[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "by", one->by, "name", one->name,
                                        "regions", (json_int_t)one->n, "tumours", (json_int_t)one->tumours, "confusion",
                                        counts(&one->confusion), "sensitivity", number(one->sensitivity), "specificity",
                                        number(one->specificity), "auc", number(one->auc)));
    }
    return list;
}

static json_t *agreement(const struct agreement *a)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "patients", (json_int_t)a->n, "bias", number(a->bias), "sd",
                     number(a->sd), "low", number(a->low), "high", number(a->high), "concordance",
                     number(a->concordance));
}

static json_t *patients_json(const struct patients *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->count; i++) {
        const struct patient_sums *one = &p->one[i];
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:I, s:o}", "patient", one->name,
                            "regions", (json_int_t)one->regions, "tumours", (json_int_t)one->tumours, "tp",
                            (json_int_t)one->tp, "fp", (json_int_t)one->fp, "fn", (json_int_t)one->fn, "tmtv_truth_ml",
                            one->truth_ml, "tmtv_said_ml", one->said_ml, "false_ml", one->false_ml, "missed_ml",
                            one->missed_ml, "lesions", (json_int_t)one->lesions, "lesions_ml", number(one->lesions_ml)));
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o, s:o, s:o}", "patients", (json_int_t)p->count,
                     "with_tumours", (json_int_t)p->with_tumours, "no_region_is_tumour", (json_int_t)p->uncovered,
                     "detected", (json_int_t)p->detected, "alarmed_without_tumour", (json_int_t)p->alarmed, "false_ml",
                     p->false_ml, "missed_ml", p->missed_ml, "tmtv_bland_altman_ml", agreement(&p->regions),
                     "tmtv_of_lesions_bland_altman_ml", agreement(&p->lesions), "list", list);
}

/* null: the cache does not say. */
static json_t *lesions_json(const struct report *r)
{
    const struct missed *m = &r->missed;
    if (!m->known)
        return json_null();
    json_t *list = json_array();
    for (size_t k = 0; k < m->count; k++) {
        const struct lesion *l = &m->one[k].lesion;
        json_array_append_new(list, json_pack("{s:s, s:i, s:f, s:f, s:f}", "patient",
                                              r->cache->shard[m->one[k].shard].patient, "lesion", (int)l->id, "ml",
                                              l->ml, "suv_max", l->suv_max, "in_excluded", l->in_excluded));
    }
    return json_pack("{s:I, s:I, s:f, s:o}", "lesions", (json_int_t)m->lesions, "in_no_tumour_region",
                     (json_int_t)m->count, "missed_ml", m->ml, "list", list);
}

int report_json(const struct report *r, const char *path, struct error *e)
{
    json_t *models = json_array(), *comparisons = json_array();
    const struct figures *f = &r->model[0].figures;
    for (size_t i = 0; i < r->models; i++)
        json_array_append_new(models, model_json(&r->model[i]));
    for (size_t i = 1; i < r->models; i++)
        json_array_append_new(comparisons, comparison_json(r, i));
    json_t *root = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "program",
                             program_version(), "cohort", r->cohort, "split", split_name[r->split], "regions",
                             (json_int_t)f->n, "tumours", (json_int_t)f->tumours, "scans", (json_int_t)f->truth.scans,
                             "bootstrap_resamples", (json_int_t)f->bootstrap.resamples, "cache", r->cache->digest,
                             "lesions", lesions_json(r), "baselines", baselines_json(r), "models", models, "comparisons",
                             comparisons, "strata", strata_json(&r->strata), "patients", patients_json(&r->patients));
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(root);
    if (text == NULL)
        return fail_as(e, EX_SOFTWARE, "cannot write '%s': a text in it is no UTF-8", path);
    int rc = publish_bytes(path, text, strlen(text), e);
    free(text);
    return rc;
}
