/* SPDX-License-Identifier: Apache-2.0 */
/* heads -- what stands on an embedding: the projection pretraining looks through, the classifier.   kernels/nets */
#ifndef PETREL_KERNELS_NETS_HEADS_H
#define PETREL_KERNELS_NETS_HEADS_H
#include "kernels/tape.h"

/* embedding (N,E) -> Linear(K, no bias), BN, ReLU, Linear(outputs) -> z (N,outputs). projection.0, .1, .3 as in torch.nn.Sequential
 * */
int projection_build(struct tape *t, int embedding, int width, int outputs);
/* embedding (N,E) -> Linear(H), ReLU or GELU, Linear(classes) -> logits. classifier.0, .2 */
int classifier_build(struct tape *t, int embedding, int hidden, bool gelu, int classes);
#endif
