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

/* "[pairs train]" -> "pairs train" in *section. */
static int read_heading(char *line, char **section, struct error *e)
{
    size_t length = strlen(line);
    if (line[length - 1] != ']')
        return fail_as(e, EX_CONFIG, "no ']' in '%s' (write '[name]')", line);
    line[length - 1] = '\0';
    char *names = xstrdup(line + 1), *copy = xstrdup(names), *rest = NULL;
    bool bad = false;
    size_t count = 0;
    for (char *word = strtok_r(copy, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest), count++)
        bad |= !is_name(word);
    free(copy);
    if (bad || !count) {
        fail_as(e, EX_CONFIG, "'[%s]' is no heading (names are lower-case letters, digits and '_')", names);
        free(names);
        return -1;
    }
    free(*section);
    *section = names;
    return 0;
}

static int read_line(char *line, char **section, setter *set, void *context, struct error *e)
{
    cut_comment(line);
    line = trim(line);
    if (!*line)
        return 0;
    if (*line == '[')
        return read_heading(line, section, e);
    char *equals = strchr(line, '=');
    if (!equals)
        return fail_as(e, EX_CONFIG, "no '=' in '%s' (write 'key = value')", line);
    *equals = '\0';
    char *key = trim(line), *value = trim(equals + 1);
    if (!is_name(key))
        return fail_as(e, EX_CONFIG, "'%s' is no key (keys are lower-case letters, digits and '_')", key);
    if (!*section)
        return set(context, key, value, e);
    int result = 0;
    char *names = xstrdup(*section), *rest = NULL;
    for (char *name = strtok_r(names, " \t", &rest); name && !result; name = strtok_r(NULL, " \t", &rest)) {
        char *full = xprintf("%s.%s", name, key);
        result = set(context, full, value, e);
        free(full);
    }
    free(names);
    return result;
}

int config_read(const char *path, setter *set, void *context, struct error *e)
{
    struct buffer text = {0};
    if (file_read(path, CONFIG_MAX_BYTES, &text, e))
        return -1;
    int result = 0;
    if (memchr(text.data, '\0', text.size))
        result = fail_as(e, EX_CONFIG, "cannot read '%s': it holds a NUL byte (is it a text file?)", path);
    char *line = (char *)text.data, *section = NULL;
    for (int number = 1; line && !result; number++) {
        char *next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (read_line(line, &section, set, context, e))
            result = fail_in(e, "'%s' line %d", path, number);
        line = next;
    }
    free(section);
    buffer_free(&text);
    return result;
}
