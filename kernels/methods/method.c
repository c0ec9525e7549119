/* SPDX-License-Identifier: Apache-2.0 */
/* method -- the table of methods.   kernels/methods */
#include "kernels/methods/method.h"
#include <string.h>

#include "kernels/methods/methods.def"
#define DECLARE(name) extern const struct method method_##name;
METHODS(DECLARE, DECLARE)
#define ADDRESS(name) &method_##name,
static const struct method *const ALL[] = {METHODS(ADDRESS, ADDRESS)};

const struct method *method_at(size_t i)
{
    return i < COUNT_OF(ALL) ? ALL[i] : NULL;
}

const struct method *method_named(const char *name, struct error *e)
{
    char names[256] = "";
    for (size_t i = 0; i < COUNT_OF(ALL); i++) {
        if (!strcmp(ALL[i]->name, name))
            return ALL[i];
        size_t used = strlen(names);
        format_into(names + used, sizeof names - used, "%s%s", i ? ", " : "", ALL[i]->name);
    }
    fail_as(e, EX_CONFIG, "no method is called '%s': choose one of %s", name, names);
    return NULL;
}
