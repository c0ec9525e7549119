/* SPDX-License-Identifier: Apache-2.0 */
/* match -- which regions of two scans of a patient are one lesion.   findings, align -> [match] */
#include "stages/followup/match.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const change_name[CHANGES] = {"stable", "grown", "shrunk", "gone", "new", "unfound", "outside"};

/* Voxels of one scan's regions, as places in the later scan's space. */
struct cloud {
    size_t regions;
    const struct findings *f;
    size_t *first; /* [regions + 1] into mm */
    float (*mm)[3];
    double (*low)[3], (*high)[3], (*middle)[3]; /* [regions] */
};
struct pairing {
    struct cloud earlier, later;
    uint32_t *overlap; /* [earlier][later] voxels, of the later scan's size */
    bool *linked;      /* [earlier][later] */
    bool *near;        /* ... by nearness */
    double *warmer_a,
        *warmer_b; /* [earlier], [later]: how many times hotter a region's place is in its own scan than in the other; NAN: not known */
    const struct rigid *motion;
};

static size_t at(const struct pairing *p, size_t a, size_t b)
{
    return a * p->later.regions + b;
}

/* which[number]: 1 + index of the finding; 0: none. */
static uint32_t *index_by_number(const struct findings *f)
{
    uint32_t *which = xalloc(UINT16_MAX + 1, sizeof *which);
    for (size_t i = 0; i < f->count; i++)
        which[f->finding[i].number] = (uint32_t)i + 1;
    return which;
}

static void cloud_make(const struct findings *f, const struct rigid *motion, struct cloud *c)
{
    uint32_t *which = index_by_number(f);
    *c = (struct cloud){.regions = f->count, .f = f};
    c->first = xalloc(f->count + 1, sizeof *c->first);
    c->low = xalloc(f->count + 1, sizeof *c->low);
    c->high = xalloc(f->count + 1, sizeof *c->high);
    c->middle = xalloc(f->count + 1, sizeof *c->middle);
    for (size_t i = 0; i < f->count; i++) {
        c->first[i + 1] = c->first[i] + (size_t)f->finding[i].voxels;
        for (int k = 0; k < 3; k++) {
            c->low[i][k] = HUGE_VAL;
            c->high[i][k] = -HUGE_VAL;
        }
    }
    c->mm = xalloc(c->first[f->count] + 1, sizeof *c->mm);
    size_t *next = xalloc(f->count + 1, sizeof *next), voxel = 0;
    memcpy(next, c->first, (f->count + 1) * sizeof *next);
    for (int64_t z = 0; z < f->grid.dim[0]; z++)
        for (int64_t y = 0; y < f->grid.dim[1]; y++)
            for (int64_t x = 0; x < f->grid.dim[2]; x++, voxel++) {
                size_t const i = which[f->label[voxel]];
                if (i == 0)
                    continue;
                double place[3], moved[3];
                grid_to_mm(&f->grid, (const double[3]){(double)z, (double)y, (double)x}, place);
                if (motion)
                    rigid_apply(motion, place, moved);
                else
                    memcpy(moved, place, sizeof moved);
                for (int k = 0; k < 3; k++) {
                    c->mm[next[i - 1]][k] = (float)moved[k];
                    c->low[i - 1][k] = fmin(c->low[i - 1][k], moved[k]);
                    c->high[i - 1][k] = fmax(c->high[i - 1][k], moved[k]);
                    c->middle[i - 1][k] += moved[k] / (double)f->finding[i - 1].voxels;
                }
                next[i - 1]++;
            }
    free(next);
    free(which);
}

static void cloud_free(struct cloud *c)
{
    free(c->first);
    free(c->mm);
    free(c->low);
    free(c->high);
    free(c->middle);
}

/* ---- links ---- */

