/* SPDX-License-Identifier: Apache-2.0 */
/* group -- convolution whose channels keep to their groups; one channel a group is depthwise.   kernels/cuda
 *
 * Plain: a thread an output number, a voxel's gradient, or (a warp) a weight. Depthwise convolutions are bound by memory, and
 * the rest of the network by others. Weights are (O, taps, C/groups). tests: ops_more */
#include "kernels/cuda/window.cuh"

struct group {
    struct conv_shape s;
    int each, out_each;
}; /* channels in and out of one group */

/* position along an axis of the input that tap t meets from output position p; outside: < 0 or >= in */
__device__ static inline int meets(const struct conv_shape &s, int axis, int p, int t)
{
    return p * s.stride[axis] + t - s.pad[axis];
}
__device__ static inline bool inside(const struct conv_shape &s, int z, int y, int x)
{
    return z >= 0 && z < s.in[0] && y >= 0 && y < s.in[1] && x >= 0 && x < s.in[2];
}
#define EACH_TAP(s, t0, t1, t2)                                                                                        \
    for (int t0 = 0; t0 < (s).kernel[0]; t0++)                                                                         \
        for (int t1 = 0; t1 < (s).kernel[1]; t1++)                                                                     \
            for (int t2 = 0; t2 < (s).kernel[2]; t2++)
__device__ static inline size_t weight_at(const struct group &g, int o, int t0, int t1, int t2, int c)
{
    const int *k = g.s.kernel;
    return (((size_t)o * (size_t)k[0] + (size_t)t0) * (size_t)k[1] + (size_t)t1) * (size_t)(k[2] * g.each) +
           (size_t)(t2 * g.each + c);
}

template <class T> __global__ void group_out(T *out, const T *in, const float *weight, struct group g, size_t count)
{
    const struct conv_shape &s = g.s;
    for (size_t i = first(); i < count; i += stride()) {
        struct voxel v = voxel_of(i, s.O, s.out);
        int from = v.c / g.out_each * g.each;
        float sum = 0;
        EACH_TAP(s, t0, t1, t2)
        {
            int z = meets(s, 0, v.at[0], t0), y = meets(s, 1, v.at[1], t1), x = meets(s, 2, v.at[2], t2);
            if (inside(s, z, y, x))
                for (int c = 0; c < g.each; c++)
                    sum += number(in[index_of(v.n, z, y, x, from + c, s.C, s.in)]) *
                           weight[weight_at(g, v.c, t0, t1, t2, c)];
        }
        keep(&out[i], sum);
    }
}

/* a voxel of the input asks each tap which output position it would have been met from */
template <class T> __global__ void group_slope(T *din, const T *dout, const float *weight, struct group g, size_t count)
{
    const struct conv_shape &s = g.s;
    for (size_t i = first(); i < count; i += stride()) {
        struct voxel v = voxel_of(i, s.C, s.in);
        int from = v.c / g.each * g.out_each;
        float sum = 0;
        EACH_TAP(s, t0, t1, t2)
        {
            int z = v.at[0] + s.pad[0] - t0, y = v.at[1] + s.pad[1] - t1, x = v.at[2] + s.pad[2] - t2;
            if (z < 0 || y < 0 || x < 0 || z % s.stride[0] || y % s.stride[1] || x % s.stride[2])
                continue;
            z /= s.stride[0], y /= s.stride[1], x /= s.stride[2];
            if (z < s.out[0] && y < s.out[1] && x < s.out[2])
                for (int o = from; o < from + g.out_each; o++)
                    sum += number(dout[index_of(v.n, z, y, x, o, s.O, s.out)]) *
                           weight[weight_at(g, o, t0, t1, t2, v.c % g.each)];
        }
        keep(&din[i], number(din[i]) + sum);
    }
}

/* a warp a weight; its lanes stride over boxes and positions */
template <class T> __global__ void group_weight(float *dweight, const T *dout, const T *in, struct group g, int weights)
{
    const struct conv_shape &s = g.s;
    const int i = (int)(first() / WARP), lane = (int)threadIdx.x % WARP;
    if (i >= weights)
        return;
    const int c = i % g.each, t2 = i / g.each % s.kernel[2], rest = i / g.each / s.kernel[2];
    const int t1 = rest % s.kernel[1], t0 = rest / s.kernel[1] % s.kernel[0];
    const int o = rest / s.kernel[1] / s.kernel[0], from = o / g.out_each * g.each;
    const size_t positions = (size_t)s.N * (size_t)s.out[0] * (size_t)s.out[1] * (size_t)s.out[2];
    float sum = 0;
    for (size_t p = (size_t)lane; p < positions; p += WARP) {
        struct voxel v = voxel_of(p, 1, s.out);
        int z = meets(s, 0, v.at[0], t0), y = meets(s, 1, v.at[1], t1), x = meets(s, 2, v.at[2], t2);
        if (inside(s, z, y, x))
            sum += number(dout[p * (size_t)s.O + (size_t)o]) * number(in[index_of(v.n, z, y, x, from + c, s.C, s.in)]);
    }
    sum = warp_sum(sum);
    if (lane == 0)
        dweight[i] += sum;
}

static struct group group_of(const struct conv_shape *s, int groups)
{
    return {*s, s->C / groups, s->O / groups};
}

static void cuda_group_forward(struct backend *b, float *out, const float *in, const float *weight,
                               const struct conv_shape *s, int groups)
{
    size_t count = (size_t)s->N * (size_t)s->O * volume(s->out);
    BY_PRECISION(b, group_out, blocks_for(b, count), THREADS, (T *)out, (const T *)in, weight, group_of(s, groups),
                 count);
    cuda_end_image(b, out, count);
}

static void cuda_group_backward_data(struct backend *b, float *din, const float *dout, const float *weight,
                                     const struct conv_shape *s, int groups)
{
    size_t count = (size_t)s->N * (size_t)s->C * volume(s->in);
    BY_PRECISION(b, group_slope, blocks_for(b, count), THREADS, (T *)din, (const T *)dout, weight, group_of(s, groups),
                 count);
}

static void cuda_group_backward_weight(struct backend *b, float *dweight, const float *dout, const float *in,
                                       const struct conv_shape *s, int groups)
{
    int weights = s->O * (s->C / groups) * (int)volume(s->kernel);
    BY_PRECISION(b, group_weight, blocks_of_rows(weights), THREADS, dweight, (const T *)dout, (const T *)in,
                 group_of(s, groups), weights);
}

void cuda_add_group(struct backend *b)
{
    b->group_forward = cuda_group_forward;
    b->group_backward_data = cuda_group_backward_data;
    b->group_backward_weight = cuda_group_backward_weight;
}
