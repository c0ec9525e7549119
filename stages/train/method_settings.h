/* SPDX-License-Identifier: Apache-2.0 */
/* method_settings -- from the recipe's rows to the struct of the method that uses them.   [train] */
#ifndef PETREL_STAGES_TRAIN_METHOD_SETTINGS_H
#define PETREL_STAGES_TRAIN_METHOD_SETTINGS_H
#include "kernels/methods/learner.h"
#include "stages/train/train.h"

/* What learner_open wants to know, of this run's recipe; s->own is the caller's to free. -1 and a sentence: no such method or
 * optimiser, or a setting of another method was given on the command line. t->backend is open. */
int method_settings_make(const struct train *t, struct learner_settings *s, struct error *e) MUST_USE;
/* The method's own struct of it; the caller's to free. */
void *method_settings_own(const struct train *t, const struct method *m) MUST_USE;
#endif
