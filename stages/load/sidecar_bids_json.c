/* SPDX-License-Identifier: Apache-2.0 */
/* sidecar_bids_json -- times and corrections as BIDS-PET has them (_pet.json).   sidecar_json -> [sidecar_bids_json]
 *
 * BIDS counts seconds from TimeZero: InjectionStart, ScanStart, ImageDecayCorrectionTime. Decay corrected to the injection is
 * ADMIN; to any other moment, START with that moment as the scan's own start. */
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

int sidecar_bids(const struct json_t *object, struct scan_facts *f, struct error *e)
{
    const json_t *zero = json_object_get(object, "TimeZero"),
                 *corrected = json_object_get(object, "ImageDecayCorrected");
    double injected = NAN, begun = NAN, corrected_to = NAN;
    if (!zero)
        return 0; /* not of BIDS-PET: the fields of sidecar_json say it all */
    double zero_s = json_is_string(zero) ? clock_seconds(json_string_value(zero)) : (double)NAN;
    if (!isfinite(zero_s))
        return fail(e, "\"TimeZero\" is not a time (HH:MM:SS)");
    if (seconds_get(object, "InjectionStart", &injected, e) < 0 || seconds_get(object, "ScanStart", &begun, e) < 0 ||
        seconds_get(object, "ImageDecayCorrectionTime", &corrected_to, e) < 0)
        return -1;
    if (corrected && !json_is_boolean(corrected))
        return fail(e, "\"ImageDecayCorrected\" is neither true nor false");
    if (isfinite(injected))
        f->injection_s = zero_s + injected;
    if (isfinite(begun))
        f->acquisition_s = zero_s + begun;
    half_life_of_nuclide(f);
    if (corrected && !*f->decay_correction) {
        bool admin = isfinite(corrected_to) && isfinite(injected) && fabs(corrected_to - injected) < 0.5;
        if (json_is_true(corrected) && !isfinite(corrected_to))
            return fail(e, "\"ImageDecayCorrectionTime\" is missing: the time decay was corrected to is not known");
        format_into(f->decay_correction, sizeof f->decay_correction,
                    json_is_false(corrected) ? "NONE"
                    : admin                  ? "ADMIN"
                                             : "START");
        if (json_is_true(corrected) && !admin)
            f->scan_start_s = f->series_s = zero_s + corrected_to;
    }
    if (!*f->corrected)
        format_into(f->corrected, sizeof f->corrected, "%s%s", attenuation_said(object) ? "ATTN" : "NONE",
                    json_is_true(corrected) ? "\\DECY" : "");
    return 0;
}
