/* SPDX-License-Identifier: Apache-2.0 */
/* after -- what goes on with a result: petrel-followup with an earlier one, petrel-export of all, as children.   result -> [after] */
#ifndef PETREL_CLASSIFY_AFTER_H
#define PETREL_CLASSIFY_AFTER_H
#include "common/file.h"
#include "common/given.h"
#include "common/opts.h"

struct after {
    const char *dicom, *bids, *earlier; /* options of petrel-classify; NULL: not asked for */
    bool same_patient, keep;            /* keep: regions that were given go back in the format they came in */
    struct opt_strings from;            /* where the scans' DICOM series lie, and what was drawn on them */
    /* its own */
    char *earlier_dir;
    int code; /* the worst of the children's */
};
/* Sees that what was asked for can be done. regions: of the one scan; NULL: none, or a list's. */
int after_check(struct after *a, char **scan, size_t scans, const char *regions, struct error *e) MUST_USE;
/* The earlier result: the folder named, if it is one; else the scan there is classified into OUT/earlier by this very program with `words`
 * (options of its own, NULL at the end). -1: it is no one scan's. */
int after_begin(struct after *a, const char *out, const char *const *words, struct error *e) MUST_USE;
/* One result is written: it is followed up, and what is to be exported is noted in its folder, so that whoever was killed goes on with it. */
int after_result(struct after *a, const char *dir, const struct given *given, struct error *e) MUST_USE;
/* All results are written: those noted in OUT are exported, in one look at where the series lie. The worst exit code. */
int after_end(struct after *a, const char *out);
#endif
