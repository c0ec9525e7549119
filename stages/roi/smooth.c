/* SPDX-License-Identifier: Apache-2.0 */
/* smooth -- Gaussian smoothing of a volume, reflecting at its ends.   body -> [smooth] -> method
 *
 * One pass: a slice is smoothed along x and y while it is in the cache, and a ring of the last 2*reach+1 such slices
 * is summed along z. */
#include "stages/roi/smooth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct kernel {
    int reach;
    float weight[SMOOTH_REACH + 1];
}; /* weight[k] at distance k */

static struct kernel kernel_make(double sd)
{
    struct kernel k = {.reach = (int)(4 * sd + 0.5)};
    if (k.reach > SMOOTH_REACH)
        k.reach = SMOOTH_REACH;
    double weight[SMOOTH_REACH + 1], sum = 0;
    for (int i = 0; i <= k.reach; i++) {
        weight[i] = k.reach ? exp(-0.5 * i * i / (sd * sd)) : 1;
        sum += i ? 2 * weight[i] : weight[i];
    }
    for (int i = 0; i <= k.reach; i++)
        k.weight[i] = (float)(weight[i] / sum);
    return k;
}

/* The place inside 0..size-1 that a mirrored index shows. */
static int64_t mirrored(int64_t i, int64_t size)
{
    int64_t period = 2 * size;
    i = ((i % period) + period) % period;
    return i < size ? i : period - 1 - i;
}

static void smooth_row(const float *in, float *out, float *padded, int64_t W, const struct kernel *k)
{
    int reach = k->reach;
    memcpy(padded + reach, in, (size_t)W * sizeof *in);
    for (int i = 1; i <= reach; i++) {
        padded[reach - i] = in[mirrored(-i, W)];
        padded[reach + W - 1 + i] = in[mirrored(W - 1 + i, W)];
    }
    const float *at = padded + reach;
    for (int64_t x = 0; x < W; x++)
        out[x] = k->weight[0] * at[x];
    for (int i = 1; i <= reach; i++)
        for (int64_t x = 0; x < W; x++)
            out[x] += k->weight[i] * (at[x - i] + at[x + i]);
}

/* out = the weighted sum of whole lines: rows of a slice, or slices of the ring. line[reach] is the middle one. */
static void sum_lines(const float *const *line, float *restrict out, int64_t count, const struct kernel *k)
{
    const float *middle = line[k->reach];
    for (int64_t x = 0; x < count; x++)
        out[x] = k->weight[0] * middle[x];
    for (int i = 1; i <= k->reach; i++) {
        const float *below = line[k->reach - i], *above = line[k->reach + i];
        for (int64_t x = 0; x < count; x++)
            out[x] += k->weight[i] * (below[x] + above[x]);
    }
}

void gaussian_smooth(const float *in, float *out, const int64_t dim[3], int64_t slice, int64_t row, const double sd[3])
{
    const struct kernel kz = kernel_make(sd[0]), ky = kernel_make(sd[1]), kx = kernel_make(sd[2]);
    int64_t D = dim[0], H = dim[1], W = dim[2], taps = 2 * kz.reach + 1;
    float *padded = xalloc_aligned((size_t)(W + 2 * kx.reach), sizeof *padded);
    float *along_x = xalloc_aligned((size_t)(H * W), sizeof *along_x);
    float *ring = xalloc_aligned((size_t)(taps * H * W), sizeof *ring);
    const float *line[2 * SMOOTH_REACH + 1];

    for (int64_t ready = 0, z = 0; z < D; z++) {
        for (; ready < D && ready <= z + kz.reach; ready++) {
            float *along_y = ring + ready % taps * H * W;
            for (int64_t y = 0; y < H; y++)
                smooth_row(in + ready * slice + y * row, along_x + y * W, padded, W, &kx);
            for (int64_t y = 0; y < H; y++) {
                for (int64_t i = 0; i <= 2 * ky.reach; i++)
                    line[i] = along_x + mirrored(y + i - ky.reach, H) * W;
                sum_lines(line, along_y + y * W, W, &ky);
            }
        }
        /* a mirrored slice is at most `reach` from z, so the ring still holds it */
        for (int64_t y = 0; y < H; y++) {
            for (int64_t i = 0; i < taps; i++)
                line[i] = ring + mirrored(z + i - kz.reach, D) % taps * H * W + y * W;
            sum_lines(line, out + z * slice + y * row, W, &kz);
        }
    }
    free(padded);
    free(along_x);
    free(ring);
}
