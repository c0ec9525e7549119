/* tape_params -- the parameters of one network: named pointers into one block.   kernels/tape */
#include "common/rng.h"
#include "kernels/tape_own.h"
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
    }
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
    return (int)p->count++;
}

bool param_trained(const struct param *q) { return (q->kind == PARAM_PLAIN || q->kind == PARAM_CONV) && !q->frozen; }

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

/* places in the block for the parameters that are, or are not, trained */
static void place(struct params *p, bool trained)
{
    for (size_t i = 0; i < p->count; i++) {
        struct param *q = &p->param[i];
        if (q->kind == PARAM_COUNTER || param_trained(q) != trained)
            continue;
        q->size =
            q->kind == PARAM_CONV ? p->backend->weight_size(p->backend, q->dim[0], q->dim[1], q->dim + 2) : q->count;
        q->at = p->floats;
        p->floats += (q->size + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
    }
}

void params_seal(struct params *p)
{
    if (p->sealed)
        return;
    assert(p->backend);
    place(p, true);
    p->trained = p->floats;
    place(p, false);
    p->values = p->backend->alloc(p->backend, p->floats * sizeof(float));
    p->grads = p->backend->alloc(p->backend, p->trained * sizeof(float));
    for (size_t i = 0; i < p->count; i++) {
        struct param *q = &p->param[i];
        if (q->kind == PARAM_COUNTER)
            continue;
        q->value = p->values + q->at;
        q->grad = param_trained(q) ? p->grads + q->at : NULL;
    }
    p->sealed = true;
}

void params_zero_grad(struct params *p) { p->backend->zero(p->backend, p->grads, p->trained * sizeof(float)); }

static void get(struct backend *b, const struct param *q, const float *device, float *host)
{
    if (q->kind == PARAM_CONV)
        b->weight_get(b, host, device, q->dim[0], q->dim[1], q->dim + 2);
    else
        b->get(b, host, device, q->count * sizeof(float));
}

static void put(struct backend *b, const struct param *q, float *device, const float *host)
{
    if (q->kind == PARAM_CONV)
        b->weight_put(b, device, host, q->dim[0], q->dim[1], q->dim + 2);
    else
        b->put(b, device, host, q->count * sizeof(float));
}

void param_get(struct params *p, const struct param *q, float *host) { get(p->backend, q, q->value, host); }
void param_put(struct params *p, struct param *q, const float *host) { put(p->backend, q, q->value, host); }

void param_get_from(struct params *p, const struct param *q, const float *block, float *host)
{
    assert(param_trained(q));
    get(p->backend, q, block + q->at, host);
}

void param_put_to(struct params *p, const struct param *q, float *block, const float *host)
{
    assert(param_trained(q));
    put(p->backend, q, block + q->at, host);
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
