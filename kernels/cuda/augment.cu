/* SPDX-License-Identifier: Apache-2.0 */
/* augment -- boxes are augmented on their way into an image, a block a box (kernels/augment.h).   kernels/cuda
 *
 * A box stays in global memory, that is in the cache, whatever the number of its channels; shared memory holds one channel
 * while another is made of it. Between two steps is a barrier, for they share voxels out differently. tests: cuda_augment */
#include "common/rng.h"
#include "kernels/augment.h"
#include "kernels/cuda/device.cuh"

#include <Random123/philox.h>

enum { AT_ONCE = 512, SIDE = AUGMENT_SIDE, VOXELS = SIDE * SIDE * SIDE, LAST = SIDE - 1 };

/* A coordinate brought into [0, 15], or (by rounding) a hair beyond. */
__device__ static inline float brought(float c, bool reflect)
{
    const float period = 2.0f * LAST;
    return reflect ? fabsf(c - period * rintf(c / period)) : fminf(fmaxf(c, 0), LAST);
}

__device__ static inline float mix(float a, float b, float share)
{
    return a + share * (b - a);
}

/* to: 3 rows of 4 */
__device__ static void see_through(float *box, const double *to, bool reflect)
{
    __shared__ float old[VOXELS];
    for (int i = (int)threadIdx.x; i < VOXELS; i += AT_ONCE)
        old[i] = box[i];
    __syncthreads();
    for (int i = (int)threadIdx.x; i < VOXELS; i += AT_ONCE) {
        const int z = i / (SIDE * SIDE), y = i / SIDE % SIDE, x = i % SIDE;
        float share[3];
        int below[3];
        for (int a = 0; a < 3; a++) {
            float c = brought((float)(to[4 * a] * z + to[4 * a + 1] * y + to[4 * a + 3]) + (float)(to[4 * a + 2] * x),
                              reflect);
            below[a] = min((int)c, LAST - 1);
            share[a] = c - (float)below[a];
        }
        const float *p = old + (below[0] * SIDE + below[1]) * SIDE + below[2], *up = p + SIDE * SIDE;
        float near = mix(mix(p[0], p[1], share[2]), mix(p[SIDE], p[SIDE + 1], share[2]), share[1]);
        float far = mix(mix(up[0], up[1], share[2]), mix(up[SIDE], up[SIDE + 1], share[2]), share[1]);
        box[i] = mix(near, far, share[0]);
    }
    __syncthreads(); /* of another channel, `old` is written next */
}

__device__ static void flip(float *box)
{
    for (int i = (int)threadIdx.x; i < VOXELS / 2; i += AT_ONCE) {
        float kept = box[i];
        box[i] = box[VOXELS - 1 - i];
        box[VOXELS - 1 - i] = kept;
    }
}

/* Word w of block b gives the cosine to voxel 1024 w + b and the sine to voxel 1024 w + 512 + b. */
__device__ static void add_noise(float *box, const double *number, uint64_t seed, uint32_t channel)
{
    const uint32_t blocks = VOXELS / 8;
    const float unit = 1.0f / 65536.0f, sd = (float)number[0];
    const uint32_t first = (uint32_t)number[3] + channel * blocks;
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    for (uint32_t b = threadIdx.x; b < blocks; b += AT_ONCE) {
        philox4x32_ctr_t counter = {{first + b, RNG_AUGMENT, (uint32_t)number[1], (uint32_t)number[2]}};
        philox4x32_ctr_t word = philox4x32_R(10, counter, key);
        for (uint32_t w = 0; w < 4; w++) {
            float sine, cosine, radius = sd * sqrtf(-2 * logf(((float)(word.v[w] & 0xffff) + 0.5f) * unit));
            sincospif((float)(word.v[w] >> 16) * (2 * unit), &sine, &cosine);
            box[2 * w * blocks + b] += radius * cosine;
            box[(2 * w + 1) * blocks + b] += radius * sine;
        }
    }
}

