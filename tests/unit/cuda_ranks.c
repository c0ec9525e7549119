/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_ranks -- the cuda back end as one of several ranks: four emulated GPUs, a process each, on an emulated NCCL.   tests/unit */
#include "common/rng.h"
#include "kernels/backend.h"
#include "tests/unit/ops.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { RANKS = 4, VIEWS = 2 };

/* What rank 0 knows goes through a pipe to each of the others. */
struct member {
    struct world world;
    int pipes[RANKS][2];
};

static int share(void *context, void *bytes, size_t size, struct error *e)
{
    struct member *p = context;
    bool good = true;
    for (int rank = 1; rank < RANKS && p->world.rank == 0; rank++)
        good = good && write(p->pipes[rank][1], bytes, size) == (ssize_t)size;
    if (p->world.rank > 0)
        good = read(p->pipes[p->world.rank][0], bytes, size) == (ssize_t)size;
    return good ? 0 : fail_as(e, EX_OSERR, "a pipe");
}

static struct backend *joined(struct member *p, enum precision precision, struct error *e)
{
    struct backend *b = open_emulated(precision);
    if (b->join(b, &p->world, e)) {
        backend_close(&b);
        return NULL;
    }
    return b;
}

/* Each rank in a process of its own; one that finds something wrong says so and leaves with another code than 0. */
static void on_each(int (*what)(struct backend *b, const void *context), const void *context, enum precision precision,
                    bool sync_norm)
{
    struct member p = {.world = {.size = RANKS, .sync_norm = sync_norm, .share = share}};
    pid_t child[RANKS];
    for (int rank = 0; rank < RANKS; rank++)
        assert_int_equal(pipe(p.pipes[rank]), 0);
    fflush(NULL);
    for (int rank = 0; rank < RANKS; rank++)
        if (!(child[rank] = fork())) {
            struct error e = {0};
            p.world.rank = rank;
            p.world.context = &p;
            struct backend *b = joined(&p, precision, &e);
            if (!b)
                die_of(&e);
            int wrong = what(b, context);
            backend_close(&b);
            _exit(wrong);
        }
    int worst = 0;
    for (int rank = 0; rank < RANKS; rank++) {
        int status;
        assert_int_equal(waitpid(child[rank], &status, 0), child[rank]);
        worst = worst ? worst : status;
        close(p.pipes[rank][0]);
        close(p.pipes[rank][1]);
    }
    assert_int_equal(worst, 0);
}

/* ---- the three calls, in a step that is recorded ---- */

enum { FLOATS = 40001, BYTES = 1003 }; /* more than NCCL's stand-in moves at once; an odd count */
struct calls {
    struct backend *b;
    float *x, *y, *all;
};

static void three_calls(void *context)
{
    struct calls *c = context;
    struct ranks *r = c->b->ranks;
    r->allreduce(r, c->x, FLOATS);
    r->allgather(r, c->all, c->y, BYTES);
    r->broadcast(r, c->y, BYTES);
}

static float number_of(int rank, int step, int i)
{
    return (float)(rank + 1) * (float)(i % 97 + step);
}

static int check_calls(struct backend *b, const void *context)
{
    (void)context;
    struct calls c = {b, b->alloc(b, FLOATS * sizeof(float)), b->alloc(b, 1024), b->alloc(b, RANKS * 1024)};
    float *x = xalloc(FLOATS, sizeof *x);
    unsigned char y[BYTES], all[RANKS * BYTES];
    int mine = b->ranks->rank, wrong = 0;
    void *record = NULL;
    for (int step = 0; step < 4; step++) { /* plain, recorded, replayed twice */
        for (int i = 0; i < FLOATS; i++)
            x[i] = number_of(mine, step, i);
        for (int i = 0; i < BYTES; i++)
            y[i] = (unsigned char)(i * (mine + 3) + step);
        b->put(b, c.x, x, FLOATS * sizeof *x);
        b->put(b, c.y, y, BYTES);
        b->step(b, &record, three_calls, &c);
        b->get(b, x, c.x, FLOATS * sizeof *x);
        b->get(b, y, c.y, BYTES);
        b->get(b, all, c.all, RANKS * BYTES);
        for (int i = 0; i < FLOATS; i++)
            wrong += x[i] != 10 * number_of(0, step, i); /* 1 + 2 + 3 + 4 */
        for (int i = 0; i < BYTES; i++)
            wrong += y[i] != (unsigned char)(i * 3 + step);
        for (int i = 0; i < RANKS * BYTES; i++)
            wrong += all[i] != (unsigned char)(i % BYTES * (i / BYTES + 3) + step);
        if (wrong) {
            fprintf(stderr, "rank %d, step %d: %d wrong\n", mine, step, wrong);
            break;
        }
    }
    b->step_forget(b, &record);
    b->release(b, c.x);
    b->release(b, c.y);
    b->release(b, c.all);
    free(x);
    return wrong != 0;
}
static void test_calls(void **state)
{
    (void)state;
    on_each(check_calls, NULL, FLOAT32, false);
}

