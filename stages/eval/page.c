/* SPDX-License-Identifier: Apache-2.0 */
/* page -- report.html: one self-contained file.   evaluation, page_data -> [page] ═▶ report.html
 *
 * page/page.html is the page, page/page.css its looks and page/page.js all that moves; the Makefile turns the three into arrays. Where page.html says
 * {{name}}, a function of that name here writes what has to be there without scripts too: the answer, tables, settings. */
#include "stages/page.h"
#include "common/file.h"
#include "proto/organ.h"
#include "stages/eval/evaluation.h"
#include "stages/eval/page_data.h"
#include "stages/eval/provenance.h"
#include "stages/eval/representation.h"
#include "stages/eval/verdict.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char page_html[], page_css[], page_js[];

enum { PATIENTS_FEW = 20 }; /* a percentile bootstrap of fewer is narrower than it says, noticeably */
struct page {
    FILE *to;
    const struct report *r;
    const char *data;
};

static void put_cell(FILE *to, const char *text)
{
    fputs("<td>", to);
    page_text(to, text);
    fputs("</td>", to);
}

static void title(const void *of)
{
    const struct page *p = of;
    fputs(p->r->cohort[0] ? "Petrel report (simulated cohort)" : "Petrel report", p->to);
}

static void of_cohort(const void *of)
{
    const struct page *p = of;
    fprintf(p->to, "%s%s", p->r->cohort[0] ? ", " : "", p->r->cohort);
}

static void head(const void *of)
{
    const struct page *p = of;
    const struct report *r = p->r;
    const struct evaluation *v = &r->model[0];
    const struct patients *n = &r->patients;
    for (size_t i = 0; i < r->models; i++) {
        char *seen = seen_sentence(&r->model[i].seen, r->model[i].name, split_name[r->split]);
        if (*seen) {
            fprintf(p->to, "<p class=\"seen\"><b>");
            page_text(p->to, seen);
            fprintf(p->to, "</b></p>");
        }
        free(seen);
    }
    char *verdict = verdict_sentence(&r->baselines, v->name), *probes = verdict_of_probes(&r->baselines, v->name);
    enum verdict says = verdict_of(&r->baselines);
    fprintf(p->to, "<h1 class=\"%s\">", says == VERDICT_BETTER ? "yes" : (says == VERDICT_UNKNOWN ? "" : "no"));
    page_text(p->to, verdict);
    fprintf(p->to, "</h1><p class=\"say\">");
    page_text(p->to, probes);
    fprintf(p->to, "</p>");
    free(verdict);
    free(probes);
    if (r->cohort[0] != '\0')
        fprintf(
            p->to,
            "<p><span class=\"badge\">%s</span></p><p class=\"say\">Every figure on this page comes from a <b>%s</b>. "
            "It shows that the pipeline works, not how it would do on patients.</p>",
            r->cohort, r->cohort);
    char auc[16], low[16], high[16];
    fprintf(p->to, "<p class=\"say\">AUC %s", metric_format(METRIC_AUC, v->figures.value[METRIC_AUC], auc));
    if (!isnan(v->figures.bootstrap.value[METRIC_AUC].low))
        fprintf(p->to, " [%s, %s]", metric_format(METRIC_AUC, v->figures.bootstrap.value[METRIC_AUC].low, low),
                metric_format(METRIC_AUC, v->figures.bootstrap.value[METRIC_AUC].high, high));
    fputs("; ", p->to);
    fprintf(p->to,
            "at threshold %.2f it finds %zu of %zu tumour regions with %zu false alarms in %zu scans, and at least one "
            "tumour in %zu of "
            "%zu patients who have any%s.</p>",
            v->figures.threshold, v->figures.confusion.tp, v->figures.tumours, v->figures.confusion.fp,
            v->figures.truth.scans, n->detected, n->with_tumours,
            n->uncovered > 0 ? " (of some of them no region is a tumour: no model can)" : "");
    if (v->border > 0)
        fprintf(
            p->to,
            "<p class=\"say\">The recipe leaves out %zu regions at the border (border = %s), %zu of them tumours: no "
            "model is asked about them, and FROC counts them as missed.</p>",
            v->border, v->model.recipe.border, v->border_tumours);
    if (r->missed.known && r->missed.count > 0)
        fprintf(p->to,
                "<p class=\"say\">Beside them, %zu of %zu lesions of the truth lie in no region called tumour and are "
                "missed before "
                "any model is asked.</p>",
                r->missed.count, r->missed.lesions);
    fprintf(p->to,
            "<p>%s split: %zu regions of which %zu are tumours. Whole cohort: %zu scans, %zu regions, %zu tumours; %zu "
            "scans refused. Recipe <b>",
            split_name[r->split], v->figures.n, v->figures.tumours, r->cache->shard_count, r->cache->regions,
            r->cache->tumours, r->cache->refused_count);
    page_text(p->to, v->model.recipe_name);
    fprintf(p->to, "</b>, seed %llu, petrel %s.</p>", (unsigned long long)v->model.seed, program_version());
    for (size_t i = 0; i < r->facts.shards; i++)
        if (*r->facts.scan[i].overridden) {
            fprintf(p->to,
                    "<p class=\"say\">Given by a user in place of what scan %s of %s says: ", r->facts.scan[i].scan,
                    r->facts.scan[i].patient);
            page_text(p->to, r->facts.scan[i].overridden);
            fprintf(p->to, "</p>");
        }
    fprintf(p->to,
            "<p>Petrel is research software and no medical device: nothing here may guide the care of a patient.</p>");
}

