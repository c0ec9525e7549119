/* SPDX-License-Identifier: Apache-2.0 */
/* sampling -- how many batches an epoch has, and a name for how they are drawn.   pairs, train -> [sampling]
 *
 * petrel-train asks for batches and petrel-pairs makes them; both must count alike before a byte has passed between
 * them. So the arithmetic stands here, a pure function of the recipe and the cache's labels and splits. Which regions
 * a batch holds is stages/pairs/sampler.h's.
 *
 * usable regions   with border = drop or touch, those whose box left the volume (clipped) are left out everywhere; with touch, of the
 *                  classifier, too, those whose box begins at the first voxel;
 *                  with train_fraction < 1, so is the rest of the training regions, of each label alike: a tenth is part of
 *                  a third, and the same whatever the seed; validation and test keep theirs
 *                  regions without truth (label -1) only where labels are not needed: pretraining with --no-semantic
 * pretraining      pairs_per_epoch pairs in batches of `batch`; the last may be short, but a rest of one pair is left out
 * its validation   whole batches only, for the loss depends on their size: validation_pairs, or about as many pairs as the split has
 *                  usable regions, at least one batch, at most pairs_per_epoch; the same pairs every epoch
 * classifier       classifier_tumours + classifier_others boxes (0: each box of that class once) in batches of
 *                  classifier_batch; the last may be short, but a rest of one box is left out
 * its validation   every labelled box of the split once, as it is, in the order of the rows; a rest of one is kept
 * With whole_batches the short last batch of pretraining and of the classifier is left out.
 * A phase for which the split has nothing (no validation patients, no labels) has 0 steps. */
#ifndef PETREL_PROTO_SAMPLING_H
#define PETREL_PROTO_SAMPLING_H
#include "common/base.h"
#include "proto/cache.h"
#include "proto/message.h"
#include "proto/recipe.h"

enum { SAMPLING_PHASES = 4, SAMPLING_EPOCH_MAX_ITEMS = 1 << 23 };

struct split_counts {
    int64_t tumours, others, unknown;
}; /* regions by label 1, 0, -1 */

struct sampling_plan {
    struct split_counts train, validation; /* that the classifier may use */
    int64_t items[SAMPLING_PHASES];        /* pairs (boxes for the classifier) an epoch of the phase has in all */
    int64_t batch[SAMPLING_PHASES];        /* items of a full batch */
    int64_t pretrain_steps, pretrain_validation_steps, classifier_steps, classifier_validation_steps;
    uint64_t digest; /* for pair_task_message.sampling: XXH3 of every setting that changes a batch,
                                         the cache's digest and its splits */
};

/* rows as cache_rows() gives them, c->regions of them. -1 and a sentence for an epoch of more than
 * SAMPLING_EPOCH_MAX_ITEMS items. */
int sampling_plan_make(struct sampling_plan *p, const struct recipe *r, const struct cache *c,
                       const struct cache_row *rows, struct error *e) MUST_USE;
int64_t sampling_steps(const struct sampling_plan *p, enum pair_phase phase);
/* Items in one batch: batch[phase], or what is left for the last. step in [0, sampling_steps). */
int64_t sampling_batch_items(const struct sampling_plan *p, enum pair_phase phase, int64_t step);
/* May this region be drawn at all; and in this phase (its split, and a label where one is needed)? */
bool sampling_usable(const struct recipe *r, const struct cache_row *row, bool classifier);
/* Does border let its box be used, by the classifier or in pretraining? */
bool sampling_inside(const struct recipe *r, const struct cache_row *row, bool classifier);
bool sampling_eligible(const struct recipe *r, const struct cache_row *row, enum pair_phase phase);
/* Which of position[POSITION_FORMS] the recipe asks for. */
enum position_form sampling_position_form(const struct recipe *r);
#endif
