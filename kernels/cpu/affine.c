/* SPDX-License-Identifier: Apache-2.0 */
/* affine -- each channel times a number and a number added: biases, and what stands behind a layer norm.   kernels/cpu
 *
 * IMAGE and ROWS alike are runs of up to 16 channels of one box at one position; sums over them are joined chunk by chunk, in the
 * order of the chunks, so that the number of threads does not matter. */
#include "kernels/cpu/cpu.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 2048 /* runs */ };

struct plan {
    size_t runs, blocks, each, step, block; /* runs of a block; floats from run to run and block to block */
    size_t N;                               /* IMAGE: runs at a position */
    size_t position;                        /* and floats from position to position; ROWS: one position */
    int C, lanes;
    bool padded;
};

static struct plan plan_of(int N, int C, const int dim[3], enum layout layout)
{
    struct plan l = {.C = C, .N = (size_t)N, .lanes = layout == IMAGE ? cpu_lanes(C) : LANES, .padded = layout == IMAGE};
    l.blocks = ((size_t)C + (size_t)l.lanes - 1) / (size_t)l.lanes;
    l.runs = (size_t)N * (layout == IMAGE ? cpu_volume(dim) : 1);
    l.step = layout == IMAGE ? (size_t)l.lanes : (size_t)C;
    l.block = layout == IMAGE ? (size_t)N * (size_t)l.lanes : LANES;
    l.position = l.blocks * l.block;
    return l;
}

static size_t channels_in(const struct plan *l, size_t block)
{
    size_t left = (size_t)l->C - block * (size_t)l->lanes;
    return left < (size_t)l->lanes ? left : (size_t)l->lanes;
}
static size_t run_at(const struct plan *l, size_t block, size_t run)
{
    return run / l->N * l->position + block * l->block + run % l->N * l->step;
}
static size_t past(const struct plan *l, size_t chunk)
{
    return (chunk + 1) * CHUNK < l->runs ? (chunk + 1) * CHUNK : l->runs;
}
/* What a block's lanes are multiplied with, and what is added: padding takes zeros and stays zero. */
static void lanes_of(float to[LANES], const float *from, const struct plan *l, size_t block, float otherwise)
{
    for (size_t i = 0; i < LANES; i++)
        to[i] = from && i < channels_in(l, block) ? from[block * (size_t)l->lanes + i] : from ? 0 : otherwise;
}

/* least: what is below it becomes 0, which is ReLU's; NaN stays */
static inline void run_forward(float *out, const float *in, const float *scale, const float *shift, size_t many,
                               float least)
{
    for (size_t i = 0; i < many; i++) {
        float y = in[i] * scale[i] + shift[i];
        out[i] = y < least ? 0 : y;
    }
}

static void cpu_affine_forward(struct backend *b, float *out, const float *in, const float *gamma, const float *beta,
                               int N, int C, const int dim[3], enum layout layout, bool relu)
{
    const struct plan l = plan_of(N, C, dim, layout);
    const size_t chunks = (l.runs + CHUNK - 1) / CHUNK;
    const float least = relu ? 0 : -INFINITY;
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads) if (l.runs * (size_t)C > WORTH)
    for (size_t chunk = 0; chunk < chunks; chunk++)
        for (size_t block = 0; block < l.blocks; block++) {
            float scale[LANES], shift[LANES];
            const size_t many = l.padded ? (size_t)l.lanes : channels_in(&l, block);
            lanes_of(scale, gamma, &l, block, 1);
            lanes_of(shift, beta, &l, block, 0);
            for (size_t run = chunk * CHUNK; run < past(&l, chunk); run++) {
                const size_t at = run_at(&l, block, run);
                if (many == LANES)
                    run_forward(out + at, in + at, scale, shift, LANES, least);
                else
                    run_forward(out + at, in + at, scale, shift, many, least);
            }
        }
}

struct sums {
    double g[LANES], gx[LANES];
};

/* Some runs' sums in float, before they are added to the others in double. */
enum { FEW = 32 };
struct few {
    float g[LANES], gx[LANES];
};

static inline void run_back(struct few *sum, float *din, const float *dout, const float *out, const float *in,
                            const float *scale, size_t many, float least)
{
    for (size_t i = 0; i < many; i++) {
        float y = dout[i], g = out[i] > least ? y : 0;
        sum->g[i] += g;
        sum->gx[i] += g * in[i];
        din[i] += g * scale[i];
    }
}

/* the same where nobody wants din */
static inline void run_sums(struct few *sum, const float *dout, const float *out, const float *in, size_t many,
                            float least)
{
    for (size_t i = 0; i < many; i++) {
        float y = dout[i], g = out[i] > least ? y : 0;
        sum->g[i] += g;
        sum->gx[i] += g * in[i];
    }
}

static void few_done(struct sums *to, struct few *few)
{
    for (size_t i = 0; i < LANES; i++) {
        to->g[i] += (double)few->g[i];
        to->gx[i] += (double)few->gx[i];
    }
    memset(few, 0, sizeof *few);
}

static void cpu_affine_backward(struct backend *b, float *din, float *dgamma, float *dbeta, const float *dout,
                                const float *out, const float *in, const float *gamma, int N, int C, const int dim[3],
                                enum layout layout, bool relu)
{
    const struct plan l = plan_of(N, C, dim, layout);
    const size_t chunks = (l.runs + CHUNK - 1) / CHUNK;
    const float least = relu ? 0 : -INFINITY; /* gradients pass where forward's result is above it */
    struct sums *part = cpu_scratch(b, chunks * l.blocks * sizeof *part);
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads) if (l.runs * (size_t)C > WORTH)
    for (size_t chunk = 0; chunk < chunks; chunk++)
        for (size_t block = 0; block < l.blocks; block++) {
            float scale[LANES];
            struct few few = {0};
            struct sums *sum = &part[chunk * l.blocks + block];
            const size_t many = channels_in(&l, block);
            memset(sum, 0, sizeof *sum);
            lanes_of(scale, gamma, &l, block, 1);
            for (size_t run = chunk * CHUNK, last = past(&l, chunk); run < last; run++) {
                const size_t at = run_at(&l, block, run);
                if (!din)
                    run_sums(&few, dout + at, out + at, in + at, many, least);
                else if (many == LANES)
                    run_back(&few, din + at, dout + at, out + at, in + at, scale, LANES, least);
                else
                    run_back(&few, din + at, dout + at, out + at, in + at, scale, many, least);
                if (run + 1 == last || run % FEW == FEW - 1)
                    few_done(sum, &few);
            }
        }
    for (size_t block = 0; block < l.blocks; block++)
        for (size_t i = 0; i < channels_in(&l, block); i++) {
            double g = 0, gx = 0;
            for (size_t chunk = 0; chunk < chunks; chunk++) {
                g += part[chunk * l.blocks + block].g[i];
                gx += part[chunk * l.blocks + block].gx[i];
            }
            if (dgamma)
                dgamma[block * (size_t)l.lanes + i] += (float)gx;
            if (dbeta)
                dbeta[block * (size_t)l.lanes + i] += (float)g;
        }
}

void cpu_add_affine(struct backend *b)
{
    b->affine_forward = cpu_affine_forward;
    b->affine_backward = cpu_affine_backward;
}
