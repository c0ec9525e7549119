/* SPDX-License-Identifier: Apache-2.0 */
/* suv_voxels -- the factor applied, and what the volume is like then.   proto */
#include "proto/suv.h"
#include <math.h>

/* Comparisons of floats block vectorising only for fear of a trap nobody here has set; no value changes. */
#pragma GCC optimize("no-trapping-math")

enum {
    LANES = 16
}; /* sums beside each other, as many on every processor: their order is fixed, and an add need not wait for the last */

VECTORISED static void scale(float *voxel, size_t count, double factor)
{
    for (size_t i = 0; i < count; i++)
        voxel[i] = (float)(voxel[i] * factor);
}

static double lanes_together(const double sum[LANES])
{
    double all = 0;
    for (size_t k = 0; k < LANES; k++)
        all += sum[k];
    return all;
}

VECTORISED static double sum_and_most(const float *voxel, size_t count, float *most)
{
    double sum[LANES] = {0};
    float lane[LANES];
    size_t i = 0;
    for (size_t k = 0; k < LANES; k++)
        lane[k] = -HUGE_VALF;
    for (; i + LANES <= count; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            sum[k] += voxel[i + k];
            lane[k] = voxel[i + k] > lane[k] ? voxel[i + k] : lane[k];
        }
    for (; i < count; i++) {
        sum[i % LANES] += voxel[i];
        lane[i % LANES] = voxel[i] > lane[i % LANES] ? voxel[i] : lane[i % LANES];
    }
    *most = lane[0];
    for (size_t k = 1; k < LANES; k++)
        *most = lane[k] > *most ? lane[k] : *most;
    return lanes_together(sum);
}

/* Squares about the mean; and of what is brighter than `bright`, sum and count: both while a voxel is at hand. */
VECTORISED static double squares_about(const float *voxel, size_t count, double mean, float bright, double *bright_sum,
                                       double *bright_count)
{
    double sum[LANES] = {0}, above[LANES] = {0}, many[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            double const value = voxel[i + k], counts = voxel[i + k] > bright ? 1.0 : 0.0;
            sum[k] += (value - mean) * (value - mean);
            above[k] += counts * value;
            many[k] += counts;
        }
    for (; i < count; i++) {
        double const value = voxel[i], counts = voxel[i] > bright ? 1.0 : 0.0;
        sum[i % LANES] += (value - mean) * (value - mean);
        above[i % LANES] += counts * value;
        many[i % LANES] += counts;
    }
    *bright_sum = lanes_together(above);
    *bright_count = lanes_together(many);
    return lanes_together(sum);
}

void suv_apply(struct volume *v, const struct scan_facts *f)
{
    if (f->suv_factor != 1)
        scale(v->voxel, (size_t)grid_voxels(&v->grid), f->suv_factor);
}

/* HU are whole: their sums are exact, in any order. */
static void ct_statistics(const struct volume *v, struct scan_facts *f)
{
    size_t const count = grid_voxels(&v->grid);
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += v->ct[i];
    f->ct_mean = (double)sum / (double)count;
    int64_t near = llrint(f->ct_mean), about = 0; /* squares about a whole number close to the mean */
    for (size_t i = 0; i < count; i++)
        about += (v->ct[i] - near) * (v->ct[i] - near);
    double squares = (double)about - (double)count * (f->ct_mean - (double)near) * (f->ct_mean - (double)near);
    f->ct_sd = count > 1 ? sqrt(fmax(squares, 0) / (double)(count - 1)) : 0;
}

void suv_clip(struct volume *v, double low, double high)
{
    size_t const count = grid_voxels(&v->grid);
    float const least = (float)low, most = (float)high;
    for (size_t i = 0; i < count; i++) {
        float raised = v->voxel[i] < least ? least : v->voxel[i];
        v->voxel[i] = raised > most ? most : raised;
    }
}

void suv_statistics(const struct volume *v, struct scan_facts *f)
{
    size_t const count = grid_voxels(&v->grid);
    float most;
    f->volume_mean = sum_and_most(v->voxel, count, &most) / (double)count;
    f->suv_max = (double)most;
    double bright_sum, bright_count;
    double const squares =
        squares_about(v->voxel, count, f->volume_mean, (float)(0.5 * f->volume_mean), &bright_sum, &bright_count);
    f->volume_sd = count > 1 ? sqrt(squares / (double)(count - 1)) : 0;
    f->body_mean = bright_count > 0 ? bright_sum / bright_count : 0;
    if (v->ct)
        ct_statistics(v, f);
}
