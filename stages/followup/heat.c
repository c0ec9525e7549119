/* SPDX-License-Identifier: Apache-2.0 */
/* heat -- how hot the place of a region is in either scan.   align -> [heat] -> match */
#include "stages/followup/heat.h"
#include <math.h>

int heat_open(struct heat *h, const struct body_map *earlier, const struct body_map *later, const struct rigid *motion,
              struct error *e)
{
    *h = (struct heat){.motion = motion};
    if (!earlier || !later)
        return 0;
    h->earlier = earlier;
    h->later = later;
    return grid_index_map(&earlier->grid, h->from_mm[0], e) < 0 || grid_index_map(&later->grid, h->from_mm[1], e) < 0
               ? -1
               : 0;
}

/* Linear between the middles of cells, the outermost cells' value up to their edge; NAN beyond. */
static double suv_at(const struct body_map *b, const double from_mm[3][4], const double mm[3])
{
    int64_t low[3], high[3];
    double part[3], sum = 0;
    for (int a = 0; a < 3; a++) {
        double const last = (double)b->grid.dim[a] - 1,
                     at = from_mm[a][0] * mm[0] + from_mm[a][1] * mm[1] + from_mm[a][2] * mm[2] + from_mm[a][3];
        if (!(at >= -0.5 && at <= last + 0.5))
            return NAN;
        double const within = fmin(fmax(at, 0), last);
        low[a] = (int64_t)within;
        high[a] = low[a] + 1 <= (int64_t)last ? low[a] + 1 : low[a];
        part[a] = within - (double)low[a];
    }
    for (int corner = 0; corner < 8; corner++) {
        int64_t at[3];
        double weight = 1;
        for (int a = 0; a < 3; a++) {
            bool const up = corner >> a & 1;
            at[a] = up ? high[a] : low[a];
            weight *= up ? part[a] : 1 - part[a];
        }
        sum += weight * (double)b->suv[grid_at(&b->grid, at[0], at[1], at[2])];
    }
    return sum;
}

double heat_ratio(const struct heat *h, const float (*later_mm)[3], size_t count)
{
    double before = 0, now = 0;
    for (size_t i = 0; h->earlier && i < count; i++) {
        double const later[3] = {(double)later_mm[i][0], (double)later_mm[i][1], (double)later_mm[i][2]};
        double earlier[3];
        rigid_back(h->motion, later, earlier);
        before += suv_at(h->earlier, (const double(*)[4])h->from_mm[0], earlier);
        now += suv_at(h->later, (const double(*)[4])h->from_mm[1], later);
    }
    return before > 0 && now > 0 ? now / before : NAN; /* NAN stays */
}
