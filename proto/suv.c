/* SPDX-License-Identifier: Apache-2.0 */
/* suv -- what a scan's values are worth in SUV: the rules.   proto
 *
 * Two tables. Units say what a value is: an activity, or an SUV of some kind already. Of an activity, DecayCorrection says
 * at which moment the dose is to be compared with it. */
#include "proto/suv.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- facts that must be there ---- */

/* One value of a backslash-separated list. */
static bool has(const char *list, const char *value)
{
    size_t length = strlen(value);
    for (const char *at = list; at; at = strchr(at, '\\')) {
        at += *at == '\\';
        if (strncmp(at, value, length) == 0 && (at[length] == '\0' || at[length] == '\\'))
            return true;
    }
    return false;
}

static int need_correction(const struct scan_facts *f, const char *value, const char *meaning, struct error *e)
{
    if (has(f->corrected, value))
        return 0;
    return *f->corrected
               ? fail(e, "(0028,0051) CorrectedImage is '%s', without %s: not corrected for %s", f->corrected, value,
                      meaning)
               : fail(e, "(0028,0051) CorrectedImage is missing: whether %s was corrected is not known", meaning);
}

/* ---- DecayCorrection: the time for which the dose has decayed, into delay_s ---- */

static int delay_start(struct scan_facts *f, struct error *e)
{
    if (need_correction(f, "DECY", "decay", e) < 0 || suv_need_half_life(f, e) < 0 || suv_reference(f, e) < 0)
        return -1;
    return suv_delay(f, f->reference_s, e);
}

static int delay_admin(struct scan_facts *f, struct error *e)
{
    f->delay_s = 0;
    return need_correction(f, "DECY", "decay", e);
}

/* The frame's mean activity is that at one moment within it: the dose is decayed to that moment. */
static int delay_none(struct scan_facts *f, struct error *e)
{
    if (suv_need_half_life(f, e) < 0 ||
        suv_need_time(f, &f->acquisition_s, "(0008,0032) AcquisitionTime", "acquisition_s", e) < 0 ||
        suv_need_duration(f, e) < 0 || suv_delay(f, f->acquisition_s, e) < 0)
        return -1;
    f->reference_s = f->acquisition_s + suv_average_delay(f->frame_duration_s, f->half_life_s);
    f->delay_s += f->reference_s - f->acquisition_s;
    format_into(f->reference_by, sizeof f->reference_by, "(0008,0032) AcquisitionTime + Tavg");
    return 0;
}

static const struct decay {
    const char *correction;
    int (*delay)(struct scan_facts *f, struct error *e);
    const char *dose; /* as the formula has it */
} decays[] = {
    {"START", delay_start, "(dose_bq * 2^(-delay_s/half_life_s))"},
    {"ADMIN", delay_admin, "dose_bq"},
    {"NONE", delay_none, "(dose_bq * 2^(-delay_s/half_life_s))"},
};

static const struct decay *decay_find(const struct scan_facts *f, struct error *e)
{
    for (size_t i = 0; i < COUNT_OF(decays); i++)
        if (strcmp(f->decay_correction, decays[i].correction) == 0)
            return &decays[i];
    if (*f->decay_correction)
        fail(e, "(0054,1102) DecayCorrection is '%s': START, ADMIN or NONE wanted", f->decay_correction);
    else
        fail(e, "(0054,1102) DecayCorrection is missing: the time decay was corrected to is not known");
    return NULL;
}

/* ---- Units: an activity, or an SUV already ---- */

struct meaning {
    const char *units;
    const char *kind;  /* NULL: an activity; else the SUV it is already, by the names of suv_body.c */
    const char *value; /* as the formula has it */
    bool counts;       /* suv_factor came with it: what a count is worth */
};
static const struct meaning meanings[] = {
    {"BQML", NULL, "Bq/mL", false},
    {"CNTS BQML", NULL, "counts", true},   /* Philips (7053,1009) */
    {"CPS BQML", NULL, "counts/s", true},  /* dose-calibrated: a voxel's ml */
    {"CNTS SUV", "SUVbw", "counts", true}, /* Philips (7053,1000) */
    {"SUV", "SUVbw", "value", false},
    {"GML", "SUVbw", "value", false}, /* (0054,1006) SUVType is BW, or not there */
    {"GML LBM", "SULmorgan", "value", false},
    {"GML LBMJAMES128", "SULjames", "value", false},
    {"GML LBMJANMA", "SULjanma", "value", false},
    {"GML IBW", "SUVibw", "value", false},
    {"CM2ML", "SUVbsa", "value", false},
};

static void formula_set(struct scan_facts *f, const char *format, ...) PRINTF_LIKE(2, 3);
static void formula_set(struct scan_facts *f, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(f->suv_formula, sizeof f->suv_formula, format, list);
    va_end(list);
}

/* "counts * 0.000412" with the scanner's own figure, or "Bq/mL". */
static void value_word(const struct meaning *m, double a_count, char word[48])
{
    if (m->counts)
        format_into(word, 48, "%s * %.9g", m->value, a_count);
    else
        format_into(word, 48, "%s", m->value);
}

