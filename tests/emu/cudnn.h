/* SPDX-License-Identifier: Apache-2.0 */
/* cudnn -- the handle alone: convolutions are computed by tests/emu, in the place of a plan.   tests/emu */
#ifndef PETREL_TESTS_EMU_CUDNN_H
#define PETREL_TESTS_EMU_CUDNN_H
#include "cuda_runtime.h"

typedef enum { CUDNN_STATUS_SUCCESS = 0, CUDNN_STATUS_NOT_SUPPORTED = 3000 } cudnnStatus_t;
typedef struct emu_cudnn *cudnnHandle_t;
#ifdef __cplusplus
extern "C" {
#endif
size_t cudnnGetVersion(void);
cudnnStatus_t cudnnCreate(cudnnHandle_t *handle);
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle);
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream);
const char *cudnnGetErrorString(cudnnStatus_t code);
#ifdef __cplusplus
}
#endif
#endif
