/* SPDX-License-Identifier: Apache-2.0 */
/* pages -- the report's two live pictures: the rotating projection and the embedding.   evaluation -> [pages] -> report */
#ifndef PETREL_EVAL_PAGES_H
#define PETREL_EVAL_PAGES_H
#include "stages/eval/evaluation.h"
#include <stdio.h>

/* Up to PATIENTS_SHOWN scans of the split, those with the most tumours first: drag or let it turn; regions said tumour red, others blue,
 * mistakes dashed. Nothing where the cache holds no projections. */
enum { PATIENTS_SHOWN = 4 };
int page_projections(FILE *to, const struct report *r, struct error *e) MUST_USE;
/* t-SNE of each model's embeddings, hover for the region. */
void page_embedding(FILE *to, const struct report *r);
#endif
