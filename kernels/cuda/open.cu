/* SPDX-License-Identifier: Apache-2.0 */
/* open -- the cuda back end: which GPU, whether its libraries will do, and the table.   kernels/cuda      tests: cuda_step */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/cudnn_version.h"
#include "kernels/cuda/plan.h"

#include <stdlib.h>
#include <string.h>

enum { PLAN_WORKSPACE = 256 << 20 }; /* at most, a plan of cuDNN's */
enum {
    BLAS_WORKSPACE = 32 << 20
}; /* what cuBLAS asks for on Hopper; a workspace of ours makes it repeat itself under capture */

/* PETREL_CUDA_DEVICE, counted round the GPUs that there are: of several ranks each has the number of its place on the machine,
 * and whoever started them may show each of them one GPU or all. */
static int device_wanted(int count, int *device, struct error *e)
{
    const char *text = getenv("PETREL_CUDA_DEVICE");
    char *end = NULL;
    long number = text && *text ? strtol(text, &end, 10) : 0;
    if (number < 0 || number > 1 << 20 || (end && *end))
        return fail_as(e, EX_USAGE, "PETREL_CUDA_DEVICE is '%s', which is no number of a GPU: 0 is the first", text);
    *device = (int)(number % count);
    return 0;
}

/* The driver and a device it can use, of those that CUDA_VISIBLE_DEVICES leaves. */
static int device_open(struct cuda *own, char *device, size_t size, struct error *e)
{
    int driver = 0, runtime = 0, count = 0;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    if (driver == 0)
        return fail_as(e, EX_UNAVAILABLE,
                       "no usable GPU: NVIDIA's driver (libcuda.so.1) is not loaded; install it, or use --backend cpu");
    if (driver / 1000 < runtime / 1000)
        return fail_as(
            e, EX_UNAVAILABLE,
            "the GPU's driver is too old: it knows CUDA %d.%d, and this was built with %d.%d; install a newer "
            "driver, or use --backend cpu",
            driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
    cudaError_t code = cudaGetDeviceCount(&count);
    if (code != cudaSuccess || count == 0) {
        const char *visible = getenv("CUDA_VISIBLE_DEVICES");
        cudaGetLastError();
        return fail_as(
            e, EX_UNAVAILABLE,
            "no usable GPU: the driver (CUDA %d.%d) shows no device (%s%s%s); see nvidia-smi, or use --backend "
            "cpu",
            driver / 1000, driver % 1000 / 10, code == cudaSuccess ? "none is there" : cudaGetErrorString(code),
            visible ? "; CUDA_VISIBLE_DEVICES is " : "", visible ? visible : "");
    }
    if (device_wanted(count, &own->device, e))
        return -1;

    struct cudaDeviceProp p;
    cudaGetDeviceProperties(&p, own->device);
    own->major = p.major;
    own->minor = p.minor;
    own->processors = p.multiProcessorCount;
    if (p.major < 8)
        return fail_as(e, EX_UNAVAILABLE,
                       "the GPU '%s' is of compute capability %d.%d, and 8.0 (Ampere) is the least; use --backend cpu",
                       p.name, p.major, p.minor);
    if ((code = cudaSetDevice(own->device)) != cudaSuccess || (code = cudaFree(NULL)) != cudaSuccess)
        return fail_as(e, EX_UNAVAILABLE, "the GPU '%s' cannot be used: %s; see nvidia-smi, or use --backend cpu",
                       p.name, cudaGetErrorString(code));
    size_t version = cudnnGetVersion();
    format_into(device, size, "%s, %zu GiB, CUDA %d.%d, cuDNN %zu.%zu.%zu, %s", p.name,
                (p.totalGlobalMem + (1u << 29)) >> 30, runtime / 1000, runtime % 1000 / 10, version / 10000,
                version / 100 % 100, version % 100, own->precision == BFLOAT16 ? "bfloat16" : "float32");
    return 0;
}

static void close_all(struct backend *b)
{
    struct cuda *own = cuda_of(b);
    if (b->ranks)
        b->ranks->leave(b->ranks);
    CUDA(cudaStreamSynchronize(own->stream));
    while (own->scratch) {
        struct scratch *last = own->scratch;
        own->scratch = last->before;
        cudaFree(last->memory);
        free(last);
    }
    cuda_close_memory(b);
    planner_close(&own->planner);
    cudnnDestroy(own->dnn);
    cublasDestroy(own->blas);
    cudaFree(own->blas_workspace);
    cudaStreamDestroy(own->stream);
    free(own);
    free(b);
}

static void libraries_open(struct cuda *own)
{
    CUDA(cudaStreamCreateWithFlags(&own->stream, cudaStreamNonBlocking));
    CUDA(cudaMalloc(&own->blas_workspace, BLAS_WORKSPACE));
    CUBLAS(cublasCreate(&own->blas));
    CUBLAS(cublasSetStream(own->blas, own->stream));
    CUBLAS(cublasSetWorkspace(own->blas, own->blas_workspace, BLAS_WORKSPACE));
    CUBLAS(cublasSetMathMode(own->blas, CUBLAS_DEFAULT_MATH));
    CUBLAS(cublasSetAtomicsMode(own->blas, CUBLAS_ATOMICS_NOT_ALLOWED));
    CUDNN(cudnnCreate(&own->dnn));
    CUDNN(cudnnSetStream(own->dnn, own->stream));
    struct error e = {0, ""};
    own->planner = planner_open(own->dnn, own->stream, own->precision, PLAN_WORKSPACE, &e);
    if (!own->planner)
        die_of(&e);
}

struct backend *petrel_cuda_open(int threads, enum precision precision, struct error *e)
{
    (void)threads;
    struct backend *b = (struct backend *)xalloc(1, sizeof *b);
    struct cuda *own = (struct cuda *)xalloc(1, sizeof *own);
    own->precision = precision;
    b->own = own;
    b->name = "cuda";
    b->roomy = true;
    if (device_open(own, b->device, sizeof b->device, e) || cudnn_version_check(cudnnGetVersion(), precision, e)) {
        free(own);
        free(b);
        return NULL;
    }
    libraries_open(own);
    b->close = close_all;
    static void (*const add[])(struct backend *) = {
        cuda_add_memory,        cuda_add_layout,     cuda_add_augment,   cuda_add_conv,      cuda_add_step,
        cuda_add_norm,          cuda_add_pool,       cuda_add_linear,    cuda_add_layernorm, cuda_add_scale,
        cuda_add_concat,        cuda_add_activation, cuda_add_sigmoid,   cuda_add_dropout,   cuda_add_gate,
        cuda_add_meanpool,      cuda_add_group,      cuda_add_attention, cuda_add_vicreg,    cuda_add_focal,
        cuda_add_sums,          cuda_add_lars,       cuda_add_adamw,     cuda_add_ranks,     cuda_add_sgd,
        cuda_add_cross_entropy, cuda_add_squares,    cuda_add_sinkhorn,  cuda_add_lerp,      cuda_add_enqueue,
        cuda_add_regroup,       cuda_add_overlap,    cuda_add_affine,    cuda_add_channels,
    };
    for (size_t i = 0; i < COUNT_OF(add); i++)
        add[i](b);
    return b;
}
