/* SPDX-License-Identifier: Apache-2.0 */
/* peaks -- a region for every peak that stands out of its surroundings and of the scan's noise.   method -> [peaks] */
#include "stages/roi/peaks.h"
#include "stages/roi/flood.h"
#include "stages/roi/noise.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Numbered in the order of their peaks, highest first; the smaller number is the root of a merge. */
struct basin {
    float peak;
    uint32_t peak_at;
    double around, threshold;
    int64_t voxels; /* at or above the threshold */
};
struct meeting {
    uint32_t high, low;
    float suv;
};
struct basins {
    uint32_t *parent;
    struct basin *basin;
    uint32_t count, room;
    struct meeting *meeting; /* highest first; a pair may meet often */
    size_t meeting_count, meeting_room;
};

static uint32_t basin_found(struct basins *b, float peak, uint32_t at)
{
    if (b->count == b->room) {
        b->room = b->room ? 2 * b->room : 1024;
        b->parent = xresize(b->parent, b->room, sizeof *b->parent);
        b->basin = xresize(b->basin, b->room, sizeof *b->basin);
    }
    b->parent[b->count] = b->count;
    b->basin[b->count] = (struct basin){.peak = peak, .peak_at = at};
    return b->count++;
}

static void meeting_note(struct basins *b, uint32_t high, uint32_t low, float suv)
{
    if (b->meeting_count == b->meeting_room) {
        b->meeting_room = 2 * b->meeting_room + 4096;
        b->meeting = xresize(b->meeting, b->meeting_room, sizeof *b->meeting);
    }
    b->meeting[b->meeting_count++] = (struct meeting){high, low, suv};
}

/* Basins meet at s. touch[] are their roots, ascending, so the highest peak comes first. */
static void basins_meet(struct basins *b, const uint32_t *touch, int count, float s, const struct peaks_how *how)
{
    for (int low = 1; low < count; low++)
        for (int high = 0; high < low; high++) {
            if (b->parent[touch[high]] != touch[high])
                continue; /* joined a moment ago: whoever took it speaks for it */
            double lower = (double)b->basin[touch[low]].peak;
            if (lower - (double)s < how->noise_sds * noise_sd(how->noise_per_suv, lower)) {
                b->parent[touch[low]] = touch[high];
                break;
            }
            meeting_note(b, touch[high], touch[low], s);
        }
}

/* Step 1. label holds basin + 1 from here on. */
static void flood(const float *suv, const int64_t dim[3], const struct flood_place *place, size_t count,
                  const struct peaks_how *how, uint32_t *label, struct basins *b)
{
    int64_t step[26];
    int steps = flood_neighbours(dim, how->connectivity, step);
    for (size_t i = 0; i < count; i++) {
        uint32_t touch[26];
        int64_t highest = -1;
        int touching = flood_touch(suv, label, b->parent, place[i].at, step, steps, touch, &highest);
        uint32_t at = place[i].at;
        label[at] = touching ? (uint32_t)highest + 1 : basin_found(b, suv[at], at) + 1;
        if (touching > 1)
            basins_meet(b, touch, touching, suv[at], how);
    }
}

