/* SPDX-License-Identifier: Apache-2.0 */
/* picture -- a scan's maximum-intensity projection as PNG, and where its regions stand in it.   [picture] -> cache, eval, classify */
#ifndef PETREL_STAGES_PICTURE_H
#define PETREL_STAGES_PICTURE_H
#include "common/base.h"
#include "proto/message.h"

/* An 8-bit picture, colours 1 (grey) or 3 (RGB), as PNG in *out. */
void png_encode(const uint8_t *pixel, int width, int height, int colours, struct buffer *out);
/* Grey levels turned round, as PET is looked at: high uptake is dark. */
void mip_invert(uint8_t *grey, size_t count);
/* A region's bounding box in the projection, pixels: across and down are its middle relative to the picture's left upper
 * corner, half_* half its extent. */
struct mip_mark {
    double across, down, half_across, half_down;
};
struct mip_mark mip_mark(const struct regions_message *m, const struct region *r, int angle);
/* One angle as RGB PNG with a frame round every region: red where tumour[i], blue elsewhere, and green round those left out as an organ's; each pixel drawn zoom times. numbers: beside each frame of a region its number, component. */
void mip_picture(const struct regions_message *m, int angle, int zoom, const bool *tumour, bool numbers,
                 struct buffer *out);
#endif
