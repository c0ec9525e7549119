/* SPDX-License-Identifier: Apache-2.0 */
/* report -- one self-contained page: what was trained, on what, how well it does, and pictures to check it by.   evaluation -> [report] */
#include "common/file.h"
#include "stages/eval/evaluation.h"
#include "stages/eval/html.h"
#include "stages/eval/pages.h"
#include "stages/eval/statistics/roc.h"
#include "stages/eval/verdict.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 4 };
static const char *const colours[SHOWN] = {"#c2410c", "#2c6fbb", "#3f8f5f", "#7a4fb0"};

static size_t shown(const struct report *r)
{
    return r->models < SHOWN ? r->models : SHOWN;
}

static void put_head(FILE *to, const struct report *r)
{
    const struct evaluation *v = &r->model[0];
    char *verdict = verdict_sentence(&r->baselines, v->name);
    fprintf(to, "<h1>");
    html_text(to, verdict);
    fprintf(to, "</h1>");
    free(verdict);
    if (r->cohort[0] != '\0')
        fprintf(
            to,
            "<p><span class=\"badge\">%s</span></p><p class=\"say\">Every figure on this page comes from a <b>%s</b>. "
            "It shows that the pipeline works, not how it would do on patients.</p>",
            r->cohort, r->cohort);
    fprintf(to,
            "<p>%s split: %zu regions of which %zu are tumours. Whole cohort: %zu scans, %zu regions, %zu tumours; %zu "
            "scans refused. "
            "Recipe <b>",
            split_name[r->split], v->splits.test.n, v->figures.confusion.tp + v->figures.confusion.fn,
            r->cache->shard_count, r->cache->regions, r->cache->tumours, r->cache->refused_count);
    html_text(to, v->model.recipe_name);
    fprintf(to, "</b>, seed %llu, petrel %s.</p>", (unsigned long long)v->model.seed, program_version());
    fprintf(to,
            "<p>Petrel is research software and no medical device: nothing here may guide the care of a patient.</p>");
}

static void put_metrics(FILE *to, const struct report *r)
{
    fprintf(to, "<section><h2>Metrics%s%s</h2><table><tr><th></th>", r->cohort[0] ? ", " : "", r->cohort);
    for (size_t i = 0; i < shown(r); i++)
        fprintf(to, "<th>%s</th>", r->model[i].name);
    fprintf(to, "</tr>");
    for (int k = 0; k < METRICS; k++) {
        fprintf(to, "<tr><td>%s</td>", metric_title[k]);
        for (size_t i = 0; i < shown(r); i++)
            if (isnan(r->model[i].figures.value[k]))
                fprintf(to, "<td>nothing was said to be tumour</td>");
            else
                fprintf(to, "<td>%.1f %% <small>[%.1f, %.1f]</small></td>", 100.0 * r->model[i].figures.value[k],
                        100.0 * r->model[i].figures.bootstrap.value[k].low,
                        100.0 * r->model[i].figures.bootstrap.value[k].high);
        fprintf(to, "</tr>");
    }
    fprintf(to, "</table><p>Threshold %.2f. In brackets: 95 %% intervals from %zu bootstrap resamples of patients.</p>",
            r->model[0].figures.threshold, r->model[0].figures.bootstrap.resamples);
    if (r->models > 1)
        fprintf(to,
                "<p>%s against %s: AUC %.4f and %.4f, DeLong z = %.2f, p = %.3g; Wilcoxon signed-rank on |probability "
                "- truth| of %zu regions, "
                "p = %.3g. Both tests take regions as independent, which regions of one patient are not.</p>",
                r->model[0].name, r->model[1].name, r->against[0].clustered.auc_a, r->against[0].clustered.auc_b,
                r->against[0].clustered.z, r->against[0].clustered.p, r->against[0].wilcoxon.used,
                r->against[0].wilcoxon.p_normal);
    fprintf(to, "</section>\n");
}

