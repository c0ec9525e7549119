/* SPDX-License-Identifier: Apache-2.0 */
/* compressed -- what a compressed frame of DICOM pixels says of itself, asked before a library unpacks it.   dicom_fragments -> [compressed]
 *
 * DCMTK 3.6 takes the offsets of an RLE header at their word, and fills with the last value what a segment leaves out. */
#ifndef PETREL_STAGES_LOAD_COMPRESSED_H
#define PETREL_STAGES_LOAD_COMPRESSED_H
#include "common/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the DICOM header says of a frame: one sample a pixel, 1 or 2 bytes each. */
struct frame_shape {
    size_t rows, columns, bytes;
};

/* RLE (PS3.5, annex G): one segment a byte of a pixel, each within the fragment behind the one before, each the whole frame when
 * unpacked, and no run of it longer than what is left. -1: a sentence. */
int rle_check(const uint8_t *code, size_t size, const struct frame_shape *of, struct error *e) MUST_USE;

/* JPEG (ITU-T T.81) and JPEG-LS (T.87): the frame header is there, and has the rows, columns, one component and no more bits. -1: a
 * sentence. What comes behind it is the decoder's. */
int jpeg_check(const uint8_t *code, size_t size, const struct frame_shape *of, struct error *e) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
