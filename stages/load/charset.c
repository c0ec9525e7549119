/* SPDX-License-Identifier: Apache-2.0 */
/* charset -- text of DICOM files as UTF-8, by (0008,0005) SpecificCharacterSet.   dicom -> [charset] -> iconv
 *
 * A file may say one repertoire, or several between which escape sequences switch (PS3.5 6.1.2, PS3.3 C.12.1.1.2). Bytes that are not what
 * the file says are taken for UTF-8 where they are that, and else for ISO 8859-1, in which every byte is something: nothing is lost,
 * and what comes out is UTF-8 always. DCMTK's own conversion knows no Japanese where it was built with this system's iconv.
 * Tables are opened before the process locks itself in, because iconv loads them as programs. */
#include "stages/load/charset.h"
#include "common/utf8.h"
#include <ctype.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

/* How iconv calls it; before and after: what makes the bytes of a segment a text of that encoding. */
static struct encoding {
    const char *name, *before, *after;
    iconv_t with;
    bool opened;
} encodings[] = {
#define PLAIN(name)                                                                                                    \
    {                                                                                                                  \
        name, "", "", (iconv_t)-1, false                                                                               \
    }
    PLAIN("ISO-8859-1"),
    PLAIN("ISO-8859-2"),
    PLAIN("ISO-8859-3"),
    PLAIN("ISO-8859-4"),
    PLAIN("ISO-8859-5"),
    PLAIN("ISO-8859-6"),
    PLAIN("ISO-8859-7"),
    PLAIN("ISO-8859-8"),
    PLAIN("ISO-8859-9"),
    PLAIN("ISO-8859-15"),
    PLAIN("TIS-620"),
    PLAIN("SHIFT_JIS"), /* of which JIS X 0201 is the part of one byte */
    PLAIN("GB18030"),
    PLAIN("GBK"),
    PLAIN("EUC-KR"),
    PLAIN("EUC-CN"),
    {"ISO-2022-JP-2", "\033$B", "\033(B", (iconv_t)-1, false},  /* JIS X 0208 */
    {"ISO-2022-JP-2", "\033$(D", "\033(B", (iconv_t)-1, false}, /* JIS X 0212 */
};
enum {
    LATIN_1,
    LATIN_2,
    LATIN_3,
    LATIN_4,
    CYRILLIC,
    ARABIC,
    GREEK,
    HEBREW,
    LATIN_5,
    LATIN_9,
    THAI,
    JIS_201,
    GB_18030,
    GB_K,
    KOREAN,
    GB_2312,
    JIS_208,
    JIS_212,
    UTF_8,
    ASCII
};

/* What a value of SpecificCharacterSet is called after "ISO_IR " or "ISO 2022 IR ", or whole; the escape sequence that switches to it. */
static const struct {
    const char *term, *escape;
    int encoding;
} repertoires[] = {
    {"6", "(B", ASCII},     {"100", "-A", LATIN_1},  {"101", "-B", LATIN_2}, {"109", "-C", LATIN_3},
    {"110", "-D", LATIN_4}, {"144", "-L", CYRILLIC}, {"127", "-G", ARABIC},  {"126", "-F", GREEK},
    {"138", "-H", HEBREW},  {"148", "-M", LATIN_5},  {"203", "-b", LATIN_9}, {"166", "-T", THAI},
    {"13", ")I", JIS_201},  {"14", "(J", JIS_201},   {"87", "$B", JIS_208},  {"159", "$(D", JIS_212},
    {"149", "$)C", KOREAN}, {"58", "$)A", GB_2312},  {"192", NULL, UTF_8},   {"GB18030", NULL, GB_18030},
    {"GBK", NULL, GB_K},
};

static void encoding_open(struct encoding *e)
{
    if (!e->opened)
        e->with = iconv_open("UTF-8", e->name);
    e->opened = true;
}

void charset_start(void)
{
    for (size_t i = 0; i < COUNT_OF(encodings); i++)
        encoding_open(&encodings[i]);
}

static FILE *memory_open(char **made, size_t *size)
{
    FILE *to = open_memstream(made, size);
    if (!to)
        die(EX_OSERR, "no memory for a line of text");
    return to;
}

