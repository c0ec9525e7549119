/* SPDX-License-Identifier: Apache-2.0 */
/* pool -- largest of a window, mean of an image.   kernels/cuda
 *
 * Backward gathers: a voxel asks every window that holds it whether it was the largest, in the windows' order, so that nothing
 * is added by two threads. where: the number of the largest in its window, as wide as a number of the image, so that it fits
 * where an image does. tests: ops_image */
#include "kernels/cuda/window.cuh"

template <class T> struct position_type;
template <> struct position_type<float> {
    typedef int32_t type;
};
template <> struct position_type<bf16> {
    typedef uint16_t type;
};

template <class T>
__global__ void maxpool(T *out, typename position_type<T>::type *where, const T *in, struct pool_shape s, size_t count)
{
    for (size_t i = first(); i < count; i += stride()) {
        struct voxel v = voxel_of(i, s.C, s.out);
        struct window w = window_of(s, v);
        float best = 0;
        int at = -1;
        for (int z = w.from[0]; z < w.past[0]; z++)
            for (int y = w.from[1]; y < w.past[1]; y++)
                for (int x = w.from[2]; x < w.past[2]; x++) {
                    float now = number(in[index_of(v.n, z, y, x, v.c, s.C, s.in)]);
                    if (at < 0 || now > best) { /* the first on ties */
                        best = now;
                        at = ((z - w.begin[0]) * s.kernel + y - w.begin[1]) * s.kernel + x - w.begin[2];
                    }
                }
        keep(&out[i], best);
        where[i] = (typename position_type<T>::type)at;
    }
}

template <class T>
__global__ void maxpool_slope(T *din, const T *dout, const typename position_type<T>::type *where, struct pool_shape s,
                              size_t count)
{
    for (size_t i = first(); i < count; i += stride()) {
        struct voxel v = voxel_of(i, s.C, s.in);
        struct window w = windows_over(s, v);
        float sum = 0;
        for (int z = w.from[0]; z < w.past[0]; z++)
            for (int y = w.from[1]; y < w.past[1]; y++)
                for (int x = w.from[2]; x < w.past[2]; x++) {
                    size_t p = index_of(v.n, z, y, x, v.c, s.C, s.out);
                    int at = ((v.at[0] - z * s.stride + s.pad) * s.kernel + v.at[1] - y * s.stride + s.pad) * s.kernel +
                             v.at[2] - x * s.stride + s.pad;
                    if ((int)where[p] == at)
                        sum += number(dout[p]);
                }
        keep(&din[i], number(din[i]) + sum);
    }
}

template <class T> __global__ void avgpool(float *out, const T *in, size_t count, size_t P, size_t C)
{
    for (size_t i = first(); i < count; i += stride()) {
        size_t n = i / C, c = i % C;
        float sum = 0;
        for (size_t p = 0; p < P; p++)
            sum += number(in[(n * P + p) * C + c]);
        out[i] = sum / (float)P;
    }
}

template <class T> __global__ void avgpool_slope(T *din, const float *dout, size_t count, size_t P, size_t C)
{
    for (size_t i = first(); i < count; i += stride())
        keep(&din[i], number(din[i]) + dout[i / (P * C) * C + i % C] / (float)P);
}

static void cuda_maxpool_forward(struct backend *b, float *out, int32_t *where, const float *in,
                                 const struct pool_shape *s)
{
    size_t count = (size_t)s->N * (size_t)s->C * volume(s->out);
    assert(!is_narrow(b, IMAGE) || s->kernel <= 40); /* 16 bits for a place in a window */
    BY_PRECISION(b, maxpool, blocks_for(b, count), THREADS, (T *)out, (typename position_type<T>::type *)where,
                 (const T *)in, *s, count);
    cuda_end_image(b, out, count);
}

static void cuda_maxpool_backward(struct backend *b, float *din, const float *dout, const int32_t *where,
                                  const struct pool_shape *s)
{
    size_t count = (size_t)s->N * (size_t)s->C * volume(s->in);
    BY_PRECISION(b, maxpool_slope, blocks_for(b, count), THREADS, (T *)din, (const T *)dout,
                 (const typename position_type<T>::type *)where, *s, count);
}

static void cuda_avgpool_forward(struct backend *b, float *out, const float *in, int N, int C, const int dim[3])
{
    size_t count = (size_t)N * (size_t)C;
    BY_PRECISION(b, avgpool, blocks_for(b, count), THREADS, out, (const T *)in, count, volume(dim), (size_t)C);
}

static void cuda_avgpool_backward(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3])
{
    size_t P = volume(dim), count = (size_t)N * P * (size_t)C;
    BY_PRECISION(b, avgpool_slope, blocks_for(b, count), THREADS, (T *)din, dout, count, P, (size_t)C);
}

void cuda_add_pool(struct backend *b)
{
    b->maxpool_forward = cuda_maxpool_forward;
    b->maxpool_backward = cuda_maxpool_backward;
    b->avgpool_forward = cuda_avgpool_forward;
    b->avgpool_backward = cuda_avgpool_backward;
}
