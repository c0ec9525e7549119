/* SPDX-License-Identifier: Apache-2.0 */
/* common_opts -- words, recipes, help and run records from one table; the config files under it.   tests */
#include "common/opts.h"

#include "common/config.h"
#include "tests/unit/common_child.h"

#include <float.h>
#include <math.h>

static char *dir;

static int setup(void **state)
{
    (void)state;
    dir = child_dir_make();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    child_dir_remove(dir);
    return 0;
}

/* The values a table fills, at their defaults. */
struct values {
    double stride, factor;
    int64_t jobs, crop;
    const char *method, *in, *note;
    bool position, literal;
    struct opt_reals spacing;
    struct opt_strings ops;
};
enum { ROWS = 11 };

struct fixture {
    struct values v;
    struct option table[ROWS];
    struct opts o;
    struct error e;
};

static void fixture_make(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->v = (struct values){.stride = 0.3,
                           .factor = 1,
                           .jobs = 4,
                           .method = "fcm",
                           .position = true,
                           .spacing = {3, {2.036, 2.036, 3}},
                           .ops = {1, {"flip"}}};
    struct values *v = &f->v;
    const struct option table[ROWS] = {
        {"stem-stride", OPT_REAL, &v->stride, "N", 0.1, 10, "stride of the stem, voxels", OPT_RECIPE, NULL},
        {"factor", OPT_REAL, &v->factor, "X", 0, INFINITY, "a factor with no end", OPT_RECIPE, NULL},
        {"j", OPT_INT, &v->jobs, "N", 1, 64, "workers", 0, NULL},
        {"crop", OPT_INT, &v->crop, "N", 0, 0, "any number", OPT_RECIPE, "Cropping"},
        {"method", OPT_CHOICE, &v->method, "fcm|fixed", 0, 0, "how regions are found", OPT_RECIPE, "Regions"},
        {"in", OPT_STRING, &v->in, "NAME", 0, 0, "channel to take from", 0, NULL},
        {"note", OPT_STRING, &v->note, "TEXT", 0, 0, "what to remember", OPT_RECIPE, NULL},
        {"position", OPT_FLAG, &v->position, NULL, 0, 0, "use positions", OPT_RECIPE, "Regions"},
        {"literal", OPT_FLAG, &v->literal, NULL, 0, 0, "as printed", OPT_RECIPE | OPT_HIDDEN, "Regions"},
        {"spacing", OPT_REALS, &v->spacing, "MM,MM,MM", 0, 0, "voxels of the grid, mm", OPT_RECIPE, NULL},
        {"op", OPT_STRINGS, &v->ops, "OP", 0, 0, "an operation", OPT_RECIPE, NULL},
    };
    memcpy(f->table, table, sizeof table);
    f->o = (struct opts){.program = "petrel-roi",
                         .usage = "[options] --in volumes",
                         .purpose = "finds regions",
                         .table = f->table,
                         .count = ROWS};
}

/* "--a b 'c" split at blanks: parse them. */
static int parse(struct fixture *f, const char *words)
{
    static char text[4000];
    static char *argv[600];
    int argc = 0;
    argv[argc++] = "petrel-roi";
    format_into(text, sizeof text, "%s", words);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return opts_parse(&f->o, argc, argv, &f->e);
}

static char *recipe(const char *text)
{
    char *path = path_join(dir, "a.conf");
    struct error e = {0};
    assert_int_equal(publish_bytes(path, text, strlen(text), &e), 0);
    return path;
}

static void fine(struct fixture *f, const char *words)
{
    fixture_make(f);
    if (parse(f, words))
        fail_msg("%s", f->e.text);
}

static void wrong(const char *words, int code, const char *sentence)
{
    struct fixture f;
    fixture_make(&f);
    assert_int_equal(parse(&f, words), -1);
    assert_says(f.e.text, sentence);
    assert_int_equal(f.e.code, code);
}

