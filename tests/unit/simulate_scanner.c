/* SPDX-License-Identifier: Apache-2.0 */
/* simulate_scanner -- blur, breathing, attenuation and noise of the simulated scanner, against closed forms. */
#include "datasets/simulate/body.h"
#include "datasets/simulate/breathing.h"
#include "datasets/simulate/scanner.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const double mm[3] = {3.0, 4.0, 4.0}; /* voxels */

/* A cylinder of `diameter_mm` along the body, `under` below up 0 and `over` above it, air round it; 120 slices about up
 * 0. */
static void open_cylinder(struct phantom *ph, double diameter_mm, int under, int over)
{
    const int64_t dim[3] = {120, 100, 100};
    const double origin[3] = {200, 200, -180}, low[3] = {-200, 200, -180};
    struct grid g;
    grid_set(&g, dim, mm, origin);
    phantom_open_on(ph, &g, low);
    size_t i = 0;
    for (int64_t z = 0; z < dim[0]; z++)
        for (int64_t y = 0; y < dim[1]; y++)
            for (int64_t x = 0; x < dim[2]; x++, i++) {
                double left = low[0] + (double)x * mm[2], front = low[1] - (double)y * mm[1];
                if (hypot(left, front) <= 0.5 * diameter_mm)
                    ph->organ[i] = (uint8_t)(low[2] + (double)z * mm[0] < 0.0 ? under : over);
                ph->suv[i] = ph->organ[i] == ORGAN_AIR ? 0.0F : ph->organ[i] == ORGAN_LUNG ? 0.5F : 2.2F;
            }
}

static size_t voxel_at(const struct phantom *ph, double left, double front, double up)
{
    return grid_at(&ph->grid, llround((up - ph->low_mm[2]) / mm[0]), llround((ph->low_mm[1] - front) / mm[1]),
                   llround((left - ph->low_mm[0]) / mm[2]));
}

static void test_recovery(void **state)
{
    (void)state;
    /* a sphere as wide as the point spread keeps little, a large one all; by hand: diameter = FWHM is x
     * = 1.177410/sqrt(2) */
    double x = 1.1774100225154747 / sqrt(2.0), want = erf(x) - 2.0 / sqrt(3.141592653589793) * x * exp(-x * x);
    assert_true(fabs(scanner_recovery(5.0, 5.0) - want) < 1e-12);
    assert_true(scanner_recovery(40.0, 5.0) > 0.9999);
    assert_true(scanner_recovery(2.0, 5.0) < 0.1);
}

static void test_trace(void **state)
{
    (void)state;
    int deep = 0;
    for (int64_t number = 1; number <= 200; number++) {
        struct patient p = patient_draw(3, number);
        struct breathing b = breathing_draw(&p);
        double sum = 0.0, low = 1e9, high = -1e9;
        for (int k = 0; k < BREATHING_PHASES; k++) {
            sum += b.down_mm[k];
            low = fmin(low, b.down_mm[k]), high = fmax(high, b.down_mm[k]);
        }
        assert_true(fabs(sum) < 1e-9);
        assert_true(high - low > 5.0 && high - low < 16.0);
        assert_true(b.ct_down_mm > low - 1.0);
        deep += b.ct_down_mm > high + 1.0;
    }
    assert_true(deep >= 5 && deep <= 40); /* one in ten, and some of them no deeper than a deep breather */
    struct breathing one = {.size = 1.0};
    assert_true(breathing_share(&one, 20, 55) == 1.0);
    assert_true(breathing_share(&one, 20, 210) == 0.0);
    assert_true(breathing_share(&one, 20, -240) == 0.0);
    assert_true(breathing_share(&one, -80, 0) == 0.0);
}

static void test_blur_moves_only_what_moves(void **state)
{
    (void)state;
    struct phantom ph;
    struct breathing b = {.size = 1.0, .down_mm = {-6, -6, -6, -6, 6, 6, 6, 6}};
    open_cylinder(&ph, 240, ORGAN_LIVER, ORGAN_LUNG);
    breathing_blur(&b, &ph);
    /* half the time it stands 6 mm higher, half 6 mm lower: one SUV below, one above, the middle of both between. In
     * slices of 3 mm the step lies between -3 and 0, so it has moved to -9..-6 and 3..6 */
    assert_true(fabs((double)ph.suv[voxel_at(&ph, 0, 20, 12)] - 0.5) < 1e-6);
    assert_true(fabs((double)ph.suv[voxel_at(&ph, 0, 20, 0)] - 1.35) < 1e-6);
    assert_true(fabs((double)ph.suv[voxel_at(&ph, 0, 20, -12)] - 2.2) < 1e-6);
    /* behind, at the spine, nothing moves */
    assert_true(fabs((double)ph.suv[voxel_at(&ph, 0, -92, 0)] - 0.5) < 1e-6);
    assert_true(fabs((double)ph.suv[voxel_at(&ph, 0, -92, -3)] - 2.2) < 1e-6);
    phantom_close(&ph);
}

