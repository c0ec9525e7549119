/* SPDX-License-Identifier: Apache-2.0 */
/* focal -- mean over rows of alpha_y (1-p_y)^gamma * -log p_y.   kernels/cuda
 *
 * One block; a thread takes every 256th row. Rows are short (two classes), so a thread goes over its row as often as it needs to,
 * in double as ref does. tests: ops_losses */
#include "kernels/cuda/device.cuh"

enum { MOST_CLASSES = 64 };
struct alphas {
    float at[MOST_CLASSES];
};

/* Largest and sum of exp(x - largest) of a row of C numbers, and so its softmax. */
struct spread {
    double top, sum;
};
template <class X> __device__ static struct spread spread_of(X x, int C)
{
    struct spread s = {x(0), 0};
    for (int c = 1; c < C; c++)
        s.top = fmax(s.top, x(c));
    for (int c = 0; c < C; c++)
        s.sum += exp(x(c) - s.top);
    return s;
}

__global__ void focal(float *dlogits, float *loss, const float *logits, const int32_t *label, int N, int C,
                      struct alphas alpha, double gamma, bool on_softmax)
{
    double total = 0;
    for (int n = (int)threadIdx.x; n < N; n += (int)blockDim.x) {
        const float *x = logits + (size_t)n * (size_t)C;
        const int y = label[n];
        auto logit = [=](int c) { return (double)x[c]; };
        struct spread s = spread_of(logit, C);
        auto once = [=](int c) { return exp((double)x[c] - s.top) / s.sum; };
        auto scored = [=](int c) { return on_softmax ? once(c) : (double)x[c]; };
        struct spread t = spread_of(scored, C);
        auto p = [=](int c) { return exp(scored(c) - t.top) / t.sum; };

        double rest = 0; /* 1 - p_y without cancellation */
        for (int c = 0; c < C; c++)
            rest += c == y ? 0 : p(c);
        const double log_p = scored(y) - t.top - log(t.sum), a = (double)alpha.at[y];
        total -= a * pow(rest, gamma) * log_p;

        double slope = -pow(rest, gamma); /* p_y d/dp_y */
        if (gamma != 0 && rest > 0)
            slope += gamma * p(y) * pow(rest, gamma - 1) * log_p;
        auto g = [=](int c) { return a * slope * ((c == y ? 1 : 0) - p(c)) / N; };
        double dot = 0;
        for (int c = 0; on_softmax && c < C; c++)
            dot += g(c) * once(c);
        for (int c = 0; c < C; c++)
            dlogits[(size_t)n * (size_t)C + (size_t)c] = (float)(on_softmax ? once(c) * (g(c) - dot) : g(c));
    }
    total = block_sum(total);
    if (threadIdx.x == 0)
        *loss = (float)(total / N);
}

static void cuda_focal(struct backend *b, float *dlogits, float *loss, const float *logits, const int32_t *label, int N,
                       int C, const float *alpha, float gamma, bool on_softmax)
{
    struct alphas all = {};
    if (C > MOST_CLASSES)
        die(EX_SOFTWARE, "focal loss of %d classes: the GPU's is written for %d at most", C, MOST_CLASSES);
    for (int c = 0; c < C; c++)
        all.at[c] = alpha[c];
    LAUNCH(b, focal, 1, THREADS, dlogits, loss, logits, label, N, C, all, (double)gamma, on_softmax);
}

void cuda_add_focal(struct backend *b)
{
    b->focal = cuda_focal;
}
