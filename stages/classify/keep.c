/* SPDX-License-Identifier: Apache-2.0 */
/* keep -- regions that somebody drew, with what is no tumour taken out.   result -> [keep] */
#include "stages/classify/keep.h"
#include "common/file.h"
#include "common/given.h"
#include "common/log.h"
#include "common/map_runs.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum fate { TAKEN_OUT, KEPT, UNJUDGED };

/* Of region `number` of the message, as given.region has it; *overlap: its share in the truth, NAN: no truth, or no region. */
static enum fate fate_of(const struct regions_message *m, const bool *tumour, int32_t number, double *overlap)
{
    *overlap = NAN;
    if (number == 0)
        return UNJUDGED;
    if (number < 0) {
        if ((size_t)-number <= m->excluded_count)
            *overlap = m->excluded[-number - 1].overlap;
        return TAKEN_OUT;
    }
    for (size_t i = 0; i < m->count; i++)
        if (m->region[i].component == number) {
            *overlap = m->region[i].overlap;
            return tumour[i] ? KEPT : TAKEN_OUT;
        }
    return UNJUDGED;
}

void keep_measure(const struct regions_message *m, const bool *tumour, struct scan_quantities *s)
{
    const struct given *g = m->scan.given;
    double *const all[] = {&s->given_parts, &s->kept_parts,   &s->taken_out_parts, &s->unjudged_parts, &s->given_ml,
                           &s->kept_ml,     &s->taken_out_ml, &s->fpv_given_ml,    &s->fpv_kept_ml};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        *all[i] = g && (i < 7 || m->lesions.known) ? 0 : NAN;
    if (!g)
        return;
    double const voxel_ml = grid_voxel_ml(&g->grid);
    double *ml = xalloc(g->parts + 1, sizeof *ml);
    for (size_t i = 0; i < map_runs(&g->part_runs); i++)
        if (map_run_at(&g->part_runs, i).value > 0 && map_run_at(&g->part_runs, i).value <= g->parts)
            ml[map_run_at(&g->part_runs, i).value - 1] += map_run_at(&g->part_runs, i).length * voxel_ml;
    for (size_t i = 0; i < g->parts; i++) {
        double overlap;
        enum fate const fate = fate_of(m, tumour, g->region[i], &overlap);
        bool const kept = fate != TAKEN_OUT, fp = overlap <= 0;
        s->given_parts++;
        s->kept_parts += kept;
        s->taken_out_parts += !kept;
        s->unjudged_parts += fate == UNJUDGED;
        s->given_ml += ml[i];
        s->kept_ml += kept ? ml[i] : 0;
        s->taken_out_ml += kept ? 0 : ml[i];
        s->fpv_given_ml += fp ? ml[i] : 0; /* NAN stays */
        s->fpv_kept_ml += fp && kept ? ml[i] : 0;
    }
    free(ml);
}

/* The map's labels, parted: what stays in `kept`, the rest in `out`. *most: the largest. */
static int labels_part(const struct result *r, uint32_t *kept, uint32_t *out, uint32_t *most, struct error *e)
{
    const struct given *g = r->regions->scan.given;
    size_t const voxels = grid_voxels(&g->grid);
    bool *goes = xalloc(g->parts + 1, sizeof *goes);
    for (size_t i = 0; i < g->parts; i++) {
        double unused;
        goes[i + 1] = fate_of(r->regions, r->tumour, g->region[i], &unused) == TAKEN_OUT;
    }
    int rc = labels_decode(&g->runs, kept, voxels, e);
    *most = 0;
    for (size_t i = 0; rc == 0 && i < voxels; i++)
        *most = kept[i] > *most ? kept[i] : *most;
    size_t at = 0;
    for (size_t i = 0; rc == 0 && i < map_runs(&g->part_runs); i++) {
        struct map_run const run = map_run_at(&g->part_runs, i);
        if (run.value > 0 && run.value <= g->parts && goes[run.value]) {
            memcpy(out + at, kept + at, run.length * sizeof *out);
            memset(kept + at, 0, run.length * sizeof *kept);
        }
        at += run.length;
    }
    free(goes);
    return rc;
}

/* In as few bytes as `most` needs, on the file's own axes. label is freed. */
static int map_write(const char *path, const struct given *g, uint32_t *label, uint32_t most, const char *describe,
                     struct error *e)
{
    struct grid grid = g->grid;
    size_t const voxels = grid_voxels(&grid), width = most > UINT8_MAX ? 2 : 1;
    void *narrow = label; /* in place: each becomes shorter */
    for (size_t i = 0; i < voxels; i++) {
        uint16_t const two = (uint16_t)label[i];
        uint8_t const one = (uint8_t)label[i];
        memcpy((char *)narrow + i * width, width == 2 ? (const void *)&two : &one, width);
    }
    volume_turn_back(&grid, &g->turned, &narrow, width);
    int rc = nifti_write(path, &grid, width == 2 ? 512 : 2, narrow, describe, e);
    free(narrow);
    return rc;
}

int keep_write(const struct result *r, const char *dir, struct error *e)
{
    const struct given *g = r->regions->scan.given;
    if (!g && strstr(r->regions->facts.made_with, "roi_method=given")) {
        log_note("scan '%s': what was given marks nothing: there is nothing to keep", r->regions->facts.scan);
        return 0;
    }
    if (!g)
        return fail_as(e, EX_USAGE,
                       "--keep tumour wants the regions that somebody drew on scan '%s': name them with --regions",
                       r->regions->facts.scan);
    size_t const voxels = grid_voxels(&g->grid);
    uint32_t *kept = try_alloc(e, voxels, sizeof *kept), *out = kept ? try_alloc(e, voxels, sizeof *out) : NULL, most;
    if (!out || labels_part(r, kept, out, &most, e) < 0) {
        free(kept);
        free(out);
        return -1;
    }
    const char *ending = ends_with(g->path, ".nii") ? ".nii" : ".nii.gz";
    char *stays = xprintf("%s/kept%s", dir, ending), *goes = xprintf("%s/taken_out%s", dir, ending);
    int rc = map_write(stays, g, kept, most, "petrel: given regions, what is no tumour taken out", e);
    if (rc == 0)
        rc = map_write(goes, g, out, most, "petrel: given regions, what was taken out, being no tumour", e);
    else
        free(out);
    if (rc == 0)
        log_record("kept", metric_text("scan", r->regions->facts.source),
                   metric_number("parts", "%.0f", r->scan.kept_parts), metric_number("of", "%.0f", r->scan.given_parts),
                   metric_number("taken_out_ml", "%.2f", r->scan.taken_out_ml),
                   metric_number("unjudged", "%.0f", r->scan.unjudged_parts));
    free(goes);
    free(stays);
    return rc;
}
