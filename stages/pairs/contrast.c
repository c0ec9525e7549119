/* SPDX-License-Identifier: Apache-2.0 */
/* contrast -- a gamma curve between the lowest and the highest value of all channels.   task -> [pairs] -> train */
#include "proto/message.h"
#include "stages/pairs/augment.h"
#include "stages/pairs/vector.h"

static void draw(union draw *d, const struct recipe *r, struct view_rng *v)
{
    d->contrast.gamma = (float)rng_range(&v->r, r->gamma_low, r->gamma_high);
}

VECTORISED static void apply(float *box, int channels, const union draw *d)
{
    const float gamma = d->contrast.gamma, smallest = 1e-30f, per_octave = 1.442695041f;
    float low, high;
    vector_extremes(box, (size_t)channels * BOX_VOXELS, &low, &high);
    float range = high - low, to_unit = 1.0f / (range + 1e-7f);
    for (int c = 0; c < channels; c++, box += BOX_VOXELS) {
        for (int i = 0; i < BOX_VOXELS; i++) {
            float t = (box[i] - low) * to_unit;
            float power = gamma * per_octave * vector_log(t > smallest ? t : smallest);
            power = power > -126.0f ? power : -126.0f;
            float curved = t > smallest ? vector_exp2(power) : 0.0f;
            box[i] = curved * range + low;
        }
    }
}

static void describe(const union draw *d, char *text, size_t size)
{
    format_into(text, size, "gamma %.4f", (double)d->contrast.gamma);
}

static void tell(const union draw *d, struct augmentation_step *s)
{
    s->count = 1;
    s->number[0] = (double)d->contrast.gamma;
}

const struct augmentation augment_contrast = {draw, apply, describe, tell};
