/* SPDX-License-Identifier: Apache-2.0 */
/* strata -- does it do as well on small, faint, low-lying regions, and on every scanner?   facts, score -> [strata] -> report, page
 *
 * By lesion volume (ml), SUVmax, organ where one is known, height in the scan, scanner. Bands of no region are left out. The
 * cache knows no site; a scanner's vendor and model stand for it. */
#ifndef PETREL_EVAL_STRATA_H
#define PETREL_EVAL_STRATA_H
#include "stages/eval/facts.h"
#include "stages/eval/score.h"
#include "stages/eval/statistics/metrics.h"

struct stratum {
    const char *by; /* "volume", ... */
    char name[136];
    size_t n, tumours;
    struct confusion confusion;
    double sensitivity, specificity, auc; /* NAN where a class is missing */
};
struct strata {
    struct stratum *one;
    size_t count;
};
void strata_make(struct strata *s, const struct scores *scores, const struct facts *f, double threshold);
void strata_free(struct strata *s);
#endif
