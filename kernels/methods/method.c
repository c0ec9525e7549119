/* SPDX-License-Identifier: Apache-2.0 */
/* method -- the table of methods.   kernels/methods */
#include "kernels/methods/method.h"
#include <string.h>

#define METHOD(name) extern const struct method method_##name;
#include "kernels/methods/methods.def"
#undef METHOD
#define METHOD(name) &method_##name,
static const struct method *const METHODS[] = {
#include "kernels/methods/methods.def"
};
#undef METHOD

const struct method *method_at(size_t i)
{
    return i < COUNT_OF(METHODS) ? METHODS[i] : NULL;
}

const struct method *method_named(const char *name, struct error *e)
{
    char names[256] = "";
    for (size_t i = 0; i < COUNT_OF(METHODS); i++) {
        if (!strcmp(METHODS[i]->name, name))
            return METHODS[i];
        size_t used = strlen(names);
        format_into(names + used, sizeof names - used, "%s%s", i ? ", " : "", METHODS[i]->name);
    }
    fail_as(e, EX_CONFIG, "no method is called '%s': choose one of %s", name, names);
    return NULL;
}
