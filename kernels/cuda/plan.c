/* SPDX-License-Identifier: Apache-2.0 */
/* plan -- see plan.h.   kernels/cuda
 *
 * cuDNN's descriptors are made, set and finalised through a build, which remembers the first failure and does nothing after
 * it: so that a graph reads as a list, and is checked once. */
#include "kernels/cuda/plan.h"
#include "kernels/cuda/cudnn_version.h"
#include "kernels/cuda/tuned.h"

#include <cuda_runtime.h>
#include <cudnn.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef cudnnBackendDescriptor_t desc;

const char *const pass_name[PASSES] = {"forward", "data", "weight"};

enum { OFFERS_MOST = 128, TUNE_MOST = 16, KNOBS_MOST = 24, NOTES_MOST = 16 };

struct planner {
    cudnnHandle_t dnn; /* NULL: described only */
    cudaStream_t stream;
    desc properties; /* NULL on a device */
    enum precision precision;
    size_t workspace_most;
    char who[200]; /* device, driver, cuDNN: the part of a key that is the same for all */
};

struct plan {
    struct planner *planner;
    desc offer, plan, pack; /* offer belongs to the build until the plan is chosen */
    bool keeps_offer;
    void *bound[4]; /* pointers the pack holds */
    struct plan_about about;
};

/* ---- descriptors ---- */

struct build {
    cudnnStatus_t status;
    const char *failed; /* what was being made */
    desc made[64 + 2 * OFFERS_MOST];
    int count;
};

static desc make(struct build *b, cudnnBackendDescriptorType_t type)
{
    desc d = NULL;
    if (b->status == CUDNN_STATUS_SUCCESS)
        b->status =
            b->count < (int)COUNT_OF(b->made) ? cudnnBackendCreateDescriptor(type, &d) : CUDNN_STATUS_INTERNAL_ERROR;
    if (d)
        b->made[b->count++] = d;
    return d;
}

static void set(struct build *b, desc d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                int64_t count, const void *values)
{
    if (b->status == CUDNN_STATUS_SUCCESS)
        b->status = cudnnBackendSetAttribute(d, name, type, count, values);
}

static void set_desc(struct build *b, desc d, cudnnBackendAttributeName_t name, desc value)
{
    set(b, d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value);
}

static void finish(struct build *b, desc d, const char *what)
{
    if (b->status == CUDNN_STATUS_SUCCESS)
        b->status = cudnnBackendFinalize(d);
    if (b->status != CUDNN_STATUS_SUCCESS && !b->failed)
        b->failed = what;
}

static void unmake(struct build *b)
{
    while (b->count > 0)
        if (b->made[--b->count])
            (void)cudnnBackendDestroyDescriptor(b->made[b->count]);
}

/* ---- the graph: one convolution ---- */

enum { ID_X = 1, ID_W, ID_Y };

