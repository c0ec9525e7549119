/* SPDX-License-Identifier: Apache-2.0 */
/* conv_form -- see conv_form.h.   kernels/cuda */
#include "kernels/cuda/conv_form.h"

#include <stdlib.h>
#include <string.h>

const struct conv_form conv_forms[CONV_FORMS] = {
    [FORM_DIRECT] = {"direct", {false, false, false}, false},
    [FORM_RUNS] = {"runs", {false, false, false}, true},
    [FORM_UNFOLD_W] = {"unfold-w", {false, false, true}, false},
    [FORM_UNFOLD_HW] = {"unfold-hw", {false, true, true}, false},
    [FORM_COLUMNS] = {"columns", {true, true, true}, true},
};

enum { THIN = 4, RUNS_MOST = 4, CHANNEL_UNIT = 8 };

const struct conv_form *conv_form_find(const char *name)
{
    for (int i = 0; i < CONV_FORMS; i++)
        if (!strcmp(conv_forms[i].name, name))
            return &conv_forms[i];
    return NULL;
}

static bool is_thin(const struct conv_shape *s)
{
    return s->C <= THIN && s->kernel[2] > 1;
}

/* Do kernels lie side by side, as ViT's patches? Unfolded, such an image is as large as it was. */
static bool is_tiled(const struct conv_shape *s)
{
    for (int a = 0; a < 3; a++)
        if (s->kernel[a] != s->stride[a] || s->pad[a])
            return false;
    return s->kernel[0] > 1;
}

static int count_runs(const struct conv_shape *s)
{
    int count;
    free(conv_runs(s, &count));
    return count;
}

const struct conv_form *conv_form_usual(const struct conv_shape *s)
{
    if (is_thin(s))
        return &conv_forms[is_tiled(s) ? FORM_COLUMNS : FORM_UNFOLD_W];
    struct conv_shape inner = conv_form_inner(&conv_forms[FORM_RUNS], s);
    return &conv_forms[count_runs(&inner) <= RUNS_MOST ? FORM_RUNS : FORM_DIRECT];
}

bool conv_form_worth(const struct conv_form *f, const struct conv_shape *s)
{
    enum { RUNS_TRIED = 16 };
    struct conv_shape inner = conv_form_inner(f, s);
    switch ((int)(f - conv_forms)) {
    case FORM_DIRECT: return !is_thin(s);
    case FORM_RUNS: return !is_thin(s) && count_runs(&inner) <= RUNS_TRIED;
    case FORM_UNFOLD_W:
    case FORM_UNFOLD_HW: return is_thin(s);
    case FORM_COLUMNS: return is_thin(s) && is_tiled(s);
    default: return false;
    }
}

struct conv_shape conv_form_inner(const struct conv_form *f, const struct conv_shape *s)
{
    struct conv_shape inner = *s;
    bool unfolds = false;
    for (int a = 0; a < 3; a++)
        if (f->unfold[a]) {
            unfolds = true;
            inner.C *= s->kernel[a];
            inner.in[a] = s->out[a];
            inner.kernel[a] = inner.stride[a] = 1;
            inner.pad[a] = 0;
        }
    if (unfolds)
        inner.C = (inner.C + CHANNEL_UNIT - 1) / CHANNEL_UNIT * CHANNEL_UNIT;
    bool every = true; /* position is read, and by a kernel of 1 */
    for (int a = 0; a < 3; a++)
        every = every && inner.kernel[a] == 1 && inner.stride[a] == 1 && inner.pad[a] == 0;
    if (every && f->gemm) {
        inner.N *= inner.out[0] * inner.out[1] * inner.out[2];
        for (int a = 0; a < 3; a++)
            inner.in[a] = inner.out[a] = 1;
    }
    return inner;
}

int *conv_form_weight_index(const struct conv_form *f, const struct conv_shape *s, size_t *count)
{
    struct conv_shape inner = conv_form_inner(f, s);
    bool unfolds = f->unfold[0] || f->unfold[1] || f->unfold[2];
    int T = conv_taps(s), *live = xalloc((size_t)T, sizeof *live), *rank = xalloc((size_t)T, sizeof *rank);
    int L = conv_live_taps(s, live);
    if (!unfolds && (f->gemm || L == T)) {
        free(live);
        free(rank);
        *count = (size_t)L * (size_t)s->C;
        return NULL;
    }
    for (int t = 0; t < T; t++)
        rank[t] = -1;
    for (int l = 0; l < L; l++)
        rank[live[l]] = l;

    *count = (size_t)conv_taps(&inner) * (size_t)inner.C;
    int *index = xalloc(*count, sizeof *index);
    for (size_t i = 0; i < *count; i++)
        index[i] = -1;
    for (int t = 0; t < T; t++) {
        int at[3] = {t / s->kernel[2] / s->kernel[1], t / s->kernel[2] % s->kernel[1], t % s->kernel[2]}, tap = 0,
            unfolded = 0;
        for (int a = 0; a < 3; a++)
            if (f->unfold[a])
                unfolded = unfolded * s->kernel[a] + at[a];
            else
                tap = tap * s->kernel[a] + at[a];
        for (int c = 0; c < s->C && rank[t] >= 0; c++)
            index[tap * inner.C + unfolded * s->C + c] = rank[t] * s->C + c;
    }
    free(live);
    free(rank);
    return index;
}

struct conv_run *conv_runs(const struct conv_shape *s, int *count)
{
    int T = conv_taps(s), *live = xalloc((size_t)T, sizeof *live), L = conv_live_taps(s, live),
        P = s->out[0] * s->out[1] * s->out[2];
    struct conv_run *run = xalloc((size_t)P * (size_t)L + 1, sizeof *run);
    *count = 0;
    for (int p = 0; p < P; p++)
        for (int l = 0; l < L; l++) {
            int at[3] = {p / s->out[2] / s->out[1], p / s->out[2] % s->out[1], p % s->out[2]}, t = live[l], q = 0;
            int tap[3] = {t / s->kernel[2] / s->kernel[1], t / s->kernel[2] % s->kernel[1], t % s->kernel[2]};
            bool inside = true;
            for (int a = 0; a < 3; a++) {
                int x = at[a] * s->stride[a] + tap[a] - s->pad[a];
                inside = inside && x >= 0 && x < s->in[a];
                q = q * s->in[a] + x;
            }
            if (!inside)
                continue;
            struct conv_run *last = *count ? &run[*count - 1] : NULL;
            if (last && last->p == p && last->q + last->many == q && last->l + last->many == l)
                last->many++;
            else
                run[(*count)++] = (struct conv_run){p, q, l, 1};
        }
    free(live);
    return run;
}
