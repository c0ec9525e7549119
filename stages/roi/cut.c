/* SPDX-License-Identifier: Apache-2.0 */
/* cut -- what a region of an organ that is left out holds beside the organ is a region of its own.   peaks -> [cut] -> method */
#include "stages/roi/cut.h"
#include "proto/organ.h"
#include "stages/roi/again.h"
#include "stages/roi/peaks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS = 256 };

/* Whether a row has any label. */
static bool is_labelled(const uint32_t *row, int64_t count)
{
    uint32_t any = 0;
    for (int64_t x = 0; x < count; x++)
        any |= row[x];
    return any;
}

/* The organ of each region, ORGAN_LABEL_NONE of those that stay. */
static uint8_t *organs_of_regions(const struct organ_look *o, double share, const uint32_t *label, uint32_t count)
{
    uint8_t *organ = xalloc((size_t)count + 1, sizeof *organ);
    uint32_t *voxels = xalloc(((size_t)count + 1) * LABELS, sizeof *voxels);
    for (int64_t z = 0; z < o->dim[0]; z++)
        for (int64_t y = 0; y < o->dim[1]; y++) {
            const uint32_t *row = label + (z * o->dim[1] + y) * o->dim[2];
            if (!is_labelled(row, o->dim[2]))
                continue; /* the margin, for one, which is not the scan's */
            const uint8_t *at = o->scan->organ + grid_at(&o->scan->grid, z + o->low[0], y + o->low[1], 0) + o->low[2];
            for (int64_t x = 0; x < o->dim[2]; x++)
                if (row[x])
                    voxels[row[x] * LABELS + at[x]]++;
        }
    for (uint32_t k = 1; k <= count; k++) {
        const uint32_t *of = voxels + (size_t)k * LABELS;
        double all = 0;
        int most = 1;
        for (int i = 0; i < LABELS; i++) {
            all += of[i];
            most = i && of[i] > of[most] ? i : most;
        }
        if (most < ORGAN_LABELS && o->which >> most & 1 && of[most] >= share * all)
            organ[k] = (uint8_t)most;
    }
    free(voxels);
    return organ;
}

/* From a core's first voxel on, those of its region that are joined with it, into list[]; they are no cores any more. Returns how many. */
static size_t core_list(uint8_t *core, const uint32_t *label, const int64_t *step, int steps, uint32_t first,
                        uint32_t *list)
{
    size_t count = 0;
    list[count++] = first;
    core[first] = 0;
    for (size_t i = 0; i < count; i++)
        for (int n = 0; n < steps; n++) {
            int64_t beside = (int64_t)list[i] + step[n];
            if (core[beside] && label[beside] == label[first]) {
                core[beside] = 0;
                list[count++] = (uint32_t)beside;
            }
        }
    return count;
}

/* Marks what lies far outside the organ of its region. Returns how many voxels do. */
static size_t cores_mark(const struct organ_look *o, const uint8_t *organ, const uint32_t *label, uint8_t *core)
{
    size_t count = 0;
    for (int64_t row = 0; row < o->dim[0] * o->dim[1]; row++) {
        size_t begin = (size_t)(row * o->dim[2]), end = begin + (size_t)o->dim[2];
        if (!is_labelled(label + begin, o->dim[2]))
            continue;
        for (size_t i = begin; i < end; i++)
            if (organ[label[i]] && organ_near(o, i, 0) == ORGAN_LABEL_NONE &&
                organ_near(o, i, PEAKS_ORGAN_MM) == ORGAN_LABEL_NONE) {
                core[i] = 1;
                count++;
            }
    }
    return count;
}

uint32_t organs_cut(const struct organ_look *o, double share, double core_ml, uint32_t *label, uint32_t count)
{
    size_t voxels = (size_t)(o->dim[0] * o->dim[1] * o->dim[2]);
    double least = ceil(core_ml / grid_voxel_ml(&o->scan->grid) - 1e-9);
    uint8_t *organ = organs_of_regions(o, share, label, count), *core = xalloc(voxels, sizeof *core);
    size_t cores = cores_mark(o, organ, label, core);
    uint32_t *list = xresize(NULL, cores + 1, sizeof *list);
    int64_t step[26], at[3];
    int steps = flood_neighbours(o->dim, 26, step);
    struct near near;
    near_open(&near, o->dim, o->scan->grid.spacing_mm, PEAKS_ORGAN_MM);
    for (const uint8_t *next = core; cores && (next = memchr(next, 1, voxels - (size_t)(next - core)));) {
        size_t i = (size_t)(next - core);
        uint32_t whole = label[i];
        size_t found = core_list(core, label, step, steps, (uint32_t)i, list);
        if ((double)found < least)
            continue;
        count++;
        for (size_t k = 0; k < found; k++) {
            near_place(&near, list[k], at);
            for (int n = 0; n < near.count; n++) {
                int64_t beside = list[k] + near.offset[n];
                if (near_inside(&near, at, n) && label[beside] == whole && !core[beside] &&
                    organ_near(o, (size_t)beside, 0) == ORGAN_LABEL_NONE)
                    label[beside] = count;
            }
        }
    }
    near_close(&near);
    free(list);
    free(core);
    free(organ);
    return count;
}
