/* SPDX-License-Identifier: Apache-2.0 */
/* network -- the parts put together.   kernels/nets */
#include "kernels/nets/network.h"
#include "kernels/nets/heads.h"
#include "kernels/nets/peb.h"
#include "kernels/nets/resnet.h"

void network_defaults(struct network_settings *s)
{
    *s = (struct network_settings){.backbone = "resnet18",
                                   .channels = 1,
                                   .box = {16, 16, 16},
                                   .width = 64,
                                   .stem_stride = {1, 2, 2},
                                   .position = true,
                                   .peb_norm = PEB_LAYER,
                                   .projection_width = 2048,
                                   .classifier_hidden = 128};
}

int network_check(const struct network_settings *s, struct error *e)
{
    if (!resnet_find(s->backbone))
        return fail_as(e, EX_CONFIG, "no backbone is called '%s': choose one of %s", s->backbone, resnet_names());
    for (int a = 0; a < 3; a++) {
        if (s->stem_stride[a] < 1 || s->stem_stride[a] > 4)
            return fail_as(e, EX_CONFIG, "stem stride %d is not in 1 to 4", s->stem_stride[a]);
        if (s->box[a] < 1)
            return fail_as(e, EX_CONFIG, "box side %d is not positive", s->box[a]);
    }
    if (s->channels < 1 || s->width < 1 || s->projection_width < 2 || s->classifier_hidden < 1)
        return fail_as(e, EX_CONFIG, "channels, width, projection width and classifier width must be positive");
    return 0;
}

int network_embedding(const struct network_settings *s)
{
    return 8 * s->width;
}

int network_outputs(const struct network_settings *s)
{
    return s->projection_outputs > 0 ? s->projection_outputs : s->projection_width;
}

struct network_values network_build(struct tape *t, const struct network_settings *s, unsigned parts)
{
    struct network_values v = {-1, -1, -1, -1, -1, -1};
    if (parts & NETWORK_ENCODER) {
        v.box = tape_image(t, s->channels, s->box);
        v.embedding = resnet_build(t, v.box, "backbone", resnet_find(s->backbone), s->width, s->stem_stride);
        if (s->position) {
            v.position = tape_rows(t, NETWORK_POSITION);
            v.embedding = peb_build(t, v.embedding, v.position, s->peb_norm);
        }
    } else {
        v.embedding = tape_rows(t, network_embedding(s));
    }
    if (parts & NETWORK_PROJECTION)
        v.z = projection_build(t, v.embedding, s->projection_width, network_outputs(s));
    if (parts & NETWORK_CLASSIFIER)
        v.logits = classifier_build(t, v.embedding, s->classifier_hidden, s->classifier_gelu, NETWORK_CLASSES);
    return v;
}
