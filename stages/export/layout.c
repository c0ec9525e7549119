/* SPDX-License-Identifier: Apache-2.0 */
/* layout -- how the slices of a series lie in a label map.   [layout]
 *
 * The map lies as petrel-load read the scan, whatever axis that made the slowest; so each slice is looked up by its place, along two edges. */
#include "stages/export/layout.h"
#include <math.h>
#include <stdlib.h>

#define OFF_VOXELS 0.05 /* a position is written with a few digits, and slices are laid out evenly */
#define OFF_SLICES 0.45 /* ... which real scanners' are not, by some per cent where two beds meet */

static double dot(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* The place of a pixel, mm RAS. */
static void pixel_place(const struct dicom_series *s, const struct dicom_plane *p, double row, double column,
                        double ras[3])
{
    for (int i = 0; i < 3; i++) {
        double const lps = p->position_mm[i] + column * s->pixel_spacing_mm[1] * s->orientation[i] +
                           row * s->pixel_spacing_mm[0] * s->orientation[3 + i];
        ras[i] = i < 2 ? -lps : lps;
    }
}

/* The index z y x of a pixel, rounded; *off: how far it is from there, voxels: along the slices' normal, and within them. */
static int pixel_index(const struct dicom_object *o, const struct dicom_plane *p, double row, double column, int normal,
                       int64_t index[3], double off[2], struct error *e)
{
    double ras[3], zyx[3];
    pixel_place(o->series, p, row, column, ras);
    if (grid_from_mm(&o->findings->grid, ras, zyx, e) < 0)
        return -1;
    for (int a = 0; a < 3; a++) {
        index[a] = llround(zyx[a]);
        off[a != normal] = fmax(off[a != normal], fabs(zyx[a] - (double)index[a]));
    }
    return 0;
}

static int64_t flat(const struct grid *g, const int64_t index[3])
{
    return (index[0] * g->dim[1] + index[1]) * g->dim[2] + index[2];
}

static bool within(const struct grid *g, const int64_t index[3])
{
    return index[0] >= 0 && index[0] < g->dim[0] && index[1] >= 0 && index[1] < g->dim[1] && index[2] >= 0 &&
           index[2] < g->dim[2];
}

/* The map's axis that runs along the slices' normal. */
static int normal_axis(const struct dicom_object *o)
{
    const double *a = o->series->orientation, *b = a + 3;
    double const normal[3] = {-(a[1] * b[2] - a[2] * b[1]), -(a[2] * b[0] - a[0] * b[2]),
                              a[0] * b[1] - a[1] * b[0]}; /* RAS */
    const struct grid *g = &o->findings->grid;
    int best = 0;
    double most = -1;
    for (int axis = 0; axis < 3; axis++) {
        double const way[3] = {g->affine[0][2 - axis], g->affine[1][2 - axis], g->affine[2][2 - axis]};
        double const along = fabs(dot(way, normal)) / sqrt(dot(way, way));
        if (along > most) {
            most = along;
            best = axis;
        }
    }
    return best;
}

static int place_plane(struct dicom_object *o, size_t i, struct dicom_place *place, struct error *e)
{
    const struct dicom_series *s = o->series;
    const struct dicom_plane *p = &s->plane[i];
    double const last_row = (double)s->rows - 1, last_column = (double)s->columns - 1;
    int64_t first[3], down[3], along[3];
    double off[2] = {0, 0};
    int const normal = normal_axis(o);
    if (pixel_index(o, p, 0, 0, normal, first, off, e) < 0 || pixel_index(o, p, last_row, 0, normal, down, off, e) < 0 ||
        pixel_index(o, p, 0, last_column, normal, along, off, e) < 0)
        return -1;
    if (off[0] > OFF_SLICES || off[1] > OFF_VOXELS || !within(&o->findings->grid, first) ||
        !within(&o->findings->grid, down) || !within(&o->findings->grid, along))
        return fail(e, "its slices do not lie on the label map");
    int64_t const rows = (int64_t)s->rows, columns = (int64_t)s->columns;
    int64_t const at = flat(&o->findings->grid, first), to_down = flat(&o->findings->grid, down) - at,
                  to_along = flat(&o->findings->grid, along) - at;
    if ((rows > 1 && to_down % (rows - 1)) || (columns > 1 && to_along % (columns - 1)))
        return fail(e, "its pixels are no voxels of the label map");
    const double *a = s->orientation, *b = a + 3;
    double const across[3] = {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
    *place = (struct dicom_place){at, rows > 1 ? to_down / (rows - 1) : 0, columns > 1 ? to_along / (columns - 1) : 0,
                                  dot(across, p->position_mm)};
    return 0;
}

static const struct dicom_place *sorted_places; /* qsort has no context */

static int by_place(const void *left, const void *right)
{
    double const a = sorted_places[*(const size_t *)left].along_mm, b = sorted_places[*(const size_t *)right].along_mm;
    return (a > b) - (a < b);
}

int layout_make(struct dicom_object *o, struct error *e)
{
    const struct dicom_series *s = o->series;
    size_t const count = s->plane_count;
    o->place = NULL;
    o->plane = NULL;
    if (*s->refused)
        return fail(e, "%s", s->refused);
    if (count * s->rows * s->columns != grid_voxels(&o->findings->grid))
        return fail(e, "it has %zu slices of %zu x %zu pixels, the label map %lld x %lld x %lld voxels", count,
                    s->columns, s->rows, (long long)o->findings->grid.dim[2], (long long)o->findings->grid.dim[1],
                    (long long)o->findings->grid.dim[0]);
    struct dicom_place *place = xalloc(count, sizeof *place);
    size_t *plane = xalloc(count, sizeof *plane);
    o->place = place;
    o->plane = plane;
    for (size_t i = 0; i < count; i++) {
        plane[i] = i;
        if (place_plane(o, i, &place[i], e) < 0)
            return -1;
    }
    sorted_places = place;
    qsort(plane, count, sizeof *plane, by_place);
    for (size_t i = 1; i < count; i++)
        if (place[plane[i]].first == place[plane[i - 1]].first)
            return fail(e, "two of its slices lie at one place");
    o->slice_mm = (place[plane[count - 1]].along_mm - place[plane[0]].along_mm) / (double)(count - 1);
    return 0;
}

void layout_free(struct dicom_object *o)
{
    free((void *)(uintptr_t)o->place);
    free((void *)(uintptr_t)o->plane);
    o->place = NULL;
    o->plane = NULL;
}
