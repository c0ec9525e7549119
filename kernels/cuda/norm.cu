/* SPDX-License-Identifier: Apache-2.0 */
/* norm -- batch normalisation with its residual and ReLU: two kernels forward, two backward.   kernels/cuda
 *
 * IMAGE and ROWS alike are rows of C channels, those of a view together. A view's rows are cut into chunks and its channels into
 * tiles; a block has one chunk of one tile: x threads side by side, W channels (16 bytes) each, y rows at a time. The first
 * kernel leaves each chunk's part of two sums; every block of the second joins the parts it needs, all in the same order, and then
 * goes over its chunk. Statistics are of differences from one of the view's own rows, so that a mean far from 0 costs nothing.
 * Where norms of several ranks are in step, that row is rank 0's, a kernel between the two joins a rank's own parts, and what the
 * second joins is one part a rank, in the order of ranks.
 *     din += gamma rstd (g - mean(g) - x^ mean(g x^)),   g = dout where out > 0
 * tests: ops_image, cuda_ranks */
#include "kernels/cuda/device.cuh"

#include <assert.h>

enum { MOST_X = 32, MOST_CHUNKS = 256, ENOUGH_BLOCKS = 512, LEAST_ROUNDS = 4 };

struct plan {
    size_t rows, each,
        about; /* of one view; of one chunk; the row that statistics are taken about: amid a box amid the view, for
                                 corners see more padding than others */
    int C, views;
    unsigned x, y, tiles, chunks;
    unsigned parts; /* of a view, that its statistics are joined of: its chunks, or the ranks that are in step */
    size_t count;   /* and the rows they are of */
    float eps, momentum;
};

/* By the shape and the ranks alone. */
static struct plan plan_of(const struct backend *b, const struct norm_shape *s, int W)
{
    struct plan l = {};
    assert(s->views > 0 && s->N % s->views == 0);
    unsigned wide = (unsigned)(s->C / W), most;
    l.C = s->C;
    l.views = s->views;
    l.eps = (float)norm_eps(s);
    l.momentum = (float)norm_momentum(s);
    size_t P = s->layout == ROWS ? 1 : volume(s->dim), boxes = (size_t)(s->N / s->views);
    l.rows = boxes * P;
    l.about = boxes / 2 * P + P / 2;
    for (l.x = 1; l.x < wide && l.x < MOST_X; l.x *= 2)
        ;
    l.y = THREADS / l.x;
    l.tiles = (wide + l.x - 1) / l.x;
    most = ENOUGH_BLOCKS / (l.tiles * (unsigned)l.views);
    most = most < 1 ? 1 : most > MOST_CHUNKS ? (unsigned)MOST_CHUNKS : most;
    size_t chunks = l.rows / (l.y * LEAST_ROUNDS);
    chunks = chunks < 1 ? 1 : chunks > most ? most : chunks;
    l.each = (l.rows + chunks - 1) / chunks;
    l.chunks = (unsigned)((l.rows + l.each - 1) / l.each);
    l.parts = ranks_in_step(b->ranks) ? (unsigned)b->ranks->size : l.chunks;
    l.count = ranks_in_step(b->ranks) ? l.rows * l.parts : l.rows;
    return l;
}

/* The thread's first channel, and whether it has any; rows of a chunk; where a view's row begins. */
template <int W> __device__ static int channel(const struct plan &l)
{
    return (int)(blockIdx.y * l.x + threadIdx.x) * W;
}
__device__ static size_t rows_in(const struct plan &l, unsigned chunk)
{
    size_t left = l.rows - chunk * l.each;
    return left < l.each ? left : l.each;
}
__device__ static size_t row_at(const struct plan &l, unsigned view, size_t row)
{
    return (view * l.rows + row) * (size_t)l.C;
}
/* The two numbers of a channel of one of so many parts of a view: part[view][parts][2][C] */
__device__ static size_t part_at(const struct plan &l, unsigned parts, unsigned view, unsigned i, int which)
{
    return (((size_t)view * parts + i) * 2 + (size_t)which) * (size_t)l.C;
}

template <class T, int W> struct alignas(sizeof(T) * W) numbers {
    T at[W];
};
template <class T, int W> __device__ static void load(float *x, const T *from)
{
    numbers<T, W> n = *(const numbers<T, W> *)from;
    for (int k = 0; k < W; k++)
        x[k] = number(n.at[k]);
}
template <class T, int W> __device__ static void store(T *to, const float *x)
{
    numbers<T, W> n;
    for (int k = 0; k < W; k++)
        keep(&n.at[k], x[k]);
    *(numbers<T, W> *)to = n;
}

