/* SPDX-License-Identifier: Apache-2.0 */
/* drawings -- Figures 3 and 4 of the paper for one's own models, as SVG.   evaluation -> [drawings] ═▶ figure3.svg, figure4.svg
 *
 * figure3   one scan's projection from the front, once with the truth and once a model: a frame round every region, red where it is (called) tumour,
 *           blue elsewhere; dashed where the model is wrong. Which scan: the one named, else that of the split with the most tumours, which no model's
 *           answer has a say in.
 * figure4   a column a model: the t-SNE map of the split's regions (red tumours, grey others), and below it the distances between them sorted by
 *           class, others first, from blue (near) over white to red (far): 0 to the 99th percentile of each model's own. */
#ifndef PETREL_EVAL_DRAWINGS_H
#define PETREL_EVAL_DRAWINGS_H
#include "stages/eval/evaluation.h"

/* scan: its name, its patient, or NULL. -1: not in the split, or without a picture. */
int drawing_projections(const struct report *r, const char *scan, const char *path, struct error *e) MUST_USE;
int drawing_representations(const struct report *r, const char *path, struct error *e) MUST_USE;
#endif
