/* SPDX-License-Identifier: Apache-2.0 */
/* opts -- one table of options: parsing words and recipes.   common
 * What it prints (help, run records) is in opts_text.c. */
#include "common/opts.h"

#include "common/config.h"
#include "common/log.h"
#include "common/memory_json.h"
#include "common/opts_table.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The words are gone through twice: first recipes alone are looked for and read, then everything is set; so the
 * command line wins over a recipe wherever it stands. */
struct parse {
    struct opts *o;
    struct option common[OPTS_COMMON];
    bool *given; /* a row each: by this recipe or this line; the first of OPT_STRINGS replaces what was there */
    bool apply;  /* the second time */
    struct error *e;
};

void opts_common_rows(const struct opts *o, struct option common[OPTS_COMMON])
{
    struct opts_common *c = (struct opts_common *)(uintptr_t)&o->common; /* rows are read-write, help only reads */
    const char *group = "Every program";
    const struct option rows[OPTS_COMMON] = {
        {"recipe", OPT_STRING, &c->recipe, "FILE", 0, 0,
         "settings from FILE, 'key = value' a line; the command line wins over it", 0, group},
        {"seed", OPT_INT, &c->seed, "N", 0, 9e15, "where all random numbers come from", OPT_RECIPE, group},
        {"threads", OPT_INT, &c->threads, "N", 0, 4096, "threads to use; 0: one a core", 0, group},
        {"quiet", OPT_FLAG, &c->quiet, NULL, 0, 0, "say only warnings and errors", 0, group},
        {"json", OPT_FLAG, &c->json, NULL, 0, 0, "messages as JSON lines", 0, group},
    };
    memcpy(common, rows, sizeof rows);
}

/* Row i of the program's own options followed by those of every program. */
const struct option *opts_row(const struct opts *o, const struct option *common, size_t i)
{
    return i < o->count ? &o->table[i] : &common[i - o->count];
}

/* Values outlive the recipe they were read from; reachable to the end, so no leak checker minds. */
static void *keep(void *memory)
{
    static void **kept;
    static size_t count;
    kept = xresize(kept, count + 1, sizeof *kept);
    return kept[count++] = memory;
}

/* ---- finding names ---- */

static const struct option *row_at(const struct parse *p, size_t i)
{
    return opts_row(p->o, p->common, i);
}

static bool same_name(const char *a, size_t length, const char *b)
{
    for (size_t i = 0; i < length; i++, b++)
        if (!*b || (a[i] == '_' ? '-' : a[i]) != (*b == '_' ? '-' : *b))
            return false;
    return !*b;
}

/* Row called `name` ('-' and '_' alike), or SIZE_MAX. */
static size_t find_row(const struct parse *p, const char *name, size_t length)
{
    for (size_t i = 0; i < p->o->count + OPTS_COMMON; i++)
        if (same_name(name, length, row_at(p, i)->name))
            return i;
    return SIZE_MAX;
}

/* As find_row, of a recipe's key: a program may have an option of its own that is called like a key of another's. */
static size_t find_key(const struct parse *p, const char *name, size_t length)
{
    for (size_t i = 0; i < p->o->count + OPTS_COMMON; i++)
        if ((row_at(p, i)->flags & OPT_RECIPE) && same_name(name, length, row_at(p, i)->name))
            return i;
    return find_row(p, name, length);
}

enum { NAME_MAX_LETTERS = 63 };

/* Letters to insert, delete, change, or swap with their neighbour to make one word of the other. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), row[3][NAME_MAX_LETTERS + 1];
    if (n > NAME_MAX_LETTERS || m > NAME_MAX_LETTERS)
        return NAME_MAX_LETTERS;
    for (size_t j = 0; j <= m; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[i % 3], *before = row[(i + 2) % 3], *two_before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            char x = a[i - 1] == '_' ? '-' : a[i - 1], y = b[j - 1] == '_' ? '-' : b[j - 1];
            size_t least = before[j - 1] + (x != y);
            if (before[j] + 1 < least)
                least = before[j] + 1;
            if (now[j - 1] + 1 < least)
                least = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two_before[j - 2] + 1 < least)
                least = two_before[j - 2] + 1;
            now[j] = least;
        }
    }
    return row[n % 3][m];
}

/* The row whose name is nearest; NULL where none is at all like it. A recipe serves several programs, so there the
 * keys that are another's, and hidden here, count too. */
