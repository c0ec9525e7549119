/* SPDX-License-Identifier: Apache-2.0 */
/* norm -- batch normalisation with its residual and ReLU, forward in two passes over memory, backward in two.   kernels/cpu
 *
 * IMAGE and ROWS alike are runs: the boxes of one view at one position, up to 16 channels wide. Statistics are joined run by
 * run inside a chunk of positions, then chunk by chunk, in double. */
#include "kernels/cpu/cpu.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { CHUNK = 32 /* positions */ };

struct plan {
    size_t P, blocks, N, C, row, block,
        position; /* strides in floats: from box to box, block to block, position to position */
    int lanes, rows, views;
    bool padded;            /* IMAGE: lanes past C are there, and zero */
    size_t chunks, columns; /* column: one block of one view */
    double eps, momentum;
};

static struct plan plan_of(const struct norm_shape *s)
{
    assert(s->views > 0 && s->N % s->views == 0);
    struct plan l = {.N = (size_t)s->N, .C = (size_t)s->C, .rows = s->N / s->views, .views = s->views};
    l.P = s->layout == ROWS ? 1 : cpu_volume(s->dim);
    l.lanes = s->layout == ROWS ? LANES : cpu_lanes(s->C);
    l.padded = s->layout == IMAGE;
    l.blocks = (l.C + (size_t)l.lanes - 1) / (size_t)l.lanes;
    l.row = s->layout == ROWS ? l.C : (size_t)l.lanes;
    l.block = s->layout == ROWS ? LANES : l.N * (size_t)l.lanes;
    l.position = l.blocks * l.block; /* never stepped in ROWS: one position */
    l.chunks = (l.P + CHUNK - 1) / CHUNK;
    l.columns = l.blocks * (size_t)l.views;
    l.eps = norm_eps(s);
    l.momentum = norm_momentum(s);
    return l;
}

/* The channels of a block. Lanes past C are padding in IMAGE, kept zero by zero parameters, and the next row in ROWS. */
static size_t first_channel(const struct plan *l, size_t column)
{
    return column % l->blocks * (size_t)l->lanes;
}
static size_t channels_in(const struct plan *l, size_t column)
{
    size_t left = l->C - first_channel(l, column);
    return left < (size_t)l->lanes ? left : (size_t)l->lanes;
}

static struct run run_of(const struct plan *l, size_t column)
{
    return (struct run){l->row, l->rows, l->padded ? l->lanes : (int)channels_in(l, column)};
}

static size_t run_at(const struct plan *l, size_t column, size_t p)
{
    return p * l->position + column % l->blocks * l->block + column / l->blocks * (size_t)l->rows * l->row;
}

static size_t past_chunk(const struct plan *l, size_t chunk)
{
    return (chunk + 1) * CHUNK < l->P ? (chunk + 1) * CHUNK : l->P;
}

static void join(struct norm_stats *m, const struct norm_stats *more)
{
    double all = m->count + more->count, part = more->count / all;
    for (int l = 0; l < LANES; l++) {
        double d = more->mean[l] - m->mean[l];
        m->mean[l] += d * part;
        m->squares[l] += more->squares[l] + d * d * m->count * part;
    }
    m->count = all;
}

/* Where norms are in step other ranks' boxes are joined in the order of ranks, so all get the same bits. */

/* The first of each column's `bytes`, packed into room, and behind them every rank's. */
static void gather_columns(struct backend *b, void *room, const void *first, size_t bytes, const struct plan *l)
{
    char *mine = room;
    for (size_t column = 0; column < l->columns; column++)
        memcpy(mine + column * bytes, (const char *)first + column * l->chunks * bytes, bytes);
    b->ranks->allgather(b->ranks, mine + l->columns * bytes, mine, l->columns * bytes);
}

static void join_ranks(struct backend *b, struct norm_stats *m, const struct plan *l)
{
    struct norm_stats *room = m + l->columns * l->chunks, *all = room + l->columns;
    gather_columns(b, room, m, sizeof *m, l);
    for (size_t column = 0; column < l->columns; column++) {
        m[column * l->chunks] = all[column];
        for (size_t rank = 1; rank < (size_t)b->ranks->size; rank++)
            join(&m[column * l->chunks], &all[rank * l->columns + column]);
    }
}

