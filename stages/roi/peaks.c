/* SPDX-License-Identifier: Apache-2.0 */
/* peaks -- a region for every peak that stands out of its surroundings and of the scan's noise.   method -> [peaks] */
#include "stages/roi/peaks.h"
#include "stages/roi/again.h"
#include "stages/roi/noise.h"
#include "stages/roi/organ.h"
#include "stages/roi/reach.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The region of a root is grown, unless it was. */
static void basin_known(struct reach *r, uint32_t root)
{
    if (!r->basins->basin[root].known)
        reach_grow(r, root);
}

/* A large one is the surroundings of a smaller one that ends where it does not, or that stands out of it as a kidney does of the liver. */
static bool is_around(const struct peaks_how *how, const struct basin *large, const struct basin *small, double voxel_ml)
{
    return large->voxels >= PEAKS_AROUND * small->voxels &&
           ((small->ends && !large->ends) ||
            ((double)large->voxels * voxel_ml >= PEAKS_LARGE_ML && small->core >= how->contrast * large->core));
}

/* Steps 2 and 3: whether what met at s is one body. */
static bool one_body(struct reach *r, uint32_t high, uint32_t low, double s)
{
    const struct peaks_how *how = r->how;
    const struct basin *h = &r->basins->basin[high], *l = &r->basins->basin[low];
    double const *mm = how->spacing_mm, voxel_ml = mm[0] * mm[1] * mm[2] / 1000;
    bool lobes = s >= how->valley * (double)l->peak, mottled = s >= how->fraction * (double)h->peak &&
                                                               s >= how->lobe_valley * (double)l->peak &&
                                                               (double)l->peak >= how->valley * (double)h->peak;
    if (!lobes && !mottled)
        return false;
    basin_known(r, low);
    basin_known(r, high);
    if (is_around(how, h, l, voxel_ml) || is_around(how, l, h, voxel_ml))
        return false;
    if (lobes && s >= l->body && s >= h->body)
        return true;
    if (fmax(h->mean, l->mean) >= how->contrast * fmin(h->mean, l->mean))
        return false; /* the one stands out of the other */
    return mottled && (double)l->voxels * voxel_ml >= how->lobe_ml && (double)h->voxels * voxel_ml >= how->lobe_ml;
}

/* One of the two is an organ's that is left out, and the other clearly is not. */
static bool organ_parts(const struct reach *r, uint32_t one, uint32_t other)
{
    const struct organ_look *organs = r->how->organs;
    if (!organs)
        return false;
    uint32_t a = r->basins->basin[one].peak_at, b = r->basins->basin[other].peak_at;
    int of_a = organ_near(organs, a, 0), of_b = organ_near(organs, b, 0);
    if (of_a == of_b)
        return false;
    return of_a ? organ_near(organs, b, PEAKS_ORGAN_MM) != of_a : organ_near(organs, a, PEAKS_ORGAN_MM) != of_b;
}

static bool basins_join(struct reach *r, size_t count)
{
    struct basins *b = r->basins;
    bool *joined = xalloc((size_t)b->count + 1, sizeof *joined), any = false;
    for (size_t i = 0; i < b->meeting_count; i++) {
        uint32_t one = flood_root(b->parent, b->meeting[i].high), other = flood_root(b->parent, b->meeting[i].low);
        uint32_t high = one < other ? one : other, low = one < other ? other : one;
        if (high == low || !one_body(r, high, low, (double)b->meeting[i].suv) || organ_parts(r, high, low))
            continue;
        b->parent[low] = high;
        b->basin[high].joined_at = fminf(b->meeting[i].suv, fminf(b->basin[high].joined_at, b->basin[low].joined_at));
        joined[high] = any = true;
    }
    for (uint32_t k = 0; k < b->count; k++)
        b->basin[k].known &= !joined[k];
    free(joined);
    if (any)
        reach_renew(r, count);
    return any;
}

/* What was found at each place. */
struct found_at {
    uint32_t *region; /* 0: none */
    uint32_t *of;     /* region of the peak of its basin, 0: that is none; NULL: nobody asks */
    bool *hot;        /* [regions + 1]: its peak hides its surroundings; NULL likewise; the callee allocates it */
};

/* Step 4: the regions of these places, from number + 1 on. beyond[place]: SUV that a peak there has to stand out of, too; NULL: none.
 * Returns the last number. */
