/* SPDX-License-Identifier: Apache-2.0 */
/* known -- what a run knows of its data and its training, in sentences.   evaluation -> [known] -> card, sheet */
#include "stages/eval/known.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *cohort_of(const struct known *k)
{
    return k->r != NULL ? k->r->cohort : k->model->cohort;
}

void known_technology(const struct known *k, FILE *to)
{
    const struct recipe *r = &k->model->recipe;
    fprintf(to,
            "deep learning: a 3-D %s encoder%s, its representation learned from pairs of regions (%s), and a two-layer "
            "classifier "
            "that says whether a high-uptake region of an FDG-PET scan is tumour.",
            r->backbone, k->model->position ? " with a Position Encoding Block" : "", r->method);
}

void known_goal(const struct known *k, FILE *to)
{
    char *warning = k->r != NULL ? known_warning(k) : xstrdup("");
    const char *tested = k->r == NULL ? ""
                         : *warning == '\0'
                             ? " and tested on patients held back from training and from the choice of its epoch"
                             : " and asked about regions of a cache";
    fprintf(to, "a model was developed%s.%s", tested, warning);
    free(warning);
}

/* Different values of a text of the scans, with how many have it. */
static void put_counts(const struct known *k, const char *(*text)(const struct scan_facts *), FILE *to)
{
    const struct facts *f = &k->r->facts;
    size_t shown = 0;
    for (size_t i = 0; i < f->shards; i++) {
        const char *own = text(&f->scan[i]);
        size_t alike = 0;
        bool before = false;
        for (size_t j = 0; j < f->shards; j++) {
            alike += strcmp(text(&f->scan[j]), own) == 0;
            before = before || (j < i && strcmp(text(&f->scan[j]), own) == 0);
        }
        if (!before)
            fprintf(to, "%s%s: %zu", shown++ > 0 ? ", " : "", *own != '\0' ? own : "not said", alike);
    }
}

static const char *vendor_of(const struct scan_facts *s)
{
    return s->vendor;
}
static const char *model_of(const struct scan_facts *s)
{
    return s->model;
}
static const char *tracer_of(const struct scan_facts *s)
{
    return s->tracer;
}
static const char *units_of(const struct scan_facts *s)
{
    return s->units;
}

static size_t patients_in(const struct cache *c, enum split which, bool all)
{
    size_t n = 0;
    for (size_t i = 0; i < c->shard_count; i++) {
        bool before = !all && c->shard[i].split != which;
        for (size_t j = 0; j < i && !before; j++)
            before = strcmp(c->shard[j].patient, c->shard[i].patient) == 0;
        n += !before;
    }
    return n;
}

void known_sources(const struct known *k, FILE *to)
{
    if (k->r == NULL) {
        fprintf(to, "%s%slearned from the cache of digest %.12s; where its scans are from, the file does not say.",
                cohort_of(k), *cohort_of(k) != '\0' ? "; " : "", k->model->cache_digest);
        return;
    }
    const struct cache *c = k->r->cache;
    fprintf(
        to,
        "%s%s%zu scans of %zu patients in a cache of digest %.12s, with the SHA-256 of every source file.\nVendors: ",
        cohort_of(k), *cohort_of(k) != '\0' ? "; " : "", c->shard_count, patients_in(c, SPLIT_NONE, true), c->digest);
    put_counts(k, vendor_of, to);
    fprintf(to, ".\nModels: ");
    put_counts(k, model_of, to);
    fputc('.', to);
}

void known_refused(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    const struct cache *c = k->r->cache;
    fprintf(to, "%zu scans were refused", c->refused_count);
    for (size_t i = 0; i < c->refused_count; i++)
        fprintf(to, "%s%s (%s)", i == 0 ? ": " : "; ", c->shard[c->shard_count + i].refusal->sentence,
                c->shard[c->shard_count + i].refusal->stage);
    fputc('.', to);
}

void known_preprocessing(const struct known *k, FILE *to)
{
    const struct option *end;
    struct recipe r = k->model->recipe;
    struct option row[RECIPE_ROWS];
    end = row + recipe_options(&r, RECIPE_SUV | RECIPE_BOXES, row, RECIPE_ROWS);
    fprintf(to, "activity to SUV, boxes of 16 x 16 x 16 voxels round each region's centroid; settings:");
    for (const struct option *o = row; o < end; o++)
        if (!(o->flags & OPT_HIDDEN)) {
            char *value = opts_value(o);
            fprintf(to, " %s = %s;", o->name, value);
            free(value);
        }
}

void known_regions(const struct known *k, FILE *to)
{
    const struct recipe *r = &k->model->recipe;
    fprintf(to,
            "high-uptake regions found by program (%s), at least %g ml, organs left out: %s, boxes over the edge: %s.",
            r->roi_method, r->region_min_ml, r->exclude,
            strcmp(r->border, "drop") == 0 ? "dropped" : "kept, padded with air");
    if (k->r != NULL)
        fprintf(to, " %zu regions in all, %zu tumours.", k->r->cache->regions, k->r->cache->tumours);
}

