/* SPDX-License-Identifier: Apache-2.0 */
/* sidecar_json -- the JSON beside a NIfTI volume says what its header cannot: dose, weight, times.   scan -> [sidecar_json]
 *
 * Names are those of BIDS-PET where it has one. Times without a day are of one day; decay past midnight is the business of suv. Where one
 * of them names a time zone, all must. */
#include "common/timestamp.h"
#include "proto/suv.h"
#include "stages/load/load.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER, TIME };
/* Which way of decay correction needs a field to make SUV of Bq/mL. */
enum { BY_START = 1, BY_ADMIN = 2, BY_NONE = 4, BY_ALL = 7 };
static const struct {
    const char *name;
    enum kind kind;
    size_t offset, size;
    double scale; /* NUMBER: ours = scale * theirs */
    const char *unit;
    unsigned needed;
} fields[] = {
#define FIELD(member) offsetof(struct scan_facts, member), sizeof((struct scan_facts *)0)->member
    {"DecayCorrection", TEXT, FIELD(decay_correction), 0, "START, ADMIN or NONE", BY_ALL},
    {"BodyWeight", NUMBER, FIELD(weight_g), 1000, "kg", BY_ALL},
    {"InjectedRadioactivity", NUMBER, FIELD(dose_bq), 1, "Bq, or what InjectedRadioactivityUnits says", BY_ALL},
    {"RadionuclideHalfLife", NUMBER, FIELD(half_life_s), 1, "s", BY_START | BY_NONE},
    {"InjectionTime", TIME, FIELD(injection_s), 0, "HH:MM:SS", BY_START | BY_NONE},
    {"AcquisitionTime", TIME, FIELD(acquisition_s), 0, "HH:MM:SS", BY_START | BY_NONE},
    {"SeriesTime", TIME, FIELD(series_s), 0, "HH:MM:SS", BY_START},
    {"FrameDuration", NUMBER, FIELD(frame_duration_s), 1, "s", BY_NONE},
    {"BodyHeight", NUMBER, FIELD(height_m), 1, "m", 0},
    {"PatientAge", NUMBER, FIELD(age_y), 1, "years", 0},
    {"PatientSex", TEXT, FIELD(sex), 0, "", 0},
    {"Diagnosis", TEXT, FIELD(diagnosis), 0, "", 0},
    {"Manufacturer", TEXT, FIELD(vendor), 0, "", 0},
    {"ManufacturersModelName", TEXT, FIELD(model), 0, "", 0},
    {"TracerRadionuclide", TEXT, FIELD(tracer), 0, "", 0},
#undef FIELD
};

static int text_get(const json_t *object, const char *name, char *to, size_t size, struct error *e)
{
    const json_t *value = json_object_get(object, name);
    if (!value)
        return 0;
    if (!json_is_string(value))
        return fail(e, "\"%s\" is not a text", name);
    if (strlen(json_string_value(value)) >= size)
        return fail(e, "\"%s\" is longer than %zu letters", name, size - 1);
    format_into(to, size, "%s", json_string_value(value));
    return 0;
}

/* Times as they stand, until all are known. */
struct clock_texts {
    size_t count;
    struct timestamp said[8];
    double *to[8];
};

static int field_get(const json_t *object, size_t row, struct scan_facts *f, struct clock_texts *clock, struct error *e)
{
    const json_t *value = json_object_get(object, fields[row].name);
    char text[64] = "", *base = (char *)f;
    if (!value)
        return 0;
    if (fields[row].kind == TEXT)
        return text_get(object, fields[row].name, base + fields[row].offset, fields[row].size, e);
    double *to = (double *)(base + fields[row].offset);
    if (fields[row].kind == NUMBER) {
        if (json_is_array(value) && json_array_size(value) == 1) /* BIDS: one value a frame */
            value = json_array_get(value, 0);
        if (!json_is_number(value))
            return fail(e, "\"%s\" is not a number (%s)", fields[row].name, fields[row].unit);
        *to = fields[row].scale * json_number_value(value);
        return 0;
    }
    struct timestamp *t = &clock->said[clock->count++];
    *t = timestamp_none();
    clock->to[clock->count - 1] = to;
    if (text_get(object, fields[row].name, text, sizeof text, e) < 0)
        return -1;
    return timestamp_time(text, t) || (timestamp_datetime(text, t) && isfinite(t->time_s))
               ? 0
               : fail(e, "\"%s\" is '%s', not a time (%s)", fields[row].name, text, fields[row].unit);
}

/* All the times there are, as seconds after midnight of the first day that one of them names, in UTC where they name their zones. */
static int clock_set(const struct clock_texts *c, struct scan_facts *f, struct error *e)
{
    size_t zoned = 0, dated = 0;
    double day = NAN;
    for (size_t i = 0; i < c->count; i++) {
        zoned += isfinite(c->said[i].zone_s);
        dated += isfinite(c->said[i].day);
        if (c->to[i] == &f->acquisition_s || !isfinite(day))
            day = isfinite(c->said[i].day) ? c->said[i].day : day;
    }
    if (zoned && zoned < c->count)
        return fail(e, "some of its times name a time zone, and some do not: what lies between them is not known");
    for (size_t i = 0; i < c->count; i++) {
        *c->to[i] = timestamp_since(&c->said[i], day, zoned ? 0 : (double)NAN);
        if (c->to[i] == &f->injection_s)
            f->injection_dated = dated == c->count && c->count > 1;
    }
    return 0;
}

