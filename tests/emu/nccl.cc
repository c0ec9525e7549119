/* SPDX-License-Identifier: Apache-2.0 */
/* nccl -- the few functions of NCCL that kernels/cuda/ranks.cu calls, between processes of one machine.   tests/emu
 *
 * PETREL_NCCL names the emulated back end itself, which has them. Ranks share a file: a barrier, and a piece for each. What is
 * queued runs with its stream; sums are formed in the order of ranks, so all get the same bits. A rank that waits too
 * long for the others ends. */
#include "cuda_runtime.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED extern "C" __attribute__((visibility("default")))
static const size_t PIECE = 1 << 16;
enum { MOST = 16, PATIENCE_S = 120 };
struct shared {
    int arrived, round;
    alignas(16) char piece[MOST][PIECE];
};
struct member {
    struct shared *shared;
    int rank, size;
};
struct nccl_id {
    char bytes[128];
};

static void meet(const struct member *c)
{
    struct shared *s = c->shared;
    int round = __atomic_load_n(&s->round, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&s->arrived, 1, __ATOMIC_ACQ_REL) == c->size) {
        __atomic_store_n(&s->arrived, 0, __ATOMIC_RELEASE);
        __atomic_store_n(&s->round, round + 1, __ATOMIC_RELEASE);
        return;
    }
    time_t begun = time(NULL);
    while (__atomic_load_n(&s->round, __ATOMIC_ACQUIRE) == round) {
        sched_yield();
        if (time(NULL) - begun > PATIENCE_S) {
            fprintf(stderr, "emulator: rank %d has waited %d s for the others\n", c->rank, PATIENCE_S);
            abort();
        }
    }
}

/* Piece by piece: every rank lays its own out, then each does with all of them what `take` says. */
template <class F> static void exchange(const struct member *c, const void *mine, size_t bytes, F take)
{
    for (size_t at = 0; at < bytes; at += PIECE) {
        size_t size = bytes - at < PIECE ? bytes - at : PIECE;
        memcpy(c->shared->piece[c->rank], (const char *)mine + at, size);
        meet(c);
        take(at, size, c->shared->piece);
        meet(c);
    }
}

EXPORTED const char *ncclGetErrorString(int code)
{
    return code ? "emulated error" : "no error";
}
EXPORTED const char *ncclGetLastError(void *)
{
    return getenv("PETREL_EMU_NCCL") ? "as PETREL_EMU_NCCL wishes" : "";
}

EXPORTED int ncclGetUniqueId(struct nccl_id *id)
{
    snprintf(id->bytes, sizeof id->bytes, "/tmp/petrel-nccl.XXXXXX");
    int fd = mkstemp(id->bytes);
    if (fd < 0 || ftruncate(fd, sizeof(struct shared)))
        return 2;
    close(fd);
    return 0;
}

EXPORTED int ncclCommInitRank(void **communicator, int size, struct nccl_id id, int rank)
{
    emu_calls("ncclCommInitRank");
    int fd = size > MOST || getenv("PETREL_EMU_NCCL") ? -1 : open(id.bytes, O_RDWR);
    if (fd < 0)
        return 5;
    void *memory = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED)
        return 2;
    struct member *c = new member{(struct shared *)memory, rank, size};
    meet(c);
    if (rank == 0)
        unlink(id.bytes);
    *communicator = c;
    return 0;
}

EXPORTED int ncclCommDestroy(void *communicator)
{
    emu_calls("ncclCommDestroy");
    struct member *c = (struct member *)communicator;
    munmap(c->shared, sizeof *c->shared);
    delete c;
    return 0;
}

EXPORTED int ncclAllGather(const void *mine, void *all, size_t count, int type, void *communicator, cudaStream_t stream)
{
    const struct member *c = (struct member *)communicator;
    if (type != 1)
        return 4;
    emu_enqueue(stream, [=]() {
        exchange(c, mine, count, [=](size_t at, size_t size, const char(*piece)[PIECE]) {
            for (int r = 0; r < c->size; r++)
                memcpy((char *)all + (size_t)r * count + at, piece[r], size);
        });
    });
    return 0;
}

EXPORTED int ncclAllReduce(const void *from, void *to, size_t count, int type, int operation, void *communicator,
                           cudaStream_t stream)
{
    const struct member *c = (struct member *)communicator;
    if (type != 7 || operation != 0)
        return 4;
    emu_enqueue(stream, [=]() {
        exchange(c, from, count * sizeof(float), [=](size_t at, size_t size, const char(*piece)[PIECE]) {
            float *sum = (float *)((char *)to + at);
            for (size_t i = 0; i < size / sizeof(float); i++) {
                float x = 0;
                for (int r = 0; r < c->size; r++)
                    x += ((const float *)piece[r])[i];
                sum[i] = x;
            }
        });
    });
    return 0;
}

EXPORTED int ncclBroadcast(const void *from, void *to, size_t count, int type, int root, void *communicator,
                           cudaStream_t stream)
{
    const struct member *c = (struct member *)communicator;
    if (type != 1)
        return 4;
    emu_enqueue(stream, [=]() {
        exchange(c, from, count,
                 [=](size_t at, size_t size, const char(*piece)[PIECE]) { memcpy((char *)to + at, piece[root], size); });
    });
    return 0;
}
