/* SPDX-License-Identifier: Apache-2.0 */
/* sampler -- which regions a batch holds, and which of its views are augmented.   task -> [pairs] -> train */
#include "stages/pairs/sampler.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OTHER, TUMOUR, ORDER, AUGMENTED = 0x800000, PAIR_ORDER = 0xffffff };

static uint64_t draw_index(int32_t phase, int64_t epoch, uint64_t item)
{
    return (uint64_t)phase << 60 | (uint64_t)epoch << 24 | item;
}

static void pool_add(struct pool *p, size_t row)
{
    p->row[p->count++] = (uint32_t)row;
}

static void pools_fill(struct sampler *s, const struct cache_row *rows, size_t regions)
{
    for (int v = 0; v < 2; v++)
        for (int class = OTHER; class <= TUMOUR; class ++)
            s->pool[v][class].row = xalloc(regions + 1, sizeof(uint32_t));
    s->scored.row = xalloc(regions + 1, sizeof(uint32_t));
    for (size_t i = 0; i < regions; i++) {
        int v = rows[i].split == SPLIT_VALIDATION;
        if (rows[i].label < 0 ||
            !sampling_eligible(s->recipe, &rows[i], v ? PHASE_CLASSIFIER_VALIDATION : PHASE_CLASSIFIER))
            continue;
        pool_add(&s->pool[v][rows[i].label > 0 ? TUMOUR : OTHER], i);
        if (v)
            pool_add(&s->scored, i);
    }
    for (int v = 0; v < 2; v++)
        for (int class = OTHER; class <= TUMOUR; class ++)
            s->pool[v][class].labelled = s->pool[v][class].count;
    for (size_t i = 0; i < regions; i++) {
        int v = rows[i].split == SPLIT_VALIDATION;
        if (rows[i].label < 0 && sampling_eligible(s->recipe, &rows[i], v ? PHASE_PRETRAIN_VALIDATION : PHASE_PRETRAIN))
            pool_add(&s->pool[v][OTHER], i);
    }
}

int sampler_open(struct sampler *s, const struct recipe *r, const struct cache *c, const struct cache_row *rows,
                 struct error *e)
{
    *s = (struct sampler){.recipe = r, .rows = rows};
    if (sampling_plan_make(&s->plan, r, c, rows, e))
        return -1;
    pools_fill(s, rows, c->regions);
    return 0;
}

void sampler_close(struct sampler *s)
{
    for (int v = 0; v < 2; v++)
        for (int class = OTHER; class <= TUMOUR; class ++)
            free(s->pool[v][class].row);
    free(s->scored.row);
    *s = (struct sampler){0};
}