/* InjectedRadioactivity comes with a unit of its own. */
static int dose_scale(const json_t *object, struct scan_facts *f, struct error *e)
{
    static const struct {
        const char *name;
        double bq;
    } units[] = {{"", 1}, {"Bq", 1}, {"kBq", 1e3}, {"MBq", 1e6}, {"GBq", 1e9}};
    char unit[16] = "";
    if (text_get(object, "InjectedRadioactivityUnits", unit, sizeof unit, e) < 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (strcmp(unit, units[i].name) == 0) {
            f->dose_bq *= units[i].bq;
            return 0;
        }
    return fail(e, "\"InjectedRadioactivityUnits\" is '%s', not Bq, kBq, MBq or GBq", unit);
}

static int units_get(const json_t *object, struct scan_facts *f, struct error *e)
{
    static const char *const units[][2] = {
        {"Bq/mL", "BQML"}, {"BQML", "BQML"}, {"SUV", "SUV"}, {"g/mL", "GML"}, {"CNTS", "CNTS"}};
    char unit[16] = "";
    if (text_get(object, "Units", unit, sizeof unit, e) < 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (strcmp(unit, units[i][0]) == 0)
            format_into(f->units, sizeof f->units, "%s", units[i][1]);
    return *unit && !*f->units ? fail(e, "\"Units\" is '%s', not Bq/mL or SUV", unit) : 0;
}

static int corrected_get(const json_t *object, struct scan_facts *f, struct error *e)
{
    const json_t *list = json_object_get(object, "CorrectedImage"), *one;
    size_t i, used = 0;
    if (!list || json_is_string(list))
        return text_get(object, "CorrectedImage", f->corrected, sizeof f->corrected, e);
    json_array_foreach(list, i, one)
    {
        if (!json_is_string(one) || used + json_string_length(one) + 2 > sizeof f->corrected)
            return fail(e, "\"CorrectedImage\" is not a short list of texts");
        format_into(f->corrected + used, sizeof f->corrected - used, "%s%s", i ? "\\" : "", json_string_value(one));
        used = strlen(f->corrected);
    }
    return json_is_array(list) ? 0 : fail(e, "\"CorrectedImage\" is not a list of texts");
}

static int ids_get(const json_t *object, char **patient, char **study, struct error *e)
{
    char id[256] = "";
    if (text_get(object, "PatientID", id, sizeof id, e) < 0)
        return -1;
    *patient = *id ? xstrdup(id) : NULL;
    id[0] = '\0';
    if (text_get(object, "StudyID", id, sizeof id, e) < 0)
        return -1;
    *study = *id ? xstrdup(id) : NULL;
    return 0;
}

int sidecar_read(const char *path, struct scan_facts *f, char **patient, char **study, struct error *e)
{
    struct buffer file = {0};
    *patient = *study = NULL;
    if (file_read(path, 1 << 20, &file, e) < 0)
        return -1;
    json_error_t why;
    json_t *object = json_loadb((const char *)file.data, file.size, JSON_REJECT_DUPLICATES, &why);
    buffer_free(&file);
    if (!json_is_object(object)) {
        json_decref(object);
        return object ? fail(e, "cannot read '%s': it holds no JSON object", path)
                      : fail(e, "cannot read '%s': line %d: %s", path, why.line, why.text);
    }
    int rc = 0;
    struct clock_texts clock = {0};
    for (size_t row = 0; rc == 0 && row < COUNT_OF(fields); row++)
        rc = field_get(object, row, f, &clock, e);
    if (rc == 0)
        rc = clock_set(&clock, f, e);
    if (rc == 0)
        rc = dose_scale(object, f, e);
    if (rc == 0)
        rc = units_get(object, f, e);
    if (rc == 0)
        rc = corrected_get(object, f, e);
    if (rc == 0)
        rc = ids_get(object, patient, study, e);
    if (rc == 0)
        rc = sidecar_bids(object, f, e);
    if (rc == 0)
        rc = suv_override(f, e);
    f->simulated = json_is_true(json_object_get(object, "Simulated"));
    json_decref(object);
    if (rc < 0) {
        free(*patient);
        free(*study);
        *patient = *study = NULL;
        return fail_in(e, "cannot use '%s'", path);
    }
    return 0;
}

int sidecar_check(const char *nifti, const char *path, const struct scan_facts *f, struct error *e)
{
    if (strcmp(f->units, "BQML") != 0)
        return 0;
    if (!path)
        return fail(e,
                    "cannot make SUV of '%s': no JSON of the same name lies beside it (with \"BodyWeight\", "
                    "\"InjectedRadioactivity\", \"InjectionTime\", ...)",
                    nifti);
    unsigned way = strcmp(f->decay_correction, "ADMIN") == 0  ? BY_ADMIN
                   : strcmp(f->decay_correction, "NONE") == 0 ? BY_NONE
                                                              : BY_START;
    for (size_t row = 0; row < COUNT_OF(fields); row++) {
        const char *at = (const char *)f + fields[row].offset;
        bool there = fields[row].kind == TEXT ? *at != '\0' : isfinite(*(const double *)at);
        if (fields[row].needed & way && !there)
            return fail(e, "cannot make SUV of '%s': '%s' has no \"%s\" (%s)", nifti, path, fields[row].name,
                        fields[row].unit);
    }
    if (!*f->corrected)
        return fail(e, "cannot make SUV of '%s': '%s' has no \"CorrectedImage\" (list of texts: ATTN, DECY, ...)",
                    nifti, path);
    return 0;
}
