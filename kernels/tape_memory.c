/* SPDX-License-Identifier: Apache-2.0 */
/* tape_memory -- where everything lies: what is never needed at once may share memory.   kernels/tape
 *
 * Time: operation i of n runs forward at i and backward at 2n-1-i. A value's data is needed from its operation forward
 * until the last backward that looks at it; its gradient from the backward of its last reader until that of its own
 * operation. The largest is placed first, each at the lowest address that is free for as long as it is needed; so the
 * gradients of ResNet's stem, which come last, lie where the data of its later layers was. Inputs, rows and the last
 * value keep memory of their own: people look at them between passes.
 * A roomy back end shares nothing, and gradients that are neighbours are zeroed together. */
#include "kernels/tape_internal.h"
#include <stdlib.h>

enum { ALIGN_FLOATS = 16 };

/* Needed from time `from` to `to`, both included. */
struct allocation {
    size_t floats, at;
    int from, to;
    float **pointer; /* is made to point there */
    int zero_before; /* operation, or -1 */
};
struct allocations {
    struct allocation *one;
    size_t count;
    int last; /* the latest time */
    bool roomy;
};

static size_t rounded(size_t floats)
{
    return (floats + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
}

static void allocation_add(struct allocations *l, size_t floats, int from, int to, float **pointer, int zero_before)
{
    l->one[l->count++] = (struct allocation){.floats = rounded(floats),
                                             .from = l->roomy ? 0 : from,
                                             .to = l->roomy ? l->last : to,
                                             .pointer = pointer,
                                             .zero_before = zero_before};
}

static bool reads(const struct op *op, int v)
{
    return op->in == v || op->other == v || op->third == v;
}

/* does op's backward look at the data of v? */
static bool looks_at(const struct tape *t, const struct op *op, int v)
{
    unsigned needs = t->value[op->out].wants_grad ? op->kind->needs : 0;
    if ((op->kind == &op_norm || op->kind == &op_affine) && !op->relu) /* its sign is ReLU's mask */
        needs &= ~(unsigned)NEEDS_OUT;
    return (needs & NEEDS_OUT && op->out == v) || (needs & NEEDS_IN && op->in == v) ||
           (needs & NEEDS_OTHERS && (op->other == v || op->third == v));
}

/* the operation that makes v and the last that reads it; -1 none */
static void lifetime_of(const struct tape *t, int v, int *made, int *reader)
{
    *made = *reader = -1;
    for (int i = 0; i < (int)t->op_count; i++) {
        *made = t->op[i].out == v ? i : *made;
        *reader = reads(&t->op[i], v) ? i : *reader;
    }
}

static void data_add(struct allocations *l, struct tape *t, int v)
{
    struct value *x = &t->value[v];
    int n = (int)t->op_count, made, to;
    lifetime_of(t, v, &made, &to);
    to = to < made ? made : to;
    for (int i = n; i-- > 0;)
        if (looks_at(t, &t->op[i], v))
            to = 2 * n - 1 - i;
    bool stays = x->is_input || x->layout == ROWS || x->is_output;
    allocation_add(l, x->size, stays ? 0 : made, stays ? l->last : to, &x->data, -1);
}

static void grad_add(struct allocations *l, struct tape *t, int v)
{
    struct value *x = &t->value[v];
    int n = (int)t->op_count, made, reader;
    lifetime_of(t, v, &made, &reader);
    reader = reader < 0 ? made : reader;
    if (x->is_output) /* the loss writes it */
        allocation_add(l, x->size, 0, l->last, &x->grad, -1);
    else
        allocation_add(l, x->size, 2 * n - 1 - reader, 2 * n - 1 - made, &x->grad, l->roomy ? n : reader);
}

static int larger_first(const void *a, const void *b)
{
    const struct allocation *p = *(struct allocation *const *)a, *q = *(struct allocation *const *)b;
    if (p->floats != q->floats)
        return p->floats > q->floats ? -1 : 1;
    return p < q ? -1 : p > q;
}

static int lower_first(const void *a, const void *b)
{
    const struct allocation *p = *(struct allocation *const *)a, *q = *(struct allocation *const *)b;
    return p->at < q->at ? -1 : p->at > q->at;
}

/* The lowest address where nothing lies that is needed while x is; placed[]: those that have theirs, lowest first. */
static size_t lowest_free(struct allocation **placed, size_t count, const struct allocation *x)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct allocation *y = placed[i];
        bool at_once = y->from <= x->to && x->from <= y->to;
        if (!at_once || y->at + y->floats <= at)
            continue;
        if (y->at >= at + x->floats)
            break;
        at = y->at + y->floats;
    }
    return at;
}