/* 0 .. count-1 in the order of one (stream, index); the caller frees it */
static uint32_t *shuffled(size_t count, uint64_t seed, uint32_t stream, uint64_t index)
{
    uint32_t *order = xalloc(count + 1, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    struct rng r = rng_make(seed, stream, index);
    rng_shuffle(&r, order, count);
    return order;
}

static struct pair draw_pair(const struct recipe *r, const struct pool *from, struct rng *rng)
{
    uint32_t count = (uint32_t)from->count, first = rng_below(rng, count), second = first;
    bool augmented = (double)rng_uniform(rng) < r->augmented_rate || !r->semantic || count == 1;
    if (!augmented) {
        second = rng_below(rng, count - 1);
        second += second >= first; /* any but the first */
    }
    return (struct pair){.row = {from->row[first], from->row[second]},
                         .augmented = augmented || r->view2_always_augmented};
}

/* ---- pairs that were drawn together ---- */

/* A set of pairs of row numbers, smaller first: open addressing. */
struct drawn_pairs {
    uint64_t *key; /* 0: free */
    size_t room;
    uint64_t count[2]; /* of each class */
};

/* false: it is there already */
static bool drawn_add(struct drawn_pairs *d, uint32_t a, uint32_t b)
{
    uint64_t key = ((uint64_t)(a < b ? a : b) << 32 | (a < b ? b : a)) + 1, at = key * 0x9e3779b97f4a7c15u;
    for (at = (at >> 32) % d->room; d->key[at]; at = (at + 1) % d->room)
        if (d->key[at] == key)
            return false;
    d->key[at] = key;
    return true;
}

/* The epoch's pairs, tumours first, no two of the same regions. */
static struct pair *draw_distinct(const struct sampler *s, const struct pool *pool, uint64_t seed, int32_t phase,
                                  int64_t epoch, int64_t tumours, int64_t all)
{
    struct pair *pair = xalloc((size_t)all + 1, sizeof *pair);
    struct drawn_pairs d = {xalloc(2 * (size_t)all + 1, sizeof *d.key), 2 * (size_t)all + 1, {0, 0}};
    for (int64_t k = 0; k < all; k++) {
        int class = k < tumours ? TUMOUR : OTHER;
        uint64_t n = pool[class].count, there = n * (n - 1) / 2;
        struct rng rng = rng_make(seed, RNG_PAIRS, draw_index(phase, epoch, (uint64_t)k));
        do
            pair[k] = draw_pair(s->recipe, &pool[class], &rng);
        while (pair[k].row[0] != pair[k].row[1] && d.count[class] < there &&
               !drawn_add(&d, pair[k].row[0], pair[k].row[1]));
        d.count[class] += pair[k].row[0] != pair[k].row[1];
    }
    free(d.key);
    return pair;
}

/* epoch: which pairs, and their order; views: which augmentations */
static void draw_pairs(const struct sampler *s, const struct pair_task_message *t, int64_t epoch, int64_t views,
                       int64_t count, struct pair *pairs)
{
    const struct pool *pool = s->pool[t->phase == PHASE_PRETRAIN_VALIDATION];
    int64_t all = s->plan.items[t->phase], first = t->step * s->plan.batch[t->phase];
    int64_t tumours = llround(s->recipe->tumour_share * (double)all), redrawn = s->recipe->redraw_epochs;
    if (pool[TUMOUR].count == 0 || pool[OTHER].count == 0)
        tumours = pool[TUMOUR].count ? all : 0;
    int64_t draw = epoch / (redrawn > 0 ? redrawn : 1);
    uint32_t *order = shuffled((size_t)all, t->seed, RNG_PAIRS, draw_index(t->phase, epoch, PAIR_ORDER));
    struct pair *distinct =
        s->recipe->distinct_pairs ? draw_distinct(s, pool, t->seed, t->phase, draw, tumours, all) : NULL;
    for (int64_t n = 0; n < count; n++) {
        uint32_t k = order[first + n];
        if (distinct) {
            pairs[n] = distinct[k];
        } else {
            struct rng rng = rng_make(t->seed, RNG_PAIRS, draw_index(t->phase, draw, k));
            pairs[n] = draw_pair(s->recipe, &pool[k < tumours ? TUMOUR : OTHER], &rng);
        }
        pairs[n].view = draw_index(t->phase, views, (uint64_t)(first + n));
    }
    free(distinct);
    free(order);
}

/* `wanted` labelled rows of a pool (0: each once) to `out`: whole repetitions, then some drawn for this epoch; how many */
static size_t draw_class(const struct pool *from, int64_t wanted, uint32_t *out, uint64_t seed, uint64_t index)
{
    size_t have = from->labelled, count = wanted > 0 ? (size_t)wanted : have;
    if (have == 0)
        return 0;
    uint32_t *some = shuffled(have, seed, RNG_CLASSIFIER, index);
    size_t whole = count / have * have;
    for (size_t i = 0; i < count; i++)
        out[i] = from->row[i < whole ? i % have : some[i - whole]];
    free(some);
    return count;
}

/* Does box `item` of the epoch pass the augmentations? */
static bool box_augmented(const struct sampler *s, const struct pair_task_message *t, int64_t epoch, uint64_t item,
                          uint32_t row)
{
    const struct recipe *r = s->recipe;
    if (strcmp(r->classifier_augment, "tumours") != 0)
        return true;
    double have = (double)s->pool[t->phase == PHASE_CLASSIFIER_VALIDATION][TUMOUR].labelled;
    if (s->rows[row].label < 1 || r->classifier_tumours < 1)
        return false;
    struct rng rng = rng_make(t->seed, RNG_CLASSIFIER, draw_index(t->phase, epoch, AUGMENTED | item));
    return (double)rng_uniform(&rng) < 1 - have / (double)r->classifier_tumours;
}

static void draw_boxes(const struct sampler *s, const struct pair_task_message *t, int64_t epoch, int64_t count,
                       struct pair *pairs)
{
    const struct pool *pool = s->pool[0];
    const struct recipe *r = s->recipe;
    size_t first = (size_t)(t->step * s->plan.batch[t->phase]);
    size_t room =
        pool[TUMOUR].labelled + pool[OTHER].labelled + (size_t)r->classifier_tumours + (size_t)r->classifier_others;
    uint32_t *row = xalloc(room + 1, sizeof *row);
    int64_t draw = epoch / (r->classifier_redraw_epochs > 0 ? r->classifier_redraw_epochs : 1);
    size_t all = draw_class(&pool[TUMOUR], r->classifier_tumours, row, t->seed, draw_index(t->phase, draw, TUMOUR));
    all += draw_class(&pool[OTHER], r->classifier_others, row + all, t->seed, draw_index(t->phase, draw, OTHER));
    uint32_t *order = shuffled(all, t->seed, RNG_CLASSIFIER, draw_index(t->phase, epoch, ORDER));
    for (size_t n = 0; n < (size_t)count; n++) {
        uint32_t drawn = row[order[first + n]];
        pairs[n] = (struct pair){.row = {drawn, drawn},
                                 .augmented = box_augmented(s, t, epoch, first + n, drawn),
                                 .view = draw_index(t->phase, epoch, first + n)};
    }
    free(order);
    free(row);
}

int sampler_draw(const struct sampler *s, const struct pair_task_message *t, struct pair *pairs, struct error *e)
{
    if (t->phase < 0 || t->phase >= SAMPLING_PHASES)
        return fail(e, "phase %d in a pair task: there are 0 to %d", t->phase, SAMPLING_PHASES - 1);
    int64_t steps = sampling_steps(&s->plan, (enum pair_phase)t->phase);
    if (t->step < 0 || t->step >= steps || t->epoch < 0 || t->epoch >= (int64_t)1 << 36)
        return fail(e, "epoch %lld, step %lld in a pair task: phase %d has %lld steps an epoch", (long long)t->epoch,
                    (long long)t->step, t->phase, (long long)steps);
    int64_t count = sampling_batch_items(&s->plan, (enum pair_phase)t->phase, t->step);
    int64_t views = s->recipe->classifier_views;
    switch ((enum pair_phase)t->phase) {
    case PHASE_PRETRAIN: draw_pairs(s, t, t->epoch, t->epoch, count, pairs); break;
    case PHASE_PRETRAIN_VALIDATION: draw_pairs(s, t, 0, s->recipe->validation_anew ? t->epoch : 0, count, pairs); break;
    case PHASE_CLASSIFIER: draw_boxes(s, t, views > 0 ? t->epoch % views : t->epoch, count, pairs); break;
    case PHASE_CLASSIFIER_VALIDATION:
        for (int64_t n = 0; n < count; n++) {
            uint64_t item = (uint64_t)(t->step * s->plan.batch[t->phase] + n);
            uint32_t row = s->scored.row[item];
            pairs[n] = (struct pair){.row = {row, row}, .view = draw_index(t->phase, t->epoch, item)};
            pairs[n].augmented = s->recipe->classifier_validation_augmented && box_augmented(s, t, t->epoch, item, row);
        }
        break;
    }
    return (int)count;
}
