/* SPDX-License-Identifier: Apache-2.0 */
/* meanpool -- mean of a window, over its voxels inside the image.   kernels/cuda      tests: ops_more */
#include "kernels/cuda/window.cuh"

__device__ static float voxels_in(struct window w)
{
    return (float)((w.past[0] - w.from[0]) * (w.past[1] - w.from[1]) * (w.past[2] - w.from[2]));
}

template <class T> __global__ void meanpool(T *out, const T *in, struct pool_shape s, size_t count)
{
    for (size_t i = first(); i < count; i += stride()) {
        struct voxel v = voxel_of(i, s.C, s.out);
        struct window w = window_of(s, v);
        float sum = 0;
        for (int z = w.from[0]; z < w.past[0]; z++)
            for (int y = w.from[1]; y < w.past[1]; y++)
                for (int x = w.from[2]; x < w.past[2]; x++)
                    sum += number(in[index_of(v.n, z, y, x, v.c, s.C, s.in)]);
        keep(&out[i], sum / voxels_in(w));
    }
}

template <class T> __global__ void meanpool_slope(T *din, const T *dout, struct pool_shape s, size_t count)
{
    for (size_t i = first(); i < count; i += stride()) {
        struct voxel v = voxel_of(i, s.C, s.in), p = v;
        struct window w = windows_over(s, v);
        float sum = 0;
        for (p.at[0] = w.from[0]; p.at[0] < w.past[0]; p.at[0]++)
            for (p.at[1] = w.from[1]; p.at[1] < w.past[1]; p.at[1]++)
                for (p.at[2] = w.from[2]; p.at[2] < w.past[2]; p.at[2]++)
                    sum += number(dout[index_of(v.n, p.at[0], p.at[1], p.at[2], v.c, s.C, s.out)]) /
                           voxels_in(window_of(s, p));
        keep(&din[i], number(din[i]) + sum);
    }
}

static void cuda_meanpool_forward(struct backend *b, float *out, const float *in, const struct pool_shape *s)
{
    size_t count = (size_t)s->N * (size_t)s->C * volume(s->out);
    BY_PRECISION(b, meanpool, blocks_for(b, count), THREADS, (T *)out, (const T *)in, *s, count);
    cuda_end_image(b, out, count);
}

static void cuda_meanpool_backward(struct backend *b, float *din, const float *dout, const struct pool_shape *s)
{
    size_t count = (size_t)s->N * (size_t)s->C * volume(s->in);
    BY_PRECISION(b, meanpool_slope, blocks_for(b, count), THREADS, (T *)din, (const T *)dout, *s, count);
}

void cuda_add_meanpool(struct backend *b)
{
    b->meanpool_forward = cuda_meanpool_forward;
    b->meanpool_backward = cuda_meanpool_backward;
}
