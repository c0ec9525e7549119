/* SPDX-License-Identifier: Apache-2.0 */
/* inspect -- what training sees, for people: one augmented box as a file, one batch as a table.   task -> [pairs] -> train */
#ifndef PETREL_STAGES_PAIRS_INSPECT_H
#define PETREL_STAGES_PAIRS_INSPECT_H
#include "stages/pairs/batch.h"
#include <stdio.h>

/* Row `row`'s box, standardised, through every augmentation of the comma list `ops`, as float32 NIfTI at `path`, and its CT
 * where there is one as X_CT beside X; what was drawn goes to `to`, a line each. */
int inspect_box(struct workbench *b, int64_t row, const char *ops, uint64_t seed, const char *path, FILE *to,
                struct error *e) MUST_USE;
/* The batch a task asks for, a line a pair: rows, labels, patients, what view 2 is, what was drawn. Tab-separated, with a heading. */
int inspect_batch(const struct workbench *b, const struct pair_task_message *task, FILE *to, struct error *e) MUST_USE;
#endif
