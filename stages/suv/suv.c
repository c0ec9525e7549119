/* suv -- what a volume's values are worth in SUV by body weight.   load -> [suv] -> roi */
#include "stages/suv/suv.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static void formula_set(struct scan_facts *f, const char *formula)
{
    format_into(f->suv_formula, sizeof f->suv_formula, "%s", formula);
}

/* ---- facts that must be there, and be possible ---- */

static int need(double value, double low, double high, const char *tag, const char *unit, struct error *e)
{
    if (!isfinite(value))
        return fail(e, "%s is missing: SUV cannot be made without it", tag);
    if (value < low || value > high)
        return fail(e, "%s is %g %s: between %g and %g wanted (another unit, perhaps?)", tag, value, unit, low, high);
    return 0;
}

static int need_weight_and_dose(const struct scan_facts *f, struct error *e)
{
    if (need(f->weight_g / 1000, 0.5, 500, "(0010,1030) PatientWeight", "kg", e) < 0)
        return -1;
    return need(f->dose_bq, 1e5, 1e11, "(0018,1074) RadionuclideTotalDose", "Bq", e);
}

/* One value of a backslash-separated list. */
static bool has(const char *list, const char *value)
{
    size_t length = strlen(value);
    for (const char *at = list; at; at = strchr(at, '\\')) {
        at += *at == '\\';
        if (strncmp(at, value, length) == 0 && (at[length] == '\0' || at[length] == '\\'))
            return true;
    }
    return false;
}

static int need_correction(const struct scan_facts *f, const char *value, const char *meaning, struct error *e)
{
    if (has(f->corrected, value))
        return 0;
    return *f->corrected ? fail(e, "(0028,0051) CorrectedImage is '%s', without %s: not corrected for %s", f->corrected, value, meaning)
                         : fail(e, "(0028,0051) CorrectedImage is missing: whether %s was corrected is not known", meaning);
}

/* ---- time ---- */

double suv_average_delay(double frame_s, double half_life_s)
{
    double k = log(2) / half_life_s, kt = k * frame_s;
    return kt > 0 ? log(kt / -expm1(-kt)) / k : 0;
}

int suv_reference(const struct scan_facts *f, double *reference_s, struct error *e)
{
    if (need(f->acquisition_s, -HUGE_VAL, HUGE_VAL, "(0008,0032) AcquisitionTime", "s", e) < 0)
        return -1;
    /* a series made anew later has a later time: then it no longer says when the scan began */
    if (isfinite(f->series_s) && f->series_s <= f->acquisition_s) {
        *reference_s = f->series_s;
        return 0;
    }
    if (isfinite(f->scan_start_s)) {
        *reference_s = f->scan_start_s;
        return 0;
    }
    if (!isfinite(f->series_s))
        return fail(e, "(0008,0031) SeriesTime is missing: the time decay was corrected to is not known");
    if (need(f->frame_reference_s, -1e6, 1e6, "(0054,1300) FrameReferenceTime", "s", e) < 0)
        return -1;
    bool ge = strncasecmp(f->vendor, "GE", 2) == 0; /* its frame reference time is that of the frame's start */
    if (!ge && need(f->frame_duration_s, 0, 1e6, "(0018,1242) ActualFrameDuration", "s", e) < 0)
        return -1;
    *reference_s = f->acquisition_s + (ge ? 0 : suv_average_delay(f->frame_duration_s, f->half_life_s)) - f->frame_reference_s;
    return 0;
}

/* Seconds from injection. An injection after the scan was on the day before, if that makes less than six hours. */
static int delay_since_injection(struct scan_facts *f, double scan_s, struct error *e)
{
    if (need(f->injection_s, -HUGE_VAL, HUGE_VAL, "(0018,1072) RadiopharmaceuticalStartTime", "s", e) < 0)
        return -1;
    double delay = scan_s - f->injection_s;
    if (delay < 0) {
        delay += 86400;
        if (delay < 0 || delay >= 6 * 3600.0)
            return fail(e, "(0018,1072) RadiopharmaceuticalStartTime is %.0f s after the scan, and a day earlier is %.1f h "
                           "before it: one of the two times is wrong", f->injection_s - scan_s, delay / 3600);
    }
    f->delay_s = delay;
    return 0;
}

/* ---- decay corrected to START of the scan, to ADMINistration, or not at all ---- */

