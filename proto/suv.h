/* SPDX-License-Identifier: Apache-2.0 */
/* suv -- what the values of a scan are worth in SUV, from its facts alone.   proto
 *
 *     SUV = Bq/mL * body / (dose_bq * 2^(-delay_s / half_life_s))
 *
 * body: weight in g (SUVbw), lean mass in g (SULjames, SULjanma, SULmorgan), ideal weight in g (SUVibw) or surface in cm2 (SUVbsa).
 *     suv.c             the rules: units x decay correction -> factor
 *     suv_body.c        what the dose is thought to be shared over
 *     suv_need.c        facts that must be there: numbers in their units, by physiology and physics
 *     suv_reference.c   the moment decay was corrected to, and how long after injection that was
 *     suv_override.c    facts the user gave in place of the files'
 *     suv_voxels.c      the factor applied, and what the volume is like then
 *     suv_gate.c        whether any body can be like that
 * petrel-suv converts by it, petrel-load --check foretells by it: the same functions, so that both say the same. */
#ifndef PETREL_PROTO_SUV_H
#define PETREL_PROTO_SUV_H
#include "proto/message.h"
#include "proto/nuclide.h"

/* What SUV a volume may be of. `option` is the word on the command line (NULL: read, not made), `name` the one in suv_formula. */
struct suv_body {
    const char *option, *name;
    const char *quantity; /* "lean_g" */
    /* What the dose is shared over. -1: a fact of the body is missing or makes no sense. */
    int (*measure)(struct scan_facts *f, double *body, struct error *e);
};
#define SUV_FORMULAS "bw|james|janmahasatian|bsa"
const struct suv_body *suv_body_find(const char *option); /* NULL: none of that option or name */

/* Fills suv_factor, suv_formula and, where decay matters, reference_s, reference_by and delay_s. formula: one of SUV_FORMULAS. -1: a fact
 * is missing or makes no sense; the sentence names it by DICOM tag. Nothing is ever guessed in place of a missing fact. A number that can
 * only be in another unit (a dose of 368 is in MBq, a weight of 70000 in g) is converted, and f->told says so.
 * Of a volume in counts (units "CNTS SUV", "CNTS BQML" or "CPS BQML") suv_factor already holds what a count is worth. */
int suv_factor(struct scan_facts *f, const char *formula, struct error *e) MUST_USE;

/* Adds a sentence to f->told, once. */
void suv_tell(struct scan_facts *f, const char *format, ...) PRINTF_LIKE(2, 3);
/* Adds a value that is no number or time to f->unread. tag: "(0010,1030) PatientWeight". */
void suv_unread(struct scan_facts *f, const char *tag, const char *value);

/* ---- moments ---- */

/* What may have been the moment decay was corrected to (METHOD.md 7), in the order they are asked. */
struct suv_candidate {
    const char *tag;     /* "(0008,0031) SeriesTime" */
    double moment_s;     /* NAN: not said */
    const char *why_not; /* NULL: it may be so */
    bool moved;          /* its day cannot be true: it is of the acquisition's */
};
enum { SUV_CANDIDATES = 6 };
void suv_candidates(const struct scan_facts *f, struct suv_candidate to[SUV_CANDIDATES]);
/* The first that may be so, into reference_s and reference_by: never after the earliest acquisition, but where it is said outright. Where
 * two clocks of the file disagree it is told. */
int suv_reference(struct scan_facts *f, struct error *e) MUST_USE;
/* Mean activity during a frame is that at this time after its start: ln(kT / (1 - exp(-kT))) / k. */
double suv_average_delay(double frame_s, double half_life_s);
/* From injection to a moment, into delay_s: by the day of injection where it is said and can be true, else by the day that makes 0 to
 * 24 h. -1: no day makes a delay within SUV_HALF_LIVES. */
int suv_delay(struct scan_facts *f, double moment_s, struct error *e) MUST_USE;
#define SUV_HALF_LIVES   5.0          /* after which nothing is left to see */
#define SUV_LONG_LIVED_S (8 * 3600.0) /* of these a time without its day is no moment: they are scanned days later */
/* "10:00:00", a day before or after as "10:00:00 (-1 d)". */
void suv_clock_text(double moment_s, char *to, size_t size);

/* ---- facts that must be there ---- */

/* A fact that must be there and be possible, in [low, high]. The sentence names the unit it seems to be in. */
struct suv_slip {
    double times; /* the number read is this many times the true one */
    const char *unit;
    bool mended;      /* no number can be both: it is converted, and told */
    double low, high; /* of the number read, where the wanted range is too wide to tell; 0, 0: by the wanted range */
};
struct suv_wanted {
    const char *tag, *unit;
    double low, high;
    struct suv_slip slip[2];
    const char *fact; /* as --override calls it */
    double scale;     /* the fact is so many times the number in `unit`; 0: 1 */
};
int suv_need(struct scan_facts *f, double *fact, const struct suv_wanted *w, struct error *e) MUST_USE;
int suv_need_weight(struct scan_facts *f, struct error *e) MUST_USE;
int suv_need_height(struct scan_facts *f, struct error *e) MUST_USE;
int suv_need_dose(struct scan_facts *f, struct error *e) MUST_USE;
int suv_need_half_life(struct scan_facts *f, struct error *e) MUST_USE; /* seconds, against the nuclide */
int suv_need_time(struct scan_facts *f, double *moment_s, const char *tag, const char *fact, struct error *e) MUST_USE;
int suv_need_duration(struct scan_facts *f, struct error *e) MUST_USE;

/* ---- the user's own facts ---- */

/* Puts the facts of f->overridden ("weight_g=70000;sex=F") in place of what was read. -1: an unknown name, or a value that is none. */
int suv_override(struct scan_facts *f, struct error *e) MUST_USE;
bool suv_override_known(const char *name);

/* ---- voxels ---- */

/* Multiplies every voxel by f->suv_factor. */
void suv_apply(struct volume *v, const struct scan_facts *f);
/* What is below low becomes low, what is above high high. */
void suv_clip(struct volume *v, double low, double high);
/* Fills suv_max, volume_mean, volume_sd (unbiased) and body_mean of the volume as it is: double, one fixed order; ct_mean and ct_sd where
 * there is a CT. */
void suv_statistics(const struct volume *v, struct scan_facts *f);

/* Whether a body can be like the volume, which is in SUV and whose statistics are in *f: factor, delay, SUVmax, mean of the body, share of
 * the dose, liver. -1 and the figures. accept: what would be refused for what it looks like is told instead. */
int suv_gate(const struct volume *v, struct scan_facts *f, bool accept, struct error *e) MUST_USE;
#endif
