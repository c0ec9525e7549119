/* SPDX-License-Identifier: Apache-2.0 */
/* explain -- a page about how a scan's SUV comes about, and what else its header could have given.   reader -> [explain] -> proto/suv */
#include "proto/suv.h"
#include "stages/load/load.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what stands in the files ---- */

enum kind { TEXT, NUMBER };
static const struct {
    const char *tag;
    enum kind kind;
    size_t offset;
} attributes[] = {
#define AT(member) offsetof(struct dicom_image, member)
    {"(0008,0016) SOPClassUID", TEXT, AT(sop_class)},
    {"(0008,0070) Manufacturer", TEXT, AT(vendor)},
    {"(0008,1090) ManufacturerModelName", TEXT, AT(model)},
    {"(0054,1001) Units", TEXT, AT(units)},
    {"(0054,1006) SUVType", TEXT, AT(suv_type)},
    {"(0028,0051) CorrectedImage", TEXT, AT(corrected)},
    {"(0054,1101) AttenuationCorrectionMethod", TEXT, AT(attenuation)},
    {"(0054,1102) DecayCorrection", TEXT, AT(decay_correction)},
    {"(0028,1053) RescaleSlope", NUMBER, AT(slope)},
    {"(0028,1052) RescaleIntercept", NUMBER, AT(intercept)},
    {"(7053,xx00) Philips SUV a count", NUMBER, AT(philips_suv)},
    {"(7053,xx09) Philips Bq/mL a count", NUMBER, AT(philips_bqml)},
    {"(0010,1030) PatientWeight", NUMBER, AT(weight_kg)},
    {"(0010,1020) PatientSize", NUMBER, AT(height_m)},
    {"(0010,0040) PatientSex", TEXT, AT(sex)},
    {"(0018,0031) Radiopharmaceutical", TEXT, AT(tracer)},
    {"(0054,0300) nuclide, code", TEXT, AT(nuclide_code)},
    {"(0054,0300) nuclide, meaning", TEXT, AT(nuclide_meaning)},
    {"(0018,1074) RadionuclideTotalDose", NUMBER, AT(dose_bq)},
    {"(0018,1075) RadionuclideHalfLife", NUMBER, AT(half_life_s)},
    {"(0008,0020) StudyDate", TEXT, AT(study_date)},
    {"(0008,0021) SeriesDate", TEXT, AT(series_date)},
    {"(0008,0031) SeriesTime", TEXT, AT(series_time)},
    {"(0008,0022) AcquisitionDate", TEXT, AT(acquisition_date)},
    {"(0008,0032) AcquisitionTime", TEXT, AT(acquisition_time)},
    {"(0008,002A) AcquisitionDateTime", TEXT, AT(acquisition_datetime)},
    {"(0008,0201) TimezoneOffsetFromUTC", TEXT, AT(zone)},
    {"(0018,1072) RadiopharmaceuticalStartTime", TEXT, AT(injection_time)},
    {"(0018,1078) RadiopharmaceuticalStartDateTime", TEXT, AT(injection_datetime)},
    {"(0018,9701) DecayCorrectionDateTime", TEXT, AT(corrected_to)},
    {"(0009,xx0D) GE's start of the scan", TEXT, AT(ge_scan_start)},
    {"(0071,xx22) Siemens' start of the scan", TEXT, AT(siemens_scan_start)},
    {"(0054,1300) FrameReferenceTime", NUMBER, AT(frame_reference_ms)},
    {"(0018,1242) ActualFrameDuration", NUMBER, AT(frame_duration_ms)},
#undef AT
};

static void heading(FILE *to, const char *text)
{
    fprintf(to, "\n%s\n", text);
}

static void row(FILE *to, const char *name, const char *value)
{
    fprintf(to, "  %-46s %s\n", name, value);
}

