/* SPDX-License-Identifier: Apache-2.0 */
/* crop -- fewer slices: between two heights, or down to the thighs.   suv -> [crop] */
#include "stages/suv/suv.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BODY_SUV       0.1f   /* air and its noise lie below */
#define BODY_LEAST_MM2 4000.0 /* a slice with less is below the feet, or holds only noise */
#define LEG_LEAST_MM2  2000.0 /* a calf has more, an arm less */
#define LEGS_ALIKE                                                                                                     \
    0.5 /* the smaller leg's cross-section as a share of the larger one's; an arm beside a trunk is under 0.2 */
#define VALLEY_DEEPEST 0.5   /* between legs the body is at most this share as deep as the thinner leg */
#define JOINED_MM      30.0  /* legs have met where they stay together over this height */
#define TRUNK_LEAST_MM 150.0 /* of body above the legs, or it is a scan of legs */

/* Height of a slice: slices are level but for a few degrees, so its middle stands for it. */
static double slice_mm(const struct grid *g, int64_t z)
{
    double const middle[3] = {(double)z, (double)(g->dim[1] - 1) / 2, (double)(g->dim[2] - 1) / 2};
    double at[3];
    grid_to_mm(g, middle, at);
    return at[2];
}

static void slices_keep(struct volume *v, int64_t first, int64_t last)
{
    struct grid *g = &v->grid;
    size_t const plane = (size_t)(g->dim[1] * g->dim[2]), from = plane * (size_t)first,
                 count = plane * (size_t)(last - first + 1);
    memmove(v->voxel, v->voxel + from, count * sizeof *v->voxel);
    if (v->mask)
        memmove(v->mask, v->mask + from, count);
    if (v->ct)
        memmove(v->ct, v->ct + from, count * sizeof *v->ct);
    if (v->organ)
        memmove(v->organ, v->organ + from, count);
    for (int i = 0; i < 3; i++)
        g->affine[i][3] += g->affine[i][2] * (double)first;
    g->dim[0] = last - first + 1;
}

int volume_crop(struct volume *v, double low_mm, double high_mm, struct error *e)
{
    int64_t first = v->grid.dim[0], last = -1;
    for (int64_t z = 0; z < v->grid.dim[0]; z++) {
        double mm = slice_mm(&v->grid, z);
        if (mm >= low_mm && mm <= high_mm) {
            first = z < first ? z : first;
            last = z;
        }
    }
    if (last < first)
        return fail(e, "no slice lies between %g and %g mm (--crop)", low_mm, high_mm);
    slices_keep(v, first, last);
    return 0;
}

/* depth[x]: how many voxels of the slice's column x are body. Returns their sum. */
static int64_t slice_depth(const struct volume *v, int64_t z, int32_t *depth)
{
    int64_t const H = v->grid.dim[1], W = v->grid.dim[2];
    int64_t sum = 0;
    memset(depth, 0, (size_t)W * sizeof *depth);
    for (int64_t y = 0; y < H; y++) {
        const float *row = v->voxel + grid_at(&v->grid, z, y, 0);
        for (int64_t x = 0; x < W; x++)
            depth[x] += row[x] >= BODY_SUV;
    }
    for (int64_t x = 0; x < W; x++)
        sum += depth[x];
    return sum;
}

/* Seen from the front, two bodies alike side by side with a valley between: the legs. */
static bool slice_has_legs(const int32_t *depth, int64_t W, int64_t sum, double pixel_mm2)
{
    int32_t *right_most = xalloc((size_t)W + 1, sizeof *right_most), left_most = 0;
    for (int64_t x = W - 1; x >= 0; x--)
        right_most[x] = depth[x] > right_most[x + 1] ? depth[x] : right_most[x + 1];
    int64_t left = 0;
    bool legs = false;
    for (int64_t x = 0; x < W && !legs; x++) {
        left += depth[x];
        left_most = depth[x] > left_most ? depth[x] : left_most;
        int64_t smaller = left < sum - left ? left : sum - left, larger = sum - smaller;
        int32_t thinner = left_most < right_most[x + 1] ? left_most : right_most[x + 1];
        legs = (double)smaller * pixel_mm2 >= LEG_LEAST_MM2 && (double)smaller >= LEGS_ALIKE * (double)larger &&
               (double)depth[x] <= VALLEY_DEEPEST * (double)thinner;
    }
    free(right_most);
    return legs;
}

bool legs_part(const struct volume *v, int64_t *slice)
{
    const struct grid *g = &v->grid;
    int32_t *depth = xalloc((size_t)g->dim[2], sizeof *depth);
    double const pixel_mm2 = g->spacing_mm[1] * g->spacing_mm[2];
    int64_t top_of_legs = -1, body = -1, joined = 0;
    int64_t const joined_for = (int64_t)ceil(JOINED_MM / g->spacing_mm[0]);
    for (int64_t z = 0; z < g->dim[0] && joined < joined_for; z++) {
        int64_t sum = slice_depth(v, z, depth);
        if ((double)sum * pixel_mm2 < BODY_LEAST_MM2 && body < 0)
            continue; /* below the feet */
        body = body < 0 ? z : body;
        if (slice_has_legs(depth, g->dim[2], sum, pixel_mm2)) {
            top_of_legs = z;
            joined = 0;
        } else {
            joined++;
        }
    }
    free(depth);
    *slice = top_of_legs;
    return top_of_legs >= 0 && joined >= joined_for &&
           (double)(g->dim[0] - top_of_legs) * g->spacing_mm[0] >= TRUNK_LEAST_MM;
}

void volume_crop_thighs(struct volume *v, double below_mm, char *how, size_t size)
{
    const struct grid *g = &v->grid;
    int64_t slice;
    if (!legs_part(v, &slice)) {
        format_into(how, size, "thighs: left whole, no place where legs part is in the scan");
        return;
    }
    double parting_mm = slice_mm(g, slice);
    int64_t first = slice - (int64_t)floor(below_mm / g->spacing_mm[0] + 0.5);
    if (first <= 0) {
        format_into(how, size, "thighs: left whole, legs part at %.0f mm and the scan ends %.0f mm below", parting_mm,
                    (double)slice * g->spacing_mm[0]);
        return;
    }
    format_into(how, size, "thighs: legs part at %.0f mm, %lld slices below %.0f mm cut off", parting_mm,
                (long long)first, slice_mm(g, first));
    slices_keep(v, first, g->dim[0] - 1);
}
