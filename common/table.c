/* SPDX-License-Identifier: Apache-2.0 */
/* table -- a table of text as spreadsheets save it.   common */
#include "common/table.h"
#include <string.h>
#include <strings.h>

bool table_is(const char *path)
{
    size_t const length = strlen(path);
    return length > 4 && (strcasecmp(path + length - 4, ".tsv") == 0 || strcasecmp(path + length - 4, ".csv") == 0) &&
           file_exists(path);
}

int table_read(const char *path, size_t max_bytes, struct buffer *file, char **text, struct error *e)
{
    if (file_read(path, max_bytes, file, e) < 0)
        return -1;
    const char *mark = (const char *)file->data;
    bool const wide = file->size >= 2 && (memcmp(mark, "\xff\xfe", 2) == 0 || memcmp(mark, "\xfe\xff", 2) == 0);
    if (wide || memchr(mark, 0, file->size)) {
        buffer_free(file);
        return fail(e, "cannot read '%s': it is %s: save it as UTF-8 text", path,
                    wide ? "UTF-16" : "no text (it holds zeros)");
    }
    *text = (char *)file->data + (file->size >= 3 && memcmp(mark, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);
    return 0;
}

char *table_line(char **text)
{
    char *line = *text, *end = line ? line + strcspn(line, "\r\n") : NULL;
    if (!line || !*line)
        return NULL;
    *text = *end ? end + 1 + (end[0] == '\r' && end[1] == '\n') : end;
    *end = '\0';
    return line;
}

char table_separator(const char *line)
{
    return strchr(line, '\t') ? '\t' : strchr(line, ';') ? ';' : strchr(line, ',') ? ',' : '\t';
}

/* What is between quotes goes to `to`, doubled ones as one; returns what is behind them, NULL: they do not end. */
static char *quoted(char *from, char *to)
{
    for (; *from; from++) {
        if (*from == '"' && *++from != '"') {
            *to = '\0';
            return from;
        }
        *to++ = *from;
    }
    *to = '\0';
    return NULL;
}

char *table_field(char **line, char separator, bool *bad)
{
    char *field = *line + strspn(*line, " "), *end;
    if (*field == '"') {
        char *after = quoted(field + 1, field);
        if (!after) {
            *bad = true;
            *line = NULL;
            return field;
        }
        after += strspn(after, " ");
        *bad |= *after && *after != separator; /* text behind the quotes */
        end = strchr(after, separator);
    } else {
        end = strchr(field, separator);
        char *last = end ? end : field + strlen(field);
        while (last > field && last[-1] == ' ')
            last--;
        *last = '\0';
    }
    *line = end ? end + 1 : NULL;
    if (end)
        *end = '\0';
    return field;
}
