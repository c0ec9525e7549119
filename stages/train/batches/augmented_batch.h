/* SPDX-License-Identifier: Apache-2.0 */
/* augmented_batch -- augmentations that petrel-pairs drew, applied by the back end.   pairs ─▶ [train] */
#ifndef PETREL_STAGES_TRAIN_BATCHES_AUGMENTED_BATCH_H
#define PETREL_STAGES_TRAIN_BATCHES_AUGMENTED_BATCH_H
#include "kernels/backend.h"
#include "stages/train/train.h"

/* Can it, if it is asked for? */
int augmented_batch_check(const struct train *t, struct error *e) MUST_USE;
/* A batch's first `boxes` boxes, through their steps, into an image of so many. */
void augmented_batch_put(struct backend *b, float *image, const struct pair_batch_message *m, int boxes);
#endif
