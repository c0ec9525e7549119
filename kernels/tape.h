/* SPDX-License-Identifier: Apache-2.0 */
/* tape -- a network is a list of operations built once for fixed shapes; run forwards and backwards.   kernels
 *
 *     struct tape *t = tape_open(params, N, views);
 *     int x = tape_image(t, 1, box), p = tape_rows(t, 9);
 *     int y = tape_conv(t, x, "backbone.conv1", 64, ...); y = tape_norm(t, y, "backbone.bn1", -1, true); ...
 *     tape_seal(t, training, NULL);
 * Values are small integers. Shapes are checked as the list grows (assert: a network that does not fit is a bug; nets/
 * checks settings first). seal makes one block for parameters, one for their gradients, one for activations and theirs
 * (tape_memory.c): nothing is allocated in a step. Several tapes may share one set of parameters (training, evaluation batch). */
#ifndef PETREL_KERNELS_TAPE_H
#define PETREL_KERNELS_TAPE_H
#include "kernels/backend.h"

struct tape;
enum param_kind {
    PARAM_PLAIN,
    PARAM_CONV,
    PARAM_BUFFER, /* running statistics: saved, not trained */
    PARAM_COUNTER /* num_batches_tracked: one int64 on the host, saved, not trained */
};
enum param_init {
    INIT_ZERO,
    INIT_ONE,
    INIT_NORMAL,
    INIT_CONV,   /* N(0, sqrt(2/(kD kH O))) */
    INIT_LINEAR, /* U(+-1/sqrt(fan_in)) */
    INIT_SMALL   /* N(0, 0.02) */
};

struct param {
    char name[96]; /* PyTorch's: "backbone.layer1.0.conv1.weight" */
    enum param_kind kind;
    enum param_init init;
    int ndim, dim[5]; /* PyTorch's shape */
    int fan_in;
    size_t count;              /* elements in PyTorch's shape */
    size_t live, dead;         /* of them on the device, and not: taps of a convolution that meet no image */
    int taps, live_taps, *tap; /* PARAM_CONV: of the kernel; those on the device, ascending (all of a grouped one's) */
    size_t size;               /* floats on the device (layouts may pad) */
    float *value, *grad;       /* on the device; grad NULL for buffers and frozen parameters */
    size_t at;                 /* offset in the blocks, floats; for optimisers that keep blocks alike */
    float *dead_weights; /* host, [O][C][dead taps]: their first values. NULL: nobody keeps them (params_keep_dead_weights) */
    struct dead_state *dead_state; /* on the device: what became of them; NULL where there are none */
    bool frozen;
    int64_t counter; /* PARAM_COUNTER */
};
/* Parameters of one network, owned apart from tapes so that tapes can share them. */
struct params {
    struct backend *backend;
    struct param *param;
    size_t count, room;
    float *values, *grads; /* blocks of `floats` and `trained` floats: trained parameters come first in values */
    size_t floats, trained;
    struct dead_state *dead_states; /* block */
    float *dead_weights;
    size_t dead; /* block on the host, and its floats; NULL: not kept, or taken away */
    bool sealed;
};

/* b NULL: only for tape_describe and counting; such tapes cannot be sealed. */
struct params *params_open(struct backend *b);
void params_close(struct params **p);
struct param *params_find(struct params *p, const char *name);
bool param_trained(const struct param *q); /* neither buffer, counter nor frozen */
/* Elements of parameters (not of buffers) whose name begins with prefix; "" for all. PyTorch's count, frozen or not. */
size_t params_elements(const struct params *p, const char *prefix);
/* Fresh values: Philox(seed, RNG_INIT, number of the parameter). */
void params_init(struct params *p, uint64_t seed);
/* Keep what dead taps are given, on the host: for who will want whole tensors back. After seal, before values come. */
void params_keep_dead_weights(struct params *p);
/* Host copies in PyTorch's layout; host has param->count floats. put is a new beginning for the dead taps (scale 1); get
 * gives dead_weights * scale for them, or 0 where that is NULL. */
