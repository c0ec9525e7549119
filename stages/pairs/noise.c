/* SPDX-License-Identifier: Apache-2.0 */
/* noise -- add N(0, sd), sd drawn from U(0, noise_sd).   task -> [pairs] -> train */
#include "proto/message.h"
#include "stages/pairs/augment.h"
#include "stages/pairs/normals.h"
#include <string.h>

static void draw(union draw *d, const struct recipe *r, struct view_rng *v)
{
    d->noise = (struct noise_draw){.sd = (float)rng_range(&v->r, 0, r->noise_sd),
                                   .seed = v->seed,
                                   .index = v->index,
                                   .block = v->block + NOISE_FIRST_BLOCK};
}

static void apply(float *box, int channels, const union draw *d)
{
    for (int c = 0; c < channels; c++)
        normals_add(box + (size_t)c * BOX_VOXELS, d->noise.sd, d->noise.seed, RNG_AUGMENT, d->noise.index,
                    d->noise.block + (uint32_t)c * NORMALS_BLOCKS);
}

static void describe(const union draw *d, char *text, size_t size)
{
    format_into(text, size, "sd %.5f", d->noise.sd);
}

static void tell(const union draw *d, struct augmentation_step *s)
{
    const double number[] = {(double)d->noise.sd, (uint32_t)d->noise.index, (uint32_t)(d->noise.index >> 32),
                             d->noise.block};
    s->count = COUNT_OF(number);
    memcpy(s->number, number, sizeof number);
}

const struct augmentation augment_noise = {draw, apply, describe, tell};
