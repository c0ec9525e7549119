/* SPDX-License-Identifier: Apache-2.0 */
/* evaluation -- everything a report says of its models.   score, metrics -> [evaluation] -> report, metrics.json */
#include "stages/eval/evaluation.h"
#include "common/file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int evaluate(struct evaluation *v, const struct report *r, const struct backend_wish *w, struct error *e)
{
    if (model_open(&v->model, v->path, w, e) < 0)
        return -1;
    if (!v->model.has_classifier)
        return fail(e, "model '%s' has no classifier: train one with petrel-train classifier", v->path);
    format_into(v->title, sizeof v->title, "%s%s%s", v->model.position ? "with position" : "without position",
                v->model.recipe.semantic ? "" : ", no semantic pairs", v->model.channels > BOX_CT ? ", CT" : "");
    if (scores_make(&v->scores, r->cache, &v->model, r->split, e) < 0)
        return -1;
    const struct scores *s = &v->scores;
    size_t tumours = 0;
    for (size_t i = 0; i < s->n; i++)
        tumours += s->label[i] == 1;
    if (tumours == 0 || tumours == s->n)
        return fail(
            e, "the %s split of cache '%s' has %zu regions, %zu of them tumours: both classes are needed (petrel-cache split)",
            split_name[r->split], r->cache->dir, s->n, tumours);
    v->threshold = v->model.recipe.threshold;
    v->confusion = confusion_at(s->probability, s->label, s->n, v->threshold);
    metrics_at(s->probability, s->label, s->n, v->threshold, v->value);
    bootstrap_run(s->probability, s->label, s->patient, s->n, v->threshold, r->seed, &v->bootstrap);
    return 0;
}

static void compare_first_two(struct report *r)
{
    const struct scores *a = &r->model[0].scores, *b = &r->model[1].scores;
    double *difference = xalloc(a->n, sizeof *difference);
    for (size_t i = 0; i < a->n; i++)
        difference[i] = fabs((double)a->probability[i] - a->label[i]) - fabs((double)b->probability[i] - b->label[i]);
    r->delong = delong_test(a->probability, b->probability, a->label, a->n);
    r->wilcoxon = wilcoxon_test(difference, a->n);
    free(difference);
}

static const char *cohort_of(const struct report *r)
{
    static const char *const of_cache[] = {"", "simulated cohort", "partly simulated cohort"};
    for (size_t i = 0; i < r->models; i++)
        if (r->cache->simulated == 0 && r->model[i].model.simulated)
            return "model trained on a simulated cohort";
    return of_cache[r->cache->simulated];
}

int report_make(struct report *r, const struct cache *c, const struct opt_strings *models, enum split split,
                const struct backend_wish *w, uint64_t seed, struct error *e)
{
    memset(r, 0, sizeof *r);
    r->cache = c;
    r->split = split;
    r->seed = seed;
    if (models->count == 0 || models->count > MODELS_MOST)
        return fail_as(e, EX_USAGE, "%zu models were named: --model takes 1 to %d", models->count, MODELS_MOST);
    for (size_t i = 0; i < models->count; i++) {
        r->model[i].path = models->value[i];
        r->models = i + 1;
        if (evaluate(&r->model[i], r, w, e) < 0)
            return -1;
        if (r->model[i].scores.n != r->model[0].scores.n)
            return fail(e, "models '%s' and '%s' look at different regions (border = keep and drop): compare them apart",
                        models->value[0], models->value[i]);
    }
    if (r->models > 1)
        compare_first_two(r);
    format_into(r->cohort, sizeof r->cohort, "%s", cohort_of(r));
    return 0;
}

int report_curves(struct report *r, const char *run_dir, struct error *e)
{
    static const char *const file[] = {"losses.csv", "classifier-losses.csv"};
    for (size_t i = 0; i < COUNT_OF(file) && r->curves < CURVES_MOST; i++) {
        char *path = path_join(run_dir, file[i]),
             *title = xprintf("%s, %s", i == 0 ? "pretraining" : "classifier", run_dir);
        int rc = file_exists(path) ? losses_read(&r->curve[r->curves++], path, title, e) : 0;
        free(title);
        free(path);
        if (rc < 0)
            return -1;
    }
    return 0;
}

void report_free(struct report *r)
{
    for (size_t i = 0; i < r->models; i++) {
        scores_free(&r->model[i].scores);
        model_close(&r->model[i].model);
    }
    for (size_t i = 0; i < r->curves; i++)
        losses_free(&r->curve[i]);
}

static void print_rule(size_t columns, FILE *to)
{
    fprintf(to, "--------------------");
    for (size_t i = 0; i < columns; i++)
        fprintf(to, "---------------------------");
    fputc('\n', to);
}

void report_print(const struct report *r, FILE *to)
{
    const struct scores *s = &r->model[0].scores;
    size_t tumours = 0;
    for (size_t i = 0; i < s->n; i++)
        tumours += s->label[i] == 1;
    fprintf(to, "\n%s split, %zu regions, %zu tumours%s%s\n", split_name[r->split], s->n, tumours,
            r->cohort[0] ? ": " : "", r->cohort);
    print_rule(r->models, to);
    fprintf(to, "%-20s", "");
    for (size_t i = 0; i < r->models; i++)
        fprintf(to, "%-27s", r->model[i].title);
    fputc('\n', to);
    for (int k = 0; k < METRICS; k++) {
        fprintf(to, "%-20s", metric_title[k]);
        for (size_t i = 0; i < r->models; i++) {
            struct interval w = r->model[i].bootstrap.value[k];
            if (isnan(r->model[i].value[k])) /* nothing was said to be tumour */
                fprintf(to, "    -                      ");
            else
                fprintf(to, "%5.1f %%  [%5.1f, %5.1f]     ", 100.0 * r->model[i].value[k], 100.0 * w.low,
                        100.0 * w.high);
        }
        fputc('\n', to);
    }
    print_rule(r->models, to);
    if (r->models > 1)
        fprintf(to, "AUC, first against second: DeLong z = %.2f, p = %.3g\n", r->delong.z, r->delong.p);
    fprintf(to, "intervals: 95 %%, bootstrap over patients\n");
}
