/* SPDX-License-Identifier: Apache-2.0 */
/* conv -- convolutions: an image made ready, then cuDNN's plan or cuBLAS's products (conv_form.h says which and why).   kernels/cuda
 *
 *     forward   u = unfold(in)                    out  = u * w
 *     data      du = dout * w transposed          din += fold(du)
 *     weight    u = unfold(in)                    dw  += dout * u, gathered back to the live taps
 * Where a form unfolds nothing, u is `in` itself and plans and products add to din themselves.
 *
 * w is a narrowed or rearranged copy of the float32 weights, made by each forward (25 MB of traffic a step for ResNet18's live
 * 4.2 M) and used by the backward that follows: whoever changes weights between the two must call forward again. In float32 a
 * form that rearranges nothing reads the weights where they lie.
 *
 * Plans are made when a pass is first called, which is never while a step is recorded. Forms are timed on the device when a
 * convolution is opened and the choice kept (tuned.h). PETREL_CUDA_CONV=NAME takes one form for every convolution, to measure or
 * test it; PETREL_CUDA_TUNE=0 takes the usual ones. Nothing is added atomically; the choice decides the bytes. tests: ops_image, gpu/plans */
#include "kernels/cuda/conv_form.h"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/plan.h"
#include "kernels/cuda/tuned.h"

#include <stdlib.h>
#include <string.h>

struct conv {
    struct conv_shape s, inner; /* as asked; as convolved */
    const struct conv_form *form;
    size_t row, inner_row; /* weights of one output channel: [L][C], and the inner shape's */
    int *weight_index;     /* on the device: inner_row indices into row, -1 for zero; NULL: the same ones */
    struct conv_run *run;  /* products */
    int runs;
    bool misses;               /* some output positions are met by no tap */
    struct plan *plan[PASSES]; /* cuDNN; NULL: not yet needed */
    void *copy;                /* of the weights; NULL: they are read where they lie */
    const float *copied;       /* whose copy it is */
};

/* What unfolding reads and writes. */
struct fold {
    int N, C, K;                      /* channels outside and inside */
    int in[3], mid[3];                /* positions outside and inside */
    int kernel[3], stride[3], pad[3]; /* of the unfolded axes; 1, 1, 0 of others */
};

static struct fold fold_of(const struct conv *c)
{
    struct fold f = {c->s.N, c->s.C, c->inner.C, {0}, {0}, {0}, {0}, {0}};
    for (int a = 0; a < 3; a++) {
        bool on = c->form->unfold[a];
        f.in[a] = c->s.in[a];
        f.mid[a] = on ? c->s.out[a] : c->s.in[a];
        f.kernel[a] = on ? c->s.kernel[a] : 1;
        f.stride[a] = on ? c->s.stride[a] : 1;
        f.pad[a] = on ? c->s.pad[a] : 0;
    }
    return f;
}

/* to(n,mid,k) = from(n, mid * stride + tap - pad, c), k = tap * C + c; 0 outside and past the last tap. 16 bytes a thread. */
template <class T> __global__ void conv_unfold(T *to, const T *from, size_t packs, struct fold f)
{
    const int size = pack<T>::size, taps = f.kernel[0] * f.kernel[1] * f.kernel[2];
    for (size_t i = first(); i < packs; i += stride()) {
        size_t row = i * (size_t)size / (size_t)f.K;
        int k = (int)(i * (size_t)size % (size_t)f.K);
        int w = (int)(row % (size_t)f.mid[2]), h = (int)(row / (size_t)f.mid[2] % (size_t)f.mid[1]);
        int d = (int)(row / (size_t)f.mid[2] / (size_t)f.mid[1] % (size_t)f.mid[0]);
        size_t n = row / (size_t)f.mid[2] / (size_t)f.mid[1] / (size_t)f.mid[0];
        pack<T> out;
        for (int j = 0; j < size; j++, k++) {
            int tap = k / f.C, c = k - tap * f.C;
            int x = w * f.stride[2] + tap % f.kernel[2] - f.pad[2];
            int y = h * f.stride[1] + tap / f.kernel[2] % f.kernel[1] - f.pad[1];
            int z = d * f.stride[0] + tap / f.kernel[2] / f.kernel[1] - f.pad[0];
            bool inside = tap < taps && x >= 0 && x < f.in[2] && y >= 0 && y < f.in[1] && z >= 0 && z < f.in[0];
            keep(&out.at[j], 0);
            if (inside)
                out.at[j] =
                    from[(((n * (size_t)f.in[0] + (size_t)z) * (size_t)f.in[1] + (size_t)y) * (size_t)f.in[2] + (size_t)x) *
                             (size_t)f.C +
                         (size_t)c];
        }
        ((pack<T> *)to)[i] = out;
    }
}