static void test_wrong_map(void **state)
{
    (void)state;
    struct phantom ph;
    struct breathing b = {.size = 1.0, .ct_down_mm = 9.0}; /* the body holds still; the CT saw its diaphragm 9 mm lower */
    open_cylinder(&ph, 60, ORGAN_LIVER, ORGAN_LUNG);
    breathing_miscorrect(&b, &ph);
    /* In the 9 mm below the step the map has lung. Along a line through the middle of a disc 6 cm wide it lacks 6 *
     * (0.096 - 0.028), from wherever one looks: the factor is exp of that. Half way out the mean over lines is an
     * elliptic integral, (2/pi) E(1/2) = 0.9343 of it, less what lies behind the spine (nothing: 3 cm are all in
     * front). */
    double want = exp(-6.0 * (0.096 - 0.028)), off = exp(-6.0 * (0.096 - 0.028) * 0.9343);
    double middle = (double)ph.suv[voxel_at(&ph, 0, 0, -6)] / 2.2,
           beside = (double)ph.suv[voxel_at(&ph, 15, 0, -6)] / 2.2;
    if (!(fabs(middle - want) < 0.02 * want && fabs(beside - off) < 0.03 * off))
        fail_msg("%g for %g in the middle, %g for %g beside it", middle, want, beside, off);
    /* elsewhere nothing is wrong */
    assert_true(ph.suv[voxel_at(&ph, 0, 0, -30)] == 2.2F);
    assert_true(ph.suv[voxel_at(&ph, 0, 0, 30)] == 0.5F);
    phantom_close(&ph);
    /* a map of the right moment corrects rightly */
    b.ct_down_mm = 0.0;
    open_cylinder(&ph, 60, ORGAN_LIVER, ORGAN_LUNG);
    breathing_miscorrect(&b, &ph);
    assert_true(ph.suv[voxel_at(&ph, 0, 0, -6)] == 2.2F);
    phantom_close(&ph);
}

/* sd over mean in the middle of a cylinder of liver, far from its ends and its rim. */
static double noise_of(double diameter_mm, double dose_bq, double fwhm_mm, double *neighbours)
{
    struct scanner s = {.psf_fwhm_mm = 5.0, .noise_fwhm_mm = fwhm_mm, .noise_liver = 0.10};
    struct patient p = patient_draw(3, 1);
    p.dose_bq = dose_bq;
    p.weight_g = 70000;
    p.injection_s = 0, p.series_s = 3600;
    struct phantom ph;
    open_cylinder(&ph, diameter_mm, ORGAN_LIVER, ORGAN_LIVER);
    scanner_run(&s, &p, &ph);
    double bqml = patient_bqml_per_suv(&p), sum = 0, square = 0, beside = 0, n = 0;
    for (double up = -90; up <= 90; up += 3)
        for (double left = -30; left <= 30; left += 4)
            for (double front = -30; front <= 30; front += 4) {
                double v = (double)ph.suv[voxel_at(&ph, left, front, up)] / bqml,
                       w = (double)ph.suv[voxel_at(&ph, left + 4, front, up)] / bqml;
                sum += v, square += v * v, beside += (v - 2.2) * (w - 2.2), n++;
            }
    phantom_close(&ph);
    double mean = sum / n, variance = square / n - mean * mean;
    assert_true(fabs(mean - 2.2) < 0.05);
    *neighbours = beside / n / variance;
    return sqrt(variance) / mean;
}

static void test_noise(void **state)
{
    (void)state;
    double correlation, finer, bqml = exp2(-3600.0 / patient_draw(3, 1).half_life_s) / 70000.0;
    double dose = 3000.0 / bqml; /* SUV 1 is 3 kBq/mL: what scanner.h calls usual */
    double usual = noise_of(280, dose, 8.0, &correlation);
    if (fabs(usual - 0.10) > 0.012)
        fail_msg("noise of the usual patient is %g", usual);
    /* grain: a Gaussian of 8 mm is sd 3.397; after it, voxels 4 mm apart correlate by exp(-d^2 / (4 sd^2)) */
    if (fabs(correlation - exp(-16.0 / (4.0 * 3.397 * 3.397))) > 0.06)
        fail_msg("neighbours correlate by %g", correlation);
    /* half the counts: sqrt 2; 8 cm thinner: exp(0.096 * 8 / 2) less */
    double half = noise_of(280, 0.5 * dose, 8.0, &correlation), thin = noise_of(200, dose, 8.0, &finer);
    assert_true(fabs(half / usual - sqrt(2.0)) < 0.02);
    if (fabs(usual / thin - exp(0.096 * 4.0)) > 0.05)
        fail_msg("%g where %g was wanted", usual / thin, exp(0.096 * 4.0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recovery), cmocka_unit_test(test_trace),
                                       cmocka_unit_test(test_blur_moves_only_what_moves),
                                       cmocka_unit_test(test_wrong_map), cmocka_unit_test(test_noise)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
