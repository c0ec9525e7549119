/* SPDX-License-Identifier: Apache-2.0 */
/* component -- connected components by union-find on runs.   body, method, holes -> [component] */
#include "stages/roi/component.h"
#include "stages/roi/row.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void runs_open(struct runs *r, const int64_t dim[3])
{
    memset(r, 0, sizeof *r);
    memcpy(r->dim, dim, sizeof r->dim);
    assert(dim[0] * dim[1] <= INT32_MAX && dim[2] < INT32_MAX);
}

void runs_append(struct runs *r, int64_t row, int64_t begin, int64_t end)
{
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 4096;
        r->run = xresize(r->run, r->room, sizeof *r->run);
    }
    r->run[r->count++] = (struct run){(int32_t)row, (int32_t)begin, (int32_t)end};
}

void runs_close(struct runs *r)
{
    size_t rows = (size_t)(r->dim[0] * r->dim[1]), at = 0;
    r->row_first = xresize(r->row_first, rows + 1, sizeof *r->row_first);
    for (size_t row = 0; row <= rows; row++) {
        while (at < r->count && (size_t)r->run[at].row < row)
            at++;
        r->row_first[row] = at;
    }
}

void runs_free(struct runs *r)
{
    free(r->run);
    free(r->row_first);
    memset(r, 0, sizeof *r);
}

/* Most rows of a scan are air, and skipped; where the last was not, this will not be, and is not looked at twice. */
void runs_at_least(struct runs *r, const float *voxel, const int64_t dim[3], float threshold)
{
    size_t const W = (size_t)dim[2];
    uint8_t *above = xalloc(W + 1, sizeof *above); /* the last is never above: it ends a run */
    bool air = true;
    runs_open(r, dim);
    for (int64_t row = 0; row < dim[0] * dim[1]; row++) {
        const float *v = voxel + row * dim[2];
        if (air && !row_reaches(v, dim[2], threshold))
            continue;
        row_compare(v, dim[2], threshold, above);
        size_t const before = r->count;
        const uint8_t *begin = above, *end = above;
        while ((begin = memchr(end, 1, (size_t)(above + W - end)))) {
            end = memchr(begin, 0, (size_t)(above + W + 1 - begin));
            runs_append(r, row, begin - above, end - above);
        }
        air = r->count == before;
    }
    free(above);
    runs_close(r);
}

void runs_of(struct runs *r, const uint8_t *mask, const int64_t dim[3])
{
    runs_open(r, dim);
    for (int64_t row = 0, W = dim[2]; row < dim[0] * dim[1]; row++) {
        const uint8_t *v = mask + row * W;
        for (int64_t x = 0; x < W;) {
            for (uint64_t eight = 0; x + 8 <= W && (memcpy(&eight, v + x, 8), !eight);)
                x += 8; /* most of a mask is nothing */
            while (x < W && !v[x])
                x++;
            int64_t begin = x;
            while (x < W && v[x])
                x++;
            if (x > begin)
                runs_append(r, row, begin, x);
        }
    }
    runs_close(r);
}

void runs_complement(struct runs *r, const struct runs *of)
{
    runs_open(r, of->dim);
    for (int64_t row = 0; row < of->dim[0] * of->dim[1]; row++) {
        int64_t x = 0;
        for (size_t i = of->row_first[row]; i < of->row_first[row + 1]; i++) {
            if (of->run[i].begin > x)
                runs_append(r, row, x, of->run[i].begin);
            x = of->run[i].end;
        }
        if (x < of->dim[2])
            runs_append(r, row, x, of->dim[2]);
    }
    runs_close(r);
}

static uint32_t find(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

/* The smaller number is the root, so a root is always its component's first run. */
static void join(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = find(parent, a), b = find(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

/* Join the runs of two rows that touch, allowing `reach` voxels of diagonal. */
static void join_rows(const struct runs *r, int64_t above, int64_t row, int32_t reach, uint32_t *parent)
{
    size_t a = r->row_first[above], a_end = r->row_first[above + 1];
    size_t b = r->row_first[row], b_end = r->row_first[row + 1];
    while (a < a_end && b < b_end) {
        const struct run *p = &r->run[a], *q = &r->run[b];
        if (p->begin < q->end + reach && q->begin < p->end + reach)
            join(parent, (uint32_t)a, (uint32_t)b);
        if (p->end < q->end)
            a++;
        else
            b++;
    }
}

/* Which earlier rows a row touches, and whether along x diagonally too. */
static const struct link {
    int connectivity, dz, dy;
    int32_t reach;
} links[] = {
    {4, 0, -1, 0},  {6, 0, -1, 0},  {6, -1, 0, 0},  {18, 0, -1, 1},  {18, -1, 0, 1}, {18, -1, -1, 0},
    {18, -1, 1, 0}, {26, 0, -1, 1}, {26, -1, 0, 1}, {26, -1, -1, 1}, {26, -1, 1, 1},
};

uint32_t components_label(const struct runs *r, int connectivity, uint32_t *component)
{
    assert(r->count < UINT32_MAX);
    assert(connectivity == 4 || connectivity == 6 || connectivity == 18 || connectivity == 26);
    uint32_t *parent = xresize(NULL, r->count + 1, sizeof *parent);
    for (size_t i = 0; i < r->count; i++)
        parent[i] = (uint32_t)i;

    int64_t D = r->dim[0], H = r->dim[1];
    for (size_t l = 0; l < COUNT_OF(links); l++) {
        if (links[l].connectivity != connectivity)
            continue;
        for (int64_t z = -links[l].dz; z < D; z++)
            for (int64_t y = links[l].dy < 0; y < H - (links[l].dy > 0); y++)
                join_rows(r, (z + links[l].dz) * H + y + links[l].dy, z * H + y, links[l].reach, parent);
    }

    uint32_t count = 0;
    for (size_t i = 0; i < r->count; i++) {
        uint32_t root = find(parent, (uint32_t)i);
        component[i] = root == i ? ++count : component[root];
    }
    free(parent);
    return count;
}
