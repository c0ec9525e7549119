/* SPDX-License-Identifier: Apache-2.0 */
/* tape -- the list grows, is sealed, and runs forwards and backwards.   kernels/tape */
#include "kernels/tape_internal.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const int ONE[3] = {1, 1, 1};

struct tape *tape_open(struct params *p, int N, int views)
{
    assert(N > 0 && views > 0 && N % views == 0);
    struct tape *t = xalloc(1, sizeof *t);
    t->params = p;
    t->b = p->backend;
    t->N = N;
    t->views = views;
    return t;
}

void tape_close(struct tape **t)
{
    struct tape *x = *t;
    if (!x)
        return;
    if (x->sealed) {
        for (size_t i = 0; i < x->op_count; i++)
            if (x->op[i].kind->close)
                x->op[i].kind->close(x, &x->op[i]);
        for (size_t i = 0; i < x->value_count; i++)
            if (x->value[i].own)
                x->b->release(x->b, x->value[i].own);
        if (!x->borrowed)
            x->b->release(x->b, x->block);
    }
    if (x->draw)
        x->b->release(x->b, x->draw);
    free(x->zeroed);
    free(x->value);
    free(x->op);
    free(x);
    *t = NULL;
}

/* ---- the list grows ---- */

static int add_value(struct tape *t, enum layout layout, int C, const int shape[3])
{
    assert(!t->sealed && C > 0);
    const int dim[3] = {shape[0], shape[1], shape[2]}; /* it may lie in what moves now */
    if (t->value_count == t->value_room) {
        t->value_room = t->value_room ? 2 * t->value_room : 64;
        t->value = xresize(t->value, t->value_room, sizeof *t->value);
    }
    struct value *v = &t->value[t->value_count];
    *v = (struct value){.layout = layout, .C = C};
    memcpy(v->dim, dim, sizeof v->dim);
    return (int)t->value_count++;
}

struct op *tape_add_op(struct tape *t, const struct op_kind *kind, int in, int other, const char *name,
                       enum layout layout, int C, const int dim[3])
{
    assert((in < 0 || (size_t)in < t->value_count) && (other < 0 || (size_t)other < t->value_count));
    if (t->op_count == t->op_room) {
        t->op_room = t->op_room ? 2 * t->op_room : 64;
        t->op = xresize(t->op, t->op_room, sizeof *t->op);
    }
    struct op *op = &t->op[t->op_count++];
    *op = (struct op){.kind = kind, .in = in, .other = other, .third = -1, .param = {-1, -1, -1, -1, -1}};
    op->out = add_value(t, layout, C, dim);
    if (name)
        format_into(op->name, sizeof op->name, "%s", name);
    return op;
}

int tape_add_param(struct tape *t, const char *name, const char *part, enum param_kind kind, enum param_init init,
                   int fan_in, int ndim, const int *dim)
{
    struct param q = {.kind = kind, .init = init, .ndim = ndim, .fan_in = fan_in};
    format_into(q.name, sizeof q.name, "%s.%s", name, part);
    for (int a = 0; a < ndim; a++)
        q.dim[a] = dim[a];
    return params_add(t->params, &q);
}

int tape_add_filters(struct tape *t, const char *name, const struct conv_shape *s, int groups)
{
    int taps = conv_taps(s), C = s->C / groups, *tap = xalloc((size_t)taps, sizeof *tap);
    struct param q = {.kind = PARAM_CONV,
                      .init = INIT_CONV,
                      .ndim = 5,
                      .dim = {s->O, C, s->kernel[0], s->kernel[1], s->kernel[2]},
                      .fan_in = C * taps,
                      .taps = taps,
                      .tap = tap,
                      .live_taps = taps};
    if (groups == 1)
        q.live_taps = conv_live_taps(s, tap);
    else
        for (int i = 0; i < taps; i++)
            tap[i] = i;
    format_into(q.name, sizeof q.name, "%s.weight", name);
    int number = params_add(t->params, &q);
    free(tap);
    return number;
}

int tape_image(struct tape *t, int C, const int dim[3])
{
    int v = add_value(t, IMAGE, C, dim);
    t->value[v].is_input = true;
    return v;
}

int tape_rows(struct tape *t, int C)
{
    int v = add_value(t, ROWS, C, ONE);
    t->value[v].is_input = true;
    return v;
}

int tape_conv(struct tape *t, int in, const char *name, int O, const int kernel[3], const int stride[3],
              const int pad[3])
{
    struct tape_conv_shape s = {.O = O};
    for (int a = 0; a < 3; a++) {
        s.kernel[a] = kernel[a];
        s.stride[a] = stride[a];
        s.pad[a] = pad[a];
    }
    return tape_conv_of(t, in, name, &s);
}

int tape_norm(struct tape *t, int in, const char *name, int residual, bool relu)
{
    return tape_norm_of(t, in, name, &(struct tape_norm_shape){.residual = residual, .relu = relu});
}

