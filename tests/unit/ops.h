/* SPDX-License-Identifier: Apache-2.0 */
/* ops -- how operations are tested: the same job on every back end, compared.   tests/unit
 *
 * A job is one operation on one shape: forward, then backward with gradients that already hold something. Every device
 * array has guards on both sides; what an operation must write starts as NaN; what layouts pad must come back zero.
 *     cpu against ref             by normalised error, for every kind of vector loop this machine can run
 *     cpu with 1, 2, 3 threads    bit for bit
 *     cuda against ref            its kernels emulated on the CPU (tests/unit/emulated.h), in float32 and bfloat16; twice, bit for bit
 *     ref against itself          central differences along a random direction
 * Code, not only declarations: each tests/unit/ops_*.c is a program of its own. */
#ifndef PETREL_TESTS_OPS_H
#define PETREL_TESTS_OPS_H
#include "common/rng.h"
#include "kernels/backend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* after base.h: it makes a macro of fail */

#include "tests/unit/emulated.h"

#include "tests/unit/distance.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { INPUTS = 8, NUMBERS = 16 };

struct job {
    const int *n; /* the shape: NUMBERS integers whose meaning is the operation's */
    struct backend *b;
    float *x[INPUTS], *dx[INPUTS]; /* inputs; their gradients, which start as something */
    float *dy, *y, *extra;         /* extra: what else forward writes */
};

struct op {
    const char *name;
    /* elements of each input (a list ended by 0), of y and of extra */
    void (*sizes)(const int *n, size_t x[INPUTS], size_t *y, size_t *extra);
    void (*run)(struct job *j);
    int differentiable;                  /* this many of the inputs have a gradient */
    bool writes;                         /* gradients are written, not added to */
    bool no_slope;                       /* y is not to be differentiated (optimisers) */
    double tolerance;                    /* between cpu and ref, |a-b| / |b|; 0: no number may differ */
    void (*shape_inputs)(struct job *j); /* NULL, or makes some inputs special, such as positive */
};

/* ---- device arrays ---- */

enum { GUARD = 64 };
static const float guard_value = -12345.678f;

/* An image, or weights (O, C, taps): then the dims' product is the taps. */
struct image {
    int N, C, dim[3];
    bool weight;
};
static inline int image_taps(const struct image *m)
{
    return m->dim[0] * m->dim[1] * m->dim[2];
}
static inline size_t image_floats(struct backend *b, const struct image *m)
{
    return m->weight ? b->weight_size(b, m->N, m->C, image_taps(m)) : b->image_size(b, m->N, m->C, m->dim);
}
static inline void image_in(struct backend *b, float *to, const float *host, const struct image *m)
{
    if (m->weight)
        b->weight_put(b, to, host, m->N, m->C, image_taps(m));
    else
        b->image_put(b, to, host, m->N, m->C, m->dim);
}
static inline void image_out(struct backend *b, float *host, const float *from, const struct image *m)
{
    if (m->weight)
        b->weight_get(b, host, from, m->N, m->C, image_taps(m));
    else
        b->image_get(b, host, from, m->N, m->C, m->dim);
}

static inline void guarded_put(struct backend *b, float *at, const float *host, size_t count)
{
    float *all = xalloc(count + 2 * GUARD, sizeof *all);
    for (size_t i = 0; i < count + 2 * GUARD; i++)
        all[i] = i < GUARD || i >= GUARD + count ? guard_value : host[i - GUARD];
    b->put(b, at - GUARD, all, (count + 2 * GUARD) * sizeof *all);
    free(all);
}

/* rows: plain floats; host NULL: NaN, to be written */
static inline float *device_rows(struct backend *b, const float *host, size_t count)
{
    float *at = (float *)b->alloc(b, (count + 2 * GUARD) * sizeof *at) + GUARD, *poison = NULL;
    if (!host) { /* NaN as a float and as two bfloat16 */
        poison = xalloc(count + 1, sizeof *poison);
        memset(poison, 0xff, count * sizeof *poison);
    }
    guarded_put(b, at, host ? host : poison, count);
    free(poison);
    return at;
}

