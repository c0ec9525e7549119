/* SPDX-License-Identifier: Apache-2.0 */
/* memory -- the device's, what operations keep for a moment, and the ways to and from the host.   kernels/cuda
 *
 * put copies what it is given into pinned memory of ours before it returns, so that the caller's may change. A batch then travels
 * on a stream of its own into device memory of ours, while a step runs, and the stream of all work moves it to its place; what is
 * small goes there at once. A piece of memory is used again once its last copy is done (an event says so). tests: cuda_step */
#include "kernels/cuda/cuda.h"

#include <stdlib.h>
#include <string.h>

/* Memory goes round: a put takes the next piece and waits until the copy that used it last is done. */
enum { PIECES = 8, STAGED = 256 << 10 };
struct piece {
    void *pinned, *staged; /* on the host; on the device, for STAGED bytes or more */
    size_t pinned_bytes, staged_bytes;
    cudaEvent_t arrived, done;
};
struct transfer {
    struct piece piece[PIECES];
    cudaStream_t copies;
    unsigned next;
};

static void *device_memory(size_t bytes)
{
    void *memory = NULL;
    cudaError_t code = cudaMalloc(&memory, bytes);
    if (code == cudaErrorMemoryAllocation)
        cuda_no_memory(bytes);
    CUDA(code);
    return memory;
}

static void *cuda_alloc(struct backend *b, size_t bytes)
{
    size_t size = bytes ? bytes : 1;
    void *memory = device_memory(size);
    CUDA(cudaMemsetAsync(memory, 0, size, cuda_of(b)->stream));
    return memory;
}

static void cuda_release(struct backend *b, void *memory)
{
    CUDA(cudaStreamSynchronize(cuda_of(b)->stream)); /* whoever works on it is done */
    CUDA(cudaFree(memory));
}

/* One that nobody reads any more, with so many bytes of pinned memory. */
static struct piece *piece_take(struct cuda *own, size_t bytes)
{
    struct transfer *t = own->transfer;
    struct piece *p = &t->piece[t->next++ % PIECES];
    if (p->done)
        CUDA(cudaEventSynchronize(p->done));
    else
        CUDA(cudaEventCreateWithFlags(&p->done, cudaEventDisableTiming));
    if (p->pinned_bytes < bytes) {
        CUDA(cudaFreeHost(p->pinned));
        CUDA(cudaMallocHost(&p->pinned, bytes));
        p->pinned_bytes = bytes;
    }
    return p;
}

/* As much of it on the device. */
static void piece_stage(struct cuda *own, struct piece *p, size_t bytes)
{
    if (!own->transfer->copies)
        CUDA(cudaStreamCreateWithFlags(&own->transfer->copies, cudaStreamNonBlocking));
    if (!p->arrived)
        CUDA(cudaEventCreateWithFlags(&p->arrived, cudaEventDisableTiming));
    if (p->staged_bytes < bytes) {
        CUDA(cudaFree(p->staged));
        p->staged = device_memory(bytes);
        p->staged_bytes = bytes;
    }
}

static void cuda_put(struct backend *b, void *device, const void *host, size_t bytes)
{
    struct cuda *own = cuda_of(b);
    if (!bytes)
        return;
    struct piece *p = piece_take(own, bytes);
    memcpy(p->pinned, host, bytes);
    if (bytes < STAGED) {
        CUDA(cudaMemcpyAsync(device, p->pinned, bytes, cudaMemcpyHostToDevice, own->stream));
    } else {
        piece_stage(own, p, bytes);
        CUDA(cudaMemcpyAsync(p->staged, p->pinned, bytes, cudaMemcpyHostToDevice, own->transfer->copies));
        CUDA(cudaEventRecord(p->arrived, own->transfer->copies));
        CUDA(cudaStreamWaitEvent(own->stream, p->arrived, 0));
        CUDA(cudaMemcpyAsync(device, p->staged, bytes, cudaMemcpyDeviceToDevice, own->stream));
    }
    CUDA(cudaEventRecord(p->done, own->stream));
}

static void cuda_get(struct backend *b, void *host, const void *device, size_t bytes)
{
    struct cuda *own = cuda_of(b);
    if (!bytes)
        return;
    struct piece *p = piece_take(own, bytes);
    CUDA(cudaMemcpyAsync(p->pinned, device, bytes, cudaMemcpyDeviceToHost, own->stream));
    CUDA(cudaStreamSynchronize(own->stream));
    memcpy(host, p->pinned, bytes);
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
        die(EX_SOFTWARE, "a step that is recorded wants %zu bytes of scratch memory, which its first run did not",
            bytes);
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
        struct piece *p = &own->transfer->piece[i];
        if (p->done)
            CUDA(cudaEventDestroy(p->done));
        if (p->arrived)
            CUDA(cudaEventDestroy(p->arrived));
        CUDA(cudaFreeHost(p->pinned));
        CUDA(cudaFree(p->staged));
    }
    if (own->transfer->copies)
        CUDA(cudaStreamDestroy(own->transfer->copies));
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