/* v becomes its sum over the block's rows of threads, in a fixed order. Every thread of the block must call it. */
template <int W> __device__ static void join_rows(float *v, float (*part)[W])
{
    const unsigned t = threadIdx.y * blockDim.x + threadIdx.x;
    __syncthreads(); /* the last call's readers are done */
    for (int k = 0; k < W; k++)
        part[t][k] = v[k];
    for (unsigned step = blockDim.y / 2; step > 0; step /= 2) {
        __syncthreads();
        if (threadIdx.y < step)
            for (int k = 0; k < W; k++)
                part[t][k] += part[t + step * blockDim.x][k];
    }
    __syncthreads();
    for (int k = 0; k < W; k++)
        v[k] = part[threadIdx.x][k];
}

/* sum and sum_x, one thread's, joined over the block into part */
template <int W> __device__ static void keep_part(float *part, float *sum, float *sum_x, const struct plan &l)
{
    __shared__ float shared[THREADS][W];
    const int c = channel<W>(l);
    join_rows<W>(sum, shared);
    join_rows<W>(sum_x, shared);
    if (threadIdx.y == 0 && c < l.C) {
        store<float, W>(part + part_at(l, gridDim.x, blockIdx.z, blockIdx.x, 0) + c, sum);
        store<float, W>(part + part_at(l, gridDim.x, blockIdx.z, blockIdx.x, 1) + c, sum_x);
    }
}

/* a view's two sums, from its parts */
template <int W>
__device__ static void join_parts(float *sum, float *sum_x, const float *part, unsigned parts, unsigned view,
                                  const struct plan &l)
{
    __shared__ float shared[THREADS][W];
    const int c = channel<W>(l);
    for (int k = 0; k < W; k++)
        sum[k] = sum_x[k] = 0;
    for (unsigned i = threadIdx.y; c < l.C && i < parts; i += blockDim.y) {
        float a[W], b[W];
        load<float, W>(a, part + part_at(l, parts, view, i, 0) + c);
        load<float, W>(b, part + part_at(l, parts, view, i, 1) + c);
        for (int k = 0; k < W; k++) {
            sum[k] += a[k];
            sum_x[k] += b[k];
        }
    }
    join_rows<W>(sum, shared);
    join_rows<W>(sum_x, shared);
}

/* For ranks in step: total[view][1][2][C], of the chunks; backward adds it to this rank's share of dgamma and dbeta, NULL forward. */
template <int W>
__global__ void __launch_bounds__(THREADS)
    norm_total(float *total, float *dgamma, float *dbeta, const float *part, struct plan l)
{
    const int c = channel<W>(l);
    for (unsigned view = 0; view < (unsigned)l.views; view++) {
        float sum[W], sum_x[W];
        join_parts<W>(sum, sum_x, part, l.chunks, view, l);
        if (threadIdx.y > 0 || c >= l.C)
            continue;
        store<float, W>(total + part_at(l, 1, view, 0, 0) + c, sum);
        store<float, W>(total + part_at(l, 1, view, 0, 1) + c, sum_x);
        for (int k = 0; k < W && dgamma; k++) {
            dbeta[c + k] += sum[k];
            dgamma[c + k] += sum_x[k];
        }
    }
}

/* ---- forward ---- */

/* The rows that statistics are taken about: a view's begins `next` numbers after the last one's. */
template <class T> struct rows_about {
    const T *first;
    size_t next;
};

/* part: sums of x - about and of its square */
template <class T, int W>
__global__ void __launch_bounds__(THREADS)
    norm_moments(float *part, const T *in, struct rows_about<T> from, struct plan l)
{
    const int c = channel<W>(l);
    const size_t rows = c < l.C ? rows_in(l, blockIdx.x) : 0;
    float about[W], sum[W], squares[W];
    for (int k = 0; k < W; k++)
        sum[k] = squares[k] = 0;
    if (rows)
        load<T, W>(about, from.first + blockIdx.z * from.next + c);
    for (size_t r = threadIdx.y; r < rows; r += blockDim.y) {
        float x[W];
        load<T, W>(x, in + row_at(l, blockIdx.z, blockIdx.x * l.each + r) + c);
        for (int k = 0; k < W; k++) {
            float d = x[k] - about[k];
            sum[k] += d;
            squares[k] += d * d;
        }
    }
    keep_part<W>(part, sum, squares, l);
}

