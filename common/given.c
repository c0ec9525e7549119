/* SPDX-License-Identifier: Apache-2.0 */
/* given -- regions that somebody else drew, on the grid they were drawn on.   common */
#include "common/given.h"
#include "common/map_runs.h"
#include <stdlib.h>
#include <string.h>

void given_free(struct given **g)
{
    if (*g) {
        buffer_free(&(*g)->runs);
        buffer_free(&(*g)->part_runs);
        free((*g)->region);
        free(*g);
    }
    *g = NULL;
}

static void bounds(const struct grid *g, const struct buffer *runs, int64_t low[3], int64_t high[3])
{
    int64_t const H = g->dim[1], W = g->dim[2];
    uint64_t at = 0;
    for (int a = 0; a < 3; a++)
        low[a] = INT64_MAX, high[a] = -1;
    for (size_t i = 0; i < map_runs(runs); at += map_run_at(runs, i++).length) {
        if (map_run_at(runs, i).value == 0)
            continue;
        int64_t const from = (int64_t)at, to = from + map_run_at(runs, i).length - 1;
        int64_t const first[3] = {from / W / H, from / W % H, from % W}, last[3] = {to / W / H, to / W % H, to % W};
        for (int a = 0; a < 3; a++) {
            bool const whole =
                a > 0 && (first[0] != last[0] || (a == 2 && first[1] != last[1])); /* it goes round an edge */
            int64_t const least = whole ? 0 : first[a], most = whole ? g->dim[a] - 1 : last[a];
            low[a] = least < low[a] ? least : low[a];
            high[a] = most > high[a] ? most : high[a];
        }
    }
}

void given_box(const struct grid *g, const struct buffer *runs, struct given_box *box)
{
    int64_t low[3], high[3];
    int64_t const H = g->dim[1], W = g->dim[2];
    bounds(g, runs, low, high);
    box->grid = *g;
    box->value = NULL;
    if (high[0] < 0)
        return;
    double const corner[3] = {(double)low[0], (double)low[1], (double)low[2]};
    double ras[3];
    grid_to_mm(g, corner, ras);
    for (int a = 0; a < 3; a++) {
        box->low[a] = low[a];
        box->grid.dim[a] = high[a] - low[a] + 1;
        box->grid.affine[a][3] = ras[a];
    }
    box->value = xalloc(grid_voxels(&box->grid), sizeof *box->value);
    uint64_t at = 0;
    for (size_t i = 0; i < map_runs(runs); at += map_run_at(runs, i++).length)
        for (uint32_t k = 0; map_run_at(runs, i).value && k < map_run_at(runs, i).length; k++) {
            int64_t const v = (int64_t)(at + k);
            box->value[grid_at(&box->grid, v / W / H - low[0], v / W % H - low[1], v % W - low[2])] =
                map_run_at(runs, i).value;
        }
}

struct run_list {
    struct map_run *run;
    size_t count, room;
};

static void run_put(struct run_list *l, uint32_t value, uint64_t length)
{
    if (length == 0)
        return;
    if (l->count && l->run[l->count - 1].value == value) {
        l->run[l->count - 1].length += (uint32_t)length; /* of a grid that messages carry: under 2^32 voxels */
        return;
    }
    if (l->count == l->room) {
        l->room = 2 * l->room + 1024;
        l->run = xresize(l->run, l->room, sizeof *l->run);
    }
    l->run[l->count++] = (struct map_run){value, (uint32_t)length};
}

void given_box_encode(const struct grid *g, const struct given_box *box, struct buffer *runs)
{
    struct run_list l = {0};
    uint64_t written = 0;
    for (int64_t z = 0; box->value && z < box->grid.dim[0]; z++)
        for (int64_t y = 0; y < box->grid.dim[1]; y++) {
            uint64_t const at = (uint64_t)grid_at(g, z + box->low[0], y + box->low[1], box->low[2]);
            const uint32_t *row = box->value + grid_at(&box->grid, z, y, 0);
            run_put(&l, 0, at - written);
            for (int64_t x = 0; x < box->grid.dim[2]; x++)
                run_put(&l, row[x], 1);
            written = at + (uint64_t)box->grid.dim[2];
        }
    run_put(&l, 0, (uint64_t)grid_voxels(g) - written);
    *runs = (struct buffer){.data = (uint8_t *)l.run, .size = l.count * sizeof *l.run};
}
