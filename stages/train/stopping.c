/* SPDX-License-Identifier: Apache-2.0 */
/* stopping -- early stopping: the lowest loss so far and how many epochs since.   [train] */
#include "stages/train/train.h"

bool stopping_note(struct stopping *s, double loss, int64_t epoch, int64_t steps)
{
    if (s->any && !(loss < s->best)) {
        s->since++;
        return false;
    }
    *s = (struct stopping){.best = loss, .best_epoch = epoch, .best_steps = steps, .any = true};
    return true;
}
