/* SPDX-License-Identifier: Apache-2.0 */
/* tape_internal -- what the files of the tape share and nobody else sees.   kernels/tape */
#ifndef PETREL_KERNELS_TAPE_INTERNAL_H
#define PETREL_KERNELS_TAPE_INTERNAL_H
#include "kernels/tape.h"

/* One number array of the network: an input or what an operation makes. */
struct value {
    enum layout layout;
    int C, dim[3];      /* ROWS: tokens a box (1: a plain row), 1, 1 */
    size_t size;        /* floats on the device */
    float *data, *grad; /* grad NULL: nothing upstream is trained */
    bool wants_grad, is_input, is_output;
    float *own; /* padded layouts live apart from the block: what pads them must stay zero */
};

struct op;
/* What backward looks at besides gradients and what forward kept: the data of these may not be lost before. */
enum { NEEDS_IN = 1, NEEDS_OTHERS = 2 /* other, third */, NEEDS_OUT = 4 };
/* An operation: how it runs and what it costs. backward is called only where a gradient is wanted. */
struct op_kind {
    const char *name;
    unsigned needs;
    void (*forward)(struct tape *t, struct op *op, bool training);
    void (*backward)(struct tape *t, struct op *op);
    size_t (*keep)(const struct tape *t, const struct op *op); /* floats forward leaves for backward; NULL: none */
    void (*open)(struct tape *t, struct op *op);               /* NULL: nothing to plan */
    void (*close)(struct tape *t, struct op *op);
};

struct op {
    const struct op_kind *kind;
    char name[64];
    int in, other, third, out; /* values; other: residual, or a second input; third: attention's; -1 none */
    int param[5];              /* numbers in params; -1 none */
    bool relu;
    size_t keep_size; /* floats */
    float *keep;
    struct conv_shape conv_shape;
    struct conv *conv;
    struct norm_shape norm;
    struct pool_shape pool;
    int groups, heads;
    int first;  /* slice: channel; token: which */
    float rate; /* dropout */
    int number; /* dropout: which one of the tape's */
};

/* A gradient that something will be added to: zero before the backward of operation `before`. */
struct zeroed {
    size_t before;
    float *at;
    size_t floats;
};

struct tape {
    struct params *params;
    struct backend *b;
    int N, views;
    struct value *value;
    size_t value_count, value_room;
    struct op *op;
    size_t op_count, op_room;
    bool sealed, training;
    float *block; /* values, what operations keep, gradients of values: each where it lies in nobody's way (tape_memory.c) */
    size_t block_floats, own_floats;
    bool borrowed;
    struct zeroed *zeroed; /* in the order backward comes to them */
    size_t zeroed_count;
    int dropouts;
    struct dropout_draw *draw; /* on the device; NULL: nothing is dropped */
};

extern const struct op_kind op_conv, op_norm, op_maxpool, op_avgpool, op_linear, op_layernorm, op_l2norm, op_scale,
    op_concat, op_relu, op_gelu, op_group, op_meanpool, op_sigmoid, op_silu, op_softmax, op_dropout, op_add, op_gate,
    op_tokens, op_tokenmean, op_attention, op_attention_qkv, op_tokens_join, op_token, op_affine, op_concat_image,
    op_slice, op_flatten, op_repeat, op_droppath;

/* what an operation works on */
static inline float *in_data(const struct tape *t, const struct op *op)
{
    return t->value[op->in].data;
}
static inline float *in_grad(const struct tape *t, const struct op *op)
{
    return t->value[op->in].grad;
}
static inline float *out_data(const struct tape *t, const struct op *op)
{
    return t->value[op->out].data;
}
static inline float *out_grad(const struct tape *t, const struct op *op)
{
    return t->value[op->out].grad;
}
static inline float *other_data(const struct tape *t, const struct op *op)
{
    return t->value[op->other].data;
}
static inline float *other_grad(const struct tape *t, const struct op *op)
{
    return t->value[op->other].grad;
}
static inline int in_C(const struct tape *t, const struct op *op)
{
    return t->value[op->in].C;
}
static inline int out_C(const struct tape *t, const struct op *op)
{
    return t->value[op->out].C;
}
static inline const int *in_dim(const struct tape *t, const struct op *op)
{
    return t->value[op->in].dim;
}
static inline int in_rows(const struct tape *t, const struct op *op)
{
    return t->N * t->value[op->in].dim[0];
}
static inline struct param *param(const struct tape *t, const struct op *op, int which)
{
    return op->param[which] < 0 ? NULL : &t->params->param[op->param[which]];
}
static inline float *weight(const struct tape *t, const struct op *op, int which)
{
    struct param *q = param(t, op, which);
    return q ? q->value : NULL;
}
static inline float *dweight(const struct tape *t, const struct op *op, int which)
{
    struct param *q = param(t, op, which);
    return q ? q->grad : NULL;
}

/* The list grows by an operation and its value; by a parameter; by an operation whose value is shaped like its input.
 */
struct op *tape_add_op(struct tape *t, const struct op_kind *kind, int in, int other, const char *name,
                       enum layout layout, int C, const int dim[3]);
int tape_add_param(struct tape *t, const char *name, const char *part, enum param_kind kind, enum param_init init,
                   int fan_in, int ndim, const int *dim);
/* a convolution's weights; groups 1: live taps only */
int tape_add_filters(struct tape *t, const char *name, const struct conv_shape *s, int groups);
int tape_same_shape(struct tape *t, const struct op_kind *kind, int in);
/* Memory for all values, their gradients and what operations keep, on the device. within: as tape_seal. */
void tape_allocate(struct tape *t, struct tape *within);
int params_add(struct params *p, const struct param *like); /* number of the new, or of the one of that name */
void params_seal(struct params *p);
void param_fresh(const struct param *q, uint64_t seed, size_t number, float *host);
#endif
