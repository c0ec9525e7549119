/* SPDX-License-Identifier: Apache-2.0 */
/* run_record -- what names a run, so that it is not mixed with another; and its lock.   [train] */
#ifndef PETREL_STAGES_TRAIN_RUN_RECORD_H
#define PETREL_STAGES_TRAIN_RUN_RECORD_H
#include "stages/train/train.h"

/* "key = value" lines of everything the result depends on: phase, settings, cache, split, seed, digests of --init and
 * --pair-list, back end. The caller's. */
char *run_record_settings(const struct train *t, struct error *e) MUST_USE;
/* The classifier must see boxes, positions and an encoder as pretraining did, and pretraining that begins from a PEB the same parts
 * of positions: -1 naming the first setting that differs.
 * A file from elsewhere has no settings, so nothing to compare. Also takes over that it was trained on a simulated
 * cohort. */
int run_record_check_init(struct train *t, struct error *e) MUST_USE;
/* Whom the model will have learned from, and been chosen by: of the cache, and of the file it begins from. */
int run_record_patients(struct train *t, struct error *e) MUST_USE;
/* One trainer a run directory; held until the process ends. */
int run_lock(const char *run_dir, struct error *e) MUST_USE;
/* Until the channels are open: a death here stops the pipeline, too. */
void run_tell_failure(const struct train *t);
#endif