static const struct option *nearest_row(const struct parse *p, const char *name, bool in_recipe)
{
    const struct option *nearest = NULL;
    size_t least = strlen(name) / 3 + 2;
    for (size_t i = 0; i < p->o->count + OPTS_COMMON; i++) {
        const struct option *row = row_at(p, i);
        if (in_recipe ? !(row->flags & OPT_RECIPE) : row->flags & OPT_HIDDEN)
            continue;
        size_t distance = edit_distance(name, row->name);
        /* "stride" for "stem-stride": a part of the name remembered */
        if (strlen(name) >= 4 && strstr(row->name, name) && distance >= least)
            distance = least - 1;
        if (distance < least) {
            least = distance;
            nearest = row;
        }
    }
    return nearest;
}

/* ---- values ---- */

static bool read_flag(const char *text, bool *value)
{
    static const char *const word[2][4] = {{"no", "false", "0", "off"}, {"yes", "true", "1", "on"}};
    for (size_t truth = 0; truth < 2; truth++)
        for (size_t i = 0; i < COUNT_OF(word[truth]); i++)
            if (strcmp(text, word[truth][i]) == 0) {
                *value = truth;
                return true;
            }
    return false;
}

static bool read_real(const char *text, char **end, double *value)
{
    if (*text == ' ' || !*text)
        return false;
    *value = strtod(text, end);
    return *end != text && isfinite(*value);
}

static bool in_range(const struct option *row, double value)
{
    return (row->low == 0 && row->high == 0) || (value >= row->low && value <= row->high);
}

static int fail_range(const struct option *row, const char *text, struct error *e)
{
    char *low = opts_real(row->low), *high = opts_real(row->high);
    if (isinf(row->high))
        fail_as(e, EX_USAGE, "'%s' is %s (at least %s)", row->name, text, low);
    else
        fail_as(e, EX_USAGE, "'%s' is %s (at least %s, at most %s)", row->name, text, low, high);
    free(low);
    free(high);
    return -1;
}

static int set_choice(const struct option *row, const char *text, struct error *e)
{
    size_t length = strlen(text);
    for (const char *c = row->argument; c && *c;) {
        size_t choice = strcspn(c, "|");
        if (choice == length && memcmp(c, text, length) == 0) {
            *(const char **)row->value = keep(xstrdup(text));
            return 0;
        }
        c += choice + (c[choice] == '|');
    }
    return fail_as(e, EX_USAGE, "'%s' is '%s' (one of %s)", row->name, text, row->argument);
}

static int set_reals(const struct option *row, const char *text, struct error *e)
{
    struct opt_reals read = {0};
    if (strcmp(text, "none") == 0) {
        *(struct opt_reals *)row->value = read;
        return 0;
    }
    for (const char *c = text;;) {
        char *end;
        if (read.count == COUNT_OF(read.value))
            return fail_as(e, EX_USAGE, "'%s' is '%s' (at most %zu numbers)", row->name, text, COUNT_OF(read.value));
        if (!read_real(c, &end, &read.value[read.count++]) || (*end && *end != ','))
            return fail_as(e, EX_USAGE, "'%s' is '%s' (numbers with commas between them, such as 2.036,2.036,3)",
                           row->name, text);
        if (!in_range(row, read.value[read.count - 1]))
            return fail_range(row, text, e);
        if (!*end)
            break;
        c = end + 1;
    }
    *(struct opt_reals *)row->value = read;
    return 0;
}