static int body_measure(const struct suv_body *b, struct scan_facts *f, double *body, char word[32], struct error *e)
{
    if (b->measure(f, body, e) < 0)
        return -1;
    if (*body == f->weight_g) /* which stands among the facts; the others are worked out, so their number is told */
        format_into(word, 32, "weight_g");
    else
        format_into(word, 32, "%.7g %s", *body, b->quantity);
    return 0;
}

static int factor_of_activity(struct scan_facts *f, const struct meaning *m, const struct suv_body *b, struct error *e)
{
    const struct decay *decay;
    char value[48], body_word[32];
    double body, a_count = m->counts ? f->suv_factor : 1;
    if (body_measure(b, f, &body, body_word, e) < 0 || suv_need_dose(f, e) < 0 ||
        need_correction(f, "ATTN", "attenuation", e) < 0 || !(decay = decay_find(f, e)) || decay->delay(f, e) < 0)
        return -1;
    double dose = f->delay_s > 0 || f->delay_s < 0 ? f->dose_bq * exp2(-f->delay_s / f->half_life_s) : f->dose_bq;
    value_word(m, a_count, value);
    f->suv_factor = a_count * body / dose;
    formula_set(f, "%s = %s * %s / %s", b->name, value, body_word, decay->dose);
    return 0;
}

static int factor_of_suv(struct scan_facts *f, const struct meaning *m, const struct suv_body *b, struct error *e)
{
    const struct suv_body *came = suv_body_find(m->kind);
    char value[48], old_word[32], new_word[32];
    double a_count = m->counts ? f->suv_factor : 1, old, new;
    bool const images = strcmp(m->units, "SUV") == 0; /* what came without a header has nothing to ask */
    if ((!images && need_correction(f, "ATTN", "attenuation", e) < 0) ||
        (m->counts && need_correction(f, "DECY", "decay", e) < 0))
        return -1;
    value_word(m, a_count, value);
    if (came == b) {
        f->suv_factor = a_count;
        formula_set(f, m->counts ? "%s = %s" : "%s = %s (the volume came as SUV)", b->name, value);
        return 0;
    }
    if (body_measure(came, f, &old, old_word, e) < 0 || body_measure(b, f, &new, new_word, e) < 0)
        return fail_in(e, "it came as %s, and %s is wanted", came->name, b->name);
    f->suv_factor = a_count * new / old;
    formula_set(f, "%s = %s * %s / %s", b->name, value, new_word, old_word);
    return 0;
}

/* Other tracers are not averaged in without a word, and what no PET scanner sees is no PET. */
static int tracer_check(struct scan_facts *f, struct error *e)
{
    const struct nuclide *n = *f->nuclide ? nuclide_of_text(f->nuclide) : nuclide_of_text(f->tracer);
    bool const plain = strcasecmp(f->tracer, "fluorine") == 0 || (nuclide_of_text(f->tracer) && strlen(f->tracer) < 6);
    if (n && !n->positron)
        return fail(
            e,
            "(0054,0300) RadionuclideCodeSequence says %s, which emits no positrons worth a PET: a SPECT stored as "
            "PT, perhaps",
            n->name);
    if ((n && strcmp(n->name, "F-18") != 0) || (*f->tracer && !tracer_is_fdg(f->tracer) && !plain))
        suv_tell(f, "the tracer is '%s'%s%s, not FDG: uptake does not mean what it means there", f->tracer,
                 n ? " with " : "", n ? n->name : "");
    return 0;
}

int suv_factor(struct scan_facts *f, const char *formula, struct error *e)
{
    const struct suv_body *b = suv_body_find(formula);
    if (!b)
        return fail_as(e, EX_USAGE, "formula '%s' is none of %s", formula, SUV_FORMULAS);
    if (!*f->units)
        return fail(e, "(0054,1001) Units is missing: what the values mean is not known");
    if (tracer_check(f, e) < 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(meanings); i++) {
        const struct meaning *m = &meanings[i];
        if (strcmp(f->units, m->units) != 0)
            continue;
        if (m->counts && !(isfinite(f->suv_factor) && f->suv_factor > 0))
            return fail(e, "what a count is worth is not known: Philips' (7053,1000) and (7053,1009) are wanted");
        return m->kind ? factor_of_suv(f, m, b, e) : factor_of_activity(f, m, b, e);
    }
    if (strcmp(f->units, "CNTS") == 0)
        return fail(e, "(0054,1001) Units is CNTS, and neither (7053,1000) nor (7053,1009) says what a count is worth");
    if (strcmp(f->units, "CPS") == 0)
        return fail(
            e,
            "(0054,1001) Units is CPS of an image that is not dose-calibrated: (0028,0051) CorrectedImage has no DCAL");
    return fail(e,
                "(0054,1001) Units '%s' are not handled: only BQML, SUV, CNTS with Philips' factors, CPS where "
                "dose-calibrated, "
                "CM2ML, and GML of a (0054,1006) SUVType that is BW, LBM, LBMJAMES128, LBMJANMA or IBW are",
                f->units);
}