static bool index_at(const struct grid *g, const double map[3][4], const float mm[3], size_t *voxel)
{
    int64_t index[3];
    for (int a = 0; a < 3; a++) {
        index[a] =
            llround(map[a][0] * (double)mm[0] + map[a][1] * (double)mm[1] + map[a][2] * (double)mm[2] + map[a][3]);
        if (index[a] < 0 || index[a] >= g->dim[a])
            return false;
    }
    *voxel = grid_at(g, index[0], index[1], index[2]);
    return true;
}

static int overlaps_count(struct pairing *p, struct error *e)
{
    const struct findings *later = p->later.f;
    double map[3][4];
    if (grid_index_map(&later->grid, map, e) < 0)
        return -1;
    uint32_t *which = index_by_number(later);
    for (size_t a = 0; a < p->earlier.regions; a++)
        for (size_t i = p->earlier.first[a]; i < p->earlier.first[a + 1]; i++) {
            size_t voxel;
            if (index_at(&later->grid, (const double(*)[4])map, p->earlier.mm[i], &voxel) && which[later->label[voxel]])
                p->overlap[at(p, a, which[later->label[voxel]] - 1)]++;
        }
    free(which);
    return 0;
}

/* Overlap as a volume: one earlier voxel each. */
static double overlap_ml(const struct pairing *p, size_t a, size_t b)
{
    return (double)p->overlap[at(p, a, b)] * grid_voxel_ml(&p->earlier.f->grid);
}

static double ml_of(const struct cloud *c, size_t i)
{
    return (double)c->f->finding[i].voxels * grid_voxel_ml(&c->f->grid);
}

/* From surface to surface, as voxel to voxel; HUGE_VAL beyond MATCH_REACH_MM. */
static double gap_mm(const struct pairing *p, size_t a, size_t b)
{
    const struct cloud *from = &p->earlier, *to = &p->later;
    for (int k = 0; k < 3; k++)
        if (from->low[a][k] - to->high[b][k] > MATCH_REACH_MM || to->low[b][k] - from->high[a][k] > MATCH_REACH_MM)
            return HUGE_VAL;
    float best = (float)(MATCH_REACH_MM * MATCH_REACH_MM);
    bool any = false;
    for (size_t i = from->first[a]; i < from->first[a + 1]; i++)
        for (size_t j = to->first[b]; j < to->first[b + 1]; j++) {
            float const x = from->mm[i][0] - to->mm[j][0], y = from->mm[i][1] - to->mm[j][1],
                        z = from->mm[i][2] - to->mm[j][2], d = x * x + y * y + z * z;
            if (d <= best) {
                best = d;
                any = true;
            }
        }
    return any ? sqrt((double)best) : HUGE_VAL;
}

static double middles_mm(const struct pairing *p, size_t a, size_t b)
{
    const double *from = p->earlier.middle[a], *to = p->later.middle[b];
    return sqrt((from[0] - to[0]) * (from[0] - to[0]) + (from[1] - to[1]) * (from[1] - to[1]) +
                (from[2] - to[2]) * (from[2] - to[2]));
}

static double share(const struct pairing *p, size_t a, size_t b)
{
    return overlap_ml(p, a, b) / fmin(ml_of(&p->earlier, a), ml_of(&p->later, b));
}

/* Another region of the smaller one's scan has more of the larger one than it has. */
static bool has_better(const struct pairing *p, size_t a, size_t b, bool smaller_is_later)
{
    size_t const others = smaller_is_later ? p->later.regions : p->earlier.regions;
    for (size_t i = 0; i < others; i++)
        if (p->overlap[smaller_is_later ? at(p, a, i) : at(p, i, b)] > p->overlap[at(p, a, b)])
            return true;
    return false;
}

/* The smaller of the two only lies where the larger one lay: it is no part of it that is left, or that was there, but came or went in its place. */
static bool only_lies_in(const struct pairing *p, size_t a, size_t b)
{
    double const from = ml_of(&p->earlier, a), to = ml_of(&p->later, b);
    bool const smaller_is_later = to < from;
    double const warmer = smaller_is_later ? p->warmer_b[b] : p->warmer_a[a];
    return warmer > MATCH_HOTTER &&
           (fmax(from, to) > MATCH_RATIO * fmin(from, to) || has_better(p, a, b, smaller_is_later));
}