/* din(n,x,c) += sum over the taps that read x, of du */
template <class T> __global__ void conv_fold(T *din, const T *du, size_t count, struct fold f)
{
    for (size_t i = first(); i < count; i += stride()) {
        int c = (int)(i % (size_t)f.C);
        size_t at = i / (size_t)f.C;
        int x = (int)(at % (size_t)f.in[2]), y = (int)(at / (size_t)f.in[2] % (size_t)f.in[1]);
        int z = (int)(at / (size_t)f.in[2] / (size_t)f.in[1] % (size_t)f.in[0]);
        size_t n = at / (size_t)f.in[2] / (size_t)f.in[1] / (size_t)f.in[0];
        float sum = 0;
        for (int kd = 0; kd < f.kernel[0]; kd++) {
            int d = z + f.pad[0] - kd;
            if (d < 0 || d % f.stride[0] || d / f.stride[0] >= f.mid[0])
                continue;
            for (int kh = 0; kh < f.kernel[1]; kh++) {
                int h = y + f.pad[1] - kh;
                if (h < 0 || h % f.stride[1] || h / f.stride[1] >= f.mid[1])
                    continue;
                for (int kw = 0; kw < f.kernel[2]; kw++) {
                    int w = x + f.pad[2] - kw;
                    if (w < 0 || w % f.stride[2] || w / f.stride[2] >= f.mid[2])
                        continue;
                    size_t row = ((n * (size_t)f.mid[0] + (size_t)(d / f.stride[0])) * (size_t)f.mid[1] +
                                  (size_t)(h / f.stride[1])) *
                                     (size_t)f.mid[2] +
                                 (size_t)(w / f.stride[2]);
                    sum +=
                        number(du[row * (size_t)f.K + (size_t)(((kd * f.kernel[1] + kh) * f.kernel[2] + kw) * f.C + c)]);
                }
            }
        }
        keep(&din[i], number(din[i]) + sum);
    }
}

/* copy(o,i) = weight(o, weight_index(i)) */
template <class T>
__global__ void conv_copy(T *copy, const float *weight, const int *weight_index, size_t count, size_t inner_row,
                          size_t row)
{
    for (size_t i = first(); i < count; i += stride())
        if (weight_index) {
            int at = weight_index[i % inner_row];
            keep(&copy[i], at < 0 ? 0 : weight[i / inner_row * row + (size_t)at]);
        } else {
            keep(&copy[i], weight[i]);
        }
}

/* dweight(o, weight_index(i)) += from(o,i): no two i have one index */
template <class T>
__global__ void conv_gather(float *dweight, const T *from, const int *weight_index, size_t count, size_t inner_row,
                            size_t row)
{
    for (size_t i = first(); i < count; i += stride())
        if (weight_index) {
            int at = weight_index[i % inner_row];
            if (at >= 0)
                dweight[i / inner_row * row + (size_t)at] += number(from[i]);
        } else {
            dweight[i] += number(from[i]);
        }
}

/* out(n,p,:) = 0 */
template <class T> __global__ void conv_nothing(T *out, size_t count, size_t O, size_t P, size_t p)
{
    for (size_t i = first(); i < count; i += stride())
        keep(&out[(i / O * P + p) * O + i % O], 0);
}

/* ---- products over runs ---- */

static size_t wide(struct backend *b)
{
    return is_narrow(b, IMAGE) ? sizeof(bf16) : sizeof(float);
}

