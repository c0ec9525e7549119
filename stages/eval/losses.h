/* SPDX-License-Identifier: Apache-2.0 */
/* losses -- a run's losses.csv and classifier-losses.csv, as means an epoch.   train ═▶ [losses] -> report */
#ifndef PETREL_EVAL_LOSSES_H
#define PETREL_EVAL_LOSSES_H
#include "common/base.h"

struct loss_point {
    int64_t epoch;
    double train, validation; /* NAN: none */
};
struct losses {
    char title[200];
    struct loss_point *point;
    size_t count;
    double seconds;             /* of the run so far, at the last step; NAN: not in the file */
    double processors_j, gpu_j; /* of all lives of the run (common/energy.h); NAN: not known of every one */
    double floor;               /* the loss's trivial optimum (representation.h); NAN: none known */
};
/* Reads one losses file (columns by name: epoch, loss, set; seconds if there). -1 and a sentence naming file, line and column. */
int losses_read(struct losses *c, const char *path, const char *title, struct error *e) MUST_USE;
/* What the run took: its cost file, a line a life: seconds, joules of the processors, of the GPU, "-" for not known. None there: not known. */
void losses_cost(struct losses *c, const char *path);
void losses_free(struct losses *c);
#endif
