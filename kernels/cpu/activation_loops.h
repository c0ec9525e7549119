/* SPDX-License-Identifier: Apache-2.0 */
/* activation_loops -- SiLU, GELU and their slopes on whole vectors; included by inner_loops.h.
 *
 * e^x = 2^n e^r with r within half of ln 2, by Taylor's series to r^7 (5e-9 of it left out). The normal distribution's tail is
 * Phi(-|x|) = e^(-x^2/2) t (a0 + a1 t + ... + a8 t^8), t = 1 / (1 + 0.35 |x|); the a were fitted to it at 2000 Chebyshev nodes of t for |x| up to 14
 * by least squares of the relative error, reweighted until its peaks were alike: 3e-8 at most, in float32 3e-7. A NaN stays one. A
 * last vector that is not full takes the same path, so a number's value does not depend on where it lies. */
ALWAYS vec choose(mask m, vec a, vec b)
{
    return (vec)((m & (mask)a) | (~m & (mask)b));
}

ALWAYS vec all_of(float x)
{
    return x - (vec){0};
}

/* Beyond -87 and 88 what it is there. */
ALWAYS vec exp_of(vec x)
{
    const float shift = 12582912.0f; /* 3 * 2^22: what is added to it loses its fraction */
    x = choose(x < -87.0f, all_of(-87.0f), x);
    x = choose(x > 88.0f, all_of(88.0f), x);
    vec shifted = x * 1.44269504f + shift, n = shifted - shift, r = x - n * 0.693359375f + n * 2.12194440e-4f;
    vec y = r * (1.0f / 5040) + 1.0f / 720;
    y = y * r + 1.0f / 120;
    y = y * r + 1.0f / 24;
    y = y * r + 1.0f / 6;
    y = y * r + 0.5f;
    y = y * r + 1.0f;
    y = y * r + 1.0f;
    mask exponent = (mask)shifted - 0x4b400000; /* shift's bits */
    return y * (vec)((exponent + 127) << 23);
}

ALWAYS vec sigmoid_of(vec x)
{
    return 1.0f / (1.0f + exp_of(-x));
}

ALWAYS vec silu_of(vec x)
{
    return x * sigmoid_of(x);
}

/* s (1 + x (1 - s)) */
ALWAYS vec silu_slope(vec x)
{
    vec s = sigmoid_of(x);
    return s * (1.0f + x * (1.0f - s));
}

/* Phi(x), and in *bell e^(-x^2/2) */
ALWAYS vec normal_cdf(vec x, vec *bell)
{
    vec a = choose(x < 0, -x, x), t = 1.0f / (1.0f + 0.35f * a), e = exp_of(-0.5f * x * x);
    vec y = t * -0.0291459309f + 0.143971699f;
    y = y * t - 0.255714255f;
    y = y * t + 0.159174157f;
    y = y * t - 0.0231098302f;
    y = y * t + 0.105508001f;
    y = y * t + 0.119832869f;
    y = y * t + 0.139861869f;
    y = (y * t + 0.139621404f) * t * e;
    *bell = e;
    return choose(x > 0, 1.0f - y, y);
}

ALWAYS vec gelu_of(vec x)
{
    vec bell;
    return x * normal_cdf(x, &bell);
}

/* Phi(x) + x phi(x) */
ALWAYS vec gelu_slope(vec x)
{
    vec bell, cdf = normal_cdf(x, &bell);
    return cdf + x * bell * 0.398942280f;
}

/* A last vector that is not full, with zeros behind it. */
ALWAYS vec some_of(const float *from, size_t count)
{
    float padded[WIDTH] = {0};
    memcpy(padded, from, count * sizeof *from);
    return load(padded);
}
ALWAYS void some_to(float *to, vec x, size_t count)
{
    float padded[WIDTH];
    store(padded, x);
    memcpy(to, padded, count * sizeof *to);
}

#define ACTIVATION(name)                                                                                               \
    static void name##_forward(float *out, const float *in, size_t count)                                              \
    {                                                                                                                  \
        size_t i = 0;                                                                                                  \
        for (; i + WIDTH <= count; i += WIDTH)                                                                         \
            store(out + i, name##_of(load(in + i)));                                                                   \
        if (i < count)                                                                                                 \
            some_to(out + i, name##_of(some_of(in + i, count - i)), count - i);                                        \
    }                                                                                                                  \
    static void name##_backward(float *din, const float *dout, const float *in, size_t count)                          \
    {                                                                                                                  \
        size_t i = 0;                                                                                                  \
        for (; i + WIDTH <= count; i += WIDTH)                                                                         \
            store(din + i, load(din + i) + load(dout + i) * name##_slope(load(in + i)));                               \
        if (i < count)                                                                                                 \
            some_to(din + i,                                                                                           \
                    some_of(din + i, count - i) +                                                                      \
                        some_of(dout + i, count - i) * name##_slope(some_of(in + i, count - i)),                       \
                    count - i);                                                                                        \
    }
ACTIVATION(silu)
ACTIVATION(gelu)
#undef ACTIVATION
