/* SPDX-License-Identifier: Apache-2.0 */
/* inspect -- what training sees, for people: one augmented box as a file, one batch as a table.   task -> [pairs] -> train */
#include "stages/pairs/inspect.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

/* The box has no place in the patient any more: millimetres of its own, spacing as if 1 mm. */
static int box_write(const char *path, const float *box, const char *what, struct error *e)
{
    struct grid grid;
    const int64_t dim[3] = {BOX_SIDE, BOX_SIDE, BOX_SIDE};
    const double spacing_mm[3] = {1, 1, 1}, origin_mm[3] = {0, 0, 0};
    grid_set(&grid, dim, spacing_mm, origin_mm);
    return nifti_write(path, &grid, 16, box, what, e);
}

/* The CT's place beside a file of the PET: X_CT.nii.gz for X.nii.gz; the caller's. */
static char *ct_path(const char *path)
{
    size_t length = strlen(path), ending = ends_with(path, ".nii.gz") ? 7 : ends_with(path, ".nii") ? 4 : 0;
    return xprintf("%.*s_CT%s", (int)(length - ending), path, path + length - ending);
}

int inspect_box(struct workbench *b, int64_t row, const char *ops, uint64_t seed, const char *path, FILE *to,
                struct error *e)
{
    if (row < 0 || (uint64_t)row >= b->cache.regions)
        return fail_as(e, EX_USAGE, "no row %lld: cache '%s' has %zu, from 0", (long long)row, b->cache.dir,
                       b->cache.regions);
    struct chain chain;
    if (chain_parse(&chain, ops, 1, b->recipe, e))
        return -1;
    struct drawn_chain drawn;
    chain_draw(&drawn, &chain, b->recipe, seed, (uint64_t)row);
    float *box = xalloc_aligned(boxes_size(&b->boxes), sizeof *box);
    int bad = boxes_get(&b->boxes, (uint32_t)row, box, e);
    if (!bad) {
        chain_apply(&drawn, box, b->boxes.channels);
        char what[80];
        snprintf(what, sizeof what, "petrel-pairs row %lld: %s", (long long)row, ops);
        bad = box_write(path, box, what, e);
        char *ct = ct_path(path);
        if (!bad && b->boxes.channels > BOX_CT)
            bad = box_write(ct, box + BOX_CT * BOX_VOXELS, what, e);
        free(ct);
    }
    for (size_t i = 0; !bad && i < drawn.count; i++) {
        char text[600];
        augmentations[drawn.step[i].what]->describe(&drawn.step[i].with, text, sizeof text);
        fprintf(to, "%s\t%s\n", augmentation_name(drawn.step[i].what), text);
    }
    free(box);
    return bad;
}

static void print_pair(const struct workbench *b, const struct pair_task_message *task, const struct pair *p, int n,
                       bool two, FILE *to)
{
    const struct cache_row *one = &b->rows[p->row[0]], *other = &b->rows[p->row[1]];
    const char *kind = !two ? "single" : p->row[0] == p->row[1] ? "itself" : "partner";
    fprintf(to, "%d\t%u\t%u\t%d\t%d\t%d\t%d\t%s\t", n, p->row[0], p->row[1], one->label, other->label, one->patient,
            other->patient, kind);
    if (!p->augmented) {
        fprintf(to, "raw\n");
        return;
    }
    struct drawn_chain drawn;
    chain_draw(&drawn, workbench_chain(b, task->phase), b->recipe, task->seed, p->view);
    for (size_t i = 0; i < drawn.count; i++) {
        char text[600];
        augmentations[drawn.step[i].what]->describe(&drawn.step[i].with, text, sizeof text);
        fprintf(to, "%s%s(%s)", i ? "; " : "", augmentation_name(drawn.step[i].what), text);
    }
    fprintf(to, "%s\n", drawn.count ? "" : "nothing drawn");
}

int inspect_batch(const struct workbench *b, const struct pair_task_message *task, FILE *to, struct error *e)
{
    bool known = task->phase >= 0 && task->phase < SAMPLING_PHASES;
    struct pair *pairs = xalloc((size_t)(known ? b->sampler.plan.batch[task->phase] : 0) + 1, sizeof *pairs);
    int count = sampler_draw(&b->sampler, task, pairs, e);
    if (count >= 0)
        fprintf(to, "pair\trow1\trow2\tlabel1\tlabel2\tpatient1\tpatient2\tview2\taugmentation\n");
    bool two = workbench_chain(b, task->phase) == &b->pretrain;
    for (int n = 0; n < count; n++)
        print_pair(b, task, &pairs[n], n, two, to);
    free(pairs);
    return count < 0 ? -1 : 0;
}