/* Lowest and highest of all channels, to every thread. */
__device__ static void extremes(const float *box, int voxels, float *low, float *high)
{
    __shared__ float part[2][AT_ONCE / WARP];
    float least = INFINITY, most = -INFINITY;
    for (int i = (int)threadIdx.x; i < voxels; i += AT_ONCE) {
        least = fminf(least, box[i]);
        most = fmaxf(most, box[i]);
    }
    least = -warp_max(-least);
    most = warp_max(most);
    if (threadIdx.x % WARP == 0) {
        part[0][threadIdx.x / WARP] = least;
        part[1][threadIdx.x / WARP] = most;
    }
    __syncthreads();
    for (int w = 0; w < AT_ONCE / WARP; w++) {
        least = fminf(least, part[0][w]);
        most = fmaxf(most, part[1][w]);
    }
    *low = least;
    *high = most;
    __syncthreads(); /* all have read `part`, and nobody has changed the box yet */
}

/* The piece of the line that a level lies on. */
__device__ static void move_levels(float *box, int voxels, const double *point, int count)
{
    float low, high;
    extremes(box, voxels, &low, &high);
    const float range = high - low;
    if (!(range > 1e-30f))
        return; /* a constant box has no levels to move */
    const int pieces = count - 1;
    const float to_level = (float)pieces / range;
    for (int i = (int)threadIdx.x; i < voxels; i += AT_ONCE) {
        float level = (box[i] - low) * to_level;
        int at = max(0, min((int)level, pieces - 1));
        box[i] = low + range * mix((float)point[at], (float)point[at + 1], level - (float)at);
    }
}

__device__ static void curve(float *box, int voxels, float gamma)
{
    float low, high;
    extremes(box, voxels, &low, &high);
    const float range = high - low, to_unit = 1.0f / (range + 1e-7f);
    for (int i = (int)threadIdx.x; i < voxels; i += AT_ONCE) {
        float t = (box[i] - low) * to_unit;
        box[i] = (t > 1e-30f ? exp2f(fmaxf(gamma * log2f(t), -126.0f)) : 0) * range + low;
    }
}

__global__ void augment(float *boxes, const struct augment_view *views, const struct augmentation_step *steps,
                        uint64_t seed, int C)
{
    const struct augment_view v = views[blockIdx.x];
    float *box = boxes + (size_t)v.box * (size_t)C * VOXELS;
    for (int i = v.first; i < v.first + v.steps; i++) {
        const struct augmentation_step *s = &steps[i];
        if (s->kind == AUGMENT_histogram)
            move_levels(box, C * VOXELS, s->number, s->count);
        else if (s->kind == AUGMENT_contrast)
            curve(box, C * VOXELS, (float)s->number[0]);
        else
            for (int c = 0; c < C; c++) {
                float *channel = box + (size_t)c * VOXELS;
                if (s->kind == AUGMENT_flip)
                    flip(channel);
                else if (s->kind == AUGMENT_noise)
                    add_noise(channel, s->number, seed, (uint32_t)c);
                else
                    see_through(channel, s->number, s->kind == AUGMENT_affine);
            }
        __syncthreads();
    }
}

static void cuda_augment_put(struct backend *b, float *image, const float *host, int N, int C,
                             const struct augment_plan *plan)
{
    const int dim[3] = {SIDE, SIDE, SIDE};
    size_t count = (size_t)N * (size_t)C * VOXELS;
    size_t steps = (size_t)plan->steps * sizeof *plan->step, views = (size_t)plan->views * sizeof *plan->view;
    char *memory = (char *)cuda_scratch(b, steps + count * sizeof(float) + views);
    struct augmentation_step *step = (struct augmentation_step *)memory; /* first: it has doubles */
    float *boxes = (float *)(memory + steps);
    struct augment_view *view = (struct augment_view *)(boxes + count);
    b->put(b, boxes, host, count * sizeof *host);
    if (plan->views) {
        b->put(b, step, plan->step, steps);
        b->put(b, view, plan->view, views);
        LAUNCH(b, augment, (unsigned)plan->views, AT_ONCE, boxes, view, step, plan->seed, C);
    }
    cuda_image_from(b, image, boxes, N, C, dim);
}

void cuda_add_augment(struct backend *b)
{
    b->augment_put = cuda_augment_put;
    b->augments = 1u << AUGMENT_affine | 1u << AUGMENT_flip | 1u << AUGMENT_rotate | 1u << AUGMENT_noise |
                  1u << AUGMENT_histogram | 1u << AUGMENT_contrast;
}
