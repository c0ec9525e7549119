/* SPDX-License-Identifier: Apache-2.0 */
/* learner -- a method at work: networks, tapes a batch size, named states, the optimiser, and a step.   kernels/methods
 *
 *     learner_open ─▶ learner_begin ─▶ { learner_tape, put the batch on it, learner_rates, learner_step, learner_terms } ...
 * A step: [teacher forward] forward, loss, gradients to zero, backward, [sums over ranks], gradients, optimiser, after. It may be recorded:
 * what changes from step to step lies in device memory. */
#ifndef PETREL_KERNELS_METHODS_LEARNER_H
#define PETREL_KERNELS_METHODS_LEARNER_H
#include "kernels/methods/method.h"
#include "kernels/optim/optimiser.h"

/* An epoch has a full batch and at most one shorter one; so has its validation. */
enum { LEARNER_TAPES = 4 };
struct learner_tape {
    struct tape *tape, *teacher; /* teacher NULL: the method has none */
    struct network_values values, teacher_values;
    int pairs;
    void *recorded; /* of its training step */
};

/* Device memory that is saved in checkpoints by its name. */
struct learner_state {
    const char *name; /* "queue" */
    int rows, columns;
    float *data;
};

struct learner_settings {
    const struct method *method;
    const void *own; /* method->settings_size bytes, as method->settings says; copied */
    const struct optimiser_kind *optimiser;
    struct optimiser_settings optimiser_settings;
    struct network_settings network;
    bool embedded;                 /* inputs are embeddings, or with `peb` what a backbone gives, and positions */
    bool peb;                      /* the PEB learns, though the backbone does not */
    double items[NETWORK_CLASSES]; /* boxes of each class in an epoch, where the loss weighs them */
    /* NULL, or called before the networks are built: other tapes of these parameters, which may be frozen */
    void (*prepare)(void *context, struct params *p);
    void *context;
    int pairs; /* of a full batch of this rank */
    int views; /* of a pair; 0: what the method takes by itself */
    uint64_t seed;
};

struct learner {
    const struct method *method;
    struct backend *b;
    struct network_settings network;
    void *settings; /* the method's own struct */
    bool embedded, peb;
    double items[NETWORK_CLASSES];
    struct params *params, *teacher;
    struct learner_tape tape[LEARNER_TAPES], *now;
    struct optimiser optimiser;
    uint64_t seed;
    int64_t step;               /* learner_rates said so */
    int views, teacher_views;   /* of a pair in a step */
    int most;                   /* pairs of a full batch of all ranks */
    float *terms;               /* device, METHOD_TERMS: of the last loss; behind them a flag for ranks_agree */
    float weight[METHOD_TERMS]; /* of the terms in the loss */
    float *rate;                /* device, one number for the method's rates */
    struct learner_state state[METHOD_STATES];
    size_t states, work_floats;
    /* What loss and after work on, of all ranks: views * pairs rows, first views before second ones; of the teacher teacher_views *
     * pairs. */
    struct {
        int pairs, views, K, kept_K, teacher_K;
        float *z, *dz, *kept, *dkept, *teacher; /* NULL: there is none */
    } in;
    float *work; /* work_floats; device */
    struct {     /* several ranks: gathered, and how it came */
        float *z, *dz, *kept, *dkept, *teacher, *facts, *part;
    } all;
};

/* Builds the networks for a full batch, unfilled. -1 and a sentence: the method cannot be so, or the back end lacks an operation. */
int learner_open(struct learner *l, struct backend *b, const struct learner_settings *s, struct error *e) MUST_USE;
void learner_close(struct learner *l);
/* For a method's open: a named state, zero; its number. And work memory for its loss. */
int learner_state(struct learner *l, const char *name, int rows, int columns);
void learner_work(struct learner *l, size_t floats);
/* For a method's begin: rows of a state become directions without preference, of length 1: Philox(seed, RNG_QUEUE, index). */
void learner_directions(struct learner *l, const struct learner_state *s, uint64_t index);
/* The teacher becomes a copy of the student, statistics and all. */
void learner_copy_teacher(struct learner *l);
/* What a step does has changed: what was recorded of it is forgotten. */
void learner_forget(struct learner *l);
/* Parameters have their values (params_init, --init): the teacher becomes a copy, the method begins. */
void learner_begin(struct learner *l);
/* The tape for so many pairs, now to be used; made where it is the first of its size. NULL: too many sizes. */
struct learner_tape *learner_tape(struct learner *l, int pairs);
/* A batch of this rank's goes on its tape: boxes [views * pairs], or embeddings (NULL: they are there, and the teacher's, too), positions, and what is
 * known of them. f->pairs, f->views: of this rank. */
void learner_put(struct learner *l, struct learner_tape *on, const float *box, const struct batch_facts *f);
/* The rate and what else changes with time, before a step. */
void learner_rates(struct learner *l, double lr, const struct training_time *at);
/* A checkpoint's state has come: rates are as they were in the last step before it. */
void learner_resume(struct learner *l, const struct training_time *last);
void learner_step(struct learner *l, struct learner_tape *on);
/* Running statistics, nothing moves: only the terms. */
void learner_evaluate(struct learner *l, struct learner_tape *on);
/* Of the last loss: [0] the weighted sum, then the terms. */
void learner_terms(struct learner *l, double terms[1 + METHOD_TERMS]);
/* How far apart the embeddings of the last step are: the standard deviation of their directions, mean over dimensions, times the
 * root of the width: 1 spread evenly, 0 all one. */
double learner_spread(struct learner *l, const struct learner_tape *on);
#endif