static void lesions(const void *of)
{
    const struct page *p = of;
    enum { LISTED = 40 };
    const struct missed *m = &p->r->missed;
    fprintf(p->to, "<section><h2>Lesions no model is asked about");
    of_cohort(p);
    fprintf(p->to, "</h2><div class=\"scroll\">");
    if (!m->known)
        fprintf(p->to, "<p class=\"say\">How many lesions no region covers is not known: the cache was made before "
                       "lesions were kept. Make it "
                       "anew to see.</p>");
    else
        fprintf(p->to,
                "<p class=\"say\">Of %zu lesions of the truth, %zu (%.1f ml) lie in no region called tumour: they are "
                "missed before any "
                "model is asked. FROC counts them; sensitivity of regions does not.</p>",
                m->lesions, m->count, m->ml);
    if (m->count > 0)
        fprintf(p->to,
                "<table><tr><th>patient</th><th>lesion</th><th>ml</th><th>SUVmax</th><th>organ</th><th>why</th></tr>");
    for (size_t k = 0; k < m->count && k < LISTED; k++) {
        const struct lesion *l = &m->one[k].lesion;
        fprintf(p->to, "<tr>");
        put_cell(p->to, p->r->cache->shard[m->one[k].shard].patient);
        fprintf(p->to, "<td>%d</td><td>%.2f</td><td>%.1f</td><td>%s</td><td>%s</td></tr>", l->id, l->ml, l->suv_max,
                l->organ != ORGAN_LABEL_NONE ? organ_label_name(l->organ) : "",
                l->in_excluded > 0.0
                    ? "left out with an organ"
                    : (l->in_regions > 0.0 ? "in a region that is mostly no tumour" : "no region there"));
    }
    if (m->count > 0)
        fprintf(p->to, "</table>");
    if (m->count > LISTED)
        fprintf(p->to, "<p>and %zu more (metrics.json)</p>", m->count - LISTED);
    fprintf(p->to, "</div></section>\n");
}

static void metric_cell(FILE *to, int k, double value, struct interval w)
{
    char text[16];
    double times = k == METRIC_MCC ? 1.0 : 100.0;
    if (isnan(value))
        fprintf(to, "<td>-</td>");
    else if (isnan(w.low))
        fprintf(to, "<td>%s</td>", metric_format(k, value, text));
    else
        fprintf(to, "<td>%s <small>[%.*f, %.*f]</small></td>", metric_format(k, value, text), k == METRIC_MCC ? 2 : 1,
                times * w.low, k == METRIC_MCC ? 2 : 1, times * w.high);
}

static void plain_cell(FILE *to, double v, const char *format)
{
    char text[32] = "-";
    if (!isnan(v))
        snprintf(text, sizeof text, format, v); /* formats of this file alone */
    put_cell(to, text);
}

/* How much better it is with those it knows: the same model's AUC on the patients it learned from and was chosen by. */
static void auc_rows(const struct page *p)
{
    static const char *const of[] = {"learned from", "was chosen by"};
    for (int k = SPLIT_TRAIN; k <= SPLIT_VALIDATION; k++) {
        if ((enum split)k == p->r->split)
            continue;
        fprintf(p->to, "</tr><tr><td>AUC on the patients it %s (%s)</td>", of[k], split_name[k]);
        for (size_t i = 0; i < p->r->models; i++)
            metric_cell(p->to, METRIC_AUC, p->r->model[i].auc_of[k], (struct interval){NAN, NAN});
    }
}

