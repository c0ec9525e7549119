/* SPDX-License-Identifier: Apache-2.0 */
/* component -- connected components by union-find on runs.   body, method, holes -> [component]
 *
 * A run is a stretch of neighbouring voxels along x. A PET volume of 52 M voxels has a few hundred thousand of them, so
 * the work after one read of the volume is small whatever the connectivity.
 * Arrays are [D][H][W] as everywhere; a row is z*H + y. */
#ifndef PETREL_ROI_COMPONENT_H
#define PETREL_ROI_COMPONENT_H
#include "common/base.h"

struct run {
    int32_t row, begin, end;
}; /* voxels begin .. end-1 */
struct runs {
    int64_t dim[3];
    struct run *run; /* in raster order */
    size_t count, room;
    size_t *row_first; /* [D*H+1]: runs of row r are row_first[r] .. row_first[r+1]-1 */
};

/* Fill *r, which need not be initialised; runs_free() it. NaN is below every threshold. */
void runs_at_least(struct runs *r, const float *voxel, const int64_t dim[3], float threshold);
void runs_of(struct runs *r, const uint8_t *mask, const int64_t dim[3]); /* non-zero voxels */
void runs_complement(struct runs *r, const struct runs *of);
void runs_free(struct runs *r);

/* By hand: open, append in raster order, close (which makes row_first; again, where runs were changed). */
void runs_open(struct runs *r, const int64_t dim[3]);
void runs_append(struct runs *r, int64_t row, int64_t begin, int64_t end);
void runs_close(struct runs *r);

/* component[i] of each run, 1.. in raster order of each component's first voxel; returns how many.
 * connectivity: 6 (faces), 18 (and edges), 26 (and corners), or 4 (faces within a slice only). */
uint32_t components_label(const struct runs *r, int connectivity, uint32_t *component);
#endif
