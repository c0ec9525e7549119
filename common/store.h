/* SPDX-License-Identifier: Apache-2.0 */
/* store -- arrays and attributes in one HDF5 file; the only user of hdf5.h.   common
 *
 * Files are written whole, once: store_create writes a temporary name; store_commit flushes, closes, fsyncs, reopens
 * and checks, renames, fsyncs the directory. Latest file format, Fletcher32 on every chunk, no compression,
 * HDF5_USE_FILE_LOCKING=FALSE (NFS, Lustre). Every HDF5 error is fatal to its file: -1 and a sentence naming it.
 * The same calls make the same bytes: no times are kept. Threads: one store each (HDF5 itself is built thread-safe). */
#ifndef PETREL_COMMON_STORE_H
#define PETREL_COMMON_STORE_H
#include "common/base.h"

enum store_type { STORE_U8, STORE_I32, STORE_I64, STORE_U64, STORE_F32, STORE_F64, STORE_U32 };
struct store;

int store_create(struct store **s, const char *path, struct error *e) MUST_USE;
int store_commit(struct store **s, struct error *e) MUST_USE; /* nulls *s, also on failure */
int store_open(struct store **s, const char *path, struct error *e) MUST_USE;
void store_close(struct store **s); /* abandons an uncommitted file; nulls */
/* Reads everything back: every dataset (Fletcher32 by HDF5, and its own XXH3, an attribute "xxh3") and attribute. */
int store_verify(struct store *s, struct error *e) MUST_USE;

/* Dataset name such as "/box" or "/roi/ml"; missing groups are made. chunk_rows: rows of the first axis a chunk. */
int store_write(struct store *s, const char *name, enum store_type type, int ndim, const uint64_t *dim,
                uint64_t chunk_rows, const void *data, struct error *e) MUST_USE;
/* Shape of a dataset: ndim (at most 8) and dim; -1 if it is not there. */
int store_shape(struct store *s, const char *name, int *ndim, uint64_t dim[8], struct error *e) MUST_USE;
/* Rows [first, first+count) of the first axis, converted to `type`. data holds count * the rest. */
int store_read(struct store *s, const char *name, enum store_type type, uint64_t first, uint64_t count, void *data,
               struct error *e) MUST_USE;
/* 1: it is there; 0: it is not; -1: that cannot be told, which is no "not". */
int store_has(struct store *s, const char *name, struct error *e) MUST_USE;

/* Attributes of "/" or of a dataset or group; a missing group is made. */
int store_set_text(struct store *s, const char *object, const char *name, const char *text, struct error *e) MUST_USE;
int store_set_real(struct store *s, const char *object, const char *name, int count, const double *v,
                   struct error *e) MUST_USE;
int store_set_int(struct store *s, const char *object, const char *name, int64_t v, struct error *e) MUST_USE;
int store_has_attribute(struct store *s, const char *object, const char *name, struct error *e) MUST_USE; /* likewise */
int store_get_text(struct store *s, const char *object, const char *name, char *text, size_t size,
                   struct error *e) MUST_USE;
int store_get_real(struct store *s, const char *object, const char *name, int count, double *v,
                   struct error *e) MUST_USE;
int store_get_int(struct store *s, const char *object, const char *name, int64_t *v, struct error *e) MUST_USE;
#endif
