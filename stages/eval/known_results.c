/* SPDX-License-Identifier: Apache-2.0 */
/* known_results -- what a report found, in sentences.   evaluation -> [known] -> card, sheet */
#include "stages/eval/known.h"
#include "stages/eval/verdict.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct figures *figures_of(const struct known *k)
{
    return &k->r->model[0].figures;
}

static void put_metric(const struct figures *f, int m, FILE *to)
{
    char value[16], low[16], high[16];
    fprintf(to, "%s %s", metric_title[m], metric_format(m, f->value[m], value));
    if (!isnan(f->bootstrap.value[m].low))
        fprintf(to, " [%s, %s]", metric_format(m, f->bootstrap.value[m].low, low),
                metric_format(m, f->bootstrap.value[m].high, high));
}

void known_metrics(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    for (int m = 0; m < METRICS; m++)
        fprintf(to, "%s%s", m > 0 ? ", " : "", metric_title[m]);
    fprintf(to, "; Brier, expected calibration error, calibration slope and intercept; FROC; net benefit; a patient's "
                "TMTV; against "
                "baselines that know only SUV, volume and place. How each is worked out: docs/evaluation.md.");
}

void known_uncertainty(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    fprintf(to,
            "95 %% intervals by a bootstrap of %zu resamples of patients; models compared by DeLong's test clustered "
            "by patient and a "
            "permutation by patient, Holm over comparisons.",
            figures_of(k)->bootstrap.resamples);
}

void known_strata_text(const struct known *k, FILE *to)
{
    if (k->r == NULL || k->r->strata.count == 0)
        return;
    for (size_t i = 0; i < k->r->strata.count; i++) {
        const struct stratum *s = &k->r->strata.one[i];
        fprintf(to, "%s%s, %s: %zu regions", i > 0 ? "\n" : "", s->by, s->name, s->n);
        if (!isnan(s->auc))
            fprintf(to, ", AUC %.1f %%", 100.0 * s->auc);
        if (!isnan(s->sensitivity))
            fprintf(to, ", sensitivity %.1f %%", 100.0 * s->sensitivity);
        if (!isnan(s->specificity))
            fprintf(to, ", specificity %.1f %%", 100.0 * s->specificity);
    }
}

void known_explanation(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    fprintf(to, "report.html shows the representation as a t-SNE map with each region's nearest others, distances "
                "sorted by class, and false "
                "positives and misses on projections. No attribution to voxels is made.");
}

char *known_warning(const struct known *k)
{
    const struct evaluation *v = &k->r->model[0];
    char *seen = seen_sentence(&v->seen, v->name, split_name[k->r->split]);
    if (*seen == '\0')
        return seen;
    char *said = xprintf(" %s", seen);
    free(seen);
    return said;
}

void known_by_set(const struct known *k, FILE *to)
{
    static const char *const what[] = {"learned from", "chosen by", "held back"};
    if (k->r == NULL)
        return;
    fputs("AUC", to);
    for (int s = SPLIT_TRAIN; s <= SPLIT_TEST; s++) {
        char value[16];
        fprintf(to, "%s %s patients (%s) %s", s > SPLIT_TRAIN ? "," : "", split_name[s], what[s],
                isnan(k->r->model[0].auc_of[s]) ? "not asked"
                                                : metric_format(METRIC_AUC, k->r->model[0].auc_of[s], value));
    }
    char *warning = known_warning(k);
    fprintf(to, ".%s", warning);
    free(warning);
}

void known_internal(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    const struct figures *f = figures_of(k);
    char value[16];
    fprintf(to, "%s split: AUC %s.", split_name[k->r->split], metric_format(METRIC_AUC, f->value[METRIC_AUC], value));
    if (!isnan(f->chosen.threshold))
        fprintf(to, " Threshold by validation %.2f: F1 %s there.", f->chosen.threshold,
                metric_format(METRIC_F1, f->chosen.value[METRIC_F1], value));
    char *warning = known_warning(k);
    fputs(warning, to);
    free(warning);
}

void known_external(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    if (strcmp(k->r->cache->digest, k->model->cache_digest) == 0)
        fprintf(to, "none: tested on the cohort it learned from.");
    else
        fprintf(to, "tested on cache %.12s, which is not the one it learned from (%.12s).", k->r->cache->digest,
                k->model->cache_digest);
}

