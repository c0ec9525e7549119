/* SPDX-License-Identifier: Apache-2.0 */
/* reproduce -- is a training what its record says, and does it come out again?   RUN (train.sh's --out), cache -> [reproduce]
 *
 * RUN holds model.safetensors (or only encoder.safetensors), and a record a phase: pretrain/pretrain.done, classifier/classifier.done or supervised/classifier.done (a pretraining of
 * another folder: none of it here, and its encoder is named). What is looked at, in this order, each as a line "same" or "differs":
 *     settings   the records' and the model's own, key by key
 *     version    of the program that wrote the model and of this one, with the commit
 *     cache      its digest, and who learns, validates and tests
 *     encoder    the digest of what the classifier began with
 * Then both phases are run anew, beside each other as a pipeline does, and the model files compared: bytes; where those differ, metadata, tensors and
 * what the two say of the test split. */
#ifndef PETREL_EVAL_REPRODUCE_H
#define PETREL_EVAL_REPRODUCE_H
#include "stages/model.h"
#include <stdio.h>

struct reproduce_wish {
    const char *run, *cache; /* cache: NULL: only what needs none is looked at, and then EX_NOINPUT */
    const char *init;        /* the encoder, where it lies elsewhere; NULL: RUN/encoder.safetensors */
    const char *out;         /* where to run anew; NULL: RUN.again. Taken away if all is the same */
    bool rerun;
    struct backend_wish backend; /* for what is said of the test split */
};
/* EX_OK: the same bytes (or, without rerun, nothing differs). EX_DATAERR: something differs, and is said on `to`. -1: it could not be found out. */
int reproduce_run(const struct reproduce_wish *w, FILE *to, struct error *e) MUST_USE;
#endif
