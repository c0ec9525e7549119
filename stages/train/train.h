/* SPDX-License-Identifier: Apache-2.0 */
/* train -- what the files of this stage share: what was asked for, what was opened, and the state every phase carries.
 *
 *     tasks ─▶ pairs ─▶ [train] ═▶ model files, checkpoints, loss curves
 *
 * A phase (pretrain, classifier) is a loop over epochs and steps. Everything it will ever do is a pure function of the
 * settings, the cache, the seed and its cursor (epoch, step) with the tensors there; a checkpoint holds exactly
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
    int32_t views, layout;  /* of a batch of pretraining: enum view_layout */
    int64_t step_limit;     /* 0: none */
    int64_t ahead;          /* batches asked for ahead */
    double checkpoint_s;
    bool resume, restart;
    uint64_t seed;
    int64_t threads;
    struct world world; /* size 1: alone */
    /* opened */
    struct cache cache;
    struct cache_row *rows;
    struct sampling_plan plan;
    int channels;
    struct backend *backend;
    struct network_settings network;
    struct safetensors init_file; /* where --init is given */
    const char *cohort;
    char *overridden;  /* cache_overridden */
    char *patients[2]; /* learned from, chosen by (model_patients.h), by what --init began from, too */
    char *settings;    /* text that names this run: two runs of the same text make the same bytes */
    char *out_path;
};

/* RUN/PHASEtail, such as RUN/pretrain.done; the caller's. */
char *train_path(const struct train *t, const char *tail) MUST_USE;
/* Set by SIGTERM, SIGUSR1, SIGINT: save at the next step and leave with EX_TEMPFAIL. */
bool train_stop_asked(void);
/* May this process leave on its own for that? One of several ranks leaves with the others, after a step. */
static inline bool train_may_stop(const struct train *t)
{
    return ranks_alone(&t->world) && train_stop_asked();
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
/* petrel-train describe; with a cache, what training on it takes, too */
int describe_print(const struct train *t, FILE *to, struct error *e) MUST_USE;
#endif
