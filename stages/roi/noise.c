/* SPDX-License-Identifier: Apache-2.0 */
/* noise -- how much of a scan's SUV is noise, from the scan itself.   body -> [noise] -> peaks */
#include "stages/roi/noise.h"

#include <math.h>
#include <stdlib.h>

/* Variance over mean of the cell at these voxels; negative: some of it is outside, or it is faint. */
static double cell_look(const struct crop *c, const int64_t at[3], const int64_t side[3])
{
    double sum = 0, squares = 0, n = (double)(side[0] * side[1] * side[2]);
    for (int64_t z = at[0]; z < at[0] + side[0]; z++)
        for (int64_t y = at[1]; y < at[1] + side[1]; y++) {
            const float *row = c->suv + (z * c->dim[1] + y) * c->dim[2] + at[2];
            for (int64_t x = 0; x < side[2]; x++) {
                double suv = (double)row[x];
                if (suv <= 0)
                    return -1;
                sum += suv, squares += suv * suv;
            }
        }
    double mean = sum / n;
    return mean < NOISE_SUV ? -1 : fmax(squares - sum * mean, 0) / (n - 1) / mean;
}

static int double_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double noise_per_suv(const struct crop *body, const double spacing_mm[3])
{
    int64_t side[3], cells = 1;
    for (int a = 0; a < 3; a++) {
        side[a] = (int64_t)fmax(2, floor(NOISE_CELL_MM / spacing_mm[a] + 0.5));
        cells *= body->dim[a] / side[a];
    }
    double *ratio = xalloc((size_t)cells + 1, sizeof *ratio), answer = 0;
    size_t count = 0;
    for (int64_t z = 0; z + side[0] <= body->dim[0]; z += side[0])
        for (int64_t y = 0; y + side[1] <= body->dim[1]; y += side[1])
            for (int64_t x = 0; x + side[2] <= body->dim[2]; x += side[2]) {
                double r = cell_look(body, (const int64_t[3]){z, y, x}, side);
                if (r >= 0)
                    ratio[count++] = r;
            }
    if (count) {
        qsort(ratio, count, sizeof *ratio, double_order);
        answer = ratio[count / 4];
    }
    free(ratio);
    return answer;
}

double noise_sd(double per_suv, double suv)
{
    return sqrt(per_suv * suv);
}
