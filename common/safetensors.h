/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors -- named float32 tensors in one file: model files and checkpoints.   common
 *
 * 8 bytes little-endian header length, a JSON header {"name": {"dtype","shape","data_offsets"}, "__metadata__": {..}},
 * then the bytes (https://github.com/huggingface/safetensors). We write tensors sorted as added, F32 (I64 for counters),
 * and add "petrel_xxh3", a sum of the contents, to the metadata. It is checked on reading; a file without it is another program's, or
 * was changed by one, and a sum under a damaged name is seen.
 * Reading checks everything against the file's size first: offsets inside, no overlap, shape * size = length. */
#ifndef PETREL_COMMON_SAFETENSORS_H
#define PETREL_COMMON_SAFETENSORS_H
#include "common/base.h"

enum tensor_type { TENSOR_F32, TENSOR_F64, TENSOR_I64, TENSOR_U8 };
struct tensor_entry {
    char name[128];
    enum tensor_type type;
    int ndim;
    int64_t dim[8];
    const void *data; /* writing: borrowed from the caller, NULL: fill makes it; reading: into the file's memory */
};
struct metadata_entry {
    char *key, *value;
};
struct safetensors {
    struct tensor_entry *tensor;
    size_t tensor_count;
    struct metadata_entry *metadata;
    size_t metadata_count;
    struct buffer bytes; /* reading: the whole file */
    /* Writing: puts into `to` a tensor that was added without data. Asked once for each while the file is written, so that
     * never more than one of them is in memory. */
    int (*fill)(void *context, const struct tensor_entry *t, void *to, struct error *e);
    void *fill_context;
};
void safetensors_add(struct safetensors *s, const char *name, enum tensor_type type, int ndim, const int64_t *dim,
                     const void *data);
void safetensors_set(struct safetensors *s, const char *key, const char *value); /* metadata; replaces */
const char *safetensors_get(const struct safetensors *s, const char *key);       /* NULL: not there */
bool safetensors_summed(const struct safetensors *s);                            /* read: had a sum, which was right */
const struct tensor_entry *safetensors_find(const struct safetensors *s, const char *name);
size_t tensor_count(const struct tensor_entry *t);                                              /* elements */
int safetensors_write(const struct safetensors *s, const char *path, struct error *e) MUST_USE; /* atomic */
int safetensors_read(struct safetensors *s, const char *path, struct error *e) MUST_USE;
void safetensors_free(struct safetensors *s);
#endif
