/* SPDX-License-Identifier: Apache-2.0 */
/* series_facts -- what the attributes of a DICOM series say of the scan.   series -> [series_facts]
 *
 * Times become seconds since midnight of the day of the earliest acquisition. Several bed positions have several acquisition times: the
 * earliest counts; where decay was not corrected at all, the slices of the later ones are brought back to it. */
#include "common/timestamp.h"
#include "proto/suv.h"
#include "stages/load/load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- moments of one slice ---- */

/* A date and time of their own elements, in the zone of the file (0008,0201). What is there and is none is noted in *f. */
static struct timestamp dated(const char *date, const char *time, const char *tag, const char *zone,
                              struct scan_facts *f)
{
    struct timestamp t = timestamp_none();
    (void)timestamp_zone(zone, &t);
    (void)timestamp_date(date, &t);
    if (*time && !timestamp_time(time, &t) && f)
        suv_unread(f, tag, time);
    return t;
}

/* AcquisitionDate and AcquisitionTime; where one of them is not there, AcquisitionDateTime. */
static struct timestamp acquisition(const struct dicom_image *s, struct scan_facts *f)
{
    struct timestamp t = dated(s->acquisition_date, s->acquisition_time, "(0008,0032) AcquisitionTime", s->zone, f),
                     whole = t;
    if (isfinite(t.time_s) && isfinite(t.day))
        return t;
    if (!timestamp_datetime(s->acquisition_datetime, &whole) || !isfinite(whole.time_s))
        return t;
    if (isfinite(t.time_s)) /* the day alone was missing */
        t.day = whole.day;
    return isfinite(t.time_s) ? t : whole;
}

/* The day all moments count from: that of the acquisition, else of the series, else of the study. */
static double first_day(const struct dicom_image *s, const struct timestamp *earliest)
{
    const char *const dates[] = {s->series_date, s->study_date};
    struct timestamp t = *earliest;
    for (size_t i = 0; i < COUNT_OF(dates) && !isfinite(t.day); i++)
        (void)timestamp_date(dates[i], &t);
    return t.day;
}

/* ---- injection ---- */

/* (0018,1078) with its day, in the zone it names; (0018,1072) without one, in the scanner's. Where both are there they must agree. */
static int injection(const struct dicom_image *s, double day, double zone_s, struct scan_facts *f, struct error *e)
{
    static const char time_tag[] = "(0018,1072) RadiopharmaceuticalStartTime";
    struct timestamp whole = timestamp_none(), time = timestamp_none();
    if (*s->injection_time && !timestamp_time(s->injection_time, &time))
        suv_unread(f, time_tag, s->injection_time);
    if (*s->injection_datetime && !timestamp_datetime(s->injection_datetime, &whole))
        suv_unread(f, *s->injection_time ? "(0018,1078) RadiopharmaceuticalStartDateTime" : time_tag,
                   s->injection_datetime);
    if (isfinite(whole.day) && !isfinite(whole.time_s)) /* a day alone: the other has its time */
        whole.time_s = time.time_s;
    if (!isfinite(whole.time_s)) {
        f->injection_s = time.time_s;
        return 0;
    }
    if (isfinite(whole.zone_s) &&
        !isfinite(zone_s)) { /* the scanner's own zone is not known: only what it calls this time may tell */
        if (!isfinite(time.time_s))
            return fail(e,
                        "(0018,1078) RadiopharmaceuticalStartDateTime '%s' names a time zone, and (0008,0201) "
                        "TimezoneOffsetFromUTC, which says that of the scan, is missing; give petrel-load --override "
                        "injection_s=...",
                        s->injection_datetime);
        double const offset = remainder(time.time_s - whole.time_s, DAY_S);
        if (fabs(offset) > 60 &&
            fabs(remainder(offset, 900)) <= 60) /* a zone's worth: the file speaks local time elsewhere */
            whole.time_s += 900 * round(offset / 900);
        whole.zone_s = NAN;
    }
    f->injection_s = timestamp_since(&whole, day, zone_s);
    f->injection_dated = isfinite(whole.day) && isfinite(day);
    if (isfinite(time.time_s) && fabs(remainder(time.time_s - f->injection_s, DAY_S)) > 60)
        return fail(e,
                    "(0018,1072) RadiopharmaceuticalStartTime '%s' and (0018,1078) RadiopharmaceuticalStartDateTime "
                    "'%s' contradict "
                    "each other; give petrel-load --override injection_s=...",
                    s->injection_time, s->injection_datetime);
    return 0;
}

