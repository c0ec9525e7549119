/* SPDX-License-Identifier: Apache-2.0 */
/* predictions -- every region with every model's word on it, as a table.   evaluation -> [predictions]
 *
 * Tab separated; a comment line that names cohort, version and cache; a row a region of the split: row (of the cache: what embed's table is
 * joined by), scan, patient, region (its value in the label map), x_mm y_mm z_mm (centroid, RAS), ml, suv_max, label, and the probability of each
 * model by its name, then of each baseline. */
#ifndef PETREL_EVAL_PREDICTIONS_H
#define PETREL_EVAL_PREDICTIONS_H
#include "stages/eval/evaluation.h"

int predictions_write(const struct report *r, const char *path, struct error *e) MUST_USE;
#endif