/* first: nothing was given by this source before. */
static int set_value(const struct option *row, const char *text, bool first, struct error *e)
{
    char *end;
    switch (row->kind) {
    case OPT_FLAG:
        if (!read_flag(text, row->value))
            return fail_as(e, EX_USAGE, "'%s' is '%s' (yes or no)", row->name, text);
        return 0;
    case OPT_INT: {
        errno = 0;
        long long value = strtoll(text, &end, 10);
        if (!*text || *text == ' ' || *end || errno)
            return fail_as(e, EX_USAGE, "'%s' is '%s' (a whole number)", row->name, text);
        if (!in_range(row, (double)value))
            return fail_range(row, text, e);
        *(int64_t *)row->value = value;
        return 0;
    }
    case OPT_REAL: {
        double value;
        if (!read_real(text, &end, &value) || *end)
            return fail_as(e, EX_USAGE, "'%s' is '%s' (a number)", row->name, text);
        if (!in_range(row, value))
            return fail_range(row, text, e);
        *(double *)row->value = value;
        return 0;
    }
    case OPT_REALS: return set_reals(row, text, e);
    case OPT_STRING: *(const char **)row->value = keep(xstrdup(text)); return 0;
    case OPT_STRINGS: {
        struct opt_strings *list = row->value;
        if (first)
            list->count = 0;
        if (list->count == COUNT_OF(list->value))
            return fail_as(e, EX_USAGE, "'%s' is given more than %zu times", row->name, COUNT_OF(list->value));
        list->value[list->count++] = keep(xstrdup(text));
        return 0;
    }
    case OPT_CHOICE: return set_choice(row, text, e);
    }
    assert(!"an option of no kind");
    return -1;
}

int opt_set(const struct option *option, const char *text, struct error *e)
{
    return set_value(option, text, true, e);
}

static int give(struct parse *p, size_t i, const char *text, struct error *e)
{
    if (!p->apply)
        return 0;
    bool first = !p->given[i];
    p->given[i] = true;
    return set_value(row_at(p, i), text, first, e);
}

/* ---- recipes ---- */

static int recipe_line(void *context, const char *key, const char *value, struct error *e)
{
    struct parse *p = context;
    size_t i = find_key(p, key, strlen(key));
    if (i == SIZE_MAX) {
        const struct option *like = nearest_row(p, key, true);
        char *hint = like ? opts_key(like) : NULL;
        fail_as(e, EX_CONFIG, "unknown key '%s' (%s%s%s'%s --help' lists them)", key, hint ? "nearest: '" : "",
                hint ? hint : "", hint ? "'; " : "", p->o->program);
        free(hint);
        return -1;
    }
    if (!(row_at(p, i)->flags & OPT_RECIPE))
        return fail_as(e, EX_CONFIG, "'%s' is no recipe key (give --%s on the command line)", key, row_at(p, i)->name);
    if (give(p, i, value, e)) {
        if (e)
            e->code = EX_CONFIG;
        return -1;
    }
    return 0;
}

/* ---- words ---- */

static int fail_unknown(const struct parse *p, const char *word, const char *name, size_t length)
{
    char plain[NAME_MAX_LETTERS + 1];
    snprintf(plain, sizeof plain, "%.*s", (int)(length < sizeof plain ? length : sizeof plain - 1), name);
    const struct option *like = nearest_row(p, plain, false);
    return fail_as(p->e, EX_USAGE, "unknown option '%s' (%s%s%s'%s --help' lists them)", word,
                   like ? "nearest: '--" : "", like ? like->name : "", like ? "'; " : "", p->o->program);
}

/* --set KEY=VALUE */
static int set_pair(struct parse *p, const char *pair)
{
    const char *equals = strchr(pair, '=');
    if (!equals)
        return fail_as(p->e, EX_USAGE, "--set '%s' has no '=' (write --set key=value)", pair);
    size_t length = (size_t)(equals - pair), i = find_key(p, pair, length);
    if (i == SIZE_MAX || row_at(p, i)->value == &p->o->common.recipe)
        return fail_unknown(p, pair, pair, length);
    return give(p, i, equals + 1, p->e);
}

