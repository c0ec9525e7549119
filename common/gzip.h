/* gzip -- whole .gz files in and out, through libdeflate.   common */
#ifndef PETREL_COMMON_GZIP_H
#define PETREL_COMMON_GZIP_H
#include "common/base.h"

/* Unpacked bytes of a .gz file (several members allowed), or a plain file's bytes where it does not begin with the gzip
 * magic. Refuses by name a truncated or damaged file (CRC and length are checked) and one that unpacks to more than max. */
int gzip_read(const char *path, size_t max, struct buffer *out, struct error *e) MUST_USE;
/* One member at level 1..12, published atomically. */
int gzip_write(const char *path, const void *data, size_t size, int level, struct error *e) MUST_USE;
#endif
