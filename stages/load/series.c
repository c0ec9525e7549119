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

/* ---- what must be there ---- */

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

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Two images at one place, and what that may mean. */
static int repeated(const struct dicom_image *a, const char *a_path, const struct dicom_image *b, const char *b_path,
                    struct error *e)
{
    bool const times = strcmp(a->acquisition_time, b->acquisition_time) != 0 ||
                       fabs(a->frame_reference_ms - b->frame_reference_ms) > 0.5;
    bool const dynamic = strncmp(a->series_type, "DYNAMIC", 7) == 0, gated = strncmp(a->series_type, "GATED", 5) == 0;
    return fail(e, "cannot order '%s' and '%s': both lie at the same place ((0020,0032) ImagePositionPatient): %s",
                a_path, b_path,
                dynamic ? "a dynamic series ((0054,1000) SeriesType): give one time alone"
                : gated ? "a gated series ((0054,1000) SeriesType): give one gate alone"
                : times ? "a dynamic series: their (0008,0032) AcquisitionTime or (0054,1300) FrameReferenceTime differ"
                        : "a repeated slice, or a dynamic series");
}

/* One gap between all neighbours, within a tenth: real scanners are off by some per cent where two beds meet. */
static int gaps_check(const struct dicom_image *image, const double *along_mm, const char **path, size_t count,
                      struct error *e)
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
            return repeated(&image[i], path[i], &image[i + 1], path[i + 1], e);
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

/* How far a slice lies off the place straight over the first one where `way` leads, along its rows and down its columns. */
static bool lies_off(const struct dicom_image *first, const double way[3], double share)
{
    return fabs(dot(way, first->orientation)) > share * first->pixel_spacing_mm[1] ||
           fabs(dot(way, first->orientation + 3)) > share * first->pixel_spacing_mm[0];
}

/* Slices stacked straight: the last lies over the first, to half a pixel (a tilted gantry shears them), and those between on the line
 * from one to the other, to a quarter. */
static int stack_check(const struct dicom_image *image, const char **path, size_t count, struct error *e)
{
    const struct dicom_image *first = &image[0], *last = &image[count - 1];
    double way[3], off[3];
    for (size_t k = 0; k < 3; k++)
        way[k] = last->position_mm[k] - first->position_mm[k];
    if (lies_off(first, way, 0.5))
        return fail(e, "slices are sheared: '%s' does not lie over '%s' ((0020,0032) ImagePositionPatient)",
                    path[count - 1], path[0]);
    for (size_t i = 1; i + 1 < count; i++) {
        for (size_t k = 0; k < 3; k++)
            off[k] = image[i].position_mm[k] - first->position_mm[k] - way[k] * (double)i / (double)(count - 1);
        if (lies_off(first, off, 0.25))
            return fail(
                e,
                "slices do not lie over each other: '%s' is %g mm along its rows and %g mm down its columns off the "
                "line from '%s' to '%s' ((0020,0032) ImagePositionPatient)",
                path[i], dot(off, first->orientation), dot(off, first->orientation + 3), path[0], path[count - 1]);
    }
    return 0;
}

int series_arrange(struct dicom_image *image, const char **path, size_t *count, struct grid *grid, struct error *e)
{
    if (*count < 2)
        return fail(e, "cannot open '%s': one slice is no volume", *count ? path[0] : "");
    for (size_t i = 0; i < *count; i++)
        if (slice_check(&image[i], path[i], e) < 0)
            return -1;
    if (series_agree(image, path, *count, e) < 0)
        return -1;
    double *along_mm = xalloc(*count, sizeof *along_mm);
    slices_sort(image, path, *count, along_mm);
    int rc = series_unrepeat(image, path, along_mm, count, e);
    if (rc == 0 && *count < 2)
        rc = fail(e, "cannot open '%s': one slice is no volume", path[0]);
    if (rc == 0)
        rc = gaps_check(image, along_mm, path, *count, e);
    free(along_mm);
    if (rc == 0)
        rc = stack_check(image, path, *count, e);
    if (rc == 0)
        grid_lay(grid, image, *count);
    return rc;
}