void known_flow(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    const struct cache *c = k->r->cache;
    const struct figures *f = figures_of(k);
    fprintf(to,
            "%zu scans read, %zu refused, %zu with %zu regions (%zu tumours); of these the %s split has %zu scans with "
            "truth, %zu "
            "regions, %zu tumours.",
            c->shard_count + c->refused_count, c->refused_count, c->shard_count, c->regions, c->tumours,
            split_name[k->r->split], f->truth.scans, f->n, f->tumours);
}

void known_people(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    const struct facts *f = &k->r->facts;
    for (int s = SPLIT_TRAIN; s <= SPLIT_TEST; s++) {
        size_t scans = 0, aged = 0, men = 0, women = 0;
        double sum = 0.0, low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < f->shards; i++) {
            const struct scan_facts *one = &f->scan[i];
            if (k->r->cache->shard[i].split != (enum split)s)
                continue;
            scans++;
            men += *one->sex == 'M';
            women += *one->sex == 'F';
            if (isfinite(one->age_y) && one->age_y > 0) {
                aged++;
                sum += one->age_y;
                low = fmin(low, one->age_y);
                high = fmax(high, one->age_y);
            }
        }
        fprintf(to, "%s%s: %zu scans, %zu of men, %zu of women, %zu not said", s > SPLIT_TRAIN ? "\n" : "",
                cache_split_name((enum split)s), scans, men, women, scans - men - women);
        if (aged > 0)
            fprintf(to, "; age %.0f (%.0f to %.0f, known of %zu)", sum / (double)aged, low, high, aged);
        else
            fprintf(to, "; no age is said");
    }
}

void known_performance(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    const struct report *r = k->r;
    for (int m = 0; m < METRICS; m++) {
        fputs(m > 0 ? "; " : "", to);
        put_metric(figures_of(k), m, to);
    }
    fprintf(to, " (%s split%s%s, threshold %.2f, intervals over patients).", split_name[r->split],
            *r->cohort != '\0' ? " of a " : "", r->cohort, figures_of(k)->threshold);
}

void known_calibration_text(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    const struct figures *f = figures_of(k);
    fprintf(to, "Brier %.4f, expected calibration error %.4f", f->calibration.brier, f->calibration.ece);
    if (!isnan(f->calibration.slope))
        fprintf(to, ", slope %.2f, intercept %.2f", f->calibration.slope, f->calibration.intercept);
    if (!isnan(f->temperature))
        fprintf(
            to, "; a temperature of %.2f, fitted on validation, makes the Brier score %.4f (it is not part of the model file)",
            f->temperature, f->tempered.brier);
    fputc('.', to);
}

void known_failures(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    const struct confusion *c = &figures_of(k)->confusion;
    const struct missed *m = &k->r->missed;
    fprintf(to, "of the regions of the %s split %zu tumours found, %zu missed; %zu others called tumour, %zu not.",
            split_name[k->r->split], c->tp, c->fn, c->fp, c->tn);
    if (m->known)
        fprintf(
            to, " %zu of %zu lesions of the truth (%.1f ml) lie in no tumour region and are missed before any model is asked.",
            m->count, m->lesions, m->ml);
    else
        fprintf(to, " How many lesions no region covers, the cache does not say.");
}

void known_baselines_text(const struct known *k, FILE *to)
{
    if (k->r == NULL)
        return;
    char *verdict = verdict_sentence(&k->r->baselines, k->r->model[0].name),
         *probes = verdict_of_probes(&k->r->baselines, k->r->model[0].name);
    fprintf(to, "%s%s%s", verdict, *probes != '\0' ? " " : "", probes);
    free(verdict);
    free(probes);
}

void known_limits(const struct known *k, FILE *to)
{
    const char *cohort = k->r != NULL ? k->r->cohort : k->model->cohort;
    if (*cohort != '\0')
        fprintf(to, "It was learned%s of a %s: no figure says anything of patients.",
                k->r != NULL ? " and tested on regions" : " from regions", cohort);
    if (k->r != NULL) {
        fprintf(to, "%s%zu patients were tested; ", *cohort != '\0' ? " " : "", k->r->baselines.patients);
        known_failures(k, to);
        fputc(' ', to);
        known_baselines_text(k, to);
    }
}
