/* SPDX-License-Identifier: Apache-2.0 */
/* recipe -- the table of settings: field, option, recipe key and both recipe files from one row each.   proto
 * Rows lie beside their owners (recipe.def). Records are in recipe_record.c, cross-checks in recipe_check.c. */
#include "proto/recipe.h"
#include "proto/recipe_internal.h"
#include "proto/suv.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- the rows ---- */

#define SAME NULL, NULL
#define HEADING(text)
#define SETTING(kind, field, groups, argument, low, high, help, paper, from, ...)                                      \
    {#field, NULL, OPT_##kind, offsetof(struct recipe, field), groups, argument, low, high, help, NULL,                \
     paper,  from, __VA_ARGS__},
static struct recipe_row rows[] = {
#include "proto/recipe.def"
};
#undef HEADING
#undef SETTING
_Static_assert(COUNT_OF(rows) <= RECIPE_ROWS, "RECIPE_ROWS is too small");

/* Which heading each row stands under, in the same order. */
#define HEADING(text)      {text, NULL},
#define SETTING(kind, ...) {NULL, #kind},
static const struct {
    const char *heading, *row;
} order[] = {
#include "proto/recipe.def"
};
#undef HEADING
#undef SETTING

static struct recipe defaults, released;

static struct option option_of(const struct recipe_row *row, struct recipe *r)
{
    bool flag = row->kind == OPT_FLAG;
    return (struct option){.name = row->option,
                           .kind = row->kind,
                           .value = (char *)r + row->offset,
                           .argument = flag ? NULL : row->argument,
                           .low = row->low,
                           .high = row->high,
                           .help = row->help,
                           .group = row->heading,
                           .flags = OPT_RECIPE};
}

static void set_from(const struct recipe_row *row, struct recipe *r, const char *text)
{
    struct error e = {0};
    struct option option = option_of(row, r);
    if (opt_set(&option, text, &e)) {
        fprintf(stderr, "recipe row '%s': %s\n", row->key, e.text);
        assert(!"a row's own value is out of its range");
    }
}

static void rows_make(void)
{
    const char *heading = NULL;
    for (size_t i = 0, at = 0; i < COUNT_OF(order); i++) {
        if (order[i].heading) {
            heading = order[i].heading;
            continue;
        }
        struct recipe_row *row = &rows[at++];
        char *option = xstrdup(row->key);
        for (char *c = option; *c; c++)
            *c = *c == '_' ? '-' : *c;
        row->option = option; /* for good */
        row->heading = heading;
        set_from(row, &defaults, row->paper);
        set_from(row, &released, row->released ? row->released : row->paper);
    }
}

const struct recipe_row *recipe_rows(size_t *count)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, rows_make);
    *count = COUNT_OF(rows);
    return rows;
}

char *recipe_value(const struct recipe_row *row, const struct recipe *r)
{
    struct option option = option_of(row, (struct recipe *)(uintptr_t)r); /* only read */
    return opts_value(&option);
}

int recipe_set(const struct recipe_row *row, struct recipe *r, const char *text, struct error *e)
{
    struct option option = option_of(row, r);
    return opt_set(&option, text, e);
}

/* ---- what others see ---- */

void recipe_defaults(struct recipe *r)
{
    size_t count;
    (void)recipe_rows(&count);
    *r = defaults;
}

void recipe_released(struct recipe *r)
{
    size_t count;
    (void)recipe_rows(&count);
    *r = released;
}

int recipe_channels(const struct recipe *r)
{
    return strcmp(r->channels, "pet") ? 2 : 1;
}

size_t recipe_options(struct recipe *r, unsigned groups, struct option *table, size_t room)
{
    size_t count;
    const struct recipe_row *row = recipe_rows(&count);
    assert(room >= count);
    (void)room;
    for (size_t i = 0; i < count; i++) {
        table[i] = option_of(&row[i], r);
        if (!(row[i].groups & groups))
            table[i].flags |= OPT_HIDDEN;
    }
    return count;
}

/* ---- recipe files ---- */

static const char paper_head[] =
    "# paper -- the method as the paper's text gives it, and the default of every program.\n"
    "#\n"
    "# Vagenas et al., representation learning of FDG-PET regions with semantic and positional pairs. The mark behind "
    "a\n"
    "# value says where it comes from: P the paper says it; R the authors' released code does it; I inferred; C our\n"
    "# choice.\n";
static const char released_head[] =
    "# released -- the method as the authors' released code does it (theoVag/Representation-Learning-Sem-Pos, commit\n"
    "# 40b0821).\n"
    "#\n"
    "# The mark behind a value says where it comes from: R the released code does it; P the paper says it and the "
    "code\n"
    "# does not tell; I inferred; C our choice. Known slips of the code are named and not reproduced.\n";

int recipe_file_write(const char *name, FILE *to, struct error *e)
{
    bool paper = strcmp(name, "paper") == 0;
    if (!paper && strcmp(name, "released") != 0)
        return fail_as(e, EX_USAGE, "'%s' is no recipe of ours (paper, released)", name);
    size_t count;
    const struct recipe_row *row = recipe_rows(&count);
    const char *heading = NULL;
    fprintf(to, "# SPDX-License-Identifier: Apache-2.0\n%s", paper ? paper_head : released_head);
    fputs("# Written by `make recipes` from the settings' rows (proto/recipe.def).\n", to);
    for (size_t i = 0; i < count; i++) {
        const char *value = paper || !row[i].released ? row[i].paper : row[i].released;
        const char *from = paper || !row[i].released ? row[i].paper_from : row[i].released_from;
        if (!heading || strcmp(heading, row[i].heading) != 0)
            fprintf(to, "\n# %s\n", heading = row[i].heading);
        int written = fprintf(to, "%s = %s", row[i].key, value);
        if (*from)
            fprintf(to, "%*s # %s", written < 46 ? 46 - written : 0, "", from);
        fputc('\n', to);
    }
    return ferror(to) ? fail_as(e, EX_IOERR, "cannot write the recipe") : 0;
}
