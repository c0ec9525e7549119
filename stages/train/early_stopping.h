/* SPDX-License-Identifier: Apache-2.0 */
/* early_stopping -- the lowest loss so far and how many epochs since.   [train] */
#ifndef PETREL_STAGES_TRAIN_EARLY_STOPPING_H
#define PETREL_STAGES_TRAIN_EARLY_STOPPING_H
#include "common/base.h"

struct early_stopping {
    double best;
    int64_t since, best_epoch, best_steps;
    bool any;
};
/* Notes an epoch's loss; true if it is the lowest. */
bool early_stopping_note(struct early_stopping *s, double loss, int64_t epoch, int64_t steps);
static inline bool early_stopping_due(const struct early_stopping *s, int64_t patience)
{
    return s->since >= patience;
}
#endif
