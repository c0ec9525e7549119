/* SPDX-License-Identifier: Apache-2.0 */
/* tape_ops_dropout -- numbers, or whole boxes, that are left out while training.   kernels/tape
 *
 * Which go is a function of seed, step, operation and row. Seed and step lie on the device (tape_draw), so a step is recorded. */
#include "kernels/tape_internal.h"
#include <assert.h>

static uint32_t index_of(const struct op *op)
{
    return (uint32_t)op->number << 24;
}

static void dropout_run(struct tape *t, struct op *op, bool training)
{
    t->b->dropout_forward(t->b, out_data(t, op), in_data(t, op), in_rows(t, op), in_C(t, op), training ? op->rate : 0,
                          t->draw, index_of(op));
}
static void dropout_back(struct tape *t, struct op *op)
{
    t->b->dropout_backward(t->b, in_grad(t, op), out_grad(t, op), in_rows(t, op), in_C(t, op), op->rate, t->draw,
                           index_of(op));
}
const struct op_kind op_dropout = {"dropout", 0, dropout_run, dropout_back, NULL, NULL, NULL};

static void droppath_run(struct tape *t, struct op *op, bool training)
{
    t->b->droppath_forward(t->b, out_data(t, op), in_data(t, op), t->N, in_C(t, op), in_dim(t, op),
                           t->value[op->in].layout, training ? op->rate : 0, t->draw, index_of(op));
}
static void droppath_back(struct tape *t, struct op *op)
{
    t->b->droppath_backward(t->b, in_grad(t, op), out_grad(t, op), t->N, in_C(t, op), in_dim(t, op),
                            t->value[op->in].layout, op->rate, t->draw, index_of(op));
}
const struct op_kind op_droppath = {"droppath", 0, droppath_run, droppath_back, NULL, NULL, NULL};

static int drop(struct tape *t, const struct op_kind *kind, int in, float rate)
{
    assert(rate >= 0 && rate < 1 && t->dropouts < 1 << 8); /* of one index */
    int out = tape_same_shape(t, kind, in);
    struct op *op = &t->op[t->op_count - 1];
    op->rate = rate;
    op->number = t->dropouts++;
    return out;
}

int tape_dropout(struct tape *t, int in, float rate)
{
    assert(t->value[in].layout == ROWS && (int64_t)t->N * t->value[in].dim[0] < 1 << 24);
    return drop(t, &op_dropout, in, rate);
}
int tape_droppath(struct tape *t, int in, float rate)
{
    assert(t->N < 1 << 24);
    return drop(t, &op_droppath, in, rate);
}

bool tape_drops(const struct tape *t)
{
    return t->dropouts > 0;
}

void tape_draw(struct tape *t, uint64_t seed, uint32_t step)
{
    const struct dropout_draw draw = {seed, step};
    if (t->draw)
        t->b->put(t->b, t->draw, &draw, sizeof draw);
}
