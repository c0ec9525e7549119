/* SPDX-License-Identifier: Apache-2.0 */
/* sampler -- which regions a batch holds, and which of its views are augmented.   task -> [pairs] -> train */
#include "stages/pairs/sampler.h"
#include <math.h>
#include <stdlib.h>

enum { OTHER, TUMOUR, ORDER, PAIR_ORDER = 0xffffff };

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
    *s = (struct sampler){.recipe = r};
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

static void draw_pairs(const struct sampler *s, const struct pair_task_message *t, int64_t epoch, int64_t count,
                       struct pair *pairs)
{
    const struct pool *pool = s->pool[t->phase == PHASE_PRETRAIN_VALIDATION];
    int64_t all = s->plan.items[t->phase], first = t->step * s->plan.batch[t->phase];
    int64_t tumours = llround(s->recipe->tumour_share * (double)all), redrawn = s->recipe->redraw_epochs;
    if (pool[TUMOUR].count == 0 || pool[OTHER].count == 0)
        tumours = pool[TUMOUR].count ? all : 0;
    uint32_t *order = shuffled((size_t)all, t->seed, RNG_PAIRS, draw_index(t->phase, epoch, PAIR_ORDER));
    for (int64_t n = 0; n < count; n++) {
        uint32_t k = order[first + n];
        struct rng rng = rng_make(t->seed, RNG_PAIRS, draw_index(t->phase, epoch / (redrawn > 0 ? redrawn : 1), k));
        pairs[n] = draw_pair(s->recipe, &pool[k < tumours ? TUMOUR : OTHER], &rng);
        pairs[n].view = draw_index(t->phase, epoch, (uint64_t)(first + n));
    }
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

static void draw_boxes(const struct sampler *s, const struct pair_task_message *t, int64_t epoch, int64_t count,
                       struct pair *pairs)
{
    const struct pool *pool = s->pool[0];
    const struct recipe *r = s->recipe;
    size_t first = (size_t)(t->step * s->plan.batch[t->phase]);
    size_t room =
        pool[TUMOUR].labelled + pool[OTHER].labelled + (size_t)r->classifier_tumours + (size_t)r->classifier_others;
    uint32_t *row = xalloc(room + 1, sizeof *row);
    size_t all = draw_class(&pool[TUMOUR], r->classifier_tumours, row, t->seed, draw_index(t->phase, epoch, TUMOUR));
    all += draw_class(&pool[OTHER], r->classifier_others, row + all, t->seed, draw_index(t->phase, epoch, OTHER));
    uint32_t *order = shuffled(all, t->seed, RNG_CLASSIFIER, draw_index(t->phase, epoch, ORDER));
    for (size_t n = 0; n < (size_t)count; n++) {
        uint32_t drawn = row[order[first + n]];
        pairs[n] =
            (struct pair){.row = {drawn, drawn}, .augmented = true, .view = draw_index(t->phase, epoch, first + n)};
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
    case PHASE_PRETRAIN: draw_pairs(s, t, t->epoch, count, pairs); break;
    case PHASE_PRETRAIN_VALIDATION: draw_pairs(s, t, 0, count, pairs); break;
    case PHASE_CLASSIFIER: draw_boxes(s, t, views > 0 ? t->epoch % views : t->epoch, count, pairs); break;
    case PHASE_CLASSIFIER_VALIDATION:
        for (int64_t n = 0; n < count; n++) {
            uint32_t row = s->scored.row[t->step * s->plan.batch[t->phase] + n];
            pairs[n] = (struct pair){.row = {row, row}};
        }
        break;
    }
    return (int)count;
}
