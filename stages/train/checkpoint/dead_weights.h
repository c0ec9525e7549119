/* SPDX-License-Identifier: Apache-2.0 */
/* dead_weights -- first values of dead taps, out of memory for as long as a run lasts.   [train]
 *
 * A model file has whole tensors, so the dead taps' first values are wanted again when one is written: 29 million numbers
 * of ResNet18. They lie in a file of the run directory that has no name: nothing is left of it however the program ends,
 * and the next start, on the same seed and --init, makes the same again. */
#ifndef PETREL_STAGES_TRAIN_CHECKPOINT_DEAD_WEIGHTS_H
#define PETREL_STAGES_TRAIN_CHECKPOINT_DEAD_WEIGHTS_H
#include "kernels/tape.h"

struct dead_weights {
    int fd;
    size_t *at; /* of each parameter, in floats */
    uint64_t *digest;
    float *now; /* the one borrowed */
};
/* Takes what params_keep_dead_weights kept into the file: from here on every q->dead_weights is NULL. name: for the
 * temporary file. */
int dead_weights_open(struct dead_weights *f, struct params *p, const char *run, const char *name,
                      struct error *e) MUST_USE;
/* q->dead_weights is there until dead_weights_return; NULL for a parameter that has none. */
int dead_weights_borrow(struct dead_weights *f, const struct params *p, struct param *q, struct error *e) MUST_USE;
void dead_weights_return(struct dead_weights *f, struct param *q);
void dead_weights_close(struct dead_weights *f);
#endif
