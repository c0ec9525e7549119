/* SPDX-License-Identifier: Apache-2.0 */
/* match -- which regions of two scans of a patient are one lesion.   findings, align -> [match] -> response, report
 *
 * The earlier regions are laid on the later scan (align.h). Then
 *   1. a region of each that overlap in at least MATCH_SHARE of the smaller are linked, however many: several earlier ones linked to one later
 *      are merged, one to several is split. But not where the smaller only lies in the larger: its place is MATCH_HOTTER times hotter in its own scan
 *      than in the other (heat.h), so that the larger one's uptake was not its; and the larger is MATCH_RATIO times as large, or has more of
 *      another. A small hot lesion that is new within a large faint region, or beside a lesion, is new; one that went there is gone.
 *   2. of those left, each scan's nearest to the other's is linked to it, if it is the nearest of that one, too, no farther than MATCH_REACH_MM from surface to surface and
 *      MATCH_MIDDLES_MM from centroid to centroid, and neither is more than MATCH_RATIO times as large: breath moves what is small by more than its size.
 *   3. of those left, one whose place is as hot in the other scan (MATCH_AS_HOT) and that touches a region there (MATCH_TOUCH_MM) is linked to it: one
 *      uptake, cut otherwise.
 * What is linked is one lesion. What is not is gone or new; or outside: its place lies where the other scan did not look; or unfound: the other scan is as
 * hot there, and yet no region was made of it. */
#ifndef PETREL_FOLLOWUP_MATCH_H
#define PETREL_FOLLOWUP_MATCH_H
#include "stages/findings.h"
#include "stages/followup/heat.h"

#define MATCH_SHARE      0.25
#define MATCH_REACH_MM   8.0
#define MATCH_MIDDLES_MM 20.0
#define MATCH_RATIO      8.0
/* Chosen on 24 simulated patients: places of lesions that came or went in a region of something else were 1.36 and 2.3 times hotter, those of pairs of one lesion
 * that differ so much in size at most 1.08; of lesions without a link those that had gone were 1.17 times hotter at the least, those that had come 1.07. */
#define MATCH_HOTTER   1.25
#define MATCH_AS_HOT   1.05
#define MATCH_TOUCH_MM 4.0

enum change {
    CHANGE_STABLE,
    CHANGE_GROWN,
    CHANGE_SHRUNK,
    CHANGE_GONE,
    CHANGE_NEW,
    CHANGE_UNFOUND,
    CHANGE_OUTSIDE,
    CHANGES
};
extern const char *const change_name[CHANGES];

/* One side of a lesion: its regions in one scan. */
struct side {
    size_t count, *index; /* of findings->finding, by rising volume downwards: the largest first */
    bool tumour;          /* one of them was called so */
    double ml, tlg_g, suv_max, suv_peak, sul_peak,
        centroid_mm[3]; /* sums; largest; of all voxels: NAN without a region */
};
struct lesion_pair {
    struct side earlier, later;
    enum change change;
    bool by_overlap;       /* else by nearness */
    double dice, moved_mm; /* after alignment; centroid to centroid; NAN unless both sides have regions */
    char tracking_uid[UID_SIZE], tracking_id[40];
};
struct matches {
    size_t count;
    struct lesion_pair *pair; /* by the earlier regions' numbers, then the new ones' */
};
/* grown, shrunk: total lesion glycolysis changed by more than change_least (0.3: 30 %). Not volume: a region ends at a share of its own maximum, so what
 * cools spreads. Of 91 lesions of simulated patients with a region of their own at both visits TLG told 79 rightly and none the wrong way round, volume 58, and
 * 6 that shrank as grown. Regions keep the lesion's tracking UID: the largest later region of a lesion the UID of its largest earlier one. -1: a grid is flat. */
int matches_make(const struct findings *earlier, const struct findings *later, const struct heat *heat,
                 double change_least, struct matches *m, struct error *e) MUST_USE;
void matches_free(struct matches *m);
#endif