void known_names(const struct known *k, FILE *to)
{
    (void)k;
    fprintf(to, "a cache holds salted hashes in place of patients' ids, and no names, unless --keep-identifiers was "
                "given; nothing leaves the machine.");
}

void known_missing(const struct known *k, FILE *to)
{
    fprintf(to, "nothing is imputed: a scan without weight, dose, half-life or time is refused, naming the tag. Values "
                "users gave in "
                "place of scans' own:");
    size_t n = 0;
    for (size_t i = 0; k->r != NULL && i < k->r->facts.shards; i++)
        if (*k->r->facts.scan[i].overridden != '\0')
            fprintf(to, "%s %s: %s", n++ > 0 ? ";" : "", k->r->facts.scan[i].scan, k->r->facts.scan[i].overridden);
    fputs(k->r == NULL ? " the file alone does not say." : (n == 0 ? " none." : "."), to);
}

static void put_range(double low, double high, const char *format, FILE *to)
{
    char text[32];
    for (int i = 0; i < (low == high ? 1 : 2); i++) {
        snprintf(text, sizeof text, format, i == 0 ? low : high); /* formats of this file alone */
        fprintf(to, "%s%s", i == 0 ? "" : " to ", text);
    }
}

void known_acquisition(const struct known *k, FILE *to)
{
    if (k->r == NULL || k->r->facts.shards == 0)
        return;
    const struct facts *f = &k->r->facts;
    fprintf(to, "tracer: ");
    put_counts(k, tracer_of, to);
    fprintf(to, ". Units as stored: ");
    put_counts(k, units_of, to);
    fprintf(to, ". Voxels (z, y, x, mm): ");
    for (int a = 0; a < 3; a++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < f->shards; i++) {
            low = fmin(low, f->grid[i].spacing_mm[a]);
            high = fmax(high, f->grid[i].spacing_mm[a]);
        }
        fputs(a > 0 ? " x " : "", to);
        put_range(low, high, "%.3g", to);
    }
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < f->shards; i++)
        if (f->scan[i].delay_s > 0) {
            low = fmin(low, f->scan[i].delay_s / 60.0);
            high = fmax(high, f->scan[i].delay_s / 60.0);
        }
    if (high > 0) {
        fprintf(to, ". Decay corrected over (min): ");
        put_range(low, high, "%.0f", to);
    }
    fputc('.', to);
}

void known_reference(const struct known *k, FILE *to)
{
    fprintf(to,
            "a region is a tumour if at least %.0f %% of it lies in the scan's truth mask%s. Who drew the masks, and "
            "how, the run "
            "does not know.",
            100.0 * k->model->recipe.tumour_overlap,
            *cohort_of(k) != '\0' ? " (in a simulated scan: the lesions that were put there)" : "");
}

void known_partition(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    const struct cache *c = k->r->cache;
    fprintf(to, "by patient, as the cache's splits.tsv says (petrel-cache split draws them at random, with about the "
                "same share of tumours);");
    for (int s = SPLIT_TRAIN; s <= SPLIT_TEST; s++) {
        int64_t regions = 0, tumours = 0, scans = 0;
        for (size_t i = 0; i < c->shard_count; i++)
            if (c->shard[i].split == (enum split)s) {
                regions += c->shard[i].regions;
                tumours += c->shard[i].tumours;
                scans++;
            }
        fprintf(to, " %s: %zu patients, %lld scans, %lld regions, %lld tumours;", cache_split_name((enum split)s),
                patients_in(c, (enum split)s, false), (long long)scans, (long long)regions, (long long)tumours);
    }
    if (k->model->recipe.train_fraction < 1.0)
        fprintf(to, " of the training regions a share of %g was used", k->model->recipe.train_fraction);
}

void known_disjoint(const struct known *k, FILE *to)
{
    (void)k;
    fprintf(to, "patients: all scans of one lie in one set.");
}

void known_model_text(const struct known *k, FILE *to)
{
    const struct recipe *r = &k->model->recipe;
    fprintf(to,
            "input %d x 16 x 16 x 16%s; %s; representation of %lld numbers; classifier of two layers (%lld, 2), %s; "
            "%llu parameters in the file. petrel-train describe prints every operation.",
            k->model->channels, k->model->position ? " and nine numbers of position" : "", r->backbone,
            (long long)k->embedding, (long long)r->classifier_hidden, r->classifier_activation,
            (unsigned long long)k->parameters);
}

void known_software(const struct known *k, FILE *to)
{
    fprintf(to,
            "Petrel %s learned it; petrel-eval %s wrote this. Both are C programs of one source tree (Apache-2.0); the "
            "text behind "
            "'+' is the commit.",
            k->model->version, program_version());
}

