/* SPDX-License-Identifier: Apache-2.0 */
/* reach -- how far the region of a peak reaches.   basins -> [reach] -> peaks */
#include "stages/roi/reach.h"
#include "stages/roi/noise.h"

#include <math.h>
#include <stdlib.h>

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

/* Where a region of this peak may end at the highest. */
static double highest_end(const struct peaks_how *how, double peak, double around)
{
    return around + fmax(how->fraction, how->small_fraction) * (peak - around);
}

/* What is around a growing region, asked for no earlier than it is wanted. */
struct look {
    struct shells *shells;
    int64_t at; /* the peak */
    double peak;
    size_t shell, known;  /* the one it looks at; the one that around is of, plus one */
    double around, below; /* that of its shell is at most `below`, as far as was asked */
};

static double look_around(struct look *l)
{
    if (l->known != l->shell + 1) {
        l->around = fmin(l->peak, shell_around(l->shells, l->shell, l->at));
        l->known = l->shell + 1;
    }
    return l->around;
}

/* Whether what is around is at most this; asks for less first, and so need not ask again soon. */
static bool look_is_below(struct look *l, double suv)
{
    static const double shares[] = {0.6, 1};
    for (size_t i = 0; l->below > suv && i < COUNT_OF(shares); i++)
        if (shell_is_below(l->shells, l->shell, l->at, (float)(shares[i] * suv)))
            l->below = (double)(float)(shares[i] * suv);
    return l->below <= suv;
}

/* Whether the region may end at this SUV, not below floor_suv, because of its surroundings. */
static bool may_end(const struct peaks_how *how, struct look *l, double suv)
{
    double f = fmax(how->fraction, how->small_fraction), up = suv - f * l->peak;
    if (l->known != l->shell + 1 && f < 1 && up > 1e-6 * l->peak && look_is_below(l, up / (1 - f) * (1 - 1e-6)))
        return false; /* its end is lower: look_around would say so, too */
    return suv < highest_end(how, l->peak, look_around(l));
}

void reach_grow(struct reach *r, uint32_t root)
{
    const struct peaks_how *how = r->how;
    const double *mm = how->spacing_mm, voxel_mm3 = mm[0] * mm[1] * mm[2];
    struct basin *x = &r->basins->basin[root];
    struct order_walk walk;
    struct look look = {.shells = &r->shells, .at = x->peak_at, .peak = (double)x->peak, .below = HUGE_VAL};
    double sum = 0, peak = (double)x->peak, level = peak, core = 0;
    uint32_t n = 0, place, next = shell_voxels(&r->shells, 1);
    x->threshold = how->floor_suv;
    x->ends = false;
    order_begin(&r->order, root, &walk);
    while (order_next(&r->order, &walk, &place)) {
        double suv = (double)flood_suv(&r->place[place]);
        if (n >= next) { /* the region has grown by half a voxel */
            next = shell_voxels(&r->shells, ++look.shell + 1);
            look.below = HUGE_VAL;
        }
        if (n && suv < level && (suv < how->floor_suv || may_end(how, &look, suv))) {
            double mean = sum / n, around = look_around(&look), ml = n * voxel_mm3 / 1000,
                   end = end_of(how, peak, mean, around, ml, (double)x->joined_at);
            core = core > 0 || suv >= around + fraction_of(how, ml) * (peak - around) ? core : mean;
            if (suv < end && stands_out(how, peak, mean, around)) {
                x->threshold = end;
                x->ends = true;
                break;
            }
        }
        level = fmin(level, suv);
        sum += suv;
        r->grown[n++] = place;
    }
    x->around = look_around(&look);
    x->mean = sum / n;
    x->core = core > 0 ? core : x->mean;
    x->body = !x->ends ? x->threshold
                       : fmax(x->threshold, x->around + fraction_of(how, n * voxel_mm3 / 1000) * (peak - x->around));
    x->voxels = n;
    x->known = true;
}

void reach_list(struct reach *r, uint32_t root)
{
    struct order_walk walk;
    int64_t n = 0, voxels = r->basins->basin[root].voxels;
    order_begin(&r->order, root, &walk);
    while (n < voxels && order_next(&r->order, &walk, &r->grown[n]))
        n++;
}

void reach_open(struct reach *r, const float *suv, const int64_t dim[3], const struct flood_place *place, size_t places,
                const struct peaks_how *how, struct basins *b)
{
    *r = (struct reach){.place = place, .how = how, .basins = b};
    shells_open(&r->shells, suv, dim, how->spacing_mm, how->around_mm);
    order_open(&r->order, b, places);
    r->grown = xresize(NULL, places + 1, sizeof *r->grown);
    reach_renew(r, places);
}

void reach_renew(struct reach *r, size_t places)
{
    basins_settle(r->basins, places);
    order_make(&r->order, r->basins, places);
}

void reach_close(struct reach *r)
{
    order_close(&r->order);
    shells_close(&r->shells);
    free(r->grown);
}
