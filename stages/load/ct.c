/* SPDX-License-Identifier: Apache-2.0 */
/* ct -- the CT of the same study, on its scan's grid in whole Hounsfield units.   find_ct, scan -> [ct] -> image, series, dicom
 *
 * It is put on the scan's grid here, where its own is known, so that one grid travels with a scan: a CT has four to twelve
 * times the voxels. HU are whole numbers in every file a scanner writes; sixteen bits hold the extended scale, too. */
#include "stages/load/load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A CT as it was read: its own grid and order. */
struct own_ct {
    struct grid grid;
    int16_t *hu;     /* owned */
    char *data_file; /* the image's second file; owned */
};

static int16_t whole_hu(double value)
{
    return (int16_t)lrint(fmin(fmax(value, INT16_MIN), INT16_MAX));
}

static int image_hu(const char *path, size_t max_bytes, const struct grid *file, bool placed, struct own_ct *ct,
                    struct error *e)
{
    struct nifti image;
    if (image_read(path, max_bytes, &image, &ct->data_file, e) < 0)
        return -1;
    size_t const count = grid_voxels(&image.grid);
    int rc = image_air(&image, path, CT_OUTSIDE_HU, e);
    ct->grid = image.grid;
    if (rc == 0 && (!placed || !image.placed)) { /* taken to be stored as the scan's file is */
        if (!grid_same_shape(&image.grid, file))
            rc = fail(
                e, "'%s' or its scan does not say where it lies, and they have %lld x %lld x %lld and %lld x %lld x %lld voxels",
                path, (long long)image.grid.dim[2], (long long)image.grid.dim[1], (long long)image.grid.dim[0],
                (long long)file->dim[2], (long long)file->dim[1], (long long)file->dim[0]);
        ct->grid = *file;
    }
    if (rc == 0 && !(ct->hu = try_alloc(e, count, sizeof *ct->hu)))
        rc = fail_in(e, "cannot open '%s'", path);
    for (size_t i = 0; rc == 0 && i < count; i++)
        ct->hu[i] = whole_hu((double)image.voxel[i]);
    free(image.voxel);
    return rc;
}

/* voxel: room for the slice. */
static int slice_hu(const char *path, const struct dicom_image *image, float *voxel, size_t plane, int16_t *hu,
                    struct error *e)
{
    if (dicom_read_voxels(path, image, voxel, e) < 0)
        return -1;
    for (size_t i = 0; i < plane; i++)
        hu[i] = whole_hu((double)voxel[i]);
    return 0;
}

static int series_hu(const struct names *slice, size_t max_bytes, struct own_ct *ct, struct error *e)
{
    struct dicom_image *image = xalloc(slice->count, sizeof *image);
    const char **path = xalloc(slice->count, sizeof *path);
    size_t count = slice->count;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        path[i] = slice->name[i];
        rc = dicom_read_image(path[i], &image[i], e);
        if (rc == 0 && image[i].frames > 1)
            rc = fail(
                e, "cannot open '%s': (0028,0008) NumberOfFrames is %g: multi-frame CT is not read, split it into one file a slice",
                path[i], image[i].frames);
    }
    if (rc == 0)
        rc = series_arrange(image, path, &count, &ct->grid, e);
    size_t const plane = rc == 0 ? (size_t)(ct->grid.dim[1] * ct->grid.dim[2]) : 0;
    if (rc == 0 && plane > max_bytes / sizeof *ct->hu / count)
        rc = fail(e, "cannot open '%s': %zu slices of %lld x %lld voxels need more memory than --memory-limit gives",
                  path[0], count, (long long)ct->grid.dim[2], (long long)ct->grid.dim[1]);
    float *voxel = rc == 0 ? try_alloc(e, plane, sizeof *voxel) : NULL;
    if (rc == 0 && !(voxel && (ct->hu = try_alloc(e, plane * count, sizeof *ct->hu))))
        rc = fail_in(e, "cannot open '%s'", path[0]);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = slice_hu(path[i], &image[i], voxel, plane, ct->hu + i * plane, e);
    for (size_t i = 0; i < count; i++)
        dicom_image_free(&image[i]);
    free(voxel);
    free(path);
    free(image);
    return rc;
}

int ct_read(const struct source *from, size_t max_bytes, const struct grid *file, bool placed, struct volume *v,
            struct scan_facts *f, struct error *e)
{
    struct own_ct ct = {0};
    if (*from->ct_refused.text)
        return fail(e, "cannot use '%s' with its CT (channels = pet,ct): %s", from->path, from->ct_refused.text);
    if (!from->ct)
        return fail(e,
                    "'%s' has no CT that is known (channels = pet,ct): lay CTres or CT beside it, or the CT series of "
                    "its study in "
                    "the same folder, name it with --ct or in the list's column ct, or set channels = pet",
                    from->path);
    bool series = from->ct_slice.count > 0;
    int rc =
        series ? series_hu(&from->ct_slice, max_bytes, &ct, e) : image_hu(from->ct, max_bytes, file, placed, &ct, e);
    if (rc == 0 && !(v->ct = try_alloc(e, grid_voxels(&v->grid), sizeof *v->ct)))
        rc = -1;
    if (rc == 0) {
        int64_t seen = volume_regrid(&ct.grid, ct.hu, &v->grid, CT_OUTSIDE_HU, v->ct, e);
        rc = seen < 0 ? -1 : seen > 0 ? 0 : fail(e, "it lies nowhere on its scan");
    }
    free(ct.hu);
    if (rc == 0) {
        const char *pair[] = {from->ct, ct.data_file};
        rc = series ? files_sha256((const char *const *)from->ct_slice.name, from->ct_slice.count, f->ct_sha256, e)
                    : files_sha256(pair, ct.data_file ? 2 : 1, f->ct_sha256, e);
    }
    free(ct.data_file);
    return rc < 0 ? fail_in(e, "cannot use the CT '%s'", from->ct) : 0;
}
