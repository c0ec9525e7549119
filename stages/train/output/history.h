/* SPDX-License-Identifier: Apache-2.0 */
/* history -- losses as they come, one CSV row each.   [train] ═▶ losses.csv
 * A resumed run cuts it back to where its checkpoint stood. */
#ifndef PETREL_STAGES_TRAIN_OUTPUT_HISTORY_H
#define PETREL_STAGES_TRAIN_OUTPUT_HISTORY_H
#include "common/base.h"
#include <stdio.h>

struct history {
    FILE *file;
    char *path;
};
/* keep 0: begin anew with the header line; otherwise keep that many bytes, which must be there, and go on there. */
int history_open(struct history *c, const char *path, const char *header, int64_t keep, struct error *e) MUST_USE;
int history_row(struct history *c, struct error *e, const char *format, ...) PRINTF_LIKE(3, 4) MUST_USE;
/* Everything on disk; *bytes is what to keep. */
int history_sync(struct history *c, int64_t *bytes, struct error *e) MUST_USE;
void history_close(struct history *c);
#endif
