/* SPDX-License-Identifier: Apache-2.0 */
/* gzip -- .gz files in pieces and whole, packed by libdeflate, unpacked by ISA-L.   common
 *
 * A file that does not begin with gzip's magic is given as it is, so that nobody need ask which it was. */
#ifndef PETREL_COMMON_GZIP_H
#define PETREL_COMMON_GZIP_H
#include "common/base.h"

/* ---- in pieces: nothing is held but what was asked for and a buffer of 256 KiB ---- */
struct gzip_reader;
int gzip_open(struct gzip_reader **r, const char *path, struct error *e) MUST_USE;
/* Most bytes it can hold, as far as the file's size tells: a byte of deflate makes 1032 at most. */
uint64_t gzip_most(const struct gzip_reader *r);
bool gzip_packed(const struct gzip_reader *r); /* else that is exactly what it holds */
/* The next `wanted` bytes; *got is less at the end alone. -1: truncated or damaged, by name. CRC and length of each member are
 * checked where it ends. */
int gzip_take(struct gzip_reader *r, void *to, size_t wanted, size_t *got, struct error *e) MUST_USE;
/* All that is left is taken and thrown away, so that it is checked too; refused if it is more than `most` bytes. */
int gzip_finish(struct gzip_reader *r, uint64_t most, struct error *e) MUST_USE;
void gzip_close(struct gzip_reader **r); /* NULL: nothing */

/* ---- whole ---- */
/* Unpacked bytes of a .gz file (several members allowed), or a plain file's. Refuses by name a truncated or damaged file and
 * one of more than max bytes. */
int gzip_read(const char *path, size_t max, struct buffer *out, struct error *e) MUST_USE;
/* One member at level 1..12, published atomically. */
int gzip_write(const char *path, const void *data, size_t size, int level, struct error *e) MUST_USE;
#endif
