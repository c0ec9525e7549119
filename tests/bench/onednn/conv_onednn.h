/* SPDX-License-Identifier: Apache-2.0 */
/* conv_onednn -- the same convolutions in oneDNN: conv.c's peer.   tests/bench
 *
 * oneDNN at its best: it chooses layouts and algorithm itself, and what it costs to bring data into these layouts is not
 * counted. */
#ifndef PETREL_TESTS_BENCH_CONV_ONEDNN_H
#define PETREL_TESTS_BENCH_CONV_ONEDNN_H
#include "kernels/backend.h"

enum { ONEDNN_FORWARD, ONEDNN_DATA, ONEDNN_WEIGHT, ONEDNN_WAYS };

/* "oneDNN 2.6.3", or NULL where this program was built without it. */
const char *onednn_version(void);
/* One convolution with memory of its own, holding numbers; NULL: there is no oneDNN, or it cannot do it. */
struct onednn_conv *onednn_conv_open(const struct conv_shape *s, int threads) MUST_USE;
/* Runs one of the ways and waits. */
void onednn_conv_run(struct onednn_conv *c, int way);
/* The name of its kernel for this way, such as "jit:avx512_core". */
const char *onednn_conv_kernel(const struct onednn_conv *c, int way);
void onednn_conv_close(struct onednn_conv **c);
#endif
