/* SPDX-License-Identifier: Apache-2.0 */
/* scan -- what is told of a whole scan: sums over its tumours, references, the patient's body.   measure -> [scan] */
#ifndef PETREL_CLASSIFY_SCAN_H
#define PETREL_CLASSIFY_SCAN_H
#include "stages/classify/quantities/quantities.h"

/* What SUV is multiplied by to be SUL: the patient's lean mass (James) over what the scan's SUV shares the dose over. NAN: not known. */
double lean_factor(const struct scan_facts *f);
/* A rule's threshold in SUV, the same for every region; NAN: unknown, or a region's own. */
double rule_threshold(enum rule r, const struct references *f);
/* PERCIST 1.0's least SULpeak of what is followed: 1.5 x liver + 2 x sd, in SUL. NAN: no liver, or no lean mass. */
double percist_least_sul(const struct references *f, double lean);
/* record: every region's, complete. */
void scan_measure(const struct regions_message *m, const struct region_quantities *record, struct scan_quantities *s);
#endif
