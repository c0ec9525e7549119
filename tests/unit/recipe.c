/* SPDX-License-Identifier: Apache-2.0 */
/* The recipe table, its checks, and the recipe files. */
#include "proto/recipe.h"
#include "common/config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct loaded {
    struct recipe recipe;
    struct option table[RECIPE_ROWS];
    size_t rows;
    bool named[RECIPE_ROWS];
};

static char *key_of(const struct option *row)
{
    char *key = xstrdup(row->name);
    for (char *c = key; *c; c++)
        if (*c == '-')
            *c = '_';
    return key;
}

static int note(void *context, const char *key, const char *value, struct error *e)
{
    struct loaded *l = context;
    (void)value;
    for (size_t i = 0; i < l->rows; i++) {
        char *name = key_of(&l->table[i]);
        bool same = strcmp(name, key) == 0;
        free(name);
        if (same) {
            l->named[i] = true;
            return 0;
        }
    }
    return fail_as(e, EX_CONFIG, "no such key '%s'", key);
}

/* Loads as a program does, and marks which keys the file names. */
static void load(struct loaded *l, const char *path)
{
    struct error e = {0};
    recipe_defaults(&l->recipe);
    l->rows = recipe_options(&l->recipe, RECIPE_ALL, l->table, RECIPE_ROWS);
    memset(l->named, 0, sizeof l->named);
    char *argv[] = {(char *)"petrel-test", (char *)"--recipe", (char *)path, NULL};
    struct opts o = {.program = "petrel-test", .usage = "", .purpose = "", .table = l->table, .count = l->rows};
    if (opts_parse(&o, 3, argv, &e) || recipe_check(&l->recipe, &e) || config_read(path, note, l, &e))
        fail_msg("%s: %s", path, e.text);
}

static void files_name_every_key(void **state)
{
    (void)state;
    static const char *const paths[] = {"pipelines/recipes/paper.conf", "pipelines/recipes/released.conf"};
    for (size_t p = 0; p < COUNT_OF(paths); p++) {
        struct loaded l;
        load(&l, paths[p]);
        for (size_t i = 0; i < l.rows; i++)
            if (!l.named[i])
                fail_msg("%s does not name %s", paths[p], l.table[i].name);
    }
}

static void paper_is_the_default(void **state)
{
    (void)state;
    struct loaded l, defaults;
    load(&l, "pipelines/recipes/paper.conf");
    recipe_defaults(&defaults.recipe);
    recipe_options(&defaults.recipe, RECIPE_ALL, defaults.table, RECIPE_ROWS);
    for (size_t i = 0; i < l.rows; i++) {
        char *a = opts_value(&l.table[i]), *b = opts_value(&defaults.table[i]);
        if (strcmp(a, b) != 0)
            fail_msg("paper.conf has %s = %s, the default is %s", l.table[i].name, a, b);
        free(a);
        free(b);
    }
    assert_int_equal(recipe_digest(&l.recipe, RECIPE_ALL), recipe_digest(&defaults.recipe, RECIPE_ALL));
}

static void released_differs_where_it_should(void **state)
{
    (void)state;
    struct loaded l;
    load(&l, "pipelines/recipes/released.conf");
    const struct recipe *r = &l.recipe;
    assert_string_equal(r->recipe_name, "released");
    assert_string_equal(r->peb_norm, "l2");
    assert_string_equal(r->position_unit, "voxel");
    assert_string_equal(r->augment_pretrain, "affine,flip,rotate,noise,contrast");
    assert_true(r->view2_always_augmented);
    assert_true(r->lr == 0.05 && r->clip_norm == 10 && r->warmup == 1200 && r->schedule_length == 2812.5);
    assert_true(r->classifier_tumours == 900 && r->classifier_others == 1170 && r->redraw_epochs == 800);
}

static void demo_loads(void **state)
{
    (void)state;
    struct loaded l;
    load(&l, "pipelines/recipes/demo.conf");
    assert_string_equal(l.recipe.recipe_name, "demo");
}

static void hidden_outside_groups(void **state)
{
    (void)state;
    struct recipe r;
    struct option table[RECIPE_ROWS];
    recipe_defaults(&r);
    size_t n = recipe_options(&r, RECIPE_REGIONS, table, RECIPE_ROWS), shown = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(table[i].flags & OPT_RECIPE);
        assert_non_null(table[i].help);
        if (!(table[i].flags & OPT_HIDDEN)) {
            shown++;
            /* border decides whether a region is kept at all */
            assert_string_equal(table[i].group, strcmp(table[i].name, "border") ? "Regions" : "Boxes and positions");
        }
    }
    assert_int_equal(shown, 27);
}

static void digest_follows_its_groups(void **state)
{
    (void)state;
    struct recipe r;
    recipe_defaults(&r);
    uint64_t regions = recipe_digest(&r, RECIPE_REGIONS), pretrain = recipe_digest(&r, RECIPE_PRETRAIN);
    r.lr = 0.25;
    assert_int_equal(recipe_digest(&r, RECIPE_REGIONS), regions);
    assert_int_not_equal(recipe_digest(&r, RECIPE_PRETRAIN), pretrain);
    r.region_min_ml = 0.2;
    assert_int_not_equal(recipe_digest(&r, RECIPE_REGIONS), regions);
}

static void contradictions_are_said(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *value;
        const char *said;
    } cases[] = {
        {"augment-pretrain", "flip,spin", "'spin'"},
        {"augment-pretrain", "flip,flip", "twice"},
        {"augment-pretrain", "flip,", "''"},
        {"augment-pretrain", "none", "twice the same"},
        {"connectivity", "8", "connectivity is 8"},
        {"stem-stride", "1,2", "stem_stride"},
        {"gamma-low", "5", "gamma_low 5 is above"},
        {"batch", "4000", "above pairs_per_epoch"},
        {"class-weights", "1,0", "class_weights"},
        {"warmup", "3000", "warmup 3000 is above epochs"},
        {"schedule-length", "10", "above schedule_length"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct recipe r;
        struct option table[RECIPE_ROWS];
        struct error e = {0};
        recipe_defaults(&r);
        size_t n = recipe_options(&r, RECIPE_ALL, table, RECIPE_ROWS);
        char *flag = xprintf("--%s", cases[i].key),
             *argv[] = {(char *)"petrel-test", flag, (char *)cases[i].value, NULL};
        struct opts o = {.program = "petrel-test", .usage = "", .purpose = "", .table = table, .count = n};
        if (opts_parse(&o, 3, argv, &e))
            fail_msg("%s %s: %s", flag, cases[i].value, e.text);
        assert_int_equal(recipe_check(&r, &e), -1);
        assert_int_equal(e.code, EX_CONFIG);
        if (!strstr(e.text, cases[i].said))
            fail_msg("'%s' does not say '%s'", e.text, cases[i].said);
        free(flag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_name_every_key),
        cmocka_unit_test(paper_is_the_default),
        cmocka_unit_test(released_differs_where_it_should),
        cmocka_unit_test(demo_loads),
        cmocka_unit_test(hidden_outside_groups),
        cmocka_unit_test(digest_follows_its_groups),
        cmocka_unit_test(contradictions_are_said),
    };
    return cmocka_run_group_tests_name("recipe", tests, NULL, NULL);
}
