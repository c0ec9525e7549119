/* clip -- the global norm of all gradients.   kernels/optim */
#include "kernels/optim/clip.h"
#include <math.h>

double gradient_norm(const struct params *p)
{
    double sum = 0;
    for (size_t i = 0; i < p->count; i++)
        if (param_trained(&p->param[i]))
            sum += p->backend->sum_of_squares(p->backend, p->param[i].grad, p->param[i].size);
    return sqrt(sum);
}

double clip_scale(const struct params *p, double most)
{
    if (most <= 0)
        return 1;
    double factor = most / (gradient_norm(p) + 1e-6); /* torch.nn.utils.clip_grad_norm_'s */
    return factor < 1 ? factor : 1;
}
