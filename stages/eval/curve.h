/* SPDX-License-Identifier: Apache-2.0 */
/* curve -- a run's losses.csv and classifier-losses.csv, as means an epoch.   train ═▶ [curve] -> report */
#ifndef PETREL_EVAL_CURVE_H
#define PETREL_EVAL_CURVE_H
#include "common/base.h"

struct curve_point {
    int64_t epoch;
    double train, validation; /* NAN: none */
};
struct curve {
    char title[200];
    struct curve_point *point;
    size_t count;
};
/* Reads one losses file (columns by name: epoch, loss, set). -1 and a sentence naming file, line and column. */
int curve_read(struct curve *c, const char *path, const char *title, struct error *e) MUST_USE;
void curve_free(struct curve *c);
#endif
