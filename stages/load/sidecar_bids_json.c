/* SPDX-License-Identifier: Apache-2.0 */
/* sidecar_bids_json -- times and corrections as BIDS-PET has them (_pet.json).   sidecar_json -> [sidecar_bids_json]
 *
 * BIDS counts seconds from TimeZero: InjectionStart, ScanStart, ImageDecayCorrectionTime. Decay corrected to the injection is
 * ADMIN; to any other moment, START with that moment as the scan's own start. */
#include "common/timestamp.h"
#include "stages/load/load.h"
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <strings.h>

static int seconds_get(const json_t *object, const char *name, double *to, struct error *e)
{
    const json_t *value = json_object_get(object, name);
    if (value && !json_is_number(value))
        return fail(e, "\"%s\" is not a number (s after TimeZero)", name);
    if (value)
        *to = json_number_value(value);
    return 0;
}

/* A nuclide by name has a half-life by nature, not by default. */
static void half_life_of_nuclide(struct scan_facts *f)
{
    static const char *const names[] = {"F18", "F-18", "18F", "^18^F", "18-F"};
    for (size_t i = 0; isnan(f->half_life_s) && i < COUNT_OF(names); i++)
        if (strcasecmp(f->tracer, names[i]) == 0)
            f->half_life_s = 6586.2;
}

/* AttenuationCorrection is a sentence; only what plainly says no is none. */
static bool attenuation_said(const json_t *object)
{
    const char *said = json_string_value(json_object_get(object, "AttenuationCorrection"));
    return said && *said && strncasecmp(said, "no", 2) != 0 && strcasecmp(said, "false") != 0 &&
           strcasecmp(said, "n/a") != 0;
}

/* What BIDS says of the correction of decay, in DICOM's words; where DICOM's own stands beside it, the two must agree. */
static int decay_set(bool corrected, double zero_s, double corrected_to, double injected, struct scan_facts *f,
                     struct error *e)
{
    bool const admin = isfinite(corrected_to) && isfinite(injected) && fabs(corrected_to - injected) < 0.5;
    const char *word = !corrected ? "NONE" : admin ? "ADMIN" : "START";
    if (corrected && !isfinite(corrected_to) && *f->decay_correction == '\0')
        return fail(e, "\"ImageDecayCorrectionTime\" is missing: the time decay was corrected to is not known");
    if (corrected && !isfinite(corrected_to))
        return strcmp(f->decay_correction, "NONE") != 0
                   ? 0
                   : fail(e, "\"DecayCorrection\" is 'NONE' and \"ImageDecayCorrected\" is true: they contradict each "
                             "other");
    if (*f->decay_correction && strcmp(f->decay_correction, word) != 0)
        return fail(e,
                    "\"DecayCorrection\" is '%s', and \"ImageDecayCorrected\" and \"ImageDecayCorrectionTime\" make it "
                    "'%s': they "
                    "contradict each other",
                    f->decay_correction, word);
    format_into(f->decay_correction, sizeof f->decay_correction, "%s", word);
    if (corrected && !admin) {
        f->corrected_to_s = zero_s + corrected_to;
        f->series_s = isfinite(f->series_s) ? f->series_s : f->corrected_to_s;
    }
    return 0;
}

int sidecar_bids(const struct json_t *object, struct scan_facts *f, struct error *e)
{
    const json_t *zero = json_object_get(object, "TimeZero"),
                 *corrected = json_object_get(object, "ImageDecayCorrected");
    double injected = NAN, begun = NAN, corrected_to = NAN;
    if (!zero)
        return 0; /* not of BIDS-PET: the fields of sidecar_json say it all */
    struct timestamp at = timestamp_none();
    if (!json_is_string(zero) || (!timestamp_time(json_string_value(zero), &at) &&
                                  !(timestamp_datetime(json_string_value(zero), &at) && isfinite(at.time_s))))
        return fail(e, "\"TimeZero\" is not a time (HH:MM:SS)");
    double const zero_s = at.time_s; /* whose zone and day do not matter: all else is counted from it */
    if (seconds_get(object, "InjectionStart", &injected, e) < 0 || seconds_get(object, "ScanStart", &begun, e) < 0 ||
        seconds_get(object, "ImageDecayCorrectionTime", &corrected_to, e) < 0)
        return -1;
    if (corrected && !json_is_boolean(corrected))
        return fail(e, "\"ImageDecayCorrected\" is neither true nor false");
    if (isfinite(injected)) {
        f->injection_s = zero_s + injected;
        f->injection_dated = 1;
    }
    if (isfinite(begun))
        f->acquisition_s = zero_s + begun;
    half_life_of_nuclide(f);
    if (corrected && decay_set(json_is_true(corrected), zero_s, corrected_to, injected, f, e) < 0)
        return -1;
    if (!*f->corrected)
        format_into(f->corrected, sizeof f->corrected, "%s%s", attenuation_said(object) ? "ATTN" : "NONE",
                    json_is_true(corrected) ? "\\DECY" : "");
    return 0;
}
