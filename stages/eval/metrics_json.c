/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_json -- metrics.json, for programs.   evaluation -> [metrics_json] */
#include "common/file.h"
#include "stages/eval/evaluation.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *model_json(const struct evaluation *v)
{
    json_t *metrics = json_object(), *roc = json_array();
    for (int k = 0; k < METRICS; k++)
        json_object_set_new(metrics, metric_name[k],
                            json_pack("{s:o, s:o, s:o}", "value", number(v->value[k]), "low",
                                      number(v->bootstrap.value[k].low), "high", number(v->bootstrap.value[k].high)));
    struct roc_point *p;
    size_t count = roc_curve(v->scores.probability, v->scores.label, v->scores.n, &p);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(roc,
                              json_pack("[f, f, o]", p[i].false_positive, p[i].true_positive, number(p[i].threshold)));
    free(p);
    return json_pack("{s:s, s:s, s:b, s:f, s:o, s:{s:I, s:I, s:I, s:I}, s:o, s:s, s:s, s:I, s:s}", "title", v->title,
                     "recipe", v->model.recipe_name, "position", v->model.position, "threshold", v->threshold,
                     "metrics", metrics, "confusion", "tp", (json_int_t)v->confusion.tp, "fp",
                     (json_int_t)v->confusion.fp, "tn", (json_int_t)v->confusion.tn, "fn", (json_int_t)v->confusion.fn,
                     "roc", roc, "trained_on", v->model.cache_digest, "version", v->model.version, "seed",
                     (json_int_t)v->model.seed, "cohort", v->model.cohort);
}

int report_json(const struct report *r, const char *path, struct error *e)
{
    json_t *models = json_array();
    for (size_t i = 0; i < r->models; i++)
        json_array_append_new(models, model_json(&r->model[i]));
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:o}", "program", program_version(), "cohort", r->cohort,
                  "split", split_name[r->split], "regions", (json_int_t)r->model[0].scores.n, "tumours",
                  (json_int_t)(r->model[0].confusion.tp + r->model[0].confusion.fn), "bootstrap_resamples",
                  (json_int_t)r->model[0].bootstrap.resamples, "cache", r->cache->digest, "models", models);
    if (root != NULL && r->models > 1) {
        json_object_set_new(root, "delong", json_pack("{s:o, s:o}", "z", number(r->delong.z), "p", number(r->delong.p)));
        json_object_set_new(root, "wilcoxon",
                            json_pack("{s:o, s:o, s:I}", "statistic", number(r->wilcoxon.statistic), "p_normal",
                                      number(r->wilcoxon.p_normal), "pairs", (json_int_t)r->wilcoxon.used));
    }
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(root);
    if (text == NULL)
        return fail_as(e, EX_SOFTWARE, "cannot write '%s': a text in it is no UTF-8", path);
    int rc = publish_bytes(path, text, strlen(text), e);
    free(text);
    return rc;
}
