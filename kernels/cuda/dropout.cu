/* SPDX-License-Identifier: Apache-2.0 */
/* dropout -- some numbers, or boxes, become 0, the others grow so that the mean stays; those that every back end drops.   kernels/cuda
 *
 * A thread makes one block of Philox, four numbers of a row: common/rng.h's (seed, RNG_DROPOUT, step << 32 | index + row). Seed and
 * step lie in device memory, so that a recorded step draws anew. tests: ops_more, ops_shape */
#include "common/rng.h"
#include "kernels/cuda/device.cuh"

#include <Random123/philox.h>

__device__ static inline philox4x32_ctr_t row_words(const struct dropout_draw *draw, uint32_t row, uint32_t four)
{
    philox4x32_key_t key = {{(uint32_t)draw->seed, (uint32_t)(draw->seed >> 32)}};
    philox4x32_ctr_t counter = {{four, RNG_DROPOUT, row, (uint32_t)draw->step}};
    return philox4x32_R(10, counter, key);
}
__device__ static inline float uniform(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

/* forward: out = kept in / (1 - rate); else: out += kept in / (1 - rate) */
template <bool forward>
__global__ void drop(float *out, const float *in, size_t rows, size_t C, float rate, const struct dropout_draw *draw,
                     uint32_t index)
{
    const size_t fours = (C + 3) / 4;
    const float grown = 1 / (1 - rate);
    for (size_t i = first(); i < rows * fours; i += stride()) {
        size_t n = i / fours, from = i % fours * 4;
        philox4x32_ctr_t word = row_words(draw, index + (uint32_t)n, (uint32_t)(from / 4));
        for (size_t k = 0; k < 4 && from + k < C; k++) {
            bool dropped = uniform(word.v[k]) < rate;
            size_t at = n * C + from + k;
            if (forward)
                out[at] = dropped ? 0 : in[at] * grown;
            else if (!dropped)
                out[at] += in[at] * grown;
        }
    }
}

/* boxes of `each` numbers, one behind the other in either layout */
template <class T, bool forward>
__global__ void drop_boxes(T *out, const T *in, size_t count, size_t each, float rate, const struct dropout_draw *draw,
                           uint32_t index)
{
    for (size_t i = first(); i < count; i += stride()) {
        philox4x32_ctr_t word = row_words(draw, index + (uint32_t)(i / each), 0);
        float y = uniform(word.v[0]) < rate ? 0 : number(in[i]) / (1 - rate);
        keep(&out[i], forward ? y : number(out[i]) + y);
    }
}

template <bool forward>
static void boxes(struct backend *b, float *out, const float *in, int N, int C, const int dim[3], enum layout layout,
                  float rate, const struct dropout_draw *draw, uint32_t index)
{
    const size_t each = (size_t)C * volume(dim), count = (size_t)N * each;
    if (is_narrow(b, layout))
        LAUNCH(b, (drop_boxes<bf16, forward>), blocks_for(b, count), THREADS, (bf16 *)out, (const bf16 *)in, count,
               each, rate, draw, index);
    else
        LAUNCH(b, (drop_boxes<float, forward>), blocks_for(b, count), THREADS, out, in, count, each, rate, draw, index);
    if (forward && layout == IMAGE)
        cuda_end_image(b, out, count);
}

static void cuda_dropout_forward(struct backend *b, float *out, const float *in, int N, int C, float rate,
                                 const struct dropout_draw *draw, uint32_t index)
{
    size_t rows = (size_t)N, width = (size_t)C;
    LAUNCH(b, drop<true>, blocks_for(b, rows * ((width + 3) / 4)), THREADS, out, in, rows, width, rate, draw, index);
}

static void cuda_dropout_backward(struct backend *b, float *din, const float *dout, int N, int C, float rate,
                                  const struct dropout_draw *draw, uint32_t index)
{
    size_t rows = (size_t)N, width = (size_t)C;
    LAUNCH(b, drop<false>, blocks_for(b, rows * ((width + 3) / 4)), THREADS, din, dout, rows, width, rate, draw, index);
}

static void cuda_droppath_forward(struct backend *b, float *out, const float *in, int N, int C, const int dim[3],
                                  enum layout layout, float rate, const struct dropout_draw *draw, uint32_t index)
{
    boxes<true>(b, out, in, N, C, dim, layout, rate, draw, index);
}

static void cuda_droppath_backward(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3],
                                   enum layout layout, float rate, const struct dropout_draw *draw, uint32_t index)
{
    boxes<false>(b, din, dout, N, C, dim, layout, rate, draw, index);
}

void cuda_add_dropout(struct backend *b)
{
    b->dropout_forward = cuda_dropout_forward;
    b->dropout_backward = cuda_dropout_backward;
    b->droppath_forward = cuda_droppath_forward;
    b->droppath_backward = cuda_droppath_backward;
}
