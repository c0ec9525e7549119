/* SPDX-License-Identifier: Apache-2.0 */
/* verdict -- the first line of a report: does the model beat what needs no model?   baselines -> [verdict] -> report, page */
#ifndef PETREL_EVAL_VERDICT_H
#define PETREL_EVAL_VERDICT_H
#include "stages/eval/baselines.h"

/* Of the model's AUC against the best baseline's. A difference counts where both tests that know of patients say so, each below 0.05: DeLong's,
 * clustered, after Holm over the baselines; and the permutation, for with few patients the first is too bold. */
enum verdict { VERDICT_UNKNOWN, VERDICT_WORSE, VERDICT_NOT_BETTER, VERDICT_BETTER };
enum verdict verdict_of(const struct baselines *b);
/* The caller's. */
char *verdict_sentence(const struct baselines *b, const char *name) MUST_USE;
/* Whether the trained representation alone, read by a line or by neighbours, does better than its classifier. "" if not. The caller's. */
char *verdict_of_probes(const struct baselines *b, const char *name) MUST_USE;
#endif
