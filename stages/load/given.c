/* SPDX-License-Identifier: Apache-2.0 */
/* given -- regions that somebody drew, from an image, an RTSTRUCT or a SEG, on the grid they were drawn on.   scan -> [given] -> image, truth */
#include "common/given.h"
#include "common/log.h"
#include "stages/load/hide.h"
#include "stages/load/load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int whole_check(const float *v, size_t count, uint32_t *to, struct error *e)
{
    bool some = false, inside = false;
    for (size_t i = 0; i < count; i++) {
        if (!(v[i] >= 0 && v[i] <= UINT16_MAX))
            return fail(e, "it holds the value %g, and regions are whole numbers from 0 to %d", (double)v[i],
                        UINT16_MAX);
        to[i] = (uint32_t)(v[i] + 0.5F);
        if (fabsf(v[i] - (float)to[i]) > 1e-3F)
            return fail(e, "it holds the value %g: a map of regions has whole numbers (probabilities are none)",
                        (double)v[i]);
        some |= v[i] > 0;
        inside |= to[i] > 0;
    }
    return some && !inside ? fail(e, "its values are not all 0, and none is 1 or more") : 0;
}

/* An image of labels; one that does not say where it lies is taken to be stored as the scan's file is. */
static int image_given(const char *path, size_t max_bytes, const struct grid *file, bool placed, struct given *g,
                       struct error *e)
{
    struct nifti image;
    if (image_read(path, max_bytes, &image, NULL, e) < 0)
        return -1;
    int rc = image_air(&image, path, 0, e);
    if (rc == 0 && !(placed && image.placed)) {
        if (!grid_same_shape(&image.grid, file))
            rc = fail(
                e,
                "it has %lld x %lld x %lld voxels, its scan %lld x %lld x %lld, and one of them does not say where "
                "it lies",
                (long long)image.grid.dim[2], (long long)image.grid.dim[1], (long long)image.grid.dim[0],
                (long long)file->dim[2], (long long)file->dim[1], (long long)file->dim[0]);
        image.grid = *file;
    }
    size_t const count = grid_voxels(&image.grid);
    void *label = rc == 0 ? try_alloc(e, count, sizeof(uint32_t)) : NULL;
    if (rc == 0)
        rc = label ? whole_check(image.voxel, count, label, e) : -1;
    free(image.voxel);
    if (rc == 0) {
        g->grid = image.grid;
        volume_turn_lps(&g->grid, &g->turned, &label, sizeof(uint32_t));
        labels_encode(label, count, &g->runs);
        format_into(g->format, sizeof g->format, "image");
    }
    free(label);
    return rc;
}

/* Structures of a DICOM file, each a label: a segment's number, or where a ROI stands in the file. */
static int structures_given(const char *path, const struct load_options *o, const struct series *s, struct given *g,
                            struct error *e)
{
    struct dicom_probe probe;
    struct series on = *s; /* but for the grid, should they have been drawn on another */
    uint8_t *mask;
    uint16_t *label;
    char *one = (char *)(uintptr_t)path; /* read only */
    const struct names file = {.name = &one, .count = 1};
    bool const known = dicom_probe(path, &probe, e) == 0, seg = known && strcmp(probe.modality, "SEG") == 0;
    struct grid own;
    int const other = !known ? 0 : seg ? seg_own_grid(path, s, &own, e) : rtstruct_own_grid(path, s, &own, e);
    if (other < 0)
        return -1;
    if (other > 0) {
        on.grid = own;
        log_note("'%s' was not drawn on the series' slices: each voxel of the scan takes the nearest of its own grid",
                 path);
    }
    if (truth_read_labels(&file, o, &on, &mask, &label, e) < 0)
        return -1;
    free(mask);
    g->grid = on.grid;
    size_t const count = grid_voxels(&g->grid);
    void *wide = xalloc(count, sizeof(uint32_t));
    for (size_t i = 0; i < count; i++)
        ((uint32_t *)wide)[i] = label[i];
    free(label);
    volume_turn_lps(&g->grid, &g->turned, &wide, sizeof(uint32_t));
    labels_encode(wide, count, &g->runs);
    free(wide);
    format_into(g->format, sizeof g->format, seg ? "seg" : "rtstruct");
    return 0;
}

int given_read(const char *path, const struct load_options *o, const struct grid *file, bool placed,
               const struct series *series, struct given **given, struct error *e)
{
    struct given *g = *given = xalloc(1, sizeof *g);
    char *name = o->keep_identifiers ? xstrdup(path) : hide_path(o->salt, path_base(path)); /* it travels on */
    format_into(g->path, sizeof g->path, "%.511s", name);
    free(name);
    int rc = image_stem(path_base(path)) ? image_given(path, o->memory_limit / 4, file, placed, g, e)
             : series                    ? structures_given(path, o, series, g, e)
                      : fail(e, "an RTSTRUCT or SEG goes with a DICOM series, and the scan is an image");
    if (rc == 0)
        rc = file_sha256(path, g->sha256, e);
    return rc < 0 ? fail_in(e, "cannot use regions '%s'", path) : 0;
}