/* What one of the two reductions keeps: a place a column and chunk, and where ranks are in step, mine and all of theirs. */
static size_t places(const struct backend *b, const struct plan *l)
{
    return l->columns * (l->chunks + (ranks_in_step(b->ranks) ? 1 + (size_t)b->ranks->size : 0));
}

/* mean and rstd of each view's batch; running ones move view by view. */
static void statistics(struct backend *b, float *mean, float *rstd, float *running_mean, float *running_var,
                       const float *in, const struct plan *l)
{
    const struct cpu *own = cpu_of(b);
    struct norm_stats *m = cpu_scratch(b, places(b, l) * sizeof *m);
#pragma omp parallel for collapse(2) schedule(static) num_threads(own->threads) if (l->P * l->N * l->C > WORTH)
    for (size_t column = 0; column < l->columns; column++)
        for (size_t chunk = 0; chunk < l->chunks; chunk++) {
            struct norm_stats *part = &m[column * l->chunks + chunk];
            memset(part, 0, sizeof *part);
            for (size_t p = chunk * CHUNK; p < past_chunk(l, chunk); p++)
                own->microkernels->norm_stats_add(part, in + run_at(l, column, p), run_of(l, column));
        }
    for (size_t column = 0; column < l->columns; column++) {
        struct norm_stats *all = &m[column * l->chunks];
        for (size_t chunk = 1; chunk < l->chunks; chunk++)
            join(all, &all[chunk]);
    }
    if (ranks_in_step(b->ranks))
        join_ranks(b, m, l);
    for (size_t column = 0; column < l->columns; column++) {
        const struct norm_stats *all = &m[column * l->chunks];
        for (size_t lane = 0; lane < channels_in(l, column); lane++) {
            size_t c = first_channel(l, column) + lane, at = column / l->blocks * l->C + c;
            double variance = all->squares[lane] / all->count,
                   unbiased = all->count > 1 ? all->squares[lane] / (all->count - 1) : variance;
            mean[at] = (float)all->mean[lane];
            rstd[at] = (float)(1 / sqrt(variance + l->eps));
            running_mean[c] = (float)((1 - l->momentum) * (double)running_mean[c] + l->momentum * all->mean[lane]);
            running_var[c] = (float)((1 - l->momentum) * (double)running_var[c] + l->momentum * unbiased);
        }
    }
}

static void cpu_norm_forward(struct backend *b, float *out, float *mean, float *rstd, float *running_mean,
                             float *running_var, const float *in, const float *residual, const float *gamma,
                             const float *beta, const struct norm_shape *s, bool relu, bool training)
{
    const struct cpu *own = cpu_of(b);
    const struct plan l = plan_of(s);
    if (training)
        statistics(b, mean, rstd, running_mean, running_var, in, &l);
#pragma omp parallel for collapse(2) schedule(static) num_threads(own->threads) if (l.P * l.N * l.C > WORTH)
    for (size_t chunk = 0; chunk < l.chunks; chunk++)
        for (size_t column = 0; column < l.columns; column++) {
            struct norm_lanes n = {0};
            for (size_t lane = 0; lane < channels_in(&l, column); lane++) {
                size_t c = first_channel(&l, column) + lane, at = column / l.blocks * l.C + c;
                n.mean[lane] = training ? mean[at] : running_mean[c];
                n.scale[lane] = gamma[c] * (training ? rstd[at] : (float)(1 / sqrt((double)running_var[c] + l.eps)));
                n.shift[lane] = beta[c];
            }
            for (size_t p = chunk * CHUNK; p < past_chunk(&l, chunk); p++) {
                size_t at = run_at(&l, column, p);
                own->microkernels->normalise(out + at, in + at, residual ? residual + at : NULL, &n, run_of(&l, column),
                                             relu);
            }
        }
}

struct sums {
    double g[LANES], gx[LANES];
};

static void add_ranks(struct backend *b, struct sums *sum, const struct plan *l)
{
    struct sums *room = sum + l->columns * l->chunks, *all = room + l->columns;
    gather_columns(b, room, sum, sizeof *sum, l);
    for (size_t column = 0; column < l->columns; column++) {
        struct sums *total = &sum[column * l->chunks];
        *total = all[column];
        for (size_t rank = 1; rank < (size_t)b->ranks->size; rank++)
            for (int lane = 0; lane < LANES; lane++) {
                total->g[lane] += all[rank * l->columns + column].g[lane];
                total->gx[lane] += all[rank * l->columns + column].gx[lane];
            }
    }
}