/* ---- the rest ---- */

static double age_years(const char *age)
{
    static const struct {
        char letter;
        double per_year;
    } units[] = {{'Y', 1}, {'M', 12}, {'W', 52.1775}, {'D', 365.25}};
    char *end;
    double n = strtod(age, &end);
    for (size_t i = 0; end != age && i < COUNT_OF(units); i++)
        if (*end == units[i].letter)
            return n / units[i].per_year;
    return NAN;
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%.*s", (int)(size - 1), from);
}

/* GML is SUV by body weight unless SUVType says lean mass or surface; CM2ML is SUV by surface: else the unit carries the
 * type, for suv to judge. */
static void units_copy(const struct dicom_image *s, struct scan_facts *f)
{
    const char *usual = strcmp(s->units, "GML") == 0 ? "BW" : strcmp(s->units, "CM2ML") == 0 ? "BSA" : s->suv_type;
    if (*s->suv_type && strcmp(s->suv_type, usual) != 0)
        snprintf(f->units, sizeof f->units, "%s %.*s", usual[1] == 'W' ? "GML" : "CM2ML", usual[1] == 'W' ? 11 : 9,
                 s->suv_type);
    else
        copy(f->units, sizeof f->units, s->units);
}

/* Philips writes counts, and what a count is worth: an SUV (7053,1000), or where that is missing or 0, Bq/mL (7053,1009); of what was not
 * corrected for decay only the second can be. */
static int counts_worth(const struct dicom_image *image, size_t count, struct scan_facts *f, struct error *e)
{
    bool const none = strcmp(image[0].decay_correction, "NONE") == 0;
    bool bqml = image[0].philips_bqml > 0, suv = image[0].philips_suv > 0 && !(none && bqml);
    if (strcmp(f->units, "CNTS") != 0 || (!suv && !bqml))
        return 0;
    f->suv_factor = suv ? image[0].philips_suv : image[0].philips_bqml;
    copy(f->units, sizeof f->units, suv ? "CNTS SUV" : "CNTS BQML");
    for (size_t i = 1; i < count; i++) {
        double here = suv ? image[i].philips_suv : image[i].philips_bqml;
        if (!(fabs(here - f->suv_factor) <= 1e-6 * f->suv_factor))
            return fail(e, "(7053,%s) differs between slices: %g and %g", suv ? "1000" : "1009", f->suv_factor, here);
    }
    return 0;
}

/* Counts a second of a dose-calibrated image are Bq: of one voxel. */
static int rate_worth(const struct dicom_image *image, size_t count, struct scan_facts *f, struct error *e)
{
    const struct dicom_image *s = &image[0];
    double apart = 0;
    if (strcmp(f->units, "CPS") != 0 || !values_have(s->corrected, "DCAL"))
        return 0;
    if (!(s->slice_thickness_mm > 0))
        return fail(
            e, "(0018,0050) SliceThickness is missing: the volume of a voxel, of which Units CPS tell, is not known");
    for (size_t i = 0; i < 3 && count > 1; i++)
        apart += (image[1].position_mm[i] - s->position_mm[i]) * (image[1].position_mm[i] - s->position_mm[i]);
    if (count > 1 && fabs(sqrt(apart) / s->slice_thickness_mm - 1) > 0.05)
        return fail(e,
                    "slices are %g mm thick ((0018,0050) SliceThickness) and %g mm apart: the volume of a voxel, of "
                    "which Units "
                    "CPS tell, is not known",
                    s->slice_thickness_mm, sqrt(apart));
    f->suv_factor = 1000 / (s->pixel_spacing_mm[0] * s->pixel_spacing_mm[1] * s->slice_thickness_mm);
    copy(f->units, sizeof f->units, "CPS BQML");
    return 0;
}

/* A frame of less than a second is one whose length was written in seconds. */
static double duration_s(const struct dicom_image *s, struct scan_facts *f)
{
    if (!(s->frame_duration_ms >= 1 && s->frame_duration_ms < 1000))
        return s->frame_duration_ms / 1000;
    suv_tell(f, "(0018,1242) ActualFrameDuration is %g ms: taken as seconds", s->frame_duration_ms);
    return s->frame_duration_ms;
}

