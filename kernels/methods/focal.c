/* SPDX-License-Identifier: Apache-2.0 */
/* focal -- supervised: the classifier's logits of boxes, one view, by the focal loss (kernels/ref/focal.c).   kernels/methods
 *
 * On an encoder that learns, from scratch or fine-tuned; or on embeddings. Alpha of a class: focal_alpha as focal_balance says, times
 * class_weights; 0, 0: by what makes both weigh alike in an epoch. */
#include "kernels/methods/learner.h"
#include <string.h>

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/focal.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, ...) SETTING_ROW(struct own, kind, key),
#include "kernels/methods/focal.def"
#undef SETTING
    {0},
};

static int focal_open(struct learner *l, struct error *e)
{
    (void)e;
    learner_work(l, (size_t)l->most); /* labels, of 32 bits as floats are */
    return 0;
}

static void focal_targets(struct learner *l, const struct batch_facts *f)
{
    l->b->put(l->b, l->work, f->label, (size_t)f->pairs * sizeof *f->label);
}

static void alphas(const struct learner *l, float alpha[NETWORK_CLASSES])
{
    const struct own *s = l->settings;
    const double *n = l->items, *given = s->class_weights.value;
    for (int k = 0; k < NETWORK_CLASSES; k++) {
        double weight = given[k] > 0 ? given[k] : n[k] > 0 ? (n[0] + n[1]) / (2 * n[k]) : 1;
        alpha[k] =
            (float)(weight * (!strcmp(s->focal_balance, "class") && k == 0 ? 1 - s->focal_alpha : s->focal_alpha));
    }
}

static void focal_loss(struct learner *l)
{
    const struct own *s = l->settings;
    float alpha[NETWORK_CLASSES];
    alphas(l, alpha);
    l->b->focal(l->b, l->in.dz, l->terms, l->in.z, (const int32_t *)(const void *)l->work, l->in.pairs, l->in.K, alpha,
                (float)s->focal_gamma, !strcmp(s->focal_on, "softmax"));
}

const struct method method_focal = {.name = "focal",
                                    .source = "Lin et al., ICCV 2017",
                                    .help = "the class of each box",
                                    .needs = METHOD_LABELS,
                                    .parts = NETWORK_CLASSIFIER,
                                    .views = 1,
                                    .smallest = 1,
                                    .term = {"focal"},
                                    .word = {"focal"},
                                    .settings = settings,
                                    .settings_size = sizeof(struct own),
                                    .open = focal_open,
                                    .targets = focal_targets,
                                    .loss = focal_loss};
