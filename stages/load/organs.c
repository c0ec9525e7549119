/* SPDX-License-Identifier: Apache-2.0 */
/* organs -- organ maps in our own numbers, and those of others by the names of their classes.   scan -> [organs] -> mask, image
 *
 * A file of our own numbers must lie on the scan's grid. Others' maps lie on the CT's: each voxel of the scan takes the label of the nearest
 * voxel. A folder holds a file a class ("liver.nii.gz", as TotalSegmentator writes them) or several of MOOSE's maps; where two of
 * them claim a voxel the first by name has it. */
#include "common/log.h"
#include "proto/organ.h"
#include "stages/load/load.h"
#include <stdlib.h>
#include <string.h>

static const struct label {
    const char *of, *in_name;
    int value;
    const char *name;
    uint8_t organ;
} labels[] = {
#define ORGANS(of, in_name, value, name, organ) {of, in_name, value, name, organ},
#include "stages/load/organs.def"
};

/* A file's voxels, on the scan's grid by their nearest; what is no whole number from 0 to 255 is refused. */
static int nearest_read(const char *path, size_t max_bytes, const struct grid *lps, uint8_t *to, struct error *e)
{
    struct nifti image;
    struct turn turned;
    if (image_read(path, max_bytes, &image, NULL, e) < 0)
        return -1;
    size_t const count = grid_voxels(&image.grid);
    void *value = try_alloc(e, count, 1);
    int rc = value && image_air(&image, path, 0, e) == 0 ? 0 : -1;
    if (rc == 0 && !image.placed)
        rc = fail(e, "its header does not say where it lies");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (!(image.voxel[i] >= 0 && image.voxel[i] <= UINT8_MAX && (float)(uint8_t)image.voxel[i] >= image.voxel[i]))
            rc = fail(e, "it holds the value %g, and labels are whole numbers from 0 to %d", (double)image.voxel[i],
                      UINT8_MAX);
        else
            ((uint8_t *)value)[i] = (uint8_t)image.voxel[i];
    }
    free(image.voxel);
    if (rc == 0) {
        volume_turn_lps(&image.grid, &turned, &value, 1);
        int64_t const seen = volume_regrid_nearest(&image.grid, value, 1, lps, to, e);
        rc = seen > 0 ? 0 : seen < 0 ? -1 : fail(e, "it lies nowhere on the scan: is it of another patient?");
    }
    free(value);
    return rc;
}

/* Which organ each value is; the table of `of`, or of what the file's name says. false: of none. */
static bool values_of(const char *of, const char *name, uint8_t organ[256])
{
    bool any = false;
    memset(organ, ORGAN_LABEL_NONE, 256);
    for (size_t i = 0; i < COUNT_OF(labels); i++)
        if (of ? strcmp(labels[i].of, of) == 0 : *labels[i].in_name && strstr(name, labels[i].in_name)) {
            organ[labels[i].value] = labels[i].organ;
            any = true;
        }
    return any;
}

static bool class_of(const char *name, size_t stem, uint8_t organ[256])
{
    for (size_t i = 0; i < COUNT_OF(labels); i++)
        if (strlen(labels[i].name) == stem && memcmp(labels[i].name, name, stem) == 0) {
            organ[ORGAN_LABEL_NONE] = ORGAN_LABEL_NONE;
            memset(organ + 1, labels[i].organ, 255);
            return true;
        }
    return false;
}

static int map_add(const char *path, size_t max_bytes, const uint8_t organ[256], const struct grid *lps, uint8_t *to,
                   struct error *e)
{
    size_t const count = grid_voxels(lps);
    uint8_t *label = try_alloc(e, count, 1);
    int rc = label ? nearest_read(path, max_bytes, lps, label, e) : -1;
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (to[i] == ORGAN_LABEL_NONE)
            to[i] = organ[label[i]];
    free(label);
    return rc < 0 ? fail_in(e, "cannot use organ map '%s'", path) : 0;
}

static int folder_read(const char *dir, size_t max_bytes, const struct grid *lps, uint8_t *to, struct error *e)
{
    struct names in;
    size_t used = 0, passed = 0;
    uint8_t organ[256];
    if (dir_list(dir, &in, e) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < in.count && rc == 0; i++) {
        size_t const stem = image_stem(in.name[i]);
        if (!stem)
            continue;
        if (!class_of(in.name[i], stem, organ) && !values_of(NULL, in.name[i], organ)) {
            passed++;
            continue;
        }
        char *path = path_join(dir, in.name[i]);
        rc = map_add(path, max_bytes, organ, lps, to, e);
        free(path);
        used++;
    }
    names_free(&in);
    if (rc == 0 && used == 0)
        return fail(
            e,
            "cannot use organ maps '%s': no file in it is named for an organ (liver.nii.gz) or a map of MOOSE's "
            "(clin_ct_organs)",
            dir);
    if (rc == 0 && passed)
        log_note("organ maps '%s': %zu files are of classes that are not asked for", dir, passed);
    return rc;
}

int organ_maps_read(const char *path, const char *of, size_t max_bytes, const struct grid *file, bool placed,
                    const struct grid *lps, uint8_t **organs, struct error *e)
{
    uint8_t organ[256];
    const char *name = path_base(path);
    bool const named = of && strcmp(of, "auto") != 0, dir = dir_exists(path);
    *organs = NULL;
    if ((named && strcmp(of, "petrel") == 0) ||
        (!named && !dir && !values_of(NULL, name, organ) && !class_of(name, image_stem(name), organ)))
        return organs_read(path, max_bytes, file, placed, lps, organs, e);
    if (!placed)
        return fail(e, "cannot use organ map '%s': the scan's header does not say where it lies", path);
    uint8_t *to = try_alloc(e, grid_voxels(lps), 1);
    int rc = to ? 0 : -1;
    if (rc == 0 && dir)
        rc = folder_read(path, max_bytes, lps, to, e);
    else if (rc == 0) {
        if (named || !class_of(name, image_stem(name), organ))
            (void)values_of(named ? of : NULL, name, organ);
        rc = map_add(path, max_bytes, organ, lps, to, e);
    }
    if (rc < 0)
        free(to);
    else
        *organs = to;
    return rc;
}
