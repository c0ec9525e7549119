/* SPDX-License-Identifier: Apache-2.0 */
/* image -- a volume in one file, or a header and its voxels, by its ending.   scan, mask -> [image] -> nifti, mha, nrrd */
#include "common/log.h"
#include "stages/load/load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *ending;
    int (*read)(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e);
} formats[] = {{".nii.gz", nifti_read_files}, {".nii", nifti_read_files}, {".hdr", nifti_read_files},
               {".hdr.gz", nifti_read_files}, {".mha", mha_read},         {".mhd", mha_read},
               {".nrrd", nrrd_read},          {".nhdr", nrrd_read}};

const char *image_ending(size_t which)
{
    return which < COUNT_OF(formats) ? formats[which].ending : NULL;
}

/* By its ending, in any case. */
static size_t format_of(const char *name)
{
    size_t const length = strlen(name);
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        size_t const tail = strlen(formats[i].ending);
        if (length >= tail && strcasecmp(name + length - tail, formats[i].ending) == 0)
            return i;
    }
    return COUNT_OF(formats);
}

size_t image_stem(const char *name)
{
    size_t const length = strlen(name);
    size_t const i = format_of(name);
    return i < COUNT_OF(formats) ? length - strlen(formats[i].ending) : 0;
}

/* ---- voxels that are no numbers ---- */

enum { NUMBER, LOST, OUTSIDE };

static void nan_reach(const struct grid *g, uint8_t *state, size_t i, int64_t z, int64_t y, int64_t x, bool *more)
{
    size_t const row = (size_t)g->dim[2], plane = (size_t)g->dim[1] * row;
    bool const out = z == 0 || y == 0 || x == 0 || z == g->dim[0] - 1 || y == g->dim[1] - 1 || x == g->dim[2] - 1 ||
                     state[i - 1] == OUTSIDE || state[i + 1] == OUTSIDE || state[i - row] == OUTSIDE ||
                     state[i + row] == OUTSIDE || state[i - plane] == OUTSIDE || state[i + plane] == OUTSIDE;
    if (out) {
        state[i] = OUTSIDE;
        *more = true;
    }
}

/* The first that no way through others of its kind leads out of; count: from each one does. */
static size_t nan_inside(const struct nifti *image, uint8_t *state)
{
    const struct grid *g = &image->grid;
    size_t const count = grid_voxels(g);
    for (size_t i = 0; i < count; i++)
        state[i] = (uint8_t)(isnan(image->voxel[i]) ? LOST : NUMBER);
    for (bool more = true; more;) { /* there and back: few rounds, whatever the outside looks like */
        more = false;
        size_t i = 0;
        for (int64_t z = 0; z < g->dim[0]; z++)
            for (int64_t y = 0; y < g->dim[1]; y++)
                for (int64_t x = 0; x < g->dim[2]; x++, i++)
                    if (state[i] == LOST)
                        nan_reach(g, state, i, z, y, x, &more);
        for (int64_t z = g->dim[0]; z-- > 0;)
            for (int64_t y = g->dim[1]; y-- > 0;)
                for (int64_t x = g->dim[2]; x-- > 0;)
                    if (state[--i] == LOST)
                        nan_reach(g, state, i, z, y, x, &more);
    }
    size_t first = 0;
    while (first < count && state[first] != LOST)
        first++;
    return first;
}

int image_air(struct nifti *image, const char *path, float air, struct error *e)
{
    size_t const count = grid_voxels(&image->grid);
    if (!image->nan)
        return 0;
    if (image->nan == count)
        return fail(e, "cannot use '%s': none of its voxels is a number (all are NaN)", path);
    uint8_t *state = try_alloc(e, count, 1);
    if (!state)
        return fail_in(e, "cannot open '%s'", path);
    size_t const lost = nan_inside(image, state);
    free(state);
    if (lost < count)
        return fail(
            e,
            "cannot use '%s': voxel number %zu is no number (NaN) and lies amid others, not in the background: mend "
            "it where it was made",
            path, lost);
    for (size_t i = 0; i < count; i++)
        if (isnan(image->voxel[i]))
            image->voxel[i] = air;
    log_warn("'%s': %zu of %zu voxels are no numbers (NaN), all in the background: taken as air", path, image->nan,
             count);
    return 0;
}

int image_read(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e)
{
    char *other = NULL;
    *image = (struct nifti){0};
    int rc = -1;
    size_t const i = format_of(path);
    if (i < COUNT_OF(formats))
        rc = formats[i].read(path, max_bytes, image, &other, e);
    else
        fail(e, "cannot open '%s': its ending is none of .nii .nii.gz .hdr .mha .mhd .nrrd .nhdr", path);
    if (data_file && rc == 0)
        *data_file = other;
    else
        free(other);
    return rc;
}