static desc make_tensor(struct build *b, int64_t id, cudnnDataType_t type, int64_t N, int64_t C, const int dim[3])
{
    int64_t D = dim[0], H = dim[1], W = dim[2], align = 16;
    const int64_t dims[5] = {N, C, D, H, W}, strides[5] = {D * H * W * C, 1, H * W * C, W * C, C};
    desc t = make(b, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set(b, t, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(b, t, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 5, dims);
    set(b, t, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 5, strides);
    set(b, t, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
    set(b, t, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &align);
    finish(b, t, "a tensor");
    return t;
}

static desc make_convolution(struct build *b, const struct conv_shape *s)
{
    cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    int64_t three = 3, dilation[3] = {1, 1, 1}, pad[3], behind[3], stride[3];
    for (int a = 0; a < 3; a++) {
        int reach = (s->out[a] - 1) * s->stride[a] + s->kernel[a] - s->in[a] - s->pad[a];
        pad[a] = s->pad[a], stride[a] = s->stride[a];
        behind[a] = reach > s->pad[a] ? reach : s->pad[a]; /* "same" padding may have one more behind */
    }
    desc c = make(b, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    set(b, c, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &three);
    set(b, c, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums);
    set(b, c, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(b, c, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 3, pad);
    set(b, c, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 3, behind);
    set(b, c, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 3, dilation);
    set(b, c, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 3, stride);
    finish(b, c, "a convolution");
    return c;
}

static const struct {
    cudnnBackendDescriptorType_t type;
    cudnnBackendAttributeName_t alpha, beta, conv, x, w, y;
} operations[PASSES] = {
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY},
};

static desc make_graph(struct build *b, struct planner *p, const struct conv_shape *s, enum pass pass, bool accumulate)
{
    cudnnDataType_t type = p->precision == BFLOAT16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    float alpha = 1, beta = accumulate ? 1 : 0;
    desc x = make_tensor(b, ID_X, type, s->N, s->C, s->in), w = make_tensor(b, ID_W, type, s->O, s->C, s->kernel);
    desc y = make_tensor(b, ID_Y, type, s->N, s->O, s->out), conv = make_convolution(b, s);
    desc op = make(b, operations[pass].type);
    set_desc(b, op, operations[pass].conv, conv);
    set_desc(b, op, operations[pass].x, x);
    set_desc(b, op, operations[pass].w, w);
    set_desc(b, op, operations[pass].y, y);
    set(b, op, operations[pass].alpha, CUDNN_TYPE_FLOAT, 1, &alpha);
    set(b, op, operations[pass].beta, CUDNN_TYPE_FLOAT, 1, &beta);
    finish(b, op, "the operation");
    desc graph = make(b, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    if (p->dnn)
        set(b, graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &p->dnn);
    set_desc(b, graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, op);
    finish(b, graph, "the graph");
    return graph;
}

/* ---- what cuDNN offers ---- */

/* Adds the engine configurations of one heuristic, best first. */
static int list_offers(struct build *b, struct planner *p, desc graph, cudnnBackendHeurMode_t mode,
                       desc offer[OFFERS_MOST], int have)
{
    desc heuristic = make(b, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    set_desc(b, heuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    set(b, heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (p->properties)
        set_desc(b, heuristic, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, p->properties);
    finish(b, heuristic, "the heuristics");
    int64_t many = 0, room = OFFERS_MOST - have;
    for (int64_t i = 0; i < room; i++)
        offer[have + i] = make(b, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    if (b->status == CUDNN_STATUS_SUCCESS && room > 0 &&
        cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, room, &many,
                                 offer + have) != CUDNN_STATUS_SUCCESS)
        many = 0;                         /* a heuristic that knows nothing of this graph */
    for (int64_t i = room; i > many; i--) /* those it left empty */
        (void)cudnnBackendDestroyDescriptor(b->made[--b->count]);
    return have + (int)(many < room ? many : room);
}

/* Number and knobs of the engine a configuration is for, and whether it may be used. */
static bool may_use(desc offer, enum precision precision, struct plan_about *about)
{
    desc engine = NULL, knob[KNOBS_MOST] = {NULL};
    int64_t number = -1, many = 0, notes = 0, knobs = 0;
    cudnnBackendNumericalNote_t note[NOTES_MOST];
    bool ok = cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine) == CUDNN_STATUS_SUCCESS &&
              cudnnBackendGetAttribute(offer, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &many,
                                       &engine) == CUDNN_STATUS_SUCCESS &&
              cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &many, &number) ==
                  CUDNN_STATUS_SUCCESS &&
              cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, NOTES_MOST,
                                       &notes, note) == CUDNN_STATUS_SUCCESS;
    unsigned has = 0;
    for (int64_t i = 0; ok && i < notes && i < NOTES_MOST; i++)
        has |= 1u << note[i];
    about->tensor_cores = has & 1u << CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
    unsigned never =
        1u << CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC | 1u << CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION;
    if (precision == FLOAT32)
        never |= 1u << CUDNN_NUMERICAL_NOTE_TENSOR_CORE | 1u << CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS;
    never |= 1u << CUDNN_NUMERICAL_NOTE_FFT | 1u << CUDNN_NUMERICAL_NOTE_WINOGRAD |
             1u << CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4 | 1u << CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6 |
             1u << CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13;
    ok = ok && !(has & never);

    size_t used = (size_t)snprintf(about->engine, sizeof about->engine, "%lld:", (long long)number);
    for (int k = 0; ok && k < KNOBS_MOST; k++)
        ok = cudnnBackendCreateDescriptor(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, &knob[k]) == CUDNN_STATUS_SUCCESS;
    if (ok && cudnnBackendGetAttribute(offer, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                       KNOBS_MOST, &knobs, knob) == CUDNN_STATUS_SUCCESS)
        for (int64_t k = 0; k < knobs && k < KNOBS_MOST && used < sizeof about->engine; k++) {
            cudnnBackendKnobType_t type;
            int64_t value = 0;
            if (cudnnBackendGetAttribute(knob[k], CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &many,
                                         &type) == CUDNN_STATUS_SUCCESS &&
                cudnnBackendGetAttribute(knob[k], CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &many,
                                         &value) == CUDNN_STATUS_SUCCESS)
                used += (size_t)snprintf(about->engine + used, sizeof about->engine - used, " %d=%lld", (int)type,
                                         (long long)value);
        }
    for (int k = 0; k < KNOBS_MOST; k++)
        if (knob[k])
            (void)cudnnBackendDestroyDescriptor(knob[k]);
    if (engine)
        (void)cudnnBackendDestroyDescriptor(engine);
    return ok;
}

/* A plan of one offer; NULL where it may not be used, does not build or wants too much. */
static struct plan *plan_of(struct planner *p, desc offer)
{
    struct plan *plan = xalloc(1, sizeof *plan);
    plan->planner = p;
    plan->offer = offer;
    int64_t many = 0, workspace = 0;
    bool ok =
        may_use(offer, p->precision, &plan->about) &&
        cudnnBackendCreateDescriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &plan->plan) == CUDNN_STATUS_SUCCESS &&
        cudnnBackendSetAttribute(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                 &offer) == CUDNN_STATUS_SUCCESS;
    if (ok && p->properties)
        ok = cudnnBackendSetAttribute(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                      1, &p->properties) == CUDNN_STATUS_SUCCESS;
    else if (ok)
        ok = cudnnBackendSetAttribute(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &p->dnn) ==
             CUDNN_STATUS_SUCCESS;
    ok = ok && cudnnBackendFinalize(plan->plan) == CUDNN_STATUS_SUCCESS &&
         cudnnBackendGetAttribute(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &many,
                                  &workspace) == CUDNN_STATUS_SUCCESS &&
         workspace >= 0 && (uint64_t)workspace <= p->workspace_most;
    plan->about.workspace = (size_t)workspace;
    if (!ok)
        plan_close(&plan);
    return plan;
}

void plan_close(struct plan **plan)
{
    if (!*plan)
        return;
    if ((*plan)->pack)
        (void)cudnnBackendDestroyDescriptor((*plan)->pack);
    if ((*plan)->plan)
        (void)cudnnBackendDestroyDescriptor((*plan)->plan);
    if ((*plan)->keeps_offer)
        (void)cudnnBackendDestroyDescriptor((*plan)->offer);
    free(*plan);
    *plan = NULL;
}

const struct plan_about *plan_about(const struct plan *p)
{
    return &p->about;
}

/* ---- running ---- */

static cudnnStatus_t execute(struct plan *p, void *x, void *w, void *y, void *workspace)
{
    void *pointer[4] = {x, w, y, workspace};
    if (!p->pack || memcmp(pointer, p->bound, sizeof pointer)) {
        static const int64_t id[3] = {ID_X, ID_W, ID_Y};
        struct build b = {0};
        if (p->pack)
            (void)cudnnBackendDestroyDescriptor(p->pack);
        p->pack = make(&b, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
        set(&b, p->pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, pointer);
        set(&b, p->pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, id);
        set(&b, p->pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
        finish(&b, p->pack, "the pointers");
        if (b.status != CUDNN_STATUS_SUCCESS)
            return b.status;
        memcpy(p->bound, pointer, sizeof pointer);
    }
    return cudnnBackendExecute(p->planner->dnn, p->plan, p->pack);
}

void plan_run(struct plan *p, void *x, void *w, void *y, void *workspace)
{
    cudnnStatus_t status = execute(p, x, w, y, workspace);
    if (status != CUDNN_STATUS_SUCCESS)
        die(EX_SOFTWARE, "cuDNN's engine %s failed: %s", p->about.engine, cudnnGetErrorString(status));
}

/* ---- choosing ---- */

bool planner_times(const struct planner *p)
{
    const char *tune = getenv("PETREL_CUDA_TUNE");
    return p->dnn && !(tune && !strcmp(tune, "0"));
}

double planner_seconds(struct planner *p, void (*run)(void *context), void *context)
{
    enum { ROUNDS = 5, RUNS = 10 };
    if (!planner_times(p))
        return 0;
    cudaEvent_t begin = NULL, end = NULL;
    double best = DBL_MAX;
    bool ok = cudaEventCreate(&begin) == cudaSuccess && cudaEventCreate(&end) == cudaSuccess;
    for (int r = 0; r <= ROUNDS && ok; r++) { /* the first warms up */
        float ms = 0;
        ok = cudaEventRecord(begin, p->stream) == cudaSuccess;
        for (int i = 0; i < RUNS; i++)
            run(context);
        ok = ok && cudaEventRecord(end, p->stream) == cudaSuccess && cudaEventSynchronize(end) == cudaSuccess &&
             cudaEventElapsedTime(&ms, begin, end) == cudaSuccess;
        if (ok && r > 0 && ms * 1e-3 / RUNS < best)
            best = ms * 1e-3 / RUNS;
    }
    if (begin)
        (void)cudaEventDestroy(begin);
    if (end)
        (void)cudaEventDestroy(end);
    return ok ? best : 0;
}

/* What plans are timed on: numbers that are not zero, for a multiplier that multiplies noughts draws less power and runs faster. */
struct arena {
    void *x, *w, *y, *workspace;
};

static bool arena_open(struct arena *a, struct planner *p, const struct conv_shape *s, size_t workspace, struct error *e)
{
    size_t number = p->precision == BFLOAT16 ? 2 : 4, C = (size_t)s->C, O = (size_t)s->O, N = (size_t)s->N;
    size_t bytes[4] = {N * C * number, O * C * number, N * O * number, workspace + 1};
    for (int d = 0; d < 3; d++) {
        bytes[0] *= (size_t)s->in[d];
        bytes[1] *= (size_t)s->kernel[d];
        bytes[2] *= (size_t)s->out[d];
    }
    void **to[4] = {&a->x, &a->w, &a->y, &a->workspace};
    for (int i = 0; i < 4; i++) {
        if (cudaMalloc(to[i], bytes[i]) != cudaSuccess) {
            (void)cudaGetLastError();
            *to[i] = NULL;
            fail_as(e, EX_OSERR, "no memory on the device for %zu bytes to time plans on", bytes[i]);
            return false;
        }
        (void)cudaMemsetAsync(*to[i], 0x3c, bytes[i], p->stream); /* 0.0115, of 2 bytes or 4 */
    }
    return true;
}

static void arena_close(struct arena *a)
{
    (void)cudaFree(a->x);
    (void)cudaFree(a->w);
    (void)cudaFree(a->y);
    (void)cudaFree(a->workspace);
}

struct trial {
    struct plan *plan;
    struct arena *arena;
    bool failed;
};

static void try_once(void *context)
{
    struct trial *t = context;
    t->failed = t->failed ||
                execute(t->plan, t->arena->x, t->arena->w, t->arena->y, t->arena->workspace) != CUDNN_STATUS_SUCCESS;
}

static void key_of(char *key, const struct planner *p, const struct conv_shape *s, enum pass pass, bool accumulate)
{
    format_into(
        key, TUNED_MOST,
        "plan of %s; %s %s%s; N %d C %d O %d in %d %d %d kernel %d %d %d stride %d %d %d pad %d %d %d; workspace %zu",
        p->who, p->precision == BFLOAT16 ? "bfloat16" : "float32", pass_name[pass], accumulate ? " adding" : "", s->N,
        s->C, s->O, s->in[0], s->in[1], s->in[2], s->kernel[0], s->kernel[1], s->kernel[2], s->stride[0], s->stride[1],
        s->stride[2], s->pad[0], s->pad[1], s->pad[2], p->workspace_most);
}

/* The fastest of `many` plans; the others are closed. */
static struct plan *fastest(struct planner *p, struct plan **plan, int many, const struct conv_shape *s, struct error *e)
{
    size_t workspace = 0;
    for (int i = 0; i < many; i++)
        if (plan[i]->about.workspace > workspace)
            workspace = plan[i]->about.workspace;
    struct arena a = {0};
    int best = -1;
    if (arena_open(&a, p, s, workspace, e))
        for (int i = 0; i < many; i++) {
            struct trial t = {plan[i], &a, false};
            plan[i]->about.seconds = planner_seconds(p, try_once, &t);
            if (!t.failed && plan[i]->about.seconds > 0 &&
                (best < 0 || plan[i]->about.seconds < plan[best]->about.seconds))
                best = i;
        }
    arena_close(&a);
    if (best < 0 && e && !e->code)
        fail_as(e, EX_UNAVAILABLE, "none of %d plans of cuDNN for this convolution runs", many);
    struct plan *chosen = best < 0 ? NULL : plan[best];
    for (int i = 0; i < many; i++)
        if (i != best)
            plan_close(&plan[i]);
    return chosen;
}

/* The plans that may be used, in cuDNN's order: the first `most`, or where `wanted` is not NULL the one of that engine and knobs. */
static int list_plans(struct planner *p, const desc *offer, int offers, struct plan **plan, int most, const char *wanted)
{
    int many = 0;
    for (int i = 0; i < offers && many < most; i++) {
        struct plan_about about = {0};
        if (wanted && !(may_use(offer[i], p->precision, &about) && !strcmp(about.engine, wanted)))
            continue;
        plan[many] = plan_of(p, offer[i]);
        many += plan[many] != NULL;
    }
    return many;
}

static struct plan *choose(struct planner *p, const desc *offer, int offers, const struct conv_shape *s, enum pass pass,
                           bool accumulate, struct error *e)
{
    char key[TUNED_MOST], value[TUNED_MOST];
    struct plan *plan[TUNE_MOST];
    bool timed = planner_times(p);
    key_of(key, p, s, pass, accumulate);
    if (timed && tuned_get(key, value)) { /* "SECONDS ENGINE" */
        char *engine;
        double seconds = strtod(value, &engine);
        if (*engine == ' ' && list_plans(p, offer, offers, plan, 1, engine + 1) == 1) {
            plan[0]->about.seconds = seconds;
            return plan[0];
        }
        fprintf(stderr, "%s: cuDNN no longer offers the plan that was measured ('%s'); measuring again\n",
                program_name(), value);
    }
    int fit = list_plans(p, offer, offers, plan, timed ? TUNE_MOST : 1, NULL);
    if (fit == 0)
        return NULL;
    struct plan *chosen = timed ? fastest(p, plan, fit, s, e) : plan[0];
    if (chosen)
        chosen->about.fit = fit;
    if (chosen && timed) {
        format_into(value, sizeof value, "%.9f %s", chosen->about.seconds, chosen->about.engine);
        tuned_put(key, value);
    }
    return chosen;
}

struct plan *plan_open(struct planner *p, const struct conv_shape *s, enum pass pass, bool accumulate, struct error *e)
{
    struct error none = {0};
    if (!e)
        e = &none;
    struct build *b = xalloc(1, sizeof *b);
    desc offer[OFFERS_MOST];
    desc graph = make_graph(b, p, s, pass, accumulate);
    int offers = 0;
    if (b->status == CUDNN_STATUS_SUCCESS)
        offers = list_offers(b, p, graph, CUDNN_HEUR_MODE_A, offer, 0);
    if (b->status == CUDNN_STATUS_SUCCESS)
        offers = list_offers(b, p, graph, CUDNN_HEUR_MODE_FALLBACK, offer, offers);
    struct plan *plan = b->status == CUDNN_STATUS_SUCCESS ? choose(p, offer, offers, s, pass, accumulate, e) : NULL;
    if (plan) {
        plan->about.offered = offers;
        for (int i = 0; i < b->count; i++) /* a plan lives no longer than the configuration it was made from */
            if (b->made[i] == plan->offer) {
                b->made[i] = NULL;
                plan->keeps_offer = true;
            }
    } else if (!e->code)
        fail_as(e, EX_UNAVAILABLE,
                "cuDNN %zu has no plan for the %s pass of a convolution of %d to %d channels, %dx%dx%d, that repeats "
                "bit for "
                "bit within %zu MiB of workspace (%d offered%s%s%s)",
                cudnnGetVersion(), pass_name[pass], s->C, s->O, s->in[0], s->in[1], s->in[2], p->workspace_most >> 20,
                offers, b->failed ? "; failed at " : "", b->failed ? b->failed : "",
                b->failed ? cudnnGetErrorString(b->status) : "");
    unmake(b);
    free(b);
    return plan;
}

/* ---- planners ---- */

const char *planner_who(const struct planner *p)
{
    return p->who;
}

static struct planner *planner_new(enum precision precision, size_t workspace_most, struct error *e)
{
    if (cudnn_version_check(cudnnGetVersion(), precision, e))
        return NULL;
    struct planner *p = xalloc(1, sizeof *p);
    p->precision = precision;
    p->workspace_most = workspace_most;
    return p;
}

struct planner *planner_open(void *dnn, void *stream, enum precision precision, size_t workspace_most, struct error *e)
{
    struct planner *p = planner_new(precision, workspace_most, e);
    if (!p)
        return NULL;
    p->dnn = dnn;
    p->stream = stream;
    int device = 0, driver = 0, runtime = 0;
    struct cudaDeviceProp properties;
    if (cudaGetDevice(&device) != cudaSuccess || cudaGetDeviceProperties(&properties, device) != cudaSuccess ||
        cudaDriverGetVersion(&driver) != cudaSuccess || cudaRuntimeGetVersion(&runtime) != cudaSuccess) {
        fail_as(e, EX_UNAVAILABLE, "the GPU does not say what it is: %s", cudaGetErrorString(cudaGetLastError()));
        planner_close(&p);
        return NULL;
    }
    format_into(p->who, sizeof p->who, "%.100s, driver %d, CUDA %d, cuDNN %zu", properties.name, driver, runtime,
                cudnnGetVersion());
    return p;
}

struct planner *planner_open_described(const char *properties, enum precision precision, size_t workspace_most,
                                       struct error *e)
{
    struct planner *p = planner_new(precision, workspace_most, e);
    if (!p)
        return NULL;
    cudnnStatus_t status = cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &p->properties);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendSetAttribute(p->properties, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                                          (int64_t)strlen(properties), properties);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendFinalize(p->properties);
    if (status != CUDNN_STATUS_SUCCESS) {
        fail(e, "cuDNN does not understand the device properties: %s", cudnnGetErrorString(status));
        planner_close(&p);
    }
    return p;
}

void planner_close(struct planner **p)
{
    if (*p && (*p)->properties)
        (void)cudnnBackendDestroyDescriptor((*p)->properties);
    free(*p);
    *p = NULL;
}

char *planner_describe_device(struct error *e)
{
    struct build b = {0};
    int device = 0;
    int64_t length = 0;
    char *text = NULL;
    if (cudaGetDevice(&device) != cudaSuccess) {
        fail_as(e, EX_UNAVAILABLE, "no usable GPU: %s", cudaGetErrorString(cudaGetLastError()));
        return NULL;
    }
    desc properties = make(&b, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    int32_t number = device;
    set(&b, properties, CUDNN_ATTR_DEVICEPROP_DEVICE_ID, CUDNN_TYPE_INT32, 1, &number);
    finish(&b, properties, "the device's properties");
    if (b.status == CUDNN_STATUS_SUCCESS)
        b.status = cudnnBackendGetAttribute(properties, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 0,
                                            &length, NULL);
    if (b.status == CUDNN_STATUS_SUCCESS) {
        text = xalloc((size_t)length + 1, 1);
        b.status = cudnnBackendGetAttribute(properties, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                                            length, &length, text);
    }
    if (b.status != CUDNN_STATUS_SUCCESS) {
        fail_as(e, EX_UNAVAILABLE, "cuDNN does not describe the device: %s", cudnnGetErrorString(b.status));
        free(text);
        text = NULL;
    }
    unmake(&b);
    return text;
}
