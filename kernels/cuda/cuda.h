/* SPDX-License-Identifier: Apache-2.0 */
/* cuda -- the back end for NVIDIA's GPUs: cuDNN's convolutions, cuBLAS's matrix products, our own kernels for the rest.   kernels/cuda
 *
 * IMAGE lies as [N][D][H][W][C] (NDHWC), in float32 or, opened with BFLOAT16, in bfloat16: two numbers in the place of a float,
 * so that image_size counts half as many floats. Weights lie as [O][taps][C], float32; a convolution narrows them itself.
 * ROWS, parameters, statistics, losses and optimisers are float32 in both precisions; sums that matter are double.
 *
 * One file an operation, of the same name as in ref/ and cpu/. Everything is launched on one stream, in order. Sums are cut
 * by the shape alone and joined in a fixed order; nothing is added atomically: the same inputs give the same bytes.
 *
 * A step is recorded (step.cu): what an operation does after its first call with a shape must be launches and nothing else: no
 * allocation, no synchronisation, no reading back. Plans and scratch memory are made by the first call, which is not recorded.
 *
 * Everything compiles with nvcc and, unchanged, with g++ against tests/emu/, which runs kernels on the CPU: blocks one after
 * the other, threads as fibers in a random order between barriers, memory poisoned. See tests/emu/cuda_runtime.h for what it has. So:
 * no dynamic shared memory, no atomics on floats, no warp intrinsics but the shuffles there. The emulated build takes *.cu and
 * leaves *.c: what calls cuDNN beyond its handle is C, behind a header, and tests/emu/ has a plain stand-in of the same functions. */
#ifndef PETREL_KERNELS_CUDA_H
#define PETREL_KERNELS_CUDA_H
#include "kernels/backend.h"

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cudnn.h>

#ifdef __cplusplus
extern "C" {
#endif

struct scratch {
    void *memory;
    size_t bytes;
    struct scratch *before; /* outgrown, but recorded steps point into it: kept until the end */
};

struct cuda {
    enum precision precision;
    int device, major, minor, processors; /* of the GPU: number, compute capability, multiprocessors */
    cudaStream_t stream;                  /* all work */
    cublasHandle_t blas;                  /* on the stream, with a workspace of its own */
    cudnnHandle_t dnn;                    /* on the stream */
    struct planner *planner;              /* of convolutions: plan.h */
    bool recording, unrecordable; /* unrecordable: what has run since the last step began changes from call to call */
    struct scratch *scratch;
    void *blas_workspace;
    struct transfer *transfer; /* memory.cu: staging, the copy stream */
};

static inline struct cuda *cuda_of(const struct backend *b)
{
    return (struct cuda *)b->own;
}

/* At least this much device memory, aligned to 256 bytes, not zeroed, until the next call: what one operation keeps between
 * its kernels, and a convolution's workspace. Dies when there is none, and when it would have to grow while recording. */
void *cuda_scratch(struct backend *b, size_t bytes) MUST_USE;

/* An image of an odd count of numbers, in bfloat16, ends amid a float: makes the other half 0. Who writes an image calls it last. */
void cuda_end_image(struct backend *b, float *image, size_t count);

/* An image of plain boxes [N][C][D][H][W] that lie on the device. */
void cuda_image_from(struct backend *b, float *image, const float *plain, int N, int C, const int dim[3]);

/* What went wrong in words, and the end: EX_OSERR when memory is out, else EX_SOFTWARE. `what`: the call or the kernel. */
void cuda_check(cudaError_t code, const char *what);
void cublas_check(cublasStatus_t code, const char *what);
void cudnn_check(cudnnStatus_t code, const char *what);
#define CUDA(call)   cuda_check((call), #call)
#define CUBLAS(call) cublas_check((call), #call)
#define CUDNN(call)  cudnn_check((call), #call)
_Noreturn void cuda_no_memory(size_t bytes);

/* C(m,n) = alpha A(m,k) B(k,n) + beta C, row-major, dense; transposed: A is stored (k,m), B (n,k). FLOAT32: float32 in full (no
 * TF32). BFLOAT16: both rounded to bfloat16 as they are read. */
void cuda_gemm(struct backend *b, float *C, const float *A, bool transpose_a, const float *B, bool transpose_b, int m,
               int n, int k, float alpha, float beta, enum precision precision);
/* `many` of them: row_*: floats from row to row as stored, next_*: from one matrix to the next. */
void cuda_gemm_many(struct backend *b, float *C, int row_c, size_t next_c, const float *A, bool transpose_a, int row_a,
                    size_t next_a, const float *B, bool transpose_b, int row_b, size_t next_b, int m, int n, int k,
                    int many, float alpha, float beta, enum precision precision);

/* Each puts its own functions into the table. */
void cuda_add_memory(struct backend *b);
void cuda_add_layout(struct backend *b);
void cuda_add_augment(struct backend *b);
void cuda_add_conv(struct backend *b);
void cuda_add_norm(struct backend *b);
void cuda_add_pool(struct backend *b);
void cuda_add_linear(struct backend *b);
void cuda_add_layernorm(struct backend *b);
void cuda_add_scale(struct backend *b);
void cuda_add_concat(struct backend *b);
void cuda_add_activation(struct backend *b);
void cuda_add_sigmoid(struct backend *b);
void cuda_add_dropout(struct backend *b);
void cuda_add_gate(struct backend *b);
void cuda_add_affine(struct backend *b);
void cuda_add_channels(struct backend *b);
void cuda_add_meanpool(struct backend *b);
void cuda_add_group(struct backend *b);
void cuda_add_attention(struct backend *b);
void cuda_add_vicreg(struct backend *b);
void cuda_add_focal(struct backend *b);
void cuda_add_sums(struct backend *b);
void cuda_add_lars(struct backend *b);
void cuda_add_adamw(struct backend *b);
void cuda_add_sgd(struct backend *b);
void cuda_add_cross_entropy(struct backend *b);
void cuda_add_squares(struct backend *b);
void cuda_add_sinkhorn(struct backend *b);
void cuda_add_lerp(struct backend *b);
void cuda_add_enqueue(struct backend *b);
void cuda_add_regroup(struct backend *b);
void cuda_add_overlap(struct backend *b);
void cuda_add_step(struct backend *b);
void cuda_add_ranks(struct backend *b);
void cuda_close_memory(struct backend *b);

/* The whole back end: what the shared object exports. */
__attribute__((visibility("default"))) struct backend *petrel_cuda_open(int threads, enum precision precision,
                                                                        struct error *e);

#ifdef __cplusplus
}
#endif

/* kernel<<<blocks, threads>>>(...) on the back end's stream, checked. Commas in a template's arguments: (kernel<T, true>). */
#ifndef LAUNCH
#define LAUNCH(b, kernel, blocks, threads, ...)                                                                        \
    do {                                                                                                               \
        kernel<<<(blocks), (threads), 0, cuda_of(b)->stream>>>(__VA_ARGS__);                                           \
        cuda_check(cudaGetLastError(), #kernel);                                                                       \
    } while (0)
#endif

#endif
