/* SPDX-License-Identifier: Apache-2.0 */
/* scanner -- breathing, blur, noise, Bq/mL.   lesion -> [scanner] -> write
 *
 * Noise after ordered-subsets reconstruction grows about as the square root of the activity and is correlated over the
 * reconstruction's smoothing; counts fall as exp(-mu d) with the body's thickness d. A Gaussian field of that grain,
 * scaled so, stands for it. */
#include "datasets/simulate/scanner.h"
#include "datasets/simulate/body.h"
#include "datasets/simulate/breathing.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double fwhm_per_sd = 2.354820045030949;

enum { REACH = 3 /* standard deviations the kernel goes out */ };

/* One axis of a Gaussian over lines `stride` apart; edges repeat. */
static void blur_axis(float *v, const struct grid *g, int axis, double sd_voxels)
{
    if (sd_voxels < 0.1)
        return;
    int64_t n = g->dim[axis], half = (int64_t)ceil(REACH * sd_voxels);
    float *kernel = xalloc((size_t)(2 * half + 1), sizeof *kernel);
    double total = 0.0;
    for (int64_t k = -half; k <= half; k++)
        total += exp(-0.5 * (double)(k * k) / (sd_voxels * sd_voxels));
    for (int64_t k = -half; k <= half; k++)
        kernel[k + half] = (float)(exp(-0.5 * (double)(k * k) / (sd_voxels * sd_voxels)) / total);
    /* z and y: whole rows of x at a time, so that memory is read in order */
    int64_t row = axis == 2 ? 1 : g->dim[2], rows_inner = axis == 0 ? g->dim[1] : 1;
    int64_t outer = axis == 0 ? 1 : (axis == 1 ? g->dim[0] : g->dim[0] * g->dim[1]);
    int64_t stride = axis == 0 ? g->dim[1] * g->dim[2] : (axis == 1 ? g->dim[2] : 1);
    float *line = xalloc((size_t)((n + 2 * half) * row), sizeof *line);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t inner = 0; inner < rows_inner; inner++) {
            float *base = v + (axis == 0 ? inner * g->dim[2] : o * n * (axis == 1 ? g->dim[2] : 1));
            for (int64_t i = -half; i < n + half; i++) {
                int64_t at = i < 0 ? 0 : (i >= n ? n - 1 : i);
                memcpy(line + (i + half) * row, base + at * stride, (size_t)row * sizeof *line);
            }
            for (int64_t i = 0; i < n; i++) {
                float *to = base + i * stride;
                memset(to, 0, (size_t)row * sizeof *to);
                for (int64_t k = 0; k <= 2 * half; k++) {
                    const float *from = line + (i + k) * row, w = kernel[k];
                    for (int64_t x = 0; x < row; x++)
                        to[x] += w * from[x];
                }
            }
        }
    free(line);
    free(kernel);
}

static void blur(float *v, const struct grid *g, double fwhm_mm)
{
    for (int axis = 0; axis < 3; axis++)
        blur_axis(v, g, axis, fwhm_mm / fwhm_per_sd / g->spacing_mm[axis]);
}

/* erf(x) - 2x/sqrt(pi) exp(-x^2), x = radius / (sd sqrt 2) */
double scanner_recovery(double diameter_mm, double fwhm_mm)
{
    double x = 0.5 * diameter_mm / (fwhm_mm / fwhm_per_sd * sqrt(2.0));
    return erf(x) - 2.0 / sqrt(acos(-1.0)) * x * exp(-x * x);
}

/* Of each slice: the circle as large as the body there, in cm. */
static double slice_diameter_cm(const struct phantom *ph, int64_t z)
{
    size_t n = (size_t)(ph->grid.dim[1] * ph->grid.dim[2]), body = 0;
    const uint8_t *organ = ph->organ + (size_t)z * n;
    for (size_t i = 0; i < n; i++)
        body += organ[i] != ORGAN_AIR;
    return 0.1 * sqrt(4.0 / acos(-1.0) * (double)body * ph->grid.spacing_mm[1] * ph->grid.spacing_mm[2]);
}

/* Standard deviation of the noise where SUV is 1, in a slice. Counts from it fall with what the patient still holds of
 * the dose, with the tissue that stands in the way, and towards the ends of the scan, where beds no longer overlap. */
static double slice_noise(const struct scanner *s, const struct patient *p, const struct phantom *ph, int64_t z)
{
    static const double usual_cm = 28.0, usual_bqml = 3000.0, mu_per_cm = 0.096, end_mm = 60.0;
    double from_end_mm = (double)(z < ph->grid.dim[0] - 1 - z ? z : ph->grid.dim[0] - 1 - z) * ph->grid.spacing_mm[0];
    double seen = fmin(0.25 + 0.75 * from_end_mm / end_mm, 1.0);
    double counts = seen * patient_bqml_per_suv(p) / usual_bqml * exp(mu_per_cm * (usual_cm - slice_diameter_cm(ph, z)));
    return s->noise_liver * sqrt(2.2 / counts);
}

void scanner_run(const struct scanner *s, const struct patient *p, struct phantom *ph)
{
    size_t n = grid_voxels(&ph->grid), slice = n / (size_t)ph->grid.dim[0];
    struct breathing breathing = breathing_draw(p);
    breathing_blur(&breathing, ph);
    breathing_miscorrect(&breathing, ph);
    blur(ph->suv, &ph->grid, s->psf_fwhm_mm);

    float *noise = xalloc_aligned(n, sizeof *noise);
    struct rng r = draw_rng(p->seed, p->number, DRAW_NOISE);
    for (size_t i = 0; i < n; i++)
        noise[i] = rng_normal(&r);
    blur(noise, &ph->grid, s->noise_fwhm_mm);
    double squares = 0.0;
    for (size_t i = 0; i < n; i++)
        squares += (double)noise[i] * (double)noise[i];
    double unit = 1.0 / sqrt(squares / (double)n); /* blurring took variance away: bring it back to 1 */

    double bqml = patient_bqml_per_suv(p);
    for (int64_t z = 0; z < ph->grid.dim[0]; z++) {
        double level = unit * slice_noise(s, p, ph, z);
        for (size_t i = (size_t)z * slice; i < ((size_t)z + 1) * slice; i++) {
            double suv = (double)ph->suv[i];
            suv += level * sqrt(fmax(suv, 0.02)) * (double)noise[i];
            ph->suv[i] = (float)(fmax(suv, 0.0) * bqml);
        }
    }
    free(noise);
}
