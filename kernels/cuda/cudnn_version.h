/* SPDX-License-Identifier: Apache-2.0 */
/* cudnn_version -- which versions of cuDNN are known to compute convolutions in three dimensions wrongly.   kernels/cuda */
#ifndef PETREL_KERNELS_CUDA_CUDNN_VERSION_H
#define PETREL_KERNELS_CUDA_CUDNN_VERSION_H
#include "kernels/backend.h"
#ifdef __cplusplus
extern "C" {
#endif
/* 0, or EX_UNAVAILABLE and a sentence that says what to install. version: cudnnGetVersion's (91900 is 9.19.0). */
int cudnn_version_check(size_t version, enum precision precision, struct error *e) MUST_USE;
#ifdef __cplusplus
}
#endif
#endif
