/* SPDX-License-Identifier: Apache-2.0 */
/* augmented_batch -- augmentations that petrel-pairs drew, applied by the back end.   pairs ─▶ [train] */
#include "stages/train/batches/augmented_batch.h"
#include "common/rng.h"
#include "kernels/augment.h"
#include <stdlib.h>

int augmented_batch_check(const struct train *t, struct error *e)
{
    if (train_augments(t) && !t->backend->augment_put)
        return fail_as(e, EX_UNAVAILABLE, "the back end '%s' does not augment: leave --augment-on at pairs",
                       t->backend->name);
    return 0;
}

static struct augment_step step_of(const struct drawn_step *d, uint64_t seed)
{
    static const enum augment_kind kinds[DRAWN_KINDS] = {
        [DRAWN_REFLECT] = AUGMENT_REFLECT, [DRAWN_CLAMP] = AUGMENT_CLAMP,         [DRAWN_FLIP] = AUGMENT_FLIP,
        [DRAWN_NOISE] = AUGMENT_NOISE,     [DRAWN_HISTOGRAM] = AUGMENT_HISTOGRAM, [DRAWN_CONTRAST] = AUGMENT_CONTRAST,
    };
    struct augment_step s = {.kind = (int32_t)kinds[d->kind]};
    const double *number = d->number;
    switch (kinds[d->kind]) {
    case AUGMENT_REFLECT:
    case AUGMENT_CLAMP: memcpy(s.with.map, number, sizeof s.with.map); break;
    case AUGMENT_NOISE:
        s.with.noise = (struct augment_noise){.seed = seed,
                                              .index = (uint64_t)(uint32_t)number[2] << 32 | (uint32_t)number[1],
                                              .stream = RNG_AUGMENT,
                                              .first_block = (uint32_t)number[3],
                                              .sd = (float)number[0]};
        break;
    case AUGMENT_HISTOGRAM:
        s.with.histogram.count = d->count;
        for (int i = 0; i < d->count; i++)
            s.with.histogram.point[i] = (float)number[i];
        break;
    case AUGMENT_CONTRAST: s.with.gamma = (float)number[0]; break;
    default: break; /* a flip has no numbers */
    }
    return s;
}

void augmented_batch_put(struct backend *b, float *image, const struct pair_batch_message *m)
{
    struct augment_step *step = xalloc((size_t)m->steps + 1, sizeof *step);
    struct augment_view *view = xalloc((size_t)m->steps + 1, sizeof *view);
    struct augment_plan plan = {.view = view, .step = step, .steps = m->steps};
    for (int32_t i = 0; i < m->steps; i++) {
        step[i] = step_of(&m->step[i], m->task.seed);
        if (!plan.views || view[plan.views - 1].box != m->step[i].at)
            view[plan.views++] = (struct augment_view){.box = m->step[i].at, .first = i};
        view[plan.views - 1].steps++;
    }
    b->augment_put(b, image, m->box, m->views * m->count, m->channels, &plan);
    free(step);
    free(view);
}
