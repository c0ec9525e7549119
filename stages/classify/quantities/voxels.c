/* SPDX-License-Identifier: Apache-2.0 */
/* voxels -- each region's voxels as a list, from the label map's runs.   regions message -> [voxels] -> measure, outlines */
#include "stages/classify/quantities/voxels.h"
#include "common/map_runs.h"
#include <stdlib.h>
#include <string.h>

/* row[value]: which region a value of the map is of, from 1; 0: none that is told of. */
static uint32_t *rows_make(const struct region *region, size_t count, size_t before, uint32_t most)
{
    uint32_t *row = xalloc((size_t)most + 1, sizeof *row);
    for (size_t i = 0; i < count; i++) {
        size_t const value = region[i].component > 0 ? (size_t)region[i].component : i + 1;
        if (value <= most)
            row[value] = (uint32_t)(before + i + 1);
    }
    return row;
}

static uint32_t map_most(const struct buffer *runs)
{
    uint32_t most = 0;
    for (size_t i = 0; i < map_runs(runs); i++)
        most = map_run_at(runs, i).value > most ? map_run_at(runs, i).value : most;
    return most;
}

int voxels_of(struct voxels *x, const struct grid *g, const struct voxels_map map[2], struct error *e)
{
    *x = (struct voxels){.count = map[0].count + map[1].count};
    for (int m = 0; m < 2; m++)
        if (map[m].runs->size && labels_decode(map[m].runs, NULL, grid_voxels(g), e) < 0)
            return -1;
    uint32_t *row[2];
    for (int m = 0; m < 2; m++)
        row[m] = rows_make(map[m].region, map[m].count, m ? map[0].count : 0, map_most(map[m].runs));
    x->first = xalloc(x->count + 2, sizeof *x->first);
    size_t *const filled = x->first + 1; /* shifted by one while counting: then each becomes its region's end */
    for (int m = 0; m < 2; m++)
        for (size_t i = 0; i < map_runs(map[m].runs); i++) {
            struct map_run const r = map_run_at(map[m].runs, i);
            if (row[m][r.value])
                filled[row[m][r.value]] += r.length;
        }
    for (size_t i = 1; i <= x->count; i++)
        filled[i] += filled[i - 1];
    x->index = xalloc(filled[x->count] + 1, sizeof *x->index);
    for (int m = 0; m < 2; m++) {
        size_t at = 0;
        for (size_t i = 0; i < map_runs(map[m].runs); i++) {
            struct map_run const r = map_run_at(map[m].runs, i);
            size_t *to = row[m][r.value] ? &filled[row[m][r.value] - 1] : NULL;
            for (uint32_t k = 0; to && k < r.length; k++)
                x->index[(*to)++] = at + k;
            at += r.length;
        }
        free(row[m]);
    }
    return 0;
}

void voxels_free(struct voxels *x)
{
    free(x->first);
    free(x->index);
    *x = (struct voxels){0};
}