static void metrics(const void *of)
{
    const struct page *p = of;
    const struct report *r = p->r;
    fprintf(p->to, "<table><tr><th></th>");
    for (size_t i = 0; i < r->models; i++) {
        fprintf(p->to, "<th>");
        page_text(p->to, r->model[i].name);
        fprintf(p->to, "</th>");
    }
    fprintf(p->to, "</tr>");
    for (int k = 0; k < METRICS; k++) {
        fprintf(p->to, "<tr><td>%s</td>", metric_title[k]);
        for (size_t i = 0; i < r->models; i++)
            metric_cell(p->to, k, r->model[i].figures.value[k], r->model[i].figures.bootstrap.value[k]);
        fprintf(p->to, "</tr>");
    }
    fprintf(p->to, "<tr><td>F1, threshold chosen on validation</td>");
    for (size_t i = 0; i < r->models; i++) {
        const struct operating *o = &r->model[i].figures.chosen;
        char text[16];
        fprintf(p->to, "<td>%s", metric_format(METRIC_F1, o->value[METRIC_F1], text));
        if (!isnan(o->threshold))
            fprintf(p->to, " <small>at %.2f</small>", o->threshold);
        fprintf(p->to, "</td>");
    }
    for (size_t m = 0; m < MATCHED; m++) {
        fprintf(p->to, "</tr><tr><td>Sensitivity at specificity %.2f, on this split's own ROC</td>",
                matched_specificity[m]);
        for (size_t i = 0; i < r->models; i++)
            metric_cell(p->to, METRIC_SENSITIVITY, r->model[i].figures.matched[m].value[METRIC_SENSITIVITY],
                        (struct interval){NAN, NAN});
    }
    fprintf(p->to, "</tr><tr><td>Sensitivity at the threshold that has specificity %.2f on validation</td>",
            matched_specificity[MATCHED - 1]);
    for (size_t i = 0; i < r->models; i++) {
        const double *at = r->model[i].figures.transferred[MATCHED - 1].value;
        char sensitivity[16], specificity[16];
        fprintf(p->to, "<td>%s <small>specificity %s</small></td>",
                metric_format(METRIC_SENSITIVITY, at[METRIC_SENSITIVITY], sensitivity),
                metric_format(METRIC_SPECIFICITY, at[METRIC_SPECIFICITY], specificity));
    }
    auc_rows(p);
    fprintf(p->to, "</tr><tr><td>Lesions of the truth found, end to end</td>");
    for (size_t i = 0; i < r->models; i++) {
        const struct end_to_end *t = &r->model[i].end_to_end;
        if (t->scans == 0)
            fprintf(p->to, "<td>not known</td>");
        else
            fprintf(p->to, "<td>%.1f %% <small>%zu of %zu</small></td>", 100.0 * end_to_end_sensitivity(t), t->found,
                    t->lesions);
    }
    const struct bootstrap *b = &r->model[0].figures.bootstrap;
    fprintf(p->to, "</tr></table><p>Threshold %.2f. ", r->model[0].figures.threshold);
    if (b->patients < PATIENTS_LEAST)
        fprintf(p->to, "No intervals: of %zu patients there are too few different resamples.</p>", b->patients);
    else
        fprintf(
            p->to,
            "In brackets: 95 %% intervals from %zu bootstrap resamples of %zu patients%s. Precision and MCC: of those "
            "resamples in which something is said to be tumour (metrics.json counts them).</p>",
            b->resamples, b->patients, b->patients < PATIENTS_FEW ? "; with so few patients they are too narrow" : "");
}