template <class T, int W>
__device__ static void statistics(float *mean, float *variance, const float *part, const struct rows_about<T> &from,
                                  unsigned view, const struct plan &l)
{
    const int c = channel<W>(l);
    float about[W];
    join_parts<W>(mean, variance, part, l.parts, view, l);
    if (c >= l.C)
        return;
    load<T, W>(about, from.first + view * from.next + c);
    for (int k = 0; k < W; k++) {
        float off = mean[k] / (float)l.count;
        mean[k] = about[k] + off;
        variance[k] = fmaxf(variance[k] / (float)l.count - off * off, 0);
    }
}

/* One block of each tile keeps the statistics of every view, and moves the running ones view by view. */
template <class T, int W>
__device__ static void keep_statistics(float *mean, float *rstd, float *running_mean, float *running_var,
                                       const float *part, const struct rows_about<T> &from, const struct plan &l)
{
    const int c = channel<W>(l);
    for (unsigned view = 0; view < (unsigned)l.views; view++) {
        float m[W], variance[W];
        statistics<T, W>(m, variance, part, from, view, l);
        for (int k = 0; k < W && threadIdx.y == 0 && c < l.C; k++) {
            float unbiased = l.count > 1 ? variance[k] * ((float)l.count / (float)(l.count - 1)) : variance[k];
            mean[view * (unsigned)l.C + (unsigned)(c + k)] = m[k];
            rstd[view * (unsigned)l.C + (unsigned)(c + k)] = 1 / sqrtf(variance[k] + l.eps);
            running_mean[c + k] = (1 - l.momentum) * running_mean[c + k] + l.momentum * m[k];
            running_var[c + k] = (1 - l.momentum) * running_var[c + k] + l.momentum * unbiased;
        }
    }
}

/* part NULL: evaluation, by the running statistics */
template <class T, int W>
__global__ void __launch_bounds__(THREADS)
    norm_apply(T *out, float *mean, float *rstd, float *running_mean, float *running_var, const float *part,
               struct rows_about<T> from, const T *in, const T *residual, const float *gamma, const float *beta,
               struct plan l, bool relu)
{
    const int c = channel<W>(l);
    float centre[W], scale[W], shift[W];
    if (part) {
        if (blockIdx.x == 0 && blockIdx.z == 0)
            keep_statistics<T, W>(mean, rstd, running_mean, running_var, part, from, l);
        statistics<T, W>(centre, scale, part, from, blockIdx.z, l);
    }
    if (c >= l.C)
        return;
    for (int k = 0; k < W; k++) {
        centre[k] = part ? centre[k] : running_mean[c + k];
        scale[k] = gamma[c + k] / sqrtf((part ? scale[k] : running_var[c + k]) + l.eps);
        shift[k] = beta[c + k];
    }
    for (size_t r = threadIdx.y, rows = rows_in(l, blockIdx.x); r < rows; r += blockDim.y) {
        const size_t at = row_at(l, blockIdx.z, blockIdx.x * l.each + r) + (size_t)c;
        float x[W], more[W];
        load<T, W>(x, in + at);
        if (residual)
            load<T, W>(more, residual + at);
        for (int k = 0; k < W; k++) {
            float y = (x[k] - centre[k]) * scale[k] + shift[k] + (residual ? more[k] : 0);
            x[k] = relu && y < 0 ? 0 : y;
        }
        store<T, W>(out + at, x);
    }
}

/* ---- backward ---- */

/* part: sums of g and of g x^; out NULL: without ReLU */
template <class T, int W>
__global__ void __launch_bounds__(THREADS) norm_slope_sums(float *part, const T *dout, const T *out, const T *in,
                                                           const float *mean, const float *rstd, struct plan l)
{
    const int c = channel<W>(l);
    const size_t rows = c < l.C ? rows_in(l, blockIdx.x) : 0, of_view = (size_t)blockIdx.z * (size_t)l.C;
    float sum[W], sum_x[W], centre[W], r_std[W];
    for (int k = 0; k < W; k++) {
        sum[k] = sum_x[k] = 0;
        centre[k] = rows ? mean[of_view + (size_t)(c + k)] : 0;
        r_std[k] = rows ? rstd[of_view + (size_t)(c + k)] : 0;
    }
    for (size_t r = threadIdx.y; r < rows; r += blockDim.y) {
        const size_t at = row_at(l, blockIdx.z, blockIdx.x * l.each + r) + (size_t)c;
        float g[W], x[W], y[W];
        load<T, W>(g, dout + at);
        load<T, W>(x, in + at);
        if (out)
            load<T, W>(y, out + at);
        for (int k = 0; k < W; k++) {
            float slope = !out || y[k] > 0 ? g[k] : 0;
            sum[k] += slope;
            sum_x[k] += slope * (x[k] - centre[k]) * r_std[k];
        }
    }
    keep_part<W>(part, sum, sum_x, l);
}

