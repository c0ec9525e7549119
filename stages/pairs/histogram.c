/* SPDX-License-Identifier: Apache-2.0 */
/* histogram -- move the grey levels along a random rising line of straight pieces.   task -> [pairs] -> train
 *
 * Evenly spaced levels between the lowest and highest value go to points drawn one after the other, each between its left
 * neighbour (already moved) and its right one. With t the level of a voxel in steps (0 to n), the line through the points is
 *     a + b t + sum over the inner levels i of bend_i |t - i|,   bend_i = half of what its slope gains at i,
 * so no voxel looks anything up. Channels share one line between the lowest and highest value of all, as in MONAI. The bends are small beside the range, and nothing large cancels. */
#include "proto/message.h"
#include "stages/pairs/augment.h"
#include "stages/pairs/vector.h"
#include <stdio.h>

enum { AT_ONCE = 8 }; /* bends in one pass over the box: a number the compiler knows, so that they stay in registers */

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

struct line {
    float low, to_level, a, b, bend[HISTOGRAM_POINTS_MAX + AT_ONCE];
};

static struct line line_through(const struct histogram_draw *h, float low, float range)
{
    int n = h->points - 1;
    double first = (double)h->point[1] - (double)h->point[0], last = (double)h->point[n] - (double)h->point[n - 1];
    struct line line = {.low = low, .to_level = (float)n / range, .b = (float)(0.5 * (first + last)) * range};
    line.a = low + (float)(0.5 * ((double)h->point[0] + (double)h->point[n] - n * last)) * range;
    for (int i = 1; i < n; i++)
        line.bend[i - 1] =
            (float)(0.5 * ((double)h->point[i + 1] - 2 * (double)h->point[i] + (double)h->point[i - 1])) * range;
    return line;
}

VECTORISED static void move(float *restrict box, const struct line *restrict line, int bends)
{
    float level[BOX_VOXELS];
    for (int v = 0; v < BOX_VOXELS; v++) {
        level[v] = (box[v] - line->low) * line->to_level;
        box[v] = line->a + line->b * level[v];
    }
    for (int first = 0; first < bends; first += AT_ONCE)
        for (int v = 0; v < BOX_VOXELS; v++) {
            float y = box[v];
#pragma GCC unroll 8
            for (int i = 0; i < AT_ONCE; i++)
                y += line->bend[first + i] * fabsf(level[v] - (float)(first + i + 1));
            box[v] = y;
        }
}

VECTORISED static void extremes(const float *box, int channels, float *low, float *high)
{
    vector_extremes(box, (size_t)channels * BOX_VOXELS, low, high);
}

static void apply(float *box, int channels, const union draw *d)
{
    float low, high;
    extremes(box, channels, &low, &high);
    if (!(high - low > 1e-30f))
        return; /* a constant box has no levels to move */
    struct line line = line_through(&d->histogram, low, high - low);
    for (int c = 0; c < channels; c++)
        move(box + c * BOX_VOXELS, &line, d->histogram.points - 2);
}

static void describe(const union draw *d, char *text, size_t size)
{
    int used = snprintf(text, size, "points");
    for (int i = 0; i < d->histogram.points && used > 0 && (size_t)used < size; i++)
        used += snprintf(text + used, size - (size_t)used, " %.4f", (double)d->histogram.point[i]);
}

static void tell(const union draw *d, struct augmentation_step *s)
{
    s->count = d->histogram.points;
    for (int i = 0; i < s->count; i++)
        s->number[i] = (double)d->histogram.point[i];
}

const struct augmentation augment_histogram = {draw, apply, describe, tell};
