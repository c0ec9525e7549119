/* SPDX-License-Identifier: Apache-2.0 */
/* source -- training batches in the order they are wanted, whoever makes them.   tasks ─▶ pairs ─▶ [source]
 *
 * Two kinds: over channels, tasks are given a few batches ahead and what comes back is put in order, repeats dropped;
 * or from a list of rows, boxes read from the cache here and now, unaugmented. */
#ifndef PETREL_STAGES_TRAIN_SOURCE_H
#define PETREL_STAGES_TRAIN_SOURCE_H
#include "stages/train/train.h"

/* One batch of the plan. index: its number in the run, never used twice; epoch: which draw (the classifier repeats
 * some). */
struct wanted {
    uint64_t index;
    enum pair_phase phase;
    int64_t epoch, step;
};
/* The next batch that will be wanted, in order; false: no more. Called ahead of source_take. */
typedef bool (*wanted_next)(void *context, struct wanted *w);

struct source;
struct source *source_channels(const struct train *t, wanted_next next, void *context);
/* Pairs of rows from a TSV file ("row1 <tab> row2" a line, batches in order; every epoch the same). */
int source_list(struct source **s, const struct train *t, wanted_next next, void *context, struct error *e) MUST_USE;
/* Batches an epoch of the list has. */
int list_steps(const char *path, int64_t batch, int64_t *steps, struct error *e) MUST_USE;

/* The next wanted batch; 1: *b is the caller's (pair_batch_free); 0: a signal asked to stop; -1: a sentence. */
int source_take(struct source *s, struct pair_batch_message *b, struct error *e) MUST_USE;
double source_waited_s(const struct source *s);
/* end: nothing more is wanted: tell the makers so (END). Otherwise they wait for this program to come back. */
void source_close(struct source **s, bool end);
/* Nothing is wanted any more, of a run that had finished before: END to whoever waits. */
void source_end_only(const struct train *t);

/* What a kind of source is. */
struct source_kind {
    int (*take)(struct source *s, struct pair_batch_message *b, struct error *e);
    void (*close)(struct source *s, bool end);
};
struct source {
    const struct source_kind *kind;
    wanted_next next;
    void *context;
    double waited_s;
};
#endif
