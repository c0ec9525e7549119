/* SPDX-License-Identifier: Apache-2.0 */
/* file -- whole files in, whole files out: what is published is complete or not there.   common */
#ifndef PETREL_COMMON_FILE_H
#define PETREL_COMMON_FILE_H
#include "common/base.h"
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Atomic publication: written under a temporary name in the same directory; commit flushes, fsyncs, renames and
 * fsyncs the directory. A crash leaves the old file or the new one. */
struct publish {
    FILE *to;
    char *path, *temporary;
};
int publish_open(struct publish *p, const char *path, struct error *e) MUST_USE;
int publish_commit(struct publish *p, struct error *e) MUST_USE; /* also frees; on failure nothing is published */
void publish_abandon(struct publish *p);                         /* safe after commit */
/* The same for a file some library wrote at `temporary` itself: fsync it, rename, fsync the directory. */
int publish_rename(const char *temporary, const char *path, struct error *e) MUST_USE;
int publish_bytes(const char *path, const void *data, size_t size, struct error *e) MUST_USE;

/* The directory `path` lies in is fsynced: names made, moved and taken away in it are safe. */
int dir_sync_of(const char *path, struct error *e) MUST_USE;

/* Whole file in memory, with a NUL after the last byte (not counted). max: refuse larger files by name. */
int file_read(const char *path, size_t max, struct buffer *out, struct error *e) MUST_USE;
bool file_exists(const char *path);
bool dir_exists(const char *path);
int dir_make(const char *path, struct error *e) MUST_USE; /* with its parents, mode 0777 & ~umask; there already: fine */
/* A directory and all in it; what cannot be removed stays. For directories this program made for itself. */
void dir_remove(const char *path);
/* Names in a directory, sorted by bytes, without "." and "..". names_free() them. */
struct names {
    char **name;
    size_t count;
};
int dir_list(const char *path, struct names *out, struct error *e) MUST_USE;
bool names_have(const struct names *n, const char *name); /* of names that are sorted by bytes, as dir_list's are */
void names_free(struct names *n);
char *path_join(const char *dir, const char *name) MUST_USE;
/* The program `name` in this very program's folder; the caller's. */
char *program_beside(const char *name) MUST_USE;
const char *path_base(const char *path); /* points into path */
bool ends_with(const char *s, const char *tail);

/* SHA-256 as 64 hex digits and a NUL (nettle, which uses the processor's own instructions: 1.5 GB/s here, libmd 0.26). */
int file_sha256(const char *path, char hex[65], struct error *e) MUST_USE;
/* Of one file: its own; of several: of their digests, one after another. */
int files_sha256(const char *const *file, size_t count, char hex[65], struct error *e) MUST_USE;
void bytes_sha256(const void *data, size_t size, char hex[65]);
uint64_t bytes_xxh3(const void *data, size_t size);
#ifdef __cplusplus
}
#endif
#endif