/* The code of the nuclide, or its meaning where only that fits the half-life: scanners are known to write a neighbour's code. */
static void nuclide_of(const struct dicom_image *s, struct scan_facts *f)
{
    const struct nuclide *coded = nuclide_of_code(s->nuclide_code), *meant = nuclide_of_text(s->nuclide_meaning);
    const struct nuclide *n = coded ? coded : meant;
    if (coded && meant && coded != meant) {
        n = nuclide_agrees(meant, s->half_life_s) ? meant : coded;
        suv_tell(f, "(0054,0300) RadionuclideCodeSequence has the code of %s and calls it %s: taken as %s", coded->name,
                 meant->name, n->name);
    }
    copy(f->nuclide, sizeof f->nuclide, n ? n->name : "");
}

/* AttenuationCorrectionMethod goes on in words; one that says none counts, whatever CorrectedImage has. */
static int attenuation_check(const struct dicom_image *s, struct error *e)
{
    static const char *const none[] = {"NONE",  "NO",  "N",           "NONE.",        "OFF",
                                       "FALSE", "N/A", "UNCORRECTED", "NOT CORRECTED"};
    for (size_t i = 0; i < COUNT_OF(none); i++)
        if (strcasecmp(s->attenuation, none[i]) == 0)
            return fail(e, "(0054,1101) AttenuationCorrectionMethod is '%s': not corrected for attenuation",
                        s->attenuation);
    return 0;
}

/* A study's date a month and more from those of its series and its acquisition was moved without them, or is another study's: which times
 * still belong together is not known. */
static int dates_check(const struct dicom_image *s, const struct timestamp *earliest, const struct scan_facts *f,
                       struct error *e)
{
    enum { MONTH = 31 };
    struct timestamp study = timestamp_none(), series = timestamp_none();
    (void)timestamp_date(s->study_date, &study);
    (void)timestamp_date(s->series_date, &series);
    double const of_series = fabs(series.day - study.day), of_scan = fabs(earliest->day - study.day);
    if (strstr(f->overridden, "_s=") || !(of_scan > MONTH) || of_series <= MONTH)
        return 0;
    return fail(e,
                "(0008,0020) StudyDate is %.0f days from (0008,0022) AcquisitionDate: dates were moved apart, and "
                "which times belong "
                "together is not known; give petrel-load --override injection_s=... to vouch for them",
                of_scan);
}

/* ---- of all slices ---- */

/* The earliest acquisition, its slice, and how far the starts of the scan lie apart that the frames' own clocks tell. */
static void acquisitions(const struct dicom_image *image, size_t count, struct scan_facts *f,
                         struct timestamp *earliest, size_t *which)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    *earliest = acquisition(&image[0], f);
    *which = 0;
    for (size_t i = 0; i < count; i++) {
        struct timestamp const t = i ? acquisition(&image[i], NULL) : *earliest;
        if (isfinite(t.time_s) &&
            (!isfinite(earliest->time_s) || timestamp_since(&t, earliest->day, earliest->zone_s) < earliest->time_s)) {
            *earliest = t;
            *which = i;
        }
    }
    for (size_t i = 0; i < count; i++) { /* half the duration is the mean's moment closely enough for this */
        struct timestamp const t = acquisition(&image[i], NULL);
        double const start = timestamp_since(&t, earliest->day, earliest->zone_s) +
                             (image[i].frame_duration_ms / 2 - image[i].frame_reference_ms) / 1000;
        low = fmin(low, start);
        high = fmax(high, start);
    }
    f->clock_spread_s = high >= low ? high - low : (double)NAN;
}

