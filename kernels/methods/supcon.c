/* SPDX-License-Identifier: Apache-2.0 */
/* supcon -- boxes of one class against all others of the batch.   kernels/methods
 *
 * Mean over the 2N views i of -1/|P(i)| sum over p in P(i) of log softmax(z_i z_p / tau), P(i): the other views of i's class. A box of
 * unknown class has the other view of its pair alone. */
#include "kernels/methods/contrast.h"

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/supcon.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, ...) SETTING_ROW(struct own, kind, key),
#include "kernels/methods/supcon.def"
#undef SETTING
    {0},
};

static void supcon_loss(struct learner *l)
{
    contrast_loss(l, ((const struct own *)l->settings)->supcon_temperature);
}

const struct method method_supcon = {.name = "supcon",
                                     .source = "Khosla et al., NeurIPS 2020, equation 2",
                                     .help = "each view finds those of its class among all of the batch",
                                     .needs = METHOD_LABELS,
                                     .term = {"contrast"},
                                     .word = {"contrast"},
                                     .settings = settings,
                                     .settings_size = sizeof(struct own),
                                     .open = contrast_open,
                                     .targets = contrast_targets,
                                     .loss = supcon_loss};
