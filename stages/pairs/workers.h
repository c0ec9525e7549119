/* SPDX-License-Identifier: Apache-2.0 */
/* workers -- -j N: N forked copies of a stage, and a parent that starts again what is killed.   task -> [pairs] -> train */
#ifndef PETREL_STAGES_PAIRS_WORKERS_H
#define PETREL_STAGES_PAIRS_WORKERS_H
#include "common/base.h"

struct tally {
    _Atomic uint64_t batches, boxes;
}; /* made so far; shared by parent and children */

struct workers {
    int count;
    int (*work)(void *context, struct tally *tally);         /* in the child; its result is the child's exit code */
    void (*watch)(void *context, const struct tally *tally); /* in the parent, a few times a second; may be NULL */
    void *context;
};
enum { WORKERS_MAX = 256 };

/* Forks and waits. A child killed by a signal is forked again, by the rules of common/child.h; one that leaves with a code takes
 * the others with it, and that code is returned; EX_TEMPFAIL after SIGTERM or SIGINT. Open no socket, thread or HDF5 file before.
 * Children end with their parent, however it ends. */
int workers_run(const struct workers *w, struct tally *total);
#endif