static void link_by_overlap(struct pairing *p)
{
    for (size_t a = 0; a < p->earlier.regions; a++)
        for (size_t b = 0; b < p->later.regions; b++)
            p->linked[at(p, a, b)] =
                p->overlap[at(p, a, b)] > 0 && share(p, a, b) >= MATCH_SHARE && !only_lies_in(p, a, b);
}

static bool has_link(const struct pairing *p, size_t which, bool earlier)
{
    size_t const others = earlier ? p->later.regions : p->earlier.regions;
    for (size_t i = 0; i < others; i++)
        if (p->linked[earlier ? at(p, which, i) : at(p, i, which)])
            return true;
    return false;
}

/* How far the two are that may be linked by nearness; HUGE_VAL: they may not. */
static double nearness(const struct pairing *p, size_t a, size_t b)
{
    double const from = ml_of(&p->earlier, a), to = ml_of(&p->later, b), middles = middles_mm(p, a, b);
    if (middles > MATCH_MIDDLES_MM || from > MATCH_RATIO * to || to > MATCH_RATIO * from ||
        !(gap_mm(p, a, b) <= MATCH_REACH_MM))
        return HUGE_VAL;
    return middles;
}

static void link_by_nearness(struct pairing *p)
{
    size_t const n = p->earlier.regions, m = p->later.regions;
    double *far = xalloc(n * m + 1, sizeof *far);
    bool *free_a = xalloc(n + 1, 1), *free_b = xalloc(m + 1, 1);
    for (size_t a = 0; a < n; a++)
        free_a[a] = !has_link(p, a, true);
    for (size_t b = 0; b < m; b++)
        free_b[b] = !has_link(p, b, false);
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < m; b++)
            far[at(p, a, b)] = free_a[a] && free_b[b] ? nearness(p, a, b) : HUGE_VAL;
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < m; b++) {
            bool nearest = isfinite(far[at(p, a, b)]);
            for (size_t i = 0; i < m && nearest; i++)
                nearest = far[at(p, a, i)] >= far[at(p, a, b)];
            for (size_t i = 0; i < n && nearest; i++)
                nearest = far[at(p, i, b)] >= far[at(p, a, b)];
            p->near[at(p, a, b)] = nearest;
        }
    for (size_t i = 0; i < n * m; i++)
        p->linked[i] = p->linked[i] || p->near[i];
    free(free_b);
    free(free_a);
    free(far);
}

/* ---- places that are as hot in the other scan ---- */

static void warmth_measure(struct pairing *p, const struct heat *h)
{
    const struct cloud *a = &p->earlier, *b = &p->later;
    for (size_t i = 0; i < a->regions; i++)
        p->warmer_a[i] = 1 / heat_ratio(h, (const float(*)[3])a->mm + a->first[i], a->first[i + 1] - a->first[i]);
    for (size_t i = 0; i < b->regions; i++)
        p->warmer_b[i] = heat_ratio(h, (const float(*)[3])b->mm + b->first[i], b->first[i + 1] - b->first[i]);
}

/* A region without a link whose place is as hot in the other scan was cut otherwise there: it goes with the region that it touches. */
static void link_by_touch(struct pairing *p, bool earlier)
{
    size_t const n = earlier ? p->earlier.regions : p->later.regions,
                 others = earlier ? p->later.regions : p->earlier.regions;
    for (size_t i = 0; i < n; i++) {
        if (has_link(p, i, earlier) || !((earlier ? p->warmer_a : p->warmer_b)[i] <= MATCH_AS_HOT))
            continue;
        size_t nearest = others;
        double least = MATCH_TOUCH_MM;
        for (size_t k = 0; k < others; k++) {
            double const gap = earlier ? gap_mm(p, i, k) : gap_mm(p, k, i);
            if (gap <= least && (nearest == others || gap < least)) {
                least = gap;
                nearest = k;
            }
        }
        if (nearest < others)
            p->linked[earlier ? at(p, i, nearest) : at(p, nearest, i)] =
                p->near[earlier ? at(p, i, nearest) : at(p, nearest, i)] = true;
    }
}

