/* SPDX-License-Identifier: Apache-2.0 */
/* sampling -- how many batches an epoch has, and a name for how they are drawn.   pairs, train -> [sampling] */
#include "proto/sampling.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

static bool is_validation(enum pair_phase phase)
{
    return phase == PHASE_PRETRAIN_VALIDATION || phase == PHASE_CLASSIFIER_VALIDATION;
}

static bool is_classifier(enum pair_phase phase)
{
    return phase == PHASE_CLASSIFIER || phase == PHASE_CLASSIFIER_VALIDATION;
}

bool sampling_inside(const struct recipe *r, const struct cache_row *row, bool classifier)
{
    if (classifier && row->begins && !strcmp(r->border, "touch"))
        return false;
    return !row->clipped || !strcmp(r->border, "keep");
}

bool sampling_usable(const struct recipe *r, const struct cache_row *row, bool classifier)
{
    if (row->split == SPLIT_TRAIN && (double)row->quantile >= r->train_fraction)
        return false;
    return sampling_inside(r, row, classifier);
}

bool sampling_eligible(const struct recipe *r, const struct cache_row *row, enum pair_phase phase)
{
    if (row->split != (is_validation(phase) ? SPLIT_VALIDATION : SPLIT_TRAIN) ||
        !sampling_usable(r, row, is_classifier(phase)))
        return false;
    return row->label >= 0 || (!is_classifier(phase) && !r->semantic);
}

enum position_form sampling_position_form(const struct recipe *r)
{
    bool mm = !strcmp(r->position_unit, "mm"), oriented = !strcmp(r->position_box, "oriented");
    return oriented ? (mm ? POSITION_ORIENTED_MM : POSITION_ORIENTED_VOXEL)
                    : (mm ? POSITION_AXIS_MM : POSITION_AXIS_VOXEL);
}

static void count_row(struct split_counts *n, int32_t label)
{
    if (label > 0)
        n->tumours++;
    else if (label == 0)
        n->others++;
    else
        n->unknown++;
}

/* regions pretraining may draw from a split */
static int64_t pretrain_regions(const struct recipe *r, const struct split_counts *n)
{
    return n->tumours + n->others + (r->semantic ? 0 : n->unknown);
}

/* Only what changes a batch is named: a trainer given another learning rate is still served. */
static uint64_t plan_digest(const struct recipe *r, const struct cache *c)
{
    struct buffer all = {0};
    char *head =
        xprintf("%llx %s border %s position %s %s batch %lld classifier %lld %lld %lld %lld splits",
                (unsigned long long)recipe_digest(r, RECIPE_SAMPLING | RECIPE_AUGMENT | RECIPE_BOXES), c->digest,
                r->border, r->position_unit, r->position_box, (long long)r->batch, (long long)r->classifier_batch,
                (long long)r->classifier_tumours, (long long)r->classifier_others, (long long)r->classifier_views);
    size_t length = strlen(head);
    all.size = length + c->shard_count;
    all.data = xalloc(all.size, 1);
    memcpy(all.data, head, length);
    for (size_t s = 0; s < c->shard_count; s++)
        all.data[length + s] = (uint8_t)('b' + c->shard[s].split);
    uint64_t digest = bytes_xxh3(all.data, all.size);
    buffer_free(&all);
    free(head);
    return digest;
}

/* `items` without a last batch that would hold a single one; with whole_batches, that would not be full */
static int64_t without_rest(const struct recipe *r, int64_t items, int64_t batch)
{
    if (r->whole_batches)
        return items / batch * batch;
    return items % batch == 1 && batch > 1 ? items - 1 : items;
}

int sampling_plan_make(struct sampling_plan *p, const struct recipe *r, const struct cache *c,
                       const struct cache_row *rows, struct error *e)
{
    *p = (struct sampling_plan){.digest = plan_digest(r, c)};
    struct split_counts pretrain = {0, 0, 0}, pretrain_validation = {0, 0, 0};
    for (size_t i = 0; i < c->regions; i++) {
        bool train = rows[i].split == SPLIT_TRAIN, validation = rows[i].split == SPLIT_VALIDATION;
        if (!train && !validation)
            continue;
        if (sampling_usable(r, &rows[i], true))
            count_row(train ? &p->train : &p->validation, rows[i].label);
        if (sampling_usable(r, &rows[i], false))
            count_row(train ? &pretrain : &pretrain_validation, rows[i].label);
    }
    p->batch[PHASE_PRETRAIN] = p->batch[PHASE_PRETRAIN_VALIDATION] = r->batch;
    p->batch[PHASE_CLASSIFIER] = p->batch[PHASE_CLASSIFIER_VALIDATION] = r->classifier_batch;

    if (pretrain_regions(r, &pretrain) > 0)
        p->items[PHASE_PRETRAIN] = without_rest(r, r->pairs_per_epoch, r->batch);
    int64_t regions = pretrain_regions(r, &pretrain_validation);
    if (regions > 0) {
        int64_t most = r->pairs_per_epoch / r->batch, batches = (regions + r->batch / 2) / r->batch;
        batches = r->validation_pairs > 0 ? r->validation_pairs / r->batch : batches > most ? most : batches;
        p->items[PHASE_PRETRAIN_VALIDATION] = (batches < 1 ? 1 : batches) * r->batch;
    }
    int64_t tumours = p->train.tumours, others = p->train.others;
    if (tumours > 0 && r->classifier_tumours > 0)
        tumours = r->classifier_tumours;
    if (others > 0 && r->classifier_others > 0)
        others = r->classifier_others;
    p->items[PHASE_CLASSIFIER] = without_rest(r, tumours + others, r->classifier_batch);
    if (tumours + others > 1 && !p->items[PHASE_CLASSIFIER])
        return fail_as(e, EX_CONFIG, "whole_batches leaves none of %lld boxes in batches of classifier_batch = %lld",
                       (long long)(tumours + others), (long long)r->classifier_batch);
    p->items[PHASE_CLASSIFIER_VALIDATION] = p->validation.tumours + p->validation.others;

    for (int phase = 0; phase < SAMPLING_PHASES; phase++)
        if (p->items[phase] > SAMPLING_EPOCH_MAX_ITEMS)
            return fail_as(e, EX_CONFIG, "an epoch of %lld pairs or boxes is too long: at most %d",
                           (long long)p->items[phase], SAMPLING_EPOCH_MAX_ITEMS);
    p->pretrain_steps = sampling_steps(p, PHASE_PRETRAIN);
    p->pretrain_validation_steps = sampling_steps(p, PHASE_PRETRAIN_VALIDATION);
    p->classifier_steps = sampling_steps(p, PHASE_CLASSIFIER);
    p->classifier_validation_steps = sampling_steps(p, PHASE_CLASSIFIER_VALIDATION);
    return 0;
}

int64_t sampling_steps(const struct sampling_plan *p, enum pair_phase phase)
{
    return (p->items[phase] + p->batch[phase] - 1) / p->batch[phase];
}

int64_t sampling_batch_items(const struct sampling_plan *p, enum pair_phase phase, int64_t step)
{
    int64_t left = p->items[phase] - step * p->batch[phase];
    return left < p->batch[phase] ? left : p->batch[phase];
}
