/* SPDX-License-Identifier: Apache-2.0 */
/* given -- regions that somebody else drew, on the grid they were drawn on.   common
 *
 * A label map whose parts become a scan's regions: petrel-load reads it, petrel-roi lays it on the scan and says which part became which
 * region, petrel-classify writes it back without what is no tumour. */
#ifndef PETREL_COMMON_GIVEN_H
#define PETREL_COMMON_GIVEN_H
#include "common/volume.h"

struct given {
    struct grid grid; /* in LPS order, as volumes are */
    struct turn turned;
    char path[512], format[16]; /* the file; "image", "seg" or "rtstruct" */
    char sha256[65];            /* of the file */
    struct buffer runs; /* run-length code of the map (proto/message.h: labels_encode): the file's labels, 1 .. 65535 */
    /* petrel-roi's: */
    struct buffer part_runs; /* the same of the parts, 1 .. parts */
    size_t parts;
    int32_t *region; /* [parts]: the region a part became; -k: what was left out as an organ's, the k-th; 0: neither, it was not
                        judged: no voxel of the scan's body is in it, or its box leaves the scan and border = drop */
};
void given_free(struct given **g);

/* The part of a grid that what is marked lies in, dense: value [dim] from `runs` of the whole. NULL: nothing is marked. */
struct given_box {
    struct grid grid;
    int64_t low[3]; /* the whole grid's index of its first voxel */
    uint32_t *value;
};
void given_box(const struct grid *g, const struct buffer *runs, struct given_box *box);
/* The other way: what the box holds, as runs of the whole. */
void given_box_encode(const struct grid *g, const struct given_box *box, struct buffer *runs);
#endif
