/* SPDX-License-Identifier: Apache-2.0 */
/* augment -- augmentations that were drawn, for a back end that applies them where the boxes lie.   kernels
 *
 * What each does to a box [C][16][16][16] is stages/pairs's, voxel by voxel and to rounding: the same numbers
 * (common/augmentation.h), the same bits of Philox. Drawing stays with stages/pairs. */
#ifndef PETREL_KERNELS_AUGMENT_H
#define PETREL_KERNELS_AUGMENT_H
#include "common/augmentation.h"
#include <stdint.h>

enum { AUGMENT_SIDE = 16 };

/* One box of the batch and the steps it passes, in order: step[first] to step[first + steps - 1]. No box twice. */
struct augment_view {
    int32_t box, first, steps;
};
struct augment_plan {
    const struct augment_view *view;
    const struct augmentation_step *step;
    int views, steps;
    uint64_t seed; /* of the noise */
};
#endif
