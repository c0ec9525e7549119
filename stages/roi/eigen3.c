/* SPDX-License-Identifier: Apache-2.0 */
/* eigen3 -- eigenvalues and vectors of a symmetric 3x3 matrix.   position -> [eigen3] */
#include "stages/roi/eigen3.h"

#include <math.h>
#include <string.h>

/* Rotate in the plane of axes p and q so that a[p][q] vanishes; the rows of v turn along (Golub & Van Loan, 8.5). */
static void rotate(double a[3][3], double v[3][3], int p, int q)
{
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < 3; k++) {
        double x = a[k][p], y = a[k][q];
        a[k][p] = c * x - s * y, a[k][q] = s * x + c * y;
    }
    for (int k = 0; k < 3; k++) {
        double x = a[p][k], y = a[q][k];
        a[p][k] = c * x - s * y, a[q][k] = s * x + c * y;
    }
    for (int k = 0; k < 3; k++) {
        double x = v[p][k], y = v[q][k];
        v[p][k] = c * x - s * y, v[q][k] = s * x + c * y;
    }
    a[p][q] = a[q][p] = 0;
}

void eigen3(double matrix[3][3], double value[3], double vector[3][3])
{
    double a[3][3], v[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    memcpy(a, matrix, sizeof a);
    /* converges quadratically: five sweeps do, ten are for a matrix nobody has seen */
    for (int sweep = 0; sweep < 10; sweep++)
        for (int p = 0; p < 2; p++)
            for (int q = p + 1; q < 3; q++)
                if (fabs(a[p][q]) > 1e-300 && fabs(a[p][q]) > 1e-18 * (fabs(a[p][p]) + fabs(a[q][q])))
                    rotate(a, v, p, q);

    int order[3] = {0, 1, 2};
    for (int i = 1; i < 3; i++)
        for (int j = i; j > 0 && a[order[j]][order[j]] < a[order[j - 1]][order[j - 1]]; j--) {
            int swap = order[j];
            order[j] = order[j - 1], order[j - 1] = swap;
        }
    for (int i = 0; i < 3; i++) {
        value[i] = a[order[i]][order[i]];
        memcpy(vector[i], v[order[i]], sizeof vector[i]);
    }
}
