/* SPDX-License-Identifier: Apache-2.0 */
/* batch_slices -- boxes of which a network of slices sees one each.   pairs ─▶ [train] */
#ifndef PETREL_STAGES_TRAIN_BATCHES_BATCH_SLICES_H
#define PETREL_STAGES_TRAIN_BATCHES_BATCH_SLICES_H
#include "proto/message.h"

/* Where windows name slices: boxes [V][N][C][16][16][16] become [V][N][C][1][16][16], in place. */
void batch_slices(struct pair_batch_message *m);
#endif
