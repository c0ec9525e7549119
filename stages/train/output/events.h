/* SPDX-License-Identifier: Apache-2.0 */
/* events -- scalars as TensorBoard reads them.   [train] ═▶ DIR/PHASE/events.out.tfevents.petrel
 *
 * One file a phase; a resumed run cuts it back to where its checkpoint stood, so no step is there twice. Records as
 * TFRecord frames them: length (8 bytes), its CRC, an Event, its CRC; CRC-32C, masked.
 * TensorBoard 2.21.0 (PyPI) opens them: every tag one curve, a point a step; its EventAccumulator reads the numbers of
 * losses.csv. Run on a pretraining and a classifier of ours, by hand. */
#ifndef PETREL_STAGES_TRAIN_OUTPUT_EVENTS_H
#define PETREL_STAGES_TRAIN_OUTPUT_EVENTS_H
#include "common/base.h"
#include <stdio.h>

struct events {
    FILE *file;
    char *path;
};
struct scalar {
    const char *tag;
    double value;
};
enum { SCALARS = 8 };
/* keep: bytes a checkpoint knows of; where the file has fewer (another DIR) it begins anew, from this step on. */
int events_open(struct events *v, const char *dir, const char *phase, int64_t keep, struct error *e) MUST_USE;
/* At most SCALARS of one step. Nothing where no file is open. */
int events_write(struct events *v, int64_t step, const struct scalar *scalar, size_t count, struct error *e) MUST_USE;
/* Everything on disk; *bytes is what to keep, 0 where no file is open. */
int events_sync(struct events *v, int64_t *bytes, struct error *e) MUST_USE;
void events_close(struct events *v);
#endif
