/* SPDX-License-Identifier: Apache-2.0 */
/* augment -- the chain of augmentations a view passes.   task -> [pairs] -> train */
#include "stages/pairs/augment.h"
#include "stages/pairs/trilinear.h"
#include <string.h>

const struct augmentation *const augmentations[AUGMENT_KINDS] = {
#define AUGMENTATION(name, fewest, most) &augment_##name,
#include "common/augmentation.def"
#undef AUGMENTATION
};

struct view_rng view_rng_make(uint64_t seed, uint64_t index, uint32_t which)
{
    struct view_rng v = {
        .r = rng_make(seed, RNG_AUGMENT, index), .seed = seed, .index = index, .block = which * VIEW_BLOCKS};
    v.r.counter[0] = v.block;
    return v;
}

static int chain_take(void *context, int kind)
{
    struct chain *c = context;
    c->step[c->count++] = kind; /* none stands twice, so there is room */
    return 0;
}
_Static_assert((int)AUGMENT_KINDS <= (int)CHAIN_MAX, "a chain has room for each augmentation once");

int chain_parse(struct chain *c, const char *list, double probability, const struct recipe *r, struct error *e)
{
    *c = (struct chain){.probability = probability};
    if (r->histogram_points < 3 || r->histogram_points > HISTOGRAM_POINTS_MAX)
        return fail_as(e, EX_CONFIG, "histogram_points is %lld: give 3 to %d", (long long)r->histogram_points,
                       HISTOGRAM_POINTS_MAX);
    return augmentation_list("the list of augmentations", list, chain_take, c, e);
}

void chain_draw(struct drawn_chain *d, const struct chain *c, const struct recipe *r, uint64_t seed, uint64_t index)
{
    chain_draw_view(d, c, r, seed, index, 0);
}

void chain_draw_view(struct drawn_chain *d, const struct chain *c, const struct recipe *r, uint64_t seed,
                     uint64_t index, uint32_t which)
{
    struct view_rng v = view_rng_make(seed, index, which);
    d->count = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (rng_uniform(&v.r) >= c->probability)
            continue;
        struct drawn *step = &d->step[d->count++];
        step->what = c->step[i];
        augmentations[step->what]->draw(&step->with, r, &v);
    }
}

void chain_apply(const struct drawn_chain *d, float *box, int channels)
{
    for (size_t i = 0; i < d->count; i++)
        augmentations[d->step[i].what]->apply(box, channels, &d->step[i].with);
}

void tell_map(struct augmentation_step *s, const struct map *map)
{
    s->count = (int32_t)(sizeof map->to / sizeof(double));
    memcpy(s->number, map->to, sizeof map->to);
}

void chain_tell(const struct drawn_chain *d, int32_t at, struct augmentation_step *step)
{
    for (size_t i = 0; i < d->count; i++) {
        step[i].at = at;
        step[i].kind = d->step[i].what;
        augmentations[step[i].kind]->tell(&d->step[i].with, &step[i]);
    }
}
