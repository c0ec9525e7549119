/* SPDX-License-Identifier: Apache-2.0 */
/* early_stopping -- the lowest loss so far and how many epochs since.   [train] */
#include "stages/train/early_stopping.h"

bool early_stopping_note(struct early_stopping *s, double loss, int64_t epoch, int64_t steps)
{
    if (s->any && !(loss < s->best)) {
        s->since++;
        return false;
    }
    *s = (struct early_stopping){.best = loss, .best_epoch = epoch, .best_steps = steps, .any = true};
    return true;
}
