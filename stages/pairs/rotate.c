/* SPDX-License-Identifier: Apache-2.0 */
/* rotate -- turn about the box's centre; beyond the box, the nearest voxel of its surface.   task -> [pairs] -> train */
#include "proto/message.h"
#include "stages/pairs/augment.h"
#include "stages/pairs/trilinear.h"
#include <string.h>

static void draw(union draw *d, const struct recipe *r, struct view_rng *v)
{
    for (int i = 0; i < 3; i++)
        d->rotate.rad[i] = rng_range(&v->r, -r->rotate_rad, r->rotate_rad);
}

static struct map rotate_map(const struct rotate_draw *r)
{
    const double stay[3] = {0, 0, 0};
    struct matrix rotation = matrix_rotation(r->rad);
    return map_about_centre(&rotation, stay);
}

static void apply(float *box, int channels, const union draw *d)
{
    struct map map = rotate_map(&d->rotate);
    float old[BOX_VOXELS];
    for (int c = 0; c < channels; c++, box += BOX_VOXELS) {
        memcpy(old, box, sizeof old);
        trilinear(box, old, &map, EDGE_CLAMP);
    }
}

static void describe(const union draw *d, char *text, size_t size)
{
    format_into(text, size, "%.4f %.4f %.4f rad", d->rotate.rad[0], d->rotate.rad[1], d->rotate.rad[2]);
}

static void tell(const union draw *d, struct augmentation_step *s)
{
    struct map map = rotate_map(&d->rotate);
    tell_map(s, &map);
}

const struct augmentation augment_rotate = {draw, apply, describe, tell};
