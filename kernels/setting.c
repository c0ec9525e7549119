/* SPDX-License-Identifier: Apache-2.0 */
/* setting -- rows of a .def file as a struct of its owner.   kernels */
#include "kernels/setting.h"
#include <stdlib.h>
#include <string.h>

const struct setting *setting_find(const struct setting *list, const char *key)
{
    for (; list && list->key; list++)
        if (!strcmp(list->key, key))
            return list;
    return NULL;
}

static int reals_set(struct setting_reals *r, const char *text)
{
    char *end;
    r->count = 0;
    if (!strcmp(text, "none"))
        return 0;
    for (;; text = end + 1) {
        if (r->count == COUNT_OF(r->value))
            return -1;
        r->value[r->count++] = strtod(text, &end);
        if (end == text)
            return -1;
        if (*end != ',')
            return *end ? -1 : 0;
    }
}

int setting_set(const struct setting *s, void *own, const char *text, struct error *e)
{
    char *at = (char *)own + s->at, *end = NULL;
    bool good = false;
    switch (s->kind) {
    case SETTING_FLAG:
        good = !strcmp(text, "yes") || !strcmp(text, "no");
        *(bool *)(void *)at = !strcmp(text, "yes");
        break;
    case SETTING_INT:
        *(int64_t *)(void *)at = strtoll(text, &end, 10);
        good = end != text && !*end;
        break;
    case SETTING_REAL:
        *(double *)(void *)at = strtod(text, &end);
        good = end != text && !*end;
        break;
    case SETTING_REALS: good = !reals_set((void *)at, text); break;
    case SETTING_CHOICE:
        *(const char **)(void *)at = text;
        good = true;
        break;
    }
    return good ? 0 : fail_as(e, EX_CONFIG, "%s cannot be '%s'", s->key, text);
}

void setting_text(const struct setting *s, const void *own, char *text, size_t size)
{
    const char *at = (const char *)own + s->at;
    const struct setting_reals *r = (const void *)at;
    size_t used = 0;
    switch (s->kind) {
    case SETTING_FLAG: format_into(text, size, "%s", *(const bool *)(const void *)at ? "yes" : "no"); break;
    case SETTING_INT: format_into(text, size, "%lld", (long long)*(const int64_t *)(const void *)at); break;
    case SETTING_REAL: format_into(text, size, "%.9g", *(const double *)(const void *)at); break;
    case SETTING_CHOICE: format_into(text, size, "%s", *(const char *const *)(const void *)at); break;
    case SETTING_REALS:
        format_into(text, size, "%s", r->count ? "" : "none");
        for (size_t i = 0; i < r->count && used < size; i++, used += strlen(text + used))
            format_into(text + used, size - used, "%s%.9g", i ? "," : "", r->value[i]);
    }
}

void settings_initial(const struct setting *list, void *own)
{
    struct error e = {0};
    for (; list && list->key; list++)
        if (setting_set(list, own, list->initial, &e))
            die_of(&e);
}
