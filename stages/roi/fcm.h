/* SPDX-License-Identifier: Apache-2.0 */
/* fcm -- one-dimensional fuzzy C-means on a histogram.   method -> [fcm]
 *
 * Minimises sum_b count_b sum_k u_bk^m (x_b - c_k)^2 with memberships u_bk that sum to one over k (Bezdek 1981):
 *     u_bk = 1 / sum_j (|x_b - c_k| / |x_b - c_j|)^(2/(m-1)),     c_k = sum_b count_b u_bk^m x_b / sum_b count_b u_bk^m
 * The histogram gives what the voxels would, up to half a bin, and a body of ten million voxels costs no more than one
 * of a thousand. Nothing is random: the centres start at the (2k+1)/(2c) quantiles,
 * or at these shares of the range of values (evenly). */
#ifndef PETREL_ROI_FCM_H
#define PETREL_ROI_FCM_H
#include "common/base.h"

enum { FCM_MOST = 64 };

struct fcm {
    int clusters;            /* as asked for, or fewer where fewer bins are filled */
    double centre[FCM_MOST]; /* ascending */
    int rounds;
    bool converged; /* every centre moved by less than the tolerance in the last round */
};
/* Bin b holds the values around (b + 0.5) * bin_width. */
struct fcm fcm_cluster(const uint64_t *count, size_t bins, double bin_width, int clusters, double fuzziness,
                       double tolerance, bool evenly);
/* Values from here up belong more to the highest cluster than to any other: half way between the two highest centres,
 * whatever m. INFINITY where there are not two clusters. */
double fcm_highest_from(const struct fcm *f);
#endif
