/* SPDX-License-Identifier: Apache-2.0 */
/* ranks -- several petrel-train that take each step together: who this one is, and what only one of them does.   [train]
 *
 * Whoever starts them (srun, mpirun, torchrun) tells each its rank in the environment. Rank 0 alone writes: history, event
 * files, checkpoints, models; all read the same checkpoint when they begin. A rank asks its own pair makers for its part of
 * every batch, over the channels tasks-RANK and pairs-RANK. */
#ifndef PETREL_STAGES_TRAIN_RANKS_H
#define PETREL_STAGES_TRAIN_RANKS_H
#include "kernels/ranks.h"
#include "kernels/tape.h"

struct train;

/* rank, size and local rank (which of the machine's GPUs) from the variables of torchrun, Open MPI, Slurm, or PMI, the first
 * of them that has both rank and size; *from names it. -1 and a sentence: there are none, or they contradict themselves. */
struct ranks_found {
    int rank, size, local;
    const char *from;
};
int ranks_find(struct ranks_found *found, struct error *e) MUST_USE;
/* Before the back end is opened: with --ranks environment finds out and takes its channels and its GPU. Alone otherwise. */
int ranks_prepare(struct train *t, struct error *e) MUST_USE;
/* After: joins the others, unless alone. */
int ranks_join(struct train *t, struct error *e) MUST_USE;
/* struct world's share, over the run directory's channel "ranks"; context: a struct train with a world and stage_options */
int ranks_share(void *context, void *bytes, size_t size, struct error *e) MUST_USE;

static inline bool ranks_alone(const struct world *p)
{
    return p->size <= 1;
}
/* May this one write into the run directory? */
static inline bool ranks_writes(const struct world *p)
{
    return p->rank == 0;
}
/* Every batch must be cut into equal parts: 0, or -1 and a sentence for `items` that cannot. */
int ranks_check_batch(const struct world *p, const char *what, int64_t items, struct error *e) MUST_USE;

/* Does any of them want to stop? Asked after every step, so that all stop at the same one. flag: one float on the device. */
bool ranks_agree(struct backend *b, float *flag, bool mine);
#endif
