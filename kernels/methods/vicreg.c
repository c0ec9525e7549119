/* SPDX-License-Identifier: Apache-2.0 */
/* vicreg -- variance, invariance, covariance.   kernels/methods
 * Formulas: kernels/ref/vicreg.c. */
#include "kernels/methods/learner.h"
#include <string.h>

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/vicreg.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, ...) SETTING_ROW(struct own, kind, key),
#include "kernels/methods/vicreg.def"
#undef SETTING
    {0},
};

static int vicreg_open(struct learner *l, struct error *e)
{
    const struct own *s = l->settings;
    (void)e;
    l->weight[0] = (float)s->vicreg_invariance;
    l->weight[1] = (float)s->vicreg_variance;
    l->weight[2] = (float)s->vicreg_covariance;
    return 0;
}

static void vicreg_loss(struct learner *l)
{
    const struct own *s = l->settings;
    l->b->vicreg(l->b, l->in.dz, l->terms, l->in.z, l->in.pairs, l->in.K, l->weight,
                 !strcmp(s->vicreg_reduction, "literal"));
}

const struct method method_vicreg = {.name = "vicreg",
                                     .source = "Bardes, Ponce and LeCun, ICLR 2022; as Lightly 1.5.0 reduces it",
                                     .help = "variance, invariance and covariance of two views",
                                     .term = {"invariance", "variance", "covariance"},
                                     .word = {"inv", "var", "cov"},
                                     .settings = settings,
                                     .settings_size = sizeof(struct own),
                                     .open = vicreg_open,
                                     .loss = vicreg_loss};
