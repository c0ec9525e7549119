/* SPDX-License-Identifier: Apache-2.0 */
/* completeness -- no slice of a series is missing, and none counts twice.   series -> [completeness]
 *
 *     twice      one SOPInstanceUID at one place: the same file by two roads, or a copy of it. Where both hold the same values one is
 *                enough; where they do not, neither can be believed
 *     missing    in the middle, by its gap (series.c); at an end, by (0054,0081) NumberOfSlices, or where that is not said by
 *                (0054,1330) ImageIndex, which counts the slices of a volume from 1
 *     in doubt   a file beside its slices could not be read: whether it is one of them only the numbers can say
 * A scanner that writes the number of one bed's slices has more than it says: that is not held against it, and proves nothing. */
#include "common/log.h"
#include "stages/load/load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- twice ---- */

static int voxels_of(const char *path, const struct dicom_image *image, size_t count, float **voxel, struct error *e)
{
    *voxel = try_alloc(e, count, sizeof **voxel);
    return *voxel ? dicom_read_voxels(path, image, *voxel, e) : fail_in(e, "cannot open '%s'", path);
}

/* Attributes that a series shares have been compared; these are a slice's own. */
static int same_values(const struct dicom_image *a, const char *a_path, const struct dicom_image *b, const char *b_path,
                       struct error *e)
{
    if (!(a->rows * a->columns < 1e9))
        return fail(e, "cannot open '%s': (0028,0010) Rows or (0028,0011) Columns is missing", a_path);
    size_t const count = (size_t)a->rows * (size_t)a->columns;
    float *here = NULL, *there = NULL;
    int rc = voxels_of(a_path, a, count, &here, e);
    if (rc == 0)
        rc = voxels_of(b_path, b, count, &there, e);
    if (rc == 0 && (memcmp(here, there, count * sizeof *here) != 0 ||
                    memcmp(a->position_mm, b->position_mm, sizeof a->position_mm) != 0 ||
                    strcmp(a->acquisition_time, b->acquisition_time) != 0))
        rc = fail(e,
                  "cannot order '%s' and '%s': both lie at the same place and are the same (0008,0018) SOPInstanceUID, "
                  "but do not hold the same: which is right is not ours to say",
                  a_path, b_path);
    free(there);
    free(here);
    return rc;
}

int series_unrepeat(struct dicom_image *image, const char **path, double *along_mm, size_t *count, struct error *e)
{
    size_t kept = 1, dropped = 0;
    int rc = 0;
    for (size_t i = 1; i < *count; i++) {
        struct dicom_image *last = &image[kept - 1];
        if (rc == 0 && *image[i].sop_instance && along_mm[i] - along_mm[kept - 1] < 0.01 &&
            last->frame == image[i].frame && strcmp(last->sop_instance, image[i].sop_instance) == 0) {
            rc = same_values(last, path[kept - 1], &image[i], path[i], e);
            if (rc == 0) {
                dicom_image_free(&image[i]);
                dropped++;
                continue;
            }
        }
        image[kept] = image[i];
        path[kept] = path[i];
        along_mm[kept++] = along_mm[i];
    }
    if (rc == 0 && dropped)
        log_note("'%s' and others: %zu images are there twice ((0008,0018) SOPInstanceUID): each is read once", path[0],
                 dropped);
    *count = kept;
    return rc;
}

/* ---- missing ---- */

/* Lowest and highest number, where every slice has one of its own. */
static bool indices(const struct dicom_image *image, size_t count, double *low, double *high)
{
    *low = HUGE_VAL;
    *high = -HUGE_VAL;
    double const way = image[count - 1].image_index - image[0].image_index;
    for (size_t i = 0; i < count; i++) {
        double const at = image[i].image_index;
        if (!isfinite(at) || (i > 0 && !((at - image[i - 1].image_index) * way > 0)))
            return false;
        *low = fmin(*low, at);
        *high = fmax(*high, at);
    }
    return true;
}

int series_parts(const struct dicom_image *image, const char *const *path, size_t count, struct error *e)
{
    for (double part = 1; part <= image[0].parts && part <= 10000; part++) {
        size_t i = 0;
        while (i < count && !(fabs(image[i].part - part) < 0.5))
            i++;
        if (i == count)
            return fail(e,
                        "slices are missing: '%s' and others are parts of a concatenation of %g files ((0020,9163) "
                        "InConcatenationTotalNumber), and part %g is not there",
                        path[0], image[0].parts, part);
    }
    return 0;
}

int series_complete(const struct dicom_image *image, const char *const *path, size_t count, const char *doubt,
                    struct error *e)
{
    double const said = image[0].slices_said, there = (double)count;
    double low, high;
    if (said > there)
        return fail(e,
                    "slices are missing: (0054,0081) NumberOfSlices is %g, and %zu are there, from '%s' to '%s', none "
                    "of them missing between",
                    said, count, path[0], path[count - 1]);
    if (!(said > 0) && indices(image, count, &low, &high) && (high > there || low > 1))
        return fail(
            e,
            "slices are missing: (0054,1330) ImageIndex goes from %g to %g, and %zu slices are there, from '%s' "
            "to '%s'",
            low, high, count, path[0], path[count - 1]);
    if (doubt && !(said == there))
        return fail(
            e, "slices may be missing, of '%s' and others: %s; no (0054,0081) NumberOfSlices says that they are all",
            path[0], doubt);
    return 0;
}
