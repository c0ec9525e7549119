/* SPDX-License-Identifier: Apache-2.0 */
/* pseudonym -- what stands for the name of a file or folder.   common */
#include "common/pseudonym.h"
#include "common/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *pseudonyms_path(const char *run_dir)
{
    const char *said = getenv("PETREL_NAMES");
    if (said && *said)
        return xstrdup(said);
    size_t length = strlen(run_dir);
    while (length > 1 && run_dir[length - 1] == '/')
        length--;
    char *within = path_join(run_dir, "names");
    if (file_exists(within))
        return within;
    free(within);
    return xprintf("%.*s.names", (int)length, run_dir);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Hexadecimal digits from here on. */
static size_t hex_run(const char *text)
{
    size_t n = 0;
    while (is_hex(text[n]))
        n++;
    return n;
}

static int key_order(const void *a, const void *b)
{
    return strcmp(((const struct pseudonym *)a)->key, ((const struct pseudonym *)b)->key);
}

int pseudonyms_read(struct pseudonyms *p, const char *path, struct error *e)
{
    struct buffer b = {0};
    *p = (struct pseudonyms){0};
    if (!file_exists(path))
        return 0;
    if (file_read(path, (size_t)1 << 30, &b, e))
        return -1;
    char *rest = (char *)b.data;
    for (char *line; (line = strsep(&rest, "\n")) && rest;) {
        if (hex_run(line) != PSEUDONYM_LENGTH || line[PSEUDONYM_LENGTH] != '\t')
            continue;
        if ((p->count & (p->count - 1)) == 0)
            p->one = xresize(p->one, p->count ? 2 * p->count : 1, sizeof *p->one);
        struct pseudonym *one = &p->one[p->count++];
        format_into(one->key, sizeof one->key, "%.*s", PSEUDONYM_LENGTH, line);
        one->name = xstrdup(line + PSEUDONYM_LENGTH + 1);
    }
    buffer_free(&b);
    if (p->count)
        qsort(p->one, p->count, sizeof *p->one, key_order);
    return 0;
}

char *pseudonyms_reveal(const struct pseudonyms *p, const char *text)
{
    char *made = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&made, &size);
    if (!to)
        die(EX_OSERR, "no memory for a line of text");
    for (const char *at = text; *at;) {
        size_t const run = hex_run(at);
        struct pseudonym wanted;
        const struct pseudonym *is = NULL;
        if (run == PSEUDONYM_LENGTH && p->count) {
            format_into(wanted.key, sizeof wanted.key, "%.*s", PSEUDONYM_LENGTH, at);
            is = bsearch(&wanted, p->one, p->count, sizeof *p->one, key_order);
        }
        size_t const length = run ? run : 1;
        if (is)
            fputs(is->name, to);
        else
            fwrite(at, 1, length, to);
        at += length;
    }
    fclose(to);
    return made;
}

void pseudonyms_free(struct pseudonyms *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->one[i].name);
    free(p->one);
    *p = (struct pseudonyms){0};
}
