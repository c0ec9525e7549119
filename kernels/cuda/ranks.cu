/* SPDX-License-Identifier: Apache-2.0 */
/* ranks -- NCCL between GPUs, one process each.   kernels/cuda
 *
 * Rank 0 asks NCCL for the id of a new communicator, the others are told it by world->share, and all join. Every collective is
 * queued on the back end's stream, so that a recorded step has them in it. NCCL is opened at run time (libnccl.so.2, or what
 * PETREL_NCCL names): one GPU needs none. What follows of its interface has been the same since 2.0; nccl.h, where it is there,
 * is asked whether it still is. A sum has the same bits on every rank, and in every run on the same GPUs.
 * tests: cuda_ranks, on tests/emu/nccl.cc */
#include "kernels/cuda/cuda.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct nccl_id {
    char bytes[128];
}; /* ncclUniqueId */
enum { NCCL_SUCCESS = 0, NCCL_BYTES = 1, NCCL_FLOAT = 7, NCCL_SUM = 0 };
#if defined __CUDACC__ && __has_include(<nccl.h>)
#include <nccl.h>
static_assert(sizeof(struct nccl_id) == sizeof(ncclUniqueId) && NCCL_SUCCESS == (int)ncclSuccess &&
                  NCCL_BYTES == (int)ncclUint8 && NCCL_FLOAT == (int)ncclFloat32 && NCCL_SUM == (int)ncclSum,
              "this NCCL is another than the one that is spoken to");
#endif

struct nccl {
    int (*get_id)(struct nccl_id *id);
    int (*join)(void **communicator, int size, struct nccl_id id, int rank);
    int (*leave)(void *communicator);
    int (*allgather)(const void *mine, void *all, size_t count, int type, void *communicator, cudaStream_t stream);
    int (*allreduce)(const void *from, void *to, size_t count, int type, int operation, void *communicator,
                     cudaStream_t stream);
    int (*broadcast)(const void *from, void *to, size_t count, int type, int root, void *communicator,
                     cudaStream_t stream);
    const char *(*words)(int code);
    const char *(*last)(void *communicator); /* more of what went wrong */
};
struct joined {
    struct nccl nccl;
    void *communicator;
    cudaStream_t stream;
};

static struct joined *joined_of(const struct ranks *r)
{
    return (struct joined *)r->own;
}

static int nccl_open(struct nccl *n, struct error *e)
{
    const char *named = getenv("PETREL_NCCL"), *file = named && *named ? named : "libnccl.so.2";
    void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!object)
        return fail_as(e, EX_UNAVAILABLE,
                       "several ranks on GPUs need NCCL, which cannot be opened (%s); install libnccl2, or name its "
                       "file in PETREL_NCCL",
                       dlerror());
    const struct {
        const char *name;
        void *slot;
    } symbols[] = {
        {"ncclGetUniqueId", &n->get_id},   {"ncclCommInitRank", &n->join},   {"ncclCommDestroy", &n->leave},
        {"ncclAllGather", &n->allgather},  {"ncclAllReduce", &n->allreduce}, {"ncclBroadcast", &n->broadcast},
        {"ncclGetErrorString", &n->words}, {"ncclGetLastError", &n->last},
    };
    for (size_t i = 0; i < COUNT_OF(symbols); i++) {
        void *found = dlsym(object, symbols[i].name);
        if (!found)
            return fail_as(e, EX_UNAVAILABLE, "'%s' is not NCCL 2.13 or later: it has no '%s'", file, symbols[i].name);
        memcpy(symbols[i].slot, &found, sizeof found);
    }
    return 0;
}

static void check(const struct joined *j, int code, const char *what)
{
    if (code != NCCL_SUCCESS)
        die(EX_SOFTWARE, "NCCL failed in '%s': %s (%s)", what, j->nccl.words(code), j->nccl.last(j->communicator));
}

static void cuda_allgather(struct ranks *r, void *all, const void *mine, size_t bytes)
{
    const struct joined *j = joined_of(r);
    check(j, j->nccl.allgather(mine, all, bytes, NCCL_BYTES, j->communicator, j->stream), "ncclAllGather");
}

static void cuda_allreduce(struct ranks *r, float *x, size_t count)
{
    const struct joined *j = joined_of(r);
    check(j, j->nccl.allreduce(x, x, count, NCCL_FLOAT, NCCL_SUM, j->communicator, j->stream), "ncclAllReduce");
}

static void cuda_broadcast(struct ranks *r, void *x, size_t bytes)
{
    const struct joined *j = joined_of(r);
    check(j, j->nccl.broadcast(x, x, bytes, NCCL_BYTES, 0, j->communicator, j->stream), "ncclBroadcast");
}

static void cuda_leave(struct ranks *r)
{
    struct joined *j = joined_of(r);
    CUDA(cudaStreamSynchronize(j->stream));
    check(j, j->nccl.leave(j->communicator), "ncclCommDestroy");
    free(j);
    free(r);
}

static int cuda_join(struct backend *b, const struct world *world, struct error *e)
{
    struct joined *j = (struct joined *)xalloc(1, sizeof *j);
    struct nccl_id id = {};
    int code = NCCL_SUCCESS;
    j->stream = cuda_of(b)->stream;
    if (nccl_open(&j->nccl, e))
        goto failed;
    if (world->rank == 0 && (code = j->nccl.get_id(&id)) != NCCL_SUCCESS) {
        fail_as(e, EX_UNAVAILABLE, "NCCL cannot begin: %s (%s)", j->nccl.words(code), j->nccl.last(NULL));
        goto failed;
    }
    if (world->share(world->context, id.bytes, sizeof id.bytes, e))
        goto failed;
    code = j->nccl.join(&j->communicator, world->size, id, world->rank);
    if (code != NCCL_SUCCESS) {
        fail_as(e, EX_UNAVAILABLE,
                "rank %d of %d cannot join the others by NCCL: %s (%s); each rank needs a GPU of its own (this one "
                "has GPU %d; NCCL_DEBUG=INFO says more)",
                world->rank, world->size, j->nccl.words(code), j->nccl.last(NULL), cuda_of(b)->device);
        goto failed;
    }
    b->ranks = (struct ranks *)xalloc(1, sizeof *b->ranks);
    *b->ranks = {world->rank,    world->size,    world->sync_norm, j,
                 cuda_allgather, cuda_allreduce, cuda_broadcast,   cuda_leave};
    return 0;
failed:
    free(j);
    return -1;
}

void cuda_add_ranks(struct backend *b)
{
    b->join = cuda_join;
}
