/* SPDX-License-Identifier: Apache-2.0 */
/* sigmoid -- sigmoid, SiLU, and the sum of two.   kernels/cuda      tests: ops_more */
#include "kernels/cuda/elementwise.cuh"

struct sigmoid {
    __device__ static float of(float x)
    {
        return 1 / (1 + expf(-x));
    } /* exp may be infinite: then it is 0 */
    __device__ static float back(float dout, float out)
    {
        return dout * out * (1 - out);
    }
};

struct silu {
    __device__ static float of(float x)
    {
        return x * sigmoid::of(x);
    }
    __device__ static float back(float dout, float in)
    {
        float s = sigmoid::of(in);
        return dout * s * (1 + in * (1 - s));
    }
};

struct sum {
    __device__ static float of(float a, float b)
    {
        return a + b;
    }
};

static void cuda_sigmoid_forward(struct backend *b, float *out, const float *in, size_t count)
{
    run_one<sigmoid>(b, out, in, count, ROWS);
}

static void cuda_sigmoid_backward(struct backend *b, float *din, const float *dout, const float *out, size_t count)
{
    run_back<sigmoid>(b, din, dout, out, count, ROWS);
}

void cuda_add_sigmoid(struct backend *b)
{
    b->sigmoid_forward = cuda_sigmoid_forward;
    b->sigmoid_backward = cuda_sigmoid_backward;
    b->silu_forward = run_one<silu>;
    b->silu_backward = run_back<silu>;
    b->add = run_two<sum>;
}