/* What would stand at [k] if value[] were sorted; leaves it in another order. */
static float kth(float *value, int count, int k)
{
    for (int low = 0, high = count - 1; low < high;) {
        float pivot = value[(low + high) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (value[i] < pivot)
                i++;
            while (value[j] > pivot)
                j--;
            if (i <= j) {
                float swap = value[i];
                value[i++] = value[j], value[j--] = swap;
            }
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return value[k];
}

/* Evenly on the unit sphere, along a spiral from pole to pole; z y x. */
static void rays_make(double ray[PEAKS_RAYS][3])
{
    const double golden = 2.399963229728653; /* angle, rad */
    for (int i = 0; i < PEAKS_RAYS; i++) {
        double up = 1 - 2 * (i + 0.5) / PEAKS_RAYS, out = sqrt(1 - up * up);
        ray[i][0] = up, ray[i][1] = out * sin(i * golden), ray[i][2] = out * cos(i * golden);
    }
}

/* Of the voxels that the rays reach; what is outside the scan is air. */
static double around_of(const float *suv, const int64_t dim[3], const double mm[3], double ray[PEAKS_RAYS][3],
                        uint32_t at, double radius_mm)
{
    int64_t W = dim[2], slice = dim[1] * W, from[3] = {at / slice, at / W % dim[1], at % W};
    float value[PEAKS_RAYS];
    for (int i = 0; i < PEAKS_RAYS; i++) {
        int64_t to[3];
        bool inside = true;
        for (int a = 0; a < 3; a++) {
            to[a] = from[a] + (int64_t)floor(radius_mm * ray[i][a] / mm[a] + 0.5);
            inside &= to[a] >= 0 && to[a] < dim[a];
        }
        value[i] = inside ? suv[to[0] * slice + to[1] * W + to[2]] : 0;
    }
    return (double)kth(value, PEAKS_RAYS, (int)(PEAKS_RAYS * PEAKS_AROUND));
}

static double fraction_of(const struct peaks_how *how, double ml)
{
    if (ml <= how->small_ml)
        return how->small_fraction;
    if (ml >= how->large_ml)
        return how->fraction;
    double way = log(ml / how->small_ml) / log(how->large_ml / how->small_ml);
    return how->small_fraction + way * (how->fraction - how->small_fraction);
}

/* Step 2. root[]: the basin of each place. */
static void basins_cut(const float *suv, const int64_t dim[3], const struct flood_place *place, size_t count,
                       const struct peaks_how *how, uint32_t *root, int rounds, struct basins *b)
{
    const double *mm = how->spacing_mm;
    double voxel_mm3 = mm[0] * mm[1] * mm[2], ball = 3 / (4 * acos(-1));
    double ray[PEAKS_RAYS][3];
    rays_make(ray);
    for (int round = 0; round < rounds; round++) {
        for (uint32_t k = 0; k < b->count; k++)
            b->basin[k].voxels = 0;
        for (size_t i = 0; i < count; i++) {
            root[i] = flood_root(b->parent, root[i]);
            struct basin *x = &b->basin[root[i]];
            x->voxels += (double)flood_suv(&place[i]) >= x->threshold;
        }
        for (uint32_t k = 0; k < b->count; k++) {
            struct basin *x = &b->basin[k];
            if (b->parent[k] != k)
                continue;
            double mm3 = (double)x->voxels * voxel_mm3, peak = (double)x->peak;
            x->around = fmin(peak, around_of(suv, dim, mm, ray, x->peak_at, cbrt(ball * mm3) + how->around_mm));
            x->threshold = fmax(how->floor_suv, x->around + fraction_of(how, mm3 / 1000) * (peak - x->around));
        }
    }
}

/* Step 3, and with lobes step 4. Returns whether any joined. */
static bool basins_join(struct basins *b, const struct peaks_how *how, bool lobes)
{
    double voxel_ml = how->spacing_mm[0] * how->spacing_mm[1] * how->spacing_mm[2] / 1000;
    bool any = false;
    for (size_t i = 0; i < b->meeting_count; i++) {
        uint32_t one = flood_root(b->parent, b->meeting[i].high), other = flood_root(b->parent, b->meeting[i].low);
        uint32_t high = one < other ? one : other, low = one < other ? other : one;
        const struct basin *h = &b->basin[high], *l = &b->basin[low];
        double s = (double)b->meeting[i].suv,
               least_ml = voxel_ml * (double)(h->voxels < l->voxels ? h->voxels : l->voxels);
        bool one_body = lobes ? least_ml >= how->lobe_ml && s >= how->fraction * (double)h->peak &&
                                    s >= how->lobe_valley * (double)l->peak
                              : s >= h->threshold && s >= l->threshold && s >= how->valley * (double)l->peak;
        if (high == low || !one_body)
            continue;
        b->parent[low] = high;
        any = true;
    }
    return any;
}

/* Step 5: of its voxels those of region `number` that are joined to its peak keep the label. pending: room for a region. */
#define JOINED 0x80000000U
static void joined_mark(uint32_t *label, uint32_t peak_at, uint32_t number, const int64_t *step, int steps,
                        uint32_t *pending)
{
    size_t left = 0;
    pending[left++] = peak_at;
    label[peak_at] = number | JOINED;
    while (left) {
        int64_t at = pending[--left];
        for (int n = 0; n < steps; n++)
            if (label[at + step[n]] == number) {
                label[at + step[n]] = number | JOINED;
                pending[left++] = (uint32_t)(at + step[n]);
            }
    }
}

uint32_t peaks_find(const float *suv, const int64_t dim[3], const struct peaks_how *how, uint32_t *label)
{
    assert(how->floor_suv > 0 && dim[0] * dim[1] * dim[2] < UINT32_MAX);
    struct flood_place *place;
    struct basins b = {0};
    size_t count = flood_places(suv, (size_t)(dim[0] * dim[1] * dim[2]), (float)how->floor_suv, &place);
    flood(suv, dim, place, count, how, label, &b);
    uint32_t *root = xresize(NULL, count + 1, sizeof *root);
    for (size_t i = 0; i < count; i++)
        root[i] = flood_root(b.parent, label[place[i].at] - 1);
    for (uint32_t k = 0; k < b.count; k++)
        b.basin[k].threshold = fmax(how->floor_suv, how->fraction * (double)b.basin[k].peak);
    basins_cut(suv, dim, place, count, how, root, 2, &b);
    basins_join(&b, how, false);
    if (basins_join(&b, how, true))
        basins_cut(suv, dim, place, count, how, root, 2, &b);

    uint32_t *number = xalloc((size_t)b.count + 1, sizeof *number), regions = 0;
    for (uint32_t k = 0; k < b.count; k++) {
        const struct basin *x = &b.basin[k];
        double least = how->contrast_sds * noise_sd(how->noise_per_suv, x->around);
        if (b.parent[k] == k && (!how->start || how->start[x->peak_at]) && (double)x->peak - x->around >= least)
            number[k] = ++regions;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t k = flood_root(b.parent, root[i]);
        label[place[i].at] = (double)flood_suv(&place[i]) >= b.basin[k].threshold ? number[k] : 0;
    }
    int64_t step[26];
    int steps = flood_neighbours(dim, how->connectivity, step);
    uint32_t *pending = root; /* no longer needed, and as long as any region */
    for (uint32_t k = 0; k < b.count; k++)
        if (number[k])
            joined_mark(label, b.basin[k].peak_at, number[k], step, steps, pending);
    for (size_t i = 0; i < count; i++) {
        uint32_t *l = &label[place[i].at];
        *l = *l & JOINED ? *l & ~JOINED : 0;
    }
    free(root);
    free(number);
    free(b.parent);
    free(b.basin);
    free(b.meeting);
    free(place);
    return regions;
}
