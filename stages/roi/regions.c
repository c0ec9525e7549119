/* regions -- one scan's regions, boxes and pictures: everything petrel-roi does to a volume.   suv -> [roi] -> cache, classify */
#include "stages/roi/regions.h"
#include "stages/roi/box.h"
#include "stages/roi/method.h"
#include "stages/roi/mip.h"
#include "stages/roi/property.h"

#include <stdlib.h>
#include <string.h>

/* The label map of the whole scan as runs, made from the crop's so that the whole is never in memory. number[] maps the
 * crop's labels to the message's; 0 where a region was dropped. */
struct label_writer { uint32_t *pair; size_t pairs, room; };

static void put_run(struct label_writer *w, uint32_t value, uint64_t length)
{
    while (length) {
        if (w->pairs && w->pair[2 * w->pairs - 2] == value && w->pair[2 * w->pairs - 1] + length <= UINT32_MAX) {
            w->pair[2 * w->pairs - 1] += (uint32_t)length;
            return;
        }
        if (w->pairs == w->room) {
            w->room = 2 * w->room + 1024;
            w->pair = xresize(w->pair, 2 * w->room, sizeof *w->pair);
        }
        uint32_t part = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
        w->pair[2 * w->pairs] = value;
        w->pair[2 * w->pairs + 1] = part;
        w->pairs++;
        length -= part;
    }
}

static void write_labels(const struct grid *g, const struct crop *body, const uint32_t *label, const uint32_t *number,
                         struct buffer *runs)
{
    struct label_writer w = { 0 };
    uint64_t written = 0;
    for (int64_t row = 0; row < body->dim[0] * body->dim[1]; row++) {
        const uint32_t *v = label + row * body->dim[2];
        int64_t z = row / body->dim[1] + body->low[0], y = row % body->dim[1] + body->low[1];
        for (int64_t x = 0, W = body->dim[2]; x < W;) {
            int64_t begin = x;
            while (x < W && v[x] == v[begin])
                x++;
            if (!number[v[begin]])
                continue;
            uint64_t at = (uint64_t)grid_at(g, z, y, begin + body->low[2]);
            put_run(&w, 0, at - written);
            put_run(&w, number[v[begin]], (uint64_t)(x - begin));
            written = at + (uint64_t)(x - begin);
        }
    }
    put_run(&w, 0, (uint64_t)grid_voxels(g) - written);
    runs->data = (uint8_t *)w.pair;
    runs->size = w.pairs * 2 * sizeof *w.pair;
}

/* Measure every region and cut its box; regions whose box leaves the scan are left out where the recipe says so. */
static void measure(const struct volume *v, const struct recipe *r, const struct crop *body, const struct extents *x,
                    struct regions_message *out, uint32_t *number, struct regions_summary *summary)
{
    struct ball ball;
    bool drop = strcmp(r->border, "drop") == 0;
    ball_make(&ball, v->grid.spacing_mm);
    for (uint32_t i = 0; i < x->count; i++) {
        struct region *region = &out->region[out->count];
        float *box = out->box + out->count * (size_t)out->channels * BOX_VOXELS;
        region_measure(v, x, i, body->low, &ball, region);
        box_place(region->centroid, region->box_low);
        region->clipped = box_crop(v, region->box_low, out->channels, box);
        if (region->clipped && drop)
            continue;
        region->label = v->mask ? region->overlap >= r->tumour_overlap : -1;
        number[i + 1] = (uint32_t)++out->count;
        region->component = (int32_t)out->count;
        summary->tumours += region->label == 1;
        summary->clipped += region->clipped != 0;
    }
    summary->regions = out->count;
    ball_free(&ball);
}

int regions_find(const struct volume *v, const struct recipe *r, struct regions_message *out,
                 struct regions_summary *summary, struct error *e)
{
    struct crop body;
    struct found found = { 0 };
    struct mip mip;
    if (recipe_channels(r) > BOX_CT && !v->ct)
        return fail(e, "it came without a CT, but channels = pet,ct: give petrel-load the same --channels");
    if (body_crop(v, &body, e))
        return -1;
    method_find(&body, grid_voxel_ml(&v->grid), r, &found);

    memset(out, 0, sizeof *out);
    memset(summary, 0, sizeof *summary);
    out->grid = v->grid;
    out->turned = v->turned;
    out->channels = recipe_channels(r);
    out->region = xalloc((size_t)found.extents.count + 1, sizeof *out->region);
    out->box = xalloc(((size_t)found.extents.count + 1) * (size_t)out->channels * BOX_VOXELS, sizeof *out->box);
    uint32_t *number = xalloc((size_t)found.extents.count + 1, sizeof *number);
    measure(v, r, &body, &found.extents, out, number, summary);
    write_labels(&v->grid, &body, found.label, number, &out->label_runs);
    free(number);
    memcpy(summary->how, found.how, sizeof summary->how);
    found_free(&found);

    mip_make(&body, v->grid.spacing_mm, &mip);
    out->mip_angles = mip.angles, out->mip_height = mip.height, out->mip_width = mip.width;
    out->mip_mm = mip.mm;
    out->mip_z = mip.middle[0], out->mip_y = mip.middle[1], out->mip_x = mip.middle[2];
    out->mip = mip.image;
    crop_free(&body);
    return 0;
}