void param_get(struct params *p, const struct param *q, float *host);
void param_put(struct params *p, struct param *q, const float *host);
/* The same for q in another block laid out as grads is, an optimiser's state: dead taps are 0, or ignored. */
void param_get_from(struct params *p, const struct param *q, const float *block, float *host);
void param_put_to(struct params *p, const struct param *q, float *block, const float *host);
/* Only what is on the device, q->live floats, (O,C,live taps) for a convolution; block: p->values, p->grads, optimiser state. */
void param_get_live(struct params *p, const struct param *q, const float *block, float *host);
void param_put_live(struct params *p, const struct param *q, float *block, const float *host);
/* Shape of what these give and take. */
int param_live_shape(const struct param *q, int64_t dim[5]);
/* Stop gradients for every parameter whose name begins with prefix. Before seal. */
void params_freeze(struct params *p, const char *prefix);
void params_zero_grad(struct params *p);

struct tape *tape_open(struct params *p, int N, int views);
void tape_close(struct tape **t);
int tape_image(struct tape *t, int C, const int dim[3]); /* an input; tape_put fills it */
int tape_rows(struct tape *t, int C);
int tape_conv(struct tape *t, int in, const char *name, int O, const int kernel[3], const int stride[3],
              const int pad[3]);
int tape_norm(struct tape *t, int in, const char *name, int residual /* value or -1 */, bool relu);
int tape_maxpool(struct tape *t, int in, int kernel, int stride, int pad);
int tape_avgpool(struct tape *t, int in);
int tape_linear(struct tape *t, int in, const char *name, int O, bool bias);
int tape_layernorm(struct tape *t, int in);
int tape_l2norm(struct tape *t, int in);
int tape_scale(struct tape *t, int in, const char *name, int rows /* 1: PyTorch shape (1,C) */);
int tape_concat(struct tape *t, int a, int b);                /* channels of images of one shape, too */
int tape_slice(struct tape *t, int in, int first, int count); /* of the channels of rows or of an image */
int tape_relu(struct tape *t, int in);
int tape_gelu(struct tape *t, int in);

/* What is rarer in any of these. */
struct tape_conv_shape {
    int O, kernel[3], stride[3], pad[3];
    int groups;      /* 0: 1 */
    bool same;       /* pad is TensorFlow's "same" */
    bool bias, relu; /* relu: of what has a bias */
};
int tape_conv_of(struct tape *t, int in, const char *name, const struct tape_conv_shape *s);
struct tape_norm_shape {
    int residual; /* value or -1 */
    bool relu;
    double eps, momentum; /* 0: 1e-5 and 0.1 */
};
int tape_norm_of(struct tape *t, int in, const char *name, const struct tape_norm_shape *s);
/* A linear layer whose weight has the shape of a convolution's by kernels of 1: (O,C,1,1,1) */
int tape_linear_conv(struct tape *t, int in, const char *name, int O, bool bias);
int tape_maxpool_ceil(struct tape *t, int in, int kernel, int stride, int pad);
/* layer norm with weight and bias; weight alone, or bias alone, is tape_affine */
int tape_layernorm_affine(struct tape *t, int in, const char *name);
int tape_affine(struct tape *t, int in, const char *name, bool weight, bool relu);

/* What other networks need. In 2-D, D is 1 and so are its kernel and stride, and its pad 0. */
int tape_group_conv(struct tape *t, int in, const char *name, int O, const int kernel[3], const int stride[3],
                    const int pad[3], int groups);
