/* SPDX-License-Identifier: Apache-2.0 */
/* ball -- the mean of an image in a sphere of 1 ml: SUVpeak.   common */
#include "common/ball.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void ball_make(struct ball *b, const double spacing_mm[3])
{
    double radius = cbrt(3000 / (4 * acos(-1))); /* of 1 ml = 1000 mm^3 */
    size_t most = 1;
    for (int a = 0; a < 3; a++) {
        b->reach[a] = (int32_t)(radius / spacing_mm[a]);
        most *= (size_t)(2 * b->reach[a] + 1);
    }
    b->count = 0;
    b->offset = xalloc(most, sizeof *b->offset);
    for (int32_t z = -b->reach[0]; z <= b->reach[0]; z++)
        for (int32_t y = -b->reach[1]; y <= b->reach[1]; y++)
            for (int32_t x = -b->reach[2]; x <= b->reach[2]; x++) {
                double dz = z * spacing_mm[0], dy = y * spacing_mm[1], dx = x * spacing_mm[2];
                if (dz * dz + dy * dy + dx * dx <= radius * radius) {
                    b->offset[b->count].z = z, b->offset[b->count].y = y, b->offset[b->count].x = x;
                    b->count++;
                }
            }
}

void ball_free(struct ball *b)
{
    free(b->offset);
    memset(b, 0, sizeof *b);
}

double ball_mean(const struct volume *v, const struct ball *b, int64_t z, int64_t y, int64_t x)
{
    const int64_t *dim = v->grid.dim;
    bool inside = z >= b->reach[0] && z < dim[0] - b->reach[0] && y >= b->reach[1] && y < dim[1] - b->reach[1] &&
                  x >= b->reach[2] && x < dim[2] - b->reach[2];
    double sum = 0;
    int count = 0;
    for (int i = 0; i < b->count; i++) {
        int64_t bz = z + b->offset[i].z, by = y + b->offset[i].y, bx = x + b->offset[i].x;
        if (!inside && (bz < 0 || bz >= dim[0] || by < 0 || by >= dim[1] || bx < 0 || bx >= dim[2]))
            continue;
        sum += (double)v->voxel[grid_at(&v->grid, bz, by, bx)];
        count++;
    }
    return sum / count;
}
