/* SPDX-License-Identifier: Apache-2.0 */
/* reach -- how far the region of a peak reaches.   basins -> [reach] -> peaks */
#include "stages/roi/reach.h"
#include "stages/roi/noise.h"

#include <math.h>
#include <stdlib.h>

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
                value[i++] = value[j];
                value[j--] = swap;
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
static void rays_make(double ray[REACH_RAYS][3])
{
    const double golden = 2.399963229728653; /* angle, rad */
    for (int i = 0; i < REACH_RAYS; i++) {
        double up = 1 - 2 * (i + 0.5) / REACH_RAYS, out = sqrt(1 - up * up);
        ray[i][0] = up, ray[i][1] = out * sin(i * golden), ray[i][2] = out * cos(i * golden);
    }
}

/* Of the voxels that the rays reach; what is outside the scan is air. */
static double around_of(const struct reach *r, uint32_t at, double radius_mm)
{
    const int64_t *dim = r->dim;
    const double *mm = r->how->spacing_mm;
    int64_t W = dim[2], slice = dim[1] * W, from[3] = {at / slice, at / W % dim[1], at % W};
    double voxels[3] = {radius_mm / mm[0], radius_mm / mm[1], radius_mm / mm[2]};
    float value[REACH_RAYS];
    for (int i = 0; i < REACH_RAYS; i++) {
        int64_t to[3];
        bool inside = true;
        for (int a = 0; a < 3; a++) {
            to[a] = from[a] + (int64_t)floor(voxels[a] * r->ray[i][a] + 0.5);
            inside &= to[a] >= 0 && to[a] < dim[a];
        }
        value[i] = inside ? r->suv[to[0] * slice + to[1] * W + to[2]] : 0;
    }
    return (double)kth(value, REACH_RAYS, (int)(REACH_RAYS * REACH_AROUND));
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

/* Where a region of this peak, mean and volume ends. */
static double end_of(const struct peaks_how *how, double peak, double mean, double around, double ml, double joined_at)
{
    double up = fraction_of(how, ml) * (peak - around);
    if (ml >= how->mean_ml)
        up = fmin(up, how->mean_share * (mean - around));
    return fmax(how->floor_suv, fmin(joined_at, around + up));
}

static bool stands_out(const struct peaks_how *how, double peak, double mean, double around)
{
    return mean >= how->contrast * around && peak - around >= how->contrast_sds * noise_sd(how->noise_per_suv, around);
}

/* A heap of places, the highest SUV first: places are numbered in that order. */
static void heap_put(struct reach *r, uint32_t place)
{
    uint32_t i = r->heaped++;
    for (; i && r->heap[(i - 1) / 2] > place; i = (i - 1) / 2)
        r->heap[i] = r->heap[(i - 1) / 2];
    r->heap[i] = place;
}

static uint32_t heap_take(struct reach *r)
{
    uint32_t top = r->heap[0], last = r->heap[--r->heaped], i = 0;
    for (uint32_t below = 1; below < r->heaped; below = 2 * i + 1) {
        below += below + 1 < r->heaped && r->heap[below + 1] < r->heap[below];
        if (r->heap[below] >= last)
            break;
        r->heap[i] = r->heap[below];
        i = below;
    }
    r->heap[i] = last;
    return top;
}

/* Voxels of the same basin beside this one wait, each once. */
static void neighbours_wait(struct reach *r, uint32_t place, uint32_t root)
{
    const uint32_t *home = r->basins->home;
    int64_t at = r->place[place].at;
    for (int n = 0; n < r->steps; n++) {
        uint32_t near = r->label[at + r->step[n]];
        if (near && home[near - 1] == root && r->seen[near - 1] != r->turn) {
            r->seen[near - 1] = r->turn;
            heap_put(r, near - 1);
        }
    }
}

void reach_grow(struct reach *r, uint32_t root)
{
    const struct peaks_how *how = r->how;
    const double *mm = how->spacing_mm, voxel_mm3 = mm[0] * mm[1] * mm[2], ball = 3 / (4 * acos(-1)),
                 step_mm = 0.5 * fmin(mm[0], fmin(mm[1], mm[2]));
    struct basin *x = &r->basins->basin[root];
    double sum = 0, peak = (double)x->peak, level = peak, around = 0, next = 0, lowest = 0;
    uint32_t n = 0, start = r->label[x->peak_at] - 1;
    r->turn++;
    r->heaped = 0;
    r->seen[start] = r->turn;
    heap_put(r, start);
    x->threshold = how->floor_suv;
    x->ends = false;
    while (r->heaped) {
        uint32_t place = heap_take(r);
        double suv = (double)flood_suv(&r->place[place]);
        if ((double)n >= next) { /* the sphere has grown by half a voxel */
            double radius_mm = cbrt(ball * voxel_mm3 * fmax(n, 1));
            around = fmin(peak, around_of(r, x->peak_at, radius_mm + how->around_mm));
            next = pow(radius_mm + step_mm, 3) / (ball * voxel_mm3);
            lowest = around + fmax(how->fraction, how->small_fraction) * (peak - around); /* no end is higher */
        }
        if (n && suv < level && suv < fmax(lowest, how->floor_suv)) {
            double mean = sum / n, end = end_of(how, peak, mean, around, n * voxel_mm3 / 1000, (double)x->joined_at);
            if (suv < end && stands_out(how, peak, mean, around)) {
                x->threshold = end;
                x->ends = true;
                break;
            }
        }
        level = fmin(level, suv);
        sum += suv;
        r->grown[n++] = place;
        neighbours_wait(r, place, root);
    }
    x->around = around;
    x->body =
        !x->ends ? x->threshold : fmax(x->threshold, around + fraction_of(how, n * voxel_mm3 / 1000) * (peak - around));
    x->voxels = n;
    x->known = true;
}

void reach_open(struct reach *r, size_t places)
{
    rays_make(r->ray);
    r->steps = flood_neighbours(r->dim, r->how->connectivity, r->step);
    r->heap = xresize(NULL, places + 1, sizeof *r->heap);
    r->grown = xresize(NULL, places + 1, sizeof *r->grown);
    r->seen = xalloc(places + 1, sizeof *r->seen);
    r->turn = 0;
}

void reach_close(struct reach *r)
{
    free(r->heap);
    free(r->grown);
    free(r->seen);
}
