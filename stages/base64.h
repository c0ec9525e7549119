/* SPDX-License-Identifier: Apache-2.0 */
/* base64 -- bytes as letters, for pictures inside a page.   [base64] -> eval, classify */
#ifndef PETREL_STAGES_BASE64_H
#define PETREL_STAGES_BASE64_H
#include "common/base.h"

/* prefix and then the bytes (RFC 4648). The caller's. */
char *base64_of(const char *prefix, const void *data, size_t size) MUST_USE;
#endif
