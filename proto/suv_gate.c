/* SPDX-License-Identifier: Apache-2.0 */
/* suv_gate -- whether a body can be like the volume.   proto
 *
 * Uptake is conserved: what was injected is in the body, so that SUVbw averaged over the whole body is 1 less what was excreted, and no
 * volume holds more than was injected. A factor that is wrong by its unit, its day or its slope shows here, whatever the header said. */
#include "proto/organ.h"
#include "proto/suv.h"
#include <math.h>
#include <stdio.h>

/* What no scan of a patient passes; measured on ../docs/suv.md's scans. All in SUVbw. */
static const struct suv_limits {
    double small_ml;            /* a crop about a lesion, of which a body's mean says nothing */
    double max_low, max_high;   /* SUVmax: of a cold scan, and of a bladder or an injection that went beside the vein */
    double mean_low, mean_high; /* body_mean of a piece: legs, a brain, a lesion */
    double tall_mm, tall_low, tall_high; /* body_mean of what is a trunk at least */
    double share_high; /* of the dose, whatever the weight: more than there was, noise and calibration apart */
    double liver_low, liver_high;
} limits = {.small_ml = 50,
            .max_low = 0.1,
            .max_high = 5000,
            .mean_low = 0.05,
            .mean_high = 20,
            .tall_mm = 600,
            .tall_low = 0.3,
            .tall_high = 5,
            .share_high = 1.2,
            .liver_low = 0.2,
            .liver_high = 30};

/* SUVbw of one SUV of this kind; 1 where the patient's facts do not tell. */
static double to_weight(struct scan_facts *f)
{
    char name[16] = "";
    double body;
    struct error unused = {0};
    const struct suv_body *b = sscanf(f->suv_formula, "%15s", name) == 1 ? suv_body_find(name) : NULL;
    return b && isfinite(f->weight_g) && b->measure(f, &body, &unused) == 0 ? f->weight_g / body : 1;
}

static double voxel_ml(const struct volume *v)
{
    const double *mm = v->grid.spacing_mm;
    return mm[0] * mm[1] * mm[2] / 1000;
}

/* NAN: no organ map, or no liver in it. */
static double liver_mean(const struct volume *v)
{
    enum { ENOUGH = 100 };
    size_t const count = (size_t)grid_voxels(&v->grid);
    double sum = 0;
    size_t inside = 0;
    for (size_t i = 0; v->organ && i < count; i++)
        if (v->organ[i] == ORGAN_LABEL_LIVER) {
            sum += (double)v->voxel[i];
            inside++;
        }
    return inside >= ENOUGH ? sum / (double)inside : (double)NAN;
}

/* One figure that no body can have. */
static int refuse(struct scan_facts *f, bool accept, struct error *e, const char *what, double is, double low,
                  double high)
{
    if (accept) {
        suv_tell(f, "implausible, and accepted: %s is %.3g (%g to %g expected)", what, is, low, high);
        return 0;
    }
    return fail(e,
                "no patient's scan is like this: %s is %.3g, %g to %g can be (factor %.6g, %s; SUVmax %.4g, mean of "
                "the body %.3g, "
                "share of the dose %.3g): see petrel-suv explain, correct the facts with --override, or give "
                "--accept-implausible for a phantom",
                what, is, low, high, f->suv_factor, f->suv_formula, f->suv_max, f->body_mean, f->dose_share);
}

int suv_gate(const struct volume *v, struct scan_facts *f, bool accept, struct error *e)
{
    double const scale = to_weight(f), ml = voxel_ml(v) * (double)grid_voxels(&v->grid);
    double const most = f->suv_max * scale, mean = f->body_mean * scale, liver = liver_mean(v) * scale;
    bool const small = ml < limits.small_ml;
    f->dose_share = isfinite(f->weight_g) ? f->volume_mean * scale * ml / f->weight_g : (double)NAN;
    if (!(isfinite(f->suv_factor) && f->suv_factor > 0))
        return fail(e, "the SUV factor comes out as %g (%s)", f->suv_factor, f->suv_formula);
    if (!(isfinite(f->suv_max) && f->suv_max > 0 && isfinite(f->volume_mean)))
        return fail(
            e, "SUVmax comes out as %g, the mean as %g: nothing of the scan is above zero ((0028,1053) RescaleSlope?)",
            f->suv_max, f->volume_mean);
    bool const tall = v->grid.spacing_mm[0] * (double)v->grid.dim[0] >= limits.tall_mm;
    double const low = tall ? limits.tall_low : limits.mean_low, high = tall ? limits.tall_high : limits.mean_high;
    if (most > limits.max_high || (!small && most < limits.max_low))
        return refuse(f, accept, e, "SUVmax", most, limits.max_low, limits.max_high);
    if (!small && !(mean >= low && mean <= high))
        return refuse(f, accept, e, "the mean SUV of the body", mean, low, high);
    if (f->dose_share > limits.share_high)
        return refuse(f, accept, e, "the share of the dose in it", f->dose_share, 0, limits.share_high);
    if (isfinite(liver) && !(liver >= limits.liver_low && liver <= limits.liver_high))
        return refuse(f, accept, e, "the mean SUV of the liver", liver, limits.liver_low, limits.liver_high);
    return 0;
}