/* dgamma and dbeta, and for each column the two means its slope needs. */
static struct sums *slope_means(struct backend *b, float *dgamma, float *dbeta, const float *dout, const float *out,
                                const float *in, const float *mean, const float *rstd, const struct plan *l)
{
    const struct cpu *own = cpu_of(b);
    struct sums *sum = cpu_scratch(b, places(b, l) * sizeof *sum);
#pragma omp parallel for collapse(2) schedule(static) num_threads(own->threads) if (l->P * l->N * l->C > WORTH)
    for (size_t column = 0; column < l->columns; column++)
        for (size_t chunk = 0; chunk < l->chunks; chunk++) {
            struct sums *part = &sum[column * l->chunks + chunk];
            float centre[LANES] = {0}, r[LANES] = {0};
            size_t from = column / l->blocks * l->C + first_channel(l, column),
                   bytes = channels_in(l, column) * sizeof *mean;
            memset(part, 0, sizeof *part);
            memcpy(centre, mean + from, bytes);
            memcpy(r, rstd + from, bytes);
            for (size_t p = chunk * CHUNK; p < past_chunk(l, chunk); p++) {
                size_t at = run_at(l, column, p);
                own->microkernels->slope_sums(part->g, part->gx, dout + at, out ? out + at : NULL, in + at, centre, r,
                                              run_of(l, column));
            }
        }
    for (size_t column = 0; column < l->columns; column++) {
        struct sums all = {0};
        for (size_t chunk = 0; chunk < l->chunks; chunk++)
            for (int lane = 0; lane < LANES; lane++) {
                all.g[lane] += sum[column * l->chunks + chunk].g[lane];
                all.gx[lane] += sum[column * l->chunks + chunk].gx[lane];
            }
        for (size_t lane = 0; lane < channels_in(l, column); lane++) {
            size_t c = first_channel(l, column) + lane;
            if (!dgamma)
                continue;
            dbeta[c] += (float)all.g[lane];
            dgamma[c] += (float)all.gx[lane]; /* this rank's share: the step sums them */
        }
        sum[column * l->chunks] = all;
    }
    if (ranks_in_step(b->ranks))
        add_ranks(b, sum, l);
    double count = (double)l->P * l->rows * (ranks_in_step(b->ranks) ? b->ranks->size : 1);
    for (size_t column = 0; column < l->columns; column++)
        for (int lane = 0; lane < LANES; lane++) {
            sum[column * l->chunks].g[lane] /= count;
            sum[column * l->chunks].gx[lane] /= count;
        }
    return sum;
}

static void cpu_norm_backward(struct backend *b, float *din, float *dresidual, float *dgamma, float *dbeta, float *dout,
                              const float *out, const float *in, const float *mean, const float *rstd,
                              const float *gamma, const struct norm_shape *s, bool relu)
{
    const struct cpu *own = cpu_of(b);
    const struct plan l = plan_of(s);
    const float *gate = relu ? out : NULL;
    const struct sums *means = slope_means(b, dgamma, dbeta, dout, gate, in, mean, rstd, &l);
#pragma omp parallel for collapse(2) schedule(static) num_threads(own->threads) if (l.P * l.N * l.C > WORTH)
    for (size_t chunk = 0; chunk < l.chunks; chunk++)
        for (size_t column = 0; column < l.columns; column++) {
            struct norm_slope n = {0};
            for (size_t lane = 0; lane < channels_in(&l, column); lane++) {
                size_t c = first_channel(&l, column) + lane, at = column / l.blocks * l.C + c;
                n.mean[lane] = mean[at];
                n.rstd[lane] = rstd[at];
                n.scale[lane] = gamma[c] * rstd[at];
                n.mean_g[lane] = (float)means[column * l.chunks].g[lane];
                n.mean_gx[lane] = (float)means[column * l.chunks].gx[lane];
            }
            for (size_t p = chunk * CHUNK; p < past_chunk(&l, chunk); p++) {
                size_t at = run_at(&l, column, p);
                own->microkernels->slope(din + at, dresidual ? dresidual + at : NULL, dout + at,
                                         gate ? gate + at : NULL, in + at, &n, run_of(&l, column));
            }
        }
}

void cpu_add_norm(struct backend *b)
{
    b->norm_forward = cpu_norm_forward;
    b->norm_backward = cpu_norm_backward;
}
