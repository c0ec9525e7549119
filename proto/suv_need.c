/* SPDX-License-Identifier: Apache-2.0 */
/* suv_need -- facts that must be there, in the unit they are said to be in.   proto
 *
 * A number that no patient, dose or nuclide can have, but that makes sense in another unit, is converted and told where only one other
 * unit fits, and else refused with the unit it seems to be in. */
#include "proto/suv.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

void suv_tell(struct scan_facts *f, const char *format, ...)
{
    char sentence[400];
    va_list list;
    va_start(list, format);
    vsnprintf(sentence, sizeof sentence, format, list);
    va_end(list);
    size_t const used = strlen(f->told), room = sizeof f->told - used;
    if (strstr(f->told, sentence))
        return;
    if (strlen(sentence) + 20 < room)
        format_into(f->told + used, room, "%s%s", used ? "; " : "", sentence);
    else if (room > 12 && !strstr(f->told, "; and more"))
        format_into(f->told + used, room, "; and more");
}

void suv_unread(struct scan_facts *f, const char *tag, const char *value)
{
    size_t const used = strlen(f->unread);
    char one[128];
    snprintf(one, sizeof one, "%s%.50s '%.40s'", used ? "; " : "", tag, value);
    for (char *c = one; *c; c++) /* what no sentence should hold */
        if ((unsigned char)*c < ' ')
            *c = '?';
    if (used + strlen(one) < sizeof f->unread)
        memcpy(f->unread + used, one, strlen(one) + 1);
}

/* The value that stands in the file for a tag and could not be read. */
static bool unread_find(const struct scan_facts *f, const char *tag, char *value, size_t size)
{
    const char *at = strstr(f->unread, tag);
    size_t const length = strlen(tag);
    if (!at || strncmp(at + length, " '", 2) != 0)
        return false;
    at += length + 2;
    const char *end = strstr(at, "'; ");
    size_t const letters = end ? (size_t)(end - at) : strlen(at) - 1;
    snprintf(value, size, "%.*s", (int)(letters < size ? letters : size - 1), at);
    return true;
}

static int missing(const struct scan_facts *f, const struct suv_wanted *w, struct error *e)
{
    char value[64];
    if (unread_find(f, w->tag, value, sizeof value))
        return fail(e,
                    "%s is '%s', which cannot be read: correct it in the files, or give petrel-load --override %s=...",
                    w->tag, value, w->fact);
    return fail(e, "%s is missing: SUV cannot be made without it", w->tag);
}

static bool slip_fits(const struct suv_slip *s, double value, const struct suv_wanted *w)
{
    double const low = s->high > 0 ? s->low : w->low * s->times, high = s->high > 0 ? s->high : w->high * s->times;
    return value >= low && value <= high;
}

int suv_need(struct scan_facts *f, double *fact, const struct suv_wanted *w, struct error *e)
{
    double const scale = w->scale > 0 ? w->scale : 1, value = *fact / scale;
    if (!isfinite(value))
        return missing(f, w, e);
    if (value >= w->low && value <= w->high)
        return 0;
    for (size_t i = 0; i < COUNT_OF(w->slip) && w->slip[i].unit; i++) {
        const struct suv_slip *s = &w->slip[i];
        if (!slip_fits(s, value, w))
            continue;
        if (!s->mended)
            return fail(e,
                        "%s is %g %s: written in %s, it seems (%g to %g %s wanted); correct it in the files, or give "
                        "petrel-load --override %s=...",
                        w->tag, value, w->unit, s->unit, w->low, w->high, w->unit, w->fact);
        *fact = scale * value / s->times;
        suv_tell(f, "%s is %g: taken as %s, %.7g %s", w->tag, value, s->unit, value / s->times, w->unit);
        return 0;
    }
    return fail(e, "%s is %g %s: between %g and %g wanted (another unit, perhaps?)", w->tag, value, w->unit, w->low,
                w->high);
}

/* ---- the patient ---- */

int suv_need_height(struct scan_facts *f, struct error *e)
{
    static const struct suv_wanted height = {
        .tag = "(0010,1020) PatientSize",
        .unit = "m",
        .low = 0.3,
        .high = 2.6,
        .fact = "height_m",
        .slip = {{1e2, "centimetres", true, 0, 0}, {1e3, "millimetres", true, 0, 0}}};
    return suv_need(f, &f->height_m, &height, e);
}

