/* SPDX-License-Identifier: Apache-2.0 */
/* hide -- names of files and folders out of all that is written down.   find -> [hide] -> facts, logs */
#include "stages/load/hide.h"
#include "common/file.h"
#include "common/metric.h"
#include "common/pseudonym.h"
#include "stages/load/load.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of layouts (docs/layouts.md): every archive has them, so they say nothing of anybody. */
static const char *const layout_words[] = {"SUV",    "PET",          "PT",    "CT",        "CTres",    "SEG",
                                           "TTB",    "ORGANS",       "mask",  "masks",     "label",    "labels",
                                           "image",  "images",       "scans", "imagesTr",  "labelsTr", "imagesTs",
                                           "cohort", "segmentation", "DICOM", "scans.tsv", "list.tsv"};
enum { KNOWN_SHORTEST = 3 };

/* Texts in order, each once. */
struct words {
    char **word;
    size_t count, room;
};
static struct {
    const char *salt;
    int table;
    struct words known, linked;
} hidden = {.table = -1};

static size_t words_place(const struct words *w, const char *word)
{
    size_t low = 0, high = w->count;
    while (low < high) {
        size_t const middle = (low + high) / 2;
        if (strcmp(w->word[middle], word) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool words_have(const struct words *w, const char *word)
{
    size_t const at = words_place(w, word);
    return at < w->count && strcmp(w->word[at], word) == 0;
}

/* false: it is there already. */
static bool words_add(struct words *w, const char *word)
{
    size_t const at = words_place(w, word);
    if (at < w->count && strcmp(w->word[at], word) == 0)
        return false;
    if (w->count == w->room)
        w->word = xresize(w->word, w->room = w->room ? 2 * w->room : 64, sizeof *w->word);
    memmove(w->word + at + 1, w->word + at, (w->count - at) * sizeof *w->word);
    w->word[at] = xstrdup(word);
    w->count++;
    return true;
}

/* ---- one component ---- */

/* Where its name ends and what says nothing of anybody begins: ".nii.gz", and the "#2" of a folder's second series. */
static size_t name_length(const char *component)
{
    size_t length = strlen(component), digits = length;
    while (digits && isdigit((unsigned char)component[digits - 1]))
        digits--;
    if (digits && digits < length && component[digits - 1] == '#')
        length = digits - 1;
    size_t const stem = image_stem(component);
    return stem && stem < length ? stem : length;
}

static bool is_layout_word(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT_OF(layout_words); i++)
        if (strlen(layout_words[i]) == length && strncasecmp(layout_words[i], name, length) == 0)
            return true;
    return false;
}

static bool says_nothing(const char *name, size_t length)
{
    return length == 0 || strspn(name, ".") >= length || is_layout_word(name, length);
}

static void put_component(FILE *to, const char *salt, const char *component)
{
    size_t const length = name_length(component);
    if (says_nothing(component, length)) {
        fputs(component, to);
        return;
    }
    char *name = xprintf("%.*s", (int)length, component), pseudonym[PSEUDONYM_LENGTH + 1];
    hash_name(salt, name, pseudonym);
    fprintf(to, "%s%s", pseudonym, component + length);
    if (hidden.table >= 0 && words_add(&hidden.linked, name)) {
        char *line = xprintf("%s\t%s\n", pseudonym, name);
        for (char *c = line; *c; c++) /* a name may hold anything; a line is one */
            if (*c == '\n' && c[1])
                *c = '?';
        (void)!write(hidden.table, line, strlen(line)); /* what cannot be linked stays hidden */
        free(line);
    }
    free(name);
}

char *hide_path(const char *salt, const char *path)
{
    char *made = NULL, *parts = xstrdup(path), *rest = parts, *component;
    size_t size = 0;
    FILE *to = open_memstream(&made, &size);
    if (!to)
        die(EX_OSERR, "out of memory");
    while ((component = strsep(&rest, "/"))) {
        put_component(to, salt, component);
        if (rest)
            fputc('/', to);
    }
    fclose(to);
    free(parts);
    return made;
}

/* ---- texts ---- */

void hide_know(const char *path)
{
    if (hidden.table < 0)
        return;
    char *parts = xstrdup(path), *rest = parts, *component;
    while ((component = strsep(&rest, "/"))) {
        size_t const length = name_length(component);
        if (says_nothing(component, length))
            continue;
        words_add(&hidden.known, component);
        component[length] = '\0';
        words_add(&hidden.known, component);
    }
    free(parts);
}

/* Letters and digits of any alphabet, and what joins them in names of files. */
static bool of_name(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || (c && strchr("_-.#", c));
}

static bool of_word(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Is what stands in quotes a path? What holds a slash may be a unit or a date, too. */
static bool is_path(const char *text)
{
    struct stat status;
    bool known = false;
    char *parts = xstrdup(text), *rest = parts, *component;
    while ((component = strsep(&rest, "/")))
        known |= words_have(&hidden.known, component);
    free(parts);
    if (known)
        return true;
    return strchr(text, '/') && (*text == '/' || strncmp(text, "./", 2) == 0 || strncmp(text, "../", 3) == 0 ||
                                 image_stem(path_base(text)) || lstat(text, &status) == 0);
}

/* Only letters, or only digits: it may be a word or a number of any sentence. */
static bool is_ordinary(const char *name)
{
    size_t letters = 0, digits = 0, others = 0;
    for (; *name; name++)
        *(isdigit((unsigned char)*name) ? &digits : of_word(*name) ? &letters : &others) += 1;
    return !others && !(letters && digits);
}

/* Outside of quotes: names that are no ordinary words. */
static void put_plain(FILE *to, const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t n = 0;
        while (i + n < length && of_name(text[i + n]))
            n++;
        size_t end = n; /* a full stop after it is the sentence's */
        while (end && text[i + end - 1] == '.')
            end--;
        char *name = xprintf("%.*s", (int)end, text + i);
        if (end >= KNOWN_SHORTEST && words_have(&hidden.known, name) && !is_ordinary(name)) {
            put_component(to, hidden.salt, name);
            fwrite(text + i + end, 1, n - end, to);
        } else {
            fwrite(text + i, 1, n ? n : 1, to);
        }
        free(name);
        i += n ? n : 1;
    }
}

/* Where the quotation that begins at text[0] == '\'' ends; 0: it is an apostrophe. */
static size_t quotation(const char *text, char before)
{
    if (of_word(before) || text[1] == ' ' || !text[1])
        return 0;
    for (size_t i = 1; text[i]; i++)
        if (text[i] == '\'' && !of_word(text[i + 1]))
            return i;
    return 0;
}

char *hide_text(const char *text)
{
    if (hidden.table < 0)
        return xstrdup(text);
    char *made = NULL;
    size_t size = 0, from = 0, at = 0;
    FILE *to = open_memstream(&made, &size);
    if (!to)
        die(EX_OSERR, "out of memory");
    while (text[at]) {
        size_t const end = text[at] == '\'' ? quotation(text + at, at ? text[at - 1] : ' ') : 0;
        if (!end) {
            at++;
            continue;
        }
        char *quoted = xprintf("%.*s", (int)end - 1, text + at + 1);
        put_plain(to, text + from, at - from);
        if (is_path(quoted)) {
            char *hides = hide_path(hidden.salt, quoted);
            fprintf(to, "'%s'", hides);
            free(hides);
        } else {
            fputc('\'', to);
            put_plain(to, quoted, strlen(quoted));
            fputc('\'', to);
        }
        free(quoted);
        from = at += end + 1;
    }
    put_plain(to, text + from, at - from);
    fclose(to);
    return made;
}

/* ---- its start ---- */

static void read_linked(const char *path)
{
    struct pseudonyms there;
    struct error e = {0};
    if (pseudonyms_read(&there, path, &e))
        die_of(&e);
    for (size_t i = 0; i < there.count; i++) {
        char now[PSEUDONYM_LENGTH + 1]; /* with another salt it is another's */
        hash_name(hidden.salt, there.one[i].name, now);
        if (strcmp(now, there.one[i].key) == 0)
            words_add(&hidden.linked, there.one[i].name);
    }
    pseudonyms_free(&there);
}

int hide_open(const char *salt, const char *path, struct error *e)
{
    hidden.salt = xstrdup(salt);
    int const table = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (table < 0 || fchmod(table, 0600))
        return fail_as(e, EX_CANTCREAT, "cannot write '%s', which says what stands for names of files: %s", path,
                       strerror(errno));
    read_linked(path);
    hidden.table = table;
    text_hook(hide_text, metric_watched() ? TEXT_LOGS : TEXT_RECORDS);
    return 0;
}

int hide_descriptor(void)
{
    return hidden.table;
}
