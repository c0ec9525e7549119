/* SPDX-License-Identifier: Apache-2.0 */
/* ranking -- regions in the order of their probability.   [ranking] -> roc, precision, froc, delong, bootstrap */
#ifndef PETREL_EVAL_RANKING_H
#define PETREL_EVAL_RANKING_H
#include "common/base.h"

struct ranked {
    float probability;
    uint32_t index; /* in the list ranked */
};
/* The most probable first, equals in the order of the list. The caller's to free. */
struct ranked *ranking_make(const float *probability, size_t n) MUST_USE;
/* Where the equals that begin at `first` end. */
size_t ranking_tie_end(const struct ranked *r, size_t n, size_t first);
/* Ascending order of doubles, for qsort. */
int ascending(const void *a, const void *b);
#endif