static void words_set_values(void **state)
{
    (void)state;
    struct fixture f;
    fine(&f, "");
    assert_int_equal(f.o.common.seed, 1);
    assert_int_equal(f.o.rest_count, 0);
    assert_true(f.v.stride == 0.3 && f.v.ops.count == 1);

    fine(&f, "a --stem-stride 2 --crop=-3 -j 8 --method fixed --in=ch b --no-position --literal --spacing 1,2.5,4e-1 "
             "--op x --op=y --seed 99 --threads 2 --quiet - --set note=t=u -- --json");
    assert_true(f.v.stride == 2);
    assert_int_equal(f.v.crop, -3);
    assert_int_equal(f.v.jobs, 8);
    assert_string_equal(f.v.method, "fixed");
    assert_string_equal(f.v.in, "ch");
    assert_string_equal(f.v.note, "t=u");
    assert_true(!f.v.position && f.v.literal);
    assert_int_equal(f.v.spacing.count, 3);
    assert_true(f.v.spacing.value[1] == 2.5 && f.v.spacing.value[2] == 0.4);
    assert_int_equal(f.v.ops.count, 2); /* the first given replaces the default */
    assert_string_equal(f.v.ops.value[0], "x");
    assert_string_equal(f.v.ops.value[1], "y");
    assert_int_equal(f.o.common.seed, 99);
    assert_int_equal(f.o.common.threads, 2);
    assert_true(f.o.common.quiet && !f.o.common.json);
    static const char *const rest[] = {"a", "b", "-", "--json"};
    assert_int_equal(f.o.rest_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(f.o.rest[i], rest[i]);

    /* a value may look like an option; later wins; '_' is '-'; --set takes any option */
    fine(&f,
         "--in --json --crop 1 --crop 2 --stem_stride 1 --set stem_stride=5 --set in=x --set position=off --seed 0");
    assert_string_equal(f.v.in, "x");
    assert_int_equal(f.v.crop, 2);
    assert_true(f.v.stride == 5 && !f.v.position && !f.o.common.json);
    assert_int_equal(f.o.common.seed, 0);
    fine(&f, "--in=");
    assert_string_equal(f.v.in, "");
    fine(&f, "--position=no --position");
    assert_true(f.v.position);
    fine(&f, "--factor 1e300");
    assert_true(f.v.factor == 1e300);
}

static void wrong_words(void **state)
{
    (void)state;
    static const struct {
        const char *words, *sentence;
    } bad[] = {
        {"--stem-strde 3", "unknown option '--stem-strde' (nearest: '--stem-stride'"},
        {"--stride 3", "nearest: '--stem-stride'"},
        {"--mehtod fcm", "nearest: '--method'"},
        {"--thread 3", "nearest: '--threads'"},
        {"--zzzzzzzz", "unknown option '--zzzzzzzz' ('petrel-roi --help' lists them)"},
        {"--litera", "unknown option '--litera' ('petrel-roi"}, /* hidden ones are not given away */
        {"--set stem_strde=3", "nearest: '--stem-stride'"},
        {"--set stem_stride", "has no '='"},
        {"--set recipe=x", "unknown option 'recipe"},
        {"--set", "wants a value (--set KEY=VALUE)"},
        {"-x", "unknown option '-x'"},
        {"-stem-stride 3", "unknown option '-stem-stride' (nearest: '--stem-stride'"},
        {"--no-stem-stride", "unknown option '--no-stem-stride'"},
        {"--stem-stride", "wants a value (--stem-stride N)"},
        {"--stem-stride two", "'stem-stride' is 'two' (a number)"},
        {"--stem-stride 3x", "(a number)"},
        {"--stem-stride=", "(a number)"},
        {"--stem-stride nan", "(a number)"},
        {"--stem-stride inf", "(a number)"},
        {"--stem-stride 10.5", "'stem-stride' is 10.5 (at least 0.1, at most 10)"},
        {"--factor -1", "'factor' is -1 (at least 0)"},
        {"-j 0", "'j' is 0 (at least 1, at most 64)"},
        {"-j 2.5", "'j' is '2.5' (a whole number)"},
        {"-j 99999999999999999999", "(a whole number)"},
        {"--seed -1", "at least 0"},
        {"--method FCM", "'method' is 'FCM' (one of fcm|fixed)"},
        {"--method fc", "(one of fcm|fixed)"},
        {"--method fcm|fixed", "(one of fcm|fixed)"},
        {"--position=maybe", "'position' is 'maybe' (yes or no)"},
        {"--spacing 1,2,", "(numbers with commas between them"},
        {"--spacing 1;2", "(numbers with commas"},
        {"--spacing 1,2,3,4,5,6,7,8,9", "(at most 8 numbers)"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        wrong(bad[i].words, EX_USAGE, bad[i].sentence);
    enum { MOST = COUNT_OF(((struct opt_strings *)0)->value) };
    static char many[8 * (MOST + 1) + 1], says[40];
    for (int i = 0; i < MOST + 1; i++)
        strcat(many, "--op a ");
    format_into(says, sizeof says, "more than %d times", MOST);
    wrong(many, EX_USAGE, says);
}

static void recipes(void **state)
{
    (void)state;
    struct fixture f;
    char words[500];
    char *path = recipe("# all of it\nseed = 7\n\r\n  stem_stride=0.5  # half\r\n"
                        "note = a#b c # d\nposition = off\nop = p\nop = q\nspacing = 1,2");
    format_into(words, sizeof words, "--stem-stride 4 --recipe %s --op z", path);
    fine(&f, words);
    assert_true(f.v.stride == 4); /* the command line wins although it stands before */
    assert_int_equal(f.o.common.seed, 7);
    assert_string_equal(f.v.note, "a#b c");
    assert_true(!f.v.position);
    assert_string_equal(f.v.method, "fcm");
    assert_int_equal(f.v.spacing.count, 2);
    assert_int_equal(f.v.ops.count, 1);
    assert_string_equal(f.v.ops.value[0], "z");
    assert_string_equal(f.o.common.recipe, path);
    format_into(words, sizeof words, "--recipe=%s", path);
    fine(&f, words);
    assert_true(f.v.stride == 0.5);
    assert_int_equal(f.v.ops.count, 2);

    static const struct {
        const char *text, *sentence;
    } bad[] = {
        {"seed = 1\nstem_strde = 3\n", "a.conf' line 2: unknown key 'stem_strde' (nearest: 'stem_stride'"},
        {"#\n\nmetod = 3\n", "a.conf' line 3: unknown key 'metod' (nearest: 'method'"},
        {"literl = 3\n", "nearest: 'literal'"}, /* hidden here, another program's */
        {"zzzzzzzz = 3\n", "line 1: unknown key 'zzzzzzzz' ('petrel-roi --help' lists them)"},
        {"in = x\n", "'in' is no recipe key (give --in on the command line)"},
        {"stem_stride = 99\n", "line 1: 'stem-stride' is 99 (at least 0.1, at most 10)"},
        {"stem_stride\n", "line 1: no '=' in 'stem_stride'"},
        {"stem_stride =\n", "(a number)"},
        {"Stem = 1\n", "'Stem' is no key"},
        {"stem-stride = 1\n", "'stem-stride' is no key"},
        {"= 1\n", "'' is no key"},
        {"roi.crop = 1\n", "'roi.crop' is no key"},
        {"[roi]\n", "no '=' in '[roi]'"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        free(recipe(bad[i].text));
        wrong(words, EX_CONFIG, bad[i].sentence);
    }
    struct error e = {0};
    assert_int_equal(publish_bytes(path, "seed = 1\n\0", 10, &e), 0);
    wrong(words, EX_CONFIG, "NUL byte");
    wrong("--recipe /none/at/all", EX_NOINPUT, "cannot open '/none/at/all'");
    free(path);
}

static int note_line(void *context, const char *key, const char *value, struct error *e)
{
    (void)e;
    char *all = context;
    strcat(strcat(strcat(strcat(all, key), "="), value), ";");
    return 0;
}

static void config_lines(void **state)
{
    (void)state;
    char *path = recipe("a=1\n#b = 2\n c\t= 3 4 \t# five\nd = #\ne = x#y\nf = 1=2\n\n"), all[200] = "";
    struct error e = {0};
    assert_int_equal(config_read(path, note_line, all, &e), 0);
    assert_string_equal(all, "a=1;c=3 4;d=;e=x#y;f=1=2;");
    free(path);
}

static void values_round_trip(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } known[] = {{0.3, "0.3"},
                 {0, "0"},
                 {100, "100"},
                 {-1.5, "-1.5"},
                 {2.036, "2.036"},
                 {1e-6, "1e-06"},
                 {1e300, "1e+300"},
                 {1000000, "1000000"},
                 {1.0 / 3, "0.3333333333333333"}};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        double value = known[i].value;
        struct option row = {.name = "x", .kind = OPT_REAL, .value = &value};
        char *text = opts_value(&row);
        assert_string_equal(text, known[i].text);
        free(text);
    }
    static const double hard[] = {0.1 + 0.2, DBL_MAX, DBL_MIN, DBL_EPSILON, 123456789.123456789, 5e-324, 65536, -0.7};
    for (size_t i = 0; i < COUNT_OF(hard); i++) {
        double value = hard[i];
        struct option row = {.name = "x", .kind = OPT_REAL, .value = &value};
        char *text = opts_value(&row);
        assert_true(strtod(text, NULL) == hard[i]);
        free(text);
    }
}

/* A run record read back as a recipe gives the same settings. */
static void records_are_recipes(void **state)
{
    (void)state;
    struct fixture first, second;
    fine(&first,
         "--stem-stride 0.7 --crop 12 --method fixed --no-position --spacing 1.5,0.1 --op a --op b --seed 5 --in c");
    char *path = path_join(dir, "record.conf"), words[500];
    for (int all = 0; all <= 1; all++) {
        FILE *to = fopen(path, "w");
        opts_write(&first.o, all, to);
        fclose(to);
        struct buffer b;
        struct error e = {0};
        assert_int_equal(file_read(path, 10000, &b, &e), 0);
        assert_true((strstr((char *)b.data, "\nin = c\n") != NULL) == all);
        assert_says((char *)b.data, "# note is not set\n");
        assert_says((char *)b.data, "stem_stride = 0.7\n");
        buffer_free(&b);
        if (!all) {
            format_into(words, sizeof words, "--recipe %s", path);
            fine(&second, words);
            assert_true(second.v.stride == 0.7 && !second.v.position && second.v.spacing.value[1] == 0.1);
            assert_int_equal(second.v.crop, 12);
            assert_int_equal(second.o.common.seed, 5);
            assert_string_equal(second.v.method, "fixed");
            assert_int_equal(second.v.ops.count, 2);
        }
    }
    char *ops = opts_value(&first.table[10]), *spacing = opts_value(&first.table[9]);
    assert_string_equal(ops, "a,b");
    assert_string_equal(spacing, "1.5,0.1");
    free(ops);
    free(spacing);
    free(path);
}

static void say_help(void *context)
{
    struct fixture f;
    fixture_make(&f);
    f.o.epilogue = context;
    parse(&f, "--stem-stride 0.7 --help");
    _exit(99);
}

static void say_version(void *context)
{
    (void)context;
    struct fixture f;
    fixture_make(&f);
    parse(&f, "--version");
    _exit(99);
}

static void help_and_version(void **state)
{
    (void)state;
    char text[8000];
    assert_int_equal(child_run(say_help, NULL, text, sizeof text), 0);
    assert_says(text, "Usage: petrel-roi [options] --in volumes\npetrel-roi finds regions.\n");
    assert_says(text, "  --stem-stride N             stride of the stem, voxels (0.7)\n"); /* live */
    assert_says(text, "  -j N                        workers (4)\n");
    assert_says(text, "\nRegions:\n  --method fcm|fixed          how regions are found (fcm)\n  --[no-]position ");
    assert_says(text, "\nCropping:\n  --crop N ");
    assert_says(text, "(2.036,2.036,3)\n");
    assert_says(text, "--recipe FILE");
    assert_says(text, "\nExit codes:\n");
    assert_null(strstr(text, "literal"));
    char *first = strstr(text, "\nOptions:\n");
    assert_non_null(first);
    assert_null(strstr(first + 1, "\nOptions:\n"));
    assert_int_equal(child_run(say_help, "Exit codes: 0 only.", text, sizeof text), 0);
    assert_says(text, "\nExit codes: 0 only.\n");
    assert_null(strstr(text, "Exit codes:\n"));
    assert_int_equal(child_run(say_version, NULL, text, sizeof text), 0);
    char *expected = xprintf("petrel-roi %s\n", program_version());
    assert_string_equal(text, expected);
    free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_set_values), cmocka_unit_test(wrong_words),       cmocka_unit_test(recipes),
        cmocka_unit_test(config_lines),     cmocka_unit_test(values_round_trip), cmocka_unit_test(records_are_recipes),
        cmocka_unit_test(help_and_version),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