/* Texts of others' files, kept to one line. */
static void foreign(FILE *to, const char *name, const char *value)
{
    char plain[800];
    snprintf(plain, sizeof plain, "%s", value);
    for (char *c = plain; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = '?';
    row(to, name, plain);
}

static void tell_slice(FILE *to, const struct source *from)
{
    struct dicom_image image;
    struct error e = {0};
    char value[40];
    heading(to, "as the first slice has it");
    if (!from->slice.count || dicom_read_image(from->slice.name[0], &image, &e) < 0) {
        row(to, "not readable", e.text);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(attributes); i++) {
        const char *at = (const char *)&image + attributes[i].offset;
        if (attributes[i].kind == TEXT) {
            foreign(to, attributes[i].tag, *at ? at : "-");
            continue;
        }
        double const number = *(const double *)at;
        snprintf(value, sizeof value, isfinite(number) ? "%.10g" : "-", number);
        row(to, attributes[i].tag, value);
    }
    if (*image.unread)
        foreign(to, "no number", image.unread);
    dicom_image_free(&image);
}

/* ---- what was made of it ---- */

static void tell_facts(FILE *to, const struct scan_facts *f)
{
    static const char *const names[] = {
        "units",  "corrected", "decay_correction", "weight_g",    "height_m",          "sex",
        "tracer", "nuclide",   "dose_bq",          "half_life_s", "frame_reference_s", "frame_duration_s"};
    char name[80], value[64];
    heading(to, "as it was taken");
    for (size_t i = 0; i < scan_fact_count; i++) {
        const struct fact_field *field = &scan_fact_fields[i];
        const char *at = (const char *)f + field->offset;
        bool wanted = false;
        for (size_t k = 0; k < COUNT_OF(names); k++)
            wanted |= strcmp(names[k], field->name) == 0;
        snprintf(name, sizeof name, "%s%s%s", field->name, *field->unit ? ", " : "", field->unit);
        if (wanted && field->kind == FACT_TEXT && *at)
            foreign(to, name, at);
        if (!wanted || field->kind != FACT_REAL || !isfinite(*(const double *)at))
            continue;
        snprintf(value, sizeof value, "%.10g", *(const double *)at);
        row(to, name, value);
    }
    if (*f->overridden)
        foreign(to, "given by the user", f->overridden);
    for (const char *at = f->told; *at;) {
        const char *end = strstr(at, "; ");
        size_t const length = end ? (size_t)(end - at) : strlen(at);
        char one[sizeof f->told];
        snprintf(one, sizeof one, "%.*s", (int)length, at);
        foreign(to, "note", one);
        at += length + (end ? 2 : 0);
    }
}

static void moment(FILE *to, const char *name, double moment_s, const char *what)
{
    char clock[32], value[160];
    suv_clock_text(moment_s, clock, sizeof clock);
    snprintf(value, sizeof value, "%-18s %s", clock, what);
    row(to, name, value);
}

static void tell_moments(FILE *to, struct scan_facts *f)
{
    struct suv_candidate c[SUV_CANDIDATES];
    heading(to, "moments, of the day of the earliest acquisition");
    moment(to, "injection", f->injection_s, f->injection_dated ? "its day is said" : "its day is not said");
    moment(to, "earliest acquisition", f->acquisition_s, "");
    if (strcmp(f->decay_correction, "START") != 0) {
        row(to, "decay corrected to", *f->decay_correction ? f->decay_correction : "not known");
        return;
    }
    heading(to, "decay was corrected to, asked in this order");
    suv_candidates(f, c);
    for (size_t i = 0; i < SUV_CANDIDATES; i++) {
        bool const used = *f->reference_by && strncmp(f->reference_by, c[i].tag, strlen(f->reference_by)) == 0;
        moment(to, c[i].tag, c[i].moment_s, used ? "used" : c[i].why_not ? c[i].why_not : "may be, not asked any more");
    }
}

/* ---- what else it could be ---- */

static void alternative(FILE *to, const char *name, struct scan_facts *f, const char *formula, double used)
{
    struct error e = {0};
    char value[sizeof e.text];
    if (suv_factor(f, formula, &e) < 0)
        snprintf(value, sizeof value, "none: %.150s", e.text);
    else if (used > 0)
        snprintf(value, sizeof value, "%.7g, %.4g times; delay %.0f s", f->suv_factor, f->suv_factor / used, f->delay_s);
    else
        snprintf(value, sizeof value, "%.7g; delay %.0f s", f->suv_factor, f->delay_s);
    row(to, name, value);
}

static void tell_alternatives(FILE *to, const struct scan_facts *read, const struct scan_facts *made,
                              const char *formula)
{
    static const char *const corrections[] = {"START", "ADMIN", "NONE"}, *const bodies[] = {"bw", "james",
                                                                                            "janmahasatian", "bsa"};
    struct suv_candidate c[SUV_CANDIDATES];
    double const used = made->suv_factor;
    heading(to, "other readings, and the factors they would give");
    suv_candidates(made, c);
    for (size_t i = 0; strcmp(read->decay_correction, "START") == 0 && i < SUV_CANDIDATES; i++) {
        struct scan_facts f = *read;
        if (!isfinite(c[i].moment_s))
            continue;
        f.corrected_to_s = c[i].moment_s;
        alternative(to, c[i].tag, &f, formula, used);
    }
    for (size_t i = 0; i < COUNT_OF(corrections); i++) {
        struct scan_facts f = *read;
        char name[40];
        if (strcmp(corrections[i], read->decay_correction) == 0)
            continue;
        snprintf(name, sizeof name, "DecayCorrection %s", corrections[i]);
        format_into(f.decay_correction, sizeof f.decay_correction, "%s", corrections[i]);
        alternative(to, name, &f, formula, used);
    }
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct scan_facts f = *read;
        const struct suv_body *b = suv_body_find(bodies[i]);
        if (strcmp(bodies[i], formula) != 0)
            alternative(to, b->name, &f, bodies[i], used);
    }
}

char *explain_page(const struct source *from, const struct scan_facts *read, const struct scan_facts *made,
                   const char *formula, const struct error *why)
{
    char *page = NULL, value[200];
    size_t size = 0;
    struct scan_facts f = *made;
    FILE *to = open_memstream(&page, &size);
    if (!to)
        die(EX_OSERR, "out of memory");
    fprintf(to, "%s\n", from->label);
    if (*why->text) {
        heading(to, "refused");
        row(to, "why", why->text);
    } else {
        heading(to, "the factor");
        snprintf(value, sizeof value, "%.9g", made->suv_factor);
        row(to, "SUV of one unit of the stored values", value);
        row(to, "formula", made->suv_formula);
        if (isfinite(made->delay_s)) {
            snprintf(value, sizeof value, "%.1f s, %.2f half-lives", made->delay_s, made->delay_s / made->half_life_s);
            row(to, "delay since injection", value);
        }
    }
    if (isfinite(made->suv_max)) {
        snprintf(value, sizeof value, "SUVmax %.4g, mean of the body %.3g, share of the dose %.3g", made->suv_max,
                 made->body_mean, made->dose_share);
        row(to, "the volume", value);
    }
    if (from->kind == SOURCE_DICOM)
        tell_slice(to, from);
    else
        row(to, "the JSON beside it", from->sidecar ? from->sidecar : "none");
    if (*read->units) {
        tell_facts(to, made);
        tell_moments(to, &f);
        tell_alternatives(to, read, made, formula);
    }
    fclose(to);
    return page;
}
