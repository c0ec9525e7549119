/* SPDX-License-Identifier: Apache-2.0 */
/* rerun -- a phase of training once more: petrel-pairs and petrel-train side by side.   reproduce -> [rerun] */
#ifndef PETREL_EVAL_RERUN_H
#define PETREL_EVAL_RERUN_H
#include "common/base.h"

struct rerun {
    const char *phase; /* pretrain | classifier */
    const char *cache, *recipe, *run, *out, *backend;
    const char *init; /* NULL: none */
    uint64_t seed;
    int64_t threads;
};
/* -1 and a sentence: a program could not be started or failed; its words are in RUN/logs. */
int rerun_phase(const struct rerun *r, struct error *e) MUST_USE;
#endif
