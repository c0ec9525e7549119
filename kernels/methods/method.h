/* SPDX-License-Identifier: Apache-2.0 */
/* method -- a scheme of pretraining behind one table: what a new one must say.   kernels/methods
 *
 * A method is one file NAME.c with a struct method_NAME, a row in methods.def, the word in method.def, and its settings in
 * NAME.def if it has any (proto/recipe.def gathers them). The learner (learner.h) does everything else: parameters, tapes, batches
 * of several sizes, ranks, the optimiser, the teacher; the trainer names CSV columns, event tags and checkpoints after what stands
 * here. Every function works through the back end's table, on device memory, and allocates nothing after open. */
#ifndef PETREL_KERNELS_METHODS_METHOD_H
#define PETREL_KERNELS_METHODS_METHOD_H
#include "kernels/nets/network.h"
#include "kernels/setting.h"
#include <stddef.h>

struct learner;
enum {
    METHOD_TEACHER = 1,  /* a second network, without gradients: begins as a copy of the first, follows it by `after` */
    METHOD_LABELS = 2,   /* classes of the boxes */
    METHOD_SMALLEST = 2, /* pairs a step, where a method asks for no more */
    METHOD_TERMS = 3,
    METHOD_STATES = 4
};

struct method {
    const char *name, *source, *help; /* source: where its formulas and numbers are from */
    unsigned needs;
    int smallest; /* pairs a step, at least; 0: METHOD_SMALLEST */
    /* Terms of the loss, which is their sum by learner.weight: columns of the CSV and tags of event files, and short words for
     * the progress bar; NULL ends both. */
    const char *term[METHOD_TERMS], *word[METHOD_TERMS];
    const struct setting *settings; /* NULL: none; rows of its .def file */
    size_t settings_size;
    /* Once, before anything is built: weights, named states (learner_state), work memory. -1 and a sentence: it cannot be so. */
    int (*open)(struct learner *l, struct error *e);
    /* What stands on the embedding; values->z is what the loss sees. NULL: the projection. */
    void (*heads)(struct learner *l, struct tape *t, struct network_values *values, bool teacher);
    /* Once, when parameters have their first values, before a checkpoint's come. NULL: nothing */
    void (*begin)(struct learner *l);
    /* Before each step, outside what is recorded, progress 0 to 1: into device memory. NULL: nothing changes */
    void (*rates)(struct learner *l, double progress);
    /* For each batch, outside what is recorded: what depends on its size, or on its labels (of all 2 * pairs boxes, on the host;
     * NULL without METHOD_LABELS), into device memory. NULL: nothing */
    void (*targets)(struct learner *l, const int32_t *label, int pairs);
    /* Terms and gradient of what l->in holds, into l->terms and l->in.dz (written, not added to). Recorded; also run for
     * validation, so no state may move. */
    void (*loss)(struct learner *l);
    /* After the optimiser's step: the teacher follows, states move. Recorded. NULL: nothing */
    void (*after)(struct learner *l);
};

/* By name; NULL and a sentence with the list. */
const struct method *method_named(const char *name, struct error *e) MUST_USE;
/* The i-th, NULL past the end. */
const struct method *method_at(size_t i);
#endif
