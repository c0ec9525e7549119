/* SPDX-License-Identifier: Apache-2.0 */
/* given -- was a setting of another method, or of another backbone, said on the command line?   [train] */
#include "stages/train/given.h"
#include <string.h>

bool given_names(const struct option *o, const char *key)
{
    const char *name = o->name;
    while (*name && (*name == *key || (*name == '-' && *key == '_')))
        name++, key++;
    return !*name && !*key;
}

static bool has(const struct owner *x, const struct option *o)
{
    for (const struct setting *s = x->settings; s && s->key; s++)
        if (given_names(o, s->key))
            return true;
    return false;
}

/* "resnet10, resnet18": whose it is; how many */
static size_t owners_of(const struct option *o, struct owner (*at)(size_t i), const char *chosen, bool *fits,
                        char names[256])
{
    size_t count = 0;
    names[0] = 0;
    *fits = false;
    for (size_t i = 0; at(i).name; i++) {
        struct owner x = at(i);
        if (!has(&x, o))
            continue;
        *fits = *fits || !strcmp(x.name, chosen);
        size_t used = strlen(names);
        format_into(names + used, 256 - used, "%s%s", count++ ? ", " : "", x.name);
    }
    return count;
}

int given_check(const struct train *t, const char *what, const char *chosen, struct owner (*at)(size_t i),
                struct error *e)
{
    for (size_t i = 0; i < t->options; i++) {
        const struct option *o = &t->option[i];
        char names[256];
        bool fits;
        if (!(o->flags & OPT_GIVEN) || !(o->flags & OPT_RECIPE))
            continue;
        size_t owners = owners_of(o, at, chosen, &fits, names);
        if (owners && !fits)
            return fail_as(e, EX_USAGE,
                           "--%s is a setting of the %s%s %s, and the %s is %s: leave it out, or give --%s %s", o->name,
                           what, owners > 1 ? "s" : "", names, what, chosen, what, owners > 1 ? "one of them" : names);
    }
    return 0;
}

static struct owner backbone_owner(size_t i)
{
    const struct backbone *b = backbone_at(i);
    return b ? (struct owner){b->name, b->settings} : (struct owner){0};
}

int given_check_backbone(const struct train *t, struct error *e)
{
    return given_check(t, "backbone", t->recipe.backbone, backbone_owner, e);
}