static inline float *device_image(struct backend *b, const float *host, const struct image *m)
{
    size_t count = image_floats(b, m);
    float *at = device_rows(b, NULL, count), *plain = b->alloc(b, count * sizeof *plain),
          *flat = xalloc(count, sizeof *flat);
    if (host) {
        image_in(b, plain, host, m);
        b->get(b, flat, plain, count * sizeof *flat);
        guarded_put(b, at, flat, count);
    }
    b->release(b, plain);
    free(flat);
    return at;
}

/* Checks the guards, copies to the host (NULL: no need), releases. */
static inline void rows_done(struct backend *b, float *host, float *at, size_t count)
{
    float *all = xalloc(count + 2 * GUARD, sizeof *all);
    b->get(b, all, at - GUARD, (count + 2 * GUARD) * sizeof *all);
    for (size_t i = 0; i < GUARD; i++)
        if (memcmp(&all[i], &guard_value, sizeof guard_value) ||
            memcmp(&all[count + GUARD + i], &guard_value, sizeof guard_value))
            fail_msg("%s wrote outside its array of %zu", b->name, count);
    if (host)
        memcpy(host, all + GUARD, count * sizeof *host);
    free(all);
    b->release(b, at - GUARD);
}

static inline void image_done(struct backend *b, float *host, float *at, const struct image *m)
{
    size_t count = image_floats(b, m), outside = (size_t)m->N * (size_t)m->C * (size_t)image_taps(m);
    float *copy = xalloc(outside, sizeof *copy), *again = b->alloc(b, count * sizeof *again),
          *flat = xalloc(2 * count, sizeof *flat);
    image_out(b, copy, at, m);
    image_in(b, again, copy, m);
    b->get(b, flat, at, count * sizeof *flat);
    b->get(b, flat + count, again, count * sizeof *flat);
    for (size_t i = 0; i < count; i++)
        if (!(flat[i] == flat[count + i]))
            fail_msg("%s: float %zu of %zu of an image is NaN or padding that is not zero (%g)", b->name, i, count,
                     (double)flat[i]);
    if (host)
        memcpy(host, copy, outside * sizeof *host);
    b->release(b, again);
    free(copy);
    free(flat);
    rows_done(b, NULL, at, count);
}

/* ---- jobs ---- */

static inline void fill(float *x, size_t count, uint64_t seed)
{
    struct rng r = rng_make(7, RNG_TEST, seed);
    for (size_t i = 0; i < count; i++)
        x[i] = rng_normal(&r);
}

/* To the nearest bfloat16: so that a back end of that precision is given what ref is given. */
static inline void narrow(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
        memcpy(&x[i], &bits, sizeof bits);
    }
}

struct held {
    struct job job;
    size_t x[INPUTS], y, extra;
};

static inline struct held job_open(const struct op *op, const int *n, enum precision precision)
{
    struct held h = {0};
    op->sizes(n, h.x, &h.y, &h.extra);
    h.job.n = n;
    for (int i = 0; i < INPUTS && h.x[i]; i++) {
        h.job.x[i] = xalloc(h.x[i], sizeof(float));
        h.job.dx[i] = xalloc(h.x[i], sizeof(float));
        fill(h.job.x[i], h.x[i], (uint64_t)i + 1);
        fill(h.job.dx[i], h.x[i], (uint64_t)i + 11);
    }
    h.job.y = xalloc(h.y, sizeof(float));
    h.job.dy = xalloc(h.y, sizeof(float));
    h.job.extra = xalloc(h.extra + 1, sizeof(float));
    fill(h.job.dy, h.y, 21);
    if (op->shape_inputs)
        op->shape_inputs(&h.job);
    if (precision == BFLOAT16) {
        for (int i = 0; i < INPUTS && h.x[i]; i++) {
            narrow(h.job.x[i], h.x[i]);
            narrow(h.job.dx[i], h.x[i]);
        }
        narrow(h.job.dy, h.y);
    }
    return h;
}

static inline void job_close(struct held *h)
{
    for (int i = 0; i < INPUTS; i++) {
        free(h->job.x[i]);
        free(h->job.dx[i]);
    }
    free(h->job.y);
    free(h->job.dy);
    free(h->job.extra);
}

static inline struct backend *open_cpu(const char *kind, int threads)
{
    struct error e = {0};
    if (kind)
        setenv("PETREL_CPU", kind, 1);
    else
        unsetenv("PETREL_CPU");
    struct backend *b = backend_open("cpu", threads, FLOAT32, &e);
    unsetenv("PETREL_CPU");
    if (!b && e.code != EX_UNAVAILABLE)
        fail_msg("%s", e.text);
    return b;
}

