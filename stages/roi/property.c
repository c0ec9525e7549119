/* SPDX-License-Identifier: Apache-2.0 */
/* property -- what is measured of a region: volume, uptake, place.   extent -> [property] */
#include "stages/roi/property.h"
#include "stages/roi/position.h"

#include <math.h>
#include <string.h>

void region_measure(const struct volume *v, const struct extents *x, uint32_t region, const int64_t low[3],
                    const struct ball *b, bool axes_itk, struct region *r)
{
    double sum = 0, peak = -INFINITY;
    float max = -INFINITY;
    int64_t voxels = 0, in_truth = 0;
    for (size_t i = x->first[region]; i < x->first[region + 1]; i++) {
        const struct run *run = &x->run[i];
        int64_t z = run->row / x->dim[1] + low[0], y = run->row % x->dim[1] + low[1], begin = run->begin + low[2];
        size_t at = grid_at(&v->grid, z, y, begin);
        for (int64_t k = 0; k < run->end - run->begin; k++) {
            float suv = v->voxel[at + (size_t)k];
            sum += (double)suv;
            max = suv > max ? suv : max;
            peak = fmax(peak, ball_mean(v, b, z, y, begin + k));
            if (v->mask)
                in_truth += v->mask[at + (size_t)k] != 0;
        }
        voxels += run->end - run->begin;
    }

    struct moments m;
    moments_of(x, region, low, &m);
    r->component = (int32_t)region + 1;
    r->voxels = voxels;
    r->ml = (double)voxels * grid_voxel_ml(&v->grid);
    r->suv_max = (double)max;
    r->suv_mean = sum / (double)voxels;
    r->suv_peak = peak;
    r->overlap = v->mask ? (double)in_truth / (double)voxels : NAN;
    memcpy(r->centroid, m.mean, sizeof r->centroid);
    grid_to_mm(&v->grid, r->centroid, r->centroid_mm);
    extent_bounds(x, region, r->low, r->high);
    for (int a = 0; a < 3; a++) {
        r->low[a] += (int32_t)low[a];
        r->high[a] += (int32_t)low[a];
    }
    position_of(x, region, &m, v->grid.spacing_mm, axes_itk, r->position);
}
