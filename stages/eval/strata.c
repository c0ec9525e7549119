/* SPDX-License-Identifier: Apache-2.0 */
/* strata -- does it do as well on small, faint, low-lying regions, and on every scanner?   facts, score -> [strata] -> report, page */
#include "stages/eval/strata.h"
#include "proto/organ.h"
#include "stages/eval/statistics/roc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = sizeof((struct stratum *)0)->name };

static double ml_of(const struct facts *f, size_t row, int32_t shard)
{
    (void)shard;
    return f->region[row].ml;
}

static double suv_of(const struct facts *f, size_t row, int32_t shard)
{
    (void)shard;
    return f->region[row].suv_max;
}

/* Bands [edge, next edge) of a number. */
static const struct band {
    const char *by;
    double (*value)(const struct facts *f, size_t row, int32_t shard);
    double edge[6];
    const char *name[5];
} bands[] = {
    {"volume", ml_of, {0, 1, 5, 20, INFINITY}, {"under 1 ml", "1 to 5 ml", "5 to 20 ml", "20 ml and more"}},
    {"SUVmax", suv_of, {-INFINITY, 4, 6, 10, INFINITY}, {"under 4", "4 to 6", "6 to 10", "10 and more"}},
    {"height",
     facts_height,
     {-INFINITY, 0.25, 0.5, 0.75, INFINITY},
     {"lowest quarter of the scan", "second quarter", "third quarter", "uppermost quarter"}},
};

static void banded(const struct band *b, const struct facts *f, const struct scores *s, size_t i, char name[NAME])
{
    double v = b->value(f, s->row[i], s->shard[i]);
    name[0] = '\0';
    for (size_t k = 0; k < COUNT_OF(b->name) && b->name[k] != NULL; k++)
        if (v >= b->edge[k] && v < b->edge[k + 1])
            format_into(name, NAME, "%s", b->name[k]);
}

static void organ_name(const struct facts *f, const struct scores *s, size_t i, char name[NAME])
{
    const struct region *r = &f->region[s->row[i]];
    format_into(name, NAME, "%s", r->organ_by == ORGAN_BY_NOTHING ? "" : organ_label_name(r->organ));
}

static void scanner_name(const struct facts *f, const struct scores *s, size_t i, char name[NAME])
{
    const struct scan_facts *scan = &f->scan[s->shard[i]];
    format_into(name, NAME, "%s%s%s", scan->vendor[0] ? scan->vendor : "vendor unknown", scan->model[0] ? ", " : "",
                scan->model);
}

static void site_name(const struct facts *f, const struct scores *s, size_t i, char name[NAME])
{
    const char *site = f->site[s->shard[i]];
    format_into(name, NAME, "%s", *site != '\0' ? site : "site unknown");
}

/* All regions of one name are a stratum; names come as the regions do. */
static void add_strata(struct strata *out, const char *by, const struct scores *s, char (*name)[NAME], double threshold)
{
    float *p = xalloc(s->n + 1, sizeof *p);
    int32_t *label = xalloc(s->n + 1, sizeof *label);
    bool *done = xalloc(s->n + 1, sizeof *done);
    for (size_t first = 0; first < s->n; first++) {
        if (done[first] || name[first][0] == '\0')
            continue;
        struct stratum one = {.by = by};
        format_into(one.name, sizeof one.name, "%s", name[first]);
        for (size_t i = first; i < s->n; i++)
            if (strcmp(name[i], name[first]) == 0) {
                done[i] = true;
                p[one.n] = s->probability[i];
                label[one.n++] = s->label[i];
                one.tumours += s->label[i] == 1;
            }
        double value[METRICS];
        one.confusion = confusion_at(p, label, one.n, threshold);
        confusion_metrics(&one.confusion, value);
        one.sensitivity = value[METRIC_SENSITIVITY];
        one.specificity = value[METRIC_SPECIFICITY];
        one.auc = auc_trapezoid(p, label, one.n);
        out->one = xresize(out->one, out->count + 1, sizeof *out->one);
        out->one[out->count++] = one;
    }
    free(done);
    free(label);
    free(p);
}

static int band_place(const struct band *b, const char *name)
{
    for (int k = 0; k < (int)COUNT_OF(b->name) && b->name[k] != NULL; k++)
        if (strcmp(b->name[k], name) == 0)
            return k;
    return -1;
}

/* Strata of a band, which came in the order of the regions, in the order of the band. */
static void order_band(struct stratum *one, size_t count, const struct band *b)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && band_place(b, one[j].name) < band_place(b, one[j - 1].name); j--) {
            struct stratum kept = one[j];
            one[j] = one[j - 1];
            one[j - 1] = kept;
        }
}

void strata_make(struct strata *s, const struct scores *scores, const struct facts *f, double threshold)
{
    *s = (struct strata){NULL, 0};
    char(*name)[NAME] = xalloc(scores->n + 1, sizeof *name);
    for (size_t b = 0; b < COUNT_OF(bands); b++) {
        for (size_t i = 0; i < scores->n; i++)
            banded(&bands[b], f, scores, i, name[i]);
        size_t before = s->count;
        add_strata(s, bands[b].by, scores, name, threshold);
        order_band(s->one + before, s->count - before, &bands[b]);
    }
    for (size_t i = 0; i < scores->n; i++)
        organ_name(f, scores, i, name[i]);
    add_strata(s, "organ", scores, name, threshold);
    for (size_t i = 0; i < scores->n; i++)
        scanner_name(f, scores, i, name[i]);
    add_strata(s, "scanner", scores, name, threshold);
    for (size_t i = 0; f->site != NULL && i < scores->n; i++)
        site_name(f, scores, i, name[i]);
    if (f->site != NULL)
        add_strata(s, "site", scores, name, threshold);
    free(name);
}

void strata_free(struct strata *s)
{
    free(s->one);
    *s = (struct strata){NULL, 0};
}
