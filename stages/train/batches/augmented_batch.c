/* SPDX-License-Identifier: Apache-2.0 */
/* augmented_batch -- augmentations that petrel-pairs drew, applied by the back end.   pairs ─▶ [train] */
#include "stages/train/batches/augmented_batch.h"
#include "kernels/augment.h"
#include <stdlib.h>

static int check_one(void *context, int kind)
{
    const struct backend *b = context;
    return b->augments & 1u << kind ? 0 : -1;
}

int augmented_batch_check(const struct train *t, struct error *e)
{
    if (!train_augments(t))
        return 0;
    if (!t->backend->augment_put)
        return fail_as(e, EX_UNAVAILABLE, "the back end '%s' does not augment: leave --augment-on at pairs",
                       t->backend->name);
    if (augmentation_list("augment_pretrain", t->recipe.augment_pretrain, check_one, t->backend, e))
        return fail_as(e, EX_UNAVAILABLE, "the back end '%s' cannot do all of '%s': leave --augment-on at pairs",
                       t->backend->name, t->recipe.augment_pretrain);
    return 0;
}

void augmented_batch_put(struct backend *b, float *image, const struct pair_batch_message *m, int boxes)
{
    struct augment_view *view = xalloc((size_t)m->steps + 1, sizeof *view);
    struct augment_plan plan = {.view = view, .step = m->step, .seed = m->task.seed};
    for (int32_t i = 0; i < m->steps && m->step[i].at < boxes; i++) {
        plan.steps = i + 1;
        if (!plan.views || view[plan.views - 1].box != m->step[i].at)
            view[plan.views++] = (struct augment_view){.box = m->step[i].at, .first = i};
        view[plan.views - 1].steps++;
    }
    b->augment_put(b, image, m->box, boxes, m->channels, &plan);
    free(view);
}
