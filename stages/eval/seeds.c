/* SPDX-License-Identifier: Apache-2.0 */
/* seeds -- several runs of one recipe: what a figure moves by when nothing but the seed does.   evaluation -> [seeds] -> compare */
#include "stages/eval/seeds.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool same_recipe(const struct model *a, const struct model *b)
{
    return strcmp(a->settings, b->settings) == 0 && strcmp(a->cache_digest, b->cache_digest) == 0 &&
           a->position == b->position && a->channels == b->channels;
}

/* A file given twice, or another run of the same seed, is no further run. */
static bool has_seed(const struct report *r, const size_t *group_of, size_t before, size_t own, uint64_t seed)
{
    for (size_t i = 0; i < before; i++)
        if (group_of[i] == own && r->model[i].model.seed == seed)
            return true;
    return false;
}

static void measure(struct seed_group *g, const struct report *r, const size_t *group_of, size_t own)
{
    for (int k = 0; k < METRICS; k++) {
        double sum = 0.0, squares = 0.0, n = (double)g->runs;
        for (size_t i = 0; i < r->models; i++)
            sum += group_of[i] == own ? r->model[i].figures.value[k] : 0.0;
        g->mean[k] = sum / n;
        for (size_t i = 0; i < r->models; i++) {
            double off = r->model[i].figures.value[k] - g->mean[k];
            squares += group_of[i] == own ? off * off : 0.0;
        }
        g->sd[k] = g->runs > 1 ? sqrt(squares / (n - 1.0)) : NAN;
    }
}

void seeds_make(struct seeds *s, const struct report *r)
{
    *s = (struct seeds){xalloc(r->models, sizeof *s->group), 0};
    size_t *group_of = xalloc(r->models, sizeof *group_of);
    for (size_t i = 0; i < r->models; i++) {
        size_t k = 0;
        while (k < s->count && (!same_recipe(&r->model[s->group[k].first].model, &r->model[i].model) ||
                                has_seed(r, group_of, i, k, r->model[i].model.seed)))
            k++;
        if (k == s->count)
            s->group[s->count++].first = i;
        group_of[i] = k;
        s->group[k].runs++;
    }
    for (size_t k = 0; k < s->count; k++)
        measure(&s->group[k], r, group_of, k);
    free(group_of);
}

void seeds_free(struct seeds *s)
{
    free(s->group);
    *s = (struct seeds){NULL, 0};
}

bool seeds_known(const struct seeds *s)
{
    for (size_t k = 0; k < s->count; k++)
        if (s->group[k].runs > 1)
            return true;
    return false;
}

double seeds_margin(const struct seed_group *a, const struct seed_group *b, int metric)
{
    return 2.0 * sqrt(a->sd[metric] * a->sd[metric] / (double)a->runs + b->sd[metric] * b->sd[metric] / (double)b->runs);
}
