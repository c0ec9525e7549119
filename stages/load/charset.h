/* SPDX-License-Identifier: Apache-2.0 */
/* charset -- text of DICOM files as UTF-8, by (0008,0005) SpecificCharacterSet.   dicom -> [charset] */
#ifndef PETREL_STAGES_LOAD_CHARSET_H
#define PETREL_STAGES_LOAD_CHARSET_H
#include "common/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Opens what is needed of the system: before a sandbox is entered. */
void charset_start(void);
/* `bytes` in UTF-8, without control characters, as many whole characters as `to` holds. charset: the attribute's value or values,
 * backslash separated; "": none is said. */
void charset_text(const char *charset, const char *bytes, char *to, size_t size);

#ifdef __cplusplus
}
#endif
#endif
