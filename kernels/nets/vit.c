/* SPDX-License-Identifier: Apache-2.0 */
/* vit -- the vision transformer in three dimensions.   kernels/nets
 *
 *     tokens   conv of kernel and stride `patch`, with bias, + position embeddings; before them a class token
 *     block    x + Linear(attention(LayerNorm(x)));  x + Linear(GELU(Linear(LayerNorm(x))))
 *     LayerNorm; the class token is the embedding
 * Dropout does not go over the probabilities of attention themselves, as MONAI's does where its rate is not 0. */
#include "kernels/nets/backbone.h"
#include "kernels/nets/part.h"

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/nets/vit.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, groups, argument, low, high, help, value, ...) SETTING_INITIAL(struct own, kind, key, value),
#include "kernels/nets/vit.def"
#undef SETTING
    {0},
};
BACKBONE_SETTINGS_FIT(struct own);

static int dropped(struct tape *t, int x, const struct own *s)
{
    return s->vit_dropout > 0 ? tape_dropout(t, x, (float)s->vit_dropout) : x;
}

static int block(struct tape *t, int x, const char *prefix, const struct own *s)
{
    const int width = (int)s->vit_width;
    int y = tape_layernorm_affine(t, x, part(prefix, "norm1").name);
    y = tape_linear(t, y, part(prefix, "attn.qkv").name, 3 * width, false);
    y = tape_attention_qkv(t, y, (int)s->vit_heads);
    x = tape_add(t, x, dropped(t, tape_linear(t, y, part(prefix, "attn.out_proj").name, width, true), s));
    y = tape_layernorm_affine(t, x, part(prefix, "norm2").name);
    y = tape_gelu(t, tape_linear(t, y, part(prefix, "mlp.linear1").name, (int)s->vit_mlp, true));
    y = tape_linear(t, dropped(t, y, s), part(prefix, "mlp.linear2").name, width, true);
    return tape_add(t, x, dropped(t, y, s));
}

static int check(const void *own, const int box[3], struct error *e)
{
    const struct own *s = own;
    for (int a = 0; a < 3; a++)
        if (box[a] % s->vit_patch)
            return fail_as(e, EX_CONFIG, "vit_patch %lld does not divide the box's side %d", (long long)s->vit_patch,
                           box[a]);
    if (s->vit_width % s->vit_heads)
        return fail_as(e, EX_CONFIG, "vit_heads %lld does not divide vit_width %lld", (long long)s->vit_heads,
                       (long long)s->vit_width);
    return 0;
}

static int embedding(const void *own)
{
    return (int)((const struct own *)own)->vit_width;
}

static int build(struct tape *t, int box, const char *prefix, const void *own)
{
    const struct own *s = own;
    const int patch = (int)s->vit_patch, width = (int)s->vit_width;
    enum layout layout;
    int C, dim[3];
    int x =
        tape_conv_of(t, box, part(prefix, "patch_embedding.patch_embeddings").name,
                     &(struct tape_conv_shape){
                         .O = width, .kernel = {patch, patch, patch}, .stride = {patch, patch, patch}, .bias = true});
    x = tape_tokens(t, x);
    tape_value_shape(t, x, &layout, &C, dim);
    int places = tape_param(t, part(prefix, "patch_embedding.position_embeddings").name, dim[0], width, INIT_SMALL);
    x = dropped(t, tape_add(t, x, places), s);
    x = tape_tokens_join(t, tape_param(t, part(prefix, "cls_token").name, 1, width, INIT_ZERO), x);
    for (int i = 0; i < (int)s->vit_layers; i++) {
        char name[64];
        format_into(name, sizeof name, "%s.blocks.%d", prefix, i);
        x = block(t, x, name, s);
    }
    return tape_layernorm_affine(t, tape_token(t, x, 0), part(prefix, "norm").name);
}

const struct backbone backbone_vit = {"vit",
                                      "Dosovitskiy et al., ICLR 2021; MONAI's ViT, pos_embed conv, classification",
                                      "transformer on patches of the box",
                                      "classification_head",
                                      settings,
                                      check,
                                      embedding,
                                      build};
