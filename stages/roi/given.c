/* SPDX-License-Identifier: Apache-2.0 */
/* given -- regions that somebody drew, laid on the scan.   suv -> [given] -> regions */
#include "stages/roi/given.h"
#include "proto/message.h"
#include <stdlib.h>
#include <string.h>

static uint32_t map_most(const uint32_t *value, size_t voxels)
{
    uint32_t most = 0;
    for (size_t i = 0; i < voxels; i++)
        most = value[i] > most ? value[i] : most;
    return most;
}

static bool one_value(const uint32_t *value, size_t voxels)
{
    uint32_t first = 0;
    for (size_t i = 0; i < voxels; i++) {
        if (value[i] && first && value[i] != first)
            return false;
        first = value[i] ? value[i] : first;
    }
    return true;
}

/* Components of each label, numbered on from `before` in the place of the label; how many there are now. */
static uint32_t label_part(const struct given_box *box, uint32_t label, int connectivity, uint32_t before,
                           uint8_t *mask, uint32_t *part)
{
    struct runs runs;
    size_t const voxels = grid_voxels(&box->grid);
    for (size_t i = 0; i < voxels; i++)
        mask[i] = box->value[i] == label;
    runs_of(&runs, mask, box->grid.dim);
    uint32_t *component = xalloc(runs.count + 1, sizeof *component);
    uint32_t const count = components_label(&runs, connectivity, component);
    for (size_t i = 0; i < runs.count; i++)
        for (int64_t x = runs.run[i].begin; x < runs.run[i].end; x++)
            part[runs.run[i].row * box->grid.dim[2] + x] = before + component[i];
    free(component);
    runs_free(&runs);
    return before + count;
}

/* The labels that are there, in order; and each one's parts in the box's values. How many parts. */
static uint32_t box_part(struct given_box *box, bool components, int connectivity)
{
    size_t const voxels = grid_voxels(&box->grid);
    uint32_t const most = map_most(box->value, voxels);
    bool *there = xalloc((size_t)most + 1, sizeof *there);
    uint32_t *part = xalloc(voxels, sizeof *part), *number = xalloc((size_t)most + 1, sizeof *number), count = 0;
    uint8_t *mask = components ? xalloc(voxels, 1) : NULL;
    for (size_t i = 0; i < voxels; i++)
        there[box->value[i]] = true;
    for (uint32_t label = 1; label <= most; label++) {
        if (!there[label])
            continue;
        if (components)
            count = label_part(box, label, connectivity, count, mask, part);
        else
            number[label] = ++count;
    }
    for (size_t i = 0; !components && i < voxels; i++)
        part[i] = number[box->value[i]];
    free(box->value);
    box->value = part;
    free(mask);
    free(number);
    free(there);
    return count;
}

/* The scan's grid, but for what lies outside the body's box. */
static struct grid crop_grid(const struct grid *g, const struct crop *body)
{
    struct grid c = *g;
    double const corner[3] = {(double)body->low[0], (double)body->low[1], (double)body->low[2]};
    double ras[3];
    grid_to_mm(g, corner, ras);
    for (int a = 0; a < 3; a++) {
        c.dim[a] = body->dim[a];
        c.affine[a][3] = ras[a];
    }
    return c;
}

/* Regions are numbered by their first voxel in raster order, as those of every method are. */
static uint32_t number_parts(uint32_t *label, size_t voxels, uint32_t *number)
{
    uint32_t count = 0;
    for (size_t i = 0; i < voxels; i++)
        if (label[i]) {
            uint32_t *n = &number[label[i] - 1];
            *n = *n ? *n : ++count;
            label[i] = *n;
        }
    return count;
}

/* The body's box has a margin, which may lie beyond the scan, and a map may reach there: what is no voxel of the scan is in no region. */
static void beyond_clear(const struct grid *scan, const struct crop *body, uint32_t *label)
{
    for (int64_t z = 0, i = 0; z < body->dim[0]; z++)
        for (int64_t y = 0; y < body->dim[1]; y++)
            for (int64_t x = 0; x < body->dim[2]; x++, i++) {
                const int64_t at[3] = {z + body->low[0], y + body->low[1], x + body->low[2]};
                for (int a = 0; a < 3; a++)
                    if (at[a] < 0 || at[a] >= scan->dim[a])
                        label[i] = 0;
            }
}

int given_find(const struct volume *v, const struct recipe *r, const struct crop *body, struct found *f,
               struct given_parts *p, struct error *e)
{
    const struct given *g = v->given;
    struct given_box box;
    struct grid const crop = crop_grid(&v->grid, body);
    size_t const voxels = grid_voxels(&crop);
    if (!g)
        return fail_as(
            e, EX_DATAERR,
            "roi-method given wants the regions that somebody drew on it: name them with petrel-load --regions, or "
            "in a list's column regions");
    given_box(&g->grid, &g->runs, &box);
    uint32_t *label = xalloc(voxels, sizeof *label);
    if (box.value) {
        bool const components = strcmp(r->given_parts, "components") == 0 ||
                                (strcmp(r->given_parts, "auto") == 0 && one_value(box.value, grid_voxels(&box.grid)));
        p->count = box_part(&box, components, (int)r->connectivity);
        given_box_encode(&g->grid, &box, &p->runs);
        p->label = xalloc(p->count + 1, sizeof *p->label);
        int64_t const seen = volume_regrid_nearest(&box.grid, box.value, sizeof *box.value, &crop, label, e);
        free(box.value);
        if (seen <= 0) {
            free(label);
            return seen < 0
                       ? -1
                       : fail(e,
                              "cannot use regions '%s': they lie nowhere on the scan's body: are they of another scan?",
                              g->path);
        }
    }
    beyond_clear(&v->grid, body, label);
    uint32_t const count = number_parts(label, voxels, p->label);
    labels_of(&f->labels, label, body->dim, count);
    free(label);
    extents_of(&f->extents, &f->labels);
    format_into(f->how, sizeof f->how, "from %s, %zu parts, %u on the scan", g->format, p->count, count);
    return 0;
}

struct given *given_tell(const struct given *map, struct given_parts *p, const uint32_t *number,
                         const uint32_t *excluded)
{
    struct given *g = NULL;
    if (map && p->count) {
        g = xalloc(1, sizeof *g);
        *g = *map;
        g->runs = (struct buffer){.data = xalloc(map->runs.size + 1, 1), .size = map->runs.size};
        memcpy(g->runs.data, map->runs.data, map->runs.size);
        g->part_runs = p->runs;
        g->parts = p->count;
        g->region = xalloc(p->count, sizeof *g->region);
        for (size_t i = 0; i < p->count; i++) {
            uint32_t const l = p->label[i];
            g->region[i] = number[l] ? (int32_t)number[l] : -(int32_t)excluded[l];
        }
        p->runs = (struct buffer){0};
    }
    buffer_free(&p->runs);
    free(p->label);
    *p = (struct given_parts){0};
    return g;
}