/* ---- reading ---- */

/* The headers of all files, a file of several frames giving several: nothing large is made for a series that will be refused. */
struct headers {
    struct dicom_image *image;
    const char **path; /* the file's; of a frame, "x.dcm, frame 7" */
    size_t count, room;
    struct names frame; /* those words */
};

static void headers_add(struct headers *h, const struct dicom_image *image, const char *path)
{
    if (h->count == h->room) {
        h->room *= 2;
        h->image = xresize(h->image, h->room, sizeof *h->image);
        h->path = xresize(h->path, h->room, sizeof *h->path);
        h->frame.name = xresize(h->frame.name, h->room, sizeof *h->frame.name);
    }
    h->image[h->count] = *image;
    h->path[h->count++] =
        image->frame ? h->frame.name[h->frame.count++] = xprintf("%s, frame %zu", path, image->frame) : path;
}

static int headers_read(const struct names *file, struct headers *h, struct error *e)
{
    h->room = file->count + 1;
    h->image = xalloc(h->room, sizeof *h->image);
    h->path = xalloc(h->room, sizeof *h->path);
    h->frame.name = xalloc(h->room, sizeof *h->frame.name);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < file->count; i++) {
        struct dicom_image *image;
        size_t count;
        rc = dicom_read_images(file->name[i], &image, &count, e);
        for (size_t k = 0; k < count; k++)
            headers_add(h, &image[k], file->name[i]);
        for (size_t k = h->count - count; rc == 0 && k < h->count; k++)
            rc = series_kind(&h->image[k], h->path[k], e);
        free(image);
    }
    return rc;
}

static void headers_free(struct headers *h)
{
    for (size_t i = 0; i < h->count; i++)
        dicom_image_free(&h->image[i]);
    names_free(&h->frame);
    free(h->path);
    free(h->image);
}

int series_read(const struct names *slice, const char *doubt, size_t max_bytes, struct series *s, struct scan_facts *f,
                char **patient, char **study, struct error *e)
{
    struct headers h = {0};
    *s = (struct series){0};
    *patient = *study = NULL;
    int rc = headers_read(slice, &h, e);
    if (h.count) {
        *patient = *h.image[0].patient_id ? xstrdup(h.image[0].patient_id) : NULL;
        *study = *h.image[0].study_uid ? xstrdup(h.image[0].study_uid) : NULL;
    }
    if (rc == 0)
        rc = series_parts(h.image, h.path, h.count, e);
    if (rc == 0)
        rc = series_arrange(h.image, h.path, &h.count, &s->grid, e);
    if (rc == 0)
        rc = series_complete(h.image, h.path, h.count, doubt, e);
    if (rc == 0 && (series_facts(h.image, h.count, f, e) < 0 || series_decay(h.image, h.count, f, e) < 0))
        rc = fail_in(e, "cannot use '%s'", h.path[0]);
    size_t const plane = rc == 0 ? (size_t)(s->grid.dim[1] * s->grid.dim[2]) : 0;
    if (rc == 0 && plane > max_bytes / 2 / sizeof(float) / h.count)
        rc = fail(e, "cannot open '%s': %zu slices of %lld x %lld voxels need more memory than --memory-limit gives",
                  h.path[0], h.count, (long long)s->grid.dim[2], (long long)s->grid.dim[1]);
    if (rc == 0 && !(s->voxel = try_alloc(e, plane * h.count, sizeof *s->voxel)))
        rc = fail_in(e, "cannot open '%s'", h.path[0]);
    for (size_t i = 0; rc == 0 && i < h.count; i++)
        rc = dicom_read_voxels(h.path[i], &h.image[i], s->voxel + i * plane, e);
    if (rc == 0) {
        memcpy(s->series_uid, h.image[0].series_uid, sizeof s->series_uid);
        memcpy(s->frame_uid, h.image[0].frame_uid, sizeof s->frame_uid);
    } else {
        free(s->voxel);
        s->voxel = NULL;
    }
    headers_free(&h);
    return rc;
}
