/* SPDX-License-Identifier: Apache-2.0 */
/* seal -- how far a file that grows was safe on disk, and the sum of its bytes up to there: FILE.end beside it.   common
 *
 * FILE.end is one line: bytes, a blank, the XXH3-64 of those bytes in 16 hexadecimal digits. What is appended after it is not
 * sealed yet, so a killed writer leaves a file that is longer than its seal, never a shorter one: a file that lost its end, or was
 * changed in what the seal covers, is seen. */
#ifndef PETREL_COMMON_SEAL_H
#define PETREL_COMMON_SEAL_H
#include "common/base.h"

enum seal {
    SEAL_NONE,  /* there is none: of an earlier version, or written by hand */
    SEAL_WHOLE, /* all that it covers is there */
    SEAL_BROKEN
};
/* Seals the file as it is; call it when its bytes are safe (fsync). */
int seal_publish(const char *path, struct error *e) MUST_USE;
/* file_read, and what the seal says of it. A writer may be at work, that appends and then seals. */
int seal_read(const char *path, size_t max, struct buffer *out, enum seal *is, struct error *e) MUST_USE;
/* Before the file is made anew or cut: safely gone. */
int seal_remove(const char *path, struct error *e) MUST_USE;
#endif
