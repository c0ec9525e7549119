/* SPDX-License-Identifier: Apache-2.0 */
/* suv_reference -- when the scan began: the moment a scanner corrects decay to.   proto
 *
 * A table of rules in the order they are tried: SeriesTime, unless the series was made anew later; the vendor's own start;
 * else the earliest frame's time less its reference time. */
#include "proto/suv.h"
#include <math.h>
#include <strings.h>

double suv_average_delay(double frame_s, double half_life_s)
{
    double k = log(2) / half_life_s, kt = k * frame_s;
    return kt > 0 ? log(kt / -expm1(-kt)) / k : 0;
}

static bool is_ge(const struct scan_facts *f)
{
    return strncasecmp(f->vendor, "GE", 2) == 0;
}

static double from_series(const struct scan_facts *f)
{
    return f->series_s <= f->acquisition_s ? f->series_s : (double)NAN;
}

static double from_vendor(const struct scan_facts *f)
{
    return f->scan_start_s;
}

/* GE's frame reference time is that of the frame's start. */
static double from_frame_start(const struct scan_facts *f)
{
    return is_ge(f) ? f->acquisition_s - f->frame_reference_s : (double)NAN;
}

static double from_frame_mean(const struct scan_facts *f)
{
    return f->acquisition_s + suv_average_delay(f->frame_duration_s, f->half_life_s) - f->frame_reference_s;
}

int suv_reference(const struct scan_facts *f, double *reference_s, struct error *e)
{
    static double (*const rules[])(const struct scan_facts *f) = {
        from_series,      /* (0008,0031) */
        from_vendor,      /* Siemens (0071,1022), GE (0009,100D) */
        from_frame_start, /* (0008,0032) - (0054,1300) */
        from_frame_mean,  /* (0008,0032) + Tavg - (0054,1300) */
    };
    static const struct suv_wanted acquisition = {
        .tag = "(0008,0032) AcquisitionTime", .unit = "s", .low = -HUGE_VAL, .high = HUGE_VAL};
    static const struct suv_wanted frame = {
        .tag = "(0054,1300) FrameReferenceTime", .unit = "s", .low = -1e6, .high = 1e6};
    static const struct suv_wanted duration = {
        .tag = "(0018,1242) ActualFrameDuration", .unit = "s", .low = 0, .high = 1e6};
    if (suv_need(f->acquisition_s, &acquisition, e) < 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        if (rules[i] == from_frame_start) { /* from here on the series' own time is what would have told */
            if (!isfinite(f->series_s))
                return fail(e, "(0008,0031) SeriesTime is missing: the time decay was corrected to is not known");
            if (suv_need(f->frame_reference_s, &frame, e) < 0 ||
                (!is_ge(f) && suv_need(f->frame_duration_s, &duration, e) < 0))
                return -1;
        }
        *reference_s = rules[i](f);
        if (isfinite(*reference_s))
            return 0;
    }
    return fail(e, "the time decay was corrected to is not known");
}