/* ---- norms in step ---- */

static const struct norm_shape shapes[] = {
    /* N: of one rank, both views */
    {.N = 6, .C = 16, .dim = {3, 2, 2}, .views = VIEWS, .layout = IMAGE},
    {.N = 4, .C = 5, .dim = {5, 4, 3}, .views = VIEWS, .layout = IMAGE},
    {.N = 2, .C = 8, .dim = {1, 1, 1}, .views = VIEWS, .layout = IMAGE}, /* a box a view: without the others there is no variance */
    {.N = 8, .C = 12, .dim = {1, 1, 1}, .views = VIEWS, .layout = ROWS},
};

struct normed {
    float *out, *din, *per_view, *dgamma;
    size_t numbers;
    int C;
}; /* per_view: mean, rstd; dgamma: and dbeta, running */

/* This rank's boxes of a whole batch: its part of one view, then of the other. */
static float *boxes_of(const float *whole, const struct norm_shape *s, int rank, int ranks)
{
    size_t each = (size_t)(s->C * s->dim[0] * s->dim[1] * s->dim[2]), n = (size_t)(s->N / VIEWS);
    float *x = xalloc(VIEWS * n * each, sizeof *x);
    for (size_t v = 0; v < VIEWS; v++)
        memcpy(x + v * n * each, whole + (v * n * (size_t)ranks + n * (size_t)rank) * each, n * each * sizeof *x);
    return x;
}

static float *put_boxes(struct backend *b, const float *host, const struct norm_shape *s)
{
    const struct image m = {.N = s->N, .C = s->C, .dim = {s->dim[0], s->dim[1], s->dim[2]}};
    size_t floats = s->layout == ROWS ? (size_t)(s->N * s->C) : image_floats(b, &m);
    float *x = b->alloc(b, floats * sizeof *x);
    if (s->layout == ROWS)
        b->put(b, x, host, floats * sizeof *x);
    else
        image_in(b, x, host, &m);
    return x;
}

static void get_boxes(struct backend *b, float *host, const float *x, const struct norm_shape *s)
{
    const struct image m = {.N = s->N, .C = s->C, .dim = {s->dim[0], s->dim[1], s->dim[2]}};
    if (s->layout == ROWS)
        b->get(b, host, x, (size_t)(s->N * s->C) * sizeof *x);
    else
        image_out(b, host, x, &m);
}

static float *noise(size_t count, uint64_t which, bool narrowed)
{
    float *x = xalloc(count, sizeof *x);
    fill(x, count, which);
    for (size_t i = 0; i < count; i++)
        x[i] = x[i] + 3; /* a mean far from 0 */
    if (narrowed)
        narrow(x, count);
    return x;
}

/* Rank `rank` of `ranks` of the same batch, forward and backward, by b. */
static struct normed norm_on(struct backend *b, const struct norm_shape *s, int rank, int ranks, bool narrowed)
{
    size_t numbers = (size_t)(s->N * s->C * s->dim[0] * s->dim[1] * s->dim[2]), C = (size_t)s->C;
    float *host[3], *own[3], *device[3];
    for (int i = 0; i < 3; i++) {
        host[i] = noise(numbers * (size_t)ranks, (uint64_t)i + 1, narrowed);
        own[i] = boxes_of(host[i], s, rank, ranks);
        device[i] = put_boxes(b, own[i], s);
        free(host[i]);
    }
    float *din = device[2], *out = put_boxes(b, own[0], s);
    struct normed r = {.numbers = numbers,
                       .C = s->C,
                       .out = own[0],
                       .din = own[1],
                       .per_view = xalloc(2 * VIEWS * C, sizeof(float)),
                       .dgamma = xalloc(4 * C, sizeof(float))};
    float *per_view = b->alloc(b, 2 * VIEWS * C * sizeof(float)), *of_channels = b->alloc(b, 6 * C * sizeof(float));
    float *affine = xalloc(6 * C, sizeof *affine);
    fill(affine + 4 * C, 2 * C, 9); /* gamma, beta; before them dgamma, dbeta, and running mean and variance, from 0 */
    b->put(b, of_channels, affine, 6 * C * sizeof *affine);
    b->norm_forward(b, out, per_view, per_view + VIEWS * C, of_channels + 2 * C, of_channels + 3 * C, device[0], NULL,
                    of_channels + 4 * C, of_channels + 5 * C, s, true, true);
    get_boxes(b, r.out, out, s);
    b->norm_backward(b, din, NULL, of_channels, of_channels + C, device[1], out, device[0], per_view,
                     per_view + VIEWS * C, of_channels + 4 * C, s, true);
    get_boxes(b, r.din, din, s);
    if (b->ranks)
        b->ranks->allreduce(b->ranks, of_channels, 2 * C);
    b->get(b, r.per_view, per_view, 2 * VIEWS * C * sizeof(float));
    b->get(b, r.dgamma, of_channels, 4 * C * sizeof(float));
    float *all[] = {device[0], device[1], device[2], out, per_view, of_channels};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        b->release(b, all[i]);
    free(own[2]);
    free(affine);
    return r;
}

