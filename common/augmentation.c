/* SPDX-License-Identifier: Apache-2.0 */
/* augmentation -- the augmentations by name.   common */
#include "common/augmentation.h"
#include <string.h>

static const struct {
    const char *name;
    int fewest, most;
} known[AUGMENT_KINDS] = {
#define AUGMENTATION(name, fewest, most) {#name, fewest, most},
#include "common/augmentation.def"
#undef AUGMENTATION
};

const char *augmentation_name(int kind)
{
    return kind >= 0 && kind < AUGMENT_KINDS ? known[kind].name : NULL;
}

const char *augmentation_names(void)
{
    static const char names[] =
#define AUGMENTATION(name, fewest, most) "," #name
#include "common/augmentation.def"
#undef AUGMENTATION
        ;
    return names + 1;
}

int augmentation_find(const char *name, size_t length)
{
    for (int k = 0; k < AUGMENT_KINDS; k++)
        if (strlen(known[k].name) == length && memcmp(known[k].name, name, length) == 0)
            return k;
    return -1;
}

bool augmentation_whole(int kind, int count)
{
    return augmentation_name(kind) && count >= known[kind].fewest && count <= known[kind].most;
}

int augmentation_list(const char *key, const char *list, int (*take)(void *context, int kind), void *context,
                      struct error *e)
{
    unsigned seen = 0;
    if (!*list || strcmp(list, "none") == 0)
        return 0;
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        int kind = augmentation_find(at, length);
        if (kind < 0)
            return fail_as(e, EX_CONFIG, "%s has '%.*s' (some of %s; or none)", key, (int)length, at,
                           augmentation_names());
        if (seen & 1u << kind)
            return fail_as(e, EX_CONFIG, "%s has '%s' twice", key, known[kind].name);
        seen |= 1u << kind;
        if (take && take(context, kind) < 0)
            return -1;
        at += length;
        if (!*at)
            return 0;
    }
}