static inline struct backend *open_ref(void)
{
    struct error e = {0};
    struct backend *b = backend_open("ref", 1, FLOAT32, &e);
    assert_non_null(b);
    return b;
}

static inline struct held job_run(const struct op *op, const int *n, struct backend *b, enum precision precision)
{
    struct held h = job_open(op, n, precision);
    h.job.b = b;
    op->run(&h.job);
    return h;
}

static inline void shape_text(char *to, size_t size, const int *n)
{
    int last = NUMBERS - 1;
    while (last > 0 && n[last] == 0)
        last--;
    size_t used = 0;
    for (int i = 0; i <= last && used < size; i++)
        used += (size_t)snprintf(to + used, size - used, "%s%d", i ? "," : "", n[i]);
}

static inline void must_be_within(const struct op *op, const int *n, const char *what, const char *who, const float *a,
                                  const float *b, size_t count, double limit)
{
    double d = distance(a, b, count);
    char text[200];
    shape_text(text, sizeof text, n);
    if (!(d <= limit)) /* NaN too */
        fail_msg("%s(%s): %s of %s is %.2g from ref (at most %.2g)", op->name, text, what, who, d, limit);
}

static inline void must_be_near(const struct op *op, const int *n, const char *what, const char *who, const float *a,
                                const float *b, size_t count)
{
    must_be_within(op, n, what, who, a, b, count, op->tolerance);
}

/* float32 on a GPU; bfloat16 keeps 8 bits: 2^-8 of a number at most, in the mean of many less, and more where gradients are added up */
static const double cuda_tolerance[] = {[FLOAT32] = 1e-5, [BFLOAT16] = 5e-3};
static inline void must_be_near_cuda(const struct op *op, const int *n, const char *what, const char *who,
                                     const float *a, const float *b, size_t count)
{
    must_be_within(op, n, what, who, a, b, count, cuda_tolerance[strstr(who, "bfloat16") ? BFLOAT16 : FLOAT32]);
}

static inline void each_result(const struct op *op, const int *n, const char *who, const struct held *a,
                               const struct held *b,
                               void (*check)(const struct op *, const int *, const char *, const char *, const float *,
                                             const float *, size_t))
{
    check(op, n, "y", who, a->job.y, b->job.y, a->y);
    check(op, n, "extra", who, a->job.extra, b->job.extra, a->extra);
    for (int i = 0; i < op->differentiable; i++) {
        char what[30];
        snprintf(what, sizeof what, "gradient of input %d", i);
        check(op, n, what, who, a->job.dx[i], b->job.dx[i], a->x[i]);
    }
}

static inline void must_be_same(const struct op *op, const int *n, const char *what, const char *who, const float *a,
                                const float *b, size_t count)
{
    char text[200];
    shape_text(text, sizeof text, n);
    if (memcmp(a, b, count * sizeof *a))
        fail_msg("%s(%s): %s differs between one run and %s", op->name, text, what, who);
}

/* The emulated back end against ref, and against itself. Where it is not built test_emulated_is_built, which every program of
 * operations has, says so. */
static inline void check_emulated(const struct op *op, const int (*shape)[NUMBERS], size_t shapes)
{
    if (!emulated_is_built())
        return;
    struct backend *ref = open_ref();
    for (int precision = FLOAT32; precision <= BFLOAT16; precision++) {
        struct backend *cuda = open_emulated((enum precision)precision);
        for (size_t i = 0; i < shapes; i++) {
            struct held expected = job_run(op, shape[i], ref, (enum precision)precision);
            struct held once = job_run(op, shape[i], cuda, (enum precision)precision),
                        again = job_run(op, shape[i], cuda, (enum precision)precision);
            each_result(op, shape[i], cuda->device, &once, &expected, must_be_near_cuda);
            each_result(op, shape[i], "a second one on the emulated GPU", &once, &again, must_be_same);
            job_close(&expected);
            job_close(&once);
            job_close(&again);
        }
        backend_close(&cuda);
    }
    backend_close(&ref);
}

static inline void test_emulated_is_built(void **state)
{
    (void)state;
    if (emulated_is_built())
        return;
    print_message("skipped: %s\n", EMULATED_MISSING);
    skip();
}

