/* SPDX-License-Identifier: Apache-2.0 */
/* nuclide -- what a scan's tracer decays as: names, codes, half-lives.   proto
 *
 * Codes are those of DICOM PS3.16 (CID 4020, and CID 18 for what is no positron emitter), as SNOMED's old identifiers (SRT) and new ones
 * (SCT), or DICOM's own; half-lives those of the Decay Data Evaluation Project and of ENSDF, to the three figures a judgement needs. */
#ifndef PETREL_PROTO_NUCLIDE_H
#define PETREL_PROTO_NUCLIDE_H
#include "common/base.h"

struct nuclide {
    const char *name;    /* "F-18" */
    const char *element; /* "Fluorine" */
    const char *srt, *sct;
    double half_life_s;
    bool positron; /* PET sees it */
};
/* By a code's value; NULL: not known here. */
const struct nuclide *nuclide_of_code(const char *code);
/* By what people write: "F-18", "18F", "F18", "^18^Fluorine", "68-Ga PSMA"; NULL: no nuclide is named. */
const struct nuclide *nuclide_of_text(const char *text);
/* The one whose half-life is within NUCLIDE_TOLERANCE of half_life_s; NULL: none. Positron emitters go first. */
const struct nuclide *nuclide_of_half_life(double half_life_s);
bool nuclide_agrees(const struct nuclide *n, double half_life_s);
#define NUCLIDE_TOLERANCE 0.03 /* scanners differ by up to 1 %: Ga-68 as 4057.7 or 4100 */
/* Whether the name is one of fluorodeoxyglucose. */
bool tracer_is_fdg(const char *tracer);
#endif
