/* SPDX-License-Identifier: Apache-2.0 */
/* uid -- DICOM unique identifiers derived from what they name: the same text, the same UID.   common
 *
 * 2.25.N, N being a UUID as one decimal number (DICOM part 5, B.2; ITU-T X.667): the first 128 bits of the text's SHA-256 with the
 * version 8 ("custom") and the variant of RFC 9562 in their places. At most 44 characters. */
#ifndef PETREL_COMMON_UID_H
#define PETREL_COMMON_UID_H
#include "common/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { UID_SIZE = 65 }; /* of any UID, with its NUL */
void uid_derive(const char *text, char uid[UID_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
