/* SPDX-License-Identifier: Apache-2.0 */
/* loop -- what both phases do around a step: say how it goes, keep the history, save, stop when asked.   [train] */
#ifndef PETREL_STAGES_TRAIN_LOOP_H
#define PETREL_STAGES_TRAIN_LOOP_H
#include "common/energy.h"
#include "common/log.h"
#include "stages/train/batches/batch_source.h"
#include "stages/train/checkpoint/model_publish.h"
#include "stages/train/output/events.h"
#include "stages/train/output/history.h"

struct loop {
    struct train *train;
    struct cursor at;
    struct checkpointer checkpointer;
    struct history history;
    struct events events; /* --tensorboard */
    double event_s;
    uint64_t event_boxes; /* when the last one was written, and boxes by then */
    struct batch_source *source;
    const char *criterion; /* what the best epoch is the lowest of, for people; NULL: the loss */
    struct progress progress;
    int64_t steps_an_epoch, epochs;
    double begun_s, seconds_before; /* this process's start; seconds of the runs before it */
    uint64_t boxes;                 /* learned from in this process */
    struct energy energy;           /* of this process */
    float *flag;                    /* device: several ranks stop together (NULL: alone) */
};
/* What a phase does that another does not; false: a signal came while it waited for a batch. */
struct loop_phase {
    bool (*step)(void *context);
    /* After the epoch's steps: its validation, if it has one, and the loss that counts. */
    bool (*validate)(void *context, double *loss);
    void *context;
};
enum loop_next { LOOP_ON, LOOP_STOPPED /* a signal */, LOOP_LIMIT /* --steps */ };

/* Back to where a checkpoint left off, or to the beginning; opens the history. The keeper must be open. Dies with
 * a sentence. */
void loop_begin(struct loop *l, struct train *t, const char *history_name, const char *history_header,
                int64_t steps_an_epoch, int64_t epochs);
/* Epoch after epoch, from where we are: steps, validation, early stopping and the best model; saves when it is time, a signal came
 * or --steps is reached. Why it ended. */
enum loop_next loop_run(struct loop *l, const struct loop_phase *p, int64_t patience);
/* Scalars for TensorBoard, at the step just taken; with `rate` also boxes a second since those before. Dies with a
 * sentence. */
void loop_scalars(struct loop *l, const struct scalar *scalar, size_t count, bool rate);
/* boxes a second and the share of time spent waiting for batches, for the progress bar */
double loop_boxes_s(const struct loop *l);
double loop_waiting(const struct loop *l);
/* Closes everything; `how` is why the loop ended. Returns the exit code and prints the last line. */
int loop_end(struct loop *l, enum loop_next how);
/* A loss that is no number ends the program with a sentence. */
void loop_check_loss(const struct loop *l, double loss, const char *try_this);
#endif
