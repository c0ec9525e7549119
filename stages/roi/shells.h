/* SPDX-License-Identifier: Apache-2.0 */
/* shells -- what lies around a place: voxels on spheres about it that grow with its region.   [shells] -> reach
 *
 * A region that grows from one voxel on has the radius of a ball of its volume; each half voxel (of the shortest side) that this
 * radius has grown, it is looked around anew, on a sphere around_mm outside the ball. These spheres are the same for all regions of a
 * scan, so their voxels are found once. What is outside the scan is air. */
#ifndef PETREL_ROI_SHELLS_H
#define PETREL_ROI_SHELLS_H
#include "common/base.h"

enum { SHELL_RAYS = 96 };

struct shell {
    uint32_t voxels; /* of a region that looks at this one, until it has as many as the next says */
    int64_t far[3];  /* the most any voxel is away, z y x */
    int64_t away[SHELL_RAYS][3], offset[SHELL_RAYS];
};
struct shells {
    const float *suv;
    int64_t dim[3];
    double spacing_mm[3], around_mm, ray[SHELL_RAYS][3];
    struct shell *shell;
    size_t count, room;
};
/* suv: dim[0] x dim[1] x dim[2]; borrowed. */
void shells_open(struct shells *s, const float *suv, const int64_t dim[3], const double spacing_mm[3], double around_mm);
void shells_close(struct shells *s);
/* From how many voxels on a region looks at the index-th shell. */
uint32_t shell_voxels(struct shells *s, size_t index);
/* SUV around voxel `at`. The index is of one that was asked for by shell_voxels. */
double shell_around(const struct shells *s, size_t index, int64_t at);
/* Whether that is at most `suv`: quicker. */
bool shell_is_below(const struct shells *s, size_t index, int64_t at, float suv);
#endif
