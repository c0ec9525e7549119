/* SPDX-License-Identifier: Apache-2.0 */
/* lesion -- the lesions of the truth, and what the regions hold of each.   regions -> [lesion] */
#include "stages/roi/lesion.h"
#include "proto/organ.h"
#include "stages/roi/property.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Voxels of one lesion by the region they lie in: a lesion touches few, so a list. */
struct tally {
    size_t count, room;
    struct lesion_part *part;
};

static void tally_add(struct tally *t, size_t first, int32_t lesion, int32_t component, int64_t voxels)
{
    size_t i = first;
    while (i < t->count && t->part[i].component < component)
        i++;
    if (i < t->count && t->part[i].component == component) {
        t->part[i].voxels += voxels;
        return;
    }
    if (t->count == t->room) {
        t->room = 2 * t->room + 64;
        t->part = xresize(t->part, t->room, sizeof *t->part);
    }
    memmove(t->part + i + 1, t->part + i, (t->count - i) * sizeof *t->part);
    t->part[i] = (struct lesion_part){lesion, component, voxels};
    t->count++;
}

/* One run of a lesion, scan's coordinates, over the labels' row it lies in. Returns its voxels in excluded regions. */
static int64_t run_lay(const struct crop *body, const struct labels *l, const uint32_t *number, const uint32_t *excluded,
                       const struct run *run, int64_t height, struct tally *t, size_t first, int32_t lesion)
{
    int64_t z = run->row / height - body->low[0], y = run->row % height - body->low[1], left_out = 0;
    if (z < 0 || z >= body->dim[0] || y < 0 || y >= body->dim[1])
        return 0;
    int64_t begin = run->begin - body->low[2], end = run->end - body->low[2], row = z * body->dim[1] + y;
    for (size_t i = l->runs.row_first[row]; i < l->runs.row_first[row + 1]; i++) {
        const struct run *k = &l->runs.run[i];
        int64_t from = k->begin > begin ? k->begin : begin, to = k->end < end ? k->end : end;
        if (from >= to || !l->label[i])
            continue;
        if (number[l->label[i]])
            tally_add(t, first, lesion, (int32_t)number[l->label[i]], to - from);
        else if (excluded[l->label[i]])
            left_out += to - from;
    }
    return left_out;
}

/* The organ of the map in most of its voxels; "none" counts as one. */
static int32_t organ_of(const struct volume *v, const struct extents *x, uint32_t index)
{
    int64_t voxels[256] = {0};
    if (!v->organ)
        return ORGAN_LABEL_NONE;
    for (size_t i = x->first[index]; i < x->first[index + 1]; i++) {
        size_t at = (size_t)x->run[i].row * (size_t)x->dim[2];
        for (int32_t k = x->run[i].begin; k < x->run[i].end; k++)
            voxels[v->organ[at + (size_t)k]]++;
    }
    int32_t most = 0;
    for (int32_t label = 1; label < 256; label++)
        most = voxels[label] > voxels[most] ? label : most;
    return most;
}

/* Middle of the liver, the scan's index: as it was found, else of the organ map's; NAN: unknown. */
static void liver_middle(const struct volume *v, const struct liver *liver, double middle[3])
{
    if (liver->by != LIVER_UNKNOWN) {
        memcpy(middle, liver->centroid, sizeof liver->centroid);
        return;
    }
    double sum[3] = {0}, n = 0;
    const int64_t W = v->grid.dim[2];
    for (int64_t row = 0; v->organ && row < v->grid.dim[0] * v->grid.dim[1]; row++) {
        const uint8_t *begin = v->organ + row * W, *at = begin;
        for (; (at = memchr(at, ORGAN_LABEL_LIVER, (size_t)(begin + W - at))); at++, n++)
            sum[0] += (double)(row / v->grid.dim[1]), sum[1] += (double)(row % v->grid.dim[1]),
                sum[2] += (double)(at - begin);
    }
    for (int a = 0; a < 3; a++)
        middle[a] = n > 0 ? sum[a] / n : NAN;
}