int tape_meanpool(struct tape *t, int in, int kernel, int stride, int pad); /* over voxels inside the image */
int tape_silu(struct tape *t, int in);
int tape_add(struct tape *t, int a, int b);
int tape_gate(struct tape *t, int image, int rows); /* (N,C,P) times (N,C) */
int tape_sigmoid(struct tape *t, int in);           /* rows; so are those below */
int tape_softmax(struct tape *t, int in);
int tape_dropout(struct tape *t, int in, float rate);
int tape_droppath(struct tape *t, int in, float rate); /* whole boxes, of images and tokens alike */
bool tape_drops(const struct tape *t);                 /* is any of the two there? */
/* What dropout draws until told otherwise: set before every step, outside what is recorded, so that a resumed run draws the same. */
void tape_draw(struct tape *t, uint64_t seed, uint32_t step);
int tape_flatten(struct tape *t, int image); /* (N,C,P) -> (N,C*P) */
/* A parameter as a value: the same T rows of C for every box, under this very name and PyTorch's shape (1,T,C). */
int tape_param(struct tape *t, const char *name, int T, int C, enum param_init init);
/* Rows may be tokens: T rows a box, which linear, norms of rows, activations, concat and dropout take one by one. */
int tape_tokens(struct tape *t, int image); /* (N,C,P): P tokens of C */
int tape_tokenmean(struct tape *t, int in); /* one row a box */
int tape_attention(struct tape *t, int q, int k, int v, int heads);
int tape_attention_qkv(struct tape *t, int qkv, int heads); /* of rows of 3C: q, k and v side by side */
int tape_tokens_join(struct tape *t, int a, int b);         /* a's tokens, then b's */
int tape_token(struct tape *t, int in, int which);          /* one of them: a row a box */
/* This value's gradient is given from outside, too, before tape_backward: it is there, is not set to nought, and what its readers add
 * comes on top. The last value is one without being named. Before seal. */
void tape_output(struct tape *t, int value);
/* training false: evaluation only, no gradients kept, norms use running statistics. The first seal of any tape also
 * seals the parameters: every tape that brings new ones must be built before it.
 * within: NULL, or a sealed tape whose blocks this one may use, for the two are never needed at once (the short last
 * batch beside the full one); where they are too small it gets its own. `within` must be closed later. */
void tape_seal(struct tape *t, bool training, struct tape *within);

/* Inputs, rows and the last value stay; an image in between is there only while operations need it: others lie in its place. */
float *tape_value(struct tape *t, int value); /* device */
float *tape_grad(struct tape *t,
                 int value); /* device; fill the last value's, and every output's, before tape_backward; others do not stay */
/* Fill an input from the host: [N][C][D][H][W], or [N][C] for rows; and read a value that stays. */
void tape_put(struct tape *t, int value, const float *host);
void tape_get(struct tape *t, int value, float *host);
void tape_value_shape(const struct tape *t, int value, enum layout *layout, int *C, int dim[3]);
void tape_forward(struct tape *t); /* of a training tape: batch statistics, and running ones move */
/* As tape_forward, of a tape without gradients too: a teacher's, whose statistics are its batches' own. */
void tape_statistics(struct tape *t);
/* From now on an input of t is the same memory as one of `from`, which must stay open longer: two networks, one batch. Both sealed. */
void tape_share(struct tape *t, int input, struct tape *from, int value);
void tape_count(struct tape *t);    /* what a tape_forward moves on the host: once for each, outside what is recorded */
void tape_evaluate(struct tape *t); /* any tape: running statistics, nothing moves */
void tape_backward(struct tape *t); /* parameter gradients accumulate: params_zero_grad first */
size_t tape_bytes(const struct tape *t); /* activations and their gradients */
int tape_boxes(const struct tape *t);    /* N */
struct params *tape_params(struct tape *t);
/* One row an operation, for whoever tells others of a network (describe, ONNX). false past the end. */
struct tape_row {
    const char *op, *name; /* kind; "" where it has none */
    int C, O, in[3], out[3], kernel[3], stride[3], pad[3] /* before */, behind[3];
    uint64_t params, live_params; /* live: counting only taps that fall inside the image */
    double mmacs, live_mmacs;     /* millions of multiply-adds a box */
    enum layout from_layout, layout;
    int from[3], to;              /* values read, -1 none (norm: the second is its residual); value made */
    const struct param *param[5]; /* NULL: none */
    int groups, heads, first;     /* first: of a slice its channel, of a token its number */
    bool relu, ceil;
    double eps;
};
bool tape_describe(const struct tape *t, size_t i, struct tape_row *row);
#endif
