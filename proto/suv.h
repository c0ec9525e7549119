/* SPDX-License-Identifier: Apache-2.0 */
/* suv -- what the values of a scan are worth in SUV, from its facts alone.   proto
 *
 *     SUV = Bq/mL * body / (dose_bq * 2^(-delay_s / half_life_s))
 *
 * body: weight in g (SUVbw), lean mass in g (SULjames, SULjanma) or surface in cm2 (SUVbsa).
 *     suv.c             the rules: units x decay correction -> factor
 *     suv_body.c        what the dose is thought to be shared over
 *     suv_reference.c   when the scan began
 * petrel-suv converts by it, petrel-load --check foretells by it. */
#ifndef PETREL_PROTO_SUV_H
#define PETREL_PROTO_SUV_H
#include "proto/message.h"

/* What SUV may be asked for. `option` is the word on the command line, `name` the one in suv_formula. */
struct suv_body {
    const char *option, *name;
    const char *quantity; /* "lean_g" */
    /* What the dose is shared over. -1: a fact of the body is missing or makes no sense. */
    int (*measure)(const struct scan_facts *f, double *body, struct error *e);
};
#define SUV_FORMULAS "bw|james|janmahasatian|bsa"
const struct suv_body *suv_body_find(const char *option); /* NULL: none of that option or name */

/* Fills suv_factor, suv_formula and, where decay matters, delay_s. formula: one of SUV_FORMULAS. -1: a fact is missing or
 * makes no sense; the sentence names it by DICOM tag. Nothing is ever guessed in place of a missing fact, and a number in
 * another unit (grams for kilograms, MBq for Bq) is named for what it seems to be, not mended.
 * Of a volume in counts (units "CNTS SUV" or "CNTS BQML") suv_factor already holds what the scanner says a count is worth. */
int suv_factor(struct scan_facts *f, const char *formula, struct error *e) MUST_USE;

/* When the scan began, to which a scanner that corrects decay to START has corrected: seconds since midnight of the
 * study's first day (METHOD.md 7). */
int suv_reference(const struct scan_facts *f, double *reference_s, struct error *e) MUST_USE;
/* Mean activity during a frame is that at this time after its start: ln(kT / (1 - exp(-kT))) / k. */
double suv_average_delay(double frame_s, double half_life_s);

/* A fact that must be there and be possible, in [low, high]; the sentence names the unit it seems to be in. */
struct suv_slip {
    double times; /* the number read is this many times the true one */
    const char *unit;
};
struct suv_wanted {
    const char *tag, *unit;
    double low, high;
    struct suv_slip slip[2];
};
int suv_need(double value, const struct suv_wanted *w, struct error *e) MUST_USE;
#endif