static void lesion_measure(const struct volume *v, const struct extents *x, uint32_t index, const struct ball *ball,
                           const double liver[3], struct lesion *lesion)
{
    static const int64_t origin[3] = {0};
    struct region r = {0};
    region_measure(v, x, index, origin, ball, false, &r);
    *lesion = (struct lesion){.id = (int32_t)index + 1,
                              .voxels = r.voxels,
                              .ml = r.ml,
                              .suv_max = r.suv_max,
                              .suv_mean = r.suv_mean,
                              .organ = organ_of(v, x, index)};
    memcpy(lesion->centroid, r.centroid, sizeof r.centroid);
    memcpy(lesion->centroid_mm, r.centroid_mm, sizeof r.centroid_mm);
    for (int a = 0; a < 3; a++) { /* left, front, up: x, -y, z of the scan */
        double away = (r.centroid[2 - a] - liver[2 - a]) * v->grid.spacing_mm[2 - a];
        lesion->from_liver_mm[a] = a == 1 ? -away : away;
    }
}

/* Whose region it shares: known when all parts are. */
static void sharing_count(struct lesions *l, size_t regions)
{
    int32_t *halves = xalloc(regions + 1, sizeof *halves); /* lesions a region holds at least half of */
    for (size_t i = 0; i < l->part_count; i++)
        halves[l->part[i].component] += 2 * l->part[i].voxels >= l->lesion[l->part[i].lesion - 1].voxels;
    for (size_t i = 0; i < l->count; i++)
        if (l->lesion[i].region)
            l->lesion[i].sharing = halves[l->lesion[i].region] - (l->lesion[i].covered >= 0.5);
    free(halves);
}

void lesions_find(const struct volume *v, const struct crop *body, const struct labels *l, const uint32_t *number,
                  const uint32_t *excluded, const struct liver *liver, struct regions_message *out)
{
    struct lesions *all = &out->lesions;
    struct tally t = {0};
    struct runs truth;
    struct labels mark;
    struct extents x;
    struct ball ball;
    *all = (struct lesions){0};
    if (!v->mask)
        return;
    runs_of(&truth, v->mask, v->grid.dim);
    uint32_t *component = xalloc(truth.count + 1, sizeof *component);
    uint32_t count = components_label(&truth, 26, component);
    labels_of_components(&mark, &truth, component, count);
    extents_of(&x, &mark);
    ball_make(&ball, (const double[3]){100, 100, 100}); /* of one voxel: a lesion's SUVpeak is not kept */
    double middle[3];
    liver_middle(v, liver, middle);
    all->known = 1;
    all->count = count;
    all->lesion = xalloc((size_t)count + 1, sizeof *all->lesion);
    for (uint32_t k = 0; k < count; k++) {
        struct lesion *lesion = &all->lesion[k];
        size_t first = t.count;
        int64_t left_out = 0, held = 0, tumour = 0, most = 0;
        lesion_measure(v, &x, k, &ball, middle, lesion);
        for (size_t i = x.first[k]; i < x.first[k + 1]; i++)
            left_out += run_lay(body, l, number, excluded, &x.run[i], v->grid.dim[1], &t, first, (int32_t)k + 1);
        for (size_t i = first; i < t.count; i++) {
            const struct lesion_part *p = &t.part[i];
            held += p->voxels;
            tumour += out->region[p->component - 1].label == 1 ? p->voxels : 0;
            if (p->voxels > most)
                most = p->voxels, lesion->region = p->component;
        }
        double whole = (double)lesion->voxels;
        lesion->covered = (double)most / whole;
        lesion->in_regions = (double)held / whole;
        lesion->in_tumours = (double)tumour / whole;
        lesion->in_excluded = (double)left_out / whole;
    }
    all->part = t.part;
    all->part_count = t.count;
    sharing_count(all, out->count);
    ball_free(&ball);
    extents_free(&x);
    labels_free(&mark);
    free(component);
    runs_free(&truth);
}
