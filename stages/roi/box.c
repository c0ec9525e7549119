/* SPDX-License-Identifier: Apache-2.0 */
/* box -- the 16^3 voxels around a region.   property -> [box] */
#include "stages/roi/box.h"

#include <math.h>
#include <string.h>

void box_place(const double centroid[3], bool truncate, int32_t box_low[3])
{
    for (int a = 0; a < 3; a++)
        box_low[a] = (int32_t)floor(centroid[a] + (truncate ? 0 : 0.5)) - BOX_SIDE / 2;
}

bool box_reaches_end(const int32_t box_low[3], const int64_t dim[3])
{
    for (int a = 0; a < 3; a++)
        if (box_low[a] + BOX_SIDE >= dim[a])
            return true;
    return false;
}

/* The row of a channel's voxels that begins at `at` into a row of the box. */
static void row_copy(const struct volume *v, int channel, size_t at, size_t count, float *row)
{
    if (channel == BOX_PET)
        memcpy(row, v->voxel + at, count * sizeof *row);
    else
        for (size_t i = 0; i < count; i++)
            row[i] = v->ct[at + i];
}

bool box_crop(const struct volume *v, const int32_t box_low[3], int channels, float *box)
{
    static const float air[BOX_CHANNELS] = {[BOX_PET] = 0, [BOX_CT] = CT_OUTSIDE_HU};
    const int64_t *dim = v->grid.dim;
    int64_t from[3], to[3]; /* the part inside the scan, in box coordinates */
    bool clipped = false;
    for (int a = 0; a < 3; a++) {
        from[a] = box_low[a] < 0 ? -box_low[a] : 0;
        to[a] = box_low[a] + BOX_SIDE > dim[a] ? dim[a] - box_low[a] : BOX_SIDE;
        clipped |= from[a] > 0 || to[a] < BOX_SIDE;
    }
    for (int c = 0; c < channels; c++, box += BOX_VOXELS) {
        for (int i = 0; i < BOX_VOXELS; i++)
            box[i] = air[c];
        for (int64_t z = from[0]; z < to[0]; z++)
            for (int64_t y = from[1]; y < to[1]; y++)
                if (to[2] > from[2])
                    row_copy(v, c, grid_at(&v->grid, z + box_low[0], y + box_low[1], from[2] + box_low[2]),
                             (size_t)(to[2] - from[2]), box + (z * BOX_SIDE + y) * BOX_SIDE + from[2]);
    }
    return clipped;
}
