/* SPDX-License-Identifier: Apache-2.0 */
/* raw -- voxels as a text header describes them: in the file itself or in another, plain or packed.   mha, nrrd -> [raw] */
#ifndef PETREL_STAGES_LOAD_RAW_H
#define PETREL_STAGES_LOAD_RAW_H
#include "common/nifti.h"

/* Where a header ends and what it said of the voxels. */
struct raw {
    const char *type;        /* one of raw_type's names; NULL: not said */
    bool big_endian, packed; /* packed: zlib or gzip */
    char *file;              /* path of the voxels; NULL: behind the header; owned */
    size_t offset;           /* of the first byte of the voxels in their file */
    bool at_end;             /* the voxels are the last bytes of their file, wherever that begins */
};
/* The name this table has for a type as NRRD ("unsigned short", "uint16") or MetaImage ("MET_USHORT") writes it; NULL. */
const char *raw_type(const char *name);
/* A format's own part: the text header at the beginning of `file` into *r and image's grid. */
typedef int raw_header(struct buffer *file, const char *path, struct raw *r, struct nifti *image, struct error *e);
/* Reads a file whose header is text. *data_file: the voxels' own file or NULL; the caller's. Nothing is allocated for voxels before
 * their file is known to be able to hold them, packed or not. */
int raw_open(const char *path, size_t max_bytes, raw_header *header_read, struct nifti *image, char **data_file,
             struct error *e) MUST_USE;
/* grid_measure, and the file's name before what it says. */
int raw_place(const char *path, struct grid *g, struct error *e) MUST_USE;
/* How many mm a unit of length is, as headers write it ("" is mm); NAN: none that is known. */
double raw_unit_mm(const char *unit);
/* A MetaImage's "True", as its own library reads it: by the first letter. */
bool raw_true(const char *text);
/* `count` numbers separated by spaces, and nothing else but what `skip` holds. */
bool raw_numbers(const char *text, const char *skip, double *to, size_t count);
/* Next line of a text header: begins at *at, ends it with NUL, no CR; NULL: no more, or an endless line. */
char *raw_line(struct buffer *b, size_t *at);
#endif
