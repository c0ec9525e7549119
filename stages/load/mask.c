/* SPDX-License-Identifier: Apache-2.0 */
/* mask -- truth, and organs, from an image on its scan's grid.   scan -> [mask] -> image */
#include "common/log.h"
#include "stages/load/load.h"
#include <math.h>
#include <stdlib.h>

/* What is read, as sentences call it, and how its values become bytes; -1: one cannot. */
struct kind {
    const char *name;
    int (*bytes)(const char *path, const float *from, size_t count, uint8_t *to, struct error *e);
};

/* Inside is what is above one half. A mask that is not empty and yet has nothing inside (probabilities, other scales) is no truth; one of
 * several values may be of several things, and it is said that all of them are taken. */
static int bytes_mask(const char *path, const float *from, size_t count, uint8_t *to, struct error *e)
{
    float value = 0, other = 0;
    bool inside = false, some = false;
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i] > 0.5F;
        some |= from[i] < 0 || from[i] > 0;
        if (!to[i])
            continue;
        if (!inside)
            value = from[i];
        else if (from[i] < value || from[i] > value)
            other = from[i];
        inside = true;
    }
    if (some && !inside)
        return fail(e, "its values are not all 0, and none is above 0.5: no voxel is inside");
    if (other > 0)
        log_warn("'%s' holds several values, such as %g and %g: all above 0.5 are taken for truth", path, (double)value,
                 (double)other);
    return 0;
}

static int bytes_organs(const char *path, const float *from, size_t count, uint8_t *to, struct error *e)
{
    (void)path;
    for (size_t i = 0; i < count; i++) {
        if (!(from[i] >= 0 && from[i] <= UINT8_MAX && from[i] == floorf(from[i])))
            return fail(e, "it holds the value %g, and organs are whole numbers from 0 to %d", (double)from[i],
                        UINT8_MAX);
        to[i] = (uint8_t)from[i];
    }
    return 0;
}

static int shape_check(const char *what, const char *path, const struct grid *mask, const struct grid *scan,
                       struct error *e)
{
    if (grid_same_shape(mask, scan))
        return 0;
    return fail(e,
                "cannot use %s '%s': it has %lld x %lld x %lld voxels, its scan %lld x %lld x %lld: draw it on the "
                "scan's own grid",
                what, path, (long long)mask->dim[2], (long long)mask->dim[1], (long long)mask->dim[0],
                (long long)scan->dim[2], (long long)scan->dim[1], (long long)scan->dim[0]);
}

static int on_grid_read(const struct kind *kind, const char *path, size_t max_bytes, const struct grid *file,
                        bool placed, const struct grid *lps, uint8_t **mask, struct error *e)
{
    struct nifti image;
    *mask = NULL;
    if (image_read(path, max_bytes, &image, NULL, e) < 0)
        return -1;
    bool compare = placed && image.placed;
    int rc = image_air(&image, path, 0, e);
    if (rc == 0 && !compare) {
        rc = shape_check(kind->name, path, &image.grid, file, e);
        image.grid = *file;
    }
    size_t const count = grid_voxels(&image.grid);
    void *inside = rc == 0 ? try_alloc(e, count, 1) : NULL;
    if (rc == 0 && !inside)
        rc = fail_in(e, "cannot open '%s'", path);
    if (rc == 0 && kind->bytes(path, image.voxel, count, inside, e) < 0)
        rc = fail_in(e, "cannot use %s '%s'", kind->name, path);
    if (rc == 0) {
        struct turn turned;
        volume_turn_lps(&image.grid, &turned, &inside, 1);
        rc = shape_check(kind->name, path, &image.grid, lps, e);
    }
    if (rc == 0 && compare && grid_corners_apart(&image.grid, lps) > 0.5)
        rc = fail(e, "cannot use %s '%s': its corners lie %.1f voxels from its scan's: draw it on the scan's own grid",
                  kind->name, path, grid_corners_apart(&image.grid, lps));
    free(image.voxel);
    if (rc < 0)
        free(inside);
    else
        *mask = inside;
    return rc;
}

int mask_read(const char *path, size_t max_bytes, const struct grid *file, bool placed, const struct grid *lps,
              uint8_t **mask, struct error *e)
{
    static const struct kind truth = {"mask", bytes_mask};
    return on_grid_read(&truth, path, max_bytes, file, placed, lps, mask, e);
}

int organs_read(const char *path, size_t max_bytes, const struct grid *file, bool placed, const struct grid *lps,
                uint8_t **organs, struct error *e)
{
    static const struct kind map = {"organ map", bytes_organs};
    return on_grid_read(&map, path, max_bytes, file, placed, lps, organs, e);
}
