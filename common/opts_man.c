/* SPDX-License-Identifier: Apache-2.0 */
/* opts_man -- what machines ask of a table of options: the man page, and a list.   common */
#include "common/opts_table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Text as roff prints it: no letter of it is a request, a hyphen is the one people type. */
static void put_plain(FILE *to, const char *text)
{
    bool begins = true;
    for (const char *c = text; *c; c++) {
        if (begins && (*c == '.' || *c == '\''))
            fputs("\\&", to);
        if (*c == '\\')
            fputs("\\e", to);
        else if (*c == '-')
            fputs("\\-", to);
        else if (*c == '\'')
            fputs("\\(aq", to);
        else
            fputc(*c, to);
        begins = *c == '\n';
    }
}

/* Lines as they stand. */
static void put_lines(FILE *to, const char *text)
{
    fputs(".nf\n", to);
    put_plain(to, text);
    fprintf(to, "%s.fi\n", *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
}

static void put_option(FILE *to, const struct option *row)
{
    char *value = opts_value(row);
    fputs(".TP\n.B ", to);
    put_plain(to, row->name[1] ? "--" : "-");
    if (row->kind == OPT_FLAG && row->name[1])
        fputs("[no\\-]", to);
    put_plain(to, row->name);
    if (row->kind != OPT_FLAG) {
        fputs(" \\fI", to);
        put_plain(to, row->argument ? row->argument : "VALUE");
        fputs("\\fR", to);
    }
    fputc('\n', to);
    put_plain(to, row->help);
    if (*value) {
        fputs(" (", to);
        put_plain(to, value);
        fputc(')', to);
    } else if (row->kind == OPT_STRINGS) {
        fputs(" (may be repeated)", to);
    }
    fputs(row->flags & OPT_RECIPE ? "; a recipe key\n" : "\n", to);
    free(value);
}

void opts_man(const struct opts *o, FILE *to)
{
    struct option common[OPTS_COMMON];
    opts_common_rows(o, common);
    size_t count = o->count + OPTS_COMMON;
    char title[80];
    format_into(title, sizeof title, "%s", o->program);
    for (char *c = title; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    fprintf(
        to,
        ".\\\" made from the program's table of options by its --help-man\n.TH %s 1 \"\" \"Petrel %s\" Petrel\n.ad l\n",
        title, program_version());
    fputs(".SH NAME\n", to);
    put_plain(to, o->program);
    fputs(" \\- ", to);
    put_plain(to, o->purpose);
    fputs("\n.SH SYNOPSIS\n.nf\n", to);
    put_plain(to, o->program);
    fputc(' ', to);
    put_plain(to, o->usage);
    fputs("\n.fi\n", to);
    for (size_t i = 0; i < count; i++) {
        const struct option *first = opts_row(o, common, i);
        if (!opts_heads_group(o, common, i))
            continue;
        fputs(".SH ", to);
        for (const char *c = opts_group(first); *c; c++)
            fputc(toupper((unsigned char)*c), to);
        fputc('\n', to);
        for (size_t j = i; j < count; j++) {
            const struct option *row = opts_row(o, common, j);
            if (!(row->flags & OPT_HIDDEN) && strcmp(opts_group(row), opts_group(first)) == 0)
                put_option(to, row);
        }
    }
    fputs(".TP\n.B \\-\\-set \\fIKEY=VALUE\\fR\nany option above, by its recipe key\n"
          ".TP\n.B \\-\\-help\\fR, \\fB\\-\\-version\nall this in short; the version\n",
          to);
    if (o->epilogue && *o->epilogue) {
        fputs(".SH NOTES\n", to);
        put_lines(to, o->epilogue);
    }
    if (opts_wants_exit_codes(o)) {
        fputs(".SH EXIT STATUS\n", to);
        put_lines(to, strchr(opts_exit_codes, '\n') + 1);
    }
    fputs(".SH SEE ALSO\n.BR petrel (1)\n", to);
}
