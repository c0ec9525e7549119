/* SPDX-License-Identifier: Apache-2.0 */
/* views -- which views of a pair a step has, and where in the box each looks.   task -> [pairs] -> train */
#include "stages/pairs/views.h"
#include "stages/pairs/trilinear.h"
#include <string.h>

static bool pretrains(const struct pair_task_message *t)
{
    return t->phase == PHASE_PRETRAIN || t->phase == PHASE_PRETRAIN_VALIDATION;
}

int views_count(const struct pair_task_message *t)
{
    return !pretrains(t) ? 1 : t->views_wanted > 0 ? t->views_wanted : 2;
}

static struct view whole(uint32_t row, bool augmented, uint32_t which)
{
    return (struct view){.row = row, .augmented = augmented, .which = which, .window = {0, 0, 0, BOX_SIDE, -1}};
}

static void window_draw(struct view *v, struct rng *r, int low, int high)
{
    int side = low + (int)rng_below(r, (uint32_t)(high - low + 1));
    for (int a = 0; a < 3; a++)
        v->window[a] = (int32_t)rng_below(r, (uint32_t)(BOX_SIDE - side + 1));
    v->window[3] = side;
}

static void pair_views(struct view *view, int count, const struct recipe *r, const struct pair *p, struct rng *crop,
                       bool all)
{
    int last = count < 2 ? 0 : 1;
    if (last)
        view[0] = whole(p->row[0], all, 1);
    view[last] = whole(p->row[last], p->augmented || all, 0);
    for (int v = 2; v < count; v++) {
        view[v] = whole(p->row[v % 2], true, (uint32_t)v);
        window_draw(&view[v], crop, (int)r->local_crop.value[0], (int)r->local_crop.value[1]);
    }
}

static void grid_views(struct view *view, int count, const struct pair *p, struct rng *crop, bool all)
{
    const int half = BOX_SIDE / 2, crops = count - VIEWS_OCTANTS;
    for (int v = 0; v < count; v++) {
        bool octant = v >= crops;
        view[v] = whole(p->row[!octant], all || (!octant && p->augmented), (uint32_t)v);
        if (!octant)
            window_draw(&view[v], crop, half, half);
        for (int a = 0; octant && a < 3; a++)
            view[v].window[a] = half * ((v - crops) >> (2 - a) & 1);
        view[v].window[3] = half;
    }
}

void views_draw(struct view *view, const struct pair_task_message *t, const struct recipe *r, const struct pair *p)
{
    int count = views_count(t), slices = (int)r->box_slices;
    bool all = pretrains(t) && !strcmp(r->augmented_views, "all");
    struct rng crop = rng_make(t->seed, RNG_CROP, p->view), slice = rng_make(t->seed, RNG_SLICE, p->view);
    if (pretrains(t) && t->layout == VIEWS_GRID)
        grid_views(view, count, p, &crop, all);
    else
        pair_views(view, count, r, p, &crop, all);
    for (int v = 0; slices > 0 && v < count; v++)
        view[v].window[4] = t->phase == PHASE_CLASSIFIER_VALIDATION
                                ? slices_middle(slices)
                                : slices_first(slices) + (int32_t)rng_below(&slice, (uint32_t)slices);
}

void view_crop(float *box, int channels, const int32_t window[VIEW_WINDOW])
{
    const double step = (double)window[3] / BOX_SIDE;
    struct map map = {{{0}}};
    float old[BOX_VOXELS];
    if (window[3] == BOX_SIDE)
        return;
    for (int a = 0; a < 3; a++) {
        map.to[a][a] = step;
        map.to[a][3] = (double)window[a] + step / 2 - 0.5;
    }
    for (int c = 0; c < channels; c++, box += BOX_VOXELS) {
        memcpy(old, box, sizeof old);
        trilinear(box, old, &map, EDGE_CLAMP);
    }
}