int tape_norm_of(struct tape *t, int in, const char *name, const struct tape_norm_shape *s)
{
    struct value v = t->value[in];
    const int residual = s->residual;
    assert(residual < 0 || (t->value[residual].layout == v.layout && t->value[residual].C == v.C &&
                            !memcmp(t->value[residual].dim, v.dim, sizeof v.dim)));
    assert(v.layout == IMAGE || v.dim[0] == 1);
    struct op *op = tape_add_op(t, &op_norm, in, residual, name, v.layout, v.C, v.dim);
    op->relu = s->relu;
    op->norm = (struct norm_shape){
        .layout = v.layout, .N = t->N, .C = v.C, .views = t->views, .eps = s->eps, .momentum = s->momentum};
    memcpy(op->norm.dim, v.dim, sizeof v.dim);
    op->param[0] = tape_add_param(t, name, "weight", PARAM_PLAIN, INIT_ONE, 0, 1, &v.C);
    op->param[1] = tape_add_param(t, name, "bias", PARAM_PLAIN, INIT_ZERO, 0, 1, &v.C);
    op->param[2] = tape_add_param(t, name, "running_mean", PARAM_BUFFER, INIT_ZERO, 0, 1, &v.C);
    op->param[3] = tape_add_param(t, name, "running_var", PARAM_BUFFER, INIT_ONE, 0, 1, &v.C);
    op->param[4] = tape_add_param(t, name, "num_batches_tracked", PARAM_COUNTER, INIT_ZERO, 0, 0, NULL);
    return op->out;
}

static int pool_of(struct tape *t, int in, int kernel, int stride, int pad, bool ceil)
{
    struct value v = t->value[in];
    assert(v.layout == IMAGE);
    struct pool_shape s = {.N = t->N, .C = v.C, .kernel = kernel, .stride = stride, .pad = pad, .ceil = ceil};
    memcpy(s.in, v.dim, sizeof v.dim);
    pool_out_dims(&s);
    assert(s.out[0] > 0 && s.out[1] > 0 && s.out[2] > 0);
    struct op *op = tape_add_op(t, &op_maxpool, in, -1, NULL, IMAGE, v.C, s.out);
    op->pool = s;
    return op->out;
}

int tape_maxpool(struct tape *t, int in, int kernel, int stride, int pad)
{
    return pool_of(t, in, kernel, stride, pad, false);
}
int tape_maxpool_ceil(struct tape *t, int in, int kernel, int stride, int pad)
{
    return pool_of(t, in, kernel, stride, pad, true);
}

int tape_avgpool(struct tape *t, int in)
{
    assert(t->value[in].layout == IMAGE);
    return tape_add_op(t, &op_avgpool, in, -1, NULL, ROWS, t->value[in].C, ONE)->out;
}

static int linear_of(struct tape *t, int in, const char *name, int O, bool bias, int ndim)
{
    assert(t->value[in].layout == ROWS);
    int C = t->value[in].C, dim[5] = {O, C, 1, 1, 1};
    struct op *op = tape_add_op(t, &op_linear, in, -1, name, ROWS, O, t->value[in].dim);
    op->param[0] = tape_add_param(t, name, "weight", PARAM_PLAIN, INIT_LINEAR, C, ndim, dim);
    if (bias)
        op->param[1] = tape_add_param(t, name, "bias", PARAM_PLAIN, INIT_LINEAR, C, 1, &O);
    return op->out;
}

int tape_linear(struct tape *t, int in, const char *name, int O, bool bias)
{
    return linear_of(t, in, name, O, bias, 2);
}
int tape_linear_conv(struct tape *t, int in, const char *name, int O, bool bias)
{
    return linear_of(t, in, name, O, bias, 5);
}

int tape_scale(struct tape *t, int in, const char *name, int rows)
{
    assert(t->value[in].layout == ROWS && rows == 1);
    int dim[2] = {rows, t->value[in].C};
    struct op *op = tape_add_op(t, &op_scale, in, -1, name, ROWS, t->value[in].C, t->value[in].dim);
    op->param[0] = tape_add_param(t, name, "weight", PARAM_PLAIN, INIT_NORMAL, 0, 2, dim);
    return op->out;
}

int tape_concat(struct tape *t, int a, int b)
{
    const struct value *v = &t->value[a], *w = &t->value[b];
    assert(v->layout == w->layout && !memcmp(v->dim, w->dim, sizeof v->dim));
    if (v->layout == IMAGE)
        return tape_add_op(t, &op_concat_image, a, b, NULL, IMAGE, v->C + w->C, v->dim)->out;
    return tape_add_op(t, &op_concat, a, b, NULL, ROWS, t->value[a].C + t->value[b].C, t->value[a].dim)->out;
}