void known_initial(const struct known *k, FILE *to)
{
    fprintf(to,
            "drawn anew from seed %llu by Philox, unless weights were given with --init: the run directory's records "
            "(pretrain.done, 'init = ') name their digest.",
            (unsigned long long)k->model->seed);
}

void known_training(const struct known *k, FILE *to)
{
    const struct recipe *r = &k->model->recipe;
    fprintf(to,
            "%s on pairs (%s; %g %% tumours, %g %% augmented views), %s, rate %g, batches of %lld pairs, at most %lld "
            "epochs of %lld "
            "pairs, warm-up %g; augmentation: %s, each with probability %g. Classifier: focal loss (alpha %g, gamma "
            "%g), %s, rate "
            "%g, at most %lld epochs%s. Every setting stands in the file's metadata.",
            r->method, r->semantic ? "two regions of a class" : "two views of a region", 100.0 * r->tumour_share,
            100.0 * r->augmented_rate, r->optimiser, r->lr, (long long)r->batch, (long long)r->epochs,
            (long long)r->pairs_per_epoch, (double)r->warmup, r->augment_pretrain, r->augment_probability,
            r->focal_alpha, r->focal_gamma, r->classifier_optimiser, r->classifier_lr, (long long)r->classifier_epochs,
            r->unfreeze ? ", the encoder learning with it" : ", the encoder frozen");
}

void known_selection(const struct known *k, FILE *to)
{
    fprintf(to,
            "the epoch of the lowest validation loss, in either phase (patience %lld and %lld epochs); this file: "
            "epoch %lld, "
            "step %lld.",
            (long long)k->model->recipe.patience, (long long)k->model->recipe.classifier_patience,
            (long long)k->model->epoch, (long long)k->model->step);
    char *warning = k->r != NULL ? known_warning(k) : xstrdup("");
    fputs(k->r != NULL && *warning == '\0' ? " The patients asked about here took no part." : warning, to);
    free(warning);
}

void known_ensemble(const struct known *k, FILE *to)
{
    (void)k;
    fprintf(to, "none: one network.");
}

void known_imbalance(const struct known *k, FILE *to)
{
    const struct recipe *r = &k->model->recipe;
    fprintf(to,
            "%g %% of the pairs are of tumours; the classifier's epochs draw %lld tumours and %lld others (0: each "
            "once), its focal "
            "loss has alpha %g. Probabilities are not corrected for it: see calibration.",
            100.0 * r->tumour_share, (long long)r->classifier_tumours, (long long)r->classifier_others, r->focal_alpha);
}

void known_output(const struct known *k, FILE *to)
{
    fprintf(to,
            "a probability of tumour for each region; from %g on it is called tumour (the recipe's threshold; none is "
            "chosen on the patients asked about but those said to "
            "be read off their own ROC).",
            k->model->recipe.threshold);
}

void known_predictors(const struct known *k, FILE *to)
{
    fprintf(
        to, "SUV of a region's box (%s)%s; the baselines take SUVmax, SUVmean, SUVpeak, volume and position. No clinical variable.",
        box_channel_names(k->model->channels),
        k->model->position ? ", and its centroid, size and three angles" : "; no position");
}

void known_scaling(const struct known *k, FILE *to)
{
    fprintf(to, "boxes: standardised by %s (mean 0, sd 1).", k->model->recipe.standardise);
}

void known_resampling(const struct known *k, FILE *to)
{
    char text[64] = "none: each scan's own voxels";
    const struct opt_reals *s = &k->model->recipe.spacing;
    if (s->count == 3)
        format_into(text, sizeof text, "to %g x %g x %g mm, trilinear", s->value[0], s->value[1], s->value[2]);
    fprintf(to, "%s.", text);
}

void known_input_trouble(const struct known *k, FILE *to)
{
    (void)k;
    fprintf(to, "a scan that cannot be read or converted is refused by name with the reason, and all others go on; a "
                "scan made with other "
                "settings than the model's is refused with both values.");
}

void known_users(const struct known *k, FILE *to)
{
    (void)k;
    fprintf(to, "none but naming the scans (petrel-classify --model FILE SCAN). Research software and no medical "
                "device: nothing of it may "
                "guide the care of a patient.");
}

void known_reproduction(const struct known *k, FILE *to)
{
    fprintf(
        to, "petrel-eval reproduce RUN --cache DIR trains anew and compares bytes (seed %llu; any number of threads or workers).",
        (unsigned long long)k->model->seed);
}

void known_availability(const struct known *k, FILE *to)
{
    fprintf(to,
            "this model file has SHA-256 %s; the program is Apache-2.0. Whether model and data are shared, and where, "
            "the run does not "
            "know.",
            k->digest);
}