/* C(m,n) = A(m,k) B(k,n) + beta C, row-major, ld* between rows; turned: A is stored (k,m), B (n,k). A, B as images are kept */
static void gemm(struct backend *b, void *C, bool float_c, int ldc, const void *A, bool turned_a, int lda,
                 const void *B, bool turned_b, int ldb, int m, int n, int k, float beta)
{
    const float one = 1;
    cudaDataType_t type = is_narrow(b, IMAGE) ? CUDA_R_16BF : CUDA_R_32F;
    CUBLAS(cublasGemmEx(cuda_of(b)->blas, turned_b ? CUBLAS_OP_T : CUBLAS_OP_N, turned_a ? CUBLAS_OP_T : CUBLAS_OP_N, n,
                        m, k, &one, B, type, ldb, A, type, lda, &beta, C, float_c ? CUDA_R_32F : type, ldc,
                        CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
}

struct sizes {
    int N, C, O, P, Q;
}; /* of the inner shape */
static struct sizes sizes_of(const struct conv *c)
{
    const struct conv_shape *s = &c->inner;
    return {s->N, s->C, s->O, (int)volume(s->out), (int)volume(s->in)};
}
static char *at(void *x, size_t wide, int number)
{
    return (char *)x + (size_t)number * wide;
}
static const char *at(const void *x, size_t wide, int number)
{
    return (const char *)x + (size_t)number * wide;
}

static void runs_forward(struct backend *b, struct conv *c, void *out, const void *in, const void *weight)
{
    struct sizes s = sizes_of(c);
    size_t size = wide(b), many = (size_t)s.N * (size_t)s.O;
    for (int p = 0, i = 0; c->misses && p < s.P; p++) {
        bool met = i < c->runs && c->run[i].p == p;
        while (i < c->runs && c->run[i].p == p)
            i++;
        if (met)
            continue;
        if (is_narrow(b, IMAGE))
            LAUNCH(b, conv_nothing<bf16>, blocks_for(b, many), THREADS, (bf16 *)out, many, (size_t)s.O, (size_t)s.P,
                   (size_t)p);
        else
            LAUNCH(b, conv_nothing<float>, blocks_for(b, many), THREADS, (float *)out, many, (size_t)s.O, (size_t)s.P,
                   (size_t)p);
    }
    for (int i = 0; i < c->runs; i++) {
        const struct conv_run *r = &c->run[i];
        bool again = i > 0 && c->run[i - 1].p == r->p;
        gemm(b, at(out, size, r->p * s.O), false, s.P * s.O, at(in, size, r->q * s.C), false, s.Q * s.C,
             at(weight, size, r->l * s.C), true, (int)c->inner_row, s.N, s.O, r->many * s.C, again ? 1.0f : 0.0f);
    }
}

/* Adds; where nothing is there yet, din holds zeros. */
static void runs_data(struct backend *b, struct conv *c, void *din, const void *dout, const void *weight)
{
    struct sizes s = sizes_of(c);
    size_t size = wide(b);
    for (int i = 0; i < c->runs; i++) {
        const struct conv_run *r = &c->run[i];
        gemm(b, at(din, size, r->q * s.C), false, s.Q * s.C, at(dout, size, r->p * s.O), false, s.P * s.O,
             at(weight, size, r->l * s.C), false, (int)c->inner_row, s.N, r->many * s.C, s.O, 1);
    }
}

static void runs_weight(struct backend *b, struct conv *c, float *dweight, const void *dout, const void *in)
{
    struct sizes s = sizes_of(c);
    size_t size = wide(b);
    for (int i = 0; i < c->runs; i++) {
        const struct conv_run *r = &c->run[i];
        gemm(b, dweight + (size_t)r->l * (size_t)s.C, true, (int)c->inner_row, at(dout, size, r->p * s.O), true,
             s.P * s.O, at(in, size, r->q * s.C), false, s.Q * s.C, s.O, r->many * s.C, s.N, 1);
    }
}

/* ---- scratch: the unfolded image, the inner weights' gradient, cuDNN's workspace ---- */

static size_t rounded(size_t bytes)
{
    return (bytes + 255) / 256 * 256;
}
static bool unfolds(const struct conv *c)
{
    return c->form->unfold[0] || c->form->unfold[1] || c->form->unfold[2];
}
static size_t unfolded_bytes(struct backend *b, const struct conv *c)
{
    return unfolds(c) ? rounded((size_t)c->inner.N * volume(c->inner.in) * (size_t)c->inner.C * wide(b)) : 0;
}
/* Products write float32; cuDNN the precision of images. Into dweight itself where that is float32 in the same places. */
static bool gradient_apart(struct backend *b, const struct conv *c)
{
    return c->weight_index || (!c->form->gemm && is_narrow(b, IMAGE));
}
static size_t gradient_bytes(struct backend *b, const struct conv *c)
{
    return gradient_apart(b, c) ? rounded((size_t)c->inner.O * c->inner_row * sizeof(float)) : 0;
}

struct room {
    char *unfolded, *gradient, *workspace;
};
static struct room room_for(struct backend *b, struct conv *c, enum pass pass)
{
    size_t gradient = pass == PASS_WEIGHT ? gradient_bytes(b, c) : 0, workspace = 0;
    if (!c->form->gemm) {
        if (!c->plan[pass]) {
            if (cuda_of(b)->recording)
                die(EX_SOFTWARE, "a step that is recorded runs the %s pass of a convolution for the first time",
                    pass_name[pass]);
            struct error e = {0, ""};
            bool accumulate = pass == PASS_DATA ? !unfolds(c) : pass == PASS_WEIGHT && !gradient_apart(b, c);
            c->plan[pass] = plan_open(cuda_of(b)->planner, &c->inner, pass, accumulate, &e);
            if (!c->plan[pass])
                die_of(&e);
        }
        workspace = plan_about(c->plan[pass])->workspace;
    }
    struct room r;
    r.unfolded = (char *)cuda_scratch(b, unfolded_bytes(b, c) + gradient + rounded(workspace) + 256);
    r.gradient = r.unfolded + unfolded_bytes(b, c);
    r.workspace = r.gradient + gradient;
    return r;
}

/* The image that is convolved: `in`, or what it unfolds to. */
static const void *unfolded(struct backend *b, const struct conv *c, const float *in, char *to)
{
    if (!unfolds(c))
        return in;
    size_t packs = (size_t)c->inner.N * volume(c->inner.in) * (size_t)c->inner.C * wide(b) / 16;
    if (is_narrow(b, IMAGE))
        LAUNCH(b, conv_unfold<bf16>, blocks_for(b, packs), THREADS, (bf16 *)to, (const bf16 *)in, packs, fold_of(c));
    else
        LAUNCH(b, conv_unfold<float>, blocks_for(b, packs), THREADS, (float *)to, in, packs, fold_of(c));
    return to;
}

static void copy_weight(struct backend *b, struct conv *c, const float *weight)
{
    size_t count = (size_t)c->inner.O * c->inner_row;
    c->copied = weight;
    if (is_narrow(b, IMAGE))
        LAUNCH(b, conv_copy<bf16>, blocks_for(b, count), THREADS, (bf16 *)c->copy, weight, c->weight_index, count,
               c->inner_row, c->row);
    else
        LAUNCH(b, conv_copy<float>, blocks_for(b, count), THREADS, (float *)c->copy, weight, c->weight_index, count,
               c->inner_row, c->row);
}

/* ---- the three passes ---- */

static void cuda_conv_forward(struct backend *b, float *out, const float *in, const float *weight, struct conv *c)
{
    struct room r = room_for(b, c, PASS_FORWARD);
    const void *u = unfolded(b, c, in, r.unfolded);
    if (c->copy)
        copy_weight(b, c, weight);
    const void *w = c->copy ? c->copy : weight;
    if (c->form->gemm)
        runs_forward(b, c, out, u, w);
    else
        plan_run(c->plan[PASS_FORWARD], (void *)u, (void *)w, out, r.workspace);
}

static void cuda_conv_backward_data(struct backend *b, float *din, const float *dout, const float *weight,
                                    struct conv *c)
{
    struct room r = room_for(b, c, PASS_DATA);
    if (c->copy && c->copied != weight)
        copy_weight(b, c, weight);
    const void *w = c->copy ? c->copy : weight;
    void *du = unfolds(c) ? (void *)r.unfolded : din;
    if (c->form->gemm) {
        if (unfolds(c))
            b->zero(b, du, unfolded_bytes(b, c));
        runs_data(b, c, du, dout, w);
    } else {
        plan_run(c->plan[PASS_DATA], du, (void *)w, (void *)dout, r.workspace);
    }
    if (!unfolds(c))
        return;
    size_t count = (size_t)c->s.N * volume(c->s.in) * (size_t)c->s.C;
    if (is_narrow(b, IMAGE))
        LAUNCH(b, conv_fold<bf16>, blocks_for(b, count), THREADS, (bf16 *)din, (const bf16 *)du, count, fold_of(c));
    else
        LAUNCH(b, conv_fold<float>, blocks_for(b, count), THREADS, din, (const float *)du, count, fold_of(c));
}

static void cuda_conv_backward_weight(struct backend *b, float *dweight, const float *dout, const float *in,
                                      struct conv *c)
{
    struct room r = room_for(b, c, PASS_WEIGHT);
    const void *u = unfolded(b, c, in, r.unfolded);
    bool apart = gradient_apart(b, c);
    void *dw = apart ? (void *)r.gradient : dweight;
    if (c->form->gemm) {
        if (apart)
            b->zero(b, dw, gradient_bytes(b, c));
        runs_weight(b, c, (float *)dw, dout, u);
    } else {
        plan_run(c->plan[PASS_WEIGHT], (void *)u, dw, (void *)dout, r.workspace);
    }
    if (!apart)
        return;
    size_t count = (size_t)c->inner.O * c->inner_row;
    if (!c->form->gemm && is_narrow(b, IMAGE))
        LAUNCH(b, conv_gather<bf16>, blocks_for(b, count), THREADS, dweight, (const bf16 *)dw, c->weight_index, count,
               c->inner_row, c->row);
    else
        LAUNCH(b, conv_gather<float>, blocks_for(b, count), THREADS, dweight, (const float *)dw, c->weight_index, count,
               c->inner_row, c->row);
}

/* ---- opening ---- */

static void cuda_conv_close(struct backend *b, struct conv *c)
{
    if (!c)
        return;
    b->sync(b); /* its plans may still be running */
    for (int p = 0; p < PASSES; p++)
        plan_close(&c->plan[p]);
    if (c->weight_index)
        b->release(b, c->weight_index);
    if (c->copy)
        b->release(b, c->copy);
    free(c->run);
    free(c);
}

static struct conv *open_form(struct backend *b, const struct conv_shape *s, const struct conv_form *form)
{
    struct conv *c = (struct conv *)xalloc(1, sizeof *c);
    c->s = *s;
    c->form = form;
    c->inner = conv_form_inner(form, s);
    c->row = (size_t)conv_live_taps(s, NULL) * (size_t)s->C;
    int *weight_index = conv_form_weight_index(form, s, &c->inner_row);
    if (weight_index) {
        c->weight_index = (int *)b->alloc(b, c->inner_row * sizeof *weight_index);
        b->put(b, c->weight_index, weight_index, c->inner_row * sizeof *weight_index);
        free(weight_index);
    }
    if (c->weight_index || is_narrow(b, IMAGE))
        c->copy = b->alloc(b, (size_t)s->O * c->inner_row * wide(b));
    if (form->gemm) {
        c->run = conv_runs(&c->inner, &c->runs);
        int met = 0;
        for (int i = 0; i < c->runs; i++)
            met += i == 0 || c->run[i].p != c->run[i - 1].p;
        c->misses = met < (int)volume(c->inner.out);
    }
    return c;
}

struct trial {
    struct backend *b;
    struct conv *c;
    float *in, *out, *weight;
    bool data;
};
static void try_once(void *context)
{
    struct trial *t = (struct trial *)context;
    cuda_conv_forward(t->b, t->out, t->in, t->weight, t->c);
    if (t->data)
        cuda_conv_backward_data(t->b, t->in, t->out, t->weight, t->c);
    cuda_conv_backward_weight(t->b, t->weight, t->out, t->in, t->c);
}

/* The form whose three passes are fastest (two for an image as thin as a scan: nobody wants the scan's gradient). */
static const struct conv_form *fastest_form(struct backend *b, const struct conv_shape *s)
{
    enum { THIN = 4 };
    const struct conv_form *usual = conv_form_usual(s), *best = NULL;
    char key[TUNED_MOST], value[TUNED_MOST];
    format_into(key, sizeof key,
                "form on %s; %s N %d C %d O %d in %d %d %d kernel %d %d %d stride %d %d %d pad %d %d %d",
                planner_who(cuda_of(b)->planner), is_narrow(b, IMAGE) ? "bfloat16" : "float32", s->N, s->C, s->O,
                s->in[0], s->in[1], s->in[2], s->kernel[0], s->kernel[1], s->kernel[2], s->stride[0], s->stride[1],
                s->stride[2], s->pad[0], s->pad[1], s->pad[2]);
    if (tuned_get(key, value) && (best = conv_form_find(value)))
        return best;
    struct trial t = {b, NULL, NULL, NULL, NULL, s->C > THIN};
    double least = 0;
    t.in = (float *)b->alloc(b, b->image_size(b, s->N, s->C, s->in) * sizeof(float));
    t.out = (float *)b->alloc(b, b->image_size(b, s->N, s->O, s->out) * sizeof(float));
    t.weight = (float *)b->alloc(b, (size_t)s->O * (size_t)s->C * (size_t)conv_taps(s) * sizeof(float));
    for (int i = 0; i < CONV_FORMS; i++) {
        if (&conv_forms[i] != usual && !conv_form_worth(&conv_forms[i], s))
            continue;
        t.c = open_form(b, s, &conv_forms[i]);
        try_once(&t); /* plans are made */
        double seconds = planner_seconds(cuda_of(b)->planner, try_once, &t);
        cuda_conv_close(b, t.c);
        if (seconds > 0 && (!best || seconds < least))
            best = &conv_forms[i], least = seconds;
    }
    b->release(b, t.in);
    b->release(b, t.out);
    b->release(b, t.weight);
    if (best)
        tuned_put(key, best->name);
    return best ? best : usual;
}

/* Of several ranks the first measures, and the others find what it kept: one run after another chooses alike, unless they
 * are on machines that share no $PETREL_TUNED. */
static void await_first(struct backend *b)
{
    b->ranks->broadcast(b->ranks, cuda_scratch(b, 1), 1);
    b->sync(b);
}

static const struct conv_form *form_for(struct backend *b, const struct conv_shape *s)
{
    if (!planner_times(cuda_of(b)->planner))
        return conv_form_usual(s);
    if (b->ranks && b->ranks->rank > 0)
        await_first(b);
    const struct conv_form *form = fastest_form(b, s);
    if (b->ranks && b->ranks->rank == 0)
        await_first(b);
    return form;
}

static struct conv *cuda_conv_open(struct backend *b, const struct conv_shape *s)
{
    const char *asked = getenv("PETREL_CUDA_CONV");
    if (!asked || !*asked)
        return open_form(b, s, form_for(b, s));
    const struct conv_form *form = conv_form_find(asked);
    if (!form)
        die(EX_USAGE, "PETREL_CUDA_CONV is '%s'; it may be 'direct', 'runs', 'unfold-w', 'unfold-hw' or 'columns'",
            asked);
    return open_form(b, s, form);
}

void cuda_add_conv(struct backend *b)
{
    b->conv_open = cuda_conv_open;
    b->conv_close = cuda_conv_close;
    b->conv_forward = cuda_conv_forward;
    b->conv_backward_data = cuda_conv_backward_data;
    b->conv_backward_weight = cuda_conv_backward_weight;
}