static void baselines(const void *of)
{
    const struct page *p = of;
    const struct baselines *b = &p->r->baselines;
    if (b->count == 0) {
        fprintf(p->to, "<p class=\"say\">None: %s.</p>", b->none);
        return;
    }
    fprintf(p->to, "<table><tr><th>learned on the same patients</th><th>AUC</th><th>average "
                   "precision</th><th>F1 at 0.50</th><th>F1 at validation's threshold</th><th>MCC</th><th>"
                   "Brier</th><th>p: DeLong</th><th>p: permutation</th></tr>");
    for (size_t k = 0; k <= b->count; k++) { /* last the model itself */
        const struct figures *f = k < b->count ? &b->one[k].figures : &p->r->model[0].figures;
        fprintf(p->to, "<tr%s>", k == b->best ? " class=\"best\"" : "");
        put_cell(p->to, k < b->count ? b->one[k].name : p->r->model[0].name);
        metric_cell(p->to, METRIC_AUC, f->value[METRIC_AUC], f->bootstrap.value[METRIC_AUC]);
        metric_cell(p->to, METRIC_AP, f->value[METRIC_AP], f->bootstrap.value[METRIC_AP]);
        metric_cell(p->to, METRIC_F1, f->value[METRIC_F1], (struct interval){NAN, NAN});
        metric_cell(p->to, METRIC_F1, f->chosen.value[METRIC_F1], (struct interval){NAN, NAN});
        metric_cell(p->to, METRIC_MCC, f->value[METRIC_MCC], (struct interval){NAN, NAN});
        plain_cell(p->to, f->calibration.brier, "%.3f");
        plain_cell(p->to, k < b->count ? b->one[k].p_holm : NAN, "%.2g");
        plain_cell(p->to, k < b->count ? b->one[k].permutation.p : NAN, "%.2g");
        fprintf(p->to, "</tr>");
    }
    fprintf(
        p->to,
        "</table><p>SUV: SUVmax, SUVmean, SUVpeak; volume: ml; position: the recipe's nine numbers. Trees: "
        "gradient boosting, 100 of depth 3, rate "
        "0.1. The last two baselines read the trained representation and judge the classifier on top of it. At 0.50 a "
        "model whose loss raises what is rare looks better than a baseline whose loss does not: compare at thresholds "
        "chosen on validation. p: of an AUC against that of ");
    page_text(p->to, p->r->model[0].name);
    fprintf(
        p->to,
        ", by DeLong's test clustered by patient (Holm over the %d baselines) and by a permutation of patients, for "
        "with few patients the first is too bold. Bold: the best of those that know nothing the training made.</p>",
        BASELINES);
}

static void representation(const void *of)
{
    const struct page *p = of;
    fprintf(
        p->to,
        "<div class=\"scroll\"><table><tr><th>representation</th><th>dimensions</th><th>effective rank</th><th>std a "
        "dimension: least, median, most</th><th>mean distance: tumours, others, between</th></tr>");
    for (size_t i = 0; i < p->r->models; i++) {
        struct representation r;
        representation_measure(&r, &p->r->model[i].splits.test);
        fprintf(p->to, "<tr>");
        put_cell(p->to, p->r->model[i].name);
        fprintf(p->to, "<td>%zu</td>", r.width);
        plain_cell(p->to, r.rank, "%.1f");
        fprintf(p->to, "<td>%.3g, %.3g, %.3g</td><td>", r.std_least, r.std_median, r.std_most);
        const double apart[3] = {r.of_tumours, r.of_others, r.between};
        for (size_t k = 0; k < 3; k++)
            if (isnan(apart[k]))
                fprintf(p->to, "%s-", k > 0 ? ", " : "");
            else
                fprintf(p->to, "%s%.3g", k > 0 ? ", " : "", apart[k]);
        fprintf(p->to, "</td></tr>");
    }
    fprintf(p->to, "</table></div>");
}

static void strata(const void *of)
{
    const struct page *p = of;
    const struct strata *s = &p->r->strata;
    fprintf(p->to, "<table><tr><th></th><th>regions</th><th>tumours</th><th>sensitivity</th><th>specificity</"
                   "th><th>AUC</th></tr>");
    for (size_t i = 0; i < s->count; i++) {
        const struct stratum *one = &s->one[i];
        char name[200];
        format_into(name, sizeof name, "%s: %s", one->by, one->name);
        fprintf(p->to, "<tr>");
        put_cell(p->to, name);
        fprintf(p->to, "<td>%zu</td><td>%zu</td>", one->n, one->tumours);
        plain_cell(p->to, 100.0 * one->sensitivity, "%.1f %%");
        plain_cell(p->to, 100.0 * one->specificity, "%.1f %%");
        plain_cell(p->to, 100.0 * one->auc, "%.1f %%");
        fprintf(p->to, "</tr>");
    }
    fprintf(p->to, "</table><p>");
    page_text(p->to, p->r->model[0].name);
    fprintf(p->to, ", threshold %.2f.</p>", p->r->model[0].figures.threshold);
}

static void loss(const void *of)
{
    const struct page *p = of;
    if (p->r->losses_count == 0)
        return;
    fprintf(p->to, "<section><h2>Loss</h2><div class=\"charts\">");
    for (size_t i = 0; i < p->r->losses_count; i++)
        fprintf(p->to, "<div id=\"loss%zu\"></div>", i);
    fprintf(p->to, "</div></section>\n");
}

