/* SPDX-License-Identifier: Apache-2.0 */
/* window -- voxels of an NDHWC image, and the cubic windows of a pool.   kernels/cuda */
#ifndef PETREL_KERNELS_CUDA_WINDOW_CUH
#define PETREL_KERNELS_CUDA_WINDOW_CUH
#include "kernels/cuda/device.cuh"

#include <assert.h>

struct voxel {
    int n, at[3], c;
};
__device__ static inline struct voxel voxel_of(size_t i, int C, const int dim[3])
{
    struct voxel v;
    size_t p = i / (size_t)C;
    v.c = (int)(i % (size_t)C);
    v.at[2] = (int)(p % (size_t)dim[2]);
    p /= (size_t)dim[2];
    v.at[1] = (int)(p % (size_t)dim[1]);
    p /= (size_t)dim[1];
    v.at[0] = (int)(p % (size_t)dim[0]);
    v.n = (int)(p / (size_t)dim[0]);
    return v;
}

__device__ static inline size_t index_of(int n, int z, int y, int x, int c, int C, const int dim[3])
{
    return ((((size_t)n * (size_t)dim[0] + (size_t)z) * (size_t)dim[1] + (size_t)y) * (size_t)dim[2] + (size_t)x) *
               (size_t)C +
           (size_t)c;
}

/* begin: where it would begin, outside the image perhaps; from, past: clipped */
struct window {
    int begin[3], from[3], past[3];
};

/* of the output voxel p */
__device__ static inline struct window window_of(const struct pool_shape &s, struct voxel p)
{
    struct window w;
    for (int a = 0; a < 3; a++) {
        w.begin[a] = p.at[a] * s.stride - s.pad;
        w.from[a] = w.begin[a] < 0 ? 0 : w.begin[a];
        w.past[a] = w.begin[a] + s.kernel < s.in[a] ? w.begin[a] + s.kernel : s.in[a];
    }
    return w;
}

/* the output voxels whose windows hold the input voxel q: kernel > q + pad - p stride >= 0 */
__device__ static inline struct window windows_over(const struct pool_shape &s, struct voxel q)
{
    struct window w;
    for (int a = 0; a < 3; a++) {
        int far = q.at[a] + s.pad, near = far - s.kernel + 1;
        w.begin[a] = w.from[a] = near <= 0 ? 0 : (near + s.stride - 1) / s.stride;
        w.past[a] = far / s.stride + 1 < s.out[a] ? far / s.stride + 1 : s.out[a];
    }
    return w;
}

#endif
