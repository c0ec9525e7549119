/* SPDX-License-Identifier: Apache-2.0 */
/* method -- a scheme of learning behind one table: what a new one must say.   kernels/methods
 *
 * A method is one file NAME.c with a struct method_NAME, a row in methods.def, and its settings in NAME.def if it has any
 * (proto/recipe.def gathers them). The learner (learner.h) does everything else: parameters, tapes, batches
 * of several sizes, ranks, the optimiser, the teacher; the trainer names CSV columns, event tags and checkpoints after what stands
 * here. Every function works through the back end's table, on device memory, and allocates nothing after open. */
#ifndef PETREL_KERNELS_METHODS_METHOD_H
#define PETREL_KERNELS_METHODS_METHOD_H
#include "kernels/nets/network.h"
#include "kernels/setting.h"
#include <stddef.h>

struct learner;
/* Where training stands before a step. */
struct training_time {
    int64_t step, steps;  /* taken, and in all */
    double epoch, epochs; /* the one it is in, from 0, and in all */
};
static inline double training_progress(const struct training_time *t)
{
    return (double)t->step / (double)t->steps;
}
/* What is known of a batch's boxes, of all ranks, on the host: views * pairs rows, view after view. */
struct batch_facts {
    int pairs, views;
    const int32_t *label;  /* -1: unknown; NULL without METHOD_LABELS */
    const float *position; /* [rows][9]; NULL without METHOD_POSITIONS */
    const int32_t *window; /* [rows][5]: proto/message.h's; NULL without METHOD_GRID or METHOD_POSITIONS */
};
enum {
    METHOD_TEACHER = 1, /* a second network, without gradients: begins as a copy of the first, follows it by `after` */
    METHOD_LABELS = 2,  /* classes of the boxes */
    METHOD_POSITIONS = 4, /* their position vectors, for the loss */
    METHOD_GRID = 8, /* views are random crops and the octants of a box (VIEWS_GRID); else a pair and local crops of it */
    METHOD_SMALLEST = 2, /* pairs a step, where a method asks for no more */
    METHOD_TERMS = 3,
    METHOD_STATES = 4
};

struct method {
    const char *name, *source, *help; /* source: where its formulas and numbers are from */
    unsigned needs;
    unsigned parts; /* what stands on the embedding: NETWORK_PROJECTION (0, too), NETWORK_CLASSIFIER */
    int smallest;   /* pairs a step, at least; 0: METHOD_SMALLEST */
    /* Views of a pair in a step where the recipe asks for none (0: two), and the fewest and most there may be (0: as many). */
    int views, least_views, most_views;
    int teacher_views; /* of them the teacher sees the first; 0: all */
    int statistics;    /* batch norms keep so many equal parts of a batch apart; 0: every view */
    /* Terms of the loss, which is their sum by learner.weight: columns of the CSV and tags of event files, and short words for
     * the progress bar; NULL ends both. */
    const char *term[METHOD_TERMS], *word[METHOD_TERMS];
    const struct setting *settings; /* NULL: none; rows of its .def file */
    size_t settings_size;
    /* Once, before anything is built: weights, named states (learner_state), work memory. -1 and a sentence: it cannot be so. */
    int (*open)(struct learner *l, struct error *e);
    /* What stands on the embedding; values->z is what the loss sees, values->kept a second value it may look at (tape_output: and give
     * a gradient). NULL: the projection. */
    void (*heads)(struct learner *l, struct tape *t, struct network_values *values, bool teacher);
    /* Once, when parameters have their first values, before a checkpoint's come. NULL: nothing */
    void (*begin)(struct learner *l);
    /* Before a step, outside what is recorded, once for every step and never again for it: states may move. NULL: nothing */
    void (*renew)(struct learner *l, const struct training_time *at);
    /* Before each step, outside what is recorded: rates into device memory, a pure function of the time: after a resumed run has its
     * state it is asked for the step before once more. NULL: nothing changes */
    void (*rates)(struct learner *l, const struct training_time *at);
    /* For each batch, outside what is recorded: what depends on its size, or on what is known of its boxes, into device memory.
     * NULL: nothing */
    void (*targets)(struct learner *l, const struct batch_facts *f);
    /* Terms and gradient of what l->in holds, into l->terms, l->in.dz and, where the second output is one, l->in.dkept (written, not
     * added to). Recorded; also run for validation, so no state may move. */
    void (*loss)(struct learner *l);
    /* After backward, before the optimiser's step: gradients may be taken back. Recorded. NULL: nothing */
    void (*gradients)(struct learner *l);
    /* After the optimiser's step: the teacher follows, states move. Recorded. NULL: nothing */
    void (*after)(struct learner *l);
};

/* Supervised learning: boxes one by one, the classifier on what the encoder makes of them. In no list: it is no way of pretraining. */
extern const struct method method_focal;
/* By name; NULL and a sentence with the list. */
const struct method *method_named(const char *name, struct error *e) MUST_USE;
/* The i-th, NULL past the end. */
const struct method *method_at(size_t i);
#endif
