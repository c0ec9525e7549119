/* SPDX-License-Identifier: Apache-2.0 */
/* backend -- one table of operations and memory; a back end is one filled table.   kernels
 *
 * Shapes, one legend: N boxes, C/O channels in/out, D H W voxels, P = D*H*W positions, K hidden width, V views.
 * Outputs come first, then inputs, then shapes. Backward mirrors forward with d before each name and ACCUMULATES (+=)
 * into what it is given, except where it says "writes". All numbers are float32 on the device.
 *
 * Two layouts. ROWS is [N][C], plain, the same everywhere. IMAGE is the back end's own ([N][C][D][H][W] in ref;
 * [P][C/16][N][16] in cpu; NDHWC in cuda): only image_put/image_get/image_size know it. Convolution weights likewise
 * (weight_put/weight_get, [O][C][taps] outside). Everything elementwise may treat either as a flat array of *_size floats;
 * padding a layout adds is zero and stays zero.
 *
 * A convolution's weights hold only taps that live: those that meet the image for some output (conv_live_taps), in
 * ascending order. 87 % of ResNet18's meet nothing on a box of 16^3: no back end keeps them, see struct dead_state. A grouped
 * convolution's weights hold every tap.
 *
 * Same inputs, same back end and build: the same bytes, whatever the number of threads. Reductions have a fixed order.
 * Operations do not fail: shapes are checked when a network is built. Memory: alloc dies when there is none (cpu). */
