/* SPDX-License-Identifier: Apache-2.0 */
/* evaluation -- everything a report says of its models.   score, figures, baselines -> [evaluation] -> report, page, metrics.json */
#include "stages/eval/evaluation.h"
#include "common/file.h"
#include "stages/eval/representation.h"
#include "stages/eval/statistics/roc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Scans of the split that have truth, whether or not anything was found in them; and the lesions no region holds. A scan in which nothing was
 * found and that says nothing of lesions had perhaps no truth: it would only thin out the false positives a scan. */
static int learn_truth(struct report *r, struct error *e)
{
    const struct cache *c = r->cache;
    bool *which = r->looked_at = xalloc(c->shard_count + 1, sizeof *which);
    for (size_t i = 0; i < c->shard_count; i++) {
        const struct shard_entry *s = &c->shard[i];
        bool labelled = false;
        if (s->split == r->split && s->regions == 0) {
            struct lesions l;
            if (cache_read_lesions(c, i, &l, e) < 0)
                return -1;
            labelled = l.known != 0;
            lesions_free(&l);
        }
        for (int64_t k = 0; k < s->regions && !labelled; k++)
            labelled = r->rows[s->first_row + (size_t)k].label >= 0;
        which[i] = s->split == r->split && labelled;
        r->truth.scans += which[i];
    }
    int rc = missed_make(&r->missed, c, which, e);
    r->truth.missed = r->missed.count;
    return rc;
}

static double auc_of(const struct scores *s)
{
    return s->n > 0 ? auc_trapezoid(s->probability, s->label, s->n) : NAN;
}

/* What the split's scans have beside the regions the model is asked about. */
static void count_border(struct evaluation *v, const struct report *r)
{
    for (size_t i = 0; i < r->cache->regions; i++)
        if (r->rows[i].split == r->split && r->rows[i].label >= 0) {
            v->border++;
            v->border_tumours += r->rows[i].label == 1;
        }
    v->border -= v->splits.test.n;
    for (size_t i = 0; i < v->splits.test.n; i++)
        v->border_tumours -= v->splits.test.label[i] == 1;
}

static int evaluate(struct evaluation *v, const struct report *r, const struct report_wish *w, struct error *e)
{
    if (model_open(&v->model, v->path, &w->backend, e) < 0 || file_sha256(v->path, v->digest, e) < 0)
        return -1;
    if (!v->model.has_classifier)
        return fail(e, "model '%s' has no classifier: train one with petrel-train classifier", v->path);
    seen_make(&v->seen, r->cache, r->looked_at, &v->model);
    struct scores *s = &v->splits.test;
    if (scores_make(s, r->cache, &v->model, r->split, e) < 0)
        return -1;
    size_t tumours = 0;
    for (size_t i = 0; i < s->n; i++)
        tumours += s->label[i] == 1;
    if (tumours == 0 || tumours == s->n)
        return fail(
            e, "the %s split of cache '%s' has %zu regions, %zu of them tumours: both classes are needed (petrel-cache split)",
            split_name[r->split], r->cache->dir, s->n, tumours);
    if (r->split != SPLIT_VALIDATION && scores_make(&v->splits.validation, r->cache, &v->model, SPLIT_VALIDATION, e) < 0)
        return -1;
    const struct scores *validation = &v->splits.validation;
    count_border(v, r);
    figures_make(&v->figures, s, s->probability, validation, validation->n > 0 ? validation->probability : NULL,
                 (struct truth){r->truth.scans, r->truth.missed + v->border_tumours}, v->model.recipe.threshold,
                 r->seed);
    for (int k = 0; k < 3; k++)
        v->auc_of[k] = NAN;
    v->auc_of[SPLIT_VALIDATION] = auc_of(validation);
    v->auc_of[r->split] = v->figures.value[METRIC_AUC];
    return 0;
}

