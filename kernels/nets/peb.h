/* SPDX-License-Identifier: Apache-2.0 */
/* peb -- position encoding block: where a region lies, mixed into what it looks like.   kernels/nets */
#ifndef PETREL_KERNELS_NETS_PEB_H
#define PETREL_KERNELS_NETS_PEB_H
#include "kernels/nets/network.h"

/* feature y (N,F), position (N,9), of which p (N,P) are the numbers of the parts -> Linear(concat(norm(y), norm(Linear(p * w)))) (N,E).
 * Names peb.weight [1,P], peb.position.* [E,P], peb.mix.* [E,F+E] */
int peb_build(struct tape *t, int feature, int position, int E, unsigned parts, enum peb_norm norm);
#endif
