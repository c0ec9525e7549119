/* SPDX-License-Identifier: Apache-2.0 */
/* ranks -- processes that take every training step together, each with its share of the batch.   kernels
 *
 * Rank r of R runs items r*N/R .. (r+1)*N/R of each batch through its own copy of the network. What a loss needs of all
 * boxes (VICReg: the embeddings) is gathered, every rank forms the gradient of the one global loss for its own rows, and
 * the parameters' gradients are summed: the step is that of one process with the whole batch, but for batch statistics,
 * which are each rank's own unless sync_norm joins them too. Petrel writes no collective: MPI carries them between
 * processors (kernels/mpi), NCCL between GPUs (kernels/cuda).
 *
 * All memory is the back end's. A call returns, or is queued on the back end's stream, when this rank's part is done; every
 * rank makes the same calls in the same order. What fails ends the process with a sentence: whoever started the ranks
 * stops the others, and the run goes on from its checkpoint. */
#ifndef PETREL_KERNELS_RANKS_H
#define PETREL_KERNELS_RANKS_H
#include "common/base.h"

struct ranks {
    int rank, size;
    bool sync_norm;
    void *own;
    /* all = size times `bytes`, in the order of ranks */
    void (*allgather)(struct ranks *r, void *all, const void *mine, size_t bytes);
    /* x becomes the sum of every rank's x: the same bits on all of them */
    void (*allreduce)(struct ranks *r, float *x, size_t count);
    /* rank 0's x on all */
    void (*broadcast)(struct ranks *r, void *x, size_t bytes);
    void (*leave)(struct ranks *r); /* frees r */
};
/* Do other ranks' boxes count in batch statistics? r: NULL where one is alone */
static inline bool ranks_in_step(const struct ranks *r)
{
    return r && r->sync_norm;
}

/* What rank 0 knows and the others must be told before they can talk (NCCL's id): rank 0's bytes are sent, the others' filled. */
struct world {
    int rank, size;
    bool sync_norm;
    int (*share)(void *context, void *bytes, size_t size, struct error *e);
    void *context;
};
#endif
