/* SPDX-License-Identifier: Apache-2.0 */
/* resnet -- ResNets of basic blocks in three dimensions: conv1 7^3, max-pool, four layers, average pool.   kernels/nets
 * */
#ifndef PETREL_KERNELS_NETS_RESNET_H
#define PETREL_KERNELS_NETS_RESNET_H
#include "kernels/tape.h"

struct resnet {
    const char *name;
    int blocks[4];
};
/* "resnet18"; NULL: not one we know. */
const struct resnet *resnet_find(const char *name);
const char *resnet_names(void); /* "resnet10, resnet18, resnet34" */
/* Value of the pooled features (N, 8 * width), under names beginning with `prefix` ("backbone"). */
int resnet_build(struct tape *t, int box, const char *prefix, const struct resnet *r, int width,
                 const int stem_stride[3]);
#endif