static void factor_decayed(struct scan_facts *f)
{
    f->suv_factor = f->weight_g / (f->dose_bq * exp2(-f->delay_s / f->half_life_s));
    formula_set(f, "SUVbw = Bq/mL * weight_g / (dose_bq * 2^(-delay_s/half_life_s))");
}

static int need_half_life(const struct scan_facts *f, struct error *e)
{
    return need(f->half_life_s, 1, 1e9, "(0018,1075) RadionuclideHalfLife", "s", e);
}

static int factor_start(struct scan_facts *f, struct error *e)
{
    double reference_s;
    if (need_correction(f, "DECY", "decay", e) < 0 || need_half_life(f, e) < 0 || suv_reference(f, &reference_s, e) < 0 ||
        delay_since_injection(f, reference_s, e) < 0)
        return -1;
    factor_decayed(f);
    return 0;
}

static int factor_admin(struct scan_facts *f, struct error *e)
{
    if (need_correction(f, "DECY", "decay", e) < 0)
        return -1;
    f->delay_s = 0;
    f->suv_factor = f->weight_g / f->dose_bq;
    formula_set(f, "SUVbw = Bq/mL * weight_g / dose_bq");
    return 0;
}

/* The frame's mean activity is that at one moment within it: the dose is decayed to that moment. */
static int factor_none(struct scan_facts *f, struct error *e)
{
    if (need_half_life(f, e) < 0 || need(f->acquisition_s, -HUGE_VAL, HUGE_VAL, "(0008,0032) AcquisitionTime", "s", e) < 0 ||
        need(f->frame_duration_s, 0, 1e6, "(0018,1242) ActualFrameDuration", "s", e) < 0 ||
        delay_since_injection(f, f->acquisition_s, e) < 0)
        return -1;
    f->delay_s += suv_average_delay(f->frame_duration_s, f->half_life_s);
    factor_decayed(f);
    return 0;
}

/* ---- units ---- */

static int factor_bqml(struct scan_facts *f, struct error *e)
{
    static const struct {
        const char *correction;
        int (*factor)(struct scan_facts *f, struct error *e);
    } ways[] = {{"START", factor_start}, {"ADMIN", factor_admin}, {"NONE", factor_none}};
    if (need_weight_and_dose(f, e) < 0 || need_correction(f, "ATTN", "attenuation", e) < 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        if (strcmp(f->decay_correction, ways[i].correction) == 0)
            return ways[i].factor(f, e);
    return *f->decay_correction ? fail(e, "(0054,1102) DecayCorrection is '%s': START, ADMIN or NONE wanted", f->decay_correction)
                                : fail(e, "(0054,1102) DecayCorrection is missing: the time decay was corrected to is not known");
}

static int factor_one(struct scan_facts *f, struct error *e)
{
    (void)e;
    f->suv_factor = 1;
    formula_set(f, "SUVbw = value (the volume came as SUV)");
    return 0;
}

int suv_factor(struct scan_facts *f, struct error *e)
{
    static const struct {
        const char *units;
        int (*factor)(struct scan_facts *f, struct error *e);
    } units[] = {{"BQML", factor_bqml}, {"SUV", factor_one}, {"GML", factor_one}};
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (strcmp(f->units, units[i].units) == 0)
            return units[i].factor(f, e);
    return *f->units ? fail(e, "(0054,1001) Units '%s' are not handled: only BQML, SUV, and GML by body weight are", f->units)
                     : fail(e, "(0054,1001) Units is missing: what the values mean is not known");
}

/* ---- voxels ---- */

void suv_apply(struct volume *v, const struct scan_facts *f)
{
    size_t const count = grid_voxels(&v->grid);
    for (size_t i = 0; f->suv_factor != 1 && i < count; i++)
        v->voxel[i] = (float)(v->voxel[i] * f->suv_factor);
}

void suv_statistics(const struct volume *v, struct scan_facts *f)
{
    size_t const count = grid_voxels(&v->grid);
    double sum = 0, squares = 0, most = -HUGE_VAL;
    for (size_t i = 0; i < count; i++) {
        sum += v->voxel[i];
        most = v->voxel[i] > most ? v->voxel[i] : most;
    }
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (v->voxel[i] - mean) * (v->voxel[i] - mean);
    f->suv_max = most;
    f->volume_mean = mean;
    f->volume_sd = count > 1 ? sqrt(squares / (double)(count - 1)) : 0;
}