#ifndef PETREL_KERNELS_BACKEND_H
#define PETREL_KERNELS_BACKEND_H
#include "common/base.h"
#include "kernels/ranks.h"
#ifdef __cplusplus
extern "C" {
#endif

struct backend;
struct augment_plan;
enum layout { ROWS, IMAGE };
/* How images (and what products read) may be kept. Parameters, statistics, ROWS, losses and optimisers are float32 in both.
 * cuda keeps images so; cpu keeps float32 and rounds what convolutions read (a processor with AVX512_BF16); ref has it not. */
enum precision { FLOAT32, BFLOAT16 };

struct conv_shape {
    int N, C, O;
    int in[3], kernel[3], stride[3], pad[3]; /* D H W */
    int out[3]; /* conv_out_dims or conv_same_dims fills it: taps past the far edge meet nothing, however many */
};
struct conv; /* a convolution of one shape, planned: live taps, workspace; the back end's own */

struct norm_shape {
    enum layout layout;
    int N, C, dim[3];     /* ROWS: dim is 1,1,1 */
    int views;            /* batch statistics are kept apart for each of `views` equal parts of N (METHOD.md 2) */
    double eps, momentum; /* 0: 1e-5, and 0.1 */
};
struct pool_shape {
    int N, C, in[3], kernel, stride, pad, out[3];
    bool ceil; /* a last window may reach past the far edge, as PyTorch's ceil_mode */
};
/* What dropout draws, on the device, so that a recorded step draws anew. */
struct dropout_draw {
    uint64_t seed, step;
};

/* The dead taps of one tensor, on the device. Their gradient is zero, so an optimiser that is linear in the parameter keeps
 * them and their momentum in proportion to what they were at first: w = scale w0, m = momentum w0. */
struct dead_state {
    double scale, momentum, squares; /* of w0, summed */
};

struct backend {
    const char *name; /* "cpu" */
    char device[128]; /* for people: "2 threads, AVX-512" */
    void *own;        /* the back end's state */
    bool roomy; /* memory is plenty and calls are dear: a tape's values share no places, gradients are zeroed in few calls */
    struct ranks *ranks; /* NULL: alone. join makes it, close leaves */
    /* Become one of several; NULL where the back end knows no way. -1 and a sentence (EX_UNAVAILABLE: what is missing). */
    int (*join)(struct backend *b, const struct world *world, struct error *e);

    /* memory on the device; zeroed */
    void *(*alloc)(struct backend *b, size_t bytes);
    void (*release)(struct backend *b, void *memory);
    void (*put)(struct backend *b, void *device, const void *host, size_t bytes);
    void (*get)(struct backend *b, void *host, const void *device, size_t bytes);
    void (*zero)(struct backend *b, void *device, size_t bytes);
    void (*sync)(struct backend *b);
    void (*close)(struct backend *b);

    /* layouts; host side is [N][C][D][H][W] and [O][C][taps] */
    size_t (*image_size)(struct backend *b, int N, int C, const int dim[3]); /* floats */
    void (*image_put)(struct backend *b, float *image, const float *host, int N, int C, const int dim[3]);
    void (*image_get)(struct backend *b, float *host, const float *image, int N, int C, const int dim[3]);
    /* as image_put, of boxes [N][C][16][16][16], some of which are augmented on the way (kernels/augment.h). NULL: it cannot */
    void (*augment_put)(struct backend *b, float *image, const float *host, int N, int C,
                        const struct augment_plan *plan);
    unsigned augments; /* which of them (1 << enum augmentation_kind) */
    size_t (*weight_size)(struct backend *b, int O, int C, int taps);
    void (*weight_put)(struct backend *b, float *weight, const float *host, int O, int C, int taps);
    void (*weight_get)(struct backend *b, float *host, const float *weight, int O, int C, int taps);

    /* convolution, no bias; IMAGE in and out, weight (O, C, live taps). forward writes out; backward_* accumulate */
    struct conv *(*conv_open)(struct backend *b, const struct conv_shape *s);
    void (*conv_close)(struct backend *b, struct conv *c);
    void (*conv_forward)(struct backend *b, float *out, const float *in, const float *weight, struct conv *c);
    void (*conv_backward_data)(struct backend *b, float *din, const float *dout, const float *weight, struct conv *c);
    void (*conv_backward_weight)(struct backend *b, float *dweight, const float *dout, const float *in, struct conv *c);

    /* y = act(gamma * (x - mean) * rstd + beta + residual); residual may be NULL; act is ReLU where relu.
     * training: mean and rstd [views][C] are written and running_* move once per view, in order (running variance unbiased);
     * evaluation: running_* are used. */
    void (*norm_forward)(struct backend *b, float *out, float *mean, float *rstd, float *running_mean,
                         float *running_var, const float *in, const float *residual, const float *gamma,
                         const float *beta, const struct norm_shape *s, bool relu, bool training);
    /* out is forward's result (its sign is ReLU's mask). dresidual may be NULL, and so may dgamma and dbeta, both. din, dresidual, dgamma, dbeta accumulate.
     * Batch statistics' gradient, training only. dout is destroyed (may be used as scratch). */
    void (*norm_backward)(struct backend *b, float *din, float *dresidual, float *dgamma, float *dbeta, float *dout,
                          const float *out, const float *in, const float *mean, const float *rstd, const float *gamma,
                          const struct norm_shape *s, bool relu);

    /* max pooling, IMAGE; where: position (0..P-1 of the input) each maximum came from, first on ties, in image order */
    void (*maxpool_forward)(struct backend *b, float *out, int32_t *where, const float *in, const struct pool_shape *s);
    void (*maxpool_backward)(struct backend *b, float *din, const float *dout, const int32_t *where,
                             const struct pool_shape *s);
    /* mean over positions, IMAGE -> ROWS */
    void (*avgpool_forward)(struct backend *b, float *out, const float *in, int N, int C, const int dim[3]);
    void (*avgpool_backward)(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3]);

    /* ROWS. out(N,O) = in(N,C) weight(O,C)^T + bias(O); bias, and any of backward's three, may be NULL. forward writes */
    void (*linear_forward)(struct backend *b, float *out, const float *in, const float *weight, const float *bias,
                           int N, int C, int O);
    void (*linear_backward)(struct backend *b, float *din, float *dweight, float *dbias, const float *dout,
                            const float *in, const float *weight, int N, int C, int O);
    /* per row: (x - mean) / sqrt(var + 1e-5), biased var, no affine; rstd [N] kept for backward */
    void (*layernorm_forward)(struct backend *b, float *out, float *rstd, const float *in, int N, int C);
    void (*layernorm_backward)(struct backend *b, float *din, const float *dout, const float *out, const float *rstd,
                               int N, int C);
    /* per row: x / max(|x|, 1e-12); rnorm [N] kept (1/|x|) */
    void (*l2norm_forward)(struct backend *b, float *out, float *rnorm, const float *in, int N, int C);
    void (*l2norm_backward)(struct backend *b, float *din, const float *dout, const float *out, const float *rnorm,
                            int N, int C);
    /* out(N,C) = in(N,C) * scale(C) */
    void (*scale_forward)(struct backend *b, float *out, const float *in, const float *scale, int N, int C);
    void (*scale_backward)(struct backend *b, float *din, float *dscale, const float *dout, const float *in,
                           const float *scale, int N, int C);
    /* out(N,A+B) = in_a(N,A), in_b(N,B) */
    void (*concat_forward)(struct backend *b, float *out, const float *in_a, const float *in_b, int N, int A, int B);
    void (*concat_backward)(struct backend *b, float *din_a, float *din_b, const float *dout, int N, int A, int B);
    /* count numbers of either layout; a back end may keep images in fewer bits, so it is told which */
    void (*relu_forward)(struct backend *b, float *out, const float *in, size_t count, enum layout layout);
    void (*relu_backward)(struct backend *b, float *din, const float *dout, const float *out, size_t count,
                          enum layout layout);
    /* exact: x * Phi(x) */
    void (*gelu_forward)(struct backend *b, float *out, const float *in, size_t count, enum layout layout);
    void (*gelu_backward)(struct backend *b, float *din, const float *dout, const float *in, size_t count,
                          enum layout layout);
    void (*softmax)(struct backend *b, float *out, const float *in, int N, int C);
    void (*softmax_backward)(struct backend *b, float *din, const float *dout, const float *out, int N, int C);

    /* What other networks need (SE-ResNet, EfficientNet, DenseNet, ViT). Where an image is flat in 2-D, D and its kernel are 1.
     * out may be one of the two. */
    void (*add)(struct backend *b, float *out, const float *in_a, const float *in_b, size_t count, enum layout layout);
    void (*sigmoid_forward)(struct backend *b, float *out, const float *in,
                            size_t count); /* ROWS alone: of padding it is 1/2 */
    void (*sigmoid_backward)(struct backend *b, float *din, const float *dout, const float *out, size_t count);
    /* x * sigmoid(x) */
    void (*silu_forward)(struct backend *b, float *out, const float *in, size_t count, enum layout layout);
    void (*silu_backward)(struct backend *b, float *din, const float *dout, const float *in, size_t count,
                          enum layout layout);
    /* ROWS. Each number is 0 with probability `rate`, or divided by 1 - rate. Row n draws Philox(draw->seed, RNG_DROPOUT,
     * draw->step << 32 | index + n), so backward need not be told what forward drew, and every back end drops the same. rate in
     * [0,1), index + N < 2^32; draw on the device */
    void (*dropout_forward)(struct backend *b, float *out, const float *in, int N, int C, float rate,
                            const struct dropout_draw *draw, uint32_t index);
    void (*dropout_backward)(struct backend *b, float *din, const float *dout, int N, int C, float rate,
                             const struct dropout_draw *draw, uint32_t index);
    /* Stochastic depth: the same of whole boxes, IMAGE, or ROWS of dim[0] tokens a box: box n's first number decides for all of it */
    void (*droppath_forward)(struct backend *b, float *out, const float *in, int N, int C, const int dim[3],
                             enum layout layout, float rate, const struct dropout_draw *draw, uint32_t index);
    void (*droppath_backward)(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3],
                              enum layout layout, float rate, const struct dropout_draw *draw, uint32_t index);
    /* out(n,c,p) = act(in gamma(c) + beta(c)); gamma NULL: 1; ROWS are N rows of C, dim 1,1,1. backward: out is forward's result;
     * din, dgamma and dbeta may be NULL each, dout is left alone */
    void (*affine_forward)(struct backend *b, float *out, const float *in, const float *gamma, const float *beta, int N,
                           int C, const int dim[3], enum layout layout, bool relu);
    void (*affine_backward)(struct backend *b, float *din, float *dgamma, float *dbeta, const float *dout,
                            const float *out, const float *in, const float *gamma, int N, int C, const int dim[3],
                            enum layout layout, bool relu);
    /* `count` channels of `from`, from channel from_at on, go into `to` at to_at: concatenation, slices, and, added, their
     * gradients. Written (add false), whoever writes a channel last of all pads what its layout pads. ROWS: dim 1,1,1 */
    void (*channels_put)(struct backend *b, float *to, int to_C, int to_at, const float *from, int from_C, int from_at,
                         int count, int N, const int dim[3], enum layout layout, bool add);
    /* IMAGE (N,C,P) -> ROWS (N,C*P), as torch.flatten has it */
    void (*flatten_forward)(struct backend *b, float *out, const float *in, int N, int C, const int dim[3]);
    void (*flatten_backward)(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3]);
    /* out(n,i) = in(i), for N boxes; din(i) += sum over n of dout(n,i) */
    void (*repeat_forward)(struct backend *b, float *out, const float *in, int N, size_t count);
    void (*repeat_backward)(struct backend *b, float *din, const float *dout, int N, size_t count);
    /* IMAGE out(n,c,p) = in(n,c,p) * scale(n,c), scale in ROWS; din and dscale may be NULL */
    void (*gate_forward)(struct backend *b, float *out, const float *in, const float *scale, int N, int C,
                         const int dim[3]);
    void (*gate_backward)(struct backend *b, float *din, float *dscale, const float *dout, const float *in,
                          const float *scale, int N, int C, const int dim[3]);
    /* IMAGE; mean over a window's voxels that lie inside the image (PyTorch's count_include_pad=False) */
    void (*meanpool_forward)(struct backend *b, float *out, const float *in, const struct pool_shape *s);
    void (*meanpool_backward)(struct backend *b, float *din, const float *dout, const struct pool_shape *s);
    /* convolution in `groups` that divide C and O, weight(O, C/groups, all taps); groups == C == O is depthwise */
    void (*group_forward)(struct backend *b, float *out, const float *in, const float *weight,
                          const struct conv_shape *s, int groups);
    void (*group_backward_data)(struct backend *b, float *din, const float *dout, const float *weight,
                                const struct conv_shape *s, int groups);
    void (*group_backward_weight)(struct backend *b, float *dweight, const float *dout, const float *in,
                                  const struct conv_shape *s, int groups);
    /* IMAGE (N,C,P) -> ROWS (N*P,C): positions become tokens */
    void (*tokens_forward)(struct backend *b, float *out, const float *in, int N, int C, const int dim[3]);
    void (*tokens_backward)(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3]);
    /* mean over a box's tokens: out(N,C), in(N*T,C) */
    void (*tokenmean_forward)(struct backend *b, float *out, const float *in, int N, int T, int C);
    void (*tokenmean_backward)(struct backend *b, float *din, const float *dout, int N, int T, int C);
    /* ROWS of N boxes with T tokens each, q k v out (N*T,C); heads divide C, each sees C/heads channels side by side. Of q, k, v
     * and their gradients a row begins `next` floats after the last, so that one linear layer may give all three side by side.
     * prob(N,heads,T,T) = softmax(q k' / sqrt(C/heads)) is kept for backward; out = prob v */
    void (*attention_forward)(struct backend *b, float *out, float *prob, const float *q, const float *k,
                              const float *v, int next, int N, int T, int C, int heads);
    void (*attention_backward)(struct backend *b, float *dq, float *dk, float *dv, const float *dout, const float *prob,
                               const float *q, const float *k, const float *v, int next, int N, int T, int C, int heads);

    /* losses: value and gradient in one call; write (=) their outputs, the value on the device too.
     * VICReg, METHOD.md 3: z(2N,K), view a first; dz(2N,K); weight and terms: invariance, variance, covariance; loss is their
     * weighted sum. literal: eq. 2-6 as printed. */
    void (*vicreg)(struct backend *b, float *dz, float terms[3], const float *z, int N, int K, const float weight[3],
                   bool literal);
    /* Focal loss, METHOD.md 1: p = softmax(logits(N,C)); mean over N of alpha_c (1-p_y)^gamma * -log p_y, alpha[C] on the host.
     * on_softmax: logits are softmaxed once more first (released). dlogits(N,C). */
    void (*focal)(struct backend *b, float *dlogits, float *loss, const float *logits, const int32_t *label, int N,
                  int C, const float *alpha, float gamma, bool on_softmax);

    /* What the methods' losses are made of (kernels/methods); NULL: this back end has none of them.
     * Mean over N rows of -sum_c target_c log p_c, p = softmax over c of logits(N,C) / temperature. target(N,C): weights of
     * classes; a class whose weight is negative takes no part in its row, nor in its softmax. */
    void (*cross_entropy)(struct backend *b, float *dlogits, float *loss, const float *logits, const float *target,
                          int N, int C, float temperature);
    /* sum (x - y)^2 * scale, and dx */
    void (*squares)(struct backend *b, float *dx, float *loss, const float *x, const float *y, size_t count,
                    float scale);
    /* Sinkhorn-Knopp: q(N,K) = exp(scores / eps), its columns and rows brought to equal sums in turn, `rounds` times; rows sum
     * to 1 at last (SwAV). q may not be scores. */
    void (*sinkhorn)(struct backend *b, float *q, const float *scores, int N, int K, float eps, int rounds);
    /* to += *rate (from - to); *rate is on the device */
    void (*lerp)(struct backend *b, float *to, const float *from, size_t count, const float *rate);
    /* N rows go into ring(capacity,C) from row *at on, round its end, and *at moves on; it is a whole number, on the device.
     * N <= capacity */
    void (*enqueue)(struct backend *b, float *ring, float *at, const float *rows, int N, int C, int capacity);
    /* Groups follow the rows nearest to them (SMoG). onehot(N,K): 1 at the largest of scores(N,K), the first of equal ones. share(N,K):
     * rate / count there, count the rows of that group. to(K,C) = (1 - rate) from(K,C) + share' rows(N,C) where it has rows, else
     * from. to NULL: onehot alone */
    void (*regroup)(struct backend *b, float *to, float *share, float *onehot, const float *scores, const float *rows,
                    const float *from, int N, int K, int C, float rate);
    /* How far cosines are from shares of overlap (VoCo). Where target(N,C) is 0 to 1: d = |target - max(cosine, 0)|, terms[0] +=
     * scale[0] * -log(1 - d + 1e-6). Where it is -2: terms[1] += scale[1] |cosine| / 2, with the gradient of scale[1] |cosine|: such
     * pairs stand twice, mirrored, and the gradient is taken of one side. Elsewhere nothing. */
    void (*overlap)(struct backend *b, float *dcosine, float terms[2], const float *cosine, const float *target, int N,
                    int C, const float scale[2]);

    /* optimisers, elementwise on one tensor of `count` floats. What changes from step to step is on the device: rates
     * (RATES floats) and the sum, so that a step can be recorded. */
    void (*sum_of_squares)(struct backend *b, double *sum, const float *x, size_t count); /* accumulates */
    /* *scale = most / (sqrt(*sum) + 1e-6) where that is below 1, else 1: torch.nn.utils.clip_grad_norm_'s */
    void (*clip)(struct backend *b, float *scale, const double *sum, float most);
    /* METHOD.md 3; adapt: tensors with more than one dimension (decay and trust ratio). grad is scaled by RATE_GRAD_SCALE.
     * dead: NULL, or the tensor's dead taps: they count in both lengths, |p|^2 += scale^2 squares, |g|^2 += (decay scale)^2
     * squares, and take the same step, in double. */
    void (*lars)(struct backend *b, float *param, float *momentum, const float *grad, size_t count,
                 struct dead_state *dead, bool adapt, const float *rates, float momentum_factor, float weight_decay,
                 float trust);
    /* AdamW (decoupled) or, with coupled, Adam with L2; grad is scaled by RATE_GRAD_SCALE */
    void (*adamw)(struct backend *b, float *param, float *m, float *v, const float *grad, size_t count,
                  const float *rates, float beta1, float beta2, float eps, float weight_decay, bool coupled);

    /* m = momentum_factor m + grad + weight_decay p; p -= lr m, of every tensor alike. dead as for lars. NULL: it has none */
    void (*sgd)(struct backend *b, float *param, float *momentum, const float *grad, size_t count,
                struct dead_state *dead, const float *rates, float momentum_factor, float weight_decay);

    /* Runs body(context), whose calls depend on nothing but what lies on the device. A back end may record them under
     * *recorded (NULL at first) and from then on replay them instead of running body: the same operations, pointers and
     * shapes every time; what changes lies in device memory. step_forget frees what was recorded; NULL is fine. */
    void (*step)(struct backend *b, void **recorded, void (*body)(void *context), void *context);
    void (*step_forget)(struct backend *b, void **recorded);
};