static inline void check_backends(const struct op *op, const int (*shape)[NUMBERS], size_t shapes)
{
    static const char *const kinds[] = {NULL, "plain", "avx2", "avx512"};
    struct backend *ref = open_ref(), *cpu[COUNT_OF(kinds)], *two = open_cpu(NULL, 2), *three = open_cpu(NULL, 3);
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        cpu[k] = open_cpu(kinds[k], 1);
    check_emulated(op, shape, shapes);
    for (size_t i = 0; i < shapes; i++) {
        const int *n = shape[i];
        struct held expected = job_run(op, n, ref, FLOAT32), one = job_run(op, n, cpu[0], FLOAT32),
                    b = job_run(op, n, two, FLOAT32), c = job_run(op, n, three, FLOAT32);
        each_result(op, n, "2 threads", &one, &b, must_be_same);
        each_result(op, n, "3 threads", &one, &c, must_be_same);
        for (size_t k = 0; k < COUNT_OF(kinds); k++)
            if (cpu[k]) {
                struct held h = job_run(op, n, cpu[k], FLOAT32);
                each_result(op, n, cpu[k]->device, &h, &expected, must_be_near);
                job_close(&h);
            }
        job_close(&expected);
        job_close(&one);
        job_close(&b);
        job_close(&c);
    }
    backend_close(&ref);
    backend_close(&two);
    backend_close(&three);
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        backend_close(&cpu[k]);
}

/* Slopes of <dy, y> along directions of one input, by central differences, against its gradient in ref. A gradient that is wrong
 * across one direction need not be across another: several dense ones, and one of few numbers, in which each of them weighs. */
enum { DIRECTIONS = 4, FEW = 3 };

static inline void direction_fill(float *direction, size_t count, int which)
{
    fill(direction, count, 31 + (uint64_t)which);
    if (which + 1 < DIRECTIONS || count <= FEW)
        return;
    struct rng r = rng_make(7, RNG_TEST, 41);
    size_t kept[FEW];
    for (size_t i = 0; i < FEW; i++)
        kept[i] = rng_below(&r, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        bool keep = false;
        for (size_t k = 0; k < FEW; k++)
            keep = keep || kept[k] == i;
        direction[i] = keep ? direction[i] : 0;
    }
}

static inline void check_slope(const struct op *op, const int *n, struct backend *ref, int i, int which)
{
    struct held h = job_run(op, n, ref, FLOAT32), start = job_open(op, n, FLOAT32);
    float *direction = xalloc(h.x[i], sizeof *direction);
    direction_fill(direction, h.x[i], which);
    const double step = 2e-3;
    double value[2] = {0}, slope = 0, length = 0;
    for (int side = 0; side < 2; side++) {
        struct held moved = job_open(op, n, FLOAT32);
        moved.job.b = ref;
        for (size_t k = 0; k < h.x[i]; k++)
            moved.job.x[i][k] += (float)((side ? -step : step) * (double)direction[k]);
        op->run(&moved.job);
        for (size_t k = 0; k < h.y; k++)
            value[side] += (double)moved.job.y[k] * (op->writes ? 1 : (double)moved.job.dy[k]);
        job_close(&moved);
    }
    for (size_t k = 0; k < h.x[i]; k++) {
        double g = (double)h.job.dx[i][k] - (op->writes ? 0 : (double)start.job.dx[i][k]);
        slope += g * (double)direction[k];
        length += g * g;
    }
    double measured = (value[0] - value[1]) / (2 * step), off = fabs(measured - slope) / (sqrt(length) + 1e-3);
    char text[200];
    shape_text(text, sizeof text, n);
    if (!(off < 5e-3))
        fail_msg("%s(%s): input %d has slope %g along direction %d, central differences say %g", op->name, text, i,
                 slope, which, measured);
    free(direction);
    job_close(&h);
    job_close(&start);
}

static inline void check_slopes(const struct op *op, const int (*shape)[NUMBERS], size_t shapes)
{
    struct backend *ref = open_ref();
    for (size_t s = 0; s < shapes && !op->no_slope; s++)
        for (int i = 0; i < op->differentiable; i++)
            for (int which = 0; which < DIRECTIONS; which++)
                check_slope(op, shape[s], ref, i, which);
    backend_close(&ref);
}

#endif