/* One segment; false: its bytes are not of that encoding, or this system does not have it. */
static bool segment_convert(int encoding, const char *bytes, size_t length, FILE *to)
{
    char out[256];
    if (encoding == ASCII || encoding == UTF_8) {
        for (size_t at = 0, step; at < length; at += step)
            if (!(step = utf8_character(bytes + at, length - at)))
                return false;
        fwrite(bytes, 1, length, to);
        return true;
    }
    struct encoding *e = &encodings[encoding];
    encoding_open(e);
    if (e->with == (iconv_t)-1)
        return false;
    char *whole = xprintf("%s%.*s%s", e->before, (int)length, bytes, e->after), *made = NULL, *in = whole;
    size_t left = strlen(whole), made_size = 0, rc = 0;
    FILE *all = memory_open(&made, &made_size);
    iconv(e->with, NULL, NULL, NULL, NULL);
    while (left && rc != (size_t)-1) {
        char *next = out;
        size_t room = sizeof out, before = left;
        rc = iconv(e->with, &in, &left, &next, &room);
        fwrite(out, 1, (size_t)(next - out), all);
        if (rc == (size_t)-1 && left < before && next > out) /* out of room: there is more */
            rc = 0;
    }
    fclose(all);
    if (rc != (size_t)-1)
        fwrite(made, 1, made_size, to);
    free(made);
    free(whole);
    return rc != (size_t)-1;
}

/* The n-th value's encoding; ASCII where it says none, -1 where it says one that is not known here. */
static int encoding_of(const char *charset)
{
    size_t const length = strcspn(charset, "\\");
    char term[17];
    snprintf(term, sizeof term, "%.*s", (int)(length < 16 ? length : 16), charset);
    const char *word = strncmp(term, "ISO_IR ", 7) == 0         ? term + 7
                       : strncmp(term, "ISO 2022 IR ", 12) == 0 ? term + 12
                                                                : term;
    for (size_t i = 0; i < COUNT_OF(repertoires); i++)
        if (strcmp(repertoires[i].term, word) == 0)
            return repertoires[i].encoding;
    return *term ? -1 : ASCII;
}

/* Behind an escape: the encoding, and how long the sequence is; -1: none that is known. */
static int escape_read(const char *after, size_t *length)
{
    for (size_t i = 0; i < COUNT_OF(repertoires); i++) {
        const char *escape = repertoires[i].escape;
        if (escape && strncmp(after, escape, strlen(escape)) == 0) {
            *length = strlen(escape);
            return repertoires[i].encoding;
        }
    }
    return -1;
}

/* By the book, where it begins in one of the repertoires; false: it does not go. */
static bool text_convert(int first, const char *bytes, FILE *to)
{
    int now = first;
    while (now >= 0 && *bytes) {
        size_t const length = strcspn(bytes, "\033");
        size_t escape = 0;
        if (length && !segment_convert(now, bytes, length, to))
            return false;
        bytes += length;
        if (*bytes != '\033')
            break;
        now = escape_read(bytes + 1, &escape);
        if (now == ASCII) /* of the lower half alone: the upper one stays as it was at first */
            now = first;
        bytes += 1 + escape;
    }
    return now >= 0;
}

static void latin_put(const char *bytes, FILE *to)
{
    for (; *bytes; bytes++) {
        unsigned char const c = (unsigned char)*bytes;
        if (c < 0x80)
            fputc(c, to);
        else
            fprintf(to, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
    }
}

void charset_text(const char *charset, const char *bytes, char *to, size_t size)
{
    char *made = NULL;
    size_t made_size = 0;
    bool converted = false;
    /* it begins in the first one it says; programs that forget to switch begin in another */
    for (const char *value = charset; value && !converted; value = value ? value + 1 : NULL) {
        free(made);
        FILE *out = memory_open(&made, &made_size);
        converted = text_convert(encoding_of(value), bytes, out);
        fclose(out);
        value = strchr(value, '\\');
    }
    if (!converted) {
        free(made);
        FILE *out = memory_open(&made, &made_size);
        if (utf8_valid(bytes))
            fputs(bytes, out);
        else
            latin_put(bytes, out);
        fclose(out);
    }
    for (char *c = made; *c; c++) /* lines and escapes would break a message's own */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    snprintf(to, size, "%.*s", (int)(size - 1), made);
    utf8_clean(to, size);
    free(made);
}