/* A weight that its height makes impossible is in pounds, in the height's place, or another patient's. */
static int build_check(struct scan_facts *f, struct error *e)
{
    enum { THINNEST = 5, STOUTEST = 120 }; /* kg/m2: a child born too early, and beyond the stoutest known */
    struct error unused = {0};
    double const as_read = f->height_m;
    if (!(f->height_m > 0) || suv_need_height(f, &unused) < 0)
        return 0; /* not known: nothing to hold it against */
    double const kg = f->weight_g / 1000, build = kg / (f->height_m * f->height_m);
    if (build >= THINNEST && build <= STOUTEST)
        return 0;
    return fail(
        e,
        "(0010,1030) PatientWeight of %g kg and (0010,1020) PatientSize of %g make %.1f kg/m2, which nobody has "
        "(%d to %d): one of them is wrong, or they stand in each other's place; give petrel-load --override "
        "weight_g=...,height_m=...",
        kg, as_read, build, THINNEST, STOUTEST);
}

int suv_need_weight(struct scan_facts *f, struct error *e)
{
    static const struct suv_wanted weight = {.tag = "(0010,1030) PatientWeight",
                                             .unit = "kg",
                                             .low = 0.5,
                                             .high = 500,
                                             .fact = "weight_g",
                                             .scale = 1000,
                                             .slip = {{1e3, "grams", true, 1000, 500e3}, {1e-3, "tonnes", false, 0, 0}}};
    return suv_need(f, &f->weight_g, &weight, e) < 0 ? -1 : build_check(f, e);
}

/* ---- the dose and what it decays as ---- */

/* No injection is of less than 1 MBq or more than 10 GBq; below 30 a number may be millicuries as well. */
int suv_need_dose(struct scan_facts *f, struct error *e)
{
    static const struct suv_wanted dose = {.tag = "(0018,1074) RadionuclideTotalDose",
                                           .unit = "Bq",
                                           .low = 1e6,
                                           .high = 1e10,
                                           .fact = "dose_bq",
                                           .slip = {{1e-6, "MBq", true, 30, 5000}, {1e-3, "kBq", false, 1e4, 1e6}}};
    if (f->dose_bq > 0 && f->dose_bq < 30)
        return fail(e,
                    "(0018,1074) RadionuclideTotalDose is %g: MBq or mCi, which of them is not known (Bq wanted); give "
                    "petrel-load --override dose_bq=...",
                    f->dose_bq);
    return suv_need(f, &f->dose_bq, &dose, e);
}

static const struct nuclide *nuclide_said(const struct scan_facts *f)
{
    const struct nuclide *n = *f->nuclide ? nuclide_of_text(f->nuclide) : nuclide_of_text(f->tracer);
    return n || !tracer_is_fdg(f->tracer) ? n : nuclide_of_text("F-18");
}

int suv_need_half_life(struct scan_facts *f, struct error *e)
{
    static const struct suv_wanted half_life = {
        .tag = "(0018,1075) RadionuclideHalfLife", .unit = "s", .low = 1e-3, .high = 1e9, .fact = "half_life_s"};
    static const struct {
        double s;
        const char *unit;
    } units[] = {{60, "minutes"}, {3600, "hours"}, {86400, "days"}, {1e-3, "milliseconds"}};
    const struct nuclide *said = nuclide_said(f);
    if (suv_need(f, &f->half_life_s, &half_life, e) < 0)
        return -1;
    double const read = f->half_life_s;
    if (said ? nuclide_agrees(said, read) : nuclide_of_half_life(read) != NULL)
        return 0;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        const struct nuclide *n = said ? said : nuclide_of_half_life(read * units[i].s);
        if (!n || !nuclide_agrees(n, read * units[i].s) || (!said && !n->positron))
            continue;
        f->half_life_s = read * units[i].s;
        suv_tell(f, "(0018,1075) RadionuclideHalfLife is %g: taken as %s, those of %s", read, units[i].unit, n->name);
        return 0;
    }
    if (said)
        return fail(
            e,
            "(0018,1075) RadionuclideHalfLife is %g s, and %s, which the file names, has %g s: one of them is wrong; "
            "give petrel-load --override half_life_s=...,nuclide=...",
            read, said->name, said->half_life_s);
    suv_tell(f, "(0018,1075) RadionuclideHalfLife is %g s: of no nuclide known here", read);
    return 0;
}

/* ---- times ---- */

int suv_need_time(struct scan_facts *f, double *moment_s, const char *tag, const char *fact, struct error *e)
{
    struct suv_wanted const any = {.tag = tag, .unit = "s", .low = -HUGE_VAL, .high = HUGE_VAL, .fact = fact};
    return suv_need(f, moment_s, &any, e);
}

int suv_need_duration(struct scan_facts *f, struct error *e)
{
    static const struct suv_wanted duration = {.tag = "(0018,1242) ActualFrameDuration",
                                               .unit = "s",
                                               .low = 0,
                                               .high = 6 * 3600,
                                               .fact = "frame_duration_s",
                                               .slip = {{1e3, "milliseconds", false, 0, 0}}};
    return suv_need(f, &f->frame_duration_s, &duration, e);
}