/* The first model's representation, before any training and after it, and what simpler means make of the same regions. */
static int compare_with_baselines(struct report *r, struct error *e)
{
    struct evaluation *v = &r->model[0];
    struct splits fresh = {.train = {0}};
    if (scores_make(&v->splits.train, r->cache, &v->model, SPLIT_TRAIN, e) < 0)
        return -1;
    v->auc_of[SPLIT_TRAIN] = auc_of(&v->splits.train);
    model_forget(&v->model, v->model.seed);
    int rc = scores_make(&fresh.train, r->cache, &v->model, SPLIT_TRAIN, e);
    if (rc == 0 && r->split != SPLIT_VALIDATION)
        rc = scores_make(&fresh.validation, r->cache, &v->model, SPLIT_VALIDATION, e);
    if (rc == 0)
        rc = scores_make(&fresh.test, r->cache, &v->model, r->split, e);
    if (rc == 0)
        baselines_make(&r->baselines, r->rows, &r->facts, &v->model.recipe, &v->splits, &fresh, v->figures.truth,
                       r->seed);
    scores_free(&fresh.train);
    scores_free(&fresh.validation);
    scores_free(&fresh.test);
    return rc;
}

/* Of the truth's lesions, those that the regions the model calls tumour hold. */
static void count_lesions(const struct report *r, struct evaluation *v)
{
    const struct scores *s = &v->splits.test;
    for (size_t i = 0, at = 0; i < r->cache->shard_count; i++) {
        const struct shard_entry *shard = &r->cache->shard[i];
        bool *called = xalloc((size_t)shard->regions + 1, sizeof *called);
        for (; at < s->n && s->shard[at] == (int32_t)i; at++)
            called[s->row_in_shard[at]] = (double)s->probability[at] >= v->figures.threshold;
        if (r->looked_at[i])
            end_to_end_add(&v->end_to_end, &r->facts.lesions[i], r->facts.region + shard->first_row,
                           (size_t)shard->regions, called);
        free(called);
    }
}

static const char *cohort_of(const struct report *r)
{
    static const char *const of_cache[] = {"", "simulated cohort", "partly simulated cohort"};
    for (size_t i = 0; i < r->models; i++)
        if (r->cache->simulated == 0 && r->model[i].model.simulated)
            return "model trained on a simulated cohort";
    return of_cache[r->cache->simulated];
}

static const struct evaluation *of_name(const struct report *r, const char *name, size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (strcmp(r->model[i].name, name) == 0)
            return &r->model[i];
    return NULL;
}

static const char *position_words(const struct model *m)
{
    if (m->recipe.position != m->position && !m->recipe.unfreeze)
        return m->position ? "position in the classifier alone" : "position in pretraining alone";
    return m->position ? "with position" : "without position";
}

/* The user's name; or what the model does, and where that was said before, its seed, and if need be a number. */
static int name_model(struct report *r, size_t i, const struct opt_strings *names, struct error *e)
{
    struct evaluation *v = &r->model[i];
    if (names->count > 0) {
        if (strlen(names->value[i]) == 0 || strlen(names->value[i]) >= sizeof v->name)
            return fail_as(e, EX_USAGE, "--name '%s' has %zu letters: give 1 to %zu", names->value[i],
                           strlen(names->value[i]), sizeof v->name - 1);
        if (of_name(r, names->value[i], i) != NULL)
            return fail_as(e, EX_USAGE, "two models are called '%s': give each --name once", names->value[i]);
        format_into(v->name, sizeof v->name, "%s", names->value[i]);
        return 0;
    }
    char plain[64], name[MODEL_NAME];
    format_into(plain, sizeof plain, "%s%s%s", position_words(&v->model),
                v->model.recipe.semantic ? "" : ", no semantic pairs", v->model.channels > BOX_CT ? ", CT" : "");
    format_into(name, sizeof name, "%s", plain);
    const struct evaluation *same = of_name(r, name, i);
    if (same != NULL && same->model.seed != v->model.seed)
        format_into(name, sizeof name, "%s, seed %llu", plain, (unsigned long long)v->model.seed);
    for (int k = 2; of_name(r, name, i) != NULL; k++)
        format_into(name, sizeof name, "%s (%d)", plain, k);
    format_into(v->name, sizeof v->name, "%s", name);
    return 0;
}