int series_facts(struct dicom_image *image, size_t count, struct scan_facts *f, struct error *e)
{
    const struct dicom_image *s = &image[0];
    struct timestamp earliest;
    size_t first;
    copy(f->unread, sizeof f->unread, s->unread);
    acquisitions(image, count, f, &earliest, &first);
    double const day = first_day(s, &earliest), zone_s = earliest.zone_s;
    struct timestamp vendor = {NAN, NAN, zone_s}, to = {NAN, NAN, zone_s};
    struct timestamp const series = dated(s->series_date, s->series_time, "(0008,0031) SeriesTime", s->zone, f);
    f->acquisition_s = earliest.time_s;
    f->frame_reference_s = image[first].frame_reference_ms / 1000;
    f->frame_duration_s = duration_s(&image[first], f);
    f->series_s = timestamp_since(&series, day, zone_s);
    const char *scan_start = *s->siemens_scan_start ? s->siemens_scan_start : s->ge_scan_start;
    if (timestamp_datetime(scan_start, &vendor))
        f->scan_start_s = timestamp_since(&vendor, day, zone_s);
    if (timestamp_datetime(s->corrected_to, &to))
        f->corrected_to_s = timestamp_since(&to, day, zone_s);
    copy(f->modality, sizeof f->modality, s->modality);
    copy(f->vendor, sizeof f->vendor, s->vendor);
    copy(f->model, sizeof f->model, s->model);
    copy(f->tracer, sizeof f->tracer, s->tracer);
    copy(f->sex, sizeof f->sex, s->sex);
    copy(f->decay_correction, sizeof f->decay_correction, s->decay_correction);
    copy(f->corrected, sizeof f->corrected, s->corrected);
    nuclide_of(s, f);
    units_copy(s, f);
    f->age_y = age_years(s->age);
    f->weight_g = s->weight_kg * 1000;
    f->height_m = s->height_m > 0 ? s->height_m : (double)NAN; /* 0: nobody wrote one */
    f->dose_bq = s->dose_bq;
    f->half_life_s = s->half_life_s;
    if (dates_check(s, &earliest, f, e) < 0 || attenuation_check(s, e) < 0 ||
        (!strstr(f->overridden, "injection_s=") && injection(s, day, zone_s, f, e) < 0) || suv_override(f, e) < 0 ||
        counts_worth(image, count, f, e) < 0 || rate_worth(image, count, f, e) < 0)
        return -1;
    if (s->intercept < 0 || s->intercept > 0)
        suv_tell(f, "(0028,1052) RescaleIntercept is %g: PET's is 0 by the standard", s->intercept);
    return 0;
}

/* ---- decay ---- */

int series_decay(struct dicom_image *image, size_t count, struct scan_facts *f, struct error *e)
{
    double spread = 0;
    bool const activity = strcmp(f->units, "BQML") == 0 || strstr(f->units, " BQML");
    /* the series' time is only believed where the frames' clock could contradict it */
    if (activity && strcmp(f->decay_correction, "START") == 0 && !isfinite(f->frame_duration_s) &&
        strncasecmp(f->vendor, "GE", 2) != 0)
        return suv_need_duration(f, e);
    if (!activity || strcmp(f->decay_correction, "NONE") != 0 || !isfinite(f->acquisition_s))
        return 0;
    struct timestamp earliest;
    size_t first;
    double const kept = f->clock_spread_s;
    acquisitions(image, count, f, &earliest, &first);
    f->clock_spread_s = kept;
    for (size_t i = 0; i < count; i++) {
        struct timestamp const t = acquisition(&image[i], NULL);
        double const later = timestamp_since(&t, earliest.day, earliest.zone_s) - earliest.time_s;
        struct scan_facts here = *f;
        here.frame_duration_s =
            strstr(f->overridden, "frame_duration_s=") ? f->frame_duration_s : duration_s(&image[i], f);
        if (!(later > 0 || later < 0) && !(fabs(here.frame_duration_s - f->frame_duration_s) > 0) && isfinite(later))
            continue;
        if (!isfinite(later))
            return fail(e, "(0008,0032) AcquisitionTime of a slice is missing, and decay was not corrected for");
        if (suv_need_half_life(f, e) < 0 || suv_need_duration(f, e) < 0 || suv_need_duration(&here, e) < 0)
            return -1;
        double const mean_later = later + suv_average_delay(here.frame_duration_s, f->half_life_s) -
                                  suv_average_delay(f->frame_duration_s, f->half_life_s);
        image[i].slope *= exp2(mean_later / f->half_life_s);
        image[i].intercept *= exp2(mean_later / f->half_life_s);
        spread = fmax(spread, mean_later);
    }
    if (spread > 0)
        suv_tell(f, "decay was not corrected: slices acquired up to %.0f s later are brought back to the earliest",
                 spread);
    return 0;
}
