/* SPDX-License-Identifier: Apache-2.0 */
/* microkernel -- the innermost loops, compiled once for each kind of processor; open picks a table at run time.   kernels/cpu
 *
 * inner_loops.h and brgemm_loops.h hold the loops; microkernel_avx512.c, microkernel_avx2.c and microkernel_plain.c include
 * them, each with its own vector width and tile. Everything here works on groups of 16 channels ("lanes"). Nothing here is threaded. */
#ifndef PETREL_KERNELS_CPU_MICROKERNEL_H
#define PETREL_KERNELS_CPU_MICROKERNEL_H
#include "common/base.h"

enum { LANES = 16 };

/* Batch-reduce GEMM, the convolution's micro-kernel: out(block, row, lane) = [itself +] the sum over steps s, i < inner and k < K of s, in this order, of
 *     in(s, i, row, k) * weight(s, block, i, k, lane)
 * All strides in floats; weight's lanes, k and i lie side by side. However rows and blocks are cut into tiles, each
 * number is the same sum in the same order. */
struct step {
    size_t in, weight;
    int K;
};
struct brgemm {
    float *out;
    size_t out_block, out_row;
    const float *in;
    size_t in_inner, in_row, in_k;
    const float *weight;
    size_t weight_block;
    const struct step *step;
    int steps, inner, rows, blocks;
    bool add;
};

/* A depthwise convolution at one position: out(row, lane) = [itself +] the sum over steps of in(step, row, lane) * weight(step, lane), rows of 16
 * lanes side by side. K of a step counts nothing. */
struct depthwise {
    float *out;
    const float *in, *weight;
    const struct step *step;
    int steps;
    size_t rows;
    bool add;
};

/* A run of rows of up to 16 channels: lane l of row r is at [r * stride + l]. */
struct run {
    size_t stride;
    int rows, lanes;
};
struct norm_stats {
    double count, mean[LANES], squares[LANES]; /* about the mean */
};
struct norm_lanes {
    float mean[LANES], scale[LANES], shift[LANES];
};
/* din += scale (g - mean_g - x^ mean_gx), x^ = (in - mean) rstd */
struct norm_slope {
    float mean[LANES], rstd[LANES], scale[LANES], mean_g[LANES], mean_gx[LANES];
};

struct microkernels {
    const char *name;
    int rows_together; /* boxes whose neighbourhood fits the second cache: where to cut N */
    void (*brgemm)(const struct brgemm *p);

    /* batch normalisation over one run; residual, out (no ReLU) and dresidual may be NULL */
    void (*norm_stats_add)(struct norm_stats *m, const float *in, struct run r);
    void (*normalise)(float *out, const float *in, const float *residual, const struct norm_lanes *c, struct run r,
                      bool relu);
    void (*slope_sums)(double sum_g[LANES], double sum_gx[LANES], const float *dout, const float *out, const float *in,
                       const float mean[LANES], const float rstd[LANES], struct run r);
    void (*slope)(float *din, float *dresidual, const float *dout, const float *out, const float *in,
                  const struct norm_slope *c, struct run r);

    /* where[i] = q and out[i] = in[i] where in[i] is larger */
    void (*maxpool_update)(float *out, int32_t *where, const float *in, int32_t q, size_t count);
    /* din[i] += dout[i] where where[i] is q */
    void (*maxpool_scatter)(float *din, const float *dout, const int32_t *where, int32_t q, size_t count);

    void (*depthwise)(const struct depthwise *p);
    /* sum[tap of the step][lane] += the sum over rows of dout(row, lane) * in(step, row, lane); some: room, as many as steps */
    void (*depthwise_weight)(double (*sum)[LANES], float (*some)[LANES], const float *dout, const struct depthwise *p);

    /* elementwise; backward adds dout times the slope at in */
    void (*silu_forward)(float *out, const float *in, size_t count);
    void (*silu_backward)(float *din, const float *dout, const float *in, size_t count);
    void (*gelu_forward)(float *out, const float *in, size_t count);
    void (*gelu_backward)(float *din, const float *dout, const float *in, size_t count);

    /* sums in double */
    double (*squares)(const float *x, size_t count);
    /* of (scale grad + decay param) and of param */
    void (*lars_squares)(double *step, double *length, const float *param, const float *grad, float scale, float decay,
                         size_t count);
};

/* The same micro-kernel on words: two bfloat16 side by side, the numbers of an even k in the low half and those of the next in the
 * high. K, in_inner, in_k and weight_block count words; a word of weights is a lane's. And what makes words. */
struct bf16_loops {
    void (*brgemm)(const struct brgemm *p);
    /* words[i] = low[i], high[i]; high NULL: low[i], 0 */
    void (*pair)(float *words, const float *low, const float *high, size_t count);
    /* words[i] = from[2i], from[2i+1]; the last 0 where count is odd */
    void (*halve)(float *words, const float *from, size_t count);
};
extern const struct bf16_loops microkernels_bf16;
bool microkernels_bf16_is_here(void); /* has the processor what it takes? */

extern const struct microkernels microkernels_avx512, microkernels_avx2, microkernels_plain;

#endif
