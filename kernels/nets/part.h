/* SPDX-License-Identifier: Apache-2.0 */
/* part -- names of a network's parts: "backbone.layer1.0" and "conv1" make "backbone.layer1.0.conv1".   kernels/nets */
#ifndef PETREL_KERNELS_NETS_PART_H
#define PETREL_KERNELS_NETS_PART_H
#include "common/base.h"

struct part {
    char name[96];
};
/* For one call: part(prefix, "conv1").name */
static inline struct part part(const char *prefix, const char *name)
{
    struct part p;
    format_into(p.name, sizeof p.name, "%s.%s", prefix, name);
    return p;
}
#endif
