/* SPDX-License-Identifier: Apache-2.0 */
/* affine -- rotate, shear, translate and scale at once.   task -> [pairs] -> train
 *
 * With A = rotate shear translate scale, a voxel at g from the box's centre shows A g: MONAI's order, so the shift is
 * itself rotated and sheared. Beyond the box it is mirrored about the outermost voxels. */
#include "proto/message.h"
#include "stages/pairs/augment.h"
#include "stages/pairs/trilinear.h"
#include <string.h>

static void draw(union draw *d, const struct recipe *r, struct view_rng *v)
{
    struct affine_draw *a = &d->affine;
    for (int i = 0; i < 3; i++)
        a->rotate_rad[i] = rng_range(&v->r, -r->affine_rotate_rad, r->affine_rotate_rad);
    for (int i = 0; i < 6; i++)
        a->shear[i] = rng_range(&v->r, -r->affine_shear, r->affine_shear);
    for (int i = 0; i < 3; i++)
        a->translate_voxels[i] = rng_range(&v->r, -r->affine_translate_voxels, r->affine_translate_voxels);
    for (int i = 0; i < 3; i++)
        a->scale[i] = 1 + rng_range(&v->r, -r->affine_scale, r->affine_scale);
}

static struct map affine_map(const struct affine_draw *a)
{
    const double *h = a->shear, *t = a->translate_voxels;
    const struct matrix rotate = matrix_rotation(a->rotate_rad);
    const struct matrix shear = {{{1, h[0], h[1]}, {h[2], 1, h[3]}, {h[4], h[5], 1}}};
    const struct matrix scale = {{{a->scale[0], 0, 0}, {0, a->scale[1], 0}, {0, 0, a->scale[2]}}};
    const struct matrix sheared = matrix_product(&rotate, &shear), all = matrix_product(&sheared, &scale);
    double shift[3];
    for (int i = 0; i < 3; i++)
        shift[i] = sheared.m[i][0] * t[0] + sheared.m[i][1] * t[1] + sheared.m[i][2] * t[2];
    return map_about_centre(&all, shift);
}

static void apply(float *box, int channels, const union draw *d)
{
    struct map map = affine_map(&d->affine);
    float old[BOX_VOXELS];
    for (int c = 0; c < channels; c++, box += BOX_VOXELS) {
        memcpy(old, box, sizeof old);
        trilinear(box, old, &map, EDGE_REFLECT);
    }
}

static void describe(const union draw *d, char *text, size_t size)
{
    const struct affine_draw *a = &d->affine;
    const double *w = a->rotate_rad, *h = a->shear, *t = a->translate_voxels, *s = a->scale;
    format_into(
        text,
        size, "rotate %.4f %.4f %.4f rad, shear %.4f %.4f %.4f %.4f %.4f %.4f, translate %.3f %.3f %.3f voxels, scale %.4f %.4f %.4f",
        w[0], w[1], w[2], h[0], h[1], h[2], h[3], h[4], h[5], t[0], t[1], t[2], s[0], s[1], s[2]);
}

static void tell(const union draw *d, struct augmentation_step *s)
{
    struct map map = affine_map(&d->affine);
    tell_map(s, &map);
}

const struct augmentation augment_affine = {draw, apply, describe, tell};
