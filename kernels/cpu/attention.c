/* SPDX-License-Identifier: Apache-2.0 */
/* attention -- every token asks every other of its box; positions as tokens; softmax's gradient.   kernels/cpu
 *
 * A head of a box belongs to one thread, which alone touches its rows of dq, dk and dv. Plain loops: for the few tokens
 * a small box has, not for pictures. */
#include "kernels/cpu/cpu.h"

#include <math.h>

static void cpu_softmax_backward(struct backend *b, float *din, const float *dout, const float *out, int N, int C)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > WORTH)
    for (size_t n = 0; n < (size_t)N; n++) {
        const float *g = dout + n * (size_t)C, *y = out + n * (size_t)C;
        double sum = 0;
        for (int c = 0; c < C; c++)
            sum += (double)g[c] * (double)y[c];
        for (int c = 0; c < C; c++)
            din[n * (size_t)C + (size_t)c] += y[c] * (float)((double)g[c] - sum);
    }
}

/* position p, box n, channel c of an image */
static size_t image_at(size_t p, size_t n, size_t c, int N, int C)
{
    size_t lanes = (size_t)cpu_lanes(C);
    return ((p * (size_t)cpu_blocks(C) + c / lanes) * (size_t)N + n) * lanes + c % lanes;
}

static void cpu_tokens_forward(struct backend *b, float *out, const float *in, int N, int C, const int dim[3])
{
    const size_t P = cpu_volume(dim);
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t p = 0; p < P; p++)
            for (size_t c = 0; c < (size_t)C; c++)
                out[(n * P + p) * (size_t)C + c] = in[image_at(p, n, c, N, C)];
}

static void cpu_tokens_backward(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3])
{
    const size_t P = cpu_volume(dim);
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t p = 0; p < P; p++)
            for (size_t c = 0; c < (size_t)C; c++)
                din[image_at(p, n, c, N, C)] += dout[(n * P + p) * (size_t)C + c];
}

static void cpu_tokenmean_forward(struct backend *b, float *out, const float *in, int N, int T, int C)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * T * C > WORTH)
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t c = 0; c < (size_t)C; c++) {
            double sum = 0;
            for (size_t t = 0; t < (size_t)T; t++)
                sum += (double)in[(n * (size_t)T + t) * (size_t)C + c];
            out[n * (size_t)C + c] = (float)(sum / T);
        }
}

static void cpu_tokenmean_backward(struct backend *b, float *din, const float *dout, int N, int T, int C)
{
    const float share = 1 / (float)T;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * T * C > WORTH)
    for (size_t row = 0; row < (size_t)N * (size_t)T; row++)
        for (size_t c = 0; c < (size_t)C; c++)
            din[row * (size_t)C + c] += share * dout[row / (size_t)T * (size_t)C + c];
}

static float dot(const float *a, const float *b, size_t count)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* to += times from */
static void add_times(float *to, float times, const float *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += times * from[i];
}

static void softmax_row(float *row, size_t count)
{
    float top = row[0], sum = 0;
    for (size_t j = 1; j < count; j++)
        top = row[j] > top ? row[j] : top;
    for (size_t j = 0; j < count; j++)
        sum += row[j] = expf(row[j] - top);
    for (size_t j = 0; j < count; j++)
        row[j] /= sum;
}

static void cpu_attention_forward(struct backend *b, float *out, float *prob, const float *q, const float *k,
                                  const float *v, int next, int boxes, int tokens, int channels, int heads)
{
    const size_t N = (size_t)boxes, T = (size_t)tokens, C = (size_t)channels, H = (size_t)heads, D = C / H,
                 S = (size_t)next;
    const float scale = 1 / sqrtf((float)D);
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < H; h++)
            for (size_t i = 0, first = n * T * S + h * D; i < T; i++) {
                float *row = prob + ((n * H + h) * T + i) * T, *to = out + (n * T + i) * C + h * D;
                for (size_t j = 0; j < T; j++)
                    row[j] = scale * dot(q + first + i * S, k + first + j * S, D);
                softmax_row(row, T);
                for (size_t d = 0; d < D; d++)
                    to[d] = 0;
                for (size_t j = 0; j < T; j++)
                    add_times(to, row[j], v + first + j * S, D);
            }
}

/* dprob = dout v'; ds = prob (dprob - sum(dprob prob)) / sqrt(D); dq += ds k, dk += ds' q, dv += prob' dout */
static void cpu_attention_backward(struct backend *b, float *dq, float *dk, float *dv, const float *dout,
                                   const float *prob, const float *q, const float *k, const float *v, int next,
                                   int boxes, int tokens, int channels, int heads)
{
    const size_t N = (size_t)boxes, T = (size_t)tokens, C = (size_t)channels, H = (size_t)heads, D = C / H,
                 S = (size_t)next;
    const float scale = 1 / sqrtf((float)D);
    float *room = cpu_scratch(b, N * H * T * sizeof *room);
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < H; h++) {
            float *ds = room + (n * H + h) * T;
            for (size_t i = 0, first = n * T * S + h * D; i < T; i++) {
                const float *row = prob + ((n * H + h) * T + i) * T, *g = dout + (n * T + i) * C + h * D;
                double sum = 0;
                for (size_t j = 0; j < T; j++) {
                    ds[j] = dot(g, v + first + j * S, D);
                    sum += (double)ds[j] * (double)row[j];
                }
                for (size_t j = 0; j < T; j++) {
                    float slope = scale * row[j] * (float)((double)ds[j] - sum);
                    add_times(dq + first + i * S, slope, k + first + j * S, D);
                    add_times(dk + first + j * S, slope, q + first + i * S, D);
                    add_times(dv + first + j * S, row[j], g, D);
                }
            }
        }
}

void cpu_add_attention(struct backend *b)
{
    b->softmax_backward = cpu_softmax_backward;
    b->tokens_forward = cpu_tokens_forward;
    b->tokens_backward = cpu_tokens_backward;
    b->tokenmean_forward = cpu_tokenmean_forward;
    b->tokenmean_backward = cpu_tokenmean_backward;
    b->attention_forward = cpu_attention_forward;
    b->attention_backward = cpu_attention_backward;
}
