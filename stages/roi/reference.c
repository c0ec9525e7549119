/* SPDX-License-Identifier: Apache-2.0 */
/* reference -- what uptake is compared with: liver, blood pool, spleen, marrow.   body -> [reference] -> regions */
#include "stages/roi/reference.h"
#include "proto/organ.h"
#include <math.h>

enum { TOLD = 3 };
struct sums {
    double n, sum, squares;
};

/* All 27 voxels are of one organ. */
static bool within(const struct volume *v, int64_t z, int64_t y, int64_t x)
{
    uint8_t const label = v->organ[grid_at(&v->grid, z, y, x)];
    for (int64_t dz = -1; dz <= 1; dz++)
        for (int64_t dy = -1; dy <= 1; dy++)
            for (int64_t dx = -1; dx <= 1; dx++)
                if (v->organ[grid_at(&v->grid, z + dz, y + dy, x + dx)] != label)
                    return false;
    return true;
}

static void organs_sum(const struct volume *v, const int label[TOLD], struct sums s[TOLD])
{
    const int64_t *dim = v->grid.dim;
    for (int64_t z = 1; z + 1 < dim[0]; z++)
        for (int64_t y = 1; y + 1 < dim[1]; y++)
            for (int64_t x = 1; x + 1 < dim[2]; x++) {
                size_t const at = grid_at(&v->grid, z, y, x);
                for (int i = 0; v->organ[at] != ORGAN_LABEL_NONE && i < TOLD; i++)
                    if (v->organ[at] == label[i] && isfinite(v->voxel[at]) && within(v, z, y, x)) {
                        double const suv = (double)v->voxel[at];
                        s[i].n++, s[i].sum += suv, s[i].squares += suv * suv;
                    }
            }
}

void references_measure(const struct volume *v, const struct crop *body, const struct liver *known, double sphere_mm,
                        struct references *f)
{
    static const int by[] = {[LIVER_UNKNOWN] = REFERENCE_UNKNOWN,
                             [LIVER_BY_RULE] = REFERENCE_BY_RULE,
                             [LIVER_BY_MAP] = REFERENCE_BY_MAP,
                             [LIVER_GIVEN] = REFERENCE_GIVEN};
    struct liver liver = *known;
    references_init(f);
    if (liver.by == LIVER_UNKNOWN)
        liver_find(v, body, sphere_mm, &liver);
    f->liver_by = by[liver.by];
    if (liver.by != LIVER_UNKNOWN) {
        f->liver_mean = liver.mean;
        f->liver_sd = liver.sd;
        f->liver_ml = acos(-1) / 6 * pow(sphere_mm / 10, 3);
        grid_to_mm(&v->grid, liver.place, f->liver_mm);
        grid_to_mm(&v->grid, liver.centroid, f->liver_centroid_mm);
    }
    if (body->dim[0] > 2 && body->dim[1] > 2) { /* else there is no body: margins alone */
        f->body_low = (double)(body->low[0] + 1);
        f->body_high = (double)(body->low[0] + body->dim[0] - 2);
    }
    if (!v->organ)
        return;
    static const int label[TOLD] = {ORGAN_LABEL_AORTA, ORGAN_LABEL_SPLEEN, ORGAN_LABEL_VERTEBRAE};
    double *const mean[TOLD] = {&f->blood_mean, &f->spleen_mean, &f->marrow_mean};
    double *const ml[TOLD] = {&f->blood_ml, &f->spleen_ml, &f->marrow_ml};
    struct sums s[TOLD] = {0};
    organs_sum(v, label, s);
    for (int i = 0; i < TOLD; i++) {
        double const volume = s[i].n * grid_voxel_ml(&v->grid);
        if (s[i].n < 2 || volume < REFERENCE_ML)
            continue;
        *mean[i] = s[i].sum / s[i].n;
        *ml[i] = volume;
        if (i == 0)
            f->blood_sd = sqrt(fmax(s[i].squares - s[i].sum * s[i].sum / s[i].n, 0) / (s[i].n - 1));
    }
}
