/* SPDX-License-Identifier: Apache-2.0 */
/* outlines -- the regions as each rule would draw them.   measure -> [outlines]
 *
 * A rule is a threshold: fixed, from the liver, or a share of each region's own SUVmax. A region's part of what reaches it: its own voxels
 * that do, and whatever joins them face to face, through voxels that do, up to OUTLINE_REACH_MM from its own nearest-grown voxel; of
 * what several regions reach, each voxel is that one's which reaches it in fewer steps (the lower number on a draw). Regions that were
 * left out as an organ's take their part, too, and are not counted: a lesion beside the bladder does not become the bladder. */
#ifndef PETREL_CLASSIFY_OUTLINES_H
#define PETREL_CLASSIFY_OUTLINES_H
#include "common/volume.h"
#include "stages/classify/quantities/voxels.h"

#define OUTLINE_REACH_MM 20.0 /* nobody who draws by a threshold follows a lesion through the liver it lies in */

struct outline {
    double ml, tlg_g;
};
/* threshold: of each of x->count regions; NAN: it has none by this rule. own: the first `own` of them are counted, into out[own]. */
void outlines_measure(const struct volume *v, const struct voxels *x, size_t own, const double *threshold,
                      struct outline *out);
#endif
