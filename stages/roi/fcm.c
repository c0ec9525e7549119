/* SPDX-License-Identifier: Apache-2.0 */
/* fcm -- one-dimensional fuzzy C-means on a histogram.   method -> [fcm] */
#include "stages/roi/fcm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MOST = 5000 };

/* Filled bins only. */
struct points {
    size_t count;
    double *value, *weight;
};

static struct points points_of(const uint64_t *count, size_t bins, double bin_width)
{
    struct points p = {0, xalloc(bins + 1, sizeof(double)), xalloc(bins + 1, sizeof(double))};
    for (size_t b = 0; b < bins; b++)
        if (count[b]) {
            p.value[p.count] = ((double)b + 0.5) * bin_width;
            p.weight[p.count++] = (double)count[b];
        }
    return p;
}

/* Quantiles; where two coincide (nearly all voxels alike) the centres would never part, so then evenly over the range. */
static void start(const struct points *p, int clusters, bool evenly, double *centre)
{
    double total = 0, below = 0;
    for (size_t i = 0; i < p->count; i++)
        total += p->weight[i];
    size_t i = 0;
    bool apart = !evenly;
    for (int k = 0; k < clusters; k++) {
        double rank = total * (2 * k + 1) / (2 * clusters);
        while (i + 1 < p->count && below + p->weight[i] < rank)
            below += p->weight[i++];
        centre[k] = p->value[i];
        apart &= k == 0 || centre[k] > centre[k - 1];
    }
    double low = p->value[0], high = p->value[p->count - 1];
    for (int k = 0; k < clusters && !apart; k++)
        centre[k] = low + (high - low) * (2 * k + 1) / (2 * clusters);
}

/* Memberships of x, raised to m. Distances have a floor far below any bin, so that x on a centre is no special case. */
static void memberships(double x, const double *centre, int clusters, double m, double *raised)
{
    double sum = 0;
    for (int k = 0; k < clusters; k++) {
        double d = (x - centre[k]) * (x - centre[k]) + 1e-12;
        raised[k] = m == 2 ? 1 / d : pow(d, -1 / (m - 1));
        sum += raised[k];
    }
    for (int k = 0; k < clusters; k++) {
        double u = raised[k] / sum;
        raised[k] = m == 2 ? u * u : pow(u, m);
    }
}

struct fcm fcm_cluster(const uint64_t *count, size_t bins, double bin_width, int clusters, double fuzziness,
                       double tolerance, bool evenly)
{
    struct points p = points_of(count, bins, bin_width);
    struct fcm f = {.clusters = clusters < FCM_MOST ? clusters : FCM_MOST};
    if ((size_t)f.clusters > p.count)
        f.clusters = (int)p.count;
    if (f.clusters)
        start(&p, f.clusters, evenly, f.centre);
    f.converged = f.clusters < 2;

    for (f.rounds = 0; !f.converged && f.rounds < ROUNDS_MOST; f.rounds++) {
        double sum[FCM_MOST] = {0}, weight[FCM_MOST] = {0}, u[FCM_MOST], moved = 0;
        for (size_t i = 0; i < p.count; i++) {
            memberships(p.value[i], f.centre, f.clusters, fuzziness, u);
            for (int k = 0; k < f.clusters; k++) {
                weight[k] += p.weight[i] * u[k];
                sum[k] += p.weight[i] * u[k] * p.value[i];
            }
        }
        for (int k = 0; k < f.clusters; k++) {
            double centre = sum[k] / weight[k];
            moved = fmax(moved, fabs(centre - f.centre[k]));
            f.centre[k] = centre;
        }
        f.converged = moved < tolerance;
    }
    /* in one dimension centres keep their order, but for rounding where two nearly coincide */
    for (int k = 1; k < f.clusters; k++)
        for (int j = k; j > 0 && f.centre[j] < f.centre[j - 1]; j--) {
            double swap = f.centre[j];
            f.centre[j] = f.centre[j - 1], f.centre[j - 1] = swap;
        }
    free(p.value);
    free(p.weight);
    return f;
}

double fcm_highest_from(const struct fcm *f)
{
    return f->clusters < 2 ? INFINITY : 0.5 * (f->centre[f->clusters - 1] + f->centre[f->clusters - 2]);
}