static size_t allocations_lay_out(struct allocations *l)
{
    struct allocation **order = xalloc(l->count + 1, sizeof(struct allocation *)),
                      **placed = xalloc(l->count + 1, sizeof(struct allocation *));
    size_t floats = 0;
    for (size_t i = 0; i < l->count; i++)
        order[i] = &l->one[i];
    if (!l->roomy)
        qsort(order, l->count, sizeof *order, larger_first);
    for (size_t i = 0; i < l->count; i++) {
        struct allocation *x = order[i];
        x->at = l->roomy ? floats : lowest_free(placed, i, x);
        placed[i] = x;
        if (!l->roomy)
            qsort(placed, i + 1, sizeof *placed, lower_first);
        floats = x->at + x->floats > floats ? x->at + x->floats : floats;
    }
    free(order);
    free(placed);
    return floats;
}

/* values in a padded layout: memory of their own, data and gradient */
static void padded_allocate(struct tape *t, struct value *v, int zero_before)
{
    size_t floats = v->size * (v->wants_grad ? 2 : 1);
    v->own = t->b->alloc(t->b, floats * sizeof(float));
    t->own_floats += floats;
    v->data = v->own;
    if (!v->wants_grad)
        return;
    v->grad = v->own + v->size;
    if (zero_before >= 0)
        t->zeroed[t->zeroed_count++] = (struct zeroed){(size_t)zero_before, v->grad, v->size};
}

static int backward_order(const void *a, const void *b)
{
    const struct zeroed *p = a, *q = b;
    if (p->before != q->before)
        return p->before > q->before ? -1 : 1;
    return p->at < q->at ? -1 : p->at > q->at;
}

/* neighbours that are zeroed at the same time become one */
static void join_zeroed(struct tape *t)
{
    size_t kept = 0;
    qsort(t->zeroed, t->zeroed_count, sizeof *t->zeroed, backward_order);
    for (size_t i = 0; i < t->zeroed_count; i++) {
        struct zeroed *before = kept ? &t->zeroed[kept - 1] : NULL, *z = &t->zeroed[i];
        if (before && before->before == z->before && before->at + before->floats == z->at)
            before->floats += z->floats;
        else
            t->zeroed[kept++] = *z;
    }
    t->zeroed_count = kept;
}

void tape_allocate(struct tape *t, struct tape *within)
{
    int n = (int)t->op_count;
    t->value[t->op[n - 1].out].is_output = true;
    struct allocations l = {
        .one = xalloc(2 * t->value_count + t->op_count, sizeof *l.one), .last = 2 * n, .roomy = t->b->roomy};
    t->zeroed = xalloc(t->value_count + 1, sizeof *t->zeroed);
    for (size_t v = 0; v < t->value_count; v++) {
        struct value *x = &t->value[v];
        size_t plain = (size_t)t->N * (size_t)x->C * (size_t)x->dim[0] * (size_t)x->dim[1] * (size_t)x->dim[2];
        x->size = x->layout == IMAGE ? t->b->image_size(t->b, t->N, x->C, x->dim) : plain;
        if (x->size > plain)
            padded_allocate(t, x, x->is_output ? -1 : n);
        else
            data_add(&l, t, (int)v);
    }
    for (size_t v = 0; v < t->value_count; v++) /* neighbours, where nothing is shared */
        if (t->value[v].wants_grad && !t->value[v].own)
            grad_add(&l, t, (int)v);
    for (int i = 0; i < n; i++) {
        struct op *op = &t->op[i];
        op->keep_size = op->kind->keep ? op->kind->keep(t, op) : 0;
        allocation_add(&l, op->keep_size, i, t->training ? 2 * n - 1 - i : i, &op->keep, -1);
    }

    t->block_floats = allocations_lay_out(&l);
    t->borrowed = within && within->block_floats >= t->block_floats;
    t->block = t->borrowed ? within->block : t->b->alloc(t->b, t->block_floats * sizeof(float));
    for (size_t i = 0; i < l.count; i++) {
        *l.one[i].pointer = t->block + l.one[i].at;
        if (l.one[i].zero_before >= 0)
            t->zeroed[t->zeroed_count++] =
                (struct zeroed){(size_t)l.one[i].zero_before, *l.one[i].pointer, l.one[i].floats};
    }
    join_zeroed(t);
    free(l.one);
}
