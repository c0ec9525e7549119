/* SPDX-License-Identifier: Apache-2.0 */
/* tape_params -- the parameters of one network: named pointers into one block.   kernels/tape */
#include "common/rng.h"
#include "kernels/tape_internal.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN_FLOATS = 16 }; /* 64 bytes: every tensor begins on a cache line */

struct params *params_open(struct backend *b)
{
    struct params *p = xalloc(1, sizeof *p);
    p->backend = b;
    return p;
}

void params_close(struct params **p)
{
    if (!*p)
        return;
    if ((*p)->sealed) {
        (*p)->backend->release((*p)->backend, (*p)->values);
        (*p)->backend->release((*p)->backend, (*p)->grads);
        (*p)->backend->release((*p)->backend, (*p)->dead_states);
    }
    for (size_t i = 0; i < (*p)->count; i++)
        free((*p)->param[i].tap);
    free((*p)->dead_weights);
    free((*p)->param);
    free(*p);
    *p = NULL;
}

struct param *params_find(struct params *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (!strcmp(p->param[i].name, name))
            return &p->param[i];
    return NULL;
}

int params_add(struct params *p, const struct param *like)
{
    struct param *old = params_find(p, like->name);
    if (old) { /* another tape brought it: the two must mean the same tensor */
        assert(old->kind == like->kind && old->ndim == like->ndim && !memcmp(old->dim, like->dim, sizeof old->dim));
        assert(old->live_taps == like->live_taps &&
               (!like->tap || !memcmp(old->tap, like->tap, (size_t)like->live_taps * sizeof *like->tap)));
        return (int)(old - p->param);
    }
    assert(!p->sealed);
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->param = xresize(p->param, p->room, sizeof *p->param);
    }
    struct param *q = &p->param[p->count];
    *q = *like;
    q->count = 1;
    for (int a = 0; a < q->ndim; a++)
        q->count *= (size_t)q->dim[a];
    q->live = q->count;
    if (like->tap) {
        size_t bytes = (size_t)q->live_taps * sizeof *q->tap;
        q->tap = xalloc(bytes + 1, 1);
        memcpy(q->tap, like->tap, bytes);
        q->live = q->count / (size_t)q->taps * (size_t)q->live_taps;
    }
    q->dead = q->count - q->live;
    return (int)p->count++;
}

bool param_trained(const struct param *q)
{
    return (q->kind == PARAM_PLAIN || q->kind == PARAM_CONV) && !q->frozen;
}

size_t params_elements(const struct params *p, const char *prefix)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        if (p->param[i].kind <= PARAM_CONV && !strncmp(p->param[i].name, prefix, strlen(prefix)))
            n += p->param[i].count;
    return n;
}

void params_freeze(struct params *p, const char *prefix)
{
    assert(!p->sealed);
    for (size_t i = 0; i < p->count; i++)
        if (!strncmp(p->param[i].name, prefix, strlen(prefix)))
            p->param[i].frozen = true;
}

