/* SPDX-License-Identifier: Apache-2.0 */
/* cross_entropy -- soft targets, classes left out by row: a block a row, then one block adds rows' losses.   kernels/cuda
 * tests: ops_methods */
#include "kernels/cuda/device.cuh"

__global__ void cross_entropy_rows(float *dlogits, double *each, const float *logits, const float *target, int N, int C,
                                   double by)
{
    const size_t n = blockIdx.x;
    const float *x = logits + n * (size_t)C, *t = target + n * (size_t)C;
    float top = -3e38f;
    for (int c = (int)threadIdx.x; c < C; c += (int)blockDim.x)
        top = t[c] >= 0 ? fmaxf(top, x[c]) : top;
    top = block_max(top);
    double sum = 0, weight = 0, scored = 0;
    for (int c = (int)threadIdx.x; c < C; c += (int)blockDim.x)
        if (t[c] >= 0) {
            double score = ((double)x[c] - (double)top) * by;
            sum += exp(score);
            weight += (double)t[c];
            scored += (double)t[c] * score;
        }
    sum = block_sum(sum);
    weight = block_sum(weight);
    scored = block_sum(scored);
    for (int c = (int)threadIdx.x; c < C; c += (int)blockDim.x) {
        double p = t[c] < 0 ? 0 : exp(((double)x[c] - (double)top) * by) / sum;
        dlogits[n * (size_t)C + (size_t)c] = t[c] < 0 ? 0 : (float)(by * (weight * p - (double)t[c]) / N);
    }
    if (threadIdx.x == 0)
        each[n] = weight * log(sum) - scored;
}

__global__ void cross_entropy_end(float *loss, const double *each, int N)
{
    double sum = 0;
    for (int n = (int)threadIdx.x; n < N; n += (int)blockDim.x)
        sum += each[n];
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        *loss = (float)(sum / N);
}

static void cuda_cross_entropy(struct backend *b, float *dlogits, float *loss, const float *logits, const float *target,
                               int N, int C, float temperature)
{
    double *each = (double *)cuda_scratch(b, (size_t)N * sizeof *each);
    LAUNCH(b, cross_entropy_rows, (unsigned)N, THREADS, dlogits, each, logits, target, N, C, 1 / (double)temperature);
    LAUNCH(b, cross_entropy_end, 1, THREADS, loss, each, N);
}

void cuda_add_cross_entropy(struct backend *b)
{
    b->cross_entropy = cuda_cross_entropy;
}
