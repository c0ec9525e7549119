/* SPDX-License-Identifier: Apache-2.0 */
/* setting -- rows of a .def file as a struct of its owner: a method's settings, a backbone's.   kernels
 *
 *     struct own {
 *     #define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
 *     #include "kernels/nets/vit.def"
 *     #undef SETTING
 *     };
 *     static const struct setting settings[] = {
 *     #define SETTING(kind, key, groups, argument, low, high, help, value, ...) SETTING_INITIAL(struct own, kind, key, value),
 *     #include "kernels/nets/vit.def"
 *     #undef SETTING
 *         {0},
 *     };
 * proto/recipe.def, which explains the columns, gathers the same rows for recipes. */
#ifndef PETREL_KERNELS_SETTING_H
#define PETREL_KERNELS_SETTING_H
#include "common/base.h"
#include <stddef.h>

enum setting_kind { SETTING_FLAG, SETTING_INT, SETTING_REAL, SETTING_REALS, SETTING_CHOICE };
struct setting_reals {
    size_t count;
    double value[8];
};
struct setting {
    const char *key; /* of the recipe; NULL ends the list */
    enum setting_kind kind;
    size_t at;           /* in the owner's struct */
    const char *initial; /* as a recipe file has it; NULL: not kept */
};
#define SETTING_TYPE_FLAG        bool
#define SETTING_TYPE_INT         int64_t
#define SETTING_TYPE_REAL        double
#define SETTING_TYPE_REALS       struct setting_reals
#define SETTING_TYPE_CHOICE      const char *
#define SETTING_FIELD(kind, key) SETTING_TYPE_##kind key;
#define SETTING_INITIAL(type, kind, key, value)                                                                        \
    {                                                                                                                  \
#key, SETTING_##kind, offsetof(type, key), value                                                               \
    }
#define SETTING_ROW(type, kind, key) SETTING_INITIAL(type, kind, key, NULL)

/* Row of this key; NULL: the list (which may be NULL) has none. */
const struct setting *setting_find(const struct setting *list, const char *key);
/* The value of *s in the owner's struct `own` becomes what the text says, in the manner of recipe files: yes, 4, 0.5, "1,2,2". A
 * CHOICE borrows the text. -1 and a sentence for what is none of these; ranges are the recipe's to check. */
int setting_set(const struct setting *s, void *own, const char *text, struct error *e) MUST_USE;
/* What setting_set would take. */
void setting_text(const struct setting *s, const void *own, char *text, size_t size);
/* Every row's initial value, which it has to have. */
void settings_initial(const struct setting *list, void *own);
#endif
