/* SPDX-License-Identifier: Apache-2.0 */
/* batch_slices -- boxes of which a network of slices sees one each.   pairs ─▶ [train] */
#include "stages/train/batches/batch_slices.h"
#include <string.h>

void batch_slices(struct pair_batch_message *m)
{
    const size_t slice = BOX_SIDE * BOX_SIDE;
    float *to = m->box;
    if (!m->count || m->window[VIEW_WINDOW - 1] < 0)
        return;
    for (size_t i = 0; i < (size_t)m->views * (size_t)m->count; i++)
        for (size_t c = 0; c < (size_t)m->channels; c++, to += slice)
            memmove(to,
                    m->box + (i * (size_t)m->channels + c) * BOX_VOXELS +
                        (size_t)m->window[i * VIEW_WINDOW + VIEW_WINDOW - 1] * slice,
                    slice * sizeof *to);
}
