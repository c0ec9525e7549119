/* SPDX-License-Identifier: Apache-2.0 */
/* series_facts -- what the attributes of a DICOM series say of the scan.   series -> [series_facts]
 *
 * Times become seconds since midnight of the study's first day, so that a scan that crosses midnight has times above
 * 86,400. Several bed positions have several acquisition times: only the earliest counts. */
#include "stages/load/load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A date and time as seconds after midnight of `first_day`; without a date, of that very day. */
static double moment(const char *date, const char *time, double first_day)
{
    double day = clock_days(date), s = clock_seconds(time);
    return isfinite(day) && isfinite(first_day) ? s + 86400 * (day - first_day) : s;
}

/* "YYYYMMDDHHMMSS.f" as above. */
static double datetime_moment(const char *text, double first_day)
{
    return strlen(text) < 14 ? NAN : moment(text, text + 8, first_day);
}

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

/* Injection has a time without a date; or a date and time, of which de-identification often leaves the date wrong: then
 * its time of day is what can be trusted. */
static double injection_moment(const struct dicom_image *s)
{
    double at = clock_seconds(s->injection_time);
    return isfinite(at) || strlen(s->injection_datetime) < 14 ? at : clock_seconds(s->injection_datetime + 8);
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

/* Philips writes counts, and what a count is worth: an SUV (7053,1000), or where that is missing or 0, Bq/mL (7053,1009). */
static int counts_worth(const struct dicom_image *image, size_t count, struct scan_facts *f, struct error *e)
{
    bool suv = image[0].philips_suv > 0, bqml = image[0].philips_bqml > 0;
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

int series_facts(const struct dicom_image *image, size_t count, struct scan_facts *f, struct error *e)
{
    const struct dicom_image *s = &image[0];
    double first_day = clock_days(s->study_date), latest = NAN;
    for (size_t i = 0; i < count; i++) {
        double at = moment(image[i].acquisition_date, image[i].acquisition_time, first_day);
        if (!isfinite(at))
            continue;
        if (!(at >= f->acquisition_s)) { /* also while it is unknown */
            f->acquisition_s = at;
            f->frame_reference_s = image[i].frame_reference_ms / 1000;
            f->frame_duration_s = image[i].frame_duration_ms / 1000;
        }
        latest = fmax(at, latest);
    }
    if (strcmp(s->decay_correction, "NONE") == 0 && latest > f->acquisition_s)
        return fail(
            e, "(0054,1102) DecayCorrection is NONE and bed positions have several (0008,0032) AcquisitionTime: no one "
               "SUV factor fits");
    copy(f->modality, sizeof f->modality, s->modality);
    copy(f->vendor, sizeof f->vendor, s->vendor);
    copy(f->model, sizeof f->model, s->model);
    copy(f->tracer, sizeof f->tracer, s->tracer);
    copy(f->sex, sizeof f->sex, s->sex);
    copy(f->decay_correction, sizeof f->decay_correction, s->decay_correction);
    copy(f->corrected, sizeof f->corrected, s->corrected);
    units_copy(s, f);
    if (counts_worth(image, count, f, e) < 0)
        return -1;
    f->age_y = age_years(s->age);
    f->weight_g = s->weight_kg * 1000;
    f->height_m = s->height_m;
    f->dose_bq = s->dose_bq;
    f->half_life_s = s->half_life_s;
    f->injection_s = injection_moment(s);
    f->series_s = moment(s->series_date, s->series_time, first_day);
    f->scan_start_s = datetime_moment(*s->siemens_scan_start ? s->siemens_scan_start : s->ge_scan_start, first_day);
    return 0;
}