/* where in the block lie the parameters that are, or are not, trained */
static void lay_out(struct params *p, bool trained)
{
    for (size_t i = 0; i < p->count; i++) {
        struct param *q = &p->param[i];
        if (q->kind == PARAM_COUNTER || param_trained(q) != trained)
            continue;
        q->size =
            q->kind == PARAM_CONV ? p->backend->weight_size(p->backend, q->dim[0], q->dim[1], q->live_taps) : q->count;
        q->at = p->floats;
        p->floats += (q->size + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
    }
}

void params_seal(struct params *p)
{
    if (p->sealed)
        return;
    assert(p->backend);
    lay_out(p, true);
    p->trained = p->floats;
    lay_out(p, false);
    p->values = p->backend->alloc(p->backend, p->floats * sizeof(float));
    p->grads = p->backend->alloc(p->backend, p->trained * sizeof(float));
    for (size_t i = 0; i < p->count; i++) {
        struct param *q = &p->param[i];
        if (q->kind == PARAM_COUNTER)
            continue;
        q->value = p->values + q->at;
        q->grad = param_trained(q) ? p->grads + q->at : NULL;
    }
    size_t with_dead = 0;
    for (size_t i = 0; i < p->count; i++)
        with_dead += p->param[i].dead > 0;
    p->dead_states = p->backend->alloc(p->backend, with_dead * sizeof *p->dead_states);
    for (size_t i = 0, k = 0; i < p->count; i++)
        p->param[i].dead_state = p->param[i].dead ? p->dead_states + k++ : NULL;
    p->sealed = true;
}

void params_zero_grad(struct params *p)
{
    p->backend->zero(p->backend, p->grads, p->trained * sizeof(float));
}

/* ---- to and from the host ---- */

void params_keep_dead_weights(struct params *p)
{
    assert(p->sealed && !p->dead_weights);
    for (size_t i = 0; i < p->count; i++)
        p->dead += p->param[i].dead;
    p->dead_weights = xalloc(p->dead + 1, sizeof *p->dead_weights);
    for (size_t i = 0, at = 0; i < p->count; at += p->param[i++].dead)
        if (p->param[i].dead)
            p->param[i].dead_weights = p->dead_weights + at;
}

int param_live_shape(const struct param *q, int64_t dim[5])
{
    int ndim = q->dead ? 3 : q->ndim;
    for (int a = 0; a < ndim; a++)
        dim[a] = q->dead && a == 2 ? q->live_taps : q->dim[a];
    return ndim;
}

void param_get_live(struct params *p, const struct param *q, const float *block, float *host)
{
    struct backend *b = p->backend;
    if (q->kind == PARAM_CONV)
        b->weight_get(b, host, block + q->at, q->dim[0], q->dim[1], q->live_taps);
    else
        b->get(b, host, block + q->at, q->count * sizeof(float));
}

void param_put_live(struct params *p, const struct param *q, float *block, const float *host)
{
    struct backend *b = p->backend;
    if (q->kind == PARAM_CONV)
        b->weight_put(b, block + q->at, host, q->dim[0], q->dim[1], q->live_taps);
    else
        b->put(b, block + q->at, host, q->count * sizeof(float));
}

/* Taps in order: does t live? k: how many did before it. */
static bool tap_lives(const struct param *q, int t, int *k)
{
    bool lives = *k < q->live_taps && q->tap[*k] == t;
    *k += lives;
    return lives;
}

/* whole (filters, taps) to and from live (filters, live taps) and dead (filters, the others). dead NULL: dropped, or 0 */
static void part(const struct param *q, float *live, float *dead, const float *whole)
{
    for (size_t f = 0; f < q->count / (size_t)q->taps; f++)
        for (int t = 0, k = 0; t < q->taps; t++, whole++) {
            if (tap_lives(q, t, &k))
                *live++ = *whole;
            else if (dead)
                *dead++ = *whole;
        }
}

static void join(const struct param *q, float *whole, const float *live, const float *dead, double scale)
{
    for (size_t f = 0; f < q->count / (size_t)q->taps; f++)
        for (int t = 0, k = 0; t < q->taps; t++)
            *whole++ = tap_lives(q, t, &k) ? *live++ : dead ? (float)(scale * (double)*dead++) : 0;
}

static void get_whole(struct params *p, const struct param *q, const float *block, float *host, const float *dead,
                      double scale)
{
    if (!q->dead) {
        param_get_live(p, q, block, host);
        return;
    }
    float *live = xalloc(q->live + 1, sizeof *live);
    param_get_live(p, q, block, live);
    join(q, host, live, dead, scale);
    free(live);
}

static void put_whole(struct params *p, const struct param *q, float *block, const float *host, float *dead)
{
    if (!q->dead) {
        param_put_live(p, q, block, host);
        return;
    }
    float *live = xalloc(q->live + 1, sizeof *live);
    part(q, live, dead, host);
    param_put_live(p, q, block, live);
    free(live);
}

static double dead_squares(const struct param *q, const float *whole)
{
    double all = 0;
    for (size_t f = 0; f < q->count / (size_t)q->taps; f++)
        for (int t = 0, k = 0; t < q->taps; t++, whole++)
            all += tap_lives(q, t, &k) ? 0 : (double)*whole * (double)*whole;
    return all;
}

void param_get(struct params *p, const struct param *q, float *host)
{
    struct dead_state now = {0};
    if (q->dead_weights)
        p->backend->get(p->backend, &now, q->dead_state, sizeof now);
    get_whole(p, q, p->values, host, q->dead_weights, now.scale);
}

void param_put(struct params *p, struct param *q, const float *host)
{
    put_whole(p, q, p->values, host, q->dead_weights);
    if (q->dead) {
        struct dead_state now = {.scale = 1, .squares = dead_squares(q, host)};
        p->backend->put(p->backend, q->dead_state, &now, sizeof now);
    }
}

void param_get_from(struct params *p, const struct param *q, const float *block, float *host)
{
    assert(param_trained(q));
    get_whole(p, q, block, host, NULL, 0);
}

void param_put_to(struct params *p, const struct param *q, float *block, const float *host)
{
    assert(param_trained(q));
    put_whole(p, q, block, host, NULL);
}

void param_fresh(const struct param *q, uint64_t seed, size_t number, float *host)
{
    struct rng r = rng_make(seed, RNG_INIT, number);
    /* as the released code: the kernel's last side is not counted */
    double conv_sd = q->kind == PARAM_CONV ? sqrt(2.0 / ((double)q->dim[2] * q->dim[3] * q->dim[0])) : 0;
    double bound = q->fan_in > 0 ? 1 / sqrt((double)q->fan_in) : 0;
    for (size_t i = 0; i < q->count; i++)
        switch (q->init) {
        case INIT_ZERO: host[i] = 0; break;
        case INIT_ONE: host[i] = 1; break;
        case INIT_NORMAL: host[i] = rng_normal(&r); break;
        case INIT_CONV: host[i] = (float)(conv_sd * (double)rng_normal(&r)); break;
        case INIT_SMALL: host[i] = 0.02F * rng_normal(&r); break;
        case INIT_LINEAR: host[i] = (float)rng_range(&r, -bound, bound); break;
        }
}

void params_init(struct params *p, uint64_t seed)
{
    size_t most = 0;
    for (size_t i = 0; i < p->count; i++)
        most = p->param[i].count > most ? p->param[i].count : most;
    float *host = xalloc(most, sizeof *host);
    for (size_t i = 0; i < p->count; i++) {
        struct param *q = &p->param[i];
        if (q->kind == PARAM_COUNTER) {
            q->counter = 0;
            continue;
        }
        param_fresh(q, seed, i, host);
        param_put(p, q, host);
    }
    free(host);
}
