/* SPDX-License-Identifier: Apache-2.0 */
/* region -- what one region's voxels tell: uptake, shape.   measure -> [region] -> mesh */
#include "stages/classify/quantities/region.h"
#include "stages/classify/quantities/mesh.h"
#include <math.h>
#include <stdlib.h>

static void place(const struct grid *g, size_t at, int64_t zyx[3])
{
    zyx[2] = (int64_t)at % g->dim[2];
    zyx[1] = (int64_t)at / g->dim[2] % g->dim[1];
    zyx[0] = (int64_t)at / g->dim[2] / g->dim[1];
}

void region_shape(const struct grid *g, const size_t *index, size_t n, struct region_quantities *q)
{
    int64_t low[3], high[3], dim[3], zyx[3];
    double sum[3] = {0, 0, 0}, ras[3];
    place(g, index[0], low);
    place(g, index[0], high);
    for (size_t i = 0; i < n; i++) {
        place(g, index[i], zyx);
        for (int a = 0; a < 3; a++) {
            low[a] = zyx[a] < low[a] ? zyx[a] : low[a];
            high[a] = zyx[a] > high[a] ? zyx[a] : high[a];
            sum[a] += (double)zyx[a];
        }
    }
    for (int a = 0; a < 3; a++) {
        dim[a] = high[a] - low[a] + 3; /* one voxel of outside all round */
        sum[a] /= (double)n;
    }
    grid_to_mm(g, sum, ras);
    q->x_ras_mm = ras[0], q->y_ras_mm = ras[1], q->z_ras_mm = ras[2];
    q->x_lps_mm = -ras[0], q->y_lps_mm = -ras[1], q->z_lps_mm = ras[2];

    uint8_t *mask = xalloc((size_t)(dim[0] * dim[1] * dim[2]), 1);
    for (size_t i = 0; i < n; i++) {
        place(g, index[i], zyx);
        mask[((zyx[0] - low[0] + 1) * dim[1] + zyx[1] - low[1] + 1) * dim[2] + zyx[2] - low[2] + 1] = 1;
    }
    struct mesh_measure m;
    mesh_measure(mask, dim, g->spacing_mm, &m);
    free(mask);
    q->voxels = (double)n;
    q->ml = (double)n * grid_voxel_ml(g);
    q->mesh_ml = m.volume_mm3 / 1000;
    q->surface_mm2 = m.surface_mm2;
    q->sphericity = cbrt(36 * acos(-1) * m.volume_mm3 * m.volume_mm3) / m.surface_mm2;
    q->diameter_mm = m.diameter_mm;
    q->diameter_axial_mm = m.diameter_axial_mm;
}

static int by_value(const void *a, const void *b)
{
    float const p = *(const float *)a, q = *(const float *)b;
    return (p > q) - (p < q);
}

static double median(const struct volume *v, const size_t *index, size_t n)
{
    float *value = xalloc(n, sizeof *value);
    for (size_t i = 0; i < n; i++)
        value[i] = v->voxel[index[i]];
    qsort(value, n, sizeof *value, by_value);
    double const middle = ((double)value[(n - 1) / 2] + (double)value[n / 2]) / 2;
    free(value);
    return middle;
}

void region_uptake(const struct volume *v, const struct ball *b, const size_t *index, size_t n,
                   struct region_quantities *q)
{
    double sum = 0, squares = 0;
    float max = -INFINITY;
    q->suv_peak = q->suv_peak_local = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        sum += (double)v->voxel[index[i]];
        max = v->voxel[index[i]] > max ? v->voxel[index[i]] : max;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t zyx[3];
        double const off = (double)v->voxel[index[i]] - sum / (double)n;
        place(&v->grid, index[i], zyx);
        double const peak = ball_mean(v, b, zyx[0], zyx[1], zyx[2]);
        squares += off * off;
        q->suv_peak = fmax(q->suv_peak, peak);
        if (v->voxel[index[i]] >= max)
            q->suv_peak_local = fmax(q->suv_peak_local, peak);
    }
    q->suv_max = (double)max;
    q->suv_mean = sum / (double)n;
    q->suv_median = median(v, index, n);
    q->suv_sd = sqrt(squares / (double)n);
    q->tlg_g = q->suv_mean * q->ml;
}
