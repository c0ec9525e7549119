/* SPDX-License-Identifier: Apache-2.0 */
/* batch -- the boxes, positions and labels of a drawn batch, standardised, and augmented or told how.   task -> [pairs] -> train */
#include "stages/pairs/batch.h"
#include <stdlib.h>
#include <string.h>

int workbench_open(struct workbench *b, struct recipe *r, const char *cache_dir, uint64_t memory_bytes, struct error *e)
{
    *b = (struct workbench){.recipe = r};
    if (recipe_check(r, e) || chain_parse(&b->pretrain, r->augment_pretrain, r->augment_probability, r, e) ||
        chain_parse(&b->classifier, r->augment_classifier, r->augment_probability, r, e))
        return -1;
    if (cache_open(&b->cache, cache_dir, e))
        return -1;
    if (cache_settings_adopt(&b->cache, r, NULL, 0, e) || cache_rows(&b->cache, &b->rows, e) ||
        sampler_open(&b->sampler, r, &b->cache, b->rows, e) ||
        boxes_open(&b->boxes, r, &b->cache, b->rows, memory_bytes, e)) {
        workbench_close(b);
        return -1;
    }
    return 0;
}

void workbench_close(struct workbench *b)
{
    boxes_close(&b->boxes);
    sampler_close(&b->sampler);
    free(b->rows);
    cache_close(&b->cache);
    *b = (struct workbench){0};
}

const struct chain *workbench_chain(const struct workbench *b, int32_t phase)
{
    return phase == PHASE_PRETRAIN || phase == PHASE_PRETRAIN_VALIDATION ? &b->pretrain : &b->classifier;
}

/* One view into place n of the batch's view v. */
static int view_make(struct workbench *b, struct pair_batch_message *m, const struct pair *pair, int v, size_t n,
                     struct error *e)
{
    size_t at = (size_t)v * (size_t)m->count + n;
    const struct cache_row *row = &b->rows[pair->row[v]];
    float *box = m->box + at * boxes_size(&b->boxes);
    if (boxes_get(&b->boxes, pair->row[v], box, e))
        return -1;
    if (pair->augmented && v == m->views - 1) {
        struct drawn_chain drawn;
        chain_draw(&drawn, workbench_chain(b, m->task.phase), b->recipe, m->task.seed, pair->view);
        if (m->task.drawn) {
            chain_tell(&drawn, (int32_t)at, m->step + m->steps);
            m->steps += (int32_t)drawn.count;
        } else {
            chain_apply(&drawn, box, m->channels);
        }
    }
    memcpy(m->position + at * POSITION_SIZE, row->position[sampling_position_form(b->recipe)],
           POSITION_SIZE * sizeof(float));
    m->label[at] = row->label;
    m->region[at] = pair->row[v];
    return 0;
}

/* One of several trainers asks for its share of the batch's items. */
static int own_part(const struct pair_task_message *task, struct pair **own, int32_t *count, struct error *e)
{
    if (task->parts <= 1)
        return 0;
    if (*count % task->parts)
        return fail_as(e, EX_USAGE, "a batch of %d items cannot be shared equally by %d trainers", *count, task->parts);
    *count /= task->parts;
    *own += (ptrdiff_t)task->part * *count;
    return 0;
}

int batch_make(struct workbench *b, const struct pair_task_message *task, struct pair_batch_message *m, struct error *e)
{
    *m = (struct pair_batch_message){.task = *task, .channels = b->boxes.channels};
    if (task->sampling != b->sampler.plan.digest)
        return fail_as(e, EX_CONFIG,
                       "the batches asked for are of other sampling settings or another cache than '%s': "
                       "start petrel-pairs and petrel-train with the same cache, --recipe and --set",
                       b->cache.dir);
    int64_t room = task->phase >= 0 && task->phase < SAMPLING_PHASES ? b->sampler.plan.batch[task->phase] : 0;
    struct pair *pairs = xalloc((size_t)room + 1, sizeof *pairs), *own = pairs;
    m->count = sampler_draw(&b->sampler, task, pairs, e);
    m->views = workbench_chain(b, task->phase) == &b->pretrain ? 2 : 1;
    int bad = m->count < 0 || own_part(task, &own, &m->count, e);
    if (!bad) {
        size_t all = (size_t)m->views * (size_t)m->count;
        m->box = xalloc(all * boxes_size(&b->boxes), sizeof *m->box);
        m->position = xalloc(all * POSITION_SIZE, sizeof *m->position);
        m->label = xalloc(all, sizeof *m->label);
        m->region = xalloc(all, sizeof *m->region);
        if (task->drawn)
            m->step = xalloc((size_t)m->count * workbench_chain(b, task->phase)->count + 1, sizeof *m->step);
    }
    for (size_t n = 0; !bad && n < (size_t)m->count; n++)
        for (int v = 0; !bad && v < m->views; v++)
            bad = view_make(b, m, &own[n], v, n, e);
    free(pairs);
    if (bad)
        pair_batch_free(m);
    return bad ? -1 : 0;
}