template <class T, int W>
__global__ void __launch_bounds__(THREADS)
    norm_slope_apply(T *din, T *dresidual, float *dgamma, float *dbeta, const float *part, const T *dout, const T *out,
                     const T *in, const float *mean, const float *rstd, const float *gamma, struct plan l)
{
    const int c = channel<W>(l);
    float mean_g[W], mean_gx[W], centre[W], r_std[W], scale[W];
    if (dgamma && blockIdx.x == 0 && blockIdx.z == 0) /* one block of each tile, in the views' order */
        for (unsigned view = 0; view < (unsigned)l.views; view++) {
            join_parts<W>(mean_g, mean_gx, part, l.parts, view, l);
            for (int k = 0; k < W && threadIdx.y == 0 && c < l.C; k++) {
                dbeta[c + k] += mean_g[k];
                dgamma[c + k] += mean_gx[k];
            }
        }
    join_parts<W>(mean_g, mean_gx, part, l.parts, blockIdx.z, l);
    if (c >= l.C)
        return;
    const size_t of_view = (size_t)blockIdx.z * (size_t)l.C + (size_t)c;
    for (int k = 0; k < W; k++) {
        mean_g[k] /= (float)l.count;
        mean_gx[k] /= (float)l.count;
        centre[k] = mean[of_view + (size_t)k];
        r_std[k] = rstd[of_view + (size_t)k];
        scale[k] = gamma[c + k] * r_std[k];
    }
    for (size_t r = threadIdx.y, rows = rows_in(l, blockIdx.x); r < rows; r += blockDim.y) {
        const size_t at = row_at(l, blockIdx.z, blockIdx.x * l.each + r) + (size_t)c;
        float g[W], x[W], y[W], d[W];
        load<T, W>(g, dout + at);
        load<T, W>(x, in + at);
        load<T, W>(d, din + at);
        if (out)
            load<T, W>(y, out + at);
        for (int k = 0; k < W; k++) {
            g[k] = !out || y[k] > 0 ? g[k] : 0;
            d[k] += scale[k] * (g[k] - mean_g[k] - (x[k] - centre[k]) * r_std[k] * mean_gx[k]);
        }
        store<T, W>(din + at, d);
        if (dresidual) {
            load<T, W>(d, dresidual + at);
            for (int k = 0; k < W; k++)
                d[k] += g[k];
            store<T, W>(dresidual + at, d);
        }
    }
}

/* ---- the table's two functions ---- */

/* Scratch memory: each chunk's part; for ranks in step also their total, those of all, and a row of each view. */
struct places {
    float *part, *total, *all, *rows;
};
static struct places places_of(struct backend *b, const struct plan *l)
{
    size_t total = (size_t)l->views * 2 * (size_t)l->C, part = total * l->chunks,
           all = ranks_in_step(b->ranks) ? total * (2 + l->parts) : 0;
    struct places p = {(float *)cuda_scratch(b, (part + all) * sizeof(float)), NULL, NULL, NULL};
    p.total = p.part + part;
    p.all = p.total + total;
    p.rows = p.all + total * l->parts;
    return p;
}

static dim3 grid_of(const struct plan *l)
{
    return dim3(l->chunks, l->tiles, (unsigned)l->views);
}
static dim3 block_of(const struct plan *l)
{
    return dim3(l->x, l->y);
}

/* The parts that the second kernel joins. */
template <int W>
static const float *parts_of(struct backend *b, const struct places *p, float *dgamma, float *dbeta,
                             const struct plan *l)
{
    if (!ranks_in_step(b->ranks))
        return p->part;
    LAUNCH(b, norm_total<W>, dim3(1, l->tiles), block_of(l), p->total, dgamma, dbeta, p->part, *l);
    size_t floats = 2 * (size_t)l->C;
    for (size_t view = 0; view < (size_t)l->views; view++)
        b->ranks->allgather(b->ranks, p->all + view * l->parts * floats, p->total + view * floats,
                            floats * sizeof(float));
    return p->all;
}

