/* SPDX-License-Identifier: Apache-2.0 */
/* tuned -- what was measured on this machine and need not be measured again: a line of text for a key.   kernels/cuda
 *
 * One small file a key under $PETREL_TUNED, else $XDG_CACHE_HOME/petrel/tuned, else ~/.cache/petrel/tuned; published by rename,
 * so that readers and other ranks see the whole or nothing. A key names all that the value depends on. A file that is not
 * what was written is ignored aloud; one that cannot be written costs a warning and another measurement next time. */
#ifndef PETREL_KERNELS_CUDA_TUNED_H
#define PETREL_KERNELS_CUDA_TUNED_H
#include "common/base.h"
#ifdef __cplusplus
extern "C" {
#endif

enum { TUNED_MOST = 400 }; /* bytes of a key, and of a value, with its end */
bool tuned_get(const char *key, char value[TUNED_MOST]) MUST_USE;
void tuned_put(const char *key, const char *value);

#ifdef __cplusplus
}
#endif
#endif
