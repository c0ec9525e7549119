/* SPDX-License-Identifier: Apache-2.0 */
/* backbone -- the table of backbones.   kernels/nets */
#include "kernels/nets/backbone.h"
#include <string.h>

#include "kernels/nets/backbones.def"
#define DECLARED(name) extern const struct backbone backbone_##name;
#define LISTED(name)   &backbone_##name,
BACKBONES(DECLARED, DECLARED)
static const struct backbone *const LIST[] = {BACKBONES(LISTED, LISTED)};

const struct backbone *backbone_at(size_t i)
{
    return i < COUNT_OF(LIST) ? LIST[i] : NULL;
}

const struct backbone *backbone_named(const char *name, struct error *e)
{
    char names[256] = "";
    for (size_t i = 0; i < COUNT_OF(LIST); i++) {
        if (!strcmp(LIST[i]->name, name))
            return LIST[i];
        size_t used = strlen(names);
        format_into(names + used, sizeof names - used, "%s%s", i ? ", " : "", LIST[i]->name);
    }
    fail_as(e, EX_CONFIG, "no backbone is called '%s': choose one of %s", name, names);
    return NULL;
}
