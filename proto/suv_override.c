/* SPDX-License-Identifier: Apache-2.0 */
/* suv_override -- facts the user gave in place of the files'.   proto
 *
 * The text that travels with the scan is both the order and the record of it: whoever made facts of a file applies it last. */
#include "common/timestamp.h"
#include "proto/suv.h"
#include <math.h>
#include <string.h>

static const char *const allowed[] = {"weight_g",
                                      "height_m",
                                      "sex",
                                      "dose_bq",
                                      "half_life_s",
                                      "nuclide",
                                      "tracer",
                                      "injection_s",
                                      "series_s",
                                      "acquisition_s",
                                      "scan_start_s",
                                      "units",
                                      "decay_correction",
                                      "corrected",
                                      "corrected_to_s",
                                      "frame_reference_s",
                                      "frame_duration_s"};

static const struct fact_field *field_find(const char *name)
{
    for (size_t i = 0; i < scan_fact_count; i++)
        if (strcmp(scan_fact_fields[i].name, name) == 0)
            return &scan_fact_fields[i];
    return NULL;
}

bool suv_override_known(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(allowed); i++)
        if (strcmp(allowed[i], name) == 0)
            return true;
    return false;
}

/* A moment may be told as a clock does; of the injection that leaves the day open. */
static int real_set(struct scan_facts *f, const struct fact_field *field, const char *value, struct error *e)
{
    struct timestamp t = timestamp_none();
    bool const moment = field->offset == offsetof(struct scan_facts, injection_s) ||
                        field->offset == offsetof(struct scan_facts, series_s) ||
                        field->offset == offsetof(struct scan_facts, acquisition_s) ||
                        field->offset == offsetof(struct scan_facts, scan_start_s) ||
                        field->offset == offsetof(struct scan_facts, corrected_to_s);
    double number = number_read(value, NULL);
    bool const clock = moment && strchr(value, ':') && timestamp_time(value, &t);
    if (clock)
        number = t.time_s;
    if (!isfinite(number))
        return fail(e, "--override %s=%s: a number in %s%s is wanted", field->name, value, field->unit,
                    moment ? ", or HH:MM:SS," : "");
    *(double *)((char *)f + field->offset) = number;
    if (field->offset == offsetof(struct scan_facts, injection_s))
        f->injection_dated = !clock;
    return 0;
}

int suv_override(struct scan_facts *f, struct error *e)
{
    char text[sizeof f->overridden], *rest = text, *one;
    memcpy(text, f->overridden, sizeof text);
    while ((one = strsep(&rest, ";"))) {
        char *value = one, *name = strsep(&value, "=");
        if (!*name)
            continue;
        const struct fact_field *field = suv_override_known(name) ? field_find(name) : NULL;
        if (!field || !value || !*value)
            return fail(e, "--override %s: no fact of that name can be given, or nothing is given for it", name);
        if (field->kind == FACT_REAL) {
            if (real_set(f, field, value, e) < 0)
                return -1;
        } else {
            if (strlen(value) >= field->size)
                return fail(e, "--override %s: '%s' is longer than %zu letters", name, value, field->size - 1);
            memcpy((char *)f + field->offset, value, strlen(value) + 1);
        }
        suv_tell(f, "%s=%s was given by the user", name, value);
    }
    return 0;
}
