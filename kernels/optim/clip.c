/* SPDX-License-Identifier: Apache-2.0 */
/* clip -- the global norm of all gradients.   kernels/optim */
#include "kernels/optim/clip.h"

void clip_gradients(const struct params *p, float *scale, double *squares, double most)
{
    struct backend *b = p->backend;
    b->zero(b, squares, sizeof *squares);
    for (size_t i = 0; i < p->count; i++)
        if (param_trained(&p->param[i]))
            b->sum_of_squares(b, squares, p->param[i].grad, p->param[i].size);
    b->clip(b, scale, squares, (float)most);
}
