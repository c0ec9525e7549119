/* SPDX-License-Identifier: Apache-2.0 */
/* position -- where a region lies, how large it is and which way it points: [cz,cy,cx, s1,s2,s3, tx,ty,tz].   extent -> [position] */
#include "stages/roi/position.h"
#include "stages/roi/eigen3.h"

#include <math.h>
#include <string.h>

#define EQUAL         1e-9 /* relative: variances, components this close are taken as equal */
#define PERPENDICULAR 0.4  /* an axis whose projection on a plane is shorter than this does not name it */

void moments_of(const struct extents *x, uint32_t region, const int64_t low[3], struct moments *m)
{
    /* sums relative to the region's first voxel are small whole numbers, exact in a double */
    double n = 0, sum[3] = {0}, product[3][3] = {{0}};
    const struct run *origin = &x->run[x->first[region]];
    int64_t from[3] = {origin->row / x->dim[1], origin->row % x->dim[1], origin->begin};
    for (size_t i = x->first[region]; i < x->first[region + 1]; i++) {
        const struct run *r = &x->run[i];
        double z = (double)(r->row / x->dim[1] - from[0]), y = (double)(r->row % x->dim[1] - from[1]);
        double a = (double)(r->begin - from[2]), k = (double)(r->end - r->begin);
        double sx = k * a + k * (k - 1) / 2;                                      /* sum of a .. a+k-1 */
        double sxx = k * a * a + a * k * (k - 1) + (k - 1) * k * (2 * k - 1) / 6; /* and of their squares */
        n += k;
        sum[0] += k * z, sum[1] += k * y, sum[2] += sx;
        product[0][0] += k * z * z, product[0][1] += k * z * y, product[0][2] += z * sx;
        product[1][1] += k * y * y, product[1][2] += y * sx, product[2][2] += sxx;
    }
    m->voxels = (int64_t)n;
    memcpy(m->low, low, sizeof m->low);
    for (int a = 0; a < 3; a++) {
        m->mean[a] = sum[a] / n + (double)(from[a] + low[a]);
        for (int b = a; b < 3; b++)
            m->second[a][b] = m->second[b][a] = (n * product[a][b] - sum[a] * sum[b]) / (n * n);
    }
}

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double a[3], const double b[3], double out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1], out[1] = a[2] * b[0] - a[0] * b[2], out[2] = a[0] * b[1] - a[1] * b[0];
}

/* The two axes of the plane perpendicular to `normal` (all in z y x). */
static void plane_axes(const double normal[3], double first[3], double second[3])
{
    for (int a = 0; a < 3; a++) {
        double axis[3] = {a == 0, a == 1, a == 2}, along = dot(axis, normal);
        for (int k = 0; k < 3; k++)
            first[k] = axis[k] - along * normal[k];
        double length = sqrt(dot(first, first));
        if (length < PERPENDICULAR)
            continue;
        for (int k = 0; k < 3; k++)
            first[k] /= length;
        break;
    }
    cross(normal, first, second);
}

/* Turn v so that its largest component is positive; v is z y x, so the first of equal ones is the first of z y x. */
static void sign_fix(double v[3])
{
    int largest = 0;
    for (int k = 1; k < 3; k++)
        if (fabs(v[k]) > fabs(v[largest]) + EQUAL)
            largest = k;
    for (int k = 0; k < 3 && v[largest] < 0; k++)
        if (k != largest)
            v[k] = -v[k];
    v[largest] = fabs(v[largest]);
}

void principal_axes(double second[3][3], double R[3][3])
{
    double value[3], v[3][3];
    eigen3(second, value, v);
    double equal = EQUAL * fabs(value[2]);
    bool low_pair = value[1] - value[0] <= equal, high_pair = value[2] - value[1] <= equal;
    if (low_pair && high_pair) {
        static const double axes[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
        memcpy(v, axes, sizeof v);
    } else if (low_pair) {
        plane_axes(v[2], v[0], v[1]);
    } else if (high_pair) {
        plane_axes(v[0], v[1], v[2]);
    }
    for (int i = 0; i < 2; i++) {
        sign_fix(v[i]);
        for (int k = 0; k < 3; k++) /* rounding dust and minus zeros would turn an angle by pi */
            R[i][k] = fabs(v[i][2 - k]) < 1e-12 ? 0 : v[i][2 - k];
    }
    cross(R[0], R[1], R[2]);
    for (int k = 0; k < 3; k++)
        R[2][k] = fabs(R[2][k]) < 1e-12 ? 0 : R[2][k];
}

void axes_angles(double R[3][3], double angle[3])
{
    angle[0] = atan2(R[2][1], R[2][2]);
    angle[1] = atan2(-R[2][0], sqrt(R[2][1] * R[2][1] + R[2][2] * R[2][2]));
    angle[2] = atan2(R[1][0], R[0][0]);
}

/* Sizes along the rows of R, last row (largest variance) first. A linear form is extreme at the ends of runs. */
static void oriented_size(const struct extents *x, uint32_t region, double R[3][3], const double spacing[3],
                          double size[3])
{
    double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY};
    for (size_t i = x->first[region]; i < x->first[region + 1]; i++) {
        const struct run *r = &x->run[i];
        double z = spacing[0] * (double)(r->row / x->dim[1]), y = spacing[1] * (double)(r->row % x->dim[1]);
        double ends[2] = {spacing[2] * r->begin, spacing[2] * (r->end - 1)};
        for (int k = 0; k < 3; k++)
            for (int e = 0; e < 2; e++) {
                double along = R[k][0] * ends[e] + R[k][1] * y + R[k][2] * z;
                low[k] = along < low[k] ? along : low[k];
                high[k] = along > high[k] ? along : high[k];
            }
    }
    for (int k = 0; k < 3; k++)
        size[2 - k] =
            high[k] - low[k] + fabs(R[k][0]) * spacing[2] + fabs(R[k][1]) * spacing[1] + fabs(R[k][2]) * spacing[0];
}

void position_of(const struct extents *x, uint32_t region, const struct moments *m, const double spacing_mm[3],
                 bool axes_itk, float position[POSITION_FORMS][POSITION_SIZE])
{
    static const double voxel[3] = {1, 1, 1};
    const struct {
        enum position_form axis, oriented;
        const double *unit;
    } units[] = {
        {POSITION_AXIS_VOXEL, POSITION_ORIENTED_VOXEL, voxel},
        {POSITION_AXIS_MM, POSITION_ORIENTED_MM, spacing_mm},
    };
    int32_t first[3], last[3];
    extent_bounds(x, region, first, last);
    for (size_t u = 0; u < COUNT_OF(units); u++) {
        const double *unit = units[u].unit;
        double second[3][3], R[3][3], angle[3], size[3];
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++)
                second[a][b] = m->second[a][b] * unit[a] * unit[b];
        if (axes_itk)
            principal_axes_itk(x, region, m->low, unit, R);
        else
            principal_axes(second, R);
        axes_angles(R, angle);
        oriented_size(x, region, R, unit, size);
        for (int k = 0; k < 3; k++) {
            float *axis = position[units[u].axis], *oriented = position[units[u].oriented];
            axis[k] = oriented[k] = (float)(m->mean[k] * unit[k]);
            axis[3 + k] = (float)((last[k] - first[k] + 1) * unit[k]);
            oriented[3 + k] = (float)size[k];
            axis[6 + k] = oriented[6 + k] = (float)angle[k];
        }
    }
}
