/* SPDX-License-Identifier: Apache-2.0 */
/* error -- a library said no: one sentence, and the end.   kernels/cuda      tests: cuda_step */
#include "kernels/cuda/cuda.h"

_Noreturn void cuda_no_memory(size_t bytes)
{
    size_t left = 0, all = 0;
    cudaMemGetInfo(&left, &all);
    die(EX_OSERR,
        "out of memory on the GPU: cannot have %zu MiB more (%zu of %zu MiB are free); give a smaller --batch, or "
        "close what "
        "else uses the GPU",
        (bytes + 0xfffff) >> 20, left >> 20, all >> 20);
}

void cuda_check(cudaError_t code, const char *what)
{
    if (code == cudaErrorMemoryAllocation)
        cuda_no_memory(0);
    if (code != cudaSuccess)
        die(EX_SOFTWARE, "the GPU failed in '%s': %s (%s)", what, cudaGetErrorString(code), cudaGetErrorName(code));
}

void cublas_check(cublasStatus_t code, const char *what)
{
    if (code == CUBLAS_STATUS_ALLOC_FAILED)
        cuda_no_memory(0);
    if (code != CUBLAS_STATUS_SUCCESS)
        die(EX_SOFTWARE, "cuBLAS failed in '%s': %s", what, cublasGetStatusString(code));
}

void cudnn_check(cudnnStatus_t code, const char *what)
{
    if (code != CUDNN_STATUS_SUCCESS)
        die(EX_SOFTWARE, "cuDNN failed in '%s': %s", what, cudnnGetErrorString(code));
}
