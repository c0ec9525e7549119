/* SPDX-License-Identifier: Apache-2.0 */
/* layout -- images to and from [P][blocks][N][lanes], weights to and from [O/16][taps][C padded][16].   kernels/cpu */
#include "kernels/cpu/cpu.h"

static size_t cpu_image_size(struct backend *b, int N, int C, const int dim[3])
{
    (void)b;
    return cpu_volume(dim) * (size_t)cpu_padded(C) * (size_t)N;
}

/* The float of channel c, box n, position p. */
static size_t image_at(size_t n, size_t c, size_t p, size_t N, size_t lanes, size_t blocks)
{
    return ((p * blocks + c / lanes) * N + n) * lanes + c % lanes;
}

static void cpu_image_put(struct backend *b, float *image, const float *host, int boxes, int channels, const int dim[3])
{
    size_t P = cpu_volume(dim), N = (size_t)boxes, C = (size_t)channels;
    size_t lanes = (size_t)cpu_lanes(channels), blocks = (size_t)cpu_blocks(channels);
    enum { TILE = 16 }; /* positions at a time: a cache line of the host's side */
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t first = 0; first < P; first += TILE)
        for (size_t c = 0; c < blocks * lanes; c++)
            for (size_t n = 0; n < N; n++)
                for (size_t p = first; p < P && p < first + TILE; p++)
                    image[image_at(n, c, p, N, lanes, blocks)] = c < C ? host[(n * C + c) * P + p] : 0;
}

static void cpu_image_get(struct backend *b, float *host, const float *image, int boxes, int channels, const int dim[3])
{
    size_t P = cpu_volume(dim), N = (size_t)boxes, C = (size_t)channels;
    size_t lanes = (size_t)cpu_lanes(channels), blocks = (size_t)cpu_blocks(channels);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t n = 0; n < N; n++)
        for (size_t c = 0; c < C; c++)
            for (size_t p = 0; p < P; p++)
                host[(n * C + c) * P + p] = image[image_at(n, c, p, N, lanes, blocks)];
}

static size_t output_blocks(int O)
{
    return ((size_t)O + LANES - 1) / LANES;
}

static size_t cpu_weight_size(struct backend *b, int O, int C, int taps)
{
    (void)b;
    return output_blocks(O) * LANES * (size_t)taps * (size_t)cpu_padded(C);
}

static void cpu_weight_put(struct backend *b, float *weight, const float *host, int outputs, int channels, int taps)
{
    size_t T = (size_t)taps, O = (size_t)outputs, C = (size_t)channels, padded = (size_t)cpu_padded(channels);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t block = 0; block < output_blocks(outputs); block++) {
        float *to = weight + block * T * padded * LANES;
        for (size_t t = 0; t < T; t++)
            for (size_t c = 0; c < padded; c++)
                for (size_t o = block * LANES; o < (block + 1) * LANES; o++)
                    *to++ = o < O && c < C ? host[(o * C + c) * T + t] : 0;
    }
}

static void cpu_weight_get(struct backend *b, float *host, const float *weight, int outputs, int channels, int taps)
{
    size_t T = (size_t)taps, O = (size_t)outputs, C = (size_t)channels, padded = (size_t)cpu_padded(channels);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t o = 0; o < O; o++)
        for (size_t c = 0; c < C; c++)
            for (size_t t = 0; t < T; t++)
                host[(o * C + c) * T + t] = weight[((o / LANES * T + t) * padded + c) * LANES + o % LANES];
}

void cpu_add_layout(struct backend *b)
{
    b->image_size = cpu_image_size;
    b->image_put = cpu_image_put;
    b->image_get = cpu_image_get;
    b->weight_size = cpu_weight_size;
    b->weight_put = cpu_weight_put;
    b->weight_get = cpu_weight_get;
}
