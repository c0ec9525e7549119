/* SPDX-License-Identifier: Apache-2.0 */
/* augment -- the chain of augmentations a view passes.   task -> [pairs] -> train */
#include "stages/pairs/augment.h"
#include "stages/pairs/trilinear.h"
#include <string.h>

static const struct augmentation *const known[] = {
    &augment_affine, &augment_flip, &augment_rotate, &augment_noise, &augment_histogram, &augment_contrast,
};

struct view_rng view_rng_make(uint64_t seed, uint64_t index)
{
    return (struct view_rng){.r = rng_make(seed, RNG_AUGMENT, index), .seed = seed, .index = index};
}

static const struct augmentation *find(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strlen(known[i]->name) == length && !memcmp(known[i]->name, name, length))
            return known[i];
    return NULL;
}

int chain_parse(struct chain *c, const char *list, double probability, const struct recipe *r, struct error *e)
{
    *c = (struct chain){.probability = probability};
    if (r->histogram_points < 3 || r->histogram_points > HISTOGRAM_POINTS_MAX)
        return fail_as(e, EX_CONFIG, "histogram_points is %lld: give 3 to %d", (long long)r->histogram_points,
                       HISTOGRAM_POINTS_MAX);
    if (!*list || !strcmp(list, "none"))
        return 0;
    for (const char *word = list;; word++) {
        size_t length = strcspn(word, ",");
        if (c->count == CHAIN_MAX)
            return fail_as(e, EX_CONFIG, "too many augmentations in '%s': at most %d", list, CHAIN_MAX);
        if (!(c->step[c->count++] = find(word, length)))
            return fail_as(
                e,
                EX_CONFIG, "unknown augmentation '%.*s': a comma list of affine, flip, rotate, noise, histogram, contrast, or none",
                (int)length, word);
        word += length;
        if (!*word)
            return 0;
    }
}

void chain_draw(struct drawn_chain *d, const struct chain *c, const struct recipe *r, uint64_t seed, uint64_t index)
{
    struct view_rng v = view_rng_make(seed, index);
    d->count = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (rng_uniform(&v.r) >= c->probability)
            continue;
        struct drawn *step = &d->step[d->count++];
        step->what = c->step[i];
        step->what->draw(&step->with, r, &v);
    }
}

void chain_apply(const struct drawn_chain *d, float *box, int channels)
{
    for (size_t i = 0; i < d->count; i++)
        d->step[i].what->apply(box, channels, &d->step[i].with);
}

void tell_map(struct drawn_step *s, enum drawn_kind kind, const struct map *map)
{
    s->kind = (int32_t)kind;
    s->count = (int32_t)(sizeof map->to / sizeof(double));
    memcpy(s->number, map->to, sizeof map->to);
}

void chain_tell(const struct drawn_chain *d, int32_t at, struct drawn_step *step)
{
    for (size_t i = 0; i < d->count; i++) {
        step[i].at = at;
        d->step[i].what->tell(&d->step[i].with, &step[i]);
    }
}
