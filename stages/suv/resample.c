/* resample -- the volume on another grid: other voxels, fewer slices.   suv -> [resample] */
#include "stages/suv/suv.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where each new voxel of one axis lies between two old ones. */
struct line {
    int64_t *low;    /* index of the old voxel below; the one above is low+1, or low at the end */
    float *part;     /* share of the one above */
    int64_t *nearest;
    int64_t count, old;
};

/* Both grids begin and end at the same edges, so new centre i is at old index (i + 0.5) * step - 0.5. */
static struct line line_make(int64_t old, int64_t count, double step)
{
    struct line l = {xalloc((size_t)count, sizeof *l.low), xalloc((size_t)count, sizeof *l.part),
                     xalloc((size_t)count, sizeof *l.nearest), count, old};
    for (int64_t i = 0; i < count; i++) {
        double at = fmin(fmax(((double)i + 0.5) * step - 0.5, 0), (double)(old - 1));
        l.low[i] = (int64_t)floor(at);
        l.part[i] = (float)(at - floor(at));
        l.nearest[i] = (int64_t)floor(at + 0.5);
    }
    return l;
}

static void line_free(struct line *l)
{
    free(l->low);
    free(l->part);
    free(l->nearest);
}

static inline float mix(float a, float b, float part)
{
    return a + part * (b - a);
}

static void resample_linear(const struct grid *g, const float *from, const struct line l[3], float *to)
{
    for (int64_t z = 0; z < l[0].count; z++)
        for (int64_t y = 0; y < l[1].count; y++)
            for (int64_t x = 0; x < l[2].count; x++) {
                int64_t const low[3] = {l[0].low[z], l[1].low[y], l[2].low[x]};
                int64_t high[3];
                for (int a = 0; a < 3; a++)
                    high[a] = low[a] + 1 < l[a].old ? low[a] + 1 : low[a];
                float row[2][2];
                for (int dz = 0; dz < 2; dz++)
                    for (int dy = 0; dy < 2; dy++) {
                        const float *line = from + grid_at(g, dz ? high[0] : low[0], dy ? high[1] : low[1], 0);
                        row[dz][dy] = mix(line[low[2]], line[high[2]], l[2].part[x]);
                    }
                *to++ = mix(mix(row[0][0], row[0][1], l[1].part[y]), mix(row[1][0], row[1][1], l[1].part[y]), l[0].part[z]);
            }
}

static void resample_nearest(const struct grid *g, const uint8_t *from, const struct line l[3], uint8_t *to)
{
    for (int64_t z = 0; z < l[0].count; z++)
        for (int64_t y = 0; y < l[1].count; y++)
            for (int64_t x = 0; x < l[2].count; x++)
                *to++ = from[grid_at(g, l[0].nearest[z], l[1].nearest[y], l[2].nearest[x])];
}

int volume_resample(struct volume *v, const double spacing_mm[3], struct error *e)
{
    struct grid const old = v->grid;
    struct grid *g = &v->grid;
    double voxels = 1, step[3];
    for (int a = 0; a < 3; a++) {
        if (!(spacing_mm[a] > 0))
            return fail_as(e, EX_USAGE, "spacing %g mm is not positive", spacing_mm[a]);
        step[a] = spacing_mm[a] / old.spacing_mm[a];
        voxels *= fmax(1, round((double)old.dim[a] / step[a]));
    }
    if (voxels > 1e9)
        return fail(e, "%g x %g x %g mm would make %.3g voxels (at most 1e9): choose a larger --spacing", spacing_mm[0],
                    spacing_mm[1], spacing_mm[2], voxels);
    struct line l[3];
    for (int a = 0; a < 3; a++) {
        g->dim[a] = (int64_t)fmax(1, round((double)old.dim[a] / step[a]));
        g->spacing_mm[a] = spacing_mm[a];
        l[a] = line_make(old.dim[a], g->dim[a], step[a]);
        for (int i = 0; i < 3; i++) { /* columns of the affine are x, y, z */
            double column = old.affine[i][2 - a];
            g->affine[i][2 - a] = column * step[a];
            g->affine[i][3] += column * (0.5 * step[a] - 0.5);
        }
    }
    float *voxel = try_alloc(e, grid_voxels(g), sizeof *voxel);
    uint8_t *mask = voxel && v->mask ? try_alloc(e, grid_voxels(g), 1) : NULL;
    int16_t *ct = voxel && v->ct ? try_alloc(e, grid_voxels(g), sizeof *ct) : NULL;
    bool made = voxel && (mask || !v->mask) && (!v->ct || (ct && volume_regrid(&old, v->ct, g, CT_OUTSIDE_HU, ct, e) >= 0));
    if (made) {
        resample_linear(&old, v->voxel, l, voxel);
        free(v->voxel);
        v->voxel = voxel;
        if (mask) {
            resample_nearest(&old, v->mask, l, mask);
            free(v->mask);
            v->mask = mask;
        }
        free(v->ct);
        v->ct = ct;
    } else {
        free(voxel);
        free(mask);
        free(ct);
        *g = old;
    }
    for (int a = 0; a < 3; a++)
        line_free(&l[a]);
    return made ? 0 : -1;
}

int volume_crop(struct volume *v, double low_mm, double high_mm, struct error *e)
{
    struct grid *g = &v->grid;
    /* slices are level but for a few degrees: the middle of a slice stands for it */
    double middle[3] = {0, (double)(g->dim[1] - 1) / 2, (double)(g->dim[2] - 1) / 2}, at[3];
    int64_t first = g->dim[0], last = -1;
    for (int64_t z = 0; z < g->dim[0]; z++) {
        middle[0] = (double)z;
        grid_to_mm(g, middle, at);
        if (at[2] >= low_mm && at[2] <= high_mm) {
            first = z < first ? z : first;
            last = z;
        }
    }
    if (last < first)
        return fail(e, "no slice lies between %g and %g mm (--crop)", low_mm, high_mm);
    size_t const plane = (size_t)(g->dim[1] * g->dim[2]), count = plane * (size_t)(last - first + 1);
    memmove(v->voxel, v->voxel + plane * (size_t)first, count * sizeof *v->voxel);
    if (v->mask)
        memmove(v->mask, v->mask + plane * (size_t)first, count);
    if (v->ct)
        memmove(v->ct, v->ct + plane * (size_t)first, count * sizeof *v->ct);
    for (int i = 0; i < 3; i++)
        g->affine[i][3] += g->affine[i][2] * (double)first;
    g->dim[0] = last - first + 1;
    return 0;
}
