/* SPDX-License-Identifier: Apache-2.0 */
/* roi_fcm -- fuzzy C-means against a double loop over voxels; the Gaussian against SciPy.   tests/unit */
#include "stages/roi/fcm.h"
#include "stages/roi/smooth.h"
#include "tests/golden/roi/smooth.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { BINS = 400, VOXELS = 3000 };

/* Background, organs, a few hot voxels: a skewed histogram like a body's. */
static void draw_voxels(double voxel[VOXELS])
{
    for (int i = 0; i < VOXELS; i++) {
        double u = fmod(i * 0.6180339887498949, 1), w = fmod(i * 0.7548776662466927, 1);
        double suv = i % 50 == 0 ? 2.5 + 1.4 * u : i % 6 == 0 ? 1.6 + 0.9 * u * w : 0.2 + 0.8 * u * u;
        voxel[i] = (floor(suv * 100) + 0.5) / 100;
    }
}

static void check_against_voxels(int clusters, double m)
{
    double voxel[VOXELS], sorted[VOXELS], c[FCM_MOST];
    uint64_t count[BINS] = {0};
    draw_voxels(voxel);
    for (int i = 0; i < VOXELS; i++) {
        count[(int)(voxel[i] * 100)]++;
        int j = i;
        for (; j > 0 && sorted[j - 1] > voxel[i]; j--)
            sorted[j] = sorted[j - 1];
        sorted[j] = voxel[i];
    }
    struct fcm f = fcm_cluster(count, BINS, 0.01, clusters, m, 1e-7, false);
    assert_true(f.converged);
    assert_int_equal(f.clusters, clusters);

    /* the definition, voxel by voxel, membership by membership */
    for (int k = 0; k < clusters; k++)
        c[k] = sorted[(int)(VOXELS * (2.0 * k + 1) / (2 * clusters))];
    for (double moved = 1; moved > 1e-7;) {
        double next[FCM_MOST];
        moved = 0;
        for (int k = 0; k < clusters; k++) {
            double sum = 0, weight = 0;
            for (int i = 0; i < VOXELS; i++) {
                double inverse = 0;
                for (int j = 0; j < clusters; j++)
                    inverse += pow((fabs(voxel[i] - c[k]) + 1e-9) / (fabs(voxel[i] - c[j]) + 1e-9), 2 / (m - 1));
                double u = pow(1 / inverse, m);
                sum += u * voxel[i];
                weight += u;
            }
            next[k] = sum / weight;
            moved = fmax(moved, fabs(next[k] - c[k]));
        }
        memcpy(c, next, sizeof next);
    }
    for (int k = 0; k < clusters; k++)
        if (fabs(f.centre[k] - c[k]) > 1e-5)
            fail_msg("centre %d of %d, m = %g: %.8f, not %.8f", k, clusters, m, f.centre[k], c[k]);
    assert_true(fabs(fcm_highest_from(&f) - 0.5 * (c[clusters - 1] + c[clusters - 2])) < 1e-5);
}

static void test_equals_definition(void **state)
{
    (void)state;
    check_against_voxels(4, 2);
    check_against_voxels(2, 2);
    check_against_voxels(3, 1.6);
}

static void test_few_values(void **state)
{
    (void)state;
    uint64_t count[BINS] = {0};
    struct fcm f = fcm_cluster(count, BINS, 0.01, 4, 2, 1e-5, false);
    assert_int_equal(f.clusters, 0);
    assert_true(isinf(fcm_highest_from(&f)));

    count[100] = 5000000; /* one value: no cluster is higher than another */
    f = fcm_cluster(count, BINS, 0.01, 4, 2, 1e-5, false);
    assert_int_equal(f.clusters, 1);
    assert_true(isinf(fcm_highest_from(&f)));

    count[300] = 10; /* quantiles all fall on one value, and still the two part */
    f = fcm_cluster(count, BINS, 0.01, 4, 2, 1e-5, false);
    assert_int_equal(f.clusters, 2);
    assert_true(f.converged);
    assert_true(fabs(f.centre[0] - 1.005) < 0.01 && fabs(f.centre[1] - 3.005) < 0.05);
}

static void test_smooth_equals_scipy(void **state)
{
    (void)state;
    const int64_t dim[3] = {golden_smooth_dim[0], golden_smooth_dim[1], golden_smooth_dim[2]};
    enum { MARGIN = 3 };
    int64_t row = dim[2] + MARGIN, slice = (dim[1] + 2) * row;
    float *in = xalloc((size_t)(dim[0] * slice), sizeof *in), *out = xalloc((size_t)(dim[0] * slice), sizeof *out);
    for (int64_t i = 0; i < dim[0] * slice; i++)
        in[i] = NAN, out[i] = -1; /* what lies between rows and slices is neither read nor written */
    for (int64_t z = 0, i = 0; z < dim[0]; z++)
        for (int64_t y = 0; y < dim[1]; y++)
            for (int64_t x = 0; x < dim[2]; x++)
                in[z * slice + y * row + x] = golden_smooth_in[i++];
    for (size_t s = 0; s < COUNT_OF(golden_smooth); s++) {
        const double sd[3] = {golden_smooth[s].sd, golden_smooth[s].sd, golden_smooth[s].sd};
        gaussian_smooth(in, out, dim, slice, row, sd);
        for (int64_t z = 0, i = 0; z < dim[0]; z++)
            for (int64_t y = 0; y < dim[1]; y++)
                for (int64_t x = 0; x < row; x++) {
                    double want = x < dim[2] ? golden_smooth[s].out[i++] : -1,
                           got = (double)out[z * slice + y * row + x];
                    if (!(fabs(got - want) < 1e-5))
                        fail_msg("sd %g at %ld %ld %ld: %g, not %g", golden_smooth[s].sd, (long)z, (long)y, (long)x,
                                 got, want);
                }
    }
    gaussian_smooth(in, out, dim, slice, row, (const double[3]){0, 0, 0});
    assert_true(out[slice + row + 1] == in[slice + row + 1]);
    free(in);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_definition),
        cmocka_unit_test(test_few_values),
        cmocka_unit_test(test_smooth_equals_scipy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
