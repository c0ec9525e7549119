/* SPDX-License-Identifier: Apache-2.0 */
/* utf8 -- text that is UTF-8 whatever it was made of.   common */
#include "common/utf8.h"
#include <stdlib.h>
#include <string.h>

size_t utf8_character(const char *at, size_t length)
{
    const unsigned char *c = (const unsigned char *)at;
    size_t const size = length == 0   ? 0
                        : c[0] < 0x80 ? 1
                        : c[0] < 0xc2 ? 0
                        : c[0] < 0xe0 ? 2
                        : c[0] < 0xf0 ? 3
                        : c[0] < 0xf5 ? 4
                                      : 0;
    if (size > length)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    /* longer than need be, half of a pair (UTF-16), beyond the last */
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) || (c[0] == 0xf0 && c[1] < 0x90) ||
        (c[0] == 0xf4 && c[1] > 0x8f))
        return 0;
    return size;
}

bool utf8_valid(const char *text)
{
    size_t length = strlen(text);
    while (length) {
        size_t const size = utf8_character(text, length);
        if (!size)
            return false;
        text += size;
        length -= size;
    }
    return true;
}

void utf8_put(FILE *to, const char *text, size_t length)
{
    while (length) {
        size_t const size = utf8_character(text, length), step = size ? size : 1;
        if (size)
            fwrite(text, 1, size, to);
        else
            fprintf(to, "\\x%02x", (unsigned char)*text);
        text += step;
        length -= step;
    }
}

void utf8_clean(char *text, size_t size)
{
    char *made = NULL;
    size_t made_size = 0, length = strlen(text);
    if (length < size && utf8_valid(text))
        return;
    FILE *to = open_memstream(&made, &made_size);
    if (!to)
        die(EX_OSERR, "no memory for a line of text");
    /* its end may have been cut off within a character: what is left of that is no news */
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        unsigned char const c = (unsigned char)text[length - back];
        if ((c & 0xc0) == 0x80)
            continue;
        if (c >= 0xc2 && utf8_character(text + length - back, back) == 0 && length + 4 >= size)
            length -= back;
        break;
    }
    utf8_put(to, text, length);
    fclose(to);
    size_t fits = 0;
    for (size_t step; fits < made_size && (step = utf8_character(made + fits, made_size - fits)) && fits + step < size;)
        fits += step;
    memcpy(text, made, fits);
    text[fits] = '\0';
    free(made);
}
