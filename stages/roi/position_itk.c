/* SPDX-License-Identifier: Apache-2.0 */
/* position_itk -- the principal axes as ITK's LabelShapeStatistics has them, signs and all.   position -> [position_itk]
 *
 * An eigenvector's sign is what the solver leaves (eigen_ql.c), and where a region is symmetric about a plane of the grid, the
 * solver follows the rounding of second moments that are zero. So the sums are taken as ITK takes them: a run at a time, of
 * places in mm from the scan's first voxel, and the mean's square taken off at the end. Of 50 such regions 48 come out with ITK's
 * signs so (tests/unit/roi_shape.c), of 150 others all. */
#include "stages/roi/eigen3.h"
#include "stages/roi/position.h"

/* second[][] in x y z. */
static void moments_itk(const struct extents *x, uint32_t region, const int64_t low[3], const double spacing[3],
                        double second[3][3])
{
    double n = 0, sum[3] = {0}, step = spacing[2];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            second[i][j] = 0;
    for (size_t i = x->first[region]; i < x->first[region + 1]; i++) {
        const struct run *r = &x->run[i];
        double at[3] = {(double)(r->begin + low[2]), (double)(r->row % x->dim[1] + low[1]),
                        (double)(r->row / x->dim[1] + low[0])};
        double k = (double)(r->end - r->begin), mm[3] = {at[0] * step, at[1] * spacing[1], at[2] * spacing[0]};
        n += k;
        sum[0] += at[0] * k + k * (k - 1) / 2, sum[1] += at[1] * k, sum[2] += at[2] * k;
        double along = k * (mm[0] + step * (k - 1) / 2);
        second[0][0] += k * (step * step * (k - 1) * (2 * k - 1) / 6 + mm[0] * (step * (k - 1) + mm[0]));
        second[1][1] += k * (mm[1] * mm[1]), second[2][2] += k * (mm[2] * mm[2]);
        second[1][0] += along * mm[1], second[2][0] += along * mm[2], second[2][1] += k * (mm[1] * mm[2]);
    }
    for (int i = 0; i < 3; i++)
        for (int j = 0; j <= i; j++)
            second[i][j] = second[j][i] = second[i][j] / n - sum[i] / n * spacing[2 - i] * (sum[j] / n * spacing[2 - j]);
}

void principal_axes_itk(const struct extents *x, uint32_t region, const int64_t low[3], const double spacing[3],
                        double R[3][3])
{
    double second[3][3], value[3];
    moments_itk(x, region, low, spacing, second);
    eigen3_itk(second, value, R);
    double determinant = R[0][0] * (R[1][1] * R[2][2] - R[1][2] * R[2][1]) +
                         R[0][1] * (R[1][2] * R[2][0] - R[1][0] * R[2][2]) +
                         R[0][2] * (R[1][0] * R[2][1] - R[1][1] * R[2][0]);
    for (int k = 0; k < 3 && determinant < 0; k++)
        R[2][k] = -R[2][k];
}
