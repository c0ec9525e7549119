/* SPDX-License-Identifier: Apache-2.0 */
/* work -- how much a recipe asks for on a cache, before anything is run.   petrel-train describe --cache DIR */
#ifndef PETREL_STAGES_TRAIN_WORK_H
#define PETREL_STAGES_TRAIN_WORK_H
#include "stages/train/train.h"

/* One line for people and programs: "work", then KEY=VALUE. Million million multiply-adds that meet numbers (taps inside the image), at most, early stopping
 * aside; a step forwards and backwards counts as three passes of each box:
 *     step         of pretraining, both views; a method with a teacher or more views takes more
 *     pretraining  all steps and validations
 *     classifier   on a frozen encoder: embedding every draw once, and the validation boxes
 *     fine_tuning  with `unfreeze`: the whole network in every step
 * and steps of both phases. live: of the encoder with its PEB a box, millions. */
int work_print(const struct train *t, double live, double projection, FILE *to, struct error *e) MUST_USE;
#endif
