/* SPDX-License-Identifier: Apache-2.0 */
/* opts_list -- a table of options for other programs: what pipelines and the shell's completion ask.   common */
#include "common/opts_table.h"

static const char *kind_name(enum opt_kind kind)
{
    return kind == OPT_FLAG ? "flag" : kind == OPT_STRINGS ? "values" : "value";
}

void opts_list(const struct opts *o, FILE *to)
{
    struct option common[OPTS_COMMON];
    opts_common_rows(o, common);
    for (size_t i = 0; i < o->count + OPTS_COMMON; i++) {
        const struct option *row = opts_row(o, common, i);
        fprintf(to, "%s\t%s\t%s\t%s\t%s\n", row->name, kind_name(row->kind),
                row->flags & OPT_HIDDEN ? "hidden" : "shown", row->argument ? row->argument : "-",
                row->help ? row->help : "");
    }
}