template <class T>
static struct rows_about<T> about_of(struct backend *b, const struct places *p, const T *in, const struct plan *l) {
    struct rows_about<T> from = {
        in + l->about *(size_t)l->C, l->rows *(size_t)l->C
    };
    if (!ranks_in_step(b->ranks))
        return from;
    T *rows = (T *)p->rows;
    for (size_t view = 0; view < (size_t)l->views; view++)
        CUDA(cudaMemcpyAsync(rows + view * (size_t)l->C, from.first + view * from.next, (size_t)l->C * sizeof(T),
                             cudaMemcpyDeviceToDevice, cuda_of(b)->stream));
    b->ranks->broadcast(b->ranks, rows, (size_t)(l->views * l->C) * sizeof(T));
    return {rows, (size_t)l->C};
}

/* 16 bytes at a time, where channels and places allow it */
static bool
fits(const struct norm_shape *s, int W, const void *const *pointer, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((uintptr_t)pointer[i] % 16)
            return false;
    return s->C % W == 0;
}

template <class T, int W>
static void forward(struct backend *b, float *out, float *mean, float *rstd, float *running_mean, float *running_var,
                    const float *in, const float *residual, const float *gamma, const float *beta,
                    const struct norm_shape *s, bool relu, bool training)
{
    const struct plan l = plan_of(b, s, W);
    const float *part = NULL;
    struct rows_about<T> from = {
    };
    if (training) {
        struct places p = places_of(b, &l);
        from = about_of<T>(b, &p, (const T *)in, &l);
        LAUNCH(b, (norm_moments<T, W>), grid_of(&l), block_of(&l), p.part, (const T *)in, from, l);
        part = parts_of<W>(b, &p, NULL, NULL, &l);
    }
    LAUNCH(b, (norm_apply<T, W>), grid_of(&l), block_of(&l), (T *)out, mean, rstd, running_mean, running_var, part,
           from, (const T *)in, (const T *)residual, gamma, beta, l, relu);
    if (s->layout == IMAGE)
        cuda_end_image(b, out, l.rows * (size_t)(l.views * l.C));
}

template <class T, int W>
static void backward(struct backend *b, float *din, float *dresidual, float *dgamma, float *dbeta, const float *dout,
                     const float *out, const float *in, const float *mean, const float *rstd, const float *gamma,
                     const struct norm_shape *s, bool relu)
{
    const struct plan l = plan_of(b, s, W);
    const T *gate = relu ? (const T *)out : NULL;
    const struct places p = places_of(b, &l);
    LAUNCH(b, (norm_slope_sums<T, W>), grid_of(&l), block_of(&l), p.part, (const T *)dout, gate, (const T *)in, mean,
           rstd, l);
    const float *part = parts_of<W>(b, &p, dgamma, dbeta, &l);
    if (ranks_in_step(b->ranks)) /* it has kept them */
        dgamma = dbeta = NULL;
    LAUNCH(b, (norm_slope_apply<T, W>), grid_of(&l), block_of(&l), (T *)din, (T *)dresidual, dgamma, dbeta, part,
           (const T *)dout, gate, (const T *)in, mean, rstd, gamma, l);
}

static void cuda_norm_forward(struct backend *b, float *out, float *mean, float *rstd, float *running_mean,
                              float *running_var, const float *in, const float *residual, const float *gamma,
                              const float *beta, const struct norm_shape *s, bool relu, bool training)
{
    const void *pointers[] = {out, in, residual};
    const bool narrow = is_narrow(b, s->layout), packs = fits(s, narrow ? 8 : 4, pointers, COUNT_OF(pointers));
    (narrow  ? packs ? forward<bf16, 8> : forward<bf16, 1>
      : packs ? forward<float, 4>
             : forward<float, 1>)(b, out, mean, rstd, running_mean, running_var, in, residual, gamma, beta, s, relu,
                                  training);
}

static void cuda_norm_backward(struct backend *b, float *din, float *dresidual, float *dgamma, float *dbeta,
                               float *dout, const float *out, const float *in, const float *mean, const float *rstd,
                               const float *gamma, const struct norm_shape *s, bool relu)
{
    const void *pointers[] = {din, dresidual, dout, out, in};
    const bool narrow = is_narrow(b, s->layout), packs = fits(s, narrow ? 8 : 4, pointers, COUNT_OF(pointers));
    (narrow  ? packs ? backward<bf16, 8> : backward<bf16, 1>
      : packs ? backward<float, 4>
             : backward<float, 1>)(b, din, dresidual, dgamma, dbeta, dout, out, in, mean, rstd, gamma, s, relu);
}

void cuda_add_norm(struct backend *b)
{
    b->norm_forward = cuda_norm_forward;
    b->norm_backward = cuda_norm_backward;
}
