/* SPDX-License-Identifier: Apache-2.0 */
/* sampler -- which regions a batch holds, and which of its views are augmented.   task -> [pairs] -> train
 *
 * A pure function of (seed, phase, epoch, step), the recipe and the cache's labels and splits: it does not matter who
 * draws a batch, how often, or in which order. Every random number is rng_make(seed, stream, index) with
 *
 *     index = phase << 60 | epoch << 24 | item
 *
 *     RNG_PAIRS       item k: pair k of the epoch, drawn anew every redraw_epochs (epoch / redraw_epochs stands for epoch)
 *                     item 0xffffff: the order of the epoch's pairs
 *     RNG_CLASSIFIER  item 0, 1: which others, which tumours are left over beyond whole repetitions, anew every
 *                     classifier_redraw_epochs; item 2: the order; item 0x800000 + i: is the i-th box augmented, where that is drawn
 *     RNG_AUGMENT     item i: the views of the i-th pair or box of the epoch, in its order (views.h; RNG_CROP, RNG_SLICE, too)
 *
 * so an epoch has at most 2^23 items and a run at most 2^36 epochs. In the validation phases 0 stands for the epoch (the
 * same pairs and noise each time, so that losses compare; with validation_anew the same pairs alone), and in the classifier phase, with classifier_views = K,
 * epoch mod K (so that what was computed from a frozen encoder can be used again).
 *
 * Pretraining: tumour_share of the epoch's pairs (exactly, rounded) begin with a tumour, the rest with another region,
 * each drawn with replacement. View 1 is that region as it is. With augmented_rate (always with --no-semantic, or where
 * the class has one region only) view 2 is the same region, augmented; otherwise another one of its class, as it is, or
 * augmented too with view2_always_augmented. A class the split lacks is replaced by the other.
 * With distinct_pairs a pair of two regions that was drawn with these before is drawn again, until all pairs of the class have been.
 * Classifier: one view; proto/sampling.h says how many. Every region of a class comes as often as any other, give or take one. */
#ifndef PETREL_STAGES_PAIRS_SAMPLER_H
#define PETREL_STAGES_PAIRS_SAMPLER_H
#include "common/rng.h"
#include "proto/sampling.h"

/* Rows of one class in one split: those with that label first; where labels are not needed, the unlabelled after them. */
struct pool {
    uint32_t *row;
    size_t labelled, count;
};

struct sampler {
    const struct recipe *recipe;
    const struct cache_row *rows;
    struct sampling_plan plan;
    struct pool pool[2][2]; /* [train, validation][other, tumour] */
    struct pool scored;     /* labelled validation rows, in order: what the classifier is validated on */
};

struct pair {
    uint32_t row[2]; /* of view 1, view 2; the classifier has view 1 only */
    bool augmented;  /* the last view passes the augmentation chain */
    uint64_t view;   /* RNG_AUGMENT's index for it */
};

int sampler_open(struct sampler *s, const struct recipe *r, const struct cache *c, const struct cache_row *rows,
                 struct error *e) MUST_USE;
void sampler_close(struct sampler *s);
/* The batch a task asks for: pairs is the caller's, with room for plan.batch[phase]. Returns how many, or -1 and a sentence
 * for a task that no such recipe and cache can have asked for. */
int sampler_draw(const struct sampler *s, const struct pair_task_message *task, struct pair *pairs,
                 struct error *e) MUST_USE;
#endif
