/* SPDX-License-Identifier: Apache-2.0 */
/* paths -- where DICOM files may lie.   [paths] -> dicom */
#include "stages/export/paths.h"
#include "common/table.h"
#include <stdlib.h>
#include <string.h>

enum { LIST_MOST = 1 << 28 };

static void add(struct names *to, char *path)
{
    to->name = xresize(to->name, to->count + 1, sizeof *to->name);
    to->name[to->count++] = path;
}

int paths_add(struct names *to, const char *path, struct error *e)
{
    struct buffer file = {0};
    char *text, separator = '\0';
    if (!table_is(path)) {
        add(to, xstrdup(path));
        return 0;
    }
    if (table_read(path, LIST_MOST, &file, &text, e) < 0)
        return -1;
    const char *name = path_base(path);
    char *dir = name == path ? xstrdup(".") : xprintf("%.*s", (int)(name - path), path);
    for (char *line; (line = table_line(&text));) {
        if (*line == '#' || *line == '\0')
            continue;
        if (!separator) /* the header */
            separator = table_separator(line);
        bool bad = false;
        while (line && !bad) {
            const char *cell = table_field(&line, separator, &bad);
            char *at = *cell ? path_join(dir, cell) : NULL;
            if (at && (file_exists(at) || dir_exists(at)))
                add(to, at);
            else
                free(at);
        }
    }
    free(dir);
    buffer_free(&file);
    return 0;
}
