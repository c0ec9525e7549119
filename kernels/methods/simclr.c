/* SPDX-License-Identifier: Apache-2.0 */
/* simclr -- the other view of a box against all other boxes of the batch (NT-Xent).   kernels/methods */
#include "kernels/methods/contrast.h"

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/simclr.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, ...) SETTING_ROW(struct own, kind, key),
#include "kernels/methods/simclr.def"
#undef SETTING
    {0},
};

static void simclr_loss(struct learner *l)
{
    contrast_loss(l, ((const struct own *)l->settings)->simclr_temperature);
}

const struct method method_simclr = {.name = "simclr",
                                     .source = "Chen et al., ICML 2020; NT-Xent as in Lightly 1.5.0",
                                     .help = "each view finds the other one of its pair among all of the batch",
                                     .term = {"contrast"},
                                     .word = {"contrast"},
                                     .settings = settings,
                                     .settings_size = sizeof(struct own),
                                     .open = contrast_open,
                                     .targets = contrast_targets,
                                     .loss = simclr_loss};