int tape_same_shape(struct tape *t, const struct op_kind *kind, int in)
{
    struct value v = t->value[in];
    return tape_add_op(t, kind, in, -1, NULL, v.layout, v.C, v.dim)->out;
}

int tape_layernorm(struct tape *t, int in)
{
    assert(t->value[in].layout == ROWS);
    return tape_same_shape(t, &op_layernorm, in);
}

int tape_l2norm(struct tape *t, int in)
{
    assert(t->value[in].layout == ROWS);
    return tape_same_shape(t, &op_l2norm, in);
}

int tape_relu(struct tape *t, int in)
{
    return tape_same_shape(t, &op_relu, in);
}
int tape_gelu(struct tape *t, int in)
{
    return tape_same_shape(t, &op_gelu, in);
}

/* ---- sealing ---- */

static void mark_wanted(struct tape *t)
{
    for (size_t i = 0; i < t->op_count; i++) {
        const struct op *op = &t->op[i];
        bool upstream = (op->in >= 0 && t->value[op->in].wants_grad) ||
                        (op->other >= 0 && t->value[op->other].wants_grad) ||
                        (op->third >= 0 && t->value[op->third].wants_grad),
             own = false;
        for (size_t k = 0; k < COUNT_OF(op->param); k++)
            own = own || (op->param[k] >= 0 && param_trained(&t->params->param[op->param[k]]));
        t->value[op->out].wants_grad = t->training && (upstream || own);
    }
}

void tape_seal(struct tape *t, bool training, struct tape *within)
{
    assert(!t->sealed && t->b);
    params_seal(t->params);
    t->training = training;
    if (t->dropouts)
        t->draw = t->b->alloc(t->b, sizeof *t->draw);
    mark_wanted(t);
    tape_allocate(t, within);
    for (size_t i = 0; i < t->op_count; i++)
        if (t->op[i].kind->open)
            t->op[i].kind->open(t, &t->op[i]);
    t->sealed = true;
}

/* ---- running ---- */

static void run(struct tape *t, bool training)
{
    assert(t->sealed);
    for (size_t i = 0; i < t->op_count; i++)
        t->op[i].kind->forward(t, &t->op[i], training);
}

void tape_forward(struct tape *t)
{
    run(t, t->training);
}
void tape_output(struct tape *t, int value)
{
    assert(!t->sealed && value >= 0 && (size_t)value < t->value_count);
    t->value[value].is_output = true;
}

void tape_statistics(struct tape *t)
{
    run(t, true);
}
void tape_evaluate(struct tape *t)
{
    run(t, false);
}

void tape_count(struct tape *t)
{
    for (size_t i = 0; i < t->op_count; i++)
        if (t->op[i].kind == &op_norm)
            param(t, &t->op[i], 4)->counter += t->views;
}

void tape_backward(struct tape *t)
{
    assert(t->sealed && t->training && t->op_count);
    const struct zeroed *z = t->zeroed, *end = z + t->zeroed_count;
    for (size_t i = t->op_count; i-- > 0;) {
        for (; z < end && z->before >= i; z++)
            t->b->zero(t->b, z->at, z->floats * sizeof(float));
        if (t->value[t->op[i].out].grad)
            t->op[i].kind->backward(t, &t->op[i]);
    }
}

float *tape_value(struct tape *t, int value)
{
    return t->value[value].data;
}
float *tape_grad(struct tape *t, int value)
{
    return t->value[value].grad;
}
void tape_share(struct tape *t, int input, struct tape *from, int value)
{
    struct value *v = &t->value[input], *w = &from->value[value];
    assert(t->sealed && from->sealed && v->is_input && w->is_input && v->size == w->size && v->layout == w->layout);
    v->data = w->data;
}
int tape_boxes(const struct tape *t)
{
    return t->N;
}
struct params *tape_params(struct tape *t)
{
    return t->params;
}

void tape_put(struct tape *t, int value, const float *host)
{
    struct value *v = &t->value[value];
    if (v->layout == IMAGE)
        t->b->image_put(t->b, v->data, host, t->N, v->C, v->dim);
    else
        t->b->put(t->b, v->data, host, v->size * sizeof(float));
}

void tape_get(struct tape *t, int value, float *host)
{
    struct value *v = &t->value[value];
    if (v->layout == IMAGE)
        t->b->image_get(t->b, host, v->data, t->N, v->C, v->dim);
    else
        t->b->get(t->b, host, v->data, v->size * sizeof(float));
}

void tape_value_shape(const struct tape *t, int value, enum layout *layout, int *C, int dim[3])
{
    *layout = t->value[value].layout;
    *C = t->value[value].C;
    memcpy(dim, t->value[value].dim, sizeof t->value[value].dim);
}

size_t tape_bytes(const struct tape *t)
{
    return sizeof(float) * (t->own_floats + (t->borrowed ? 0 : t->block_floats));
}
