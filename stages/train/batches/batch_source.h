/* SPDX-License-Identifier: Apache-2.0 */
/* batch_source -- training batches in the order they are wanted, whoever makes them.   tasks ─▶ pairs ─▶ [batch_source]
 *
 * Two kinds: over channels, tasks are given a few batches ahead and what comes back is put in order, repeats dropped;
 * or from a list of rows, boxes read from the cache here and now, unaugmented. */
#ifndef PETREL_STAGES_TRAIN_BATCHES_BATCH_SOURCE_H
#define PETREL_STAGES_TRAIN_BATCHES_BATCH_SOURCE_H
#include "stages/train/train.h"

/* One batch of the plan. index: its number in the run, never used twice; epoch: which draw (the classifier repeats
 * some). */
struct batch_request {
    uint64_t index;
    enum pair_phase phase;
    int64_t epoch, step;
};
/* The next batch that will be wanted, in order; false: no more. Called ahead of batch_source_take. */
typedef bool (*batch_request_next)(void *context, struct batch_request *w);

struct batch_source;
struct batch_source *batch_source_channels(const struct train *t, batch_request_next next, void *context);
/* Pairs of rows from a TSV file ("row1 <tab> row2" a line, batches in order; every epoch the same). */
int batch_source_list(struct batch_source **s, const struct train *t, batch_request_next next, void *context,
                      struct error *e) MUST_USE;
/* Marks the shards whose regions the list names. */
int batch_list_shards(const struct train *t, bool *shard, struct error *e) MUST_USE;
/* Batches an epoch of the list has. */
int batch_list_steps(const char *path, int64_t batch, int64_t *steps, struct error *e) MUST_USE;

/* The next wanted batch; 1: *b is the caller's (pair_batch_free); 0: a signal asked to stop; -1: a sentence. */
int batch_source_take(struct batch_source *s, struct pair_batch_message *b, struct error *e) MUST_USE;
double batch_source_waited_s(const struct batch_source *s);
/* end: nothing more is wanted: tell the makers so (END). Otherwise they wait for this program to come back. */
void batch_source_close(struct batch_source **s, bool end);
/* Nothing is wanted any more, of a run that had finished before: END to whoever waits. */
void batch_source_end_only(const struct train *t);

/* What a kind of batch source is. */
struct batch_source_kind {
    int (*take)(struct batch_source *s, struct pair_batch_message *b, struct error *e);
    void (*close)(struct batch_source *s, bool end);
};
struct batch_source {
    const struct batch_source_kind *kind;
    batch_request_next next;
    void *context;
    double waited_s;
};
#endif
