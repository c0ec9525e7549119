/* SPDX-License-Identifier: Apache-2.0 */
/* missed -- lesions of the truth that lie in no region called tumour: no model is ever asked about them.   cache ═▶ [missed] -> report, page */
#ifndef PETREL_EVAL_MISSED_H
#define PETREL_EVAL_MISSED_H
#include "proto/cache.h"

struct missed_lesion {
    int32_t shard;
    struct lesion lesion;
};
struct missed {
    bool known;     /* every scan of the split with truth says which lesions it has; else all below is 0 */
    size_t lesions; /* in all */
    size_t count;   /* those of which not a voxel lies in a region labelled tumour; by scan, then number */
    double ml;
    struct missed_lesion *one;
};
/* which: by shard, whether the scan is looked at. */
int missed_make(struct missed *m, const struct cache *c, const bool *which, struct error *e) MUST_USE;
void missed_free(struct missed *m);
#endif
