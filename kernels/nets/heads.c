/* SPDX-License-Identifier: Apache-2.0 */
/* heads -- projection and classifier.   kernels/nets */
#include "kernels/nets/heads.h"

int projection_build(struct tape *t, int embedding, int width, int outputs)
{
    int x = tape_linear(t, embedding, "projection.0", width, false);
    x = tape_norm(t, x, "projection.1", -1, true);
    return tape_linear(t, x, "projection.3", outputs, true);
}

int classifier_build(struct tape *t, int embedding, int hidden, bool gelu, int classes)
{
    int x = tape_linear(t, embedding, "classifier.0", hidden, true);
    x = gelu ? tape_gelu(t, x) : tape_relu(t, x);
    return tape_linear(t, x, "classifier.2", classes, true);
}
