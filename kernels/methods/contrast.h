/* SPDX-License-Identifier: Apache-2.0 */
/* contrast -- every view of a batch against every other: what SimCLR and supervised contrastive learning share.   kernels/methods
 *
 * z (2N,K) by length, similarities (2N,2N) over the temperature, cross entropy with weights target(2N,2N): who is like whom; a row's
 * own box is left out (-1). */
#ifndef PETREL_KERNELS_METHODS_CONTRAST_H
#define PETREL_KERNELS_METHODS_CONTRAST_H
#include "kernels/methods/learner.h"

/* For a method's open: work memory; -1 and a sentence where the back end lacks an operation. */
int contrast_open(struct learner *l, struct error *e) MUST_USE;
/* For its targets: row i's positives are the boxes of its class (labels NULL, or unknown: the other view of its pair alone), their
 * weights equal and 1 in all. */
void contrast_targets(struct learner *l, const struct batch_facts *f);
/* The same with weights of like(context, i, k), 0 or more, in proportion: 1 in all of a row. A row of none has its pair's other view. */
void contrast_targets_by(struct learner *l, const struct batch_facts *f,
                         double (*like)(const struct batch_facts *f, size_t i, size_t k, const void *context),
                         const void *context);
/* For its loss: term 0. */
void contrast_loss(struct learner *l, double temperature);

/* The back end has what losses of cross entropies, queues and teachers are made of: 0, or -1 and a sentence. */
int losses_there(const struct learner *l, struct error *e) MUST_USE;
#endif
