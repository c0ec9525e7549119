/* SPDX-License-Identifier: Apache-2.0 */
/* labels -- which region each voxel belongs to, as runs.   method -> [labels] -> extent */
#include "stages/roi/labels.h"

#include <stdlib.h>
#include <string.h>

static void labels_open(struct labels *l, const int64_t dim[3], uint32_t count)
{
    memset(l, 0, sizeof *l);
    l->count = count;
    runs_open(&l->runs, dim);
}

static void labels_append(struct labels *l, int64_t row, int64_t begin, int64_t end, uint32_t label)
{
    if (begin == end)
        return;
    size_t room = l->runs.room;
    runs_append(&l->runs, row, begin, end);
    if (l->runs.room != room)
        l->label = xresize(l->label, l->runs.room, sizeof *l->label);
    l->label[l->runs.count - 1] = label;
}

static bool row_holds(const uint32_t *v, int64_t W)
{
    uint32_t any = 0;
    for (int64_t x = 0; x < W; x++)
        any |= v[x];
    return any != 0;
}

void labels_of(struct labels *l, const uint32_t *label, const int64_t dim[3], uint32_t count)
{
    int64_t const W = dim[2];
    labels_open(l, dim, count);
    for (int64_t row = 0; row < dim[0] * dim[1]; row++) {
        const uint32_t *v = label + row * W;
        for (int64_t x = row_holds(v, W) ? 0 : W, begin = 0; begin < W; begin = x) {
            while (x < W && v[x] == v[begin])
                x++;
            labels_append(l, row, begin, x, v[begin]);
        }
    }
    runs_close(&l->runs);
}

void labels_of_components(struct labels *l, const struct runs *r, const uint32_t *component, uint32_t count)
{
    labels_open(l, r->dim, count);
    for (int64_t row = 0; row < r->dim[0] * r->dim[1]; row++) {
        int64_t x = 0;
        for (size_t i = r->row_first[row]; i < r->row_first[row + 1]; x = r->run[i++].end) {
            labels_append(l, row, x, r->run[i].begin, 0);
            labels_append(l, row, r->run[i].begin, r->run[i].end, component[i]);
        }
        labels_append(l, row, x, r->dim[2], 0);
    }
    runs_close(&l->runs);
}

void labels_join(struct labels *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->runs.count; i++) {
        const struct run r = l->runs.run[i];
        if (kept && l->label[kept - 1] == l->label[i] && l->runs.run[kept - 1].row == r.row) {
            l->runs.run[kept - 1].end = r.end;
            continue;
        }
        l->runs.run[kept] = r;
        l->label[kept++] = l->label[i];
    }
    l->runs.count = kept;
    runs_close(&l->runs);
}

void labels_free(struct labels *l)
{
    runs_free(&l->runs);
    free(l->label);
    memset(l, 0, sizeof *l);
}