/* ---- lesions: what is linked ---- */

static const struct findings *sorted_of; /* qsort has no context */

static int by_volume(const void *left, const void *right)
{
    const struct finding *a = &sorted_of->finding[*(const size_t *)left],
                         *b = &sorted_of->finding[*(const size_t *)right];
    return a->voxels != b->voxels ? (a->voxels < b->voxels ? 1 : -1) : (a->number > b->number) - (a->number < b->number);
}

static double larger(double a, double b) /* of those known */
{
    return isnan(a) || b > a ? b : a;
}

static void side_sum(struct side *s, const struct findings *f)
{
    double voxels = 0, middle[3] = {0, 0, 0};
    s->suv_max = s->suv_peak = s->sul_peak = (double)NAN;
    sorted_of = f;
    if (s->count)
        qsort(s->index, s->count, sizeof *s->index, by_volume);
    for (size_t i = 0; i < s->count; i++) {
        const struct finding *g = &f->finding[s->index[i]];
        s->tumour = s->tumour || g->tumour;
        s->ml += g->ml;
        s->tlg_g += g->tlg_g;
        s->suv_max = larger(s->suv_max, g->suv_max);
        s->suv_peak = larger(s->suv_peak, g->suv_peak);
        s->sul_peak = larger(s->sul_peak, g->sul_peak);
        for (int k = 0; k < 3; k++)
            middle[k] += (double)g->voxels * g->centroid_mm[k];
        voxels += (double)g->voxels;
    }
    for (int k = 0; k < 3; k++)
        s->centroid_mm[k] = s->count ? middle[k] / voxels : (double)NAN;
}

static void side_add(struct side *s, size_t index)
{
    s->index = xresize(s->index, s->count + 1, sizeof *s->index);
    s->index[s->count++] = index;
}

/* All that links lead to, from one region of either scan. */
static void gather(const struct pairing *p, size_t from, bool earlier, bool *seen_a, bool *seen_b, struct lesion_pair *l)
{
    bool *const seen = earlier ? seen_a : seen_b;
    if (seen[from])
        return;
    seen[from] = true;
    side_add(earlier ? &l->earlier : &l->later, from);
    size_t const others = earlier ? p->later.regions : p->earlier.regions;
    for (size_t i = 0; i < others; i++) {
        size_t const link = earlier ? at(p, from, i) : at(p, i, from);
        if (p->linked[link]) {
            l->by_overlap = l->by_overlap || !p->near[link];
            gather(p, i, !earlier, seen_a, seen_b, l);
        }
    }
}

static bool looked_at(const struct grid *g, const double mm[3])
{
    double zyx[3];
    if (grid_from_mm(g, mm, zyx, NULL) < 0)
        return false;
    for (int a = 0; a < 3; a++)
        if (zyx[a] < -0.5 || zyx[a] > (double)g->dim[a] - 0.5)
            return false;
    return true;
}

