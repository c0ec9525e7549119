/* SPDX-License-Identifier: Apache-2.0 */
/* first -- what dead taps were at first, out of memory for as long as a run lasts.   [train]
 *
 * A model file has whole tensors, so the dead taps' first values are wanted again when one is written: 29 million numbers
 * of ResNet18. They lie in a file of the run directory that has no name: nothing is left of it however the program ends,
 * and the next start, on the same seed and --init, makes the same again. */
#ifndef PETREL_STAGES_TRAIN_FIRST_H
#define PETREL_STAGES_TRAIN_FIRST_H
#include "kernels/tape.h"

struct first {
    int fd;
    size_t *at; /* of each parameter, in floats */
    uint64_t *digest;
    float *now; /* the one borrowed */
};
/* Takes what params_keep_dead_weights kept into the file: from here on every q->dead_weights is NULL. name: for the temporary file. */
int first_open(struct first *f, struct params *p, const char *run, const char *name, struct error *e) MUST_USE;
/* q->dead_weights is there until first_return; NULL for a parameter that has none. */
int first_borrow(struct first *f, const struct params *p, struct param *q, struct error *e) MUST_USE;
void first_return(struct first *f, struct param *q);
void first_close(struct first *f);
#endif
