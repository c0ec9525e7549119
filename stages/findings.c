/* SPDX-License-Identifier: Apache-2.0 */
/* findings -- what petrel-classify found in one scan, read back from its folder.   classify ═> [findings] */
#include "stages/findings.h"
#include "common/file.h"
#include "common/nifti.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_MOST = 2147483647 };

/* ---- the label map ---- */

static int labels_read(const char *path, struct findings *f, struct error *e)
{
    struct nifti image;
    if (nifti_read(path, LABELS_MOST, &image, e) < 0)
        return -1;
    size_t const voxels = grid_voxels(&image.grid);
    int64_t *counted = xalloc(UINT16_MAX + 1, sizeof *counted);
    f->grid = image.grid;
    f->label = xalloc(voxels, sizeof *f->label);
    for (size_t i = 0; i < voxels; i++) {
        float const v = image.voxel[i];
        f->label[i] = v > 0 && v <= UINT16_MAX ? (uint16_t)(v + 0.5F) : 0;
        counted[f->label[i]]++;
    }
    free(image.voxel);
    bytes_sha256(f->label, voxels * sizeof *f->label, f->label_sha256);
    int rc = 0;
    for (size_t i = 0; i < f->count && rc == 0; i++)
        if (counted[f->finding[i].number] != f->finding[i].voxels)
            rc = fail(e, "cannot use '%s': region %d has %lld voxels in it, its row in the table says %lld", path,
                      f->finding[i].number, (long long)counted[f->finding[i].number], (long long)f->finding[i].voxels);
    free(counted);
    return rc;
}

/* ---- together ---- */

/* A region that no earlier scan knows is a lesion of its own: its name is made of the scan's files and the label map. */
static void track(const struct findings *f, struct finding *g)
{
    char *name = xprintf("lesion|%s|%s|%d", f->source_sha256, f->label_sha256, g->number);
    uid_derive(name, g->tracking_uid);
    format_into(g->tracking_id, sizeof g->tracking_id, "region %d", g->number);
    free(name);
}

int findings_read(const char *dir, struct findings *f, struct error *e)
{
    *f = (struct findings){.dir = xstrdup(dir), .threshold = (double)NAN};
    char *labels = path_join(dir, "labels.nii.gz");
    int rc = findings_read_table(dir, f, e);
    if (rc == 0)
        rc = labels_read(labels, f, e);
    for (size_t i = 0; i < f->count && rc == 0; i++) {
        struct finding *g = &f->finding[i];
        track(f, g);
        f->tumours += g->tumour;
        f->tmtv_ml += g->tumour ? g->ml : 0.0;
        f->tlg_g += g->tumour ? g->tlg_g : 0.0;
    }
    free(labels);
    if (rc < 0)
        findings_free(f);
    return rc;
}

void findings_free(struct findings *f)
{
    free(f->dir);
    free(f->finding);
    free(f->label);
    *f = (struct findings){0};
}
