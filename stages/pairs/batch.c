/* SPDX-License-Identifier: Apache-2.0 */
/* batch -- the boxes, positions and labels of a drawn batch, standardised, and augmented or told how.   task -> [pairs] -> train */
#include "stages/pairs/batch.h"
#include "stages/pairs/views.h"
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

/* Augmented, or told how: a view of the pair of that index, box `at` of the batch. */
static void view_augment(struct workbench *b, struct pair_batch_message *m, const struct view *view, uint64_t index,
                         size_t at, float *box)
{
    struct drawn_chain drawn;
    chain_draw_view(&drawn, workbench_chain(b, m->task.phase), b->recipe, m->task.seed, index, view->which);
    if (m->task.drawn) {
        chain_tell(&drawn, (int32_t)at, m->step + m->steps);
        m->steps += (int32_t)drawn.count;
    } else {
        chain_apply(&drawn, box, m->channels);
    }
}

/* One view into place `at` of the batch. */
static int view_make(struct workbench *b, struct pair_batch_message *m, const struct view *view, uint64_t index,
                     size_t at, struct error *e)
{
    const struct cache_row *row = &b->rows[view->row];
    float *box = m->box + at * boxes_size(&b->boxes);
    if (boxes_get(&b->boxes, view->row, box, e))
        return -1;
    view_crop(box, m->channels, view->window);
    if (view->augmented)
        view_augment(b, m, view, index, at, box);
    memcpy(m->position + at * POSITION_SIZE, row->position[sampling_position_form(b->recipe)],
           POSITION_SIZE * sizeof(float));
    m->label[at] = row->label;
    m->region[at] = view->row;
    memcpy(m->window + at * VIEW_WINDOW, view->window, sizeof view->window);
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
    m->views = views_count(task);
    int bad = m->count < 0 || own_part(task, &own, &m->count, e);
    if (!bad) {
        size_t all = (size_t)m->views * (size_t)m->count;
        m->box = xalloc(all * boxes_size(&b->boxes), sizeof *m->box);
        m->position = xalloc(all * POSITION_SIZE, sizeof *m->position);
        m->label = xalloc(all, sizeof *m->label);
        m->region = xalloc(all, sizeof *m->region);
        m->window = xalloc(all * VIEW_WINDOW, sizeof *m->window);
        if (task->drawn)
            m->step = xalloc(all * workbench_chain(b, task->phase)->count + 1, sizeof *m->step);
    }
    struct view *view = xalloc((size_t)(m->count > 0 ? m->count : 0) * VIEWS_MAX + 1, sizeof *view);
    for (size_t n = 0; !bad && n < (size_t)m->count; n++)
        views_draw(view + n * VIEWS_MAX, task, b->recipe, &own[n]);
    for (int v = 0; !bad && v < m->views; v++)
        for (size_t n = 0; !bad && n < (size_t)m->count; n++)
            bad = view_make(b, m, &view[n * VIEWS_MAX + (size_t)v], own[n].view, (size_t)v * (size_t)m->count + n, e);
    free(view);
    free(pairs);
    if (bad)
        pair_batch_free(m);
    return bad ? -1 : 0;
}
