/* SPDX-License-Identifier: Apache-2.0 */
/* contour -- the outlines of a mask in one plane: closed polygons along the pixels' edges.   [contour] -> dicom_rtstruct
 *
 * Pixel (row r, column c) is the square between corners (r, c) and (r+1, c+1); a polygon runs along such edges, so whoever asks which
 * pixels' middles lie in it gets the mask back, every one. A polygon a 4-connected part. Holes are joined to what is round them by a channel of no width ("keyhole", DICOM PS3.3
 * C.8.8.6.3), as an RTSTRUCT has no other way that every reader knows. */
#ifndef PETREL_EXPORT_CONTOUR_H
#define PETREL_EXPORT_CONTOUR_H
#include "common/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct corner {
    int32_t row, column;
};
struct outline {
    size_t count; /* corners; the last is joined to the first */
    struct corner *corner;
};
struct outlines {
    size_t count;
    struct outline *outline;
};
/* mask[rows][columns]: inside where not 0. outlines_free() them. Parts come in order of their first pixel. */
void outlines_find(const uint8_t *mask, size_t rows, size_t columns, struct outlines *o);
void outlines_free(struct outlines *o);

#ifdef __cplusplus
}
#endif
#endif