static void comparisons(const void *of)
{
    const struct page *p = of;
    const struct report *r = p->r;
    if (r->models < 2)
        return;
    fprintf(p->to, "<section><h2>Against the other models</h2><div class=\"scroll\"><table><tr><th>");
    page_text(p->to, r->model[0].name);
    fprintf(p->to, " against</th><th>AUC</th><th>DeLong by patient</th><th>Holm</th><th>DeLong by "
                   "region</th><th>permutation by patient</th>"
                   "<th>Wilcoxon</th><th>McNemar, mid-p</th></tr>");
    for (size_t i = 1; i < r->models; i++) {
        const struct comparison *c = &r->against[i - 1];
        fprintf(p->to, "<tr>");
        put_cell(p->to, r->model[i].name);
        fprintf(p->to, "<td>%.4f, %.4f</td>", c->clustered.auc_a, c->clustered.auc_b);
        const double shown[] = {c->clustered.p,       c->p_auc,        c->plain.p, c->permutation.p,
                                c->wilcoxon.p_normal, c->mcnemar.p_mid};
        for (size_t k = 0; k < COUNT_OF(shown); k++)
            plain_cell(p->to, shown[k], "p = %.3g");
        fprintf(p->to, "</tr>");
    }
    fprintf(p->to, "</table></div><p>DeLong by patient and the permutation know that regions of one patient are not "
                   "independent; the others do "
                   "not. Wilcoxon: signed ranks of |probability - truth|.</p></section>\n");
}

static void put_energy(FILE *to, const char *of, double joules, const char *how)
{
    if (isnan(joules))
        fprintf(to, "; energy of the %s not known", of);
    else
        fprintf(to, "; %s %.1f kJ%s", of, joules / 1000.0, how);
}

static void settings(const void *of)
{
    const struct page *p = of;
    const struct report *r = p->r;
    fprintf(p->to, "<table><tr><th>model</th><th>seed</th><th>steps</th><th>trained on "
                   "cache</th><th>version</th><th>file, SHA-256</th><th>settings, SHA-256</th></tr>");
    for (size_t i = 0; i < r->models; i++) {
        const struct model *m = &r->model[i].model;
        fprintf(p->to, "<tr>");
        put_cell(p->to, r->model[i].name);
        char digest[65];
        settings_digest(m, digest);
        fprintf(p->to, "<td>%llu</td><td>%lld</td><td>%.12s</td><td>%s</td><td>%.12s</td><td>%.12s</td></tr>",
                (unsigned long long)m->seed, (long long)m->step, m->cache_digest, m->version, r->model[i].digest,
                digest);
    }
    fprintf(p->to, "</table><p>This cache: %.12s. Report: petrel %s, seed %llu.</p>", r->cache->digest,
            program_version(), (unsigned long long)r->seed);
    for (size_t i = 0; i < r->losses_count; i++) {
        const struct losses *l = &r->losses[i];
        fprintf(p->to, "<p>");
        page_text(p->to, l->title);
        fputs(": ", p->to);
        if (isnan(l->seconds))
            fputs("time not known", p->to);
        else
            fprintf(p->to, "%.2f h (%.0f s) of training", l->seconds / 3600.0, l->seconds);
        put_energy(p->to, "processors", l->processors_j, " (RAPL, whole packages, whoever else worked on them)");
        put_energy(p->to, "GPU", l->gpu_j, " (nvidia-smi's power, over time)");
        fprintf(p->to, "</p>");
    }
    for (size_t i = 0; i < r->models; i++) {
        fprintf(p->to, "<details><summary>every setting, ");
        page_text(p->to, r->model[i].name);
        fprintf(p->to, "</summary><pre>");
        page_text(p->to, r->model[i].model.settings);
        fprintf(p->to, "</pre></details>");
    }
}

static void looks(const void *of)
{
    const struct page *p = of;
    fputs((const char *)page_css, p->to);
}

static void script(const void *of)
{
    const struct page *p = of;
    fputs((const char *)page_js, p->to);
}

static void data(const void *of)
{
    const struct page *p = of;
    fputs(p->data, p->to);
}

static const struct page_slot slots[] = {{"title", title},
                                         {"css", looks},
                                         {"head", head},
                                         {"of_cohort", of_cohort},
                                         {"metrics", metrics},
                                         {"baselines", baselines},
                                         {"loss", loss},
                                         {"representation", representation},
                                         {"comparisons", comparisons},
                                         {"strata", strata},
                                         {"settings", settings},
                                         {"data", data},
                                         {"js", script},
                                         {"lesions", lesions}};

int report_html(const struct report *r, const char *path, struct error *e)
{
    char *facts = page_data(r, e);
    struct page p = {NULL, r, facts};
    struct publish out;
    if (facts == NULL || publish_open(&out, path, e) < 0) {
        free(facts);
        return -1;
    }
    p.to = out.to;
    page_fill((const char *)page_html, slots, COUNT_OF(slots), &p, out.to);
    free(facts);
    return publish_commit(&out, e);
}
