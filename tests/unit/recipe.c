/* SPDX-License-Identifier: Apache-2.0 */
/* The recipe table, its checks, and the recipe files. */
#include "proto/recipe.h"
#include "common/config.h"
#include "common/file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

/* The files lie in the tree so that they can be read there; they are what the rows say. */
static void files_are_the_rows(void **state)
{
    (void)state;
    static const char *const names[] = {"paper", "released"};
    for (size_t p = 0; p < COUNT_OF(names); p++) {
        struct error e = {0};
        struct buffer file = {0};
        char *text = NULL, *path = xprintf("pipelines/recipes/%s.conf", names[p]);
        size_t size;
        FILE *to = open_memstream(&text, &size);
        if (recipe_file_write(names[p], to, &e) || file_read(path, 1 << 20, &file, &e))
            fail_msg("%s", e.text);
        fclose(to);
        if (file.size != size || memcmp(file.data, text, size) != 0)
            fail_msg("%s is not what the rows say: make recipes", path);
        buffer_free(&file);
        free(text);
        free(path);
    }
}

static void files_read_back(void **state)
{
    (void)state;
    struct loaded l;
    struct recipe own;
    load(&l, "pipelines/recipes/paper.conf");
    recipe_defaults(&own);
    assert_int_equal(recipe_digest(&l.recipe, RECIPE_ALL), recipe_digest(&own, RECIPE_ALL));
    load(&l, "pipelines/recipes/released.conf");
    recipe_released(&own);
    assert_int_equal(recipe_digest(&l.recipe, RECIPE_ALL), recipe_digest(&own, RECIPE_ALL));
    for (size_t i = 0; i < l.rows; i++)
        if (!l.named[i])
            fail_msg("released.conf does not name %s", l.table[i].name);
}

/* A record names what differs, and reads back; what contradicts is named with both values. */
static void records(void **state)
{
    (void)state;
    struct recipe made, asked;
    struct error e = {0};
    char what[700];
    struct option table[RECIPE_ROWS];
    recipe_defaults(&made);
    recipe_defaults(&asked);
    char *plain = recipe_record(&made, RECIPE_SCAN);
    assert_null(strchr(plain, '='));
    made.formula = "janmahasatian";
    made.spacing = (struct opt_reals){3, {3, 2.5, 2.5}};
    made.lr = 7; /* of another group */
    char *record = recipe_record(&made, RECIPE_SCAN);
    assert_non_null(strstr(record, "formula=janmahasatian"));
    assert_non_null(strstr(record, "spacing=3,2.5,2.5"));
    assert_null(strstr(record, "lr="));
    assert_int_equal(record_compare(record, record, what, sizeof what), 0);
    assert_int_equal(record_compare(plain, record, what, sizeof what), 1);
    assert_non_null(strstr(what, "formula = bw there, janmahasatian here"));
    assert_non_null(strstr(what, "spacing = none there, 3,2.5,2.5 here"));
    assert_int_equal(record_compare("", record, what, sizeof what), 1);
    assert_non_null(strstr(what, "0.1"));

    assert_int_equal(record_adopt(&asked, record, RECIPE_SCAN, NULL, 0, "cache 'x'", &e), 0);
    assert_string_equal(asked.formula, "janmahasatian");
    assert_true(asked.spacing.count == 3 && asked.spacing.value[0] == 3 && asked.lr == 0.5);
    assert_int_equal(recipe_digest(&asked, RECIPE_SCAN), recipe_digest(&made, RECIPE_SCAN));

    /* a value that is no default, or one that was said, is not given up in silence */
    recipe_defaults(&asked);
    asked.formula = "james";
    assert_int_equal(record_adopt(&asked, record, RECIPE_SCAN, NULL, 0, "cache 'x'", &e), -1);
    assert_int_equal(e.code, EX_CONFIG);
    assert_non_null(strstr(e.text, "cache 'x' was made with formula = janmahasatian, but james is asked for"));
    recipe_defaults(&asked);
    size_t rows = recipe_options(&asked, RECIPE_ALL, table, RECIPE_ROWS);
    char *argv[] = {(char *)"petrel-test", (char *)"--formula=bw", NULL};
    struct opts o = {.program = "petrel-test", .usage = "", .purpose = "", .table = table, .count = rows};
    assert_int_equal(opts_parse(&o, 2, argv, &e), 0);
    assert_int_equal(record_adopt(&asked, record, RECIPE_SCAN, table, rows, "cache 'x'", &e), -1);
    assert_non_null(strstr(e.text, "bw is asked for"));

    /* from another version */
    recipe_defaults(&asked);
    assert_int_equal(record_adopt(&asked, "suv/1 regions/99", RECIPE_SCAN, NULL, 0, "cache 'x'", &e), -1);
    assert_non_null(strstr(e.text, "generation 99"));
    assert_int_equal(record_adopt(&asked, "suv/1 regions/4 colour=red", RECIPE_SCAN, NULL, 0, "cache 'x'", &e), -1);
    assert_non_null(strstr(e.text, "'colour'"));
    free(plain);
    free(record);
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
        /* those of the group are shown, and they are the ones that stand under its heading */
        assert_int_equal(!(table[i].flags & OPT_HIDDEN), strcmp(table[i].group, "Regions") == 0);
        shown += !(table[i].flags & OPT_HIDDEN);
    }
    assert_true(shown > 20 && shown < n);
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
        {"spacing", "3,3", "spacing has to be three"},
        {"clip", "4,1", "clip has to be two"},
        {"crop", "knees", "crop is 'knees'"},
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
        cmocka_unit_test(files_are_the_rows),
        cmocka_unit_test(files_read_back),
        cmocka_unit_test(records),
        cmocka_unit_test(released_differs_where_it_should),
        cmocka_unit_test(demo_loads),
        cmocka_unit_test(hidden_outside_groups),
        cmocka_unit_test(digest_follows_its_groups),
        cmocka_unit_test(contradictions_are_said),
    };
    return cmocka_run_group_tests_name("recipe", tests, NULL, NULL);
}
