/* SPDX-License-Identifier: Apache-2.0 */
/* network -- the parts put together.   kernels/nets */
#include "kernels/nets/network.h"
#include "kernels/nets/heads.h"
#include "kernels/nets/peb.h"

extern const struct backbone backbone_resnet18;

static void choose(struct network_settings *s, const struct backbone *b)
{
    s->backbone = b;
    s->own = (struct backbone_settings){{0}};
    settings_initial(b->settings, &s->own);
}

void network_defaults(struct network_settings *s)
{
    *s = (struct network_settings){.channels = 1,
                                   .box = {16, 16, 16},
                                   .position = true,
                                   .position_parts = NETWORK_PARTS,
                                   .peb_norm = PEB_LAYER,
                                   .projection_width = 2048,
                                   .classifier_hidden = 128};
    choose(s, &backbone_resnet18);
}

int network_backbone(struct network_settings *s, const char *name, struct error *e)
{
    const struct backbone *b = backbone_named(name, e);
    if (b)
        choose(s, b);
    return b ? 0 : -1;
}

int network_set(struct network_settings *s, const char *key, const char *text, struct error *e)
{
    const struct setting *row = setting_find(s->backbone->settings, key);
    if (!row)
        return fail_as(e, EX_CONFIG, "%s is no setting of the backbone %s", key, s->backbone->name);
    return setting_set(row, &s->own, text, e);
}

int network_check(const struct network_settings *s, struct error *e)
{
    for (int a = 0; a < 3; a++)
        if (s->box[a] < 1)
            return fail_as(e, EX_CONFIG, "box side %d is not positive", s->box[a]);
    if (!s->position_parts || s->position_parts > NETWORK_PARTS)
        return fail_as(e, EX_CONFIG, "of the position vector are taken the parts %#x: at least one of three",
                       s->position_parts);
    if (s->late_fusion && s->channels != 2)
        return fail_as(e, EX_CONFIG, "late fusion is of two channels, and boxes have %d", s->channels);
    if (s->backbone->check && s->backbone->check(&s->own, s->box, e))
        return -1;
    if (s->channels < 1 || s->projection_width < 2 || s->classifier_hidden < 1 || network_embedding(s) < 1)
        return fail_as(e, EX_CONFIG, "channels, width, projection width and classifier width must be positive");
    return 0;
}

int network_features(const struct network_settings *s)
{
    return s->backbone->embedding(&s->own) * (s->late_fusion ? 2 : 1);
}

int network_embedding(const struct network_settings *s)
{
    return s->position ? s->backbone->embedding(&s->own) : network_features(s);
}

int network_outputs(const struct network_settings *s)
{
    return s->projection_outputs > 0 ? s->projection_outputs : s->projection_width;
}

/* features of the box: of one backbone, or of PET's and CT's */
static int backbones_build(struct tape *t, const struct network_settings *s, int box)
{
    if (!s->late_fusion)
        return s->backbone->build(t, box, "backbone", &s->own);
    int pet = s->backbone->build(t, tape_slice(t, box, 0, 1), "backbone", &s->own),
        ct = s->backbone->build(t, tape_slice(t, box, 1, 1), "backbone_ct", &s->own);
    return tape_concat(t, pet, ct);
}

struct network_values network_build(struct tape *t, const struct network_settings *s, unsigned parts)
{
    struct network_values v = {-1, -1, -1, -1, -1, -1, -1};
    bool peb = s->position && parts & NETWORK_PEB;
    if (parts & NETWORK_BACKBONE) {
        v.box = tape_image(t, s->channels, s->box);
        v.embedding = v.features = backbones_build(t, s, v.box);
    } else {
        v.embedding = tape_rows(t, peb ? network_features(s) : network_embedding(s));
        v.features = peb || !s->position ? v.embedding : -1;
    }
    if (peb) {
        v.position = tape_rows(t, NETWORK_POSITION);
        v.embedding = peb_build(t, v.features, v.position, network_embedding(s), s->position_parts, s->peb_norm);
    }
    if (parts & NETWORK_PROJECTION)
        v.z = projection_build(t, v.embedding, s->projection_width, network_outputs(s));
    if (parts & NETWORK_CLASSIFIER)
        v.logits = classifier_build(t, v.embedding, s->classifier_hidden, s->classifier_gelu, NETWORK_CLASSES);
    return v;
}
