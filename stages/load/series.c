/* SPDX-License-Identifier: Apache-2.0 */
/* series -- the slices of a DICOM PET series as one volume.   scan -> [series] -> dicom
 *
 * Every slice has its own RescaleSlope; file names and instance numbers say nothing of the order, only
 * ImagePositionPatient along the slices' common normal does. */
#include "stages/load/load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double dot(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double *a, const double *b, double *to)
{
    to[0] = a[1] * b[2] - a[2] * b[1];
    to[1] = a[2] * b[0] - a[0] * b[2];
    to[2] = a[0] * b[1] - a[1] * b[0];
}

/* ---- order ---- */

struct placed_slice {
    double along_mm;
    struct dicom_image image;
    const char *path;
};

static int by_place(const void *left, const void *right)
{
    const struct placed_slice *a = left, *b = right;
    if (a->along_mm != b->along_mm)
        return a->along_mm < b->along_mm ? -1 : 1;
    return strcmp(a->path, b->path);
}

/* Sorts image and path together along the normal; along_mm[] gets the places. */
static void slices_sort(struct dicom_image *image, const char **path, size_t count, double *along_mm)
{
    struct placed_slice *s = xalloc(count, sizeof *s);
    double normal[3];
    cross(image[0].orientation, image[0].orientation + 3, normal);
    for (size_t i = 0; i < count; i++)
        s[i] = (struct placed_slice){dot(normal, image[i].position_mm), image[i], path[i]};
    qsort(s, count, sizeof *s, by_place);
    for (size_t i = 0; i < count; i++) {
        image[i] = s[i].image;
        path[i] = s[i].path;
        along_mm[i] = s[i].along_mm;
    }
    free(s);
}

/* ---- what must be there, and be the same in all ---- */

static int slice_check(const struct dicom_image *s, const char *path, struct error *e)
{
    for (size_t i = 0; i < 6; i++) {
        if (i < 3 && !isfinite(s->position_mm[i]))
            return fail(e, "cannot open '%s': (0020,0032) ImagePositionPatient is missing", path);
        if (!isfinite(s->orientation[i]))
            return fail(e, "cannot open '%s': (0020,0037) ImageOrientationPatient is missing", path);
    }
    if (!(s->pixel_spacing_mm[0] > 0 && s->pixel_spacing_mm[1] > 0))
        return fail(e, "cannot open '%s': (0028,0030) PixelSpacing is missing or not positive", path);
    if (!isfinite(s->slope) || !isfinite(s->intercept))
        return fail(e, "cannot open '%s': (0028,1053) RescaleSlope or (0028,1052) RescaleIntercept is missing", path);
    if (fabs(dot(s->orientation, s->orientation) - 1) > 1e-3 ||
        fabs(dot(s->orientation + 3, s->orientation + 3) - 1) > 1e-3 ||
        fabs(dot(s->orientation, s->orientation + 3)) > 1e-3)
        return fail(e, "cannot open '%s': (0020,0037) ImageOrientationPatient is no pair of perpendicular unit vectors",
                    path);
    return 0;
}

/* Kinds of PET image that are several slices in one file: known, and not read. */
static int kind_check(const struct dicom_image *s, const char *path, struct error *e)
{
    static const struct {
        const char *uid, *name;
    } kinds[] = {{"1.2.840.10008.5.1.4.1.1.130", "Enhanced PET Image Storage"},
                 {"1.2.840.10008.5.1.4.1.1.128.1", "Legacy Converted Enhanced PET Image Storage"}};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (strcmp(s->sop_class, kinds[i].uid) == 0)
            return fail(
                e, "cannot open '%s': (0008,0016) SOPClassUID is %s (%s): not read, split it into one file a slice",
                path, kinds[i].uid, kinds[i].name);
    return 0;
}

