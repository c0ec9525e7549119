/* SPDX-License-Identifier: Apache-2.0 */
/* suv_reference -- the moment decay was corrected to, and how long after injection that was.   proto
 *
 * A table of rules in the order they are asked: a moment said outright; SeriesTime, unless the series was made anew later; the vendor's own
 * start; else the earliest frame's time less its reference time. None is believed that lies after the earliest acquisition, or before the
 * injection, or half a day or more before the acquisition. */
#include "common/timestamp.h"
#include "proto/suv.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SAME_S     1.0   /* times are written to the second */
#define APART_S    120.0 /* clocks further apart than this disagree: 1.3 % of F-18 */
#define HALF_DAY_S 43200.0
#define NIGHT_S    21600.0 /* an exam that goes on over midnight: under six hours from injection to scan */

double suv_average_delay(double frame_s, double half_life_s)
{
    double k = log(2) / half_life_s, kt = k * frame_s;
    return kt > 0 ? log(kt / -expm1(-kt)) / k : 0;
}

void suv_clock_text(double moment_s, char *to, size_t size)
{
    double const days = floor(moment_s / DAY_S);
    long const s = lround(moment_s - DAY_S * days);
    if (!isfinite(moment_s))
        snprintf(to, size, "unknown");
    else if (days != 0)
        snprintf(to, size, "%02ld:%02ld:%02ld (%+.0f d)", s / 3600, s / 60 % 60, s % 60, days);
    else
        snprintf(to, size, "%02ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

static bool is_ge(const struct scan_facts *f)
{
    return strncasecmp(f->vendor, "GE", 2) == 0;
}

/* ---- from injection ---- */

/* Which delay a moment makes; NAN: none that can be. moved: the day of injection was left out of account. */
static double delay_of(const struct scan_facts *f, double moment_s, bool *moved)
{
    double const most = isfinite(f->half_life_s) ? SUV_HALF_LIVES * f->half_life_s : HUGE_VAL;
    double const delay = moment_s - f->injection_s, within = delay - DAY_S * floor(delay / DAY_S);
    *moved = false;
    if (f->injection_dated && delay >= 0 && delay <= most)
        return delay;
    /* a day that is not said: over midnight only if it was a short night */
    bool const night =
        f->injection_s - DAY_S * floor(f->injection_s / DAY_S) > moment_s - DAY_S * floor(moment_s / DAY_S);
    if (f->half_life_s > SUV_LONG_LIVED_S || within > (night ? fmin(most, NIGHT_S) : most))
        return NAN;
    *moved = f->injection_dated;
    return within;
}

int suv_delay(struct scan_facts *f, double moment_s, struct error *e)
{
    static const char tag[] = "(0018,1072) RadiopharmaceuticalStartTime";
    char injected[32], scanned[32];
    bool moved;
    if (suv_need_time(f, &f->injection_s, tag, "injection_s", e) < 0)
        return -1;
    double const apart = moment_s - f->injection_s, within = apart - DAY_S * floor(apart / DAY_S);
    suv_clock_text(f->injection_s, injected, sizeof injected);
    suv_clock_text(moment_s, scanned, sizeof scanned);
    f->delay_s = delay_of(f, moment_s, &moved);
    if (isfinite(f->delay_s)) {
        if (moved)
            suv_tell(f,
                     "(0018,1078) RadiopharmaceuticalStartDateTime is %.1f h %s the scan, which cannot be: its time of "
                     "day alone is used",
                     fabs(apart) / 3600, apart < 0 ? "after" : "before");
        return 0;
    }
    if (f->half_life_s > SUV_LONG_LIVED_S && !f->injection_dated)
        return fail(
            e,
            "(0018,1078) RadiopharmaceuticalStartDateTime is missing, and a half-life of %.3g h is scanned days "
            "after injection: the day of %s is not known; give petrel-load --override injection_s=...",
            f->half_life_s / 3600, tag);
    double const shown = f->injection_dated && f->half_life_s > SUV_LONG_LIVED_S ? apart : within;
    return fail(e,
                "%s: injected at %s, scanned at %s, %.1f h or %.1f half-lives apart (0 to %g wanted): one of the two "
                "times is wrong; give petrel-load --override injection_s=...",
                f->injection_dated ? "(0018,1078) RadiopharmaceuticalStartDateTime" : tag, injected, scanned,
                shown / 3600, shown / f->half_life_s, SUV_HALF_LIVES);
}

/* ---- candidates ---- */

static double from_outright(const struct scan_facts *f)
{
    return f->corrected_to_s;
}
static double from_series(const struct scan_facts *f)
{
    return f->series_s;
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
    return is_ge(f) ? (double)NAN
                    : f->acquisition_s + suv_average_delay(f->frame_duration_s, f->half_life_s) - f->frame_reference_s;
}

enum candidate { OUTRIGHT, SERIES, VENDOR, FRAME_START, FRAME_MEAN, CANDIDATES };
static const struct {
    const char *tag;
    double (*moment)(const struct scan_facts *f);
} rules[CANDIDATES] = {
    [OUTRIGHT] = {"(0018,9701) DecayCorrectionDateTime", from_outright},
    [SERIES] = {"(0008,0031) SeriesTime", from_series},
    [VENDOR] = {"the vendor's own start of the scan", from_vendor},
    [FRAME_START] = {"(0008,0032) less (0054,1300), GE", from_frame_start},
    [FRAME_MEAN] = {"(0008,0032) + Tavg less (0054,1300)", from_frame_mean},
};

static const char *why_not(const struct scan_facts *f, enum candidate which, double moment)
{
    bool moved;
    double const before = f->acquisition_s - moment;
    if (!isfinite(moment))
        return "not said";
    if (which == OUTRIGHT)
        return fabs(before) <= DAY_S ? NULL : "a day or more from the acquisition";
    if (before < -SAME_S && which != FRAME_START && which != FRAME_MEAN)
        return "later than the earliest acquisition";
    if (before > HALF_DAY_S)
        return "half a day or more before the acquisition";
    if (isfinite(f->injection_s) && !isfinite(delay_of(f, moment, &moved)) &&
        isfinite(delay_of(f, f->acquisition_s, &moved)))
        return "before the injection";
    return NULL;
}

void suv_candidates(const struct scan_facts *f, struct suv_candidate to[SUV_CANDIDATES])
{
    for (int i = 0; i < CANDIDATES; i++) {
        struct suv_candidate *c = &to[i];
        *c = (struct suv_candidate){.tag = rules[i].tag, .moment_s = rules[i].moment(f)};
        c->why_not = why_not(f, (enum candidate)i, c->moment_s);
        /* days left unmoved where others were moved: a vendor's own date, which de-identification passes over */
        double const ahead = f->acquisition_s - c->moment_s, within = ahead - DAY_S * floor(ahead / DAY_S);
        if (i == VENDOR && c->why_not && isfinite(c->moment_s) && fabs(ahead) > HALF_DAY_S && within <= HALF_DAY_S &&
            !why_not(f, VENDOR, f->acquisition_s - within)) {
            c->moment_s = f->acquisition_s - within;
            c->why_not = NULL;
            c->moved = true;
        }
        if (i != OUTRIGHT && !c->why_not && c->moment_s > f->acquisition_s)
            c->moment_s = f->acquisition_s; /* CPS writes a frame reference time of 0 */
    }
    to[CANDIDATES] =
        (struct suv_candidate){.tag = "(0008,0032) AcquisitionTime, the earliest",
                               .moment_s = f->acquisition_s,
                               .why_not = "the last that may not be passed, not a moment decay is corrected to"};
}

/* Two clocks of one file that disagree: two against one are believed, one against one is told. */
static const struct suv_candidate *disagreement(struct scan_facts *f, const struct suv_candidate *c,
                                                const struct suv_candidate *chosen)
{
    const struct suv_candidate *clock = is_ge(f) ? &c[FRAME_START] : &c[FRAME_MEAN], *vendor = &c[VENDOR];
    bool const clock_runs = !clock->why_not && !(f->clock_spread_s > APART_S);
    if (chosen != &c[SERIES])
        return chosen;
    const struct suv_candidate *others[] = {clock_runs ? clock : NULL, vendor->why_not ? NULL : vendor};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        char series[32], other[32];
        if (!others[i] || fabs(others[i]->moment_s - chosen->moment_s) <= APART_S)
            continue;
        bool const outvoted = others[0] && others[1] && fabs(others[0]->moment_s - others[1]->moment_s) <= APART_S;
        suv_clock_text(chosen->moment_s, series, sizeof series);
        suv_clock_text(others[i]->moment_s, other, sizeof other);
        suv_tell(
            f, "two clocks disagree: %s says the scan began at %s, %s says %s (the factor would be %.4g times): %s is used",
            chosen->tag, series, others[i]->tag, other, exp2((others[i]->moment_s - chosen->moment_s) / f->half_life_s),
            outvoted ? "the second, which a third agrees with," : "the first");
        return outvoted ? vendor : chosen;
    }
    return chosen;
}

int suv_reference(struct scan_facts *f, struct error *e)
{
    static const struct suv_wanted frame = {
        .tag = "(0054,1300) FrameReferenceTime", .unit = "s", .low = -1e6, .high = 1e6, .fact = "frame_reference_s"};
    struct suv_candidate c[SUV_CANDIDATES];
    const struct suv_candidate *chosen = NULL;
    if (suv_need_time(f, &f->acquisition_s, "(0008,0032) AcquisitionTime", "acquisition_s", e) < 0)
        return -1;
    suv_candidates(f, c);
    for (int i = 0; i < CANDIDATES && !chosen; i++)
        if (!c[i].why_not)
            chosen = &c[i];
    if (!chosen) {
        char series[32], first[32];
        struct error why = {0};
        if (!isfinite(f->series_s))
            (void)!suv_need_time(f, &f->series_s, c[SERIES].tag, "series_s", &why);
        else if (suv_need(f, &f->frame_reference_s, &frame, &why) == 0 && !is_ge(f))
            (void)!suv_need_duration(f, &why);
        suv_clock_text(f->series_s, series, sizeof series);
        suv_clock_text(f->acquisition_s, first, sizeof first);
        fail(e, "the moment decay was corrected to is not known: (0008,0031) SeriesTime is %s, (0008,0032) AcquisitionTime %s",
             series, first);
        return *why.text ? fail_in(e, "%s", why.text) : -1;
    }
    if (chosen->moved)
        suv_tell(f, "%s is of another day than the acquisition: its time of day alone is used", chosen->tag);
    chosen = disagreement(f, c, chosen);
    f->reference_s = chosen->moment_s;
    format_into(f->reference_by, sizeof f->reference_by, "%.47s", chosen->tag);
    return 0;
}
