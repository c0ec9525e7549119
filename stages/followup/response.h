/* SPDX-License-Identifier: Apache-2.0 */
/* response -- what a follow-up comes to for the patient: tumour burden by every rule, and a category after PERCIST 1.0.   match -> [response] -> report
 *
 * Category, of regions called tumour by the model (Wahl et al., J Nucl Med 2009; 50 Suppl 1: 122S), by SULpeak of the hottest one in each scan (which need
 * not be the same lesion):
 *   CMR  complete metabolic response: none is called tumour any more
 *   PMD  progressive disease: a new lesion, or 30 % and 0.8 more, or 75 % more total lesion glycolysis
 *   PMR  partial response: 30 % and 0.8 less
 *   SMD  stable disease: none of these
 * Not evaluable (""): none is called tumour at first, or the hottest is below 1.5 times the liver's mean and 2 of its standard deviations. Where height
 * and weight are not known SUVpeak stands in for SULpeak: said. Where the liver is not known, whether it is measurable is not asked: said. */
#ifndef PETREL_FOLLOWUP_RESPONSE_H
#define PETREL_FOLLOWUP_RESPONSE_H
#include "stages/followup/match.h"

#define PERCIST_SHARE     0.30
#define PERCIST_LEAST     0.8
#define PERCIST_TLG_SHARE 0.75

struct response {
    const char *category; /* "CMR" "PMD" "PMR" "SMD"; "": not evaluable */
    char why[200];        /* a sentence */
    char told[400];       /* what stood in for what, and what is not known: sentences, each with "; " after it; "" */
    bool by_sul;          /* else SUVpeak */
    double earlier_peak, later_peak, earlier_tlg_g, later_tlg_g;
    size_t counted[CHANGES]; /* lesions by change, of those called tumour in either scan */
};
/* A lesion is counted where a region of it was called tumour, earlier or later. */
static inline bool lesion_counts(const struct lesion_pair *l)
{
    return l->earlier.tumour || l->later.tumour;
}
void response_judge(const struct findings *earlier, const struct findings *later, const struct matches *m,
                    struct response *r);
#endif
