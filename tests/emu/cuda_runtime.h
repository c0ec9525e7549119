/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_runtime -- enough of CUDA to compile kernels/cuda with g++ and run it on the CPU.   tests/emu
 *
 * Of the language: __global__, __device__, __shared__ (static, not dynamic), threadIdx and its like, __syncthreads, full-warp
 * shuffles, integer atomics, LAUNCH (kernels/cuda/cuda.h) in the place of <<<>>>.
 * Of the runtime: memory, streams, events, capture into graphs, device properties. What a stream is given waits in its queue until
 * somebody synchronises, so that a host that reads too early, or changes pinned memory too early, gets it wrong here as well.
 *
 * A launch runs its blocks one after the other, in a random order; in a block each thread is a fiber, and between two barriers
 * fibers run one at a time in a random order. Shared memory and fresh device memory hold NaNs. Device memory ends at a page that
 * may not be touched. Seed: PETREL_EMU_SEED. What this shows: indices, reductions, missing barriers and synchronisation, that a step
 * can be captured. What it cannot: races within one interval of a warp, coalescing, tensor cores, cuBLAS's and cuDNN's own
 * arithmetic, speed. */
#ifndef PETREL_TESTS_EMU_CUDA_RUNTIME_H
#define PETREL_TESTS_EMU_CUDA_RUNTIME_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- the runtime's calls ---- */

typedef enum {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInsufficientDriver = 35,
    cudaErrorDevicesUnavailable = 46,
    cudaErrorNoDevice = 100,
    cudaErrorNotReady = 600,
    cudaErrorStreamCaptureUnsupported = 900
} cudaError_t;
typedef enum {
    cudaMemcpyHostToHost,
    cudaMemcpyHostToDevice,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice,
    cudaMemcpyDefault
} cudaMemcpyKind;
typedef struct emu_stream *cudaStream_t;
typedef struct emu_event *cudaEvent_t;
typedef struct emu_graph *cudaGraph_t;
typedef struct emu_graph *cudaGraphExec_t;
typedef enum {
    cudaStreamCaptureModeGlobal,
    cudaStreamCaptureModeThreadLocal,
    cudaStreamCaptureModeRelaxed
} cudaStreamCaptureMode;
enum { cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2 };
struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem;
    int major, minor, multiProcessorCount;
};

#ifdef __cplusplus
extern "C" {
#endif
const char *cudaGetErrorString(cudaError_t code);
const char *cudaGetErrorName(cudaError_t code);
cudaError_t cudaGetLastError(void);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device);
cudaError_t cudaMemGetInfo(size_t *left, size_t *all);
cudaError_t cudaMallocHost(void **memory, size_t bytes);
cudaError_t cudaFreeHost(void *memory);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *ready, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph);
cudaError_t cudaDeviceSynchronize(void);
cudaError_t emu_malloc(void **memory, size_t bytes);
#ifdef __cplusplus
}
#endif

/* ---- the language ---- */

#ifdef __cplusplus
#include <functional>
template <class T> static inline cudaError_t cudaMalloc(T **memory, size_t bytes)
{
    return emu_malloc((void **)memory, bytes);
}
template <class T> static inline cudaError_t cudaMallocHost(T **memory, size_t bytes)
{
    return cudaMallocHost((void **)memory, bytes);
}

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
/* All of a module's thread-local memory is shared memory, so that the emulator can find it and fill it with NaNs before each
 * block. Under AddressSanitizer it is ordinary memory, whose ends are watched, instead. */
#ifdef __SANITIZE_ADDRESS__
#define __shared__ static
#else
#define __shared__ static thread_local
#endif

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
};
struct int2 {
    int x, y;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};

struct emu_index {
    dim3 thread, block, block_size, grid_size;
};
extern struct emu_index emu_now; /* of the fiber that runs */
#define threadIdx emu_now.thread
#define blockIdx  emu_now.block
#define blockDim  emu_now.block_size
#define gridDim   emu_now.grid_size

enum emu_wait { EMU_RUNS, EMU_BLOCK, EMU_WARP, EMU_DONE };
/* Wait for the block's, or the warp's, other threads. where: two threads that wait at different places are a bug of the kernel. */
void emu_barrier(enum emu_wait kind, const void *where);
uint64_t emu_exchange(uint64_t mine, unsigned lane, const void *where);
unsigned emu_lane(void);
void emu_enqueue(cudaStream_t stream, std::function<void()> work);
void emu_launch(cudaStream_t stream, const char *name, dim3 blocks, dim3 threads, std::function<void()> kernel);
void emu_seed(void);              /* of all orders, anew from PETREL_EMU_SEED: when a back end is opened */
void emu_calls(const char *name); /* a call that may not be captured */

#define EMU_HERE                                                                                                       \
    ({                                                                                                                 \
        static const char here_ = 0;                                                                                   \
        (const void *)&here_;                                                                                          \
    })
#define __syncthreads() emu_barrier(EMU_BLOCK, EMU_HERE)
#define __syncwarp()    emu_barrier(EMU_WARP, EMU_HERE)
template <class V> static inline V emu_shuffle(V v, unsigned lane, const void *where)
{
    static_assert(sizeof v <= 8, "shuffles are of at most 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &v, sizeof v);
    bits = emu_exchange(bits, lane, where);
    memcpy(&v, &bits, sizeof v);
    return v;
}
#define __shfl_xor_sync(mask, v, step) emu_shuffle((v), emu_lane() ^ (unsigned)(step), EMU_HERE)
#define __shfl_down_sync(mask, v, step)                                                                                \
    emu_shuffle((v), emu_lane() + (unsigned)(step) < 32 ? emu_lane() + (unsigned)(step) : emu_lane(), EMU_HERE)
#define __shfl_sync(mask, v, from) emu_shuffle((v), (unsigned)(from)&31, EMU_HERE)
static inline int atomicAdd(int *p, int v)
{
    int old = *p;
    *p += v;
    return old;
}
static inline unsigned atomicAdd(unsigned *p, unsigned v)
{
    unsigned old = *p;
    *p += v;
    return old;
}
static inline void __threadfence()
{
}
template <class T> static inline T __ldg(const T *p)
{
    return *p;
}
static inline uint32_t __umulhi(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a * b >> 32);
}
static inline int min(int a, int b)
{
    return a < b ? a : b;
}
static inline int max(int a, int b)
{
    return a > b ? a : b;
}
static inline void sincospif(float x, float *sine, float *cosine)
{
    *sine = (float)sin(3.14159265358979323846 * (double)x);
    *cosine = (float)cos(3.14159265358979323846 * (double)x);
}
static inline float rsqrtf(float x)
{
    return 1 / sqrtf(x);
}
static inline float __fadd_rn(float a, float b)
{
    return a + b;
}
static inline float __fmul_rn(float a, float b)
{
    return a * b;
}

/* arguments are evaluated now, as <<<>>> does; the kernel runs when the stream does */
#define LAUNCH(b, kernel, blocks, threads, ...)                                                                        \
    emu_launch_with(cuda_of(b)->stream, #kernel, (blocks), (threads), (kernel), __VA_ARGS__)
template <class... P, class... A>
static inline void emu_launch_with(cudaStream_t stream, const char *name, dim3 blocks, dim3 threads,
                                   void (*kernel)(P...), A... given)
{
    emu_launch(stream, name, blocks, threads, [=]() { kernel((P)given...); });
}
#endif
#endif
