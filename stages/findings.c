/* SPDX-License-Identifier: Apache-2.0 */
/* findings -- what petrel-classify found in one scan, read back from its folder.   classify ═> [findings] */
#include "stages/findings.h"
#include "common/file.h"
#include "common/nifti.h"
#include "proto/organ.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_MOST = 64 << 20, LABELS_MOST = 2147483647, COLUMNS_MOST = 512 };

/* ---- the table: a row a region, columns by their names ---- */

struct row {
    char *cell[COLUMNS_MOST];
    size_t count;
};

static void row_split(char *line, struct row *r)
{
    r->count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at && r->count < COLUMNS_MOST;) {
        r->cell[r->count++] = at;
        if ((at = strchr(at, '\t')))
            *at++ = '\0';
    }
}

static const char *cell_of(const struct row *head, const struct row *r, const char *name)
{
    for (size_t i = 0; i < head->count && i < r->count; i++)
        if (strcmp(head->cell[i], name) == 0)
            return r->cell[i];
    return "";
}

/* NAN: no such column, or nothing in it. */
static double number_of(const struct row *head, const struct row *r, const char *name)
{
    const char *text = cell_of(head, r, name);
    char *end;
    double const value = strtod(text, &end);
    return *text && *end == '\0' ? value : (double)NAN;
}

static int32_t organ_of(const char *word)
{
    for (int32_t i = 1; i < ORGAN_LABELS; i++)
        if (strcmp(word, organ_label_name(i)) == 0)
            return i;
    return ORGAN_LABEL_NONE;
}

static int finding_read(const struct row *head, const struct row *r, struct finding *g, struct error *e)
{
    static const char *const axis[3] = {"x_ras_mm", "y_ras_mm", "z_ras_mm"};
    double const number = number_of(head, r, "region"), voxels = number_of(head, r, "voxels");
    if (!(number >= 1 && number <= UINT16_MAX) || !(voxels >= 0))
        return fail(e, "its row '%s' names no region, or not how many voxels it has", r->cell[0]);
    *g = (struct finding){.number = (int32_t)number,
                          .voxels = (int64_t)voxels,
                          .tumour = number_of(head, r, "tumour") > 0,
                          .organ = organ_of(cell_of(head, r, "organ")),
                          .probability = number_of(head, r, "probability"),
                          .suv_max = number_of(head, r, "suv_max"),
                          .suv_mean = number_of(head, r, "suv_mean"),
                          .suv_peak = number_of(head, r, "suv_peak"),
                          .ml = number_of(head, r, "ml"),
                          .tlg_g = number_of(head, r, "tlg_g")};
    for (int a = 0; a < 3; a++)
        g->centroid_mm[a] = number_of(head, r, axis[a]);
    return 0;
}

static int by_number(const void *left, const void *right)
{
    const struct finding *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static int table_read(const char *path, struct findings *f, struct error *e)
{
    struct buffer text;
    struct row head = {.count = 0}, row;
    if (file_read(path, TABLE_MOST, &text, e) < 0)
        return -1;
    int rc = 0;
    for (char *line = (char *)text.data, *next; rc == 0 && line && *line; line = next) {
        if ((next = strchr(line, '\n')))
            *next++ = '\0';
        if (*line == '#' || *line == '\0')
            continue;
        if (head.count == 0) {
            row_split(line, &head);
            continue;
        }
        row_split(line, &row);
        f->finding = xresize(f->finding, f->count + 1, sizeof *f->finding);
        rc = finding_read(&head, &row, &f->finding[f->count], e);
        f->count += rc == 0;
    }
    if (rc == 0 && head.count == 0)
        rc = fail(e, "it has no line of column names");
    if (f->count)
        qsort(f->finding, f->count, sizeof *f->finding, by_number);
    for (size_t i = 1; rc == 0 && i < f->count; i++)
        if (f->finding[i].number == f->finding[i - 1].number)
            rc = fail(e, "region %d has two rows", f->finding[i].number);
    buffer_free(&text);
    return rc < 0 ? fail_in(e, "cannot use '%s'", path) : 0;
}

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
    char *table = path_join(dir, "regions.tsv"), *labels = path_join(dir, "labels.nii.gz");
    int rc = findings_read_facts(dir, f, e);
    if (rc == 0)
        rc = table_read(table, f, e);
    if (rc == 0)
        rc = labels_read(labels, f, e);
    for (size_t i = 0; i < f->count; i++) {
        struct finding *g = &f->finding[i];
        track(f, g);
        if (isnan(g->tlg_g))
            g->tlg_g = g->ml * g->suv_mean;
        f->tumours += g->tumour;
        f->tmtv_ml += g->tumour ? g->ml : 0.0;
        f->tlg_g += g->tumour ? g->tlg_g : 0.0;
    }
    free(labels);
    free(table);
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
