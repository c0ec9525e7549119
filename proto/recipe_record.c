/* SPDX-License-Identifier: Apache-2.0 */
/* recipe_record -- with which settings something was made, as a line of text.   proto */
#include "common/file.h"
#include "proto/recipe_internal.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Raise a generation when the same settings come to give other numbers: what was made before is then refused by name. */
static const struct generation {
    unsigned group;
    const char *name, *again; /* how to make it anew */
    int number;
} generations[] = {
    {RECIPE_SUV, "suv", "run rois again into an empty directory", 1},
    {RECIPE_CHANNELS, "channels", "run rois again into an empty directory", 1},
    {RECIPE_REGIONS, "regions", "run rois again into an empty directory", 4},
    {RECIPE_BOXES, "boxes", "train again", 1},
    {RECIPE_NETWORK, "network", "train again", 1},
    {RECIPE_SAMPLING, "sampling", "train again", 1},
    {RECIPE_AUGMENT, "augment", "train again", 1},
    {RECIPE_PRETRAIN, "pretrain", "train again", 1},
    {RECIPE_CLASSIFIER, "classifier", "train again", 1},
};

/* *text becomes *text followed by what is printed; takes no NULL. */
static void append(char **text, const char *space, const char *key, const char *sign, const char *value)
{
    char *longer = xprintf("%s%s%s%s%s", *text, **text ? space : "", key, sign, value);
    free(*text);
    *text = longer;
}

char *recipe_record(const struct recipe *r, unsigned groups)
{
    struct recipe plain;
    size_t count;
    const struct recipe_row *row = recipe_rows(&count);
    char *text = xstrdup(""), number[16];
    recipe_defaults(&plain);
    for (size_t i = 0; i < COUNT_OF(generations); i++)
        if (generations[i].group & groups) {
            format_into(number, sizeof number, "%d", generations[i].number);
            append(&text, " ", generations[i].name, "/", number);
        }
    for (size_t i = 0; i < count; i++) {
        if (!(row[i].groups & groups))
            continue;
        char *value = recipe_value(&row[i], r), *usual = recipe_value(&row[i], &plain);
        assert(!strchr(value, ' ')); /* of the groups that records are made of, none takes one: opts refuses it */
        if (strcmp(value, usual) != 0)
            append(&text, " ", row[i].key, "=", value);
        free(value);
        free(usual);
    }
    return text;
}

uint64_t recipe_digest(const struct recipe *r, unsigned groups)
{
    char *record = recipe_record(r, groups);
    uint64_t digest = bytes_xxh3(record, strlen(record));
    free(record);
    return digest;
}

/* ---- reading one ---- */

static const struct recipe_row *row_named(const char *key)
{
    size_t count;
    const struct recipe_row *row = recipe_rows(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(row[i].key, key) == 0)
            return &row[i];
    return NULL;
}

/* "regions/1": of a group that is asked for, it has to be this version's. */
static int generation_check(const char *word, char *slash, unsigned groups, struct error *e)
{
    *slash = '\0';
    for (size_t i = 0; i < COUNT_OF(generations); i++)
        if (strcmp(generations[i].name, word) == 0) {
            if (!(generations[i].group & groups) || atoi(slash + 1) == generations[i].number)
                return 0;
            return fail_as(e, EX_CONFIG,
                           "it was made by generation %s of the rules for %s, this version (%s) has %d: %s", slash + 1,
                           word, program_version(), generations[i].number, generations[i].again);
        }
    return fail_as(e, EX_CONFIG, "it names '%s', which this version (%s) does not know", word, program_version());
}

/* The record's values of these groups over *r's. */
static int record_read(const char *record, unsigned groups, struct recipe *r, struct error *e)
{
    char *copy = xstrdup(record), *rest = copy, *word;
    int result = 0;
    while (result == 0 && (word = strsep(&rest, " ")) != NULL) {
        char *equals = strchr(word, '='), *slash = strchr(word, '/');
        const struct recipe_row *row = NULL;
        if (equals) {
            *equals = '\0';
            row = row_named(word);
        }
        if (row)
            result = row->groups & groups ? recipe_set(row, r, equals + 1, e) : 0;
        else if (!equals && slash)
            result = generation_check(word, slash, groups, e);
        else if (*word)
            result = fail_as(e, EX_CONFIG, "it names the setting '%s', which this version (%s) does not know", word,
                             program_version());
    }
    free(copy);
    return result;
}

int record_compare(const char *there, const char *here, char *what, size_t size)
{
    struct recipe a, b;
    struct error e = {0};
    size_t count, differ = 0, used = 0;
    const struct recipe_row *row = recipe_rows(&count);
    recipe_defaults(&a);
    recipe_defaults(&b);
    *what = '\0';
    if (!*there) {
        format_into(what, size,
                    "it was made by version 0.1, which did not say with what: run rois again into an empty directory");
        return 1;
    }
    if (record_read(there, RECIPE_ALL, &a, &e) || record_read(here, RECIPE_ALL, &b, &e)) {
        format_into(what, size, "%s", e.text);
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        char *was = recipe_value(&row[i], &a), *is = recipe_value(&row[i], &b);
        if (strcmp(was, is) != 0 && used < size) {
            int wrote = snprintf(what + used, size - used, "%s%s = %s there, %s here", differ++ ? "; " : "", row[i].key,
                                 was, is);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
        free(was);
        free(is);
    }
    return differ > 0;
}

/* Was it said on the command line? */
static bool was_given(const struct recipe_row *row, const struct option *given, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        if (strcmp(given[i].name, row->option) == 0)
            return given[i].flags & OPT_GIVEN;
    return false;
}

int record_adopt(struct recipe *r, const char *record, unsigned groups, const struct option *given, size_t rows,
                 const char *whose, struct error *e)
{
    struct recipe plain, theirs = *r;
    size_t count;
    const struct recipe_row *row = recipe_rows(&count);
    int result = 0;
    recipe_defaults(&plain);
    for (size_t i = 0; i < count; i++)
        if (row[i].groups & groups) {
            char *usual = recipe_value(&row[i], &plain);
            result = result ? result : recipe_set(&row[i], &theirs, usual, e);
            free(usual);
        }
    if (result || record_read(record, groups, &theirs, e))
        return fail_in(e, "cannot use %s", whose);
    for (size_t i = 0; i < count && result == 0; i++) {
        if (!(row[i].groups & groups))
            continue;
        char *is = recipe_value(&row[i], r), *was = recipe_value(&row[i], &theirs),
             *usual = recipe_value(&row[i], &plain);
        if (strcmp(is, was) != 0 && (strcmp(is, usual) != 0 || was_given(&row[i], given, rows)))
            result =
                fail_as(e, EX_CONFIG, "%s was made with %s = %s, but %s is asked for: leave %s out, or make it anew",
                        whose, row[i].key, was, is, row[i].key);
        free(is);
        free(was);
        free(usual);
    }
    if (result == 0)
        *r = theirs;
    return result;
}