static void judge(const struct pairing *p, double change_least, struct lesion_pair *l)
{
    const struct findings *earlier = p->earlier.f, *later = p->later.f;
    double place[3], both = 0;
    side_sum(&l->earlier, earlier);
    side_sum(&l->later, later);
    l->dice = l->moved_mm = (double)NAN;
    if (l->later.count == 0) {
        rigid_apply(p->motion, l->earlier.centroid_mm, place);
        l->change = !looked_at(&later->grid, place)                    ? CHANGE_OUTSIDE
                    : p->warmer_a[l->earlier.index[0]] <= MATCH_AS_HOT ? CHANGE_UNFOUND
                                                                       : CHANGE_GONE;
    } else if (l->earlier.count == 0) {
        rigid_back(p->motion, l->later.centroid_mm, place);
        l->change = !looked_at(&earlier->grid, place)                ? CHANGE_OUTSIDE
                    : p->warmer_b[l->later.index[0]] <= MATCH_AS_HOT ? CHANGE_UNFOUND
                                                                     : CHANGE_NEW;
    } else {
        for (size_t i = 0; i < l->earlier.count; i++)
            for (size_t k = 0; k < l->later.count; k++)
                both += overlap_ml(p, l->earlier.index[i], l->later.index[k]);
        rigid_apply(p->motion, l->earlier.centroid_mm, place);
        l->dice = fmin(2 * both / (l->earlier.ml + l->later.ml), 1);
        l->moved_mm = sqrt((place[0] - l->later.centroid_mm[0]) * (place[0] - l->later.centroid_mm[0]) +
                           (place[1] - l->later.centroid_mm[1]) * (place[1] - l->later.centroid_mm[1]) +
                           (place[2] - l->later.centroid_mm[2]) * (place[2] - l->later.centroid_mm[2]));
        l->change = l->later.tlg_g > (1 + change_least) * l->earlier.tlg_g   ? CHANGE_GROWN
                    : l->later.tlg_g < (1 - change_least) * l->earlier.tlg_g ? CHANGE_SHRUNK
                                                                             : CHANGE_STABLE;
    }
    const struct finding *first =
        l->earlier.count ? &earlier->finding[l->earlier.index[0]] : &later->finding[l->later.index[0]];
    format_into(l->tracking_uid, sizeof l->tracking_uid, "%s", first->tracking_uid);
    format_into(l->tracking_id, sizeof l->tracking_id, "%s", first->tracking_id);
}

int matches_make(const struct findings *earlier, const struct findings *later, const struct heat *heat,
                 double change_least, struct matches *m, struct error *e)
{
    struct pairing p = {.motion = heat->motion};
    size_t const n = earlier->count, k = later->count;
    *m = (struct matches){0};
    cloud_make(earlier, p.motion, &p.earlier);
    cloud_make(later, NULL, &p.later);
    p.overlap = xalloc(n * k + 1, sizeof *p.overlap);
    p.linked = xalloc(n * k + 1, sizeof *p.linked);
    p.near = xalloc(n * k + 1, sizeof *p.near);
    p.warmer_a = xalloc(n + 1, sizeof *p.warmer_a);
    p.warmer_b = xalloc(k + 1, sizeof *p.warmer_b);
    int rc = overlaps_count(&p, e);
    bool *seen_a = xalloc(n + 1, 1), *seen_b = xalloc(k + 1, 1);
    if (rc == 0) {
        warmth_measure(&p, heat);
        link_by_overlap(&p);
        link_by_nearness(&p);
        link_by_touch(&p, true);
        link_by_touch(&p, false);
        m->pair = xalloc(n + k + 1, sizeof *m->pair);
        for (size_t i = 0; i < n + k; i++) {
            struct lesion_pair *l = &m->pair[m->count];
            bool const is_earlier = i < n;
            if (is_earlier ? seen_a[i] : seen_b[i - n])
                continue;
            gather(&p, is_earlier ? i : i - n, is_earlier, seen_a, seen_b, l);
            judge(&p, change_least, l);
            m->count++;
        }
    }
    free(seen_b);
    free(seen_a);
    free(p.warmer_b);
    free(p.warmer_a);
    free(p.near);
    free(p.linked);
    free(p.overlap);
    cloud_free(&p.later);
    cloud_free(&p.earlier);
    return rc;
}

void matches_free(struct matches *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->pair[i].earlier.index);
        free(m->pair[i].later.index);
    }
    free(m->pair);
    *m = (struct matches){0};
}