/* places in `rates` */
enum {
    RATE_LR,
    RATE_GRAD_SCALE,
    RATE_CORRECT1, /* 1 - beta1^step, 1 - beta2^step; step from 1 */
    RATE_CORRECT2,
    RATES
};
/* step and step_forget of back ends that record nothing */
void backend_step_plain(struct backend *b, void **recorded, void (*body)(void *context), void *context);
void backend_forget_plain(struct backend *b, void **recorded);

/* name: "cpu", "cuda" or "ref"; threads 0: all cores. NULL and a sentence (EX_UNAVAILABLE: no usable GPU and what was
 * looked for) when it cannot be had. "cuda" is a shared object that exports petrel_cuda_open(threads, precision, e): the file PETREL_CUDA
 * names, or petrel-cuda.so where object.h looks. PETREL_CPU=plain|avx2|avx512 asks "cpu" for narrower loops than
 * the processor has. BFLOAT16 from a back end without it is an error (EX_UNAVAILABLE), never float32 in silence. */
struct backend *backend_open(const char *name, int threads, enum precision precision, struct error *e) MUST_USE;
void backend_close(struct backend **b);
/* out[a] = (in[a] + 2 pad[a] - kernel[a]) / stride[a] + 1 */
void conv_out_dims(struct conv_shape *s);
/* out[a] = in[a] / stride[a], rounded up, and the padding before that takes: TensorFlow's "same", of which an odd half lies behind */
void conv_same_dims(struct conv_shape *s);
static inline double norm_eps(const struct norm_shape *s)
{
    return s->eps > 0 ? s->eps : 1e-5;
}
static inline double norm_momentum(const struct norm_shape *s)
{
    return s->momentum > 0 ? s->momentum : 0.1;
}
/* How many taps of a kernel meet the image for some output, and their numbers, ascending; (d kH + h) kW + w is tap d,h,w.
 * taps: room for all of the kernel's, or NULL. */
int conv_live_taps(const struct conv_shape *s, int *taps);
static inline int conv_taps(const struct conv_shape *s)
{
    return s->kernel[0] * s->kernel[1] * s->kernel[2];
}
void pool_out_dims(struct pool_shape *s);

#ifdef __cplusplus
}
#endif
#endif