/* An option word and, if it takes one, its value: *next is the index of the word after it. */
static int read_option(struct parse *p, int argc, char **argv, int at, int *next)
{
    const char *word = argv[at], *name = word + (word[1] == '-' ? 2 : 1);
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    *next = at + 1;

    static const struct {
        const char *name;
        void (*print)(const struct opts *o, FILE *to);
    } help[] = {{"help", opts_help}, {"help-man", opts_man}, {"options", opts_list}};
    for (size_t i = 0; i < COUNT_OF(help); i++)
        if (same_name(name, length, help[i].name) || (i == 0 && strcmp(word, "-h") == 0)) {
            if (p->apply) {
                help[i].print(p->o, stdout);
                exit(fflush(stdout) ? EX_IOERR : EX_OK);
            }
            return 0;
        }
    if (same_name(name, length, "version")) {
        if (p->apply) {
            printf("%s %s\n", p->o->program, program_version());
            exit(fflush(stdout) ? EX_IOERR : EX_OK);
        }
        return 0;
    }
    bool is_set = same_name(name, length, "set");
    size_t i = is_set ? SIZE_MAX : find_row(p, name, length);
    if (!is_set && i == SIZE_MAX && !value && length > 3 && memcmp(name, "no-", 3) == 0) {
        i = find_row(p, name + 3, length - 3);
        if (i != SIZE_MAX && row_at(p, i)->kind == OPT_FLAG)
            return give(p, i, "no", p->e);
        i = SIZE_MAX;
    }
    /* one dash is for one letter: "-j" but not "-jobs" */
    if ((!is_set && i == SIZE_MAX) || (word[1] != '-' && length != 1))
        return fail_unknown(p, word, name, length);
    if (!is_set && !value && row_at(p, i)->kind == OPT_FLAG)
        return give(p, i, "yes", p->e);
    if (!value) {
        if (at + 1 >= argc)
            return fail_as(p->e, EX_USAGE, "'%s' wants a value (%s %s)", word, word,
                           is_set ? "KEY=VALUE" : row_at(p, i)->argument);
        value = argv[at + 1];
        *next = at + 2;
    }
    if (is_set)
        return set_pair(p, value);
    /* recipes are read while the others are only looked at */
    if (row_at(p, i)->value == &p->o->common.recipe && !p->apply) {
        p->o->common.recipe = value;
        p->apply = true;
        memset(p->given, 0, (p->o->count + OPTS_COMMON) * sizeof *p->given);
        int result = config_read(value, recipe_line, p, p->e);
        p->apply = false;
        return result ? fail_in(p->e, "cannot use recipe") : 0;
    }
    return give(p, i, value, p->e);
}

static int read_words(struct parse *p, int argc, char **argv)
{
    struct opts *o = p->o;
    bool options_end = false;
    o->rest_count = 0;
    for (int at = 1; at < argc;) {
        const char *word = argv[at];
        if (options_end || word[0] != '-' || !word[1]) {
            o->rest[o->rest_count++] = argv[at++];
        } else if (strcmp(word, "--") == 0) {
            options_end = true;
            at++;
        } else if (read_option(p, argc, argv, at, &at)) {
            return -1;
        }
    }
    return 0;
}

/* Results that did not reach whoever wanted them are a failure, however well the rest went: a full disk behind stdout. */
static void stdout_check(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    fprintf(stderr, "%s: cannot write to stdout: %s\n", program_name(), errno ? strerror(errno) : "it failed earlier");
    _exit(EX_IOERR);
}

int opts_parse(struct opts *o, int argc, char **argv, struct error *e)
{
    static bool checked;
    program_name_set(o->program);
    json_memory_or_die();
    if (!checked) /* first, so that it comes last */
        checked = atexit(stdout_check) == 0;
    if (o->common.seed == 0)
        o->common.seed = 1;
    o->rest = keep(xalloc((size_t)argc, sizeof *o->rest));
    struct parse p = {.o = o, .given = xalloc(o->count + OPTS_COMMON, sizeof *p.given), .e = e};
    opts_common_rows(o, p.common);
    int result = read_words(&p, argc, argv);
    if (!result) {
        memset(p.given, 0, (o->count + OPTS_COMMON) * sizeof *p.given);
        p.apply = true;
        result = read_words(&p, argc, argv);
    }
    for (size_t i = 0; i < o->count; i++)
        if (p.given[i])
            o->table[i].flags |= OPT_GIVEN;
    free(p.given);
    if (!result)
        log_open(o->common.quiet, o->common.json);
    return result;
}
