/* histogram -- move the grey levels along a random rising line of straight pieces.   task -> [pairs] -> train
 *
 * Evenly spaced levels between the lowest and highest value go to points drawn one after the other, each between its left
 * neighbour (already moved) and its right one. The line is a sum of ramps, df clamp(t - i, 0, 1): every term has the same
 * sign, so nothing cancels, and no voxel looks anything up. */
#include "proto/message.h"
#include "stages/pairs/augment.h"
#include "stages/pairs/vector.h"
#include <stdio.h>

enum { STRETCH = 256 }; /* voxels that stay in the nearest cache while all pieces pass over them */

static void draw(union draw *d, const struct recipe *r, struct view_rng *v)
{
    struct histogram_draw *h = &d->histogram;
    h->points = (int)r->histogram_points;
    int last = h->points - 1;
    double left = 0;
    h->point[0] = 0;
    for (int i = 1; i < last; i++) {
        left = rng_range(&v->r, left, (double)(i + 1) / last);
        h->point[i] = (float)left;
    }
    h->point[last] = 1;
}

VECTORISED static void apply(float *box, int channels, const union draw *d)
{
    const struct histogram_draw *h = &d->histogram;
    const int pieces = h->points - 1;
    for (int c = 0; c < channels; c++, box += BOX_VOXELS) {
        float low, high, rise[HISTOGRAM_POINTS_MAX];
        vector_extremes(box, BOX_VOXELS, &low, &high);
        float range = high - low, to_level = (float)pieces / range, base = low + h->point[0] * range;
        if (!(range > 0) || !isfinite(to_level))
            continue; /* a constant channel has no levels to move */
        for (int i = 0; i < pieces; i++)
            rise[i] = (h->point[i + 1] - h->point[i]) * range;
        for (int v = 0; v < BOX_VOXELS; v += STRETCH) {
            float level[STRETCH];
            for (int j = 0; j < STRETCH; j++) {
                level[j] = (box[v + j] - low) * to_level;
                box[v + j] = base;
            }
            for (int i = 0; i < pieces; i++)
                for (int j = 0; j < STRETCH; j++) {
                    float ramp = level[j] - (float)i;
                    ramp = ramp > 0.0f ? ramp : 0.0f;
                    ramp = ramp < 1.0f ? ramp : 1.0f;
                    box[v + j] += rise[i] * ramp;
                }
        }
    }
}

static void describe(const union draw *d, char *text, size_t size)
{
    int used = snprintf(text, size, "points");
    for (int i = 0; i < d->histogram.points && used > 0 && (size_t)used < size; i++)
        used += snprintf(text + used, size - (size_t)used, " %.4f", (double)d->histogram.point[i]);
}

const struct augmentation augment_histogram = {"histogram", draw, apply, describe};
