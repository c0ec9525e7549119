/* SPDX-License-Identifier: Apache-2.0 */
/* opts_text -- what a table of options prints: --help, values, run records.   common */
#include "common/opts_table.h"

#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 30, HELP_WIDTH = 100 };

const char *const opts_exit_codes =
    "Exit codes:\n"
    "  0 all went well    64 usage    65 an input was refused (the others went well)\n"
    "  66 no such input   69 something is not available here   70 a fault of this program\n"
    "  71 the system refused memory or a thread    73, 74 cannot write, cannot read\n"
    "  75 stopped by a signal after saving: run it again to go on    78 a bad recipe\n";

char *opts_key(const struct option *row)
{
    char *key = xstrdup(row->name);
    for (char *c = key; *c; c++)
        if (*c == '-')
            *c = '_';
    return key;
}

char *opts_real(double value)
{
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        format_into(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    /* 1e+02 is as short as 100 but not as plain */
    char plain[40];
    if (strchr(text, 'e') && value > -1e7 && value < 1e7) {
        format_into(plain, sizeof plain, "%.17g", value);
        if (!strpbrk(plain, "e."))
            return xstrdup(plain);
    }
    return xstrdup(text);
}

char *opts_value(const struct option *option)
{
    switch (option->kind) {
    case OPT_FLAG: return xstrdup(*(const bool *)option->value ? "yes" : "no");
    case OPT_INT: return xprintf("%lld", (long long)*(const int64_t *)option->value);
    case OPT_REAL: return opts_real(*(const double *)option->value);
    case OPT_STRING:
    case OPT_CHOICE: {
        const char *text = *(const char *const *)option->value;
        return xstrdup(text ? text : "");
    }
    case OPT_REALS: {
        const struct opt_reals *list = option->value;
        char *text = xstrdup(list->count ? "" : "none");
        for (size_t i = 0; i < list->count; i++) {
            char *one = opts_real(list->value[i]), *longer = xprintf("%s%s%s", text, i ? "," : "", one);
            free(one);
            free(text);
            text = longer;
        }
        return text;
    }
    case OPT_STRINGS: {
        const struct opt_strings *list = option->value;
        char *text = xstrdup("");
        for (size_t i = 0; i < list->count; i++) {
            char *longer = xprintf("%s%s%s", text, i ? "," : "", list->value[i]);
            free(text);
            text = longer;
        }
        return text;
    }
    }
    return xstrdup("");
}

/* ---- run records ---- */

void opts_write(const struct opts *o, bool all, FILE *to)
{
    struct option common[OPTS_COMMON];
    opts_common_rows(o, common);
    for (size_t i = 0; i < o->count + OPTS_COMMON; i++) {
        const struct option *row = opts_row(o, common, i);
        if (!all && !(row->flags & OPT_RECIPE))
            continue;
        char *key = opts_key(row), *value = opts_value(row);
        if (row->kind == OPT_STRINGS) {
            const struct opt_strings *list = row->value;
            for (size_t s = 0; s < list->count; s++)
                fprintf(to, "%s = %s\n", key, list->value[s]);
        } else if (row->kind != OPT_FLAG && !*value) {
            fprintf(to, "# %s is not set\n", key);
        } else {
            fprintf(to, "%s = %s\n", key, value);
        }
        free(key);
        free(value);
    }
}

/* ---- help ---- */

/* Words from column `column` on, wrapped, with the later lines indented alike. */
static void put_wrapped(FILE *to, const char *text, size_t column, size_t indent)
{
    for (const char *c = text; *(c += strspn(c, " "));) {
        size_t length = strcspn(c, " ");
        if (column > indent && column + 1 + length > HELP_WIDTH) {
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', to);
            column++;
        }
        fwrite(c, 1, length, to);
        column += length;
        c += length;
    }
    fputc('\n', to);
}

static void put_row(FILE *to, const struct option *row)
{
    const char *dashes = row->name[1] ? "--" : "-";
    char *left = row->kind == OPT_FLAG
                     ? xprintf("  %s%s%s", dashes, row->name[1] ? "[no-]" : "", row->name)
                     : xprintf("  %s%s %s", dashes, row->name, row->argument ? row->argument : "VALUE");
    char *value = opts_value(row);
    char *right = *value ? xprintf("%s (%s)", row->help, value)
                         : xprintf("%s%s", row->help, row->kind == OPT_STRINGS ? " (may be repeated)" : "");
    fputs(left, to);
    size_t column = strlen(left);
    if (column + 2 > HELP_COLUMN) {
        fputc('\n', to);
        column = 0;
    }
    fprintf(to, "%*s", (int)(HELP_COLUMN - column), "");
    put_wrapped(to, right, HELP_COLUMN, HELP_COLUMN);
    free(left);
    free(value);
    free(right);
}

const char *opts_group(const struct option *row)
{
    return row->group ? row->group : "Options";
}

bool opts_heads_group(const struct opts *o, const struct option *common, size_t i)
{
    const struct option *first = opts_row(o, common, i);
    bool headed = first->flags & OPT_HIDDEN;
    for (size_t before = 0; before < i && !headed; before++) {
        const struct option *row = opts_row(o, common, before);
        headed = !(row->flags & OPT_HIDDEN) && strcmp(opts_group(row), opts_group(first)) == 0;
    }
    return !headed;
}

bool opts_wants_exit_codes(const struct opts *o)
{
    return !o->epilogue || !strcasestr(o->epilogue, "exit code");
}

void opts_help(const struct opts *o, FILE *to)
{
    struct option common[OPTS_COMMON];
    opts_common_rows(o, common);
    size_t count = o->count + OPTS_COMMON;
    fprintf(to, "Usage: %s %s\n%s %s.\n", o->program, o->usage, o->program, o->purpose);
    for (size_t i = 0; i < count; i++) {
        const struct option *first = opts_row(o, common, i);
        if (!opts_heads_group(o, common, i))
            continue;
        fprintf(to, "\n%s:\n", opts_group(first));
        for (size_t j = i; j < count; j++) {
            const struct option *row = opts_row(o, common, j);
            if (!(row->flags & OPT_HIDDEN) && strcmp(opts_group(row), opts_group(first)) == 0)
                put_row(to, row);
        }
    }
    fprintf(to, "  %-*s%s\n", HELP_COLUMN - 2, "--set KEY=VALUE", "any option above, by its recipe key");
    fprintf(to, "  %-*s%s\n", HELP_COLUMN - 2, "--help, --version", "this text; the version");
    if (o->epilogue && *o->epilogue)
        fprintf(to, "\n%s%s", o->epilogue, o->epilogue[strlen(o->epilogue) - 1] == '\n' ? "" : "\n");
    if (opts_wants_exit_codes(o))
        fprintf(to, "\n%s", opts_exit_codes);
}
