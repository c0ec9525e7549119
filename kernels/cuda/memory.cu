/* memory -- the device's, what operations keep for a moment, and the ways to and from the host.   kernels/cuda
 *
 * put copies what it is given into pinned memory of ours before it returns, so that the caller's may change; the copy to the
 * device is the stream's. A piece of pinned memory is used again once its copy is done (an event says so). tests: cuda_step */
#include "kernels/cuda/cuda.h"

#include <stdlib.h>
#include <string.h>

/* Pinned memory goes round: a put takes the next piece and waits until the copy that used it last is done. */
enum { PIECES = 8 };
struct transfer {
    struct { void *memory; size_t bytes; cudaEvent_t done; } piece[PIECES];
    unsigned next;
};

static void *cuda_alloc(struct backend *b, size_t bytes)
{
    void *memory = NULL;
    size_t size = bytes ? bytes : 1;
    cudaError_t code = cudaMalloc(&memory, size);
    if (code == cudaErrorMemoryAllocation)
        cuda_no_memory(size);
    CUDA(code);
    CUDA(cudaMemsetAsync(memory, 0, size, cuda_of(b)->stream));
    return memory;
}

static void cuda_release(struct backend *b, void *memory)
{
    CUDA(cudaStreamSynchronize(cuda_of(b)->stream)); /* whoever works on it is done */
    CUDA(cudaFree(memory));
}

/* A pinned piece of so many bytes that nobody reads any more. */
static unsigned piece_take(struct cuda *own, size_t bytes)
{
    struct transfer *t = own->transfer;
    unsigned i = t->next++ % PIECES;
    if (t->piece[i].done)
        CUDA(cudaEventSynchronize(t->piece[i].done));
    else
        CUDA(cudaEventCreateWithFlags(&t->piece[i].done, cudaEventDisableTiming));
    if (t->piece[i].bytes < bytes) {
        CUDA(cudaFreeHost(t->piece[i].memory));
        CUDA(cudaMallocHost(&t->piece[i].memory, bytes));
        t->piece[i].bytes = bytes;
    }
    return i;
}

static void cuda_put(struct backend *b, void *device, const void *host, size_t bytes)
{
    struct cuda *own = cuda_of(b);
    if (!bytes)
        return;
    unsigned i = piece_take(own, bytes);
    memcpy(own->transfer->piece[i].memory, host, bytes);
    CUDA(cudaMemcpyAsync(device, own->transfer->piece[i].memory, bytes, cudaMemcpyHostToDevice, own->stream));
    CUDA(cudaEventRecord(own->transfer->piece[i].done, own->stream));
}

static void cuda_get(struct backend *b, void *host, const void *device, size_t bytes)
{
    struct cuda *own = cuda_of(b);
    if (!bytes)
        return;
    unsigned i = piece_take(own, bytes);
    CUDA(cudaMemcpyAsync(own->transfer->piece[i].memory, device, bytes, cudaMemcpyDeviceToHost, own->stream));
    CUDA(cudaStreamSynchronize(own->stream));
    memcpy(host, own->transfer->piece[i].memory, bytes);
}

static void cuda_zero(struct backend *b, void *device, size_t bytes)
{
    CUDA(cudaMemsetAsync(device, 0, bytes, cuda_of(b)->stream));
}

static void cuda_sync(struct backend *b)
{
    CUDA(cudaStreamSynchronize(cuda_of(b)->stream));
}

void *cuda_scratch(struct backend *b, size_t bytes)
{
    struct cuda *own = cuda_of(b);
    if (own->scratch && own->scratch->bytes >= bytes)
        return own->scratch->memory;
    if (own->recording)
        die(EX_SOFTWARE, "a step that is recorded wants %zu bytes of scratch memory, which its first run did not", bytes);
    struct scratch *more = (struct scratch *)xalloc(1, sizeof *more);
    *more = {NULL, bytes + bytes / 2, own->scratch};
    more->memory = cuda_alloc(b, more->bytes);
    own->scratch = more;
    return more->memory;
}

void cuda_close_memory(struct backend *b)
{
    struct cuda *own = cuda_of(b);
    for (unsigned i = 0; i < PIECES; i++) {
        if (own->transfer->piece[i].done)
            CUDA(cudaEventDestroy(own->transfer->piece[i].done));
        CUDA(cudaFreeHost(own->transfer->piece[i].memory));
    }
    free(own->transfer);
}

void cuda_add_memory(struct backend *b)
{
    cuda_of(b)->transfer = (struct transfer *)xalloc(1, sizeof(struct transfer));
    b->alloc = cuda_alloc;
    b->release = cuda_release;
    b->put = cuda_put;
    b->get = cuda_get;
    b->zero = cuda_zero;
    b->sync = cuda_sync;
}
