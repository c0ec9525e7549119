/* SPDX-License-Identifier: Apache-2.0 */
/* utf8 -- text that is UTF-8 whatever it was made of: names of files and foreign headers need not be.   common */
#ifndef PETREL_COMMON_UTF8_H
#define PETREL_COMMON_UTF8_H
#include "common/base.h"
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the character at the start of `at`, of which `length` bytes are there; 0: none is, whole and as the standard wants it. */
size_t utf8_character(const char *at, size_t length);
bool utf8_valid(const char *text);
/* Writes it with every byte that belongs to no character as \xNN. */
void utf8_put(FILE *to, const char *text, size_t length);
/* The same in place, as much of it as size - 1 bytes hold, never half a character. */
void utf8_clean(char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
