/* SPDX-License-Identifier: Apache-2.0 */
/* config -- "key = value" files.   common */
#include "common/config.h"

#include "common/file.h"

#include <stdlib.h>
#include <string.h>

typedef int setter(void *context, const char *key, const char *value, struct error *e);

enum { CONFIG_MAX_BYTES = 1 << 20 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static char *trim(char *s)
{
    while (is_blank(*s))
        s++;
    size_t length = strlen(s);
    while (length && is_blank(s[length - 1]))
        s[--length] = '\0';
    return s;
}

/* A '#' inside a word ("run#3.h5") belongs to the word, so that any path without blanks can be a value. */
static void cut_comment(char *line)
{
    for (char *c = line; (c = strchr(c, '#')); c++)
        if (c == line || is_blank(c[-1])) {
            *c = '\0';
            return;
        }
}

static bool is_name(const char *s)
{
    return *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

static int read_line(char *line, setter *set, void *context, struct error *e)
{
    cut_comment(line);
    line = trim(line);
    if (!*line)
        return 0;
    char *equals = strchr(line, '=');
    if (!equals)
        return fail_as(e, EX_CONFIG, "no '=' in '%s' (write 'key = value')", line);
    *equals = '\0';
    char *key = trim(line), *value = trim(equals + 1);
    if (!is_name(key))
        return fail_as(e, EX_CONFIG, "'%s' is no key (keys are lower-case letters, digits and '_')", key);
    return set(context, key, value, e);
}

int config_read(const char *path, setter *set, void *context, struct error *e)
{
    struct buffer text = {0};
    if (file_read(path, CONFIG_MAX_BYTES, &text, e))
        return -1;
    int result = 0;
    if (memchr(text.data, '\0', text.size))
        result = fail_as(e, EX_CONFIG, "cannot read '%s': it holds a NUL byte (is it a text file?)", path);
    char *line = (char *)text.data;
    for (int number = 1; line && !result; number++) {
        char *next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (read_line(line, set, context, e))
            result = fail_in(e, "'%s' line %d", path, number);
        line = next;
    }
    buffer_free(&text);
    return result;
}
