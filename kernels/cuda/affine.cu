/* SPDX-License-Identifier: Apache-2.0 */
/* affine -- each channel times a number and a number added: biases, and what stands behind a layer norm.   kernels/cuda
 *
 * IMAGE and ROWS alike are rows of C channels. tests: ops_shape */
#include "kernels/cuda/device.cuh"

template <class T>
__global__ void affine(T *out, const T *in, const float *gamma, const float *beta, size_t count, size_t C, bool relu)
{
    for (size_t i = first(); i < count; i += stride()) {
        size_t c = i % C;
        float y = number(in[i]) * (gamma ? gamma[c] : 1) + beta[c];
        keep(&out[i], relu && y < 0 ? 0 : y);
    }
}

/* A block is 32 columns of a chunk of rows, by 8 threads that stride down them; part[chunk][2][C] */
template <class T>
__global__ void affine_slope(float *part, T *din, const T *dout, const T *out, const T *in, const float *gamma,
                             size_t rows, size_t each, int C)
{
    const int c = (int)(blockIdx.x * WARP + threadIdx.x);
    const size_t from = blockIdx.y * each, past = from + each < rows ? from + each : rows;
    const float scale = gamma && c < C ? gamma[c] : 1;
    float sum = 0, sum_x = 0;
    for (size_t r = from + threadIdx.y; c < C && r < past; r += blockDim.y) {
        const size_t i = r * (size_t)C + (size_t)c;
        float g = !out || number(out[i]) > 0 ? number(dout[i]) : 0;
        sum += g;
        sum_x += g * number(in[i]);
        if (din)
            keep(&din[i], number(din[i]) + g * scale);
    }
    sum = column_sum(sum);
    __syncthreads();
    sum_x = column_sum(sum_x);
    if (threadIdx.y > 0 || c >= C)
        return;
    part[(size_t)blockIdx.y * 2 * (size_t)C + (size_t)c] = sum;
    part[((size_t)blockIdx.y * 2 + 1) * (size_t)C + (size_t)c] = sum_x;
}

__global__ void affine_join(float *dgamma, float *dbeta, const float *part, unsigned chunks, int C)
{
    for (size_t c = first(); c < (size_t)C; c += stride()) {
        float sum = 0, sum_x = 0;
        for (unsigned k = 0; k < chunks; k++) {
            sum += part[(size_t)k * 2 * (size_t)C + c];
            sum_x += part[((size_t)k * 2 + 1) * (size_t)C + c];
        }
        if (dbeta)
            dbeta[c] += sum;
        if (dgamma)
            dgamma[c] += sum_x;
    }
}

static size_t rows_of(int N, const int dim[3], enum layout layout)
{
    return (size_t)N * (layout == IMAGE ? volume(dim) : 1);
}

template <class T>
static void forward(struct backend *b, float *out, const float *in, const float *gamma, const float *beta, size_t rows,
                    int C, bool relu)
{
    const size_t count = rows * (size_t)C;
    LAUNCH(b, affine<T>, blocks_for(b, count), THREADS, (T *)out, (const T *)in, gamma, beta, count, (size_t)C, relu);
}

template <class T>
static void backward(struct backend *b, float *din, float *dgamma, float *dbeta, const float *dout, const float *out,
                     const float *in, const float *gamma, size_t rows, int C)
{
    enum { EACH = 256, MOST = 256 };
    const size_t chunks = rows / EACH < 1      ? 1
                          : rows / EACH > MOST ? (size_t)MOST
                                               : rows / EACH,
                 each = (rows + chunks - 1) / chunks;
    float *part = (float *)cuda_scratch(b, chunks * 2 * (size_t)C * sizeof *part);
    LAUNCH(b, affine_slope<T>, dim3(blocks_of_columns(C), (unsigned)chunks), COLUMN_THREADS, part, (T *)din,
           (const T *)dout, (const T *)out, (const T *)in, gamma, rows, each, C);
    LAUNCH(b, affine_join, blocks_for(b, (size_t)C), THREADS, dgamma, dbeta, part, (unsigned)chunks, C);
}

static void cuda_affine_forward(struct backend *b, float *out, const float *in, const float *gamma, const float *beta,
                                int N, int C, const int dim[3], enum layout layout, bool relu)
{
    const size_t rows = rows_of(N, dim, layout);
    if (is_narrow(b, layout))
        forward<bf16>(b, out, in, gamma, beta, rows, C, relu);
    else
        forward<float>(b, out, in, gamma, beta, rows, C, relu);
    if (layout == IMAGE)
        cuda_end_image(b, out, rows * (size_t)C);
}

static void cuda_affine_backward(struct backend *b, float *din, float *dgamma, float *dbeta, const float *dout,
                                 const float *out, const float *in, const float *gamma, int N, int C, const int dim[3],
                                 enum layout layout, bool relu)
{
    const size_t rows = rows_of(N, dim, layout);
    const float *gate = relu ? out : NULL;
    if (is_narrow(b, layout))
        backward<bf16>(b, din, dgamma, dbeta, dout, gate, in, gamma, rows, C);
    else
        backward<float>(b, din, dgamma, dbeta, dout, gate, in, gamma, rows, C);
}

void cuda_add_affine(struct backend *b)
{
    b->affine_forward = cuda_affine_forward;
    b->affine_backward = cuda_affine_backward;
}
