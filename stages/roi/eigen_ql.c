/* SPDX-License-Identifier: Apache-2.0 */
/* eigen_ql -- eigenvectors with the signs ITK gives them.   position -> [eigen_ql]
 *
 * ITK asks EISPACK's rs: Householder's reduction to three diagonals (tred2), then QL steps with implicit shifts (tql2), both
 * after Wilkinson and Reinsch, Handbook for Automatic Computation II, 1971, II/2 and II/3. An eigenvector's sign is what these
 * steps leave, so they are taken here in the same order; for 3x3 the reduction is one reflection. */
#include "stages/roi/eigen3.h"

#include <math.h>
#include <string.h>

enum { N = 3, STEPS_MOST = 60 };

/* d: diagonal, e: beside it (e[0] = 0), z: what turns the matrix into that. */
static void reduce(double a[N][N], double d[N], double e[N], double z[N][N])
{
    /* the last row's first two entries are reflected onto the second */
    double u[2] = {a[2][0], a[2][1]}, scale = fabs(u[0]) + fabs(u[1]);
    memset(z, 0, N * sizeof z[0]);
    z[0][0] = z[1][1] = z[2][2] = 1;
    d[2] = a[2][2];
    e[0] = 0;
    if (scale == 0) {
        d[0] = a[0][0], d[1] = a[1][1];
        e[1] = a[1][0], e[2] = 0;
        return;
    }
    u[0] /= scale, u[1] /= scale;
    double square = u[0] * u[0] + u[1] * u[1], beside = -copysign(sqrt(square), u[1]);
    e[2] = scale * beside;
    double h = square - u[1] * beside; /* half of u'u */
    u[1] -= beside;

    double p[2] = {(a[0][0] * u[0] + a[1][0] * u[1]) / h, (a[1][0] * u[0] + a[1][1] * u[1]) / h};
    double half = (p[0] * u[0] + p[1] * u[1]) / (2 * h);
    for (int k = 0; k < 2; k++)
        p[k] -= half * u[k];
    d[0] = a[0][0] - 2 * u[0] * p[0];
    e[1] = a[1][0] - u[0] * p[1] - p[0] * u[1];
    d[1] = a[1][1] - 2 * u[1] * p[1];
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            z[i][j] -= u[i] * u[j] / h;
}

/* One QL step with the shift from the corner at l, over rows l..m; returns the shift. */
static double ql_step(int l, int m, double d[N], double e[N], double z[N][N])
{
    double g = d[l], p = (d[l + 1] - g) / (2 * e[l]), r = copysign(hypot(p, 1), p);
    d[l] = e[l] / (p + r);
    d[l + 1] = e[l] * (p + r);
    double next = d[l + 1], shift = g - d[l], after = e[l + 1];
    for (int i = l + 2; i < N; i++)
        d[i] -= shift;
    double c = 1, c2 = 1, c3 = 1, s = 0, s2 = 0;
    p = d[m];
    for (int i = m - 1; i >= l; i--) {
        c3 = c2, c2 = c, s2 = s;
        double across = c * e[i], along = c * p;
        r = hypot(p, e[i]);
        e[i + 1] = s * r;
        s = e[i] / r, c = p / r;
        p = c * d[i] - s * across;
        d[i + 1] = along + s * (c * across + s * d[i]);
        for (int k = 0; k < N; k++) {
            double right = z[k][i + 1];
            z[k][i + 1] = s * z[k][i] + c * right;
            z[k][i] = c * z[k][i] - s * right;
        }
    }
    p = -s * s2 * c3 * after * e[l] / next;
    e[l] = s * p;
    d[l] = c * p;
    return shift;
}

static void diagonalise(double d[N], double e[N], double z[N][N])
{
    double shifted = 0, largest = 0;
    for (int i = 1; i < N; i++)
        e[i - 1] = e[i];
    e[N - 1] = 0;
    for (int l = 0; l < N; l++) {
        largest = fmax(largest, fabs(d[l]) + fabs(e[l]));
        int m = l;
        while (largest + fabs(e[m]) != largest)
            m++; /* e[N - 1] is 0 */
        if (m > l)
            for (int step = 0; step < STEPS_MOST; step++) {
                shifted += ql_step(l, m, d, e, z);
                if (largest + fabs(e[l]) <= largest)
                    break;
            }
        d[l] += shifted;
    }
}

void eigen3_itk(double matrix[3][3], double value[3], double vector[3][3])
{
    double d[N], e[N], z[N][N];
    reduce(matrix, d, e, z);
    diagonalise(d, e, z);
    int order[N] = {0, 1, 2};
    for (int i = 0; i < N - 1; i++) { /* by selection: of equal ones the first stays first */
        int least = i;
        for (int j = i + 1; j < N; j++)
            least = d[order[j]] < d[order[least]] ? j : least;
        int swap = order[i];
        order[i] = order[least], order[least] = swap;
    }
    for (int i = 0; i < N; i++) {
        value[i] = d[order[i]];
        for (int k = 0; k < N; k++)
            vector[i][k] = z[k][order[i]];
    }
}
