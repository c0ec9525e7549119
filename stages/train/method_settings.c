/* SPDX-License-Identifier: Apache-2.0 */
/* method_settings -- from the recipe's rows to the struct of the method that uses them.   [train] */
#include "stages/train/method_settings.h"
#include "stages/train/given.h"
#include <stdlib.h>
#include <string.h>

static const size_t SIZE[] = {[SETTING_FLAG] = sizeof(bool),
                              [SETTING_INT] = sizeof(int64_t),
                              [SETTING_REAL] = sizeof(double),
                              [SETTING_REALS] = sizeof(struct opt_reals),
                              [SETTING_CHOICE] = sizeof(const char *)};
_Static_assert(sizeof(struct opt_reals) == sizeof(struct setting_reals), "one is copied to the other");

static struct owner method_owner(size_t i)
{
    const struct method *m = method_at(i);
    return m ? (struct owner){m->name, m->settings} : (struct owner){0};
}

void *method_settings_own(const struct train *t, const struct method *m)
{
    char *own = xalloc(m->settings_size + 1, 1);
    struct recipe copy = t->recipe;
    struct option row[RECIPE_ROWS];
    size_t rows = recipe_options(&copy, RECIPE_ALL, row, RECIPE_ROWS);
    for (const struct setting *s = m->settings; s && s->key; s++) {
        size_t i = 0;
        while (i < rows && !given_names(&row[i], s->key))
            i++;
        if (i == rows)
            die(EX_SOFTWARE, "the setting '%s' of %s is no row of the recipe", s->key, m->name);
        memcpy(own + s->at, row[i].value, SIZE[s->kind]);
    }
    return own;
}

int method_settings_make(const struct train *t, struct learner_settings *s, struct error *e)
{
    const struct recipe *r = &t->recipe;
    *s = (struct learner_settings){.method = method_named(r->method, e),
                                   .optimiser_settings = {.momentum = r->momentum,
                                                          .weight_decay = r->weight_decay,
                                                          .trust = r->lars_trust,
                                                          .clip_norm = r->clip_norm},
                                   .network = t->network,
                                   .pairs = (int)r->batch / t->world.size,
                                   .views = (int)r->views,
                                   .seed = t->seed};
    if (!s->method || given_check(t, "method", s->method->name, method_owner, e) ||
        !(s->optimiser = optimiser_find(r->optimiser, t->backend, e)))
        return -1;
    s->own = method_settings_own(t, s->method);
    return 0;
}
