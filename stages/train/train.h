/* SPDX-License-Identifier: Apache-2.0 */
/* train -- what the files of this stage share: what was asked for, what was opened, and the state every phase carries.
 *
 *     tasks ─▶ pairs ─▶ [train] ═▶ model files, checkpoints, loss curves
 *
 * A phase (pretrain, classifier) is a loop over epochs and steps. Everything it will ever do is a pure function of the
 * settings, the cache, the seed and its place (epoch, step) with the tensors of that place; a checkpoint holds exactly
 * those, so a run that was killed and run again ends in the same bytes. */
#ifndef PETREL_STAGES_TRAIN_TRAIN_H
#define PETREL_STAGES_TRAIN_TRAIN_H
#include "proto/cache.h"
#include "proto/recipe.h"
#include "proto/sampling.h"
#include "stages/model.h"
#include "stages/stage.h"
#include "stages/train/ranks.h"
#include <string.h>

/* Early stopping: the lowest loss so far and how many epochs since. */
struct stopping {
    double best;
    int64_t since, best_epoch, best_steps;
    bool any;
};
/* Notes an epoch's loss; true if it is the lowest. */
bool stopping_note(struct stopping *s, double loss, int64_t epoch, int64_t steps);
static inline bool stopping_due(const struct stopping *s, int64_t patience)
{
    return s->since >= patience;
}

/* Where a phase is: the next step to take, and the sums that stand over from steps taken. step may equal the steps of
 * an epoch:
 * then its validation comes next. */
struct place {
    int64_t epoch, step, steps; /* steps in all */
    double sum[4], count;       /* this epoch's: loss and terms times items, items */
    double seconds;             /* of training so far, without the time it lay still */
    struct stopping stopping;
    int64_t history_bytes; /* rows of the history up to here */
    int64_t events_bytes;  /* and of the event file; 0: there is none */
    int64_t optimiser_steps;
};

struct train {
    /* asked for */
    struct recipe recipe;
    const struct option *option; /* the options it came from: which were said on the command line */
    size_t options;
    struct stage_options stage_options;
    const char *phase; /* "pretrain" | "classifier" */
    const char *cache_dir, *init, *out, *backend_name, *pair_list, *tensorboard;
    const char *export_onnx, *export_compact, *export_model;
    const char *ranks;      /* alone|environment */
    const char *augment_on; /* pairs|backend */
    int64_t step_limit;     /* 0: none */
    int64_t ahead;          /* batches asked for ahead */
    double checkpoint_s;
    bool resume, restart;
    uint64_t seed;
    int64_t threads;
    struct ranks_place place; /* size 1: alone */
    /* opened */
    struct cache cache;
    struct cache_row *rows;
    struct sampling_plan plan;
    int channels;
    struct backend *backend;
    struct network_settings network;
    struct safetensors init_file; /* where --init is given */
    const char *cohort;
    char *settings; /* text that names this run: two runs of the same text make the same bytes */
    char *out_path;
};

/* RUN/PHASEtail, such as RUN/pretrain.done; the caller's. */
char *train_path(const struct train *t, const char *tail) MUST_USE;
/* Set by SIGTERM, SIGUSR1, SIGINT: save at the next step and leave with EX_TEMPFAIL. */
bool train_stop_asked(void);
/* May this process leave on its own for that? One of several ranks leaves with the others, after a step. */
static inline bool train_may_stop(const struct train *t)
{
    return ranks_alone(&t->place) && train_stop_asked();
}
void train_catch_signals(void);
/* Does the trainer apply the augmentations that petrel-pairs draws? */
static inline bool train_augments(const struct train *t)
{
    return !strcmp(t->augment_on, "backend");
}

/* The phases; return an exit code. */
int pretrain_run(struct train *t);
int classifier_run(struct train *t);
/* petrel-train export */
int export_run(struct train *t);
/* petrel-train describe */
int describe_print(const struct recipe *r, FILE *to, struct error *e) MUST_USE;
#endif
