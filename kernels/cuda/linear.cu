/* SPDX-License-Identifier: Apache-2.0 */
/* linear -- out(N,O) = in(N,C) weight(O,C)^T + bias(O), by cuBLAS.   kernels/cuda
 *
 * FLOAT32: float32 in full. BFLOAT16: cuBLAS rounds what it reads to bfloat16 and adds up in float32; what lies in memory is
 * float32. tests: ops_rows */
#include "kernels/cuda/device.cuh"

void cuda_gemm(struct backend *b, float *C, const float *A, bool transpose_a, const float *B, bool transpose_b, int m,
               int n, int k, float alpha, float beta, enum precision precision)
{
    cuda_gemm_many(b, C, n, 0, A, transpose_a, transpose_a ? m : k, 0, B, transpose_b, transpose_b ? k : n, 0, m, n, k,
                   1, alpha, beta, precision);
}

/* cuBLAS counts columns first, so what it sees as its A is our B, transposed as ours is. */
void cuda_gemm_many(struct backend *b, float *C, int row_c, size_t next_c, const float *A, bool transpose_a, int row_a,
                    size_t next_a, const float *B, bool transpose_b, int row_b, size_t next_b, int m, int n, int k,
                    int many, float alpha, float beta, enum precision precision)
{
    CUBLAS(cublasGemmStridedBatchedEx(
        cuda_of(b)->blas, transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, n, m, k,
        &alpha, B, CUDA_R_32F, row_b, (long long)next_b, A, CUDA_R_32F, row_a, (long long)next_a, &beta, C, CUDA_R_32F,
        row_c, (long long)next_c, many,
        precision == BFLOAT16 ? CUBLAS_COMPUTE_32F_FAST_16BF : CUBLAS_COMPUTE_32F_PEDANTIC, CUBLAS_GEMM_DEFAULT));
}

/* every row of out begins as the bias */
__global__ void bias_rows(float *out, const float *bias, size_t count, int O)
{
    for (size_t i = first(); i < count; i += stride())
        out[i] = bias[i % (size_t)O];
}

__global__ void bias_slope(float *dbias, const float *dout, int N, int O)
{
    int o = (int)(blockIdx.x * WARP + threadIdx.x);
    float sum = 0;
    for (int n = (int)threadIdx.y; o < O && n < N; n += (int)blockDim.y)
        sum += dout[(size_t)n * (size_t)O + (size_t)o];
    sum = column_sum(sum);
    if (threadIdx.y == 0 && o < O)
        dbias[o] += sum;
}

static void cuda_linear_forward(struct backend *b, float *out, const float *in, const float *weight, const float *bias,
                                int N, int C, int O)
{
    size_t count = (size_t)N * (size_t)O;
    if (bias)
        LAUNCH(b, bias_rows, blocks_for(b, count), THREADS, out, bias, count, O);
    cuda_gemm(b, out, in, false, weight, true, N, O, C, 1, bias ? 1 : 0, cuda_of(b)->precision);
}

static void cuda_linear_backward(struct backend *b, float *din, float *dweight, float *dbias, const float *dout,
                                 const float *in, const float *weight, int N, int C, int O)
{
    enum precision precision = cuda_of(b)->precision;
    if (din)
        cuda_gemm(b, din, dout, false, weight, false, N, C, O, 1, 1, precision);
    if (dweight)
        cuda_gemm(b, dweight, dout, true, in, false, O, C, N, 1, 1, precision);
    if (dbias)
        LAUNCH(b, bias_slope, blocks_of_columns(O), COLUMN_THREADS, dbias, dout, N, O);
}

void cuda_add_linear(struct backend *b)
{
    b->linear_forward = cuda_linear_forward;
    b->linear_backward = cuda_linear_backward;
}
