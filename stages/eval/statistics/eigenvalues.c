/* SPDX-License-Identifier: Apache-2.0 */
/* eigenvalues -- of a symmetric matrix.   [eigenvalues] -> representation */
#include "stages/eval/statistics/eigenvalues.h"
#include "stages/eval/statistics/ranking.h"
#include <math.h>
#include <stdlib.h>

/* a -> tridiagonal, by reflections from the last row up: diagonal[n], off[n] (off[0] unused). */
static void tridiagonal(double *a, size_t n, double *diagonal, double *off)
{
    double *p = xalloc(n + 1, sizeof *p);
    for (size_t i = n; i-- > 0;) {
        double *v = a + i * n, length = 0.0; /* row i left of the diagonal is what is reflected away */
        for (size_t k = 0; k < i; k++)
            length += v[k] * v[k];
        length = sqrt(length);
        diagonal[i] = a[i * n + i];
        if (i == 0 || length == 0.0) {
            off[i] = 0.0;
            continue;
        }
        off[i] = v[i - 1] > 0.0 ? -length : length;
        v[i - 1] -= off[i];
        double h = 0.0, kv = 0.0;
        for (size_t k = 0; k < i; k++)
            h += 0.5 * v[k] * v[k];
        if (h == 0.0)
            continue;
        for (size_t j = 0; j < i; j++) { /* p = A v / h */
            double sum = 0.0;
            for (size_t k = 0; k < i; k++)
                sum += a[j * n + k] * v[k];
            p[j] = sum / h;
            kv += 0.5 * v[j] * p[j] / h;
        }
        for (size_t j = 0; j < i; j++)
            p[j] -= kv * v[j];
        for (size_t j = 0; j < i; j++)
            for (size_t k = 0; k < i; k++)
                a[j * n + k] -= v[j] * p[k] + p[j] * v[k];
    }
    free(p);
}

int eigenvalues_of(double *a, size_t n, double *value)
{
    enum { ROTATIONS_MOST = 60 };
    double *off = xalloc(n + 2, sizeof *off), *e = off + 1, *d = value;
    int rc = 0;
    tridiagonal(a, n, d, off); /* e[i] couples i and i + 1; e[n - 1] = 0 */
    for (size_t i = 0; i + 1 < n; i++)
        e[i] = off[i + 1];
    e[n > 0 ? n - 1 : 0] = 0.0;
    for (size_t l = 0; l < n && rc == 0; l++)
        for (int tries = 0;; tries++) {
            size_t m = l;
            while (m + 1 < n && fabs(e[m]) > 2.3e-16 * (fabs(d[m]) + fabs(d[m + 1])))
                m++;
            if (m == l)
                break;
            if (tries == ROTATIONS_MOST) {
                rc = -1;
                break;
            }
            double g = (d[l + 1] - d[l]) / (2.0 * e[l]), r = hypot(g, 1.0);
            g = d[m] - d[l] + e[l] / (g + copysign(r, g));
            double s = 1.0, c = 1.0, p = 0.0;
            size_t i = m;
            bool split = false;
            while (i-- > l) {
                double f = s * e[i], b = c * e[i];
                e[i + 1] = r = hypot(f, g);
                if (r == 0.0) {
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    split = true;
                    break;
                }
                s = f / r;
                c = g / r;
                g = d[i + 1] - p;
                r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
            }
            if (split)
                continue;
            d[l] -= p;
            e[l] = g;
            e[m] = 0.0;
        }
    qsort(d, n, sizeof *d, ascending);
    for (size_t i = 0; i < n / 2; i++) {
        double kept = d[i];
        d[i] = d[n - 1 - i];
        d[n - 1 - i] = kept;
    }
    free(off);
    return rc;
}
