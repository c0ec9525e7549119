/* SPDX-License-Identifier: Apache-2.0 */
/* jpeg2000 -- one grey image of a JPEG 2000 codestream; the only user of OpenJPEG.   dicom -> [jpeg2000] */
#ifndef PETREL_STAGES_LOAD_JPEG2000_H
#define PETREL_STAGES_LOAD_JPEG2000_H
#include "common/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* code: a bare codestream or a JP2 file. What its header declares must be what is wanted, before anything is made room for.
 * is_signed: as the DICOM header has it, which goes before the codestream's word: of the same bits, the value it means.
 * to: rows * columns. -1: a sentence that says what is wrong with the codestream. */
int jpeg2000_decode(const uint8_t *code, size_t size, size_t rows, size_t columns, bool is_signed, int32_t *to,
                    struct error *e) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