static void put_roc(FILE *to, const struct report *r)
{
    struct plot_line line[SHOWN];
    struct plot_band band[SHOWN];
    double *memory[SHOWN * 2] = {0};
    char name[SHOWN][96];
    double at[BANDS];
    for (size_t g = 0; g < BANDS; g++)
        at[g] = (double)g / (BANDS - 1);
    for (size_t i = 0; i < shown(r); i++) {
        const struct evaluation *v = &r->model[i];
        struct roc_point *p;
        size_t count = roc_curve(v->splits.test.probability, v->splits.test.label, v->splits.test.n, &p);
        double *xy = memory[2 * i] = xalloc(2 * count, sizeof *xy),
               *edge = memory[2 * i + 1] = xalloc(2 * BANDS, sizeof *edge);
        for (size_t k = 0; k < count; k++)
            xy[k] = p[k].false_positive, xy[count + k] = p[k].true_positive;
        for (size_t g = 0; g < BANDS; g++)
            edge[g] = v->figures.bootstrap.band[g].low, edge[BANDS + g] = v->figures.bootstrap.band[g].high;
        free(p);
        format_into(name[i], sizeof name[i], "%s, AUC %.3f", v->name, v->figures.value[METRIC_AUC]);
        line[i] = (struct plot_line){name[i], colours[i], false, xy, xy + count, count};
        band[i] = (struct plot_band){colours[i], at, edge, edge + BANDS, BANDS};
    }
    struct plot p = {.across = "1 - specificity",
                     .up = "sensitivity",
                     .x_low = 0,
                     .x_high = 1,
                     .y_low = 0,
                     .y_high = 1,
                     .square = true,
                     .diagonal = true,
                     .line = line,
                     .lines = shown(r),
                     .band = band,
                     .bands = shown(r)};
    fprintf(to, "<section><h2>ROC and confusion</h2><div class=\"two\"><div>");
    html_plot(to, &p);
    fprintf(to, "<p>Shaded: 95 %% band, bootstrap over patients.</p></div><div>");
    for (size_t i = 0; i < COUNT_OF(memory); i++)
        free(memory[i]);
    for (size_t i = 0; i < shown(r); i++) {
        const struct confusion *c = &r->model[i].figures.confusion;
        fprintf(to,
                "<p class=\"say\">%s, at %.2f</p><table class=\"confusion\"><tr><th></th><th>said tumour</th><th>said "
                "other</th></tr>"
                "<tr><th>is tumour</th><td class=\"good\">%zu</td><td class=\"bad\">%zu</td></tr>"
                "<tr><th>is other</th><td class=\"bad\">%zu</td><td class=\"good\">%zu</td></tr></table>",
                r->model[i].name, r->model[i].figures.threshold, c->tp, c->fn, c->fp, c->tn);
    }
    fprintf(to, "</div></div></section>\n");
}

static void put_curves(FILE *to, const struct report *r)
{
    if (r->losses_count == 0)
        return;
    fprintf(to, "<section><h2>Loss</h2><div class=\"two\">");
    for (size_t i = 0; i < r->losses_count; i++) {
        const struct losses *c = &r->losses[i];
        double *v = xalloc(3 * c->count + 1, sizeof *v);
        bool validated = false;
        for (size_t k = 0; k < c->count; k++) {
            v[k] = (double)c->point[k].epoch;
            v[c->count + k] = c->point[k].train;
            v[2 * c->count + k] = c->point[k].validation;
            validated |= isfinite(c->point[k].validation);
        }
        struct plot_line line[2] = {{"train", colours[0], false, v, v + c->count, c->count},
                                    {"validation", colours[1], true, v, v + 2 * c->count, c->count}};
        struct plot p = {.across = "epoch",
                         .up = "loss",
                         .x_low = NAN,
                         .x_high = NAN,
                         .y_low = NAN,
                         .y_high = NAN,
                         .line = line,
                         .lines = validated ? 2 : 1};
        fprintf(to, "<div><p class=\"say\">");
        html_text(to, c->title);
        fprintf(to, "</p>");
        html_plot(to, &p);
        fprintf(to, "</div>");
        free(v);
    }
    fprintf(to, "</div></section>\n");
}

static void put_settings(FILE *to, const struct report *r)
{
    fprintf(
        to,
        "<section><h2>How to get these bytes again</h2><table><tr><th>model</th><th>seed</th><th>steps</th><th>trained "
        "on cache</th><th>version</th></tr>");
    for (size_t i = 0; i < shown(r); i++) {
        const struct model *m = &r->model[i].model;
        fprintf(to, "<tr><td>%s</td><td>%llu</td><td>%lld</td><td>%.12s</td><td>%s</td></tr>", r->model[i].name,
                (unsigned long long)m->seed, (long long)m->step, m->cache_digest, m->version);
    }
    fprintf(to, "</table><p>This cache: %.12s</p>", r->cache->digest);
    for (size_t i = 0; i < shown(r); i++) {
        fprintf(to, "<details><summary>every setting, %s</summary><pre>", r->model[i].name);
        html_text(to, r->model[i].model.settings);
        fprintf(to, "</pre></details>");
    }
    fprintf(to, "</section>\n");
}

int report_html(const struct report *r, const char *path, struct error *e)
{
    struct publish out;
    if (publish_open(&out, path, e) < 0)
        return -1;
    html_begin(out.to, r->cohort[0] ? "Petrel report (simulated cohort)" : "Petrel report");
    put_head(out.to, r);
    put_metrics(out.to, r);
    if (page_projections(out.to, r, e) < 0) {
        publish_abandon(&out);
        return -1;
    }
    put_roc(out.to, r);
    page_embedding(out.to, r);
    put_curves(out.to, r);
    put_settings(out.to, r);
    html_end(out.to);
    return publish_commit(&out, e);
}