int report_make(struct report *r, const struct cache *c, const struct report_wish *w, struct error *e)
{
    memset(r, 0, sizeof *r);
    r->cache = c;
    r->split = w->split;
    r->seed = w->seed;
    if (w->names->count != 0 && w->names->count != w->models->count)
        return fail_as(e, EX_USAGE,
                       "%zu models and %zu names: give --name once for each --model, in the same order, or not at all",
                       w->models->count, w->names->count);
    if (cache_rows(c, &r->rows, e) < 0 || learn_truth(r, e) < 0)
        return -1;
    r->model = xalloc(w->models->count, sizeof *r->model);
    for (size_t i = 0; i < w->models->count; i++) {
        struct evaluation *v = &r->model[i];
        v->path = w->models->value[i];
        r->models = i + 1;
        if (evaluate(v, r, w, e) < 0 || name_model(r, i, w->names, e) < 0)
            return -1;
        if (v->splits.test.n != r->model[0].splits.test.n ||
            memcmp(v->splits.test.row, r->model[0].splits.test.row, v->splits.test.n * sizeof *v->splits.test.row) != 0)
            return fail(e, "models '%s' and '%s' look at different regions (border = keep and drop): compare them apart",
                        r->model[0].path, v->path);
        if (i == 0 &&
            (facts_read(&r->facts, c, e) < 0 || (w->sites != NULL && facts_sites(&r->facts, c, w->sites, e) < 0)))
            return -1;
        if (i == 0 && w->baselines && w->split == SPLIT_TRAIN)
            format_into(r->baselines.none, sizeof r->baselines.none,
                        "they would be asked on the regions they learned from");
        else if (i == 0 && w->baselines && compare_with_baselines(r, e) < 0)
            return -1;
        model_unload(&v->model);
    }
    struct evaluation *first = &r->model[0];
    size_t twins = seen_twins(c, &r->facts, r->looked_at);
    for (size_t i = 0; i < r->models; i++)
        r->model[i].seen.twins = twins;
    r->against = xalloc(r->models, sizeof *r->against);
    for (size_t i = 0; i < r->models; i++)
        count_lesions(r, &r->model[i]);
    for (size_t i = 1; i < r->models; i++)
        comparison_make(&r->against[i - 1], &first->splits.test, first->figures.threshold, &r->model[i].splits.test,
                        r->model[i].figures.threshold, r->seed);
    comparisons_adjust(r->against, r->models - 1);
    strata_make(&r->strata, &first->splits.test, &r->facts, first->figures.threshold);
    patients_make(&r->patients, c, &first->splits.test, &r->facts, r->looked_at, first->figures.threshold);
    format_into(r->cohort, sizeof r->cohort, "%s", cohort_of(r));
    return 0;
}

/* The trivial optimum of a run: by the model that lies beside its directory; where none does, the one all models agree on. */
static double floor_of(const struct report *r, const char *run_dir)
{
    size_t beside = (size_t)(path_base(run_dir) - run_dir);
    double common = loss_trivial_optimum(&r->model[0].model.recipe);
    for (size_t i = 0; i < r->models; i++) {
        const char *path = r->model[i].path;
        double own = loss_trivial_optimum(&r->model[i].model.recipe);
        if ((size_t)(path_base(path) - path) == beside && strncmp(path, run_dir, beside) == 0)
            return own;
        common = own == common ? common : NAN;
    }
    return common;
}

int report_losses(struct report *r, const char *run_dir, struct error *e)
{
    static const char *const file[] = {"losses.csv", "classifier-losses.csv"};
    for (size_t i = 0; i < COUNT_OF(file) && r->losses_count < LOSSES_MOST; i++) {
        char *path = path_join(run_dir, file[i]),
             *title = xprintf("%s, %s", i == 0 ? "pretraining" : "classifier", run_dir);
        bool there = file_exists(path);
        int rc = there ? losses_read(&r->losses[r->losses_count++], path, title, e) : 0;
        if (there && rc == 0) {
            char *cost = path_join(run_dir, i == 0 ? "pretrain-cost.tsv" : "classifier-cost.tsv");
            losses_cost(&r->losses[r->losses_count - 1], cost);
            free(cost);
        }
        if (there && rc == 0 && i == 0)
            r->losses[r->losses_count - 1].floor = floor_of(r, run_dir);
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
        scores_free(&r->model[i].splits.train);
        scores_free(&r->model[i].splits.validation);
        scores_free(&r->model[i].splits.test);
        model_close(&r->model[i].model);
    }
    for (size_t i = 0; i < r->losses_count; i++)
        losses_free(&r->losses[i]);
    baselines_free(&r->baselines);
    strata_free(&r->strata);
    patients_free(&r->patients);
    missed_free(&r->missed);
    free(r->looked_at);
    facts_free(&r->facts);
    free(r->against);
    free(r->model);
    free(r->rows);
}
