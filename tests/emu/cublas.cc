/* SPDX-License-Identifier: Apache-2.0 */
/* cublas -- products by plain loops, single-precision sums.   tests/emu */
#include "cublas_v2.h"
#include "cuda_bf16.h"

#include <stdlib.h>
#include <vector>

struct emu_cublas {
    cudaStream_t stream;
};

/* as a product reads it: FAST_16BF rounds float32 on the way */
enum { NARROWED = 1000 };
static float at(const void *x, int type, size_t i)
{
    if (type == NARROWED)
        return __bfloat162float(__float2bfloat16(((const float *)x)[i]));
    return type == CUDA_R_16BF ? __bfloat162float(((const __nv_bfloat16 *)x)[i]) : ((const float *)x)[i];
}

/* C(m,n) = alpha A(m,k) B(k,n) + beta C, column-major. beta 0: C is not read. */
static void product(bool turn_a, bool turn_b, int m, int n, int k, float alpha, const void *A, int type_a, int lda,
                    const void *B, int type_b, int ldb, float beta, void *C, cudaDataType type_c, int ldc)
{
    std::vector<float> column((size_t)m);
    for (int j = 0; j < n; j++) {
        for (int i = 0; i < m; i++)
            column[(size_t)i] = 0;
        if (turn_a)
            for (int i = 0; i < m; i++) {
                float sum = 0;
                for (int l = 0; l < k; l++)
                    sum += at(A, type_a, (size_t)i * (size_t)lda + (size_t)l) *
                           at(B, type_b,
                              turn_b ? (size_t)l * (size_t)ldb + (size_t)j : (size_t)j * (size_t)ldb + (size_t)l);
                column[(size_t)i] = sum;
            }
        else
            for (int l = 0; l < k; l++) {
                float b =
                    at(B, type_b, turn_b ? (size_t)l * (size_t)ldb + (size_t)j : (size_t)j * (size_t)ldb + (size_t)l);
                for (int i = 0; i < m; i++)
                    column[(size_t)i] += at(A, type_a, (size_t)l * (size_t)lda + (size_t)i) * b;
            }
        for (int i = 0; i < m; i++) {
            size_t to = (size_t)j * (size_t)ldc + (size_t)i;
            float y = alpha * column[(size_t)i] + (beta != 0 ? beta * at(C, type_c, to) : 0);
            if (type_c == CUDA_R_16BF)
                ((__nv_bfloat16 *)C)[to] = __float2bfloat16(y);
            else
                ((float *)C)[to] = y;
        }
    }
}

extern "C" {
cublasStatus_t cublasCreate(cublasHandle_t *handle)
{
    *handle = new emu_cublas();
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *, size_t)
{
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t)
{
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetAtomicsMode(cublasHandle_t, cublasAtomicsMode_t)
{
    return CUBLAS_STATUS_SUCCESS;
}
const char *cublasGetStatusString(cublasStatus_t)
{
    return "emulated error";
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m,
                                          int n, int k, const void *alpha, const void *A, cudaDataType type_a, int lda,
                                          long long stride_a, const void *B, cudaDataType type_b, int ldb,
                                          long long stride_b, const void *beta, void *C, cudaDataType type_c, int ldc,
                                          long long stride_c, int batches, cublasComputeType_t compute, cublasGemmAlgo_t)
{
    /* what cuBLAS refuses, too: leading dimensions shorter than columns, and products of unlike types */
    if (lda < (op_a == CUBLAS_OP_N ? m : k) || ldb < (op_b == CUBLAS_OP_N ? k : n) || ldc < m || m < 1 || n < 1 || k < 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (type_a != type_b || (type_a == CUDA_R_32F && type_c != CUDA_R_32F))
        return CUBLAS_STATUS_INVALID_VALUE;
    float a = *(const float *)alpha, b = *(const float *)beta;
    size_t wide_a = type_a == CUDA_R_16BF ? 2 : 4, wide_c = type_c == CUDA_R_16BF ? 2 : 4;
    int read = compute == CUBLAS_COMPUTE_32F_FAST_16BF && type_a == CUDA_R_32F ? (int)NARROWED : (int)type_a;
    emu_enqueue(handle->stream, [=]() {
        for (int i = 0; i < batches; i++)
            product(op_a == CUBLAS_OP_T, op_b == CUBLAS_OP_T, m, n, k, a,
                    (const char *)A + (long long)wide_a * stride_a * i, read, lda,
                    (const char *)B + (long long)wide_a * stride_b * i, read, ldb, b,
                    (char *)C + (long long)wide_c * stride_c * i, type_c, ldc);
    });
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
                            const void *alpha, const void *A, cudaDataType type_a, int lda, const void *B,
                            cudaDataType type_b, int ldb, const void *beta, void *C, cudaDataType type_c, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t algo)
{
    return cublasGemmStridedBatchedEx(handle, op_a, op_b, m, n, k, alpha, A, type_a, lda, 0, B, type_b, ldb, 0, beta, C,
                                      type_c, ldc, 0, 1, compute, algo);
}
}
