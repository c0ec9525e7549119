/* SPDX-License-Identifier: Apache-2.0 */
/* given -- was a setting of another method, or of another backbone, said on the command line?   [train] */
#ifndef PETREL_STAGES_TRAIN_GIVEN_H
#define PETREL_STAGES_TRAIN_GIVEN_H
#include "kernels/setting.h"
#include "stages/train/train.h"

/* One of those that have settings: its name, "vit", and rows. NULL name: past the end. */
struct owner {
    const char *name;
    const struct setting *settings;
};
/* what: "backbone", the option that chooses among them; chosen: the one of this run. -1 and EX_USAGE with whose it is. */
int given_check(const struct train *t, const char *what, const char *chosen, struct owner (*at)(size_t i),
                struct error *e) MUST_USE;
/* The same for backbones. */
int given_check_backbone(const struct train *t, struct error *e) MUST_USE;
/* "vicreg-variance" is the option of "vicreg_variance" */
bool given_names(const struct option *o, const char *key);
#endif
