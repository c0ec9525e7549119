/* SPDX-License-Identifier: Apache-2.0 */
/* views -- which views of a pair a step has, and where in the box each looks.   task -> [pairs] -> train
 *
 * A pair (sampler.h) is two regions, or one twice; a method asks for V views of it in one of two layouts (proto/message.h):
 *
 *     VIEWS_PAIR   view 1 is the first region, view 2 the second, all of the box. View 1 is as it is, view 2 augmented where the pair
 *                  says so; with augmented_views = all both pass the chain always. Views 3 to V are local crops of the first
 *                  region, the second, the first ...: a window of local_crop voxels' side anywhere in the box, resampled to
 *                  16^3, then through the chain.
 *     VIEWS_GRID   V - 8 random crops of the second region, of half the box's side, augmented where the pair says so (or all); then
 *                  the eight octants of the first one, in the order of z, y, x, as they are (augmented with all).
 *
 * A window of side s from low shows, at voxel i of 16, low + (i + 1/2) s / 16 - 1/2, trilinear, clamped to the box: what lies beside the
 * window is there, as far as the kernel reaches.
 * With box_slices = N a network is given one axial slice a view: any of the N middle ones; for the classifier's validation the middle.
 *
 * Random numbers: RNG_CROP and RNG_SLICE of the pair's index, view after view; a view's augmentations are RNG_AUGMENT's of the pair's
 * index from block number * VIEW_BLOCKS on, number 0 for the one that two views have, else its own (1 for the first view). */
#ifndef PETREL_STAGES_PAIRS_VIEWS_H
#define PETREL_STAGES_PAIRS_VIEWS_H
#include "stages/pairs/sampler.h"

struct view {
    uint32_t row;
    bool augmented;
    uint32_t which; /* of the views that share the pair's index (augment.h) */
    int32_t window[VIEW_WINDOW];
};
/* How many views the task's batch has. */
int views_count(const struct pair_task_message *t);
/* All of them; view has room for VIEWS_MAX. */
void views_draw(struct view *view, const struct pair_task_message *t, const struct recipe *r, const struct pair *p);
/* A box [channels][16][16][16] as its window shows it, in place. */
void view_crop(float *box, int channels, const int32_t window[VIEW_WINDOW]);
#endif