static void normed_free(struct normed *r)
{
    free(r->out);
    free(r->din);
    free(r->per_view);
    free(r->dgamma);
}

struct expected {
    struct norm_shape shape;
    struct normed whole;
    bool narrowed;
};

static int check_norm(struct backend *b, const void *context)
{
    const struct expected *x = context;
    int rank = b->ranks->rank;
    struct normed got = norm_on(b, &x->shape, rank, RANKS, x->narrowed);
    float *out = boxes_of(x->whole.out, &x->shape, rank, RANKS), *din = boxes_of(x->whole.din, &x->shape, rank, RANKS);
    size_t C = (size_t)x->shape.C;
    double off[] = {distance(got.out, out, got.numbers), distance(got.din, din, got.numbers),
                    distance(got.per_view, x->whole.per_view, 2 * VIEWS * C),
                    distance(got.dgamma, x->whole.dgamma, 4 * C)};
    bool image = x->shape.layout == IMAGE && x->narrowed;
    int wrong = 0;
    for (size_t i = 0; i < COUNT_OF(off); i++)
        wrong += !(off[i] <= (image && i < 2 ? 5e-3 : 2e-5)); /* NaN too */
    if (wrong)
        fprintf(
            stderr,
            "rank %d, %d channels, %s: out %.2g, din %.2g, mean and rstd %.2g, dgamma, dbeta and running %.2g off\n",
            rank, x->shape.C, x->narrowed ? "bfloat16" : "float32", off[0], off[1], off[2], off[3]);
    free(out);
    free(din);
    normed_free(&got);
    return wrong;
}

static void test_norms_in_step(void **state)
{
    (void)state;
    for (int precision = FLOAT32; precision <= BFLOAT16; precision++)
        for (size_t i = 0; i < COUNT_OF(shapes); i++) {
            struct norm_shape whole = shapes[i];
            whole.N *= RANKS;
            struct backend *ref = open_ref();
            struct expected x = {.shape = shapes[i], .narrowed = precision == BFLOAT16 && shapes[i].layout == IMAGE};
            x.whole = norm_on(ref, &whole, 0, 1, x.narrowed);
            backend_close(&ref);
            on_each(check_norm, &x, (enum precision)precision, true);
            normed_free(&x.whole);
        }
}

/* ---- what is said ---- */

static int share_nothing(void *context, void *bytes, size_t size, struct error *e)
{
    (void)context;
    (void)bytes;
    (void)size;
    (void)e;
    return 0;
}

static void refused(const char *variable, const char *value, const char *words)
{
    struct error e = {0};
    struct backend *b = open_emulated(FLOAT32);
    const struct world world = {.rank = 0, .size = 2, .share = share_nothing};
    const char *before = getenv(variable);
    char *kept = before ? xstrdup(before) : NULL;
    setenv(variable, value, 1);
    assert_int_equal(b->join(b, &world, &e), -1);
    if (kept)
        setenv(variable, kept, 1);
    else
        unsetenv(variable);
    free(kept);
    assert_int_equal(e.code, EX_UNAVAILABLE);
    if (!strstr(e.text, words))
        fail_msg("'%s' does not say '%s'", e.text, words);
    assert_null(b->ranks);
    backend_close(&b);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("PETREL_NCCL", "/nowhere/libnccl.so.2", "install libnccl2");
    refused("PETREL_NCCL", "libm.so.6", "is not NCCL");
    refused("PETREL_EMU_NCCL", "no", "rank 0 of 2 cannot join the others by NCCL");
}

static int with_nccl(void **state)
{
    (void)state;
    if (!emulated_is_built()) {
        print_error("%s\n", EMULATED_MISSING);
        return -1;
    }
    return setenv("PETREL_NCCL", emulated_path(), 1); /* it has NCCL's functions itself */
}

int main(void)
{
    program_name_set("cuda_ranks");
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls), cmocka_unit_test(test_norms_in_step),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, with_nccl, NULL);
}
