/* SPDX-License-Identifier: Apache-2.0 */
/* kept -- what stays and what goes of regions that somebody drew, as petrel-classify wrote it.   classify ═> [kept] -> dicom_kept */
#include "stages/export/kept.h"
#include "common/file.h"
#include "common/nifti.h"
#include <stdlib.h>
#include <string.h>

static int map_read(const char *dir, const char *name, struct grid *grid, uint16_t **number, struct error *e)
{
    struct nifti image;
    char *path = path_join(dir, name);
    int rc = nifti_read(path, SIZE_MAX / 4, &image, e);
    free(path);
    if (rc < 0)
        return -1;
    size_t const voxels = grid_voxels(&image.grid);
    *grid = image.grid;
    *number = try_alloc(e, voxels, sizeof **number);
    for (size_t i = 0; *number && i < voxels; i++)
        (*number)[i] = (uint16_t)(image.voxel[i] + 0.5F);
    free(image.voxel);
    return *number ? 0 : -1;
}

int kept_map_read(const char *dir, struct kept_map *m, struct error *e)
{
    struct grid other;
    char hex[2][65];
    *m = (struct kept_map){0};
    if (map_read(dir, "kept.nii.gz", &m->grid, &m->stays, e) < 0 ||
        map_read(dir, "taken_out.nii.gz", &other, &m->goes, e) < 0) {
        kept_map_free(m);
        return fail_in(e, "'%s' does not say what is kept (petrel-classify --keep tumour)", dir);
    }
    if (!grid_same_shape(&m->grid, &other)) {
        kept_map_free(m);
        return fail(e, "'%s/kept.nii.gz' and '%s/taken_out.nii.gz' are of two readings", dir, dir);
    }
    bytes_sha256(m->stays, grid_voxels(&m->grid) * sizeof *m->stays, hex[0]);
    bytes_sha256(m->goes, grid_voxels(&m->grid) * sizeof *m->goes, hex[1]);
    char *both = xprintf("%s%s", hex[0], hex[1]);
    bytes_sha256(both, strlen(both), m->sha256);
    free(both);
    return 0;
}

void kept_map_free(struct kept_map *m)
{
    free(m->stays);
    free(m->goes);
    *m = (struct kept_map){0};
}