static int slices_alike(const struct dicom_image *a, const char *a_path, const struct dicom_image *b,
                        const char *b_path, struct error *e)
{
    const char *differs = NULL;
    for (size_t i = 0; i < 6; i++)
        if (fabs(a->orientation[i] - b->orientation[i]) > 1e-3)
            differs = "(0020,0037) ImageOrientationPatient";
    for (size_t i = 0; i < 2; i++)
        if (fabs(a->pixel_spacing_mm[i] - b->pixel_spacing_mm[i]) > 1e-3)
            differs = "(0028,0030) PixelSpacing";
    if (a->rows != b->rows || a->columns != b->columns)
        differs = "(0028,0010) Rows or (0028,0011) Columns";
    if (strcmp(a->units, b->units) != 0)
        differs = "(0054,1001) Units";
    if (strcmp(a->series_uid, b->series_uid) != 0)
        differs = "(0020,000E) SeriesInstanceUID";
    return differs ? fail(e, "cannot join '%s' and '%s': %s differs", a_path, b_path, differs) : 0;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* One gap between all neighbours, within a tenth: real scanners are off by some per cent where two beds meet. */
static int gaps_check(const double *along_mm, const char **path, size_t count, struct error *e)
{
    double *gap = xalloc(count - 1, sizeof *gap);
    for (size_t i = 0; i + 1 < count; i++)
        gap[i] = along_mm[i + 1] - along_mm[i];
    qsort(gap, count - 1, sizeof *gap, by_value);
    double usual = gap[(count - 1) / 2];
    free(gap);
    for (size_t i = 0; i + 1 < count; i++) {
        double here = along_mm[i + 1] - along_mm[i];
        if (here < 0.01)
            return fail(e,
                        "cannot order '%s' and '%s': both lie at the same place ((0020,0032) ImagePositionPatient): a "
                        "repeated slice, or a dynamic series",
                        path[i], path[i + 1]);
        if (here > 1.5 * usual)
            return fail(e,
                        "slices are missing between '%s' and '%s': %g mm apart, the others %g mm ((0020,0032) "
                        "ImagePositionPatient)",
                        path[i], path[i + 1], here, usual);
        if (fabs(here - usual) > 0.1 * usual)
            return fail(e, "slices are unevenly spaced: '%s' and '%s' are %g mm apart, the others %g mm", path[i],
                        path[i + 1], here, usual);
    }
    return 0;
}

/* DICOM: x = column, y = row, z = slice, in LPS; an affine speaks RAS, so its first two rows change sign. */
static void grid_lay(struct grid *g, const struct dicom_image *image, size_t count)
{
    const struct dicom_image *first = &image[0], *last = &image[count - 1];
    g->dim[0] = (int64_t)count;
    g->dim[1] = (int64_t)first->rows;
    g->dim[2] = (int64_t)first->columns;
    double step[3];
    for (size_t i = 0; i < 3; i++) {
        double sign = i < 2 ? -1 : 1;
        step[i] = (last->position_mm[i] - first->position_mm[i]) / (double)(count - 1);
        g->affine[i][0] = sign * first->orientation[i] * first->pixel_spacing_mm[1];
        g->affine[i][1] = sign * first->orientation[i + 3] * first->pixel_spacing_mm[0];
        g->affine[i][2] = sign * step[i];
        g->affine[i][3] = sign * first->position_mm[i];
    }
    g->spacing_mm[0] = sqrt(dot(step, step));
    g->spacing_mm[1] = first->pixel_spacing_mm[0];
    g->spacing_mm[2] = first->pixel_spacing_mm[1];
}

/* Slices stacked straight: the last lies over the first, to half a pixel (a tilted gantry shears them). */
static int stack_check(const struct dicom_image *image, const char **path, size_t count, struct error *e)
{
    const struct dicom_image *first = &image[0], *last = &image[count - 1];
    double way[3];
    for (size_t i = 0; i < 3; i++)
        way[i] = last->position_mm[i] - first->position_mm[i];
    if (fabs(dot(way, first->orientation)) > 0.5 * first->pixel_spacing_mm[1] ||
        fabs(dot(way, first->orientation + 3)) > 0.5 * first->pixel_spacing_mm[0])
        return fail(e, "slices are sheared: '%s' does not lie over '%s' ((0020,0032) ImagePositionPatient)",
                    path[count - 1], path[0]);
    return 0;
}

int series_arrange(struct dicom_image *image, const char **path, size_t count, struct grid *grid, struct error *e)
{
    if (count < 2)
        return fail(e, "cannot open '%s': one slice is no volume", count ? path[0] : "");
    for (size_t i = 0; i < count; i++) {
        if (slice_check(&image[i], path[i], e) < 0)
            return -1;
        if (i > 0 && slices_alike(&image[0], path[0], &image[i], path[i], e) < 0)
            return -1;
    }
    double *along_mm = xalloc(count, sizeof *along_mm);
    slices_sort(image, path, count, along_mm);
    int rc = gaps_check(along_mm, path, count, e);
    free(along_mm);
    if (rc == 0)
        rc = stack_check(image, path, count, e);
    if (rc == 0)
        grid_lay(grid, image, count);
    return rc;
}

/* ---- reading ---- */

int series_read(const struct names *slice, size_t max_bytes, struct series *s, struct scan_facts *f, char **patient,
                char **study, struct error *e)
{
    *s = (struct series){0};
    *patient = *study = NULL;
    struct dicom_image *image = xalloc(slice->count, sizeof *image);
    const char **path = xalloc(slice->count, sizeof *path);
    int rc = 0;
    /* headers first: nothing large is made for a series that will be refused */
    for (size_t i = 0; rc == 0 && i < slice->count; i++) {
        path[i] = slice->name[i];
        rc = dicom_read_image(path[i], &image[i], e);
        if (rc == 0)
            rc = kind_check(&image[i], path[i], e);
    }
    *patient = *image[0].patient_id ? xstrdup(image[0].patient_id) : NULL;
    *study = *image[0].study_uid ? xstrdup(image[0].study_uid) : NULL;
    if (rc == 0)
        rc = series_arrange(image, path, slice->count, &s->grid, e);
    if (rc == 0 && (series_facts(image, slice->count, f, e) < 0 || series_decay(image, slice->count, f, e) < 0))
        rc = fail_in(e, "cannot use '%s'", path[0]);
    size_t const plane = rc == 0 ? (size_t)(s->grid.dim[1] * s->grid.dim[2]) : 0;
    if (rc == 0 && plane > max_bytes / 2 / sizeof(float) / slice->count)
        rc = fail(e, "cannot open '%s': %zu slices of %lld x %lld voxels need more memory than --memory-limit gives",
                  path[0], slice->count, (long long)s->grid.dim[2], (long long)s->grid.dim[1]);
    if (rc == 0 && !(s->voxel = try_alloc(e, plane * slice->count, sizeof *s->voxel)))
        rc = fail_in(e, "cannot open '%s'", path[0]);
    for (size_t i = 0; rc == 0 && i < slice->count; i++)
        rc = dicom_read_voxels(path[i], &image[i], s->voxel + i * plane, e);
    if (rc == 0) {
        memcpy(s->series_uid, image[0].series_uid, sizeof s->series_uid);
        memcpy(s->frame_uid, image[0].frame_uid, sizeof s->frame_uid);
    } else {
        free(s->voxel);
        s->voxel = NULL;
    }
    for (size_t i = 0; i < slice->count; i++)
        dicom_image_free(&image[i]);
    free(path);
    free(image);
    return rc;
}
