/* SPDX-License-Identifier: Apache-2.0 */
/* body_map -- the scan in coarse cells.   result -> [body_map] */
#include "stages/classify/body_map.h"
#include "common/file.h"
#include <math.h>
#include <stdlib.h>

/* Whole voxels a cell; what is left over at the end of an axis makes no cell. */
static void cells_lay(const struct grid *g, int64_t each[3], struct grid *cells)
{
    *cells = *g;
    for (int a = 0; a < 3; a++) {
        each[a] = llround(BODY_CELL_MM / g->spacing_mm[a]);
        each[a] = each[a] < 1 ? 1 : each[a] > g->dim[a] ? g->dim[a] : each[a];
        cells->dim[a] = g->dim[a] / each[a];
        cells->spacing_mm[a] *= (double)each[a];
        for (int i = 0; i < 3; i++) { /* a cell's middle lies half a cell less half a voxel after its first voxel's */
            cells->affine[i][3] += 0.5 * (double)(each[a] - 1) * g->affine[i][2 - a];
            cells->affine[i][2 - a] *= (double)each[a];
        }
    }
}

int body_map_write(const struct volume *v, const char *dir, struct error *e)
{
    struct grid cells;
    int64_t each[3];
    if (v->voxel == NULL)
        return 0;
    cells_lay(&v->grid, each, &cells);
    float *sum = xalloc(grid_voxels(&cells), sizeof *sum);
    for (int64_t z = 0; z < cells.dim[0] * each[0]; z++)
        for (int64_t y = 0; y < cells.dim[1] * each[1]; y++) {
            const float *from = v->voxel + grid_at(&v->grid, z, y, 0);
            float *to = sum + grid_at(&cells, z / each[0], y / each[1], 0);
            for (int64_t x = 0; x < cells.dim[2]; x++)
                for (int64_t k = 0; k < each[2]; k++)
                    to[x] += *from++;
        }
    double const scale = BODY_PER_SUV / (double)(each[0] * each[1] * each[2]);
    uint8_t *made = xalloc(grid_voxels(&cells), 1);
    for (size_t i = 0; i < grid_voxels(&cells); i++)
        made[i] = (uint8_t)fmin(fmax((double)sum[i] * scale + 0.5, 0.0), 255.0);
    char *path = path_join(dir, "body.nii.gz");
    int rc = nifti_write(path, &cells, 2, made, "petrel: mean SUV x 40, for follow-up", e);
    free(path);
    free(made);
    free(sum);
    return rc;
}