static uint32_t regions_write(struct reach *r, size_t count, uint32_t number, const float *beyond, struct found_at *f)
{
    uint32_t first = number, *own = xalloc((size_t)r->basins->count + 1, sizeof *own);
    f->hot = f->of ? xalloc((size_t)r->basins->count + 1, sizeof *f->hot) : NULL;
    const struct peaks_how *how = r->how;
    struct basins *b = r->basins;
    memset(f->region, 0, count * sizeof *f->region);
    for (uint32_t k = 0; k < b->count; k++) {
        struct basin *x = &b->basin[k];
        if (b->parent[k] != k || (how->start && !how->start[x->peak_at]))
            continue;
        basin_known(r, k);
        double around = beyond ? fmax(x->around, (double)beyond[x->place]) : x->around;
        if ((double)x->peak - around < how->contrast_sds * noise_sd(how->noise_per_suv, around) ||
            (beyond && (double)x->peak < PEAKS_BEYOND * around))
            continue;
        own[k] = ++number;
        reach_list(r, k);
        for (int64_t i = 0; i < x->voxels; i++)
            f->region[r->grown[i]] = number;
        if (f->hot)
            f->hot[number - first] = (double)x->peak >= how->again_suv;
    }
    for (size_t i = 0; f->of && i < count; i++)
        f->of[i] = own[b->home[i]];
    free(own);
    return number;
}

/* Steps 1 to 4 on some places. mark: zeros wherever no place is, and at the places. */
static uint32_t look(const float *suv, const int64_t dim[3], const struct flood_place *place, size_t count,
                     const struct peaks_how *how, uint32_t *mark, uint32_t number, const float *beyond,
                     struct found_at *f)
{
    struct basins b;
    basins_of(&b, suv, dim, place, count, how->connectivity, how->noise_per_suv, how->noise_sds, mark);
    struct reach r;
    reach_open(&r, suv, dim, place, count, how, &b);
    for (int turn = 0; turn < PEAKS_TURNS && basins_join(&r, count); turn++)
        ;
    number = regions_write(&r, count, number, beyond, f);
    reach_close(&r);
    basins_free(&b);
    return number;
}

/* Step 5. */
static uint32_t look_again(const float *suv, const int64_t dim[3], const struct flood_place *place, size_t count,
                           const struct peaks_how *how, const struct found_at *f, uint32_t number, uint32_t *label)
{
    size_t left = 0;
    struct near near;
    struct rim rim;
    near_open(&near, dim, how->spacing_mm, how->again_mm);
    rim_mark(&rim, &near, place, count, label, f->hot);
    struct flood_place *rest = xresize(NULL, count + 1, sizeof *rest);
    float *of_region = xresize(NULL, (size_t)number + 1, sizeof *of_region),
          *beyond = xresize(NULL, count + 1, sizeof *beyond);
    rim_beyond(&rim, &near, suv, label, number, of_region);
    for (size_t i = 0; i < count; i++)
        if (f->hot[f->of[i]] && !label[place[i].at] && !rim.of[place[i].at]) {
            beyond[left] = of_region[f->of[i]];
            rest[left++] = place[i];
        }
    uint32_t *mark = xalloc((size_t)(dim[0] * dim[1] * dim[2]), sizeof *mark);
    struct found_at again = {.region = xresize(NULL, left + 1, sizeof *again.region)};
    uint32_t last = look(suv, dim, rest, left, how, mark, number, beyond, &again);
    for (size_t i = 0; i < left; i++)
        label[rest[i].at] = again.region[i];
    rim_share(&rim, &near, suv, rest, left, number + 1, last, label);
    free(again.region);
    free(mark);
    free(beyond);
    free(of_region);
    free(rest);
    rim_free(&rim);
    near_close(&near);
    return last;
}

uint32_t peaks_find(const float *suv, const int64_t dim[3], const struct peaks_how *how, uint32_t *label)
{
    assert(how->floor_suv > 0 && dim[0] * dim[1] * dim[2] < UINT32_MAX);
    struct flood_place *place;
    bool any = false;
    size_t count = flood_places(suv, (size_t)(dim[0] * dim[1] * dim[2]), (float)how->floor_suv, &place);
    struct found_at f = {.region = xresize(NULL, count + 1, sizeof *f.region),
                         .of = xresize(NULL, count + 1, sizeof *f.of)};
    uint32_t number = look(suv, dim, place, count, how, label, 0, NULL, &f);
    for (size_t i = 0; i < count; i++)
        label[place[i].at] = f.region[i];
    for (uint32_t k = 1; k <= number; k++)
        any |= f.hot[k];
    if (any)
        number = look_again(suv, dim, place, count, how, &f, number, label);
    free(f.region);
    free(f.of);
    free(f.hot);
    free(place);
    return number;
}
