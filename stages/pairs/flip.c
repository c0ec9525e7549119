/* SPDX-License-Identifier: Apache-2.0 */
/* flip -- all three axes at once: the box read backwards.   task -> [pairs] -> train */
#include "proto/message.h"
#include "stages/pairs/augment.h"
#include "stages/pairs/vector.h"

static void draw(union draw *d, const struct recipe *r, struct view_rng *v)
{
    (void)d, (void)r, (void)v; /* nothing to draw: with no axis given, all are flipped */
}

VECTORISED static void apply(float *box, int channels, const union draw *d)
{
    (void)d;
    for (int c = 0; c < channels; c++, box += BOX_VOXELS)
        for (int i = 0; i < BOX_VOXELS / 2; i++) {
            float kept = box[i];
            box[i] = box[BOX_VOXELS - 1 - i];
            box[BOX_VOXELS - 1 - i] = kept;
        }
}

static void describe(const union draw *d, char *text, size_t size)
{
    (void)d;
    format_into(text, size, "all axes");
}

static void tell(const union draw *d, struct augmentation_step *s)
{
    (void)d;
    s->count = 0;
}

const struct augmentation augment_flip = {draw, apply, describe, tell};
